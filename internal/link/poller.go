package link

import (
	"fmt"
	"os"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// maxReady is how many events one wait brings at most.
const maxReady = 256

// watchFor is what is wanted of a socket: one event for each change, so that a
// socket is registered once and never again.
const watchFor = unix.EPOLLIN | unix.EPOLLOUT | unix.EPOLLRDHUP | unix.EPOLLET

// When the goroutine that waits does so as all others do, through the runtime's
// own poller: where it waits long, and from time to time in any case. A thread
// that waits in a system call by itself is cheaper, but the runtime takes one
// that did not pass the scheduler for 10 ms for one that computes: it takes its
// processor away during each call, and looks every 20 µs for the next.
const (
	longWait  = time.Millisecond
	parkEvery = 5 * time.Millisecond
)

// Whether the goroutine of a poller waits, and whether it has been called.
const (
	awake uint32 = iota
	asleep
	called
)

// poller waits for many sockets, a moment and a call of wake, whichever comes
// first. Only wake may be called from any goroutine.
//
// The moment is a timer's descriptor: epoll_wait counts whole milliseconds, and
// epoll_pwait2 is unknown to older system call filters (C-119).
type poller struct {
	epoll, event, timer int
	file                *os.File // of epoll: the runtime's poller watches it
	raw                 syscall.RawConn
	tryTake             func(fd uintptr) bool
	armed               time.Time // what timer is set to
	parked              time.Time // when the goroutine last passed the scheduler
	state               atomic.Uint32
	ready               [maxReady]unix.EpollEvent
	n                   int // of ready, that are valid
	tries               int // of tryTake
}

// open makes the descriptors.
func (p *poller) open() (err error) {
	p.epoll, p.event, p.timer = -1, -1, -1
	if p.epoll, err = unix.EpollCreate1(unix.EPOLL_CLOEXEC); err != nil {
		return os.NewSyscallError("epoll_create1", err)
	}
	if p.event, err = unix.Eventfd(0, unix.EFD_CLOEXEC|unix.EFD_NONBLOCK); err != nil {
		return os.NewSyscallError("eventfd2", err)
	}
	if p.timer, err = unix.TimerfdCreate(unix.CLOCK_MONOTONIC, unix.TFD_CLOEXEC|unix.TFD_NONBLOCK); err != nil {
		return os.NewSyscallError("timerfd_create", err)
	}
	for _, fd := range []int{p.event, p.timer} {
		ev := unix.EpollEvent{Events: unix.EPOLLIN | unix.EPOLLET, Fd: int32(fd)}
		if err := unix.EpollCtl(p.epoll, unix.EPOLL_CTL_ADD, fd, &ev); err != nil {
			return os.NewSyscallError("epoll_ctl", err)
		}
	}
	if err := unix.SetNonblock(p.epoll, true); err != nil { // else the runtime does not watch it
		return os.NewSyscallError("fcntl", err)
	}
	p.file = os.NewFile(uintptr(p.epoll), "epoll")
	p.tryTake = func(uintptr) bool {
		p.tries++
		p.take(0)
		return p.n > 0
	}
	p.raw, err = p.file.SyscallConn()
	return err
}

func (p *poller) close() {
	if p.file != nil {
		p.file.Close()
		p.epoll = -1
	}
	for _, fd := range []int{p.epoll, p.event, p.timer} {
		if fd >= 0 {
			unix.Close(fd)
		}
	}
}

// add watches a socket. Its events carry generation, by which one that is told
// of a descriptor's former owner is known. A descriptor that is closed is
// watched no more.
func (p *poller) add(fd int, generation uint32) error {
	ev := unix.EpollEvent{Events: watchFor, Fd: int32(fd), Pad: int32(generation)}
	return os.NewSyscallError("epoll_ctl", unix.EpollCtl(p.epoll, unix.EPOLL_CTL_ADD, fd, &ev))
}

// wait waits until something is ready, until the moment until, or for a wake
// that came since the last wait; not at all if busy. The events are valid until
// the next call.
func (p *poller) wait(until time.Time, busy bool) []unix.EpollEvent {
	now := time.Now()
	switch {
	case busy || !p.arm(until, now) || !p.state.CompareAndSwap(awake, asleep):
		p.take(0)
	case until.Sub(now) >= longWait || now.Sub(p.parked) >= parkEvery:
		p.park(now)
	default:
		p.take(-1)
	}
	p.state.Store(awake)
	return p.ready[:p.n]
}

// take takes what is ready, after waiting for it in a system call if timeout is
// -1, not if it is 0.
func (p *poller) take(timeout int) {
	n, err := unix.EpollWait(p.epoll, p.ready[:], timeout)
	if err != nil && err != unix.EINTR {
		panic(fmt.Sprintf("epoll_wait: %v", err)) // only a wrong descriptor gives one
	}
	p.n = max(n, 0)
}

// park waits through the runtime's poller.
func (p *poller) park(now time.Time) {
	p.tries = 0
	if err := p.raw.Read(p.tryTake); err != nil {
		panic(fmt.Sprintf("waiting for epoll: %v", err)) // only a closed one gives one
	}
	if p.tries > 1 {
		p.parked = now
	}
}

// arm sets the timer. It reports false if the moment has come.
func (p *poller) arm(until, now time.Time) bool {
	wait := until.Sub(now)
	if wait <= 0 {
		return false
	}
	if until.Equal(p.armed) {
		return true
	}
	spec := unix.ItimerSpec{Value: unix.NsecToTimespec(int64(wait))}
	if err := unix.TimerfdSettime(p.timer, 0, &spec, nil); err != nil {
		panic(fmt.Sprintf("timerfd_settime: %v", err)) // only a wrong argument gives one
	}
	p.armed = until
	return true
}

// wake ends the wait that is under way, or else the next one.
func (p *poller) wake() {
	if p.state.Swap(called) != asleep {
		return
	}
	one := [8]byte{1}
	_, _ = unix.Write(p.event, one[:]) // a full counter wakes as well
}
