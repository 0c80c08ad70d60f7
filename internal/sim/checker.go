package sim

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"gosentinel/conf"
	"gosentinel/internal/resp"
	"gosentinel/sentinel"
)

// checker watches the Sentinels from outside, as election.md section 10 lists
// it: it sees what they tell, send and answer, and their files.
type checker struct {
	w    *World
	bad  []string
	seen map[string]bool

	// tainted: a Sentinel has forgotten what it could not write, or
	// whose disk lied; what rests on memory across restarts is off from then.
	tainted bool
	reset   bool // a Sentinel was made to forget its peers
	fresh   bool // instances may have died before any Sentinel heard of them
	// strangers: and Sentinels too, where a quorum is no majority of all.
	strangers bool

	leaders    map[epochOf]string // who acts as leader
	forced     map[epochOf]bool   // by hand, without votes
	disputed   map[string]bool    // two addresses were announced with one epoch
	votes      map[voteOf]string  // for whom, as anybody heard
	votedAt    map[voteOf]time.Duration
	standing   map[voteOf]*standing
	addresses  map[epochOf]Addr // announced with this config epoch
	announced  map[announcement]bool
	mistakes   map[addressOf]bool      // announced so by an original that takes another's epoch for its own
	promoted   map[epochOf]string      // the replica announced
	newest     map[string]uint64       // highest epoch with a leader, by master
	watched    map[*Node]*nodeWatch    // by Sentinel
	elections  int                     // +elected-leader
	promotions int                     // +promoted-slave
	late       int                     // promotions begun after a later leader (S-8)
	outage     map[string][]Addr       // replicas promoted since one was announced, by master
	twice      int                     // outages in which a second replica was promoted
	answers    map[askOf]time.Duration // when a voter last answered a candidate that it has its vote
	asks       map[askOf]bool          // vote requests that were answered
	inOrder    time.Duration           // since when all is in order; 0 = it is not
	switched   map[string]handSwitch   // the last switch by hand, by master
	begun      map[string]bool         // masters failed over since then by an attempt begun before
}

// askOf is a vote request as its voter saw it.
type askOf struct {
	voter, candidate, master string
	epoch                    uint64
}

type epochOf struct {
	master string
	epoch  uint64
}

// promotion is whom a Sentinel promotes, in which epoch.
type promotion struct {
	to    Addr
	epoch uint64
}

type voteOf struct {
	voter  string
	master string
	epoch  uint64
}

// nodeWatch is what was seen of one Sentinel.
type nodeWatch struct {
	woke    time.Duration // when its machine last woke up
	hidden  time.Duration // when it last died with events that nobody has seen
	trying  string        // master of the last +try-failover
	current uint64        // highest announced
	masters map[string]*masterWatch
	disk    conf.State
	infos   map[Addr]heard
	oks     map[Addr]time.Duration   // last good reply to PING
	ours    map[Addr]time.Duration   // when a peer first said that it is of our kind (E-5)
	outages map[string]outage        // by master
	hung    map[sentinel.LinkID]bool // connections that it wants closed
	byHand  string                   // master of a failover by hand that is about to begin
	awake   time.Duration            // when its last TILT ended
	tried   map[Addr]time.Duration   // when SLAVEOF NO ONE was last sent to it
	mute    time.Duration            // till when it votes for nobody, started with a file that it cannot write; 0 = it may
}

