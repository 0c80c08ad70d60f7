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
	touched bool          // the loop's own
	wake    chan struct{} // the client's
}

type answer struct {
	value     resp.Value
	published uint64 // messages that the hub must have delivered first
	there     bool
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
	if b.left.Load() == 0 {
		return b.answers[i], true
	}
	cs.mu.Lock()
	defer cs.mu.Unlock()
	return b.answers[i], b.answers[i].there
}

// answer notes a reply of the loop, and wakes the client if it was the last of
// its batch.
func (cs *calls) answer(id, published uint64, v resp.Value) {
	key, i := id>>batchShift, int(id&(1<<batchShift-1))
	cs.mu.Lock()
	b := cs.waiting[key]
	if b == nil || i >= len(b.answers) || b.answers[i].there {
		cs.mu.Unlock()
		return
	}
	b.answers[i] = answer{value: v, published: published, there: true}
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
func (s *Server) Respond(id uint64, v resp.Value) { s.calls.answer(id, s.hub.published(), v) }
