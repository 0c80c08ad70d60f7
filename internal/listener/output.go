package listener

import (
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"gosentinel/internal/epoll"
)

// Sizes in bytes.
const (
	roomWanted  = 1 << 20  // unsent output that keeps a client's next requests waiting, where no limit is set
	joinSize    = 64 << 10 // messages that are joined for one write
	keepReply   = 64 << 10 // the largest reply buffer that is kept for the next batch
	entryWeight = 32       // what a queued message costs beside its bytes
)

// output is what waits to be sent to a client, guarded by client.mu. Whoever
// sets writing may write to the socket, and nobody else.
type output struct {
	queue   [][]byte   // messages are shared between subscribers: never written to
	held    []*message // messages that come after the reply being made (K-2.0)
	pending int64      // bytes of both, and of a write under way
	keeping int64      // of them bytes of held
	making  int64      // bytes of the long reply that is being made, sent or not
	holding bool       // a command of a subscriber is being answered
	writing bool
	dirty   bool // the hub will pump
	over    bool // beyond a limit: to be dropped
	dead    bool // killed
	counted bool // in Server.stats.overSoft
	since   time.Duration
	moved   time.Duration // when the socket took something last, to a second
	wait    chan struct{} // closed when something was sent; nil if nobody waits

	raw   syscall.RawConn // nil under TLS, where a write may block
	try   func(fd uintptr) bool
	tryB  []byte
	tryN  int
	tryE  unix.Errno
	joinB []byte
}

func (o *output) init(raw syscall.RawConn) {
	o.raw = raw
	o.try = func(fd uintptr) bool {
		o.tryN, o.tryE = epoll.Write(fd, o.tryB)
		return true // whatever came of it: never wait
	}
}

// hold keeps messages back until release: they come after the reply of the
// command that is being carried out.
//
// Rule: K-2.0, own pushes.
func (c *client) hold() {
	c.mu.Lock()
	c.output.holding = true
	c.mu.Unlock()
}

// release queues the reply, and behind it the messages that came meanwhile.
func (c *client) release() {
	c.mu.Lock()
	// The reply first: what a command of its own caused comes behind it (K-2.0).
	c.commit()
	for _, m := range c.output.held {
		c.output.queue = append(c.output.queue, m.form(c.info.proto))
	}
	clear(c.output.held)
	c.output.held, c.output.keeping, c.output.holding = c.output.held[:0], 0, false
	c.mu.Unlock()
}

// commit queues what was replied so far. The caller holds mu.
func (c *client) commit() {
	if len(c.reply) == 0 {
		return
	}
	// A copy: the buffer takes the next replies while this one is written.
	c.output.queue = append(c.output.queue, append([]byte(nil), c.reply...))
	c.output.pending += int64(len(c.reply)) + entryWeight
	c.reply = c.reply[:0]
}

// push queues a message, in the form for the client's protocol, and tells
// whether the hub must pump. It never blocks.
func (c *client) push(m *message) (pump bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	o := &c.output
	if o.dead || o.over {
		return false
	}
	b := m.form(c.info.proto)
	o.pending += int64(len(b)) + entryWeight
	if o.holding {
		m.form(2) // another goroutine may need either form: the protocol may change
		m.form(3)
		o.held = append(o.held, m)
		o.keeping += int64(len(b)) + entryWeight
	} else {
		o.queue = append(o.queue, b)
	}
	o.over = c.beyondLimit(c.s.stats.clock())
	// Whoever writes, or releases, finds it in the queue.
	if o.dirty || (o.holding || o.writing) && !o.over {
		return false
	}
	o.dirty = true
	return true
}

// beyondLimit tells whether the output passes client-output-buffer-limit. The
// caller holds mu.
//
// Rule: K-8.3.
func (c *client) beyondLimit(now time.Duration) bool {
	o, limit := &c.output, c.limit()
	if o.dead {
		return false
	}
	soft := limit.Soft > 0 && o.pending > limit.Soft
	switch {
	case soft && !o.counted:
		o.counted, o.since = true, now
		c.s.stats.overSoft.Add(1)
	case !soft && o.counted:
		o.counted = false
		c.s.stats.overSoft.Add(-1)
	}
	return limit.Hard > 0 && o.pending > limit.Hard || soft && now-o.since > limit.SoftFor
}

