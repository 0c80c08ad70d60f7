package link

import (
	"fmt"
	"os"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"

	"gosentinel/internal/epoll"
)

// maxReady is how many events one wait brings at most.
const maxReady = 256

// watchFor is what is wanted of a socket: a socket is registered once and never
// again.
const watchFor = unix.EPOLLIN | unix.EPOLLOUT | unix.EPOLLRDHUP

// noSocket is the tag of the descriptors that are no sockets.
const noSocket = ^uint64(0)

// Whether the goroutine of a poller waits, and whether it has been called.
const (
	awake uint32 = iota
	asleep
	called
)

// poller waits for many sockets, a moment and a call of wake, whichever comes
// first. Only wake may be called from any goroutine.
//
// The moment is a timer's descriptor: the runtime's timers count whole
// milliseconds, and epoll_pwait2 is unknown to older system call filters
// (C-119).
type poller struct {
	poll         *epoll.Poll
	event, timer int
	armed        time.Time // what timer is set to
	state        atomic.Uint32
}

// open makes the descriptors.
func (p *poller) open() (err error) {
	p.event, p.timer = -1, -1
	if p.poll, err = epoll.Open(maxReady); err != nil {
		return err
	}
	if p.event, err = unix.Eventfd(0, unix.EFD_CLOEXEC|unix.EFD_NONBLOCK); err != nil {
		return os.NewSyscallError("eventfd2", err)
	}
	if p.timer, err = unix.TimerfdCreate(unix.CLOCK_MONOTONIC, unix.TFD_CLOEXEC|unix.TFD_NONBLOCK); err != nil {
		return os.NewSyscallError("timerfd_create", err)
	}
	if err = p.poll.Add(p.event, unix.EPOLLIN, noSocket); err != nil {
		return err
	}
	return p.poll.Add(p.timer, unix.EPOLLIN, noSocket)
}

func (p *poller) close() {
	if p.poll != nil {
		p.poll.Close()
	}
	for _, fd := range []int{p.event, p.timer} {
		if fd >= 0 {
			unix.Close(fd)
		}
	}
}

// wait waits until something is ready, until the moment until, or for a wake
// that came since the last wait; not at all if busy. The events are valid until
// the next call.
func (p *poller) wait(until time.Time, busy bool) (events []unix.EpollEvent) {
	// Who has been called since the last wait only looks, and so loses no call.
	if busy || !p.arm(until) || !p.state.CompareAndSwap(awake, asleep) {
		events = p.poll.Take()
	} else {
		var err error
		if events, err = p.poll.Wait(); err != nil {
			panic(fmt.Sprintf("waiting for sockets: %v", err)) // only after close
		}
	}
	p.state.Store(awake)
	return events
}

// arm sets the timer. It reports false if the moment has come.
func (p *poller) arm(until time.Time) bool {
	wait := time.Until(until)
	if wait <= 0 {
		return false
	}
	// The timer stands as it was set: a system call less.
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
