package daemon

import (
	"context"
	"errors"
	"time"

	"gosentinel/internal/link"
	"gosentinel/sentinel"
)

// crashStatus is the exit status of a daemon whose loop panicked: that of any
// Go program.
const crashStatus = 2

// run carries out the effects of the core's start and then turns the loop until
// ctx is done or the core asks for the end. ready, if not nil, is called on the
// loop when the effects of the start were carried out. Nothing is written at
// the end (B-1105), and the core stays in the loop's hand.
func (n *node) run(ctx context.Context, ready func()) error {
	if n.frontend == nil {
		return errors.New("node: no listener is attached")
	}
	go n.persister.run()
	defer close(n.persister.jobs)
	defer n.inbox.close()
	defer n.links.Close()
	defer n.lastWords()

	n.ready = ready
	// The loop waits in the kernel, where no context wakes it.
	defer context.AfterFunc(ctx, n.links.Wake)()
	n.carryOut(n.outbox.Push(n.core.Start()))
	for {
		n.turn()
		if n.exited || ctx.Err() != nil {
			return nil
		}
		n.wait()
	}
}

// lastWords logs why the program dies, if it panics.
func (n *node) lastWords() {
	if reason := recover(); reason != nil {
		n.ring.died(n.log, reason)
		n.exit(crashStatus)
		panic(reason) // if exit returned
	}
}

// wait waits for what happens on the links, with the core out of hand: others
// may look at it. Whoever does keeps the loop for that one answer; the lock lets
// nobody in once the loop wants it back.
func (n *node) wait() {
	// Asked before the lock is given up: it looks into the core.
	until := n.until()
	n.hand.Unlock()
	n.links.Wait(until)
	n.hand.Lock()
	// Before anything is told: what comes now came after the sleep, if there was one.
	n.wake()
	n.links.Tell()
}

// Look answers a command that changes nothing, on the caller's goroutine: it
// appends the reply, in a protocol version, to dst. It reports false if the
// command has to be submitted: the loop has something to do, or commands of
// clients are to wait for others now, or the core says so. It may be called from
// any goroutine at any time and never blocks.
func (n *node) Look(dst []byte, args [][]byte, proto int) ([]byte, bool) {
	if !n.hand.TryRLock() {
		return dst, false
	}
	defer n.hand.RUnlock()
	defer n.lastWords() // with the core in hand: nothing happens meanwhile
	now := n.clock.now()
	// Also an answer that is made here costs the machine more outside of it than in it (ADR 0006).
	if now.Mono < n.calmAt {
		return dst, false
	}
	return n.core.Look(dst, now, args, proto)
}

// turn handles what waits, but of clients' commands no more than a slice, then
// what is due. Inputs come before the Tick: what an instance has answered in
// time must not be found overdue.
func (n *node) turn() {
	// Results and peers before clients: a failover waits for those.
	n.items = n.inbox.take(n.items)
	for i := range n.items {
		n.handle(&n.items[i])
	}
	clear(n.items)
	n.items = n.items[:0]
	n.servePeers()
	n.serveClients()
	now := n.clock.now()
	if now.Mono >= n.core.NextDeadline() {
		n.carryOut(n.outbox.Push(n.core.Step(now, sentinel.Tick{})))
	}
	if need := n.core.Connections(); need != n.kept {
		n.kept = need
		n.frontend.Reserve(need)
	}
	// After all inputs of the turn, so that one write covers them.
	n.write(now.Mono)
	n.links.Flush()
	n.frontend.Beat()
	// Ready when what the start tells has left, or when it is known that the disk does not take it
	//
	if n.ready != nil && (n.outbox.Len() == 0 || n.dirt.settled) {
		n.ready()
		n.ready = nil
	}
}

// servePeers handles what other Sentinels ask and tell, as much as one turn has
// room for.
func (n *node) servePeers() {
	n.fromPeers = n.inbox.takePeers(n.fromPeers[:0])
	for i := range n.fromPeers {
		if r := n.fromPeers[i]; !n.exited && n.frontend.Wanted(uint64(r.ID)) {
			n.step(r)
		}
	}
	clear(n.fromPeers)
}

// clientSlice is for how long clients' commands are handled before instances,
// peers and deadlines get their turn again: a fraction of what a failover may
// take, and many commands.
const clientSlice = time.Millisecond

// While something happens clients' commands get a part of the loop's time only.
// The loop could stop for others after any of them; but each answer costs the
// listener, the kernel and the client more than it costs the loop, at once and
// on the processors of the machine that a failover needs too. What failovers took
// with other parts and rests is in docs/measurements.md.
const (
	clientPart  = 10                    // one of so many
	eventful    = time.Second           // for so long something happens after a warning: each step of a failover has one
	longestRest = 30 * time.Millisecond // until the next, however long one took: the process may have been stopped
)