// limit is that of the client's class. The caller holds mu.
func (c *client) limit() OutputLimit {
	if c.subs.count() > 0 {
		return c.s.o.OutputPubSub
	}
	return c.s.o.OutputNormal
}

// drop closes a client that does not read.
func (c *client) drop() {
	c.s.log.Warn("Client " + c.line() + " scheduled to be closed ASAP for overcoming of output buffer limits.")
	c.kill()
}

// flushIfLong sends replies before their batch is done, so that they do not
// pile up.
func (c *client) flushIfLong() {
	if len(c.reply) >= flushSize {
		c.flush()
		if !c.awaitRoom() {
			c.dropping = true
		}
	}
}

// flush sends the replies of the batch, as far as the socket takes them, and
// tells whether that was all. Only who has the client's turn may call it.
func (c *client) flush() bool {
	if c.dropping {
		c.reply = c.reply[:0]
		return false
	}
	c.mu.Lock()
	o := &c.output
	if len(o.queue) == 0 && len(c.reply) == 0 || o.dead {
		c.mu.Unlock()
		return true
	}
	// Somebody writes, or something waits: the reply takes its place behind it.
	if len(o.queue) > 0 || o.writing || o.raw == nil && c.limit() != (OutputLimit{}) {
		c.commit()
		if o.over = o.over || c.beyondLimit(c.now); o.over {
			c.mu.Unlock()
			c.drop()
			return false
		}
		mine := !o.writing
		o.writing = true
		c.mu.Unlock()
		if mine {
			c.pump()
		}
		return false
	}
	// A reply beyond the limit is never begun.
	if hard := c.limit().Hard; hard > 0 && int64(len(c.reply)) > hard {
		c.mu.Unlock()
		c.drop()
		return false
	}
	o.writing = true
	c.mu.Unlock()
	all := c.flushDirect()
	if cap(c.reply) > keepReply {
		c.reply = nil
	}
	return all
}

// queue is flush for replies that are made without the client's turn.
func (c *client) queue(b []byte) bool {
	if len(b) == 0 {
		return true
	}
	c.mu.Lock()
	o := &c.output
	if o.dead {
		c.mu.Unlock()
		return false
	}
	o.queue = append(o.queue, b)
	o.pending += int64(len(b)) + entryWeight
	o.over = o.over || c.beyondLimit(c.s.stats.clock())
	over, mine := o.over, !o.writing
	o.writing = o.writing || !over
	c.mu.Unlock()
	switch {
	case over:
		c.drop()
	case mine:
		c.pump()
	}
	return !over
}

// flushDirect writes the replies without queueing them first, and tells whether
// all went out.
func (c *client) flushDirect() bool {
	o := &c.output
	var n int
	var err error
	if o.raw == nil {
		held := int64(len(c.reply))
		c.mu.Lock()
		o.pending += held // it counts as unread while this waits
		c.mu.Unlock()
		n, err = c.conn.Write(c.reply)
		c.mu.Lock()
		o.pending -= held
		c.mu.Unlock()
		c.s.stats.wrote(n)
	} else {
		n, err = c.tryWrite(c.reply)
	}
	c.mu.Lock()
	if n > 0 {
		o.moved = c.s.stats.clock()
	}
	c.reply = c.reply[:copy(c.reply, c.reply[n:])]
	if len(c.reply) > 0 && err == nil {
		// In front: what was queued meanwhile is newer.
		rest := append([]byte(nil), c.reply...)
		o.queue = append([][]byte{rest}, o.queue...)
		o.pending += int64(len(rest)) + entryWeight
		o.over = o.over || c.beyondLimit(c.now)
	}
	c.reply = c.reply[:0]
	over, more := o.over, len(o.queue) > 0
	o.writing = more
	c.mu.Unlock()
	switch {
	case err != nil:
		c.kill()
	case over:
		c.drop()
	case more:
		c.pump()
	default:
		return true
	}
	return false
}

