package sim

import (
	"slices"
	"strconv"
	"strings"
	"time"
)

// InstanceOptions say what a Redis instance is. Addr must be given.
type InstanceOptions struct {
	Addr      Addr
	Group     string // name of the master that it belongs to, for the checkers; "" = none
	Stray     bool   // whether it follows the group's master is nobody's business
	Master    Addr   // whom it follows; the zero Addr: it is a master
	Priority  int    // 0 = 100; negative = 0, never to be promoted
	Offset    int64
	Password  string
	Renames   map[string]string // new name to old, as rename-command; "" hides the old
	Hidden    bool              // replica-announced no
	Cluster   bool              // it is a node of a Redis Cluster; those of one group are of one shard
	SyncTakes time.Duration     // what a full synchronisation from a master takes
}

// Instance is a simulated Redis: what a Sentinel can see of one, and what
// replication does.
type Instance struct {
	proc
	InfoDelay   time.Duration // INFO and all behind it is answered late
	Busy        bool          // a script runs for too long: -BUSY till SCRIPT KILL
	Unkillable  bool          // SCRIPT KILL is refused
	LoadTakes   time.Duration // after a start it answers LOADING for so long
	FailRewrite bool          // CONFIG REWRITE fails
	DenyInfo    bool          // INFO is answered with an error
	IgnoreRole  bool          // SLAVEOF says +OK and does nothing
	Full        bool          // it is at its memory limit: nothing is queued in a transaction
	Denied      []string      // commands that its users may not call, upper case

	opt    InstanceOptions
	config struct { // redis.conf: what a restart finds
		masterHost string
		masterPort int
	}
	runID      string
	loadUntil  time.Duration
	masterHost string // "" = it is a master
	masterPort int
	link       masterLink
	offset     int64
	pinned     bool // the offset stands still till the next change of role
	replID     string
	replID2    string
	second     int64 // up to this offset replID2 is true; -1 = none
	writes     []uint64
	empty      bool // it has no keys
	clients    []*client
	infoText   string        // cached while nothing changes
	lastMaster time.Duration // when it was last a master, if it is none
	Promotions int           // SLAVEOF NO ONE that made it a master
}

// client is a connection to an instance.
type client struct {
	c       *conn
	name    string
	authed  bool
	pubsub  bool
	replica *Addr // it is a replica that listens there
	multi   bool
	aborted bool
	queued  [][]string
	closing bool
}

type linkState uint8

const (
	linkNone linkState = iota
	linkDialling
	linkHandshake
	linkSyncing
	linkUp
)

// masterLink is a replica's connection to its master.
type masterLink struct {
	c         *conn
	state     linkState
	downSince time.Duration // -1 = never up since the last change of master
	lastIO    time.Duration
	round     uint64 // counts links, to drop what belongs to an earlier one
}

// AddInstance makes a Redis instance and starts it; all instances of one
// master begin in sync.
func (w *World) AddInstance(o InstanceOptions) *Instance {
	if o.Priority == 0 {
		o.Priority = 100
	}
	i := &Instance{opt: o, offset: o.Offset, pinned: o.Offset != 0, lastMaster: -time.Hour}
	i.proc = proc{w: w, self: i, host: w.host(o.Addr.IP), addr: o.Addr, name: o.Addr.String()}
	i.replID, i.replID2, i.second = w.hex40(), zeroID, -1
	if o.Master != (Addr{}) {
		i.config.masterHost, i.config.masterPort = o.Master.IP, o.Master.Port
		if m := w.Instance(o.Master); m != nil {
			i.replID = m.replID
		}
	}
	if o.Group != "" && !slices.Contains(w.groups, o.Group) {
		w.groups = append(w.groups, o.Group)
	}
	w.procs[o.Addr] = i
	w.insts = append(w.insts, i)
	i.boot()
	return i
}

const zeroID = "0000000000000000000000000000000000000000"