// serveClients handles commands of clients until none is left or their time is
// over; the rest waits for the next turn or, while something happens, until
// others have had their part. Who asks now and then does not notice: after a
// command that took some microseconds the next is welcome some later. While much
// waits for a write nothing is handled: its reply would wait for that too.
func (n *node) serveClients() {
	begin := n.clock.now().Mono
	if begin < n.clientsAt || n.outbox.Full() {
		return
	}
	// No new ones before these are done: each client's commands stay in order.
	if len(n.requests) == n.served {
		clear(n.requests)
		n.requests, n.served = n.inbox.takeRequests(n.requests[:0]), 0
	}
	if n.served == len(n.requests) {
		return
	}
	now := begin
	for n.served < len(n.requests) && !n.exited && !n.outbox.Full() && now-begin < clientSlice {
		if r := n.requests[n.served]; n.frontend.Wanted(uint64(r.ID)) {
			n.step(r)
		}
		n.served++
		now = n.clock.now().Mono
	}
	if now < n.calmAt {
		n.clientsAt = now + min((clientPart-1)*(now-begin), longestRest)
	}
}

// until is how long the loop may sleep if nothing comes in.
func (n *node) until() time.Time {
	at := n.core.NextDeadline()
	if retry, ok := n.dirt.deadline(); ok {
		at = min(at, retry)
	}
	if !n.outbox.Full() && (n.served < len(n.requests) || n.inbox.hasRequests()) {
		at = min(at, n.clientsAt)
	}
	// A turn takes a part of what peers ask, and nobody wakes the loop for the rest.
	if n.inbox.hasPeers() {
		at = 0
	}
	return n.clock.at(at)
}

// handle steps the core with one item.
func (n *node) handle(it *item) {
	switch {
	case n.exited:
	case it.saved != nil:
		n.saved(*it.saved)
	default:
		n.step(it.input)
	}
}

// wake looks, before anything else after a wait, whether the machine has been
// suspended: nothing that comes then may count as fresh for what came before.
//
// Rule: R-9.
func (n *node) wake() {
	// Before any input: what waited in the sockets meanwhile is as old as the sleep.
	if d := n.clock.slept(n.clock.now()); d > 0 && !n.exited {
		n.step(sentinel.Slept{For: d})
	}
}

// happened is the Sink of the links.
func (n *node) happened(ev link.Event) {
	if !n.exited {
		n.step(inputOf(&ev))
	}
}

// step applies one input to the core and carries out what follows from it.
func (n *node) step(in sentinel.Input) {
	now := n.clock.now()
	// Before the step: if it panics, this input is the one that tells why.
	n.ring.add(now, in)
	n.carryOut(n.outbox.Push(n.core.Step(now, in)))
}

// inputOf is what an event of a link means to the core.
func inputOf(ev *link.Event) sentinel.Input {
	id := sentinel.LinkID(ev.Link)
	switch ev.Kind {
	case link.Up:
		return sentinel.LinkUp{Link: id, Local: ev.Text}
	case link.Answer:
		return sentinel.Answer{Tag: sentinel.Tag(ev.Tag), Value: ev.Value}
	case link.Message:
		return sentinel.Hello{Link: id, Payload: ev.Payload}
	case link.Subscribed:
		return sentinel.Hello{Link: id}
	case link.NotSubscribed:
		return sentinel.Hello{Link: id, Payload: ev.Payload, Failed: true}
	default:
		return sentinel.LinkDown{Link: id, Refused: ev.Refused, Reason: ev.Text, Ours: ev.Ours}
	}
}

// write begins a write if something is dirty and the disk is free: all changes
// up to now go out together.
func (n *node) write(now time.Duration) {
	probe, ok := n.dirt.next(now)
	if !ok {
		return
	}
	job := saveJob{probe: probe}
	// As late as possible: what has changed while the last write was under way goes out with this one.
	if !probe {
		job.state, job.seq = n.core.Durable()
	}
	n.dirt.begun(probe, job.seq)
	n.persister.jobs <- job // there is room: no other is under way
}

// saved takes the result of a write: what waited for it is released, then the
// core hears of it. After a failure what waited is released all the same,
// unless strict-durability has it wait for the retry.
//
// Rule: R-8, E-43.
func (n *node) saved(r saveResult) {
	failing := n.dirt.failing
	n.dirt.done(r, n.clock.now().Mono)
	// After a failure it is news, which ends what the failure began (E-45).
	if r.probe && r.err == nil && !failing {
		return // as expected
	}
	in := sentinel.Persisted{Seq: r.seq, Took: r.took}
	if r.err != nil {
		in.Reason = errnoText(r.err)
	}
	switch {
	case r.probe:
	case r.err != nil && n.strict:
		n.carryOut(n.outbox.Refuse(r.seq))
	default:
		n.carryOut(n.outbox.Release(r.seq, r.err == nil))
	}
	n.step(in)
}