// masterWatch is what was seen of one master at one Sentinel.
type masterWatch struct {
	epoch     uint64                 // failover epoch of the attempt that runs or ran last
	manual    bool                   // the attempt that runs or ran last
	forced    bool                   // its log has told that it goes on without the votes
	asked     time.Duration          // when a manual failover was asked for, whose beginning is not told yet; 0 = none
	manualAt  time.Duration          // when the last manual failover was asked for
	silent    bool                   // its core sees it SDOWN
	byHand    bool                   // the attempt that its core runs or ran last
	acted     bool                   // … which has sent SLAVEOF NO ONE
	meantAt   time.Duration          // when its core began it, which may be told later
	electedAt time.Duration          // when its core last was elected; the same
	forces    bool                   // … which goes on without the votes
	stands    uint64                 // the epoch that it asked for votes in last
	spared    int                    // attempts that its core gave up because the master had recovered
	fresh     time.Duration          // since when it has had to find its peers; 0 = its file names some
	tryAt     time.Duration          // since when there is cause for the attempt that runs or ran last
	shown     uint64                 // highest config epoch of an address shown to clients
	promoting promotion              // the last SLAVEOF NO ONE …
	promoteAt time.Duration          // … and when the first like it was sent
	config    uint64                 // highest announced
	told      Addr                   // last announced
	down      Addr                   // which address it sees SDOWN; zero = none
	downAt    time.Duration          // since when
	downLast  map[Addr]time.Duration // when it last saw each so
}

func (k *checker) init(w *World) {
	*k = checker{
		w:         w,
		seen:      map[string]bool{},
		leaders:   map[epochOf]string{},
		forced:    map[epochOf]bool{},
		disputed:  map[string]bool{},
		votes:     map[voteOf]string{},
		votedAt:   map[voteOf]time.Duration{},
		standing:  map[voteOf]*standing{},
		addresses: map[epochOf]Addr{},
		announced: map[announcement]bool{},
		mistakes:  map[addressOf]bool{},
		promoted:  map[epochOf]string{},
		newest:    map[string]uint64{},
		watched:   map[*Node]*nodeWatch{},
		outage:    map[string][]Addr{},
		answers:   map[askOf]time.Duration{},
		asks:      map[askOf]bool{},
		begun:     map[string]bool{},
		switched:  map[string]handSwitch{},
	}
}

// Violations are the rules that the world has seen broken, each once, with
// time and place.
func (w *World) Violations() []string { return w.check.bad }

// Elections counts leaders that were elected, Promotions those that announced
// a new master.
func (w *World) Elections() int  { return w.check.elections }
func (w *World) Promotions() int { return w.check.promotions }

// LatePromotions counts promotions that began when a later epoch had a leader:
// what S-8 forbids as far as clocks allow.
func (w *World) LatePromotions() int { return w.check.late }

// SecondPromotions counts outages in which more than one replica was promoted,
// announced or not: what I-9 counts.
func (w *World) SecondPromotions() int { return w.check.twice }

func (k *checker) fail(who, rule, format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	if k.seen[rule+text] {
		return
	}
	k.seen[rule+text] = true
	k.bad = append(k.bad, fmt.Sprintf("%s %s %s: %s", stampText(k.w.now), who, rule, text))
}

func (k *checker) of(n *Node, master string) *masterWatch {
	nw := k.node(n)
	m := nw.masters[master]
	if m == nil {
		m = &masterWatch{downLast: map[Addr]time.Duration{}}
		nw.masters[master] = m
	}
	return m
}

func (k *checker) node(n *Node) *nodeWatch {
	nw := k.watched[n]
	if nw == nil {
		nw = &nodeWatch{hidden: -time.Hour, masters: map[string]*masterWatch{}, infos: map[Addr]heard{}, oks: map[Addr]time.Duration{}, ours: map[Addr]time.Duration{}, outages: map[string]outage{}, hung: map[sentinel.LinkID]bool{}, tried: map[Addr]time.Duration{}}
		k.watched[n] = nw
	}
	return nw
}

// died: what it had to tell yet is lost.
func (k *checker) died(n *Node) {
	if n.out.Len() > 0 {
		k.node(n).hidden = k.w.now
	}
}

