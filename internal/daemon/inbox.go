package daemon

import (
	"strings"
	"sync"

	"gosentinel/sentinel"
)

// inboxLimit is how many inputs, and how many commands, may wait before those
// who bring more have to wait too.
const inboxLimit = 1024

// item is one thing that waits for the loop: the result of a write or, if that
// is nil, an input.
type item struct {
	saved *saveResult
	input sentinel.Input
}

// inbox is where everyone but the links leaves what the loop has to handle, in
// order. Commands of clients are kept apart, so that however many there are,
// nothing that a failover needs waits behind them. It is safe for concurrent
// use.
type inbox struct {
	wake func() // tells the loop that something waits

	mu       sync.Mutex
	room     sync.Cond // the loop has taken something, or the inbox is closed
	items    []item
	requests []sentinel.Request // of clients; those of peers are items
	closed   bool
}

func newInbox(wake func()) *inbox {
	in := &inbox{wake: wake}
	in.room.L = &in.mu
	return in
}

// put adds an item, after waiting for room. It reports false, and drops it,
// once the inbox is closed. The loop must not call it.
func (in *inbox) put(it item) bool {
	in.mu.Lock()
	for len(in.items) >= inboxLimit && !in.closed {
		in.room.Wait()
	}
	open := !in.closed
	if open {
		in.items = append(in.items, it)
	}
	in.mu.Unlock()
	in.wake()
	return open
}

// putRequests is put for the commands of one connection. Those of other
// Sentinels, which a failover waits for, are told by the name that they give
// their connections (B-121).
func (in *inbox) putRequests(batch []sentinel.Request) bool {
	in.mu.Lock()
	for len(in.requests) >= inboxLimit && !in.closed {
		in.room.Wait()
	}
	open := !in.closed
	switch {
	case !open:
	case len(batch) > 0 && strings.HasPrefix(batch[0].Client, "sentinel-"):
		for _, r := range batch {
			in.items = append(in.items, item{input: r})
		}
	default:
		in.requests = append(in.requests, batch...)
	}
	in.mu.Unlock()
	in.wake()
	return open
}

// take gives the items that wait, and makes spare, which must be empty, the
// memory of the next queue. If nothing waits it gives spare back.
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

// takeRequests is take for the commands of clients.
func (in *inbox) takeRequests(spare []sentinel.Request) []sentinel.Request {
	in.mu.Lock()
	defer in.mu.Unlock()
	if len(in.requests) == 0 {
		return spare
	}
	requests := in.requests
	in.requests = spare
	in.room.Broadcast()
	return requests
}

// hasRequests tells whether commands of clients wait.
func (in *inbox) hasRequests() bool {
	in.mu.Lock()
	defer in.mu.Unlock()
	return len(in.requests) > 0
}

// close drops all that waits and lets nobody wait any more.
func (in *inbox) close() {
	in.mu.Lock()
	defer in.mu.Unlock()
	in.closed = true
	in.items, in.requests = nil, nil
	in.room.Broadcast()
}
