package listener

import (
	"os"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

const (
	eventsPerRound = 128 // connections that one round of a reactor looks at
	readsPerRound  = 4   // reads of one connection in it; who sends more has its goroutine read
)

// reactor reads the plain connections that have nothing but quick requests to
// answer: one goroutine for many of them, so that neither a wake-up nor a read
// in vain comes with each request. As the original it reads all that are
// readable before it writes. It never blocks on a connection: what is not
// answered at once is left to the connection's own goroutine.
type reactor struct {
	s    *Server
	poll *os.File // the epoll descriptor; the runtime waits for it as for a socket
	raw  syscall.RawConn

	mu      sync.Mutex
	clients map[uint64]*client

	events []unix.EpollEvent
	ready  []*client
}

// startReactors starts n reactors, or as many as the system lets it; without
// any each connection reads for itself.
func (s *Server) startReactors(n int) {
	for range n {
		r, err := newReactor(s)
		if err != nil {
			s.log.Warn("Connections will be read one by one: " + err.Error())
			return
		}
		s.reactors = append(s.reactors, r)
		s.wg.Add(1)
		go r.run()
	}
}

// watched has a reactor read a plain client, which must have its id.
func (s *Server) watched(c *client) {
	if len(s.reactors) == 0 || c.readTo == nil {
		return
	}
	c.reactor, c.drained = s.reactors[c.id%uint64(len(s.reactors))], true
	if !c.reactor.watch(c) {
		c.reactor = nil
	}
}

func newReactor(s *Server) (*reactor, error) {
	fd, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return nil, os.NewSyscallError("epoll_create1", err)
	}
	if err := unix.SetNonblock(fd, true); err != nil { // or the runtime would not wait for it
		unix.Close(fd)
		return nil, os.NewSyscallError("fcntl", err)
	}
	r := &reactor{
		s: s, poll: os.NewFile(uintptr(fd), "reactor"), clients: make(map[uint64]*client),
		events: make([]unix.EpollEvent, eventsPerRound),
	}
	if r.raw, err = r.poll.SyscallConn(); err != nil {
		r.poll.Close()
		return nil, err
	}
	return r, nil
}

// watch takes a client, which must have its id; false if the kernel cannot
// watch it.
func (r *reactor) watch(c *client) bool {
	ev := unix.EpollEvent{Events: unix.EPOLLIN | unix.EPOLLRDHUP | unix.EPOLLET, Fd: int32(c.id), Pad: int32(c.id >> 32)}
	r.mu.Lock()
	r.clients[c.id] = c
	r.mu.Unlock()
	err := r.control(func(poll int) error {
		return unix.EpollCtl(poll, unix.EPOLL_CTL_ADD, c.fd, &ev)
	})
	if err != nil {
		r.forget(c)
	}
	return err == nil
}

func (r *reactor) control(f func(poll int) error) error {
	var failed error
	if err := r.raw.Control(func(fd uintptr) { failed = f(int(fd)) }); err != nil {
		return err
	}
	return failed
}

// forget drops a client whose socket is closed, which ended the watch.
func (r *reactor) forget(c *client) {
	r.mu.Lock()
	delete(r.clients, c.id)
	r.mu.Unlock()
}

// run is the reactor's goroutine; it ends when poll is closed.
func (r *reactor) run() {
	defer r.s.wg.Done()
	_ = r.raw.Read(func(fd uintptr) bool {
		for {
			n := waitNow(fd, r.events)
			if n == 0 {
				return false
			}
			r.round(r.events[:n])
		}
	})
}

// round reads all that are readable, then sends the answers.
func (r *reactor) round(events []unix.EpollEvent) {
	r.mu.Lock()
	for i := range events {
		ev := &events[i]
		c := r.clients[uint64(uint32(ev.Fd))|uint64(uint32(ev.Pad))<<32]
		if c == nil {
			continue
		}
		if ev.Events&^unix.EPOLLIN != 0 {
			c.ending.Store(true)
		}
		r.ready = append(r.ready, c)
	}
	r.mu.Unlock()
	now := r.s.uptime()
	answered := r.ready[:0]
	for _, c := range r.ready {
		if !c.turn.take() {
			continue
		}
		if c.answer(now) {
			answered = append(answered, c)
		} else {
			c.turn.handOver()
		}
	}
	for _, c := range answered {
		sent := c.flush()
		c.settled()
		if !sent || !c.turn.putDown() {
			c.turn.handOver()
		}
	}
	clear(r.ready)
	r.ready = r.ready[:0]
}

