package sentinel

import (
	"strconv"
	"time"

	"gosentinel/internal/resp"
	"gosentinel/quorum"
	"gosentinel/replication"
)

// printer writes instances as they are at one moment.
type printer struct {
	*table
	c  *Core
	at time.Duration
}

// printer is that of the moment of this step.
func (c *Core) printer() printer { return printer{&c.table, c, c.now.Mono} }

// showMasters lists all masters.
//
// Rule: K-2.1.
func (c *Core) showMasters(in Request) {
	l := c.printer()
	l.masters()
	c.reply(in.ID, resp.List(l.maps()...))
}

func (l printer) masters() {
	for _, m := range l.c.masters {
		l.master(m)
	}
}

// showMaster describes one master.
func (c *Core) showMaster(in Request) {
	if m := c.named(in); m != nil {
		l := c.printer()
		l.master(m)
		c.reply(in.ID, l.maps()[0])
	}
}

// showReplicas lists the replicas that want to be known.
func (c *Core) showReplicas(in Request) { c.showThose(in, printer.replicas) }

func (l printer) replicas(m *master) {
	for _, r := range m.replicas {
		if r.info.Announced {
			l.replica(r)
		}
	}
}

// showPeers lists the other Sentinels.
func (c *Core) showPeers(in Request) { c.showThose(in, printer.peers) }

func (l printer) peers(m *master) {
	for _, p := range m.peers {
		l.peer(p)
	}
}

// showThose lists what a master has.
func (c *Core) showThose(in Request, those func(printer, *master)) {
	if m := c.named(in); m != nil {
		l := c.printer()
		those(l, m)
		c.reply(in.ID, resp.List(l.maps()...))
	}
}

// common are 1 to 14 of K-2.1.
func (t printer) common(i *instance) {
	l, now, c := i.link, t.at, t.c
	t.startRow()
	t.str("name", i.name)
	t.str("ip", i.addr.Shown(c.announceHostnames))
	t.num("port", int64(i.addr.Port))
	t.str("runid", i.runID)
	var flags [128]byte
	t.bytes("flags", t.flags(flags[:0], i))
	t.num("link-pending-commands", int64(l.cmd.pending.len()+l.pub.pending.len()))
	t.num("link-refcount", int64(len(l.users)))
	if i.kind == kindMaster && i.of.failover.state != stateNone {
		t.str("failover-state", i.of.failover.state.String())
	}
	unanswered := time.Duration(0)
	if l.waits {
		unanswered = now - l.pendingSince
	}
	t.num("last-ping-sent", ms(unanswered))
	t.num("last-ok-ping-reply", ms(now-l.lastOK))
	t.num("last-ping-reply", ms(now-l.lastReply))
	if i.sdown {
		t.num("s-down-time", ms(now-i.sdownSince))
	}
	if i.kind == kindMaster && i.of.odown {
		t.num("o-down-time", ms(now-i.of.odownSince))
	}
	t.num("down-after-milliseconds", ms(asSet(i.of.downAfter, i.of.set.downAfter)))
}

// info are 15 to 17 of K-2.1.
func (t printer) info(i *instance) {
	t.num("info-refresh", i.infoAge(t.at))
	t.str("role-reported", shownRole(i.role))
	t.num("role-reported-time", ms(t.at-i.roleSince))
}

// infoAge is the age of the last INFO in milliseconds, 0 if there was none.
func (i *instance) infoAge(now time.Duration) int64 {
	if i.infoAt == never {
		return 0
	}
	return ms(now - i.infoAt)
}

func (t printer) master(m *master) {
	t.common(&m.instance)
	t.info(&m.instance)
	t.epoch("config-epoch", m.configEpoch)
	t.num("num-slaves", int64(len(m.replicas)))
	t.num("num-other-sentinels", int64(len(m.peers)))
	t.num("quorum", int64(m.quorum))
	t.num("failover-timeout", ms(asSet(m.failoverTimeout, m.set.failoverTimeout)))
	t.num("parallel-syncs", int64(m.parallelSyncs))
	if m.notifyScript != "" {
		t.str("notification-script", m.notifyScript)
	}
	if m.reconfigScript != "" {
		t.str("client-reconfig-script", m.reconfigScript)
	}
	t.endRow()
}

