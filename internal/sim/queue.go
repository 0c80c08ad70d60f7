package sim

import "time"

// target is what an event happens to; arg is its own business.
type target interface{ fire(arg uint64) }

// event is one thing that will happen.
type event struct {
	at  time.Duration
	num uint64 // order among those of one time
	to  target
	arg uint64
}

func (e *event) before(o *event) bool {
	return e.at < o.at || e.at == o.at && e.num < o.num
}

// queue holds the events to come in a binary heap. The zero queue is empty.
type queue struct {
	heap []event
	num  uint64
}

func (q *queue) push(at time.Duration, to target, arg uint64) {
	q.num++
	q.heap = append(q.heap, event{at, q.num, to, arg})
	h := q.heap
	i := len(h) - 1
	e := h[i]
	for i > 0 {
		up := (i - 1) / 2
		if !e.before(&h[up]) {
			break
		}
		h[i] = h[up]
		i = up
	}
	h[i] = e
}

// pop removes the earliest event; the queue must not be empty.
func (q *queue) pop() event {
	h := q.heap
	first := h[0]
	n := len(h) - 1
	e := h[n]
	h[n] = event{}
	h = h[:n]
	q.heap = h
	if n == 0 {
		return first
	}
	i := 0
	for {
		kid := 2*i + 1
		if kid >= n {
			break
		}
		if kid+1 < n && h[kid+1].before(&h[kid]) {
			kid++
		}
		if !h[kid].before(&e) {
			break
		}
		h[i] = h[kid]
		i = kid
	}
	h[i] = e
	return first
}

// call is an event of its own, for what happens rarely.
type call func()

func (f call) fire(uint64) { f() }