// tryWrite writes what the socket takes at once. The caller has set writing.
func (c *client) tryWrite(b []byte) (int, error) {
	o := &c.output
	o.tryB = b
	err := o.raw.Write(o.try)
	o.tryB = nil
	n := o.tryN
	if err == nil && o.tryE != 0 && o.tryE != unix.EAGAIN {
		err = o.tryE
	}
	if err == nil {
		c.s.stats.wrote(n)
	}
	return n, err
}

// pump writes the queue as far as the socket takes it, and leaves the rest to
// a goroutine that waits for the socket. The caller has set writing.
func (c *client) pump() {
	if c.output.raw == nil {
		go c.drain()
		return
	}
	for {
		b := c.next()
		if b == nil {
			return
		}
		n, err := c.tryWrite(b)
		c.sent(n, b)
		if err != nil {
			c.kill()
			return
		}
		if n < len(b) {
			go c.drain()
			return
		}
	}
}

// drain writes the queue until it is empty, however long the client takes.
func (c *client) drain() {
	for {
		b := c.next()
		if b == nil {
			return
		}
		n, err := c.conn.Write(b)
		c.s.stats.wrote(n)
		c.sent(n, b)
		if err != nil {
			c.kill()
			return
		}
	}
}

// next takes from the front of the queue what is to be written next; with
// nothing to write it gives up writing.
func (c *client) next() []byte {
	c.mu.Lock()
	defer c.mu.Unlock()
	o := &c.output
	if len(o.queue) == 0 || o.dead {
		// Under the lock, so that who queues next sees that nobody writes, and does it.
		o.writing = false
		c.wakeWaiter()
		return nil
	}
	if len(o.queue) == 1 || len(o.queue[0]) >= joinSize {
		b := o.queue[0]
		o.queue[0] = nil
		o.queue = o.queue[1:]
		return b
	}
	o.joinB = o.joinB[:0]
	for len(o.queue) > 0 && len(o.joinB)+len(o.queue[0]) <= joinSize {
		o.joinB = append(o.joinB, o.queue[0]...)
		o.pending -= entryWeight
		o.queue[0] = nil
		o.queue = o.queue[1:]
	}
	o.pending += entryWeight
	return o.joinB
}

// sent accounts for a write of n bytes of b, and puts the rest back in front.
func (c *client) sent(n int, b []byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	o := &c.output
	o.pending -= int64(n)
	if n > 0 {
		o.moved = c.s.stats.clock()
	}
	if n < len(b) {
		rest := b[n:]
		if len(o.joinB) > 0 && &b[0] == &o.joinB[0] {
			// The joined buffer is used again for the next write.
			rest = append([]byte(nil), rest...)
		}
		o.queue = append([][]byte{rest}, o.queue...)
	} else {
		o.pending -= entryWeight
		if len(o.queue) == 0 {
			// A subscriber to whom nothing is said keeps no buffers.
			o.queue, o.joinB = nil, nil
		}
	}
	if o.counted {
		c.beyondLimit(c.s.stats.clock())
	}
	c.wakeWaiter()
}

func (c *client) wakeWaiter() {
	if c.output.wait != nil {
		close(c.output.wait)
		c.output.wait = nil
	}
}

// awaitRoom waits, where no limit is set, until a client has read what it was
// sent before its next requests are answered; false if it is gone.
//
// Departs: the original queues without end.
func (c *client) awaitRoom() bool {
	return c.awaitPending(func() bool {
		return c.limit().Hard > 0 || c.output.pending-c.output.keeping <= roomWanted
	}, nil)
}

// awaitSent waits until all is sent; false if that took too long, or failed.
func (c *client) awaitSent(most time.Duration) bool {
	t := time.NewTimer(most)
	defer t.Stop()
	return c.awaitPending(func() bool { return !c.output.writing && len(c.output.queue) == 0 }, t.C)
}

func (c *client) awaitPending(enough func() bool, timeout <-chan time.Time) bool {
	for {
		c.mu.Lock()
		if c.output.dead {
			c.mu.Unlock()
			return false
		}
		if enough() {
			c.mu.Unlock()
			return true
		}
		if c.output.wait == nil {
			c.output.wait = make(chan struct{})
		}
		// Taken under the lock: what is sent from here on closes just this one.
		wait := c.output.wait
		c.mu.Unlock()
		select {
		case <-wait:
		case <-c.gone:
			return false
		case <-timeout:
			return false
		}
	}
}
