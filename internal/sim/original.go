package sim

import (
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"gosentinel/conf"
	"gosentinel/internal/resp"
	"gosentinel/internal/rng"
	"gosentinel/replication"
	"gosentinel/sentinel"
)

// original is a model of an original Sentinel, as far as others in its quorum
// can tell: it polls. All is decided on a tick of 52 to 100 ms, PING goes out
// each second, INFO each ten or one, hello each two, asks each second; its
// writes block it, which here means that all it says waits for them.
//
// Rule: behaviour.md 2 to 7 and 15, and what is marked ORIG there.
type original struct {
	now     sentinel.Stamp
	rng     *rng.Rand
	boot    conf.State
	epoch   uint64
	masters []*oMaster
	out     []sentinel.Effect
	seq     sentinel.Seq
	ticked  time.Duration
	next    time.Duration
	tilt    time.Duration // till when; 0 = no TILT
	links   map[sentinel.LinkID]*oConn
	lastID  sentinel.LinkID
	lastTag sentinel.Tag
	ip      string
}

// oConn is one connection; its pending answers are dropped with it.
type oConn struct {
	id      sentinel.LinkID
	of      *oInst
	pub     bool
	opened  time.Duration
	heard   time.Duration // pub: when anything last came
	pending map[sentinel.Tag]func(resp.Value)
}

type oKind uint8

const (
	oIsMaster oKind = iota
	oIsReplica
	oIsPeer
)

// oInst is a master, a replica or a peer.
type oInst struct {
	m        *oMaster
	kind     oKind
	addr     Addr
	runID    string
	cmd, pub *oConn
	tried    time.Duration

	pinging   bool
	pingSince time.Duration
	lastPing  time.Duration
	lastOK    time.Duration
	lastReply time.Duration
	lastPub   time.Duration
	sdown     bool
	downSince time.Duration // never = never

	infoAt   time.Duration
	info     map[string]string
	isMaster bool
	roleAt   time.Duration
	confAt   time.Duration
	follows  Addr
	promoted bool
	reconf   int // 1 sent, 2 in progress, 3 done
	sentAt   time.Duration

	saysDown  bool // peers
	replyAt   time.Duration
	vote      string
	voteEpoch uint64
}

const oNever = -time.Hour

// oMaster is one monitored master.
type oMaster struct {
	oInst
	conf     conf.Master
	replicas []*oInst
	peers    []*oInst
	odown    bool
	config   uint64
	leader   string
	leaderE  uint64
	state    int
	failover uint64
	started  time.Duration
	changed  time.Duration
	force    bool
	chosen   *oInst
	switchTo *oInst
}

// Failover states.
const (
	oNone = iota
	oWaitStart
	oSelect
	oSendNoOne
	oWaitPromotion
	oReconf
)

// NewOriginal makes the model of an original Sentinel.
func NewOriginal(now sentinel.Stamp, boot conf.State, seed uint64) (Core, error) {
	o := &original{now: now, rng: rng.New(seed), boot: boot, epoch: boot.CurrentEpoch, links: map[sentinel.LinkID]*oConn{}}
	o.ticked = now.Mono
	o.next = now.Mono + 50*time.Millisecond
	for _, c := range boot.Masters {
		m := &oMaster{conf: *c, config: c.ConfigEpoch, leaderE: c.LeaderEpoch, started: oNever}
		m.oInst = o.newInst(m, oIsMaster, Addr{c.Addr.Host, c.Addr.Port})
		m.isMaster = true
		for _, r := range c.Replicas {
			m.replicas = append(m.replicas, new(o.newInst(m, oIsReplica, Addr{r.Host, r.Port})))
		}
		for _, p := range c.Sentinels {
			i := o.newInst(m, oIsPeer, Addr{p.Addr.Host, p.Addr.Port})
			i.runID = p.RunID
			m.peers = append(m.peers, &i)
		}
		o.epoch = max(o.epoch, m.config)
		o.masters = append(o.masters, m)
	}
	return o, nil
}

func (o *original) newInst(m *oMaster, kind oKind, a Addr) oInst {
	t := o.now.Mono
	return oInst{m: m, kind: kind, addr: a, tried: oNever, pinging: true, pingSince: t, lastPing: oNever, lastOK: t, lastReply: t,
		lastPub: t, downSince: oNever, infoAt: oNever, roleAt: t, confAt: t, replyAt: t}
}

func (o *original) Start() []sentinel.Effect {
	for _, m := range o.masters {
		o.event("+monitor", o.name(&m.oInst)+" quorum "+strconv.Itoa(m.conf.Quorum))
		o.show(m)
	}
	return o.flush()
}

func (o *original) NextDeadline() time.Duration { return o.next }

func (o *original) Dump(w io.Writer) error {
	for _, m := range o.masters {
		if _, err := fmt.Fprintf(w, "%s %s epoch=%d config=%d leader=%d state=%d\n", m.conf.Name, m.addr, o.epoch, m.config, m.leaderE, m.state); err != nil {
			return err
		}
	}
	return nil
}