// Start starts the process if it does not run and its host is up. With empty
// it has lost its data.
func (i *Instance) Start(empty bool) {
	if i.up || i.host.down {
		return
	}
	if empty {
		i.offset, i.writes, i.pinned, i.empty = 0, nil, false, true
		i.replID, i.replID2, i.second = i.w.hex40(), zeroID, -1
	}
	i.boot()
}

func (i *Instance) boot() {
	i.up = true
	i.life++
	i.runID = i.w.hex40()
	i.masterHost, i.masterPort = i.config.masterHost, i.config.masterPort
	i.link = masterLink{downSince: -1, round: i.link.round + 1}
	i.loadUntil = i.w.now + i.LoadTakes
	i.Busy = false
	i.changed()
	i.connect()
	i.w.after(i.w.rng.Duration(cronPeriod), i, i.life)
}

func (i *Instance) die() {
	if i.masterHost == "" {
		i.lastMaster = i.w.now
	}
	i.clients = nil
	i.link = masterLink{downSince: -1, round: i.link.round + 1}
	i.changed()
}

// IsMaster reports whether its role is master; of a dead one, the role that it
// would start with.
func (i *Instance) IsMaster() bool {
	if !i.up {
		return i.config.masterHost == ""
	}
	return i.masterHost == ""
}

// Master is whom it follows.
func (i *Instance) Master() Addr {
	if !i.up {
		return Addr{i.config.masterHost, i.config.masterPort}
	}
	return Addr{i.masterHost, i.masterPort}
}

// Synced reports whether it is a replica whose link to its master is up.
func (i *Instance) Synced() bool { return i.up && i.link.state == linkUp }

// Offset is its replication offset.
func (i *Instance) Offset() int64 { return i.offset }

// SetOffset makes the offset stand still at n till the next change of role.
func (i *Instance) SetOffset(n int64) { i.offset, i.pinned, i.infoText = n, true, "" }

// SetPriority changes replica-priority.
func (i *Instance) SetPriority(n int) { i.opt.Priority, i.infoText = n, "" }

// SetPassword changes requirepass for connections to come.
func (i *Instance) SetPassword(text string) { i.opt.Password = text }

// ChangeRunID gives it another run id, as a restart does, without the restart.
func (i *Instance) ChangeRunID() { i.runID, i.infoText = i.w.hex40(), "" }

// Follow makes it follow host, or with "" nobody, as an operator would.
func (i *Instance) Follow(host string, port int) { i.slaveOf(host, port) }

// changed drops what INFO says from before.
func (i *Instance) changed() { i.infoText = "" }

const (
	cronPeriod  = time.Second
	replTimeout = 60 * time.Second
	replPing    = 10 * time.Second
)

// fire is the cron: it reconnects to the master, and drops a silent one.
func (i *Instance) fire(life uint64) {
	if life != i.life {
		return
	}
	i.w.after(cronPeriod, i, life)
	if i.paused {
		return
	}
	now := i.w.now
	if i.masterHost != "" {
		if i.link.state == linkNone {
			i.connect()
		} else if now-i.link.lastIO > replTimeout {
			i.dropLink()
		}
		return
	}
	if (now/cronPeriod)%(replPing/cronPeriod) == 0 {
		i.stream(msg{kind: msgStream})
	}
}

// connect begins a connection to the master.
func (i *Instance) connect() {
	if i.masterHost == "" || i.link.state != linkNone {
		return
	}
	i.link.round++
	i.link.state = linkDialling
	i.link.lastIO = i.w.now
	i.link.c = i.w.dial(i, Addr{i.w.ip(i.masterHost), i.masterPort}, 0)
}

// dropLink gives the connection to the master up.
func (i *Instance) dropLink() {
	c := i.link.c
	i.linkLost()
	if c != nil {
		c.hangup(0)
	}
}

func (i *Instance) linkLost() {
	if i.link.state == linkUp {
		i.link.downSince = i.w.now
	}
	i.link.state, i.link.c = linkNone, nil
	i.link.round++
	i.changed()
}