func (t printer) replica(r *replica) {
	t.common(&r.instance)
	t.info(&r.instance)
	t.num("master-link-down-time", ms(r.info.LinkDown))
	status, host := "err", "?"
	if r.info.LinkUp {
		status = "ok"
	}
	if r.info.MasterHost != "" {
		host = r.info.MasterHost
	}
	t.str("master-link-status", status)
	t.str("master-host", host)
	t.num("master-port", int64(r.info.MasterPort))
	t.num("slave-priority", int64(r.info.Priority))
	t.num("slave-repl-offset", r.info.Offset)
	t.str("replica-announced", "1")
	t.endRow()
}

func (t printer) peer(p *peer) {
	t.common(&p.instance)
	t.num("last-hello-message", ms(t.at-p.heardAt))
	leader, epoch := p.voteAt(t.c, t.at)
	if leader == "" {
		leader = "?"
	}
	t.str("voted-leader", string(leader))
	t.epoch("voted-leader-epoch", epoch)
	t.endRow()
}

// flags appends the names of the state of i.
//
// Rule: K-2.1.
func (t printer) flags(out []byte, i *instance) []byte {
	add := func(set bool, flag string) {
		if !set {
			return
		}
		if len(out) > 0 {
			out = append(out, ',')
		}
		out = append(out, flag...)
	}
	m, r := i.of, i.replica
	isMaster := i.kind == kindMaster
	add(i.sdown, "s_down")
	add(isMaster && m.odown, "o_down")
	add(true, i.kind.String())
	add(i.disconnected(), "disconnected")
	add(i.peer != nil && i.peer.saysDownAt(t.c, t.at), "master_down")
	add(isMaster && m.failover.state != stateNone, "failover_in_progress")
	if r != nil {
		add(r.promoted, "promoted")
		add(r.reconf == reconfSent, "reconf_sent")
		add(r.reconf == reconfInProgress, "reconf_inprog")
		add(r.reconf == reconfDone, "reconf_done")
	}
	add(isMaster && m.failover.state != stateNone && m.failover.kind == byHand, "force_failover")
	add(i.killSent, "script_kill_sent")
	add(isMaster && m.rebooted, "master_reboot")
	return out
}

// getMasterAddr answers what the View does not.
//
// Rule: K-2.2, R-15.
func (c *Core) getMasterAddr(in Request) {
	m := c.byName[string(in.Args[2])]
	if m == nil {
		c.reply(in.ID, resp.Value{Kind: resp.NullArray})
		return
	}
	at := m.current()
	c.reply(in.ID, resp.List(resp.Str(at.Shown(c.announceHostnames)), resp.Str(itoa(at.Port))))
}

// checkQuorum tells whether a failover could be agreed on now.
//
// Rule: K-2.6.
func (c *Core) checkQuorum(in Request) {
	if m := c.named(in); m != nil {
		c.reply(in.ID, c.quorumReply(m))
	}
}

func (c *Core) quorumReply(m *master) resp.Value {
	usable := c.usable(m)
	prefix := "NOQUORUM " + itoa(usable) + " usable Sentinels."
	bad := ""
	if usable < m.quorum {
		bad += " Not enough available Sentinels to reach the specified quorum for this master"
	}
	if usable < quorum.Majority(m.voters()) {
		if bad != "" {
			bad += "."
		}
		bad += " Not enough available Sentinels to reach the majority and authorize a failover"
	}
	if bad != "" {
		return resp.Err(prefix + bad)
	}
	return resp.Status("OK " + itoa(usable) + " usable Sentinels. Quorum and failover authorization can be reached")
}

