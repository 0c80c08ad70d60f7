package daemon

import (
	"sync"

	"gosentinel/sentinel"
)

// inboxLimit is how many inputs, and how many commands, may wait before those
// who bring more have to wait too.
const inboxLimit = 1024

// What other Sentinels ask and tell goes before clients' commands, but anybody may
// send it: no connection gets more than its turn (K-2.18).
const (
	peerWaiting = 256 // requests of one connection that wait before it has to
	peerShare   = 32  // of one connection until the next has its turn
	peerTurn    = 256 // of all in one turn of the loop
)

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
	requests []sentinel.Request // of clients
	peers    map[uint64]*backlog
	turns    []*backlog // those of peers, the one whose turn it is first
	closed   bool
}

// backlog are the requests of one connection that only peers have reason to send.
type backlog struct {
	conn     uint64
	requests []sentinel.Request // never empty while it is in inbox.peers
	room     sync.Cond          // some were taken, or the inbox is closed
}

func newInbox(wake func()) *inbox {
	in := &inbox{wake: wake, peers: make(map[uint64]*backlog)}
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
	// Not under the lock, for which the loop would only wake up to wait.
	in.wake()
	return open
}

// putRequests is put for the commands of one client.
func (in *inbox) putRequests(batch []sentinel.Request) bool {
	in.mu.Lock()
	for len(in.requests) >= inboxLimit && !in.closed {
		in.room.Wait()
	}
	open := !in.closed
	if open {
		in.requests = append(in.requests, batch...)
	}
	in.mu.Unlock()
	in.wake()
	return open
}

// putPeers is put for what a connection asks and tells as another Sentinel. It
// waits for no other connection.
func (in *inbox) putPeers(conn uint64, batch []sentinel.Request) bool {
	in.mu.Lock()
	b := in.peers[conn]
	for b != nil && len(b.requests) >= peerWaiting && !in.closed {
		b.room.Wait()
		// Found anew after each wait: what was taken whole is gone from the list.
		b = in.peers[conn]
	}
	open := !in.closed
	if open && len(batch) > 0 {
		if b == nil {
			b = &backlog{conn: conn}
			b.room.L = &in.mu
			in.peers[conn] = b
			in.turns = append(in.turns, b)
		}
		b.requests = append(b.requests, batch...)
	}
	in.mu.Unlock()
	in.wake()
	return open
}

// takePeers appends the requests of peers for one turn of the loop, some of each
// connection in turn.
func (in *inbox) takePeers(to []sentinel.Request) []sentinel.Request {
	in.mu.Lock()
	defer in.mu.Unlock()
	for left := peerTurn; left > 0 && len(in.turns) > 0; {
		b := in.turns[0]
		n := min(left, peerShare, len(b.requests))
		to = append(to, b.requests[:n]...)
		left -= n
		clear(b.requests[:n])
		b.requests = b.requests[n:]
		in.turns[0] = nil
		in.turns = in.turns[1:]
		if len(b.requests) == 0 {
			delete(in.peers, b.conn)
		} else {
			// Behind all others: one that floods gets its share and no more (K-2.18).
			in.turns = append(in.turns, b)
		}
		b.room.Broadcast()
	}
	return to
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

// hasPeers tells whether requests of peers wait.
func (in *inbox) hasPeers() bool {
	in.mu.Lock()
	defer in.mu.Unlock()
	return len(in.turns) > 0
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
	in.room.Broadcast()
	for _, b := range in.turns {
		b.room.Broadcast()
	}
	in.items, in.requests, in.turns = nil, nil, nil
	clear(in.peers)
}
