package sentinel

import "time"

// never lies before every moment, farAway after every moment.
const (
	never   time.Duration = -1 << 60
	farAway time.Duration = 1 << 60
)

// longest is the most that a time from a setting counts for, 417 days: who sets
// more means "never", and the sums and multiples that are made of it, ten times
// down-after being the largest, stay before farAway.
//
// Rule: C-55, B-311, B-711.
const longest time.Duration = 1 << 55

// span is a time from a setting as it is counted with.
func span(set time.Duration) time.Duration { return min(set, longest) }

// asSet is a time as its setting says it: used is what is counted with, set what
// the file said.
func asSet(used, set time.Duration) time.Duration {
	if used == longest {
		return max(used, set)
	}
	return used
}

// nextOf is the earliest of ts that is still to come, farAway if none is: what
// has passed without effect waits for something else, and must wake nobody.
func (c *Core) nextOf(ts ...time.Duration) time.Duration {
	next := farAway
	for _, t := range ts {
		if t > c.now.Mono {
			next = min(next, t)
		}
	}
	return next
}

// node is anything that acts when its time has come. Its next deadline is
// derived from its state each time it was touched.
type node interface {
	// act does all that is due now.
	act(c *Core)
	// due is when act is needed next, if nothing happens before.
	due(c *Core) time.Duration
	// entry is where the node stands in the deadline heap.
	entry() *place
}

// place is where a node stands in the heap.
type place struct {
	index  int // in the heap, from 1; 0 = not there
	queued bool
	gone   bool // dropped: never acts again
}

func (p *place) entry() *place { return p }

// deadlines is a heap of nodes by due time, each of which knows its index.
// Each has four below it, and the times stand in the heap itself: of thousands
// of nodes, few are looked at. The zero value is empty.
type deadlines struct {
	slots []slot
	moves uint64 // of slots, for tests of how cost grows
}

type slot struct {
	due time.Duration
	at  *place
	n   node
}

// head is the earliest due time, or farAway.
func (d *deadlines) head() time.Duration {
	if len(d.slots) == 0 {
		return farAway
	}
	return d.slots[0].due
}

// first is the node that is due first. There must be one.
func (d *deadlines) first() node { return d.slots[0].n }

// set puts n at due, or moves it there.
func (d *deadlines) set(n node, due time.Duration) {
	p := n.entry()
	if p.index == 0 {
		d.slots = append(d.slots, slot{due, p, n})
		d.up(len(d.slots) - 1)
		return
	}
	i := p.index - 1
	old := d.slots[i].due
	d.slots[i].due = due
	if due < old {
		d.up(i)
	} else if due > old {
		d.down(i)
	}
}

// remove takes n out, if it is there.
func (d *deadlines) remove(n node) {
	p := n.entry()
	if p.index == 0 {
		return
	}
	i, last := p.index-1, len(d.slots)-1
	moved := d.slots[last]
	d.slots[last] = slot{}
	d.slots = d.slots[:last]
	p.index = 0
	if i < last {
		d.slots[i] = moved
		// The last slot may come from another branch: due before its new parent, or after its new
		// children.
		d.up(i)
		d.down(moved.at.index - 1)
	}
}

// up moves the slot at i to where nothing above it is due later.
func (d *deadlines) up(i int) {
	s := d.slots[i]
	for i > 0 {
		parent := (i - 1) / 4
		if d.slots[parent].due <= s.due {
			break
		}
		d.put(i, d.slots[parent])
		i = parent
	}
	d.put(i, s)
}

// down moves the slot at i to where nothing below it is due earlier.
func (d *deadlines) down(i int) {
	s := d.slots[i]
	for {
		first := 4*i + 1
		if first >= len(d.slots) {
			break
		}
		least := first
		for child := first + 1; child < min(first+4, len(d.slots)); child++ {
			if d.slots[child].due < d.slots[least].due {
				least = child
			}
		}
		if d.slots[least].due >= s.due {
			break
		}
		d.put(i, d.slots[least])
		i = least
	}
	d.put(i, s)
}

func (d *deadlines) put(i int, s slot) {
	d.slots[i] = s
	s.at.index = i + 1
	d.moves++
}
