package sim

import (
	"fmt"
	"io"
	"strings"
	"time"

	"gosentinel/conf"
	"gosentinel/internal/resp"
	"gosentinel/replication"
	"gosentinel/sentinel"
)

// fakeCore notes what it is given and does what the test tells it.
type fakeCore struct {
	now   time.Duration
	notes []string
	onReq func(c *fakeCore, q sentinel.Request) []sentinel.Effect
	todo  []sentinel.Effect
	seq   sentinel.Seq
	state conf.State
}

func (c *fakeCore) Start() []sentinel.Effect { return nil }

func (c *fakeCore) Step(now sentinel.Stamp, in sentinel.Input) []sentinel.Effect {
	c.now = now.Mono
	switch in := in.(type) {
	case sentinel.Tick:
	case sentinel.Answer:
		c.note("answer %d %s", in.Tag, in.Value.Str)
	case sentinel.Hello:
		c.note("hello %s%v", in.Payload, in.Failed)
	case sentinel.LinkDown:
		c.note("down %d refused=%v %s", in.Link, in.Refused, in.Reason)
	case sentinel.LinkUp:
		c.note("up %d", in.Link)
	case sentinel.Persisted:
		c.note("persisted %d %s", in.Seq, in.Reason)
	case sentinel.Request:
		if c.onReq != nil {
			return c.onReq(c, in)
		}
	default:
		c.note("%T", in)
	}
	es := c.todo
	c.todo = nil
	return es
}

func (c *fakeCore) note(format string, args ...any) {
	c.notes = append(c.notes, fmt.Sprintf("%v ", c.now.Round(10*time.Microsecond))+fmt.Sprintf(format, args...))
}

func (c *fakeCore) NextDeadline() time.Duration { return c.now + 100*time.Millisecond }

func (c *fakeCore) Durable() (conf.State, sentinel.Seq) { return c.state, c.seq }

func (c *fakeCore) Dump(io.Writer) error { return nil }

// does makes a node carry out actions at once.
func (n *Node) does(actions ...sentinel.Action) {
	c := n.core.(*fakeCore)
	for _, a := range actions {
		c.todo = append(c.todo, sentinel.Effect{Action: a})
	}
	n.step(sentinel.Tick{})
}

func (n *Node) notes() string {
	c := n.core.(*fakeCore)
	s := strings.Join(c.notes, "\n")
	c.notes = nil
	return s
}

// testWorld has a Sentinel s1 with a fake core, a master and a replica.
func testWorld() (*World, *Node, *Instance, *Instance) {
	w := New(Options{Latency: time.Millisecond})
	m := w.AddInstance(InstanceOptions{Addr: Addr{"10.0.0.1", 6379}, Group: "m"})
	r := w.AddInstance(InstanceOptions{Addr: Addr{"10.0.0.2", 6379}, Group: "m", Master: m.addr, SyncTakes: 50 * time.Millisecond})
	n := addFake(w, "s1", "10.0.9.1")
	w.Run(10 * time.Millisecond)
	return w, n, m, r
}

func addFake(w *World, name, ip string) *Node {
	return w.AddSentinel(SentinelOptions{
		Name: name, Addr: Addr{ip, 26379}, Boot: conf.State{MyID: strings.Repeat("a", 40), Port: 26379},
		Make: func(now sentinel.Stamp, boot conf.State, seed uint64) (Core, error) {
			return &fakeCore{now: now.Mono, state: boot}, nil
		},
	})
}

func dialTo(id sentinel.LinkID, i *Instance, pubsub bool) sentinel.Dial {
	return sentinel.Dial{Link: id, Addr: replication.Addr{IP: i.addr.IP, Port: i.addr.Port}, Timeout: 3 * time.Second, PubSub: pubsub}
}

func sends(id sentinel.LinkID, tag sentinel.Tag, cmds ...string) *sentinel.Send {
	s := &sentinel.Send{Link: id, Tag: tag}
	for _, c := range cmds {
		s.Cmds = append(s.Cmds, strings.Fields(c))
	}
	return s
}

func ok(c *fakeCore, q sentinel.Request) []sentinel.Effect {
	return []sentinel.Effect{{Action: sentinel.Respond{ID: q.ID, Value: resp.OK}}}
}
