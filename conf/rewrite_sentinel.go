package conf

import (
	"strconv"
	"time"
)

// sentinel places all `sentinel` lines. In the state file lines at their
// default are forced too: they must win over other values in the main file.
//
// Rule: 6.4 of the configuration rules, C-101, R-23.
func (r *rewriter) sentinel(s *State) {
	all := s.StateFile != ""
	for sub := range subDirectives { // order does not matter
		if sub != "state-config-file" {
			r.done(slotKey{"sentinel", canonicalSub(sub)})
		}
	}
	if s.MyID != "" {
		r.sub("myid", true).word(s.MyID).end()
	}
	r.sub("deny-scripts-reconfig", all || !s.DenyScriptsReconfig).word(yesNo(s.DenyScriptsReconfig)).end()
	r.sub("resolve-hostnames", all || s.ResolveHostnames).word(yesNo(s.ResolveHostnames)).end()
	r.sub("announce-hostnames", all || s.AnnounceHostnames).word(yesNo(s.AnnounceHostnames)).end()
	for _, m := range s.Masters {
		r.master(m, all)
	}
	r.sub("current-epoch", true).uint(s.CurrentEpoch).end()
	if all || s.AnnounceIP != "" {
		r.sub("announce-ip", true).quoted(s.AnnounceIP).end()
	}
	if all || s.AnnouncePort != 0 {
		r.sub("announce-port", true).int(s.AnnouncePort).end()
	}
	if all || s.SentinelUser != "" {
		r.sub("sentinel-user", true).word(s.SentinelUser).end()
	}
	if pass := s.SentinelPass.Reveal(); all || pass != "" {
		r.sub("sentinel-pass", true).word(pass).end()
	}
}

// master places the lines of one master.
func (r *rewriter) master(m *Master, all bool) {
	r.sub("monitor", true).word(m.Name).endpoint(m.Addr).int(m.Quorum).end()
	r.duration("down-after-milliseconds", m.Name, m.DownAfter, all || m.DownAfter != DefaultDownAfter)
	r.duration("failover-timeout", m.Name, m.FailoverTimeout, all || m.FailoverTimeout != DefaultFailoverTimeout)
	if all || m.ParallelSyncs != DefaultParallelSyncs {
		r.sub("parallel-syncs", true).word(m.Name).int(m.ParallelSyncs).end()
	}
	if m.NotificationScript != "" {
		r.sub("notification-script", true).word(m.Name).word(m.NotificationScript).end()
	}
	if m.ClientReconfigScript != "" {
		r.sub("client-reconfig-script", true).word(m.Name).word(m.ClientReconfigScript).end()
	}
	if m.AuthPass != nil {
		r.sub("auth-pass", true).word(m.Name).word(m.AuthPass.Reveal()).end()
	}
	if m.AuthUser != nil {
		r.sub("auth-user", true).word(m.Name).word(*m.AuthUser).end()
	}
	r.duration(keyRebootMaster, m.Name, m.RebootDownAfter, all || m.RebootDownAfter != 0)
	r.sub("config-epoch", true).word(m.Name).uint(m.ConfigEpoch).end()
	r.sub("leader-epoch", true).word(m.Name).uint(m.LeaderEpoch).end()
	for _, addr := range m.Replicas {
		r.sub("known-replica", true).word(m.Name).endpoint(addr).end()
	}
	for _, p := range m.Sentinels {
		if p.RunID != "" {
			r.sub("known-sentinel", true).word(m.Name).endpoint(p.Addr).word(p.RunID).end()
		}
	}
	for _, c := range m.Renames {
		r.sub("rename-command", true).word(m.Name).word(c.Old).word(c.New).end()
	}
}

func (r *rewriter) duration(sub, master string, d time.Duration, written bool) {
	if written {
		r.sub(sub, true).word(master).int(int(d.Milliseconds())).end()
	}
}

// subLine is a `sentinel` line being written.
type subLine struct {
	r      *rewriter
	key    slotKey
	forced bool
	text   []byte
}

// sub begins a line of a sub-directive.
func (r *rewriter) sub(name string, forced bool) *subLine {
	l := &r.line
	l.r, l.forced = r, forced
	l.key = slotKey{"sentinel", name}
	l.text = append(l.text[:0], "sentinel "...)
	if name == keyRebootMaster {
		name = r.rebootKey
	}
	l.text = append(l.text, name...)
	return l
}

// word adds an argument, escaped if need be.
func (l *subLine) word(s string) *subLine {
	l.text = appendWord(append(l.text, ' '), s)
	return l
}

// quoted adds an argument in the escaped form.
func (l *subLine) quoted(s string) *subLine {
	l.text = appendQuoted(append(l.text, ' '), s)
	return l
}

func (l *subLine) int(n int) *subLine {
	l.text = strconv.AppendInt(append(l.text, ' '), int64(n), 10)
	return l
}

func (l *subLine) uint(n uint64) *subLine {
	l.text = strconv.AppendUint(append(l.text, ' '), n, 10)
	return l
}

func (l *subLine) endpoint(e Endpoint) *subLine { return l.word(e.Host).int(e.Port) }

// end places the line.
func (l *subLine) end() { l.r.place(l.key, string(l.text), l.forced) }
