package sentinel

import (
	"fmt"
	"strings"
	"time"

	"gosentinel/internal/resp"
	"gosentinel/replication"
)

// A master that reports to be a replica, though all is well with it, was named
// by mistake or made one by hand: whom it follows is the master. Nobody has to be
// promoted for that, and no data is at stake. The leader of an ordinary election,
// after B-311's wait, asks whom it follows for its role, and moves the
// configuration there.

// guide is a connection to whom a misplaced master follows, where that is none
// of its instances: for one INFO. It is no instance, as it may turn out to be
// somebody else's: nothing is published there, and its role is never changed. It
// is a node: it ends by itself.
type guide struct {
	place
	of    *master
	addr  replication.Addr
	id    LinkID
	asked time.Duration
	over  bool // nothing more is heard
	heard bool // its INFO has come
	info  replication.Info
}

func (g *guide) act(c *Core) {
	if !g.over && g.due(c) <= c.now.Mono {
		c.dismissGuide(g)
	}
}

func (g *guide) due(*Core) time.Duration {
	if g.over {
		return farAway
	}
	return g.asked + selectMax
}

// misplaced reports whether m has said for long that it is a replica, and that
// its link is up, while it answers as it should.
//
// Rule: B-311, E-81.
func (c *Core) misplaced(m *master) bool {
	now, in := c.now.Mono, &m.info
	// Its link is up: a replica of nobody, or of a dead master, is no guide, and is failed over.
	return m.role == replication.Replica && in.Role == replication.Replica && in.LinkUp && in.MasterPort != 0 &&
		now-m.roleSince > m.downAfter+2*c.params.infoPeriod && now-m.infoAt <= 2*c.params.infoPeriod &&
		m.link.silence(c) <= m.downAfter
}

// adoptItsMaster moves the configuration to the master that m follows, and
// reports whether it has, or may yet. Where that is no master, or does not
// answer, a replica is chosen as ever.
//
// Rule: E-81.
// Departs: ADR 0002.
func (c *Core) adoptItsMaster(m *master) bool {
	f := &m.failover
	to, ok := c.address(m.info.MasterHost, m.info.MasterPort)
	// Once SLAVEOF NO ONE has left, a replica may be a master, and this one would be a second.
	if !ok || to.IP == "" || to.Same(m.addr) || !f.kind.followsTheMaster() || f.sentOne || !c.misplaced(m) {
		return false
	}
	info, awaited := c.infoOf(m, to)
	switch {
	case awaited:
		return true
	// One with its own run id is itself under another name: a loop.
	case info == nil || info.Role != replication.Master || info.RunID == m.runID:
		c.tellNoGuide(m, to, info)
		return false
	case !c.proceed(m):
		return true
	}
	c.logLine(LevelWarning, fmt.Sprintf("%s has been a replica of %s for %d s, and that is a master: it takes the place, and nobody is promoted",
		m.describe(c), c.replicaName(to), (c.now.Mono-m.roleSince)/time.Second))
	// As after a promotion: what reveals the new address comes behind changeMaster (E-40).
	m.configEpoch = f.epoch
	c.changeMaster(m)
	c.runReconfigScript(m, "leader", c.text(m.addr), c.text(to))
	c.event(LevelWarning, "+failover-end", &m.instance, "")
	c.saySwitch(m, c.text(m.addr), c.text(to))
	c.switchMaster(m, to, "")
	return true
}

// tellNoGuide logs, once in an attempt, why the configuration stays.
func (c *Core) tellNoGuide(m *master, to replication.Addr, info *replication.Info) {
	if m.failover.toldGuide {
		return
	}
	m.failover.toldGuide = true
	why := "does not answer INFO"
	if info != nil {
		why = "is no master either, but says role:" + info.Role.String()
	}
	c.logLine(LevelWarning, m.describe(c)+" is a replica of "+c.replicaName(to)+", which "+why)
}

// infoOf is what the instance at an address has said since our election, nil if
// nothing; it may be yet, while awaited. One that is none of m's is asked by a
// connection of its own.
func (c *Core) infoOf(m *master, to replication.Addr) (info *replication.Info, awaited bool) {
	f := &m.failover
	inTime := c.now.Mono < f.stateSince+selectMax
	if r := m.findReplica(to); r != nil {
		if r.infoAt <= f.electedAt {
			return nil, inTime && r.link.refusedAt == never // who does not answer may just be coming back
		}
		return &r.info, false
	}
	g := m.guide
	// What it said in an earlier attempt is of before this election.
	if g == nil || !g.addr.Same(to) || g.asked < f.electedAt {
		if !inTime {
			return nil, false
		}
		c.callGuide(m, to)
		return nil, true
	}
	if !g.heard {
		return nil, inTime && !g.over
	}
	return &g.info, false
}

// callGuide asks the instance at an address for INFO.
//
// Rule: B-113.
func (c *Core) callGuide(m *master, to replication.Addr) {
	if m.guide != nil {
		c.dismissGuide(m.guide)
	}
	c.lastLink++
	g := &guide{of: m, addr: to, id: c.lastLink, asked: c.now.Mono}
	m.guide = g
	c.guides[g.id] = g
	c.emitNow(Dial{Link: g.id, Addr: to, Timeout: selectMax})
	if auth := c.credentials(&m.instance); auth != nil {
		c.emitNow(&Send{Link: g.id, Cmds: [][]string{append([]string{m.rename("AUTH")}, auth...)}, Secret: true})
	}
	c.emitNow(&Send{Link: g.id, Cmds: [][]string{{m.rename("CLIENT"), "SETNAME", "sentinel-" + c.myID[:8] + "-cmd"}}})
	c.emitNow(&Send{Link: g.id, Tag: makeTag(g.id, 1), Cmds: [][]string{{m.rename("INFO")}}})
	c.touch(g)
}

// guideAnswer takes its INFO.
func (c *Core) guideAnswer(in *Answer) {
	g := c.guides[in.Tag.Link()]
	if g == nil {
		return
	}
	if v := in.Value; v.Kind == resp.Bulk || v.Kind == resp.Verbatim {
		g.heard = true
		g.info.Read(v.Str)
		g.info = replication.Info{Role: g.info.Role, RunID: strings.Clone(g.info.RunID)} // of a text of any size
	}
	// An error ends it as well: nothing else will be asked.
	c.dismissGuide(g)
}

// guideDown takes the end of its connection.
func (c *Core) guideDown(id LinkID) {
	if g := c.guides[id]; g != nil {
		c.forgetGuide(g)
	}
}

// dismissGuide closes its connection. What it said stays.
func (c *Core) dismissGuide(g *guide) {
	if c.guides[g.id] == g {
		c.emitNow(Hangup{Link: g.id})
		c.forgetGuide(g)
	}
}

func (c *Core) forgetGuide(g *guide) {
	delete(c.guides, g.id)
	g.over = true
	c.drop(g)
	c.touch(&g.of.node)
}
