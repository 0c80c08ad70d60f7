package sentinel

import (
	"time"

	"gosentinel/conf"
	"gosentinel/internal/invariant"
	"gosentinel/internal/rng"
	"gosentinel/quorum"
)

// tickEvery is the longest time between two Ticks: TILT is defined by ticks
// that come late.
const tickEvery = 100 * time.Millisecond

// Core is one Sentinel: no goroutines, clock, sockets, files or globals; one
// caller at a time. Same boot, seed and inputs give the same effects, byte for
// byte.
type Core struct {
	now Stamp
	rng *rng.Rand

	myID     string
	idSeq    Seq          // the write of myID, if it was made in this life
	epoch    quorum.Epoch // current_epoch
	heard    heardEpoch
	general  conf.State // boot, for the general settings it carries
	logLevel string

	denyScripts       bool
	resolveHostnames  bool
	announceHostnames bool
	announceIP        string
	announcePort      int
	movedAt           time.Duration   // when that changed; never
	ownIPs            map[string]bool // that our connections have had
	clone             clone
	peerUser          string
	peerPass          conf.Secret
	params            params

	masters    []*master // in the order they were added
	byName     map[string]*master
	byAddr     addrIndex
	names      nameTable
	conns      map[LinkID]*conn
	guides     map[LinkID]*guide // whom misplaced masters follow, while they are asked
	peerLink   map[string]*link  // the link to a peer by run id (B-121)
	lastLink   LinkID
	linked     int           // connections that there should be
	unseenTold time.Duration // when it was last said that one cannot be tried; never

	deadlines deadlines
	work      []node
	stale     node   // has acted in vain, see Check; nil = none
	phases    uint64 // that were drawn
	visits    uint64 // nodes that acted, for tests of how cost grows

	lastTick time.Duration
	lateTick time.Duration // no ping clock counts from before: a stall that meant TILT, or sleep; never
	stalled  time.Duration // the sum of our own stalls, in which ping clocks stood still
	tilt     bool
	tiltAt   time.Duration

	seq        Seq // of the last change of durable state
	durableSeq Seq // all writes up to here have returned well, or are carried on without
	dirty      bool
	saveError  string
	// toldEpochs: that no epochs are left has been logged.
	toldEpochs           bool
	votingSuspended      votingSuspension
	diskProven           bool            // a write of this life has returned, well or not, or a probe has failed
	deferredReplies      []deferredReply // to vote requests, while it has not
	slowDisk             bool            // the last write failed or took long (E-14)
	disk                 disk
	waiting              []waiting
	voteReplyGates       []*link   // peers whose answers wait for a write
	awaitingVoteRequests []*master // those that wait for what such a peer has asked

	scripts  scripts
	monitors []*pendingMonitor
	simulate simulation
	dying    bool // a simulated failure was reached: nothing follows its Exit
	badHello badHellos

	out   []Effect // of this step, behind room for its Persist; its memory is used again
	table table    // room for the next listing
}

// New makes a Core from the state in sentinel.conf. Its error says what is
// wrong with boot, which conf has checked already. The caller carries out
// Start's effects before it steps.
func New(now Stamp, boot conf.State, seed uint64) (*Core, error) {
	c := &Core{
		now: now, rng: rng.New(seed),
		myID: boot.MyID, general: boot, logLevel: boot.LogLevel,
		denyScripts:       boot.DenyScriptsReconfig,
		resolveHostnames:  boot.ResolveHostnames,
		announceHostnames: boot.AnnounceHostnames,
		announceIP:        boot.AnnounceIP,
		announcePort:      boot.AnnouncePort,
		peerUser:          boot.SentinelUser,
		peerPass:          boot.SentinelPass,
		params:            defaultParams(),
		epoch:             quorum.Epoch(boot.CurrentEpoch),
		byName:            map[string]*master{},
		conns:             map[LinkID]*conn{},
		guides:            map[LinkID]*guide{},
		peerLink:          map[string]*link{},
		lastTick:          now.Mono,
		lateTick:          never,
		movedAt:           never,
		ownIPs:            map[string]bool{},
		clone:             clone{heardAt: never, toldAt: never},
		votingSuspended:   votingSuspension{until: never},
		disk:              disk{began: never},
		unseenTold:        never,
	}
	c.general.Masters = nil
	c.byAddr.init()
	c.names.init()
	// Over all masters before any is loaded: without a leader-epoch line a ballot starts at this
	// epoch (E-21).
	for _, m := range boot.Masters {
		c.epoch = max(c.epoch, quorum.Epoch(m.ConfigEpoch))
	}
	for _, m := range boot.Masters {
		if err := c.load(m); err != nil {
			return nil, err
		}
	}
	return c, nil
}

// Start returns the effects of the first moment: a write if the run id had to
// be generated, the log line of the run id, what the View shows, +monitor of
// every master. Called once, before the first Step.
//
// Rule: B-1103.
func (c *Core) Start() []Effect {
	if c.myID == "" {
		c.myID = c.randomID()
		c.change()
		c.idSeq = c.seq
	}
	c.logLine(LevelNotice, "Sentinel ID is "+c.myID)
	for _, m := range c.masters {
		c.show(m)
		c.announceMonitor(m)
	}
	return c.finish()
}

