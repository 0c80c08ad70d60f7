package sim

import (
	"strings"

	"gosentinel/sentinel"
)

// sparedMost is how often a master that has recovered must be spared.
//
// Rule: E-34.
const sparedMost = 3

// intends follows what a core sees and begins, at the moment it does: what is
// told may wait for its disk.
func (k *checker) intends(n *Node, e sentinel.Event) {
	word, rest, _ := strings.Cut(e.Payload, " ")
	name, _, _ := strings.Cut(rest, " ")
	if e.Name == "" {
		if name, ok := strings.CutPrefix(e.Payload, "Executing user requested FAILOVER of '"); ok {
			k.node(n).byHand = strings.TrimSuffix(name, "'")
		}
		if rest, ok := strings.CutPrefix(e.Payload, "Failover of '"); ok {
			if name, _, ok := strings.Cut(rest, "' is forced in epoch "); ok {
				k.of(n, name).forces = true
			}
			if name, ok := strings.CutSuffix(rest, "' given up: the master answers again"); ok {
				k.of(n, name).spared++
			}
		}
		return
	}
	if e.Name == "+switch-master" {
		m := k.of(n, word)
		m.silent, m.spared = false, 0
		return
	}
	if word != "master" {
		return
	}
	m := k.of(n, name)
	switch e.Name {
	case "+sdown":
		m.silent = true
	case "-sdown":
		m.silent = false
	case "+reset-master", "+monitor":
		m.silent, m.spared = false, 0
	case "+elected-leader":
		m.electedAt = k.w.now
	case "+try-failover":
		m.byHand, m.acted, m.forces = k.node(n).byHand == name, false, false
		m.meantAt = k.w.now
		k.node(n).byHand = ""
	}
}

// spares: nobody promotes a replica whose master is up in its own sight, unless
// by hand, or that master has been spared often. What has begun goes on.
//
// Rule: E-34.
func (k *checker) spares(n *Node, s *sentinel.Send) {
	l := n.links[s.Link]
	if l == nil {
		return
	}
	for _, c := range s.Cmds {
		name := k.w.groupOf(l.to)
		if len(c) != 3 || c[1] != "NO" || c[2] != "ONE" || name == "" {
			continue
		}
		m := k.of(n, name)
		if !m.silent && !m.byHand && !m.acted && m.spared < sparedMost {
			k.fail(n.name, "E-34", "promotes %s for %s, whose master answers", l.to, name)
		}
		m.acted = true
	}
}
