package sentinel

import "gosentinel/internal/resp"

// Outbox holds back effects whose After is not yet durable, in their order.
// The zero Outbox is ready for use; it is not safe for concurrent use. The
// daemon and the simulator share it, so the rule is written, and tested, once.
//
// Rule: E-40, R-8.
type Outbox struct {
	settled Seq // every write up to here has returned
	held    []Effect
	ready   []Action // as last returned
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
		if e.After > o.settled {
			o.held = append(o.held, e)
			continue
		}
		o.ready = append(o.ready, e.Action)
	}
	return o.ready
}

// Settle says that the write of seq has returned, and whether it succeeded,
// and returns what waited for it, in order. A reply that depends on a failed
// write turns into its IfNotSaved. With strict-durability the caller does not
// call Settle for a failed write at all, but for replies: see Refuse.
func (o *Outbox) Settle(seq Seq, saved bool) (ready []Action) {
	if seq > o.settled {
		o.settled = seq
	}
	keep := o.held[:0]
	for _, e := range o.held {
		if e.After > o.settled {
			keep = append(keep, e)
			continue
		}
		ready = append(ready, outcome(e.Action, saved))
	}
	clear(o.held[len(keep):])
	o.held = keep
	return ready
}

// Refuse answers, after a failed write of seq under strict-durability, the
// requests that have an IfNotSaved; all else goes on waiting.
func (o *Outbox) Refuse(seq Seq) (ready []Action) {
	keep := o.held[:0]
	for _, e := range o.held {
		if r, ok := e.Action.(Respond); ok && e.After <= seq && !isZero(r.IfNotSaved) {
			ready = append(ready, outcome(r, false))
			continue
		}
		keep = append(keep, e)
	}
	clear(o.held[len(keep):])
	o.held = keep
	return ready
}

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