// upstream takes what comes from the master.
func (i *Instance) upstream(c *conn, m *msg) {
	if i.link.c != c {
		return
	}
	i.link.lastIO = i.w.now
	switch m.kind {
	case msgUp:
		i.link.state = linkHandshake
		c.send(0, msg{kind: msgRequest, tag: 1, cmds: [][]string{
			{"REPLCONF", i.addr.IP, strconv.Itoa(i.addr.Port)},
			{"PSYNC", i.replID, strconv.FormatInt(i.offset, 10)},
		}})
	case msgRefused, msgDown:
		i.linkLost()
	case msgReply:
		i.psynced(c, m)
	case msgStream:
		i.fromStream(m)
	}
}

// psynced is the master's answer to PSYNC: FULL or CONTINUE with its
// replication id, and its offset and log.
func (i *Instance) psynced(c *conn, m *msg) {
	how, id, _ := strings.Cut(m.value.Str, " ")
	if how != "FULL" && how != "CONTINUE" {
		i.dropLink()
		return
	}
	master, _ := i.w.procs[c.to].(*Instance)
	finish := func() {
		i.link.state = linkUp
		if id != i.replID {
			i.replID2, i.second = i.replID, i.offset+1
			i.replID = id
		}
		i.empty = master != nil && master.empty
		if master != nil && !i.pinned {
			i.offset = max(m.num, 0)
			i.writes = master.writes[:min(len(master.writes), int(m.value.Int)):min(len(master.writes), int(m.value.Int))]
		}
		i.changed()
	}
	takes := i.opt.SyncTakes
	if how == "CONTINUE" || takes == 0 {
		finish()
		return
	}
	i.link.state = linkSyncing
	i.changed()
	round := i.link.round
	i.w.after(takes, call(func() {
		if i.link.round == round && i.link.state == linkSyncing {
			i.do(finish)
		}
	}), 0)
}

// fromStream applies what the master streams and hands it on.
func (i *Instance) fromStream(m *msg) {
	switch {
	case m.text != "":
		i.publish(m.text)
	case m.num != 0 && !i.pinned:
		i.offset++
		i.writes, i.empty = append(i.writes, uint64(m.num)), false
		i.changed()
	}
	i.stream(*m)
}

// stream sends m to all replicas.
func (i *Instance) stream(m msg) {
	for _, cl := range i.clients {
		if cl.replica != nil {
			cl.c.send(1, m)
		}
	}
}

// slaveOf changes the role: to a replica of host, or with "" to a master.
func (i *Instance) slaveOf(host string, port int) {
	if host == i.masterHost && (host == "" || port == i.masterPort) {
		return
	}
	if host == "" {
		i.replID2, i.second = i.replID, i.offset+1
		i.replID = i.w.hex40()
		i.Promotions++
	}
	if i.masterHost == "" {
		i.lastMaster = i.w.now
	}
	i.masterHost, i.masterPort = host, port
	i.pinned = false
	i.dropLink()
	i.link.downSince = -1
	for _, cl := range i.clients {
		if cl.replica != nil {
			i.drop(cl)
		}
	}
	i.sweep()
	i.changed()
	i.connect()
}

// Write is a write by a client on the instance itself: it reports whether it
// was taken.
func (i *Instance) Write(id uint64) bool {
	if !i.up || i.paused || i.masterHost != "" || i.w.now < i.loadUntil {
		return false
	}
	i.offset++
	i.writes, i.empty = append(i.writes, id), false
	i.changed()
	i.stream(msg{kind: msgStream, num: int64(id)})
	return true
}

// Writes are the writes that it holds, oldest first; not to be changed.
func (i *Instance) Writes() []uint64 { return i.writes }

// State is one line that says how it is.
func (i *Instance) State() string {
	s := i.name
	switch {
	case i.host.down:
		s += " silent"
	case !i.up:
		s += " down"
	case i.paused:
		s += " paused"
	}
	if i.IsMaster() {
		s += " master"
	} else {
		s += " slave of " + i.Master().String()
		if i.Synced() {
			s += " (up)"
		} else {
			s += " (down)"
		}
	}
	return s + " offset=" + strconv.FormatInt(i.offset, 10)
}