// started: a process that begins knows nothing of its former opinions.
func (k *checker) started(n *Node) {
	nw := k.node(n)
	for _, m := range nw.masters { // any order: each for itself
		m.end(k.w.now)
		m.asked, m.manual, m.forced = 0, false, false
	}
	nw.trying, nw.disk, nw.mute = "", n.Disk.saved, 0
	for _, d := range n.Disk.saved.Masters {
		m := k.of(n, d.Name)
		m.fresh, m.silent, m.spared = 0, false, 0
		if len(d.Sentinels) == 0 {
			m.fresh = k.w.now + 1
		}
	}
	clear(nw.infos)
	clear(nw.oks)
	clear(nw.ours)
	clear(nw.outages)
	clear(nw.hung)
	for _, d := range n.Disk.saved.Masters {
		delete(k.standing, voteOf{n.ID(), d.Name, 0})
	}
}

func (m *masterWatch) end(now time.Duration) {
	if m.down != (Addr{}) {
		m.downLast[m.down], m.down = now, Addr{}
	}
}

// event looks at what a Sentinel tells.
func (k *checker) event(n *Node, e sentinel.Event) {
	word, rest, _ := strings.Cut(e.Payload, " ")
	name, rest2, _ := strings.Cut(rest, " ")
	switch e.Name {
	case "":
		k.line(n, e.Payload)
	case "+sdown":
		if word == "master" {
			m := k.of(n, name)
			m.end(k.w.now) // the opinion of a former master may be shown later than that of this one, behind a slow write
			m.down, m.downAt = addrOf(rest2), k.w.now
		}
	case "-monitor":
		delete(k.node(n).masters, name)
	case "-sdown", "+reset-master":
		if word == "master" {
			k.of(n, name).end(k.w.now)
		}
	case "+switch-master":
		k.of(n, word).end(k.w.now)
	case "+try-failover":
		k.node(n).trying = name
		k.tries(n, name)
	case "+vote-for-leader":
		k.ownVote(n, word, rest)
	case "+elected-leader":
		k.elected(n, name, addrOf(rest2))
	case "+promoted-slave":
		at, master := replicaOf(rest2)
		k.promotedSlave(n, at, master)
	}
}

// addrOf reads `<host> <port>...`.
func addrOf(text string) Addr {
	f := strings.Fields(text)
	if len(f) < 2 {
		return Addr{}
	}
	port, _ := strconv.Atoi(f[1])
	return Addr{f[0], port}
}

// replicaOf reads `<host> <port> @ <master> ...`.
func replicaOf(text string) (at Addr, master string) {
	f := strings.Fields(text)
	if len(f) < 4 {
		return at, ""
	}
	port, _ := strconv.Atoi(f[1])
	return Addr{f[0], port}, f[3]
}

// line looks at log lines that tell of a failover by hand.
func (k *checker) line(n *Node, text string) {
	if name, ok := strings.CutPrefix(text, "Executing user requested FAILOVER of '"); ok {
		k.of(n, strings.TrimSuffix(name, "'")).asked = k.w.now
	}
	if rest, ok := strings.CutPrefix(text, "Failover of '"); ok { // in a later epoch than that of its +try-failover (E-62)
		if name, rest, ok := strings.Cut(rest, "' is forced in epoch "); ok {
			epoch, _, _ := strings.Cut(rest, ":")
			m := k.of(n, name)
			m.epoch, _ = strconv.ParseUint(epoch, 10, 64)
			m.forced = true
		}
	}
}

// ownVote: the vote for oneself names the epoch of the attempt.
func (k *checker) ownVote(n *Node, candidate, epoch string) {
	name := k.node(n).trying
	if candidate != n.ID() || name == "" {
		return
	}
	e, _ := strconv.ParseUint(epoch, 10, 64)
	m := k.of(n, name)
	m.epoch = e
	k.vote(n, name, e, candidate)
	k.node(n).trying = ""
}

