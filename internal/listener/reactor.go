package listener

import (
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"

	"gosentinel/internal/epoll"
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
	poll *epoll.Poll

	mu      sync.Mutex
	clients map[uint64]*client

	ready []*client
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
	// Nothing need be tried first: a new watch tells of what has come before it.
	c.reactor, c.drained = s.reactors[c.id%uint64(len(s.reactors))], true
	if !c.reactor.watch(c) {
		c.reactor = nil
	}
}

func newReactor(s *Server) (*reactor, error) {
	poll, err := epoll.Open(eventsPerRound)
	if err != nil {
		return nil, err
	}
	return &reactor{s: s, poll: poll, clients: make(map[uint64]*client)}, nil
}

// watch takes a client, which must have its id; false if the kernel cannot
// watch it.
func (r *reactor) watch(c *client) bool {
	r.mu.Lock()
	// Before the kernel is asked, which may tell of it at once.
	r.clients[c.id] = c
	r.mu.Unlock()
	if err := r.poll.Add(c.fd, unix.EPOLLIN|unix.EPOLLRDHUP, c.id); err != nil {
		r.forget(c)
		return false
	}
	return true
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
	_ = r.poll.Each(r.round)
}

// round reads all that are readable, then sends the answers.
func (r *reactor) round(events []unix.EpollEvent) {
	r.mu.Lock()
	for i := range events {
		ev := &events[i]
		c := r.clients[epoll.Tag(ev)]
		if c == nil {
			continue
		}
		// The far end has closed: what it sent before is still answered.
		if ev.Events&^unix.EPOLLIN != 0 {
			// Events come by edges: the end is told once, so that a short read is not the last word
			// after it.
			c.ending.Store(true)
		}
		r.ready = append(r.ready, c)
	}
	// Not kept while they answer: connections that end need it too.
	r.mu.Unlock()
	// Read all, then write all: answers of one round leave together.
	now := r.s.uptime()
	answered := r.ready[:0]
	for _, c := range r.ready {
		if !c.reading.acquireForReactor() {
			continue
		}
		if c.answer(now) {
			answered = append(answered, c)
		} else {
			c.reading.handOver()
		}
	}
	for _, c := range answered {
		sent := c.flush()
		c.publishState()
		// What the socket does not take waits for its client, and the reactor waits for nobody.
		if !sent || !c.reading.releaseFromReactor() {
			c.reading.handOver()
		}
	}
	clear(r.ready)
	r.ready = r.ready[:0]
}

// answer reads for the reactor and answers at once what can be; false if the
// connection's goroutine has to go on.
func (c *client) answer(now time.Duration) bool {
	c.fastPathOnly = true
	defer func() { c.fastPathOnly = false }()
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

// readOwner says who may touch what belongs to a connection's goroutine: that, or
// the reactor.
type readOwner struct {
	state atomic.Int32
	given chan struct{} // the reactor hands over
}

// The states of a turn.
const (
	ownedByGoroutine int32 = iota // the goroutine's
	ownedWithMore                 // the same, and more came to be read
	unowned                       // nobody's: the goroutine waits, the reactor takes it when something can be read
	ownedByReactor                // the reactor's
	wantedBack                    // the same, but the goroutine wants it back
)

// take gets the turn for the reactor. If the goroutine has it that will look
// for more before it releases it.
func (t *readOwner) acquireForReactor() bool {
	for {
		switch s := t.state.Load(); s {
		case unowned:
			if t.state.CompareAndSwap(unowned, ownedByReactor) {
				return true
			}
		case ownedByGoroutine:
			if t.state.CompareAndSwap(ownedByGoroutine, ownedWithMore) {
				return false
			}
		default:
			return false
		}
	}
}

// releaseFromReactor ends the reactor's turn; false if the goroutine wants it.
func (t *readOwner) releaseFromReactor() bool { return t.state.CompareAndSwap(ownedByReactor, unowned) }

// handOver gives the reactor's turn to the goroutine.
func (t *readOwner) handOver() {
	t.state.Store(ownedByGoroutine)
	t.given <- struct{}{}
}

// release ends the goroutine's turn; false, and it goes on, if there is more
// to read.
func (t *readOwner) release() bool {
	if t.state.CompareAndSwap(ownedByGoroutine, unowned) {
		return true
	}
	t.state.Store(ownedByGoroutine)
	return false
}

// acquire gets the turn back for the goroutine.
func (t *readOwner) acquire() {
	for {
		switch t.state.Load() {
		case unowned:
			if t.state.CompareAndSwap(unowned, ownedByGoroutine) {
				return
			}
		case ownedByReactor:
			if t.state.CompareAndSwap(ownedByReactor, wantedBack) {
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
	case <-c.reading.given:
		return
	case <-c.gone:
	case <-c.s.stopping:
	}
	c.reading.acquire()
	c.drained = false
}