// answer reads for the reactor and answers at once what can be; false if the
// connection's goroutine has to go on.
func (c *client) answer(now time.Duration) bool {
	c.quickOnly = true
	defer func() { c.quickOnly = false }()
	for range readsPerRound {
		err := c.receive(now)
		if err == unix.EAGAIN {
			return true
		}
		if err != nil {
			c.failure = err
			return false
		}
		if !c.frame() {
			return false
		}
		if c.drained {
			return true
		}
	}
	return false
}

// turn says who may touch what belongs to a connection's goroutine: that, or
// the reactor.
type turn struct {
	state atomic.Int32
	given chan struct{} // the reactor hands over
}

// The states of a turn.
const (
	own      int32 = iota // the goroutine's
	ownMore               // the same, and more came to be read
	lying                 // nobody's: the goroutine waits, the reactor takes it when something can be read
	reactors              // the reactor's
	claimed               // the same, but the goroutine wants it back
)

// take gets the turn for the reactor. If the goroutine has it that will look
// for more before it lays it down.
func (t *turn) take() bool {
	for {
		switch s := t.state.Load(); s {
		case lying:
			if t.state.CompareAndSwap(lying, reactors) {
				return true
			}
		case own:
			if t.state.CompareAndSwap(own, ownMore) {
				return false
			}
		default:
			return false
		}
	}
}

// putDown ends the reactor's turn; false if the goroutine wants it.
func (t *turn) putDown() bool { return t.state.CompareAndSwap(reactors, lying) }

// handOver gives the reactor's turn to the goroutine.
func (t *turn) handOver() {
	t.state.Store(own)
	t.given <- struct{}{}
}

// layDown ends the goroutine's turn; false, and it goes on, if there is more
// to read.
func (t *turn) layDown() bool {
	if t.state.CompareAndSwap(own, lying) {
		return true
	}
	t.state.Store(own)
	return false
}

// reclaim gets the turn back for the goroutine.
func (t *turn) reclaim() {
	for {
		switch t.state.Load() {
		case lying:
			if t.state.CompareAndSwap(lying, own) {
				return
			}
		case reactors:
			if t.state.CompareAndSwap(reactors, claimed) {
				<-t.given
				return
			}
		default: // about to be given
			<-t.given
			return
		}
	}
}

// rest lets the reactor answer until it hands over, or the connection ends.
func (c *client) rest() {
	select {
	case <-c.turn.given:
		return
	case <-c.gone:
	case <-c.s.stopping:
	}
	c.turn.reclaim()
	c.drained = false
}

// The system calls below do not block, and so need not tell the scheduler that
// they might: that costs more than they do.

// readNow reads what is there.
func readNow(fd uintptr, b []byte) (int, unix.Errno) {
	return callNow(unix.SYS_READ, fd, b)
}

// writeNow writes as much as there is room for.
func writeNow(fd uintptr, b []byte) (int, unix.Errno) {
	return callNow(unix.SYS_WRITE, fd, b)
}

func callNow(call, fd uintptr, b []byte) (int, unix.Errno) {
	for {
		n, _, errno := unix.RawSyscall(call, fd, uintptr(unsafe.Pointer(unsafe.SliceData(b))), uintptr(len(b)))
		switch errno {
		case 0:
			return int(n), 0
		case unix.EINTR:
		default:
			return 0, errno
		}
	}
}

// waitNow gives the events of an epoll descriptor that are there.
func waitNow(poll uintptr, events []unix.EpollEvent) int {
	n, _, errno := unix.RawSyscall6(unix.SYS_EPOLL_PWAIT, poll, uintptr(unsafe.Pointer(unsafe.SliceData(events))), uintptr(len(events)), 0, 0, 0)
	if errno != 0 {
		return 0
	}
	return int(n)
}
