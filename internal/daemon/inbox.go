package daemon

import (
	"sync"

	"gosentinel/internal/link"
	"gosentinel/sentinel"
)

// inboxLimit is how many inputs may wait before those who bring more have to
// wait too. The loop takes all that wait at once, so it also bounds how long
// one turn takes.
const inboxLimit = 1024

// item is one thing that waits for the loop: the result of a write, an input,
// or, if both are nil, an event of a link.
type item struct {
	saved *saveResult
	input sentinel.Input
	event link.Event
}

// inbox is where everyone leaves what the loop has to handle, in order. It is
// safe for concurrent use.
type inbox struct {
	wake chan struct{} // holds one token while something waits

	mu     sync.Mutex
	room   sync.Cond // the loop has taken the items, or the inbox is closed
	items  []item
	closed bool
}

func newInbox() *inbox {
	in := &inbox{wake: make(chan struct{}, 1)}
	in.room.L = &in.mu
	return in
}

// put adds an item, after waiting for room. It reports false, and drops it,
// once the inbox is closed. The loop must not call it.
func (in *inbox) put(it item) bool {
	in.mu.Lock()
	defer in.mu.Unlock()
	if !in.await() {
		return false
	}
	in.items = append(in.items, it)
	in.ring()
	return true
}

// putRequests is put for the commands of one client.
func (in *inbox) putRequests(batch []sentinel.Request) bool {
	in.mu.Lock()
	defer in.mu.Unlock()
	if !in.await() {
		return false
	}
	for _, r := range batch {
		in.items = append(in.items, item{input: r})
	}
	in.ring()
	return true
}

// await waits for room; false once the inbox is closed. The caller holds mu.
func (in *inbox) await() bool {
	for len(in.items) >= inboxLimit && !in.closed {
		in.room.Wait()
	}
	return !in.closed
}

// ring wakes the loop. The caller holds mu.
func (in *inbox) ring() {
	select {
	case in.wake <- struct{}{}:
	default:
	}
}

// take gives all that waits, and makes spare, which must be empty, the memory
// of the next queue. If nothing waits it gives spare back.
func (in *inbox) take(spare []item) []item {
	in.mu.Lock()
	defer in.mu.Unlock()
	if len(in.items) == 0 {
		return spare
	}
	items := in.items
	in.items = spare
	in.room.Broadcast()
	return items
}

// close drops all that waits and lets nobody wait any more.
func (in *inbox) close() {
	in.mu.Lock()
	defer in.mu.Unlock()
	in.closed = true
	in.items = nil
	in.room.Broadcast()
}
