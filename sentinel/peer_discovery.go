package sentinel

import (
	"gosentinel/conf"
	"strings"
	"time"

	"gosentinel/internal/resp"
	"gosentinel/quorum"
)

// A Sentinel that starts with an empty file, or was made to forget its peers,
// must not elect itself by the majority of the few that it has met: others may
// do the same elsewhere. So it waits until discovery is closed: everybody whom
// it has met has told whom he has met, and none of these is a stranger.

const (
	// discoveryPeriods is how many publish periods the wait lasts at most: who
	// is alive has been heard by then.
	discoveryPeriods = 3
	// discoveryRest is how long discovery must have been closed. An attempt
	// that began before its Sentinel met us may be under way; that Sentinel
	// connects within its tick and a round trip, and asks us. It costs nothing
	// where down-after is longer.
	discoveryRest = 500 * time.Millisecond
	// maxListed bounds the list that one peer may tell; who tells more, or knows
	// more, waits the whole time.
	maxListed = 128
	// maxListAsks bounds how often one peer is asked, whose list did not name us
	// or whose connection ended before it came.
	maxListAsks = 4
)

// listing is what a peer told of the Sentinels that it knows: on one
// connection, so that it ends with that. The zero listing was not asked for.
type listing struct {
	on    LinkID // it was asked for there
	told  bool   // … and came, and we are in it
	asks  int
	named []listed
}

// toldList reports whether p, and nobody else, has told its list on the
// connection that is up.
//
// Rule: E-6, E-18.
func (p *peer) toldList() bool {
	return p.connected() && p.link.identified && !p.mute() && p.list.told && p.list.on == p.link.cmd.id
}

// listed is one Sentinel in a list.
type listed struct {
	runID string
	down  bool // SDOWN, as the one who lists it sees it
}

// discovering reports whether E-18's wait may still be on.
func (c *Core) discovering(m *master) bool {
	return m.discoverySince != never && c.now.Mono < m.discoverySince+discoveryPeriods*c.params.publishPeriod
}

// discoveryEnd is when an own start is no longer held back by discovery.
//
// Rule: E-18.
func (c *Core) discoveryEnd(m *master) time.Duration {
	if m.discoverySince == never {
		return never
	}
	end := m.discoverySince + discoveryPeriods*c.params.publishPeriod
	if m.closedAt != never {
		end = min(end, m.closedAt+discoveryRest)
	}
	return end
}

// askList asks p, which has just taken our hello, for the Sentinels that it
// knows, once in the life of the connection.
//
// Rule: E-18.
func (c *Core) askList(p *peer) {
	cn := &p.link.cmd
	// A list is of one connection: behind another there may be another process (E-6).
	if p.list.on == cn.id || p.list.asks >= maxListAsks || !c.discovering(p.of) || p.link.full() {
		return
	}
	p.list = listing{on: cn.id, asks: p.list.asks + 1}
	c.sendNow(cn, pending{is: sendListQuestion, inst: &p.instance}, []string{"SENTINEL", "SENTINELS", p.of.name})
}

// listReply takes the Sentinels that p knows. An error is final for this
// connection. A list without ourselves is none: p does not count us as a voter
// yet, and is asked again after our next hello.
//
// Rule: E-18.
func (c *Core) listReply(p *peer, v resp.Value) {
	list, ok := readList(v)
	if !ok {
		return
	}
	others := list[:0]
	for _, n := range list {
		if n.runID != c.myID {
			others = append(others, n)
		}
	}
	p.list.named, p.list.told = others, len(others) < len(list)
	if !p.list.told {
		p.list.on = 0
	}
	c.touch(&p.of.node)
}

// readList reads a reply to SENTINEL SENTINELS.
func readList(v resp.Value) ([]listed, bool) {
	if v.Kind != resp.Array || len(v.Elems) > maxListed {
		return nil, false
	}
	list := make([]listed, 0, len(v.Elems))
	for _, e := range v.Elems {
		if e.Kind == resp.Fields {
			e = e.Unfold()
		}
		if e.Kind != resp.Array && e.Kind != resp.Map || len(e.Elems)%2 != 0 {
			return nil, false
		}
		n := listed{}
		for k := 0; k < len(e.Elems); k += 2 {
			switch word := e.Elems[k+1].Str; e.Elems[k].Str {
			case "runid":
				n.runID = strings.Clone(word)
			case "flags":
				n.down = strings.Contains(word, "s_down")
			}
		}
		if !conf.ValidRunID(n.runID) {
			return nil, false
		}
		list = append(list, n)
	}
	return list, true
}

// discover notes whether discovery is closed.
func (c *Core) discover(m *master) {
	if !c.discovering(m) {
		return
	}
	if _, why := c.census(m); why != "" {
		m.closedAt = never
	} else if m.closedAt == never {
		m.closedAt = c.now.Mono
	}
}

// census counts the Sentinels of m, those that we know and those that only our
// peers know, and says why discovery is not closed; "" if it is.
//
// Rule: E-18.
func (c *Core) census(m *master) (all int, why string) {
	known := len(m.peers) + 1
	switch {
	case known == 1:
		return 1, "no other Sentinel is known"
	case known > maxListed:
		return known, "too many are known"
	}
	ids := make(map[string]bool, known)
	for _, p := range m.peers {
		if !p.toldList() {
			return known, shortID(p.runID) + " is not connected or has not told whom it knows"
		}
		ids[p.runID] = true
	}
	for _, p := range m.peers {
		for _, n := range p.list.named {
			// Who is down there may be just the one that RESET was to forget, so it keeps nobody
			// waiting (E-18).
			if !n.down && !ids[n.runID] {
				return known, shortID(p.runID) + " knows " + shortID(n.runID) + ", we do not"
			}
		}
	}
	for _, p := range m.peers {
		for _, n := range p.list.named {
			ids[n.runID] = true // those that are down where they are known
		}
	}
	all = len(ids) + 1
	// But it counts: the few that are left must be enough of all that there may be.
	if known < quorum.Need(all, m.quorum) {
		return all, itoa(known) + " are too few of " + itoa(all) + " that were named"
	}
	return all, ""
}

// stillOpen is why discovery is not closed, to be read after a noun.
func (c *Core) stillOpen(m *master) string {
	if _, why := c.census(m); why != "" {
		return ": " + why
	}
	return ""
}