// vote is one vote that was heard of (I-2).
func (k *checker) vote(n *Node, master string, epoch uint64, candidate string) {
	key := voteOf{n.ID(), master, epoch}
	if old, ok := k.votes[key]; ok && old != candidate && !k.tainted {
		k.fail(n.name, "I-2", "voted for %s and for %s for %s in epoch %d", old, candidate, master, epoch)
	}
	if k.votes[key] != candidate {
		k.votedAt[key] = k.w.now
	}
	k.votes[key] = candidate
}

// voters is how many voters the file of n knows for a master, and the quorum.
func (k *checker) voters(n *Node, name string) (voters, quorum int) {
	if m := masterIn(n.Disk.saved, name); m != nil {
		return len(m.Sentinels) + 1, m.Quorum
	}
	return 1, 1
}

func masterIn(s conf.State, name string) *conf.Master {
	for _, m := range s.Masters {
		if m.Name == name {
			return m
		}
	}
	return nil
}

// settled: whoever acts has its own vote on disk (I-3).
func (k *checker) settled(n *Node, name, what string) {
	m := k.of(n, name)
	d := masterIn(n.Disk.saved, name)
	if n.Disk.excused() || n.opt.Original || d == nil {
		return
	}
	if d.LeaderEpoch < m.epoch {
		k.fail(n.name, "I-3", "%s for %s in epoch %d, its file says %d", what, name, m.epoch, d.LeaderEpoch)
	}
}

// promotedSlave: I-7, I-9.
func (k *checker) promotedSlave(n *Node, at Addr, name string) {
	k.promotions++
	m := k.of(n, name)
	key := epochOf{name, m.epoch}
	if i := k.w.Instance(at); i != nil && !i.IsMaster() && i.lastMaster < m.promoteAt {
		k.fail(n.name, "I-7", "announces %s for %s, which is not a master", at, name)
	}
	if old := k.promoted[key]; old != "" && old != at.String() && !k.forced[key] && !k.tainted && !k.loose() {
		k.fail(n.name, "I-9", "promotes %s for %s in epoch %d, where %s was", at, name, m.epoch, old)
	}
	k.promoted[key] = at.String()
	k.begun[name] = k.begun[name] || k.inOrder > 0 && m.tryAt <= k.inOrder
	delete(k.outage, name)
	if n.opt.Original {
		m.config = min(m.config, m.epoch) // B-530 sets it, whatever it was; E-60 is ours
	}
}

// sent looks at what a Sentinel sends.
func (k *checker) sent(n *Node, to Addr, cmds [][]string) {
	k.orders(n, to, cmds)
	for _, c := range cmds {
		if len(c) == 6 && c[5] == n.ID() {
			k.asksForVotes(n, c)
		}
		if len(c) != 3 {
			continue
		}
		switch {
		case c[1] == helloChannel:
			k.hello(n, c[2])
		case c[1] == "NO" && c[2] == "ONE":
			name := n.masterOf(to)
			if name == "" {
				continue
			}
			m := k.of(n, name)
			k.settled(n, name, "promotes")
			k.promotes(n, name, to)
			k.needless(n, name, to)
			k.realFresh(n, name, m)
			if first := (promotion{to, m.epoch}); m.promoting != first { // a refused one is repeated, and either may have made it a master
				m.promoting, m.promoteAt = first, k.w.now
			}
			if k.newest[name] > m.epoch && !n.opt.Original {
				k.late++
			}
		}
	}
}

