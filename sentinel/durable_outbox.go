package sentinel

import (
	"slices"
	"strings"

	"gosentinel/internal/resp"
)

// Outbox holds back effects whose After is not yet durable, in their order.
// The zero Outbox is ready for use; it is not safe for concurrent use. The
// daemon and the simulator share it, so the rule is written, and tested, once.
//
// Rule: E-40, R-8.
type Outbox struct {
	releasedSeq Seq // every write up to here has returned
	held        []Effect
	secret      map[string]int // how many of them tell the address of a master
	replies     int            // about how many bytes the replies among them have
	sick        bool           // the disk: what is to be closed waits for nothing
	ready       []Action       // as last returned
}

// Push takes the effects of a step and returns the actions that may be carried
// out now, in order, in a slice that the next call uses again. Persist is never
// held.
func (o *Outbox) Push(es []Effect) (ready []Action) {
	if cap(o.ready) > outKept {
		o.ready = nil
	}
	o.ready = o.ready[:0]
	for _, e := range es {
		if e.After > o.releasedSeq {
			o.hold(e)
			continue
		}
		o.overtake(e.Action)
		o.ready = append(o.ready, e.Action)
	}
	return o.ready
}

// overtake drops what is held and means nothing behind a, which goes now.
//
// Rule: E-40.
func (o *Outbox) overtake(a Action) {
	switch a := a.(type) {
	case DiskSick:
		// What waits to be closed would keep its socket, and with each renewed link one more.
		if o.sick = a.On; o.sick {
			o.hangUp()
		}
	case Hangup:
		if o.sick {
			o.drop(func(held Action) bool { s, ok := held.(*Send); return ok && s.Link == a.Link })
		}
	case Show, Emit:
		name, ok := namesAddress(a)
		if !ok || o.secret[name] == 0 {
			return
		}
		_, show := a.(Show)
		o.drop(func(held Action) bool {
			other, ok := namesAddress(held)
			_, shows := held.(Show)
			return ok && other == name && shows == show // of an older configuration: clients would go back
		})
	}
}

// namesAddress gives the master of which a tells clients the address.
func namesAddress(a Action) (master string, ok bool) {
	switch a := a.(type) {
	case Show:
		return a.Master, true
	case Emit:
		if a.Event.Name == switchEvent {
			master, _, _ = strings.Cut(a.Event.Payload, " ")
			return master, true
		}
	}
	return "", false
}

// hold keeps an effect until its write has returned.
func (o *Outbox) hold(e Effect) {
	if master, ok := namesAddress(e.Action); ok {
		if o.secret == nil {
			o.secret = map[string]int{}
		}
		o.secret[master]++
	}
	if r, ok := e.Action.(Respond); ok {
		o.replies += r.Value.Size(fullOutbox)
	}
	o.held = append(o.held, e)
}

// let is the opposite of hold.
func (o *Outbox) let(a Action) {
	if r, ok := a.(Respond); ok {
		o.replies -= r.Value.Size(fullOutbox)
	}
	master, ok := namesAddress(a)
	if !ok {
		return
	}
	if o.secret[master]--; o.secret[master] == 0 {
		delete(o.secret, master)
	}
}

// hangUp lets the connections go that are to be closed: a sick disk may hold
// back for ever what should leave on them before.
func (o *Outbox) hangUp() {
	var gone []LinkID
	o.drop(func(held Action) bool {
		h, ok := held.(Hangup)
		if ok {
			gone = append(gone, h.Link)
			o.ready = append(o.ready, h)
		}
		return ok
	})
	slices.Sort(gone)
	o.drop(func(held Action) bool {
		s, ok := held.(*Send)
		if !ok {
			return false
		}
		_, found := slices.BinarySearch(gone, s.Link)
		return found
	})
}

// drop takes out what is held and of which says so.
func (o *Outbox) drop(which func(Action) bool) {
	o.held = slices.DeleteFunc(o.held, func(e Effect) bool {
		if !which(e.Action) {
			return false
		}
		o.let(e.Action)
		return true
	})
}

// Release says that the write of seq has returned, and whether it succeeded,
// and returns what waited for it, in order. A reply that depends on a failed
// write turns into its IfNotSaved. With strict-durability the caller does not
// call Release for a failed write at all, but for replies: see Refuse.
func (o *Outbox) Release(seq Seq, saved bool) (ready []Action) {
	if seq > o.releasedSeq {
		o.releasedSeq = seq
	}
	keep := o.held[:0]
	for _, e := range o.held {
		if e.After > o.releasedSeq {
			keep = append(keep, e)
			continue
		}
		o.let(e.Action)
		ready = append(ready, outcome(e.Action, saved))
	}
	// Else the array would keep replies of any size from the collector.
	clear(o.held[len(keep):])
	o.held = keep
	return ready
}

// Refuse answers, after a failed write of seq under strict-durability, the
// requests that have an IfNotSaved; all else goes on waiting.
func (o *Outbox) Refuse(seq Seq) (ready []Action) {
	keep := o.held[:0]
	for _, e := range o.held {
		// Only who can be told that it failed: a vote, or a promotion, may yet be written by the
		// retry.
		if r, ok := e.Action.(Respond); ok && e.After <= seq && !isZero(r.IfNotSaved) {
			o.let(r)
			ready = append(ready, outcome(r, false))
			continue
		}
		keep = append(keep, e)
	}
	clear(o.held[len(keep):])
	o.held = keep
	return ready
}

// fullOutbox is how many bytes of replies wait for writes at most before Full.
const fullOutbox = 1 << 20

// Full reports whether so much waits for writes that no more is to be asked for: a
// write may take long, and clients can ask for long replies fast.
//
// Rule: K-8.3.
func (o *Outbox) Full() bool { return o.replies >= fullOutbox }

// Len is how many effects wait.
func (o *Outbox) Len() int { return len(o.held) }

func outcome(a Action, saved bool) Action {
	if r, ok := a.(Respond); ok && !saved && !isZero(r.IfNotSaved) {
		r.Value = r.IfNotSaved
		return r
	}
	return a
}

// isZero reports whether v is the zero Value, which no reply of ours is.
func isZero(v resp.Value) bool { return v.Kind == resp.Null }