// infoCache gives the last INFO texts around some masters.
//
// Rule: K-2.13, K-10.
func (c *Core) infoCache(in Request) {
	var out []resp.Value
	seen := map[*master]bool{}
	for _, name := range in.Args[2:] {
		m := c.byName[string(name)]
		if m == nil || seen[m] {
			continue
		}
		seen[m] = true
		entries := make([]resp.Value, 0, 1+len(m.replicas))
		entries = append(entries, c.cacheEntry(&m.instance))
		for _, r := range m.replicas {
			entries = append(entries, c.cacheEntry(&r.instance))
		}
		out = append(out, resp.Str(m.name), resp.List(entries...))
	}
	c.reply(in.ID, resp.List(out...))
}

func (c *Core) cacheEntry(i *instance) resp.Value {
	text := resp.Value{}
	if i.infoAt != never {
		text = resp.Str(i.infoText)
	}
	return resp.List(resp.Int(i.infoAge(c.now.Mono)), text)
}

// showMyID waits for no write but that of the id: peers ask ahead of all else.
//
// Rule: E-6.
func (c *Core) showMyID(in Request) {
	if c.durableSeq < c.idSeq {
		c.reply(in.ID, resp.Str(c.myID))
		return
	}
	c.emitNow(Respond{ID: in.ID, Value: resp.Str(c.myID)})
}

func (c *Core) pendingScripts(in Request) { c.reply(in.ID, c.scripts.pending(c.now.Mono)) }

// roleReply is the reply of ROLE.
//
// Rule: K-4.
func (c *Core) roleReply() resp.Value {
	names := make([]resp.Value, len(c.masters))
	for i, m := range c.masters {
		names[i] = resp.Str(m.name)
	}
	return resp.List(resp.Str("sentinel"), resp.List(names...))
}

// infoSection appends the sentinel section of INFO, with a line of our own while
// the last write of the file has failed.
//
// Rule: K-3, R-8.
func (c *Core) infoSection(b []byte, now time.Duration) []byte {
	line := func(key string, n int64) {
		b = append(b, key...)
		b = strconv.AppendInt(b, n, 10)
		b = append(b, '\r', '\n')
	}
	tilt, since := int64(0), int64(-1)
	if c.tilt {
		tilt, since = 1, int64((now-c.tiltAt)/time.Second)
	}
	b = append(b, "# Sentinel\r\n"...)
	line("sentinel_masters:", int64(len(c.masters)))
	line("sentinel_tilt:", tilt)
	line("sentinel_tilt_since_seconds:", since)
	line("sentinel_running_scripts:", int64(c.scripts.running))
	line("sentinel_scripts_queue_length:", int64(len(c.scripts.queue)))
	line("sentinel_simulate_failure_flags:", int64(c.simulate))
	if c.saveError != "" {
		b = append(append(append(b, "gosentinel_save_error:"...), c.saveError...), '\r', '\n')
	}
	for i, m := range c.masters {
		status := "ok"
		switch {
		case m.odown:
			status = "odown"
		case m.sdown:
			status = "sdown"
		}
		b = append(b, "master"...)
		b = strconv.AppendInt(b, int64(i), 10)
		b = append(append(b, ":name="...), m.name...)
		b = append(append(b, ",status="...), status...)
		b = appendAddress(append(b, ",address="...), m.addr, c.announceHostnames)
		b = strconv.AppendInt(append(b, ",slaves="...), int64(len(m.replicas)), 10)
		b = strconv.AppendInt(append(b, ",sentinels="...), int64(m.voters()), 10)
		b = append(b, '\r', '\n')
	}
	return b
}

// appendAddress writes an address as INFO does: without brackets.
func appendAddress(b []byte, a replication.Addr, hostnames bool) []byte {
	b = append(append(b, a.Shown(hostnames)...), ':')
	return strconv.AppendInt(b, int64(a.Port), 10)
}
