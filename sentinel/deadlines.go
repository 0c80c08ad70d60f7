package sentinel

import "time"

// never lies before every moment, farAway after every moment.
const (
	never   time.Duration = -1 << 60
	farAway time.Duration = 1 << 60
)

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
	due    time.Duration
	index  int // in the heap, from 1; 0 = not there
	queued bool
	gone   bool // dropped: never acts again
}

func (p *place) entry() *place { return p }

// deadlines is a binary heap of nodes by due time, each of which knows its
// index. The zero value is empty.
type deadlines struct{ nodes []node }

// head is the earliest due time, or farAway.
func (d *deadlines) head() time.Duration {
	if len(d.nodes) == 0 {
		return farAway
	}
	return d.nodes[0].entry().due
}

// set puts n at due, or moves it there.
func (d *deadlines) set(n node, due time.Duration) {
	p := n.entry()
	if p.index == 0 {
		p.due = due
		d.nodes = append(d.nodes, n)
		p.index = len(d.nodes)
		d.up(p.index - 1)
		return
	}
	if due == p.due {
		return
	}
	earlier := due < p.due
	p.due = due
	if earlier {
		d.up(p.index - 1)
	} else {
		d.down(p.index - 1)
	}
}

// remove takes n out, if it is there.
func (d *deadlines) remove(n node) {
	p := n.entry()
	if p.index == 0 {
		return
	}
	i, last := p.index-1, len(d.nodes)-1
	d.swap(i, last)
	d.nodes[last] = nil
	d.nodes = d.nodes[:last]
	p.index = 0
	if i < last {
		d.up(i)
		d.down(i)
	}
}

func (d *deadlines) up(i int) {
	for i > 0 {
		parent := (i - 1) / 2
		if d.nodes[parent].entry().due <= d.nodes[i].entry().due {
			return
		}
		d.swap(i, parent)
		i = parent
	}
}

func (d *deadlines) down(i int) {
	for {
		least := i
		for child := 2*i + 1; child <= 2*i+2 && child < len(d.nodes); child++ {
			if d.nodes[child].entry().due < d.nodes[least].entry().due {
				least = child
			}
		}
		if least == i {
			return
		}
		d.swap(i, least)
		i = least
	}
}

func (d *deadlines) swap(i, j int) {
	d.nodes[i], d.nodes[j] = d.nodes[j], d.nodes[i]
	d.nodes[i].entry().index = i + 1
	d.nodes[j].entry().index = j + 1
}
