package listener

import (
	"sync"
	"sync/atomic"

	"gosentinel/internal/command"
	"gosentinel/internal/resp"
)

const (
	// maxOwed is how many replies a connection of another Sentinel is owed at
	// most before it is read on (K-2.18).
	maxOwed = 4096
	// maxLateArgs is the size in bytes of the largest request that others may
	// overtake: what a Sentinel sends is far smaller.
	maxLateArgs = 1 << 10
)

// asyncReplies are the replies that are owed to another Sentinel, or to whoever sends
// what Sentinels send. It uses one connection for all its masters, and an answer that shows a vote waits for the
// disk: what it asks behind that goes to the loop meanwhile. The replies come in
// order all the same; a goroutine that exists only as long as some are owed
// sends them (see client.sendAsyncReplies).
type asyncReplies struct {
	owed  atomic.Int32  // replies that are not yet in the output queue
	fewer chan struct{} // they became fewer

	mu      sync.Mutex
	batches []*batch // those that the goroutine has not begun with
	telling bool     // it exists
}

// mayReplyLater tells whether replies to a request may come after later requests were
// submitted.
func (c *client) mayReplyLater(cmd *command.Command, size int) bool {
	return size <= maxLateArgs && c.s.cmds.ofPeers(cmd) && c.repliesOnly()
}

// ofPeers tells whether Sentinels send cmd to each other. It tells them from
// clients: the name of a connection does not, since any may take it.
//
// Rule: K-2.18.
func (k *known) ofPeers(cmd *command.Command) bool {
	return cmd == k.down || cmd == k.primaryDown || cmd == k.publish
}

// repliesOnly tells whether the connection gets replies only, all of them.
func (c *client) repliesOnly() bool { return c.subs.count() == 0 && !c.muted && c.skip == 0 }

// owesReplies tells whether replies are owed: what is said now would overtake them.
func (c *client) owesReplies() bool { return c.async != nil && c.async.owed.Load() > 0 }

// submit is submitAndWait, but does not wait for the replies if they may be late.
func (c *client) submit() {
	// The order of replies is that of requests, whoever sends them.
	switch n := len(c.requests); {
	case n == 0:
		return
	// One request that others may not overtake is enough: all of them then wait together.
	case c.lagging < n || !c.awaitOwed(maxOwed-n):
		c.submitAndWait()
		return
	}
	c.flush() // what was said before
	b := &batch{wake: c.answered}
	c.open(b, 0, len(c.requests))
	if c.s.o.Backend.Submit(c.requests) {
		c.owe(b)
	} else {
		c.s.calls.drop(b)
		c.dropping = true
	}
	c.submitted()
}

// pongLate answers PING behind the replies that are owed; false if it can be
// answered as always.
func (c *client) pongLate(args [][]byte) bool {
	if len(c.requests) == 0 && !c.owesReplies() || len(args) > 2 || !c.repliesOnly() || c.stale() {
		return false
	}
	c.submit()
	// By now submit may have waited for all, and nothing is owed that it would have to come behind.
	if !c.owesReplies() || !c.awaitOwed(maxOwed-1) {
		return false
	}
	c.owe(&batch{answers: []answer{{value: c.pongValue(args), there: true}}})
	c.ran(c.s.cmds.ping)
	return true
}

// owe puts replies behind those that are owed.
func (c *client) owe(b *batch) {
	if c.async == nil {
		c.async = &asyncReplies{fewer: make(chan struct{}, 1)}
	}
	l := c.async
	// Counted before the goroutine can send it, or the count would fall below nothing.
	l.owed.Add(int32(len(b.answers)))
	l.mu.Lock()
	l.batches = append(l.batches, b)
	begin := !l.telling
	l.telling = true
	l.mu.Unlock()
	if begin {
		go c.sendAsyncReplies()
	}
}

// awaitOwed waits until no more than most replies are owed; false if the
// connection ended first.
func (c *client) awaitOwed(most int) bool {
	if c.async == nil {
		return true
	}
	for int(c.async.owed.Load()) > most {
		select {
		case <-c.async.fewer:
		case <-c.gone:
			return false
		}
	}
	return true
}

// next takes the batch to go on with, nil if that is none and the goroutine
// ends.
func (l *asyncReplies) next() *batch {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.batches) == 0 {
		l.batches, l.telling = nil, false
		return nil
	}
	b := l.batches[0]
	l.batches[0] = nil
	l.batches = l.batches[1:]
	return b
}

// sendAsyncReplies is the goroutine that sends what is owed. It never has the client's
// turn: while anything is owed the connection's goroutine says nothing, does
// not change its protocol and leaves c.answered alone.
func (c *client) sendAsyncReplies() {
	for b := c.async.next(); b != nil; b = c.async.next() {
		var text []byte
		told := 0
		pass := func() bool {
			all := c.queue(text)
			c.async.owed.Add(int32(-told))
			text, told = nil, 0
			notify(c.async.fewer)
			return all
		}
		for i := range b.answers {
			a, ok := c.await(b, i, pass)
			if !ok {
				c.s.calls.drop(b)
				told = len(b.answers) - i
				break
			}
			if a.value.Kind == resp.Error {
				c.s.stats.errors.Add(1)
			}
			text = resp.Append(text, c.info.proto, a.value)
			told++
		}
		pass()
		// Who does not read his answers gets no further ones made ready.
		c.awaitRoom()
	}
}