// hello looks at a hello: I-4, I-5, I-10.
func (k *checker) hello(n *Node, text string) {
	f := strings.Split(text, ",")
	if len(f) != 8 {
		k.fail(n.name, "B-401", "hello %q", text)
		return
	}
	current, _ := strconv.ParseUint(f[3], 10, 64)
	config, _ := strconv.ParseUint(f[7], 10, 64)
	port, _ := strconv.Atoi(f[6])
	nw, m, name := k.node(n), k.of(n, f[4]), f[4]
	if current < nw.current && !k.tainted && !n.opt.Original {
		k.fail(n.name, "I-4", "announces current epoch %d after %d", current, nw.current)
	}
	nw.current = max(nw.current, current)
	d := masterIn(n.Disk.saved, name)
	if config < m.config && !k.tainted {
		k.fail(n.name, "I-4", "announces config epoch %d of %s after %d", config, name, m.config)
	}
	m.config = max(m.config, config)
	if config > current && !k.tainted && !n.opt.Original {
		k.fail(n.name, "I-4", "announces config epoch %d of %s in epoch %d", config, name, current)
	}
	if !n.Disk.excused() && !n.opt.Original && d != nil && (d.ConfigEpoch < config || n.Disk.saved.CurrentEpoch < current) {
		k.fail(n.name, "I-10", "announces %s epochs %d/%d before they are written", name, current, config)
	}
	at, key := Addr{f[5], port}, epochOf{name, config}
	k.announced[announcement{addressOf{key, at}, n}] = true
	old, known := k.addresses[key]
	if known && old != at && config > 0 {
		k.disputed[name] = true
	}
	kept := m.told == at
	m.told = at
	if known && old != at && k.mistaken(n, key, at, kept) {
		return
	}
	if known && old != at && config > 0 && !k.forced[key] && !k.tainted && !k.loose() && !k.sameHost(old, at) {
		k.fail(n.name, "I-5", "announces %s for %s in epoch %d, which had %s", at, name, config, old)
	}
	k.addresses[key] = at
}

// sameHost reports whether two spellings mean one address.
func (k *checker) sameHost(a, b Addr) bool {
	return a.Port == b.Port && k.w.meant(a.IP) == k.w.meant(b.IP)
}

// requested: RESET makes a Sentinel forget its peers, so that majorities are of
// different sets, and an announced failover with its new address.
//
// Rule: W-35, B-104.
func (k *checker) requested(args []string) {
	k.reset = k.reset || len(args) > 1 && strings.EqualFold(args[1], "reset")
}

// answered looks at an answer to what the core was asked at since: a vote that
// is shown is known (I-2) and on disk (I-10).
func (k *checker) answered(n *Node, args []string, since time.Duration, v resp.Value) {
	if len(args) == 3 && strings.EqualFold(args[1], "failover") && v.Kind == resp.Simple {
		k.of(n, args[2]).manualAt = since
	}
	if len(args) != 6 || !strings.EqualFold(args[1], "is-master-down-by-addr") || v.Kind != resp.Array || len(v.Elems) != 3 {
		return
	}
	leader, epoch := v.Elems[1].Str, uint64(v.Elems[2].Int)
	port, _ := strconv.Atoi(args[3])
	name := n.masterOf(Addr{k.w.meant(args[2]), port})
	k.asks[askOf{n.name, args[5], name, asked(args)}] = true
	k.refused(n, name, args, since, leader, epoch)
	if leader == "*" || name == "" {
		return
	}
	if k.w.now < k.node(n).mute && !n.opt.Original && leader != n.ID() { // by hand it may stand itself
		k.fail(n.name, "E-45", "shows a vote for %s in epoch %d, though its file could not be written", name, epoch)
	}
	k.vote(n, name, epoch, leader)
	if leader == args[5] {
		k.answers[askOf{n.name, leader, name, epoch}] = k.w.now
	}
	d := masterIn(n.Disk.saved, name)
	if !n.Disk.excused() && !n.opt.Original && d != nil && d.LeaderEpoch < epoch {
		k.fail(n.name, "I-10", "shows a vote for %s in epoch %d before it is written", name, epoch)
	}
}

func (k *checker) byID(id string) *Node {
	for _, n := range k.w.nodes {
		if n.ID() == id {
			return n
		}
	}
	return nil
}

func (k *checker) nameOf(id string) string {
	if n := k.byID(id); n != nil {
		return n.name
	}
	return id
}
