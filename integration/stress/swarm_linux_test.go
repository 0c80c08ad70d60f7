package stress

import (
	"bytes"
	"runtime"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"gosentinel/internal/resp"
)

// swarm is many subscribers of one Sentinel. One thread waits for all of them
// and reads, and does nothing else, so that what is measured is the Sentinel.
type swarm struct {
	t     *testing.T
	to    *unix.SockaddrInet4
	epoll int
	wake  [2]int // a pipe: the reader ends when its writing end is closed
	ended chan struct{}

	members []int // by descriptor: number of the subscriber, from 1
	count   int   // subscribers that read
	rounds  chan chan []time.Time
	fds     []int
}

// lookPeriod is how often the sockets are looked at once a message has come,
// and so how exact the times are. A thread that slept on the sockets would have
// to be woken by every single write, at the cost of who writes.
const lookPeriod = 500 * time.Microsecond

// newSwarm makes an empty one, for the Sentinel at that port of 127.0.0.1.
func newSwarm(t *testing.T, port int) *swarm {
	s := &swarm{t: t, to: &unix.SockaddrInet4{Port: port, Addr: [4]byte{127, 0, 0, 1}}, ended: make(chan struct{}), rounds: make(chan chan []time.Time, 1)}
	var err error
	s.epoll, err = unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	require.NoError(t, err)
	require.NoError(t, unix.Pipe2(s.wake[:], unix.O_CLOEXEC))
	require.NoError(t, unix.EpollCtl(s.epoll, unix.EPOLL_CTL_ADD, s.wake[0], &unix.EpollEvent{Events: unix.EPOLLIN, Fd: int32(s.wake[0])}))
	return s
}

// dial connects and sends one command.
func (s *swarm) dial(receive int, words ...string) int {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	require.NoError(s.t, err)
	s.fds = append(s.fds, fd)
	if receive > 0 {
		require.NoError(s.t, unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUF, receive))
	}
	require.NoError(s.t, unix.Connect(fd, s.to))
	_, err = unix.Write(fd, resp.AppendCommand(nil, words...))
	require.NoError(s.t, err)
	return fd
}

// listen adds a subscriber of +switch-master that reads, once it is confirmed.
func (s *swarm) listen() {
	fd := s.dial(0, "SUBSCRIBE", "+switch-master")
	want := "*3\r\n$9\r\nsubscribe\r\n$14\r\n+switch-master\r\n:1\r\n"
	buf := make([]byte, len(want))
	for got := 0; got < len(want); {
		n, err := unix.Read(fd, buf[got:])
		require.NoError(s.t, err)
		require.Positive(s.t, n, "the connection was closed")
		got += n
	}
	require.Equal(s.t, want, string(buf))
	require.NoError(s.t, unix.SetNonblock(fd, true))
	for len(s.members) <= fd {
		s.members = append(s.members, 0)
	}
	s.count++
	s.members[fd] = s.count
	require.NoError(s.t, unix.EpollCtl(s.epoll, unix.EPOLL_CTL_ADD, fd, &unix.EpollEvent{Events: unix.EPOLLIN, Fd: int32(fd)}))
}

// stick adds a subscriber that never reads, and whose socket takes little.
func (s *swarm) stick(words ...string) { s.dial(1, words...) }

// start begins to read. All that listen must be there.
func (s *swarm) start() { go s.read() }

// read notes when each subscriber gets the message of a round.
func (s *swarm) read() {
	runtime.LockOSThread()
	defer close(s.ended)
	var round chan []time.Time
	var at []time.Time
	left := 0
	buf := make([]byte, 64<<10)
	events := make([]unix.EpollEvent, 2048)
	for {
		wait := -1
		if round != nil {
			unix.Nanosleep(&unix.Timespec{Nsec: lookPeriod.Nanoseconds()}, nil)
			wait = 0
		}
		n, err := unix.EpollWait(s.epoll, events, wait)
		if err != nil && err != unix.EINTR {
			return
		}
		for _, e := range events[:max(n, 0)] {
			if int(e.Fd) == s.wake[0] {
				return
			}
			k, err := unix.Read(int(e.Fd), buf)
			now := time.Now()
			if k <= 0 {
				if err != unix.EAGAIN {
					_ = unix.EpollCtl(s.epoll, unix.EPOLL_CTL_DEL, int(e.Fd), nil)
				}
				continue
			}
			if round == nil {
				round = <-s.rounds
				at, left = make([]time.Time, s.count), s.count
			}
			if i := s.members[e.Fd] - 1; at[i].IsZero() && bytes.HasPrefix(buf[:k], []byte("*3\r\n$7\r\nmessage\r\n$14\r\n+switch-master\r\n")) {
				at[i] = now
				left--
			}
			if left == 0 {
				round <- at
				round = nil
			}
		}
	}
}

// expect says that a round begins: all get one message now. What it returns
// gives when each had it.
func (s *swarm) expect() <-chan []time.Time {
	round := make(chan []time.Time, 1)
	s.rounds <- round
	return round
}

// close ends all.
func (s *swarm) close() {
	unix.Close(s.wake[1])
	<-s.ended
	for _, fd := range append(s.fds, s.epoll, s.wake[0]) {
		unix.Close(fd)
	}
}

// mayOpen sees to it that so many descriptors can be open at once.
func mayOpen(t *testing.T, n int) {
	var limit unix.Rlimit
	require.NoError(t, unix.Getrlimit(unix.RLIMIT_NOFILE, &limit))
	if limit.Cur < uint64(n) {
		limit.Cur, limit.Max = uint64(n), max(uint64(n), limit.Max)
		require.NoError(t, unix.Setrlimit(unix.RLIMIT_NOFILE, &limit), "%d descriptors", n)
	}
}
