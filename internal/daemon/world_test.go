package daemon

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"gosentinel/conf"
	"gosentinel/internal/link"
	"gosentinel/internal/resp"
	"gosentinel/sentinel"
)

const testConf = "/d/s.conf"

// testCore is a machine that does as the test says.
type testCore struct {
	start    []sentinel.Effect
	step     func(now sentinel.Stamp, in sentinel.Input) []sentinel.Effect
	look     func(now sentinel.Stamp) bool
	deadline time.Duration
	seq      sentinel.Seq

	mu     sync.Mutex
	inputs []sentinel.Input // but Ticks
	ticks  []time.Duration
}

func (c *testCore) Start() []sentinel.Effect { return c.start }
func (c *testCore) Connections() int         { return 0 }

func (c *testCore) NextDeadline() time.Duration { return c.deadline }

func (c *testCore) Durable() (conf.State, sentinel.Seq) {
	return conf.State{MyID: strings.Repeat("a", 40), CurrentEpoch: uint64(c.seq)}, c.seq
}

func (c *testCore) Step(now sentinel.Stamp, in sentinel.Input) []sentinel.Effect {
	c.mu.Lock()
	if _, ok := in.(sentinel.Tick); ok {
		c.ticks = append(c.ticks, now.Mono)
		c.deadline = now.Mono + 100*time.Millisecond
	} else {
		c.inputs = append(c.inputs, in)
	}
	c.mu.Unlock()
	if c.step == nil {
		return nil
	}
	return c.step(now, in)
}

// Look answers with the first word, as often as look lets it.
func (c *testCore) Look(dst []byte, now sentinel.Stamp, args [][]byte, _ int) ([]byte, bool) {
	if c.look != nil && !c.look(now) {
		return dst, false
	}
	return append(dst, args[0]...), true
}

// change marks the state dirty and gives the Persist for it.
func (c *testCore) change() sentinel.Effect {
	c.seq++
	return sentinel.Effect{Action: sentinel.Persist{Seq: c.seq}}
}

// seen are the inputs so far.
func (c *testCore) seen() []sentinel.Input {
	c.mu.Lock()
	defer c.mu.Unlock()
	return append([]sentinel.Input(nil), c.inputs...)
}

// ticked is how many Ticks there were.
func (c *testCore) ticked() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.ticks)
}

// testFront is listener and links: it writes down what is asked of it.
type testFront struct {
	unwanted func(id uint64) bool // nil: every command is wanted
	woken    chan struct{}
	sink     link.Sink

	mu     sync.Mutex
	said   []string
	beats  int
	events []link.Event
}

func newTestFront() *testFront { return &testFront{woken: make(chan struct{}, 1)} }

// happen has the links tell of events.
func (f *testFront) happen(events ...link.Event) {
	f.mu.Lock()
	f.events = append(f.events, events...)
	f.mu.Unlock()
	f.Wake()
}

// Wait is that of the links.
func (f *testFront) Wait(until time.Time) {
	select {
	case <-f.woken:
	case <-time.After(time.Until(until)):
	}
}

// Tell is that of the links.
func (f *testFront) Tell() {
	f.mu.Lock()
	events := f.events
	f.events = nil
	f.mu.Unlock()
	for i := range events {
		f.sink(events[i])
	}
}

// Wake ends a Wait.
func (f *testFront) Wake() {
	select {
	case f.woken <- struct{}{}:
	default:
	}
}

func (f *testFront) say(format string, args ...any) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.said = append(f.said, fmt.Sprintf(format, args...))
}

func (f *testFront) take() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	said := f.said
	f.said = nil
	return said
}

func (f *testFront) Wanted(id uint64) bool             { return f.unwanted == nil || !f.unwanted(id) }
func (f *testFront) Respond(id uint64, v resp.Value)   { f.say("respond %d %s", id, v.Str) }
func (f *testFront) Publish(channel, payload string)   { f.say("publish %s: %s", channel, payload) }
func (f *testFront) Reserve(n int)                     {}
func (f *testFront) Silence(on bool)                   { f.say("silence %t", on) }
func (f *testFront) Beat()                             { f.beats++ }
func (f *testFront) Dial(o link.DialOptions)           { f.say("dial %+v", o) }
func (f *testFront) Send(id, tag uint64, c [][]string) { f.say("send %d %d %v", id, tag, c) }
func (f *testFront) Hangup(id uint64)                  { f.say("hangup %d", id) }
func (f *testFront) Flush()                            {}
func (f *testFront) Close()                            {}
func (f *testFront) Show(m, h string, p int, gone bool) {
	f.say("show %s %s %d %t", m, h, p, gone)
}

// world is a node with all around it in memory.
type world struct {
	*node
	core  *testCore
	front *testFront
	disk  *memDisk
	log   *lineLog
	exits []int
	level string
	ended chan error
	ready bool
	stop  context.CancelFunc
}

// newWorld makes a node; change may change its options. go starts it.
func newWorld(t *testing.T, core *testCore, change func(o *nodeOptions)) *world {
	w := &world{
		core: core, front: newTestFront(), log: &lineLog{}, ended: make(chan error, 1),
		disk: newMemDisk(map[string]string{testConf: "port 1\n"}),
	}
	o := nodeOptions{
		Core: core, Clock: newClock(), Log: slog.New(w.log), ConfigFile: testConf, Umask: 0o022,
		SetLogLevel: func(level string) { w.level = level },
		Exit:        func(code int) { w.exits = append(w.exits, code) },
		disk:        w.disk,
		links: func(o link.Options) (links, error) {
			w.front.sink = o.Sink
			return w.front, nil
		},
	}
	if change != nil {
		change(&o)
	}
	var err error
	w.node, err = newNode(o)
	require.NoError(t, err)
	w.attach(w.front)
	return w
}

// start runs the node until the test ends.
func (w *world) start(t *testing.T) {
	ctx, stop := context.WithCancel(context.Background())
	w.stop = stop
	go func() { w.ended <- w.run(ctx, func() { w.ready = true }) }()
	t.Cleanup(func() {
		stop()
		w.inbox.close()
	})
	synctest.Wait()
}

// request submits one command; its name is its id.
func (w *world) request(id int, words ...string) {
	r := sentinel.Request{ID: sentinel.ReqID(id)}
	for _, word := range words {
		r.Args = append(r.Args, []byte(word))
	}
	w.Submit([]sentinel.Request{r})
}

// voting answers each Request after the write of a change that it makes, like a
// vote.
func voting(c *testCore) {
	c.step = func(_ sentinel.Stamp, in sentinel.Input) []sentinel.Effect {
		r, ok := in.(sentinel.Request)
		if !ok {
			return nil
		}
		persist := c.change()
		answer := sentinel.Respond{ID: r.ID, Value: resp.Str("yes")}
		if len(r.Args) > 0 && string(r.Args[0]) == "SET" {
			answer.IfNotSaved = resp.Str("not saved")
		}
		return []sentinel.Effect{persist, {After: c.seq, Action: answer}}
	}
}
