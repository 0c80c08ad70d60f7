package sim

import (
	"strconv"
	"strings"
	"time"
)

// maybeStart begins an attempt (B-701).
func (o *original) maybeStart(m *oMaster) bool {
	if !m.odown || m.state != oNone || o.now.Mono-m.started < 2*m.conf.FailoverTimeout {
		return false
	}
	o.start(m)
	return true
}

func (o *original) start(m *oMaster) {
	o.epoch++
	m.state, m.failover = oWaitStart, o.epoch
	o.event("+new-epoch", strconv.FormatUint(o.epoch, 10))
	o.event("+try-failover", o.name(&m.oInst))
	m.started = o.now.Mono + o.rng.Duration(time.Second)
	m.changed = o.now.Mono
}

func (o *original) abort(m *oMaster, why string) {
	o.event("-failover-abort-"+why, o.name(&m.oInst))
	if m.chosen != nil {
		m.chosen.promoted = false
	}
	m.state, m.force, m.chosen = oNone, false, nil
}

// machine takes at most one step of a failover per tick (behaviour.md 7.1).
func (o *original) machine(m *oMaster) {
	t, c := o.now.Mono, &m.conf
	switch m.state {
	case oWaitStart:
		if o.leader(m, m.failover) != o.boot.MyID && !m.force {
			if t-m.started > min(10*time.Second, c.FailoverTimeout) {
				o.abort(m, "not-elected")
			}
			return
		}
		o.event("+elected-leader", o.name(&m.oInst))
		m.state, m.changed = oSelect, t
		o.event("+failover-state-select-slave", o.name(&m.oInst))
	case oSelect:
		r := o.best(m)
		if r == nil {
			o.abort(m, "no-good-slave")
			return
		}
		o.event("+selected-slave", o.name(r))
		r.promoted, m.chosen = true, r
		m.state, m.changed = oSendNoOne, t
		o.event("+failover-state-send-slaveof-noone", o.name(r))
	case oSendNoOne:
		if m.chosen.disconnected() {
			if t-m.changed > c.FailoverTimeout {
				o.abort(m, "slave-timeout")
			}
			return
		}
		o.follow(m.chosen, Addr{})
		o.event("+failover-state-wait-promotion", o.name(m.chosen))
		m.state, m.changed = oWaitPromotion, t
	case oWaitPromotion:
		if t-m.changed > c.FailoverTimeout {
			o.abort(m, "slave-timeout")
		}
	case oReconf:
		o.reconfigure(m)
	}
}

// leader counts the votes of the current epoch, then votes (B-621, S-9).
func (o *original) leader(m *oMaster, epoch uint64) string {
	var ids []string
	counts := map[string]int{}
	add := func(id string) {
		if counts[id] == 0 {
			ids = append(ids, id)
		}
		counts[id]++
	}
	best := func() (id string, n int) {
		for _, x := range ids {
			if counts[x] > n {
				id, n = x, counts[x]
			}
		}
		return id, n
	}
	for _, p := range m.peers {
		if p.vote != "" && p.voteEpoch == o.epoch {
			add(p.vote)
		}
	}
	mine, _ := best()
	if mine == "" {
		mine = o.boot.MyID
	}
	if id, e := o.voteFor(m, epoch, mine); id != "" && e == epoch {
		add(id)
	}
	id, n := best()
	if voters := len(m.peers) + 1; n < voters/2+1 || n < m.conf.Quorum {
		return ""
	}
	return id
}

// best is the replica to promote (B-711).
func (o *original) best(m *oMaster) *oInst {
	t := o.now.Mono
	fresh, maxDown := 3*oInfo, 10*m.conf.DownAfter
	if m.sdown {
		fresh, maxDown = 5*oPing, maxDown+t-m.downSince
	}
	var best *oInst
	key := func(i *oInst) (int, int64) {
		p, _ := strconv.Atoi(i.info["slave_priority"])
		off, _ := strconv.ParseInt(i.info["slave_repl_offset"], 10, 64)
		return p, -off
	}
	for _, r := range m.replicas {
		p, off := key(r)
		down, _ := strconv.Atoi(r.info["master_link_down_since_seconds"])
		if r.sdown || r.disconnected() || t-r.lastOK > 5*oPing || t-r.infoAt > fresh || p == 0 ||
			time.Duration(down)*time.Second > maxDown {
			continue
		}
		if best != nil {
			bp, bo := key(best)
			if p > bp || p == bp && (off > bo || off == bo && strings.ToLower(r.runID) >= strings.ToLower(best.runID)) {
				continue
			}
		}
		best = r
	}
	return best
}

