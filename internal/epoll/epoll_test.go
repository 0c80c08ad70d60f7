package epoll

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

func pair(t *testing.T) (a, b int) {
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
	require.NoError(t, err)
	t.Cleanup(func() {
		unix.Close(fds[0])
		unix.Close(fds[1])
	})
	return fds[0], fds[1]
}

func TestEventsCarryTheirTagOnceForEachChange(t *testing.T) {
	p, err := Open(4)
	require.NoError(t, err)
	t.Cleanup(func() { p.Close() })
	a, b := pair(t)
	const tag = 0xfedcba9876543210
	require.NoError(t, p.Add(a, unix.EPOLLIN, tag))
	require.Empty(t, p.Take())
	for range 2 {
		_, errno := Write(uintptr(b), []byte("x"))
		require.Zero(t, errno)
		events, err := p.Wait()
		require.NoError(t, err)
		require.Len(t, events, 1)
		require.EqualValues(t, uint64(tag), Tag(&events[0]))
		require.NotZero(t, events[0].Events&unix.EPOLLIN)
		require.Empty(t, p.Take(), "what is still unread is no change")
	}
	require.Error(t, p.Add(-1, unix.EPOLLIN, 0))
}

// Each misses nothing, be it more than it takes at a time or told while it is at
// work, and ends with the Poll.
func TestEachTellsEveryChange(t *testing.T) {
	p, err := Open(2)
	require.NoError(t, err)
	const sockets, rounds = 5, 2000
	var near, far [sockets]int
	for i := range far {
		a, b := pair(t)
		near[i], far[i] = a, b
		require.NoError(t, p.Add(a, unix.EPOLLIN, uint64(i)))
	}
	told := make(chan uint64, sockets)
	ended := make(chan error)
	go func() {
		ended <- p.Each(func(events []unix.EpollEvent) {
			for i := range events {
				var b [8]byte
				_, errno := Read(uintptr(near[Tag(&events[i])]), b[:])
				assert.Zero(t, errno)
				told <- Tag(&events[i])
			}
		})
	}()
	for range rounds {
		var missing [sockets]bool
		for i, b := range far {
			missing[i] = true
			_, errno := Write(uintptr(b), []byte("x"))
			require.Zero(t, errno)
		}
		for range far {
			tag := <-told
			require.True(t, missing[tag])
			missing[tag] = false
		}
	}
	require.NoError(t, p.Close())
	require.Error(t, <-ended)
}

func TestCloseEndsAWait(t *testing.T) {
	p, err := Open(4)
	require.NoError(t, err)
	ended := make(chan error)
	go func() {
		_, err := p.Wait()
		ended <- err
	}()
	require.NoError(t, p.Close())
	require.Error(t, <-ended)
	require.Error(t, p.Add(0, unix.EPOLLIN, 0))
}

func TestReadAndWriteDoNotWait(t *testing.T) {
	a, b := pair(t)
	var buf [8]byte
	_, errno := Read(uintptr(a), buf[:])
	require.Equal(t, unix.EAGAIN, errno)
	n, errno := Write(uintptr(b), []byte("abc"))
	require.Equal(t, 3, n)
	require.Zero(t, errno)
	n, errno = Read(uintptr(a), buf[:])
	require.Equal(t, "abc", string(buf[:n]))
	require.Zero(t, errno)
	big := make([]byte, 1<<20)
	for errno = 0; errno == 0; {
		_, errno = Write(uintptr(b), big)
	}
	require.Equal(t, unix.EAGAIN, errno)
	require.NoError(t, unix.Shutdown(b, unix.SHUT_WR))
	for n = 1; n > 0; {
		n, errno = Read(uintptr(a), big)
	}
	require.Zero(t, errno, "the end")
}