func (o *original) Step(now sentinel.Stamp, in sentinel.Input) []sentinel.Effect {
	o.now = now
	switch in := in.(type) {
	case sentinel.Tick:
		o.tick()
	case sentinel.LinkUp:
		o.ip = in.Local
	case sentinel.LinkDown:
		if c := o.links[in.Link]; c != nil {
			o.forget(c)
		}
	case sentinel.Answer:
		o.answer(in)
	case sentinel.Hello:
		c := o.links[in.Link]
		switch {
		case c == nil:
		case in.Failed:
			o.close(c)
		default:
			c.heard = now.Mono
			if in.Payload != nil {
				o.hello(string(in.Payload))
			}
		}
	case sentinel.Request:
		o.request(in)
	}
	return o.flush()
}

func (o *original) flush() []sentinel.Effect {
	out := o.out
	o.out = nil
	return out
}

// do queues an action behind every write so far.
func (o *original) do(a sentinel.Action) {
	o.out = append(o.out, sentinel.Effect{After: o.seq, Action: a})
}

// dirty is a write of the file; all later waits for it.
func (o *original) dirty() {
	o.seq++
	o.out = append(o.out, sentinel.Effect{Action: sentinel.Persist{Seq: o.seq}})
}

func (o *original) event(name, payload string) {
	o.do(sentinel.Emit{Event: sentinel.Event{Name: name, Payload: payload, Level: sentinel.LevelWarning}})
}

func (o *original) show(m *oMaster) {
	a := m.current()
	o.do(sentinel.Show{Master: m.conf.Name, Host: a.IP, Port: a.Port})
}

// current is the address that clients and hellos get (B-402).
func (m *oMaster) current() Addr {
	if m.state >= oReconf && m.chosen != nil {
		return m.chosen.addr
	}
	return m.addr
}

// name is the form of events (B-903).
func (o *original) name(i *oInst) string {
	m := i.m
	switch i.kind {
	case oIsMaster:
		return fmt.Sprintf("master %s %s %d", m.conf.Name, m.addr.IP, m.addr.Port)
	case oIsReplica:
		return fmt.Sprintf("slave %s %s %d @ %s %s %d", i.addr, i.addr.IP, i.addr.Port, m.conf.Name, m.addr.IP, m.addr.Port)
	}
	return fmt.Sprintf("sentinel %s %s %d @ %s %s %d", i.runID, i.addr.IP, i.addr.Port, m.conf.Name, m.addr.IP, m.addr.Port)
}

func (o *original) Durable() (conf.State, sentinel.Seq) {
	s := o.boot
	s.CurrentEpoch = o.epoch
	s.Masters = nil
	for _, m := range o.masters {
		c := m.conf
		a := m.current()
		c.Addr = conf.Endpoint{Host: a.IP, Port: a.Port}
		c.ConfigEpoch, c.LeaderEpoch, c.HasLeaderEpoch = m.config, m.leaderE, true
		c.Replicas, c.Sentinels = nil, nil
		for _, r := range m.replicas {
			at := r.addr
			if at == a {
				at = m.addr
			}
			c.Replicas = append(c.Replicas, conf.Endpoint{Host: at.IP, Port: at.Port})
		}
		for _, p := range m.peers {
			c.Sentinels = append(c.Sentinels, conf.Peer{Addr: conf.Endpoint{Host: p.addr.IP, Port: p.addr.Port}, RunID: p.runID})
		}
		s.Masters = append(s.Masters, &c)
	}
	return s, o.seq
}

// open dials one connection of an instance (B-113).
func (o *original) open(i *oInst, pub bool) *oConn {
	o.lastID++
	c := &oConn{id: o.lastID, of: i, pub: pub, opened: o.now.Mono, heard: o.now.Mono, pending: map[sentinel.Tag]func(resp.Value){}}
	o.links[c.id] = c
	o.do(sentinel.Dial{Link: c.id, Addr: replication.Addr{Host: i.addr.IP, IP: i.addr.IP, Port: i.addr.Port}, Timeout: 0, PubSub: pub})
	role := "cmd"
	if pub {
		role = "pubsub"
	}
	o.send(c, nil, "CLIENT", "SETNAME", "sentinel-"+o.boot.MyID[:8]+"-"+role)
	if pub {
		o.send(c, nil, "SUBSCRIBE", helloChannel)
	}
	return c
}

func (o *original) send(c *oConn, then func(resp.Value), cmd ...string) {
	tag := sentinel.Tag(0)
	if then != nil {
		o.lastTag++
		tag = o.lastTag
		c.pending[tag] = then
	}
	o.do(&sentinel.Send{Link: c.id, Tag: tag, Cmds: [][]string{cmd}})
}

func (o *original) answer(in sentinel.Answer) {
	for _, m := range o.masters {
		for _, i := range m.all() {
			if i.cmd == nil {
				continue
			}
			if f := i.cmd.pending[in.Tag]; f != nil {
				delete(i.cmd.pending, in.Tag)
				f(in.Value)
				return
			}
		}
	}
}