// reconfigure is the state of that name (B-720 to B-724).
func (o *original) reconfigure(m *oMaster) {
	t := o.now.Mono
	busy := 0
	for _, r := range m.replicas {
		busy += b2i(r.reconf == 1 || r.reconf == 2)
	}
	for _, r := range m.replicas {
		if busy >= m.conf.ParallelSyncs {
			break
		}
		if r.promoted || r.reconf != 0 || r.disconnected() {
			continue
		}
		o.follow(r, m.chosen.addr)
		r.reconf, r.sentAt = 1, t
		o.event("+slave-reconf-sent", o.name(r))
		busy++
	}
	if m.chosen.sdown {
		return
	}
	done := true
	for _, r := range m.replicas {
		done = done && (r.promoted || r.reconf == 3 || r.sdown)
	}
	if t-m.changed > m.conf.FailoverTimeout {
		done = true
		o.event("+failover-end-for-timeout", o.name(&m.oInst))
	}
	if done {
		o.event("+failover-end", o.name(&m.oInst))
		m.switchTo = m.chosen
	}
}

// switchMaster makes another address the master (B-731).
func (o *original) switchMaster(m *oMaster, to Addr) {
	var addrs []Addr
	for _, r := range m.replicas {
		if r.addr != to {
			addrs = append(addrs, r.addr)
		}
		o.drop(r)
	}
	if m.addr != to {
		addrs = append(addrs, m.addr)
	}
	o.drop(&m.oInst)
	m.oInst = o.newInst(m, oIsMaster, to)
	m.isMaster = true
	m.replicas = nil
	m.odown, m.leader, m.state, m.started, m.force, m.chosen = false, "", oNone, oNever, false, nil
	for _, a := range addrs {
		r := o.newInst(m, oIsReplica, a)
		m.replicas = append(m.replicas, &r)
		o.event("+slave", o.name(&r))
	}
	o.dirty()
	o.show(m)
}

// hello takes a hello message (behaviour.md 4.4).
func (o *original) hello(text string) {
	f := strings.Split(text, ",")
	if len(f) != 8 || f[2] == o.boot.MyID {
		return
	}
	port, _ := strconv.Atoi(f[1])
	mport, _ := strconv.Atoi(f[6])
	current, _ := strconv.ParseUint(f[3], 10, 64)
	config, _ := strconv.ParseUint(f[7], 10, 64)
	for _, m := range o.masters {
		if m.conf.Name != f[4] {
			continue
		}
		p := o.meet(m, Addr{f[0], port}, f[2])
		if current > o.epoch {
			o.epoch = current
			o.dirty()
			o.event("+new-epoch", f[3])
		}
		if config <= m.config {
			return
		}
		m.config = config
		if to := (Addr{f[5], mport}); to != m.addr {
			o.dirty() // the switch would write it a moment later; what is said waits for it
			o.event("+config-update-from", o.name(p))
			o.event("+switch-master", switchText(m, to))
			o.switchMaster(m, to)
		} else {
			o.dirty()
		}
		return
	}
}

// meet finds or makes the peer that a hello is from (B-430).
func (o *original) meet(m *oMaster, a Addr, id string) *oInst {
	keep := m.peers[:0]
	var found *oInst
	moved := false
	for _, p := range m.peers {
		switch {
		case p.runID == id && p.addr == a:
			found = p
		case p.runID == id:
			moved = true
			o.drop(p)
			continue
		case p.addr == a:
			o.event("+sentinel-invalid-addr", o.name(p))
			o.drop(p)
			continue
		}
		keep = append(keep, p)
	}
	m.peers = keep
	if found != nil {
		return found
	}
	p := new(o.newInst(m, oIsPeer, a))
	p.runID = id
	m.peers = append(m.peers, p)
	if moved {
		o.event("+sentinel-address-switch", o.name(&m.oInst)+" ip "+a.IP+" port "+strconv.Itoa(a.Port)+" for "+id)
	} else {
		o.event("+sentinel", o.name(p))
	}
	o.dirty()
	return p
}
