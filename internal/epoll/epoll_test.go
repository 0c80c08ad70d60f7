package epoll

import (
	"testing"

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
