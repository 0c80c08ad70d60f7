package listener

import (
	"sync"
	"sync/atomic"

	"gosentinel/internal/resp"
)

// maxBatch is how many requests of one connection wait for the loop at most.
const maxBatch = 256

// longReply is the size in bytes of a reply of the loop after which the next
// request goes there when that is written: a client that asks for long replies
// without end has one of them made at a time, so that neither memory nor what
// is still to be done for it grows with how many it has asked for.
const longReply = 16 << 10

// maxAnswers is about how many bytes of replies of the loop a connection has made
// for it at most before it takes them: the requests of its batch that come then
// are not handled, and submitted again when it has (K-8.3).
const maxAnswers = 64 << 10

// batchShift leaves room in an ID for the place within a batch.
const batchShift = 8

// calls are the requests that the loop has not answered yet, by the batches in
// which they were submitted: ID = batch << batchShift | place.
type calls struct {
	mu      sync.Mutex
	last    uint64
	waiting map[uint64]*batch
	touched []*batch // partly answered in this turn; the loop's own
}

// batch is a run of requests that were submitted together. One client uses it
// again and again.
type batch struct {
	key     uint64
	answers []answer // guarded by calls.mu while some are missing
	left    atomic.Int32
	bounded bool          // the replies are, by maxAnswers
	size    int           // bytes of the replies so far, if bounded; guarded by calls.mu
	touched bool          // the loop's own
	wake    chan struct{} // the client's
}

type answer struct {
	value     resp.Value
	published uint64 // messages that the hub must have delivered first
	there     bool
	again     bool // not handled: the request is to be submitted again
}

func (cs *calls) init() { cs.waiting = make(map[uint64]*batch) }

// open registers a batch of n requests and gives the ID of the first; the
// others follow.
func (cs *calls) open(b *batch, n int) (first uint64) {
	cs.mu.Lock()
	defer cs.mu.Unlock()
	cs.last++
	b.key = cs.last
	b.left.Store(int32(n))
	b.size = 0
	clear(b.answers[:cap(b.answers)])
	if cap(b.answers) < n {
		b.answers = make([]answer, n)
	}
	b.answers = b.answers[:n]
	cs.waiting[b.key] = b
	return b.key << batchShift
}

// drop forgets a batch whose answers nobody wants any more.
func (cs *calls) drop(b *batch) {
	cs.mu.Lock()
	delete(cs.waiting, b.key)
	cs.mu.Unlock()
}

// take gives the answer at place i, and whether it is there.
func (cs *calls) take(b *batch, i int) (answer, bool) {
	// When all are there nobody writes to them any more.
	if b.left.Load() == 0 {
		return b.answers[i], true
	}
	cs.mu.Lock()
	defer cs.mu.Unlock()
	return b.answers[i], b.answers[i].there
}

// answer notes a reply of the loop, and wakes the client if it was the last of
// its batch.
func (cs *calls) answer(id uint64, a answer) {
	key, i := id>>batchShift, int(id&(1<<batchShift-1))
	cs.mu.Lock()
	b := cs.waiting[key]
	if b == nil || i >= len(b.answers) || b.answers[i].there {
		cs.mu.Unlock()
		return
	}
	a.there = true
	b.answers[i] = a
	if b.bounded {
		b.size += a.value.Size(maxAnswers)
	}
	last := b.left.Add(-1) == 0
	if last {
		delete(cs.waiting, key)
	}
	wake := b.wake
	cs.mu.Unlock()
	switch {
	case last:
		notify(wake)
	case !b.touched:
		b.touched = true
		cs.touched = append(cs.touched, b)
	}
}

// wakeTouched wakes the clients of which the loop answered some requests in
// this turn, so that these need not wait for a slow one behind them.
func (cs *calls) wakeTouched() {
	for i, b := range cs.touched {
		b.touched = false
		notify(b.wake)
		cs.touched[i] = nil
	}
	cs.touched = cs.touched[:0]
}

func notify(wake chan struct{}) {
	select {
	case wake <- struct{}{}:
	default:
	}
}

// Respond answers the Request with this ID. An ID that is not (or no longer)
// waited for is ignored.
func (s *Server) Respond(id uint64, v resp.Value) {
	s.calls.answer(id, answer{value: v, published: s.hub.published()})
}

// Wanted tells whether the Request with this ID is to be handled now. If not its
// connection has ended, or has enough replies to take for now: it submits the
// Request again later, with another ID. A Request that was not wanted must not
// be handled. Only the loop may call it, and once it was not, all that came with
// it are not either.
//
// Rule: K-8.3.
func (s *Server) Wanted(id uint64) bool {
	if s.calls.wanted(id) {
		return true
	}
	s.calls.answer(id, answer{again: true})
	return false
}

func (cs *calls) wanted(id uint64) bool {
	cs.mu.Lock()
	defer cs.mu.Unlock()
	b := cs.waiting[id>>batchShift]
	return b != nil && b.size < maxAnswers
}