// Step applies one input and returns what to do, in order, in a slice that the
// next Step uses again; what is in it is immutable. It cannot fail: bad input
// becomes an event or an error reply, a broken invariant panics.
func (c *Core) Step(now Stamp, in Input) []Effect {
	// Silences and due times are differences of times: none may be negative.
	if now.Mono < c.now.Mono {
		now.Mono = c.now.Mono
	}
	from := c.now
	c.now = now
	// Before the input: what it brings may be old, by a sleep or a stall of our own.
	c.checkWallClock(from, in)
	c.checkStall()
	switch in := in.(type) {
	case Tick:
		// No other input moves it: TILT is told by Ticks that come late, whatever comes between them.
		c.lastTick = now.Mono
		c.endClone()
	case LinkUp:
		c.linkUp(in)
	case LinkDown:
		c.linkDown(in)
	case Answer:
		c.answer(&in)
	case Hello:
		c.helloFromLink(in)
	case Request:
		c.request(in)
	case Resolved:
		c.resolved(in)
	case Persisted:
		c.persisted(in)
	case ScriptUp:
		c.scriptUp(in)
	case ScriptDone:
		c.scriptDone(in)
	case Slept:
		c.slept(in.For)
	}
	// Before the nodes act, or a candidate might ask for votes in the step that makes the disk sick.
	c.checkDisk()
	c.runDueNodes()
	if invariant.Enabled {
		c.Check()
	}
	return c.finish()
}

// NextDeadline is the Mono time by which Tick is due, at most 100 ms after the
// last Tick (TILT is defined by late ticks). O(1).
func (c *Core) NextDeadline() time.Duration {
	return min(c.lastTick+tickEvery, c.deadlines.head(), c.diskDue())
}

// Connections is how many connections there should be to all instances and
// peers. O(1).
func (c *Core) Connections() int { return c.linked }

// touch puts n on the list of nodes that act in this step.
func (c *Core) touch(n node) {
	p := n.entry()
	if !p.queued && !p.gone {
		p.queued = true
		c.work = append(c.work, n)
	}
}

// staleWait is how soon a node acts again whose deadline has passed although it
// has just acted. Check finds such a mistake; it must not take a whole core.
const staleWait = time.Millisecond

// runDueNodes lets every node act that was touched or whose time has come, until
// none is left, and files their next deadlines.
func (c *Core) runDueNodes() {
	// Taken out first: a node that is due and was touched acts once.
	for c.deadlines.head() <= c.now.Mono {
		n := c.deadlines.first()
		c.deadlines.remove(n)
		c.touch(n)
	}
	// The list grows while it is walked: what a node does may concern others.
	for i := 0; i < len(c.work); i++ {
		invariant.That(i < 1<<24, "S2.10", "a step that does not end, at node %d", i)
		n := c.work[i]
		// Before it acts, so that whoever touches it meanwhile has it act once more.
		n.entry().queued = false
		if n.entry().gone {
			continue
		}
		c.visits++
		n.act(c)
		if !n.entry().gone {
			due := n.due(c)
			if due <= c.now.Mono {
				due = c.now.Mono + staleWait
				// One that is queued acts again in this step, and may still become right.
				if !n.entry().queued {
					c.stale = n
				}
			}
			c.deadlines.set(n, due)
		}
	}
	clear(c.work)
	c.work = c.work[:0]
}

// drop takes a node out for good.
func (c *Core) drop(n node) {
	n.entry().gone = true
	c.deadlines.remove(n)
}

// emit appends an effect that waits for all that is dirty so far.
//
// Rule: S2.8, E-40.
func (c *Core) emit(a Action) {
	if c.dying {
		return
	}
	after := Seq(0)
	if c.seq > c.durableSeq {
		after = c.seq
	}
	c.put(Effect{After: after, Action: a})
}

// emitNow appends an effect that reveals nothing that must be durable first:
// PING, INFO, SUBSCRIBE, dials and asks.
func (c *Core) emitNow(a Action) {
	if !c.dying {
		c.put(Effect{Action: a})
	}
}

// put appends to the effects of this step.
func (c *Core) put(e Effect) {
	if len(c.out) == 0 {
		c.out = append(c.out, Effect{})
	}
	c.out = append(c.out, e)
}

// outKept is how many effects of a large step are not given back at once.
const outKept = 1024

// change marks the durable state as changed by this step.
func (c *Core) change() {
	if !c.dirty {
		c.dirty = true
		c.seq++
		c.writeBegins()
	}
}

// changeMaster is change, for what the file holds of m.
func (c *Core) changeMaster(m *master) {
	m.saved = nil
	c.change()
}

// finish closes a step: Persist goes first.
func (c *Core) finish() []Effect {
	if c.dirty && len(c.out) == 0 {
		c.out = append(c.out, Effect{})
	}
	out := c.out
	if c.out = out[:0]; len(out) > outKept {
		c.out = nil
	}
	if c.dirty {
		c.dirty = false
		out[0] = Effect{Action: Persist{Seq: c.seq}}
		return out
	}
	return out[min(1, len(out)):]
}

func (c *Core) randomID() string {
	const digits = "0123456789abcdef"
	id := make([]byte, 40)
	for i := range id {
		id[i] = digits[c.rng.IntN(16)]
	}
	return string(id)
}
