package sim

import (
	"strings"
	"time"

	"gosentinel/internal/resp"
	"gosentinel/quorum"
	"gosentinel/sentinel"
)

// discoveryMax is how long a Sentinel that had to find its peers waits at most:
// three publish periods.
//
// Rule: E-18.
const discoveryMax = 6 * time.Second

// discovery follows what a Sentinel does that has to find its peers, as its core
// wants it. It may begin an attempt, but for one by hand, only when all that it
// knows have told it on a connection of now whom they know, and these are not
// more than it knows.
//
// Rule: E-18.
func (k *checker) discovery(n *Node, e sentinel.Event) {
	f := strings.Fields(e.Payload)
	if len(f) < 2 || f[0] != "master" {
		return
	}
	name := f[1]
	switch e.Name {
	case "+monitor", "+reset-master":
		k.of(n, name).fresh = k.w.now + 1
	case "+try-failover":
		manual := k.of(n, name).byHand
		born := k.of(n, name).fresh
		if manual || born == 0 || k.w.now+1-born >= discoveryMax {
			return
		}
		if why := n.undiscovered(name); why != "" {
			k.fail(n.name, "E-18", "tries to lead %s %v after its start: %s", name, k.w.now+1-born, why)
		}
	}
}

// undiscovered says what n does not know of the other Sentinels of a master, as
// far as its connections have told; "" = they have told all.
func (n *Node) undiscovered(name string) string {
	state, _ := n.core.Durable()
	m := masterIn(state, name)
	if m == nil || len(m.Sentinels) == 0 {
		return "it has met nobody"
	}
	known := map[string]bool{n.ID(): true}
	for _, p := range m.Sentinels {
		known[p.RunID] = true
	}
	all := len(known)
	down := map[string]bool{}
	for _, p := range m.Sentinels {
		list, ok := n.toldBy(Addr{p.Addr.Host, p.Addr.Port}, name)
		if !ok {
			return n.w.check.nameOf(p.RunID) + " has not told whom it knows"
		}
		for _, e := range list {
			id, flags := fieldOf(e, "runid"), fieldOf(e, "flags")
			switch {
			case known[id]:
			case !strings.Contains(flags, "s_down"):
				return n.w.check.nameOf(p.RunID) + " knows " + n.w.check.nameOf(id)
			case !down[id]:
				down[id] = true
				all++
			}
		}
	}
	if len(known) < quorum.Need(all, m.Quorum) {
		return "it knows too few of those named"
	}
	return ""
}

// toldBy is the list of Sentinels that has come on a connection that is up.
func (n *Node) toldBy(at Addr, name string) ([]resp.Value, bool) {
	for _, l := range n.links { // any order: there is one
		if v, ok := l.told[name]; ok && l.to == at && v.Kind == resp.Array {
			return v.Elems, true
		}
	}
	return nil, false
}

// fieldOf is a field of a list of fields and their values.
func fieldOf(v resp.Value, name string) string {
	v = v.Unfold()
	for k := 0; k+1 < len(v.Elems); k += 2 {
		if v.Elems[k].Str == name {
			return v.Elems[k+1].Str
		}
	}
	return ""
}