func (o *original) close(c *oConn) {
	o.do(sentinel.Hangup{Link: c.id})
	o.forget(c)
}

func (o *original) forget(c *oConn) {
	delete(o.links, c.id)
	if c.of.cmd == c {
		c.of.cmd = nil
	}
	if c.of.pub == c {
		c.of.pub = nil
	}
}

// drop closes all connections of an instance.
func (o *original) drop(i *oInst) {
	for _, c := range []*oConn{i.cmd, i.pub} {
		if c != nil {
			o.close(c)
		}
	}
}

// all are the master, its replicas and its peers.
func (m *oMaster) all() []*oInst {
	out := append([]*oInst{&m.oInst}, m.replicas...)
	return append(out, m.peers...)
}

// disconnected: a connection that it should have is missing.
func (i *oInst) disconnected() bool { return i.cmd == nil || i.pub == nil && i.kind != oIsPeer }

// request answers what peers and the simulator ask (B-330, B-610).
func (o *original) request(in sentinel.Request) {
	args := make([]string, len(in.Args))
	for k, a := range in.Args {
		args[k] = string(a)
	}
	reply := func(v resp.Value) { o.do(sentinel.Respond{ID: in.ID, Value: v}) }
	switch {
	case strings.EqualFold(args[0], "PUBLISH") && len(args) == 3:
		o.hello(args[2])
		reply(resp.Int(1))
	case len(args) == 6 && strings.EqualFold(args[1], "is-master-down-by-addr"):
		port, _ := strconv.Atoi(args[3])
		epoch, _ := strconv.ParseUint(args[4], 10, 64)
		reply(o.isDown(Addr{args[2], port}, epoch, args[5]))
	case len(args) == 2 && strings.EqualFold(args[1], "myid"):
		reply(resp.Str(o.boot.MyID))
	case len(args) == 3 && strings.EqualFold(args[1], "failover"):
		reply(o.manual(args[2]))
	case len(args) == 3 && strings.EqualFold(args[1], "sentinels"):
		reply(o.listPeers(args[2]))
	default:
		reply(resp.Err("ERR the model does not know this command"))
	}
}

// listPeers is SENTINEL SENTINELS, the fields that others look at.
//
// Rule: K-2.1.
func (o *original) listPeers(name string) resp.Value {
	for _, m := range o.masters {
		if m.conf.Name != name {
			continue
		}
		list := make([]resp.Value, len(m.peers))
		for k, p := range m.peers {
			flags := "sentinel"
			if p.sdown {
				flags = "s_down,sentinel"
			}
			list[k] = resp.List(resp.Str("name"), resp.Str(p.runID), resp.Str("runid"), resp.Str(p.runID), resp.Str("flags"), resp.Str(flags))
		}
		return resp.List(list...)
	}
	return resp.Err("ERR No such master with that name")
}

func (o *original) isDown(a Addr, epoch uint64, id string) resp.Value {
	for _, m := range o.masters {
		if m.addr != a {
			continue
		}
		down := int64(b2i(m.sdown && o.tilt == 0))
		if id == "*" {
			return resp.List(resp.Int(down), resp.Str("*"), resp.Int(0))
		}
		leader, e := o.voteFor(m, epoch, id)
		if leader == "" {
			leader = "*"
		}
		return resp.List(resp.Int(down), resp.Str(leader), resp.Int(int64(e)))
	}
	return resp.List(resp.Int(0), resp.Str("*"), resp.Int(0))
}

// voteFor is the vote procedure of the original.
//
// Rule: B-610, B-611, B-612.
func (o *original) voteFor(m *oMaster, epoch uint64, id string) (string, uint64) {
	if epoch > o.epoch {
		o.epoch = epoch
		o.dirty()
		o.event("+new-epoch", strconv.FormatUint(epoch, 10))
	}
	if m.leaderE < epoch && o.epoch <= epoch {
		m.leader, m.leaderE = id, epoch
		o.dirty()
		o.event("+vote-for-leader", id+" "+strconv.FormatUint(epoch, 10))
		if id != o.boot.MyID {
			m.started = o.now.Mono + o.rng.Duration(time.Second)
		}
	}
	return m.leader, m.leaderE
}

func (o *original) manual(name string) resp.Value {
	for _, m := range o.masters {
		if m.conf.Name != name {
			continue
		}
		if m.state != oNone {
			return resp.Err("INPROG Failover already in progress")
		}
		if o.best(m) == nil {
			return resp.Err("NOGOODSLAVE No suitable replica to promote")
		}
		o.do(sentinel.Emit{Event: sentinel.Event{Payload: "Executing user requested FAILOVER of '" + name + "'", LogOnly: true}})
		o.start(m)
		m.force = true
		return resp.OK
	}
	return resp.Err("ERR No such master with that name")
}
