package sim

import (
	"strconv"
	"strings"
	"time"

	"gosentinel/internal/resp"
	"gosentinel/sentinel"
)

// Periods of the original (behaviour.md, section 2).
const (
	oPing    = time.Second
	oInfo    = 10 * time.Second
	oFast    = time.Second
	oHello   = 2 * time.Second
	oAsk     = time.Second
	oTilt    = 30 * time.Second
	oTrigger = 2 * time.Second
	oReconn  = 15 * time.Second
)

// tick is one pass of the timer, in the order of behaviour.md, section 15.
func (o *original) tick() {
	t := o.now.Mono
	if t-o.ticked > oTrigger {
		o.tilt = t + oTilt
		o.event("+tilt", "#tilt mode entered")
	} else if o.tilt != 0 && t >= o.tilt {
		o.tilt = 0
		o.event("-tilt", "#tilt mode exited")
	}
	o.ticked = t
	o.next = t + time.Second/time.Duration(10+o.rng.IntN(10))
	for _, m := range o.masters {
		o.connect(&m.oInst)
		o.poll(&m.oInst)
		if o.tilt == 0 {
			o.judge(&m.oInst)
			o.judgeODown(m)
			if o.maybeStart(m) {
				o.ask(m, true)
			}
			o.machine(m)
			o.ask(m, false)
		}
		for _, i := range m.all()[1:] {
			o.connect(i)
			o.poll(i)
			if o.tilt == 0 {
				o.judge(i)
			}
		}
		if m.switchTo != nil {
			to := m.switchTo.addr
			m.switchTo = nil
			o.event("+switch-master", switchText(m, to))
			o.switchMaster(m, to)
		}
	}
}

func switchText(m *oMaster, to Addr) string {
	return m.conf.Name + " " + m.addr.IP + " " + strconv.Itoa(m.addr.Port) + " " + to.IP + " " + strconv.Itoa(to.Port)
}

// connect opens what is missing (B-111), after closing what is stuck (B-116,
// B-117).
func (o *original) connect(i *oInst) {
	t := o.now.Mono
	if c := i.cmd; c != nil && t-c.opened > oReconn && i.pinging && t-i.pingSince > i.m.conf.DownAfter/2 && t-i.lastReply > i.m.conf.DownAfter/2 {
		o.close(c)
	}
	if c := i.pub; c != nil && t-c.opened > oReconn && t-c.heard > 3*oHello {
		o.close(c)
	}
	if !i.disconnected() || i.addr.Port == 0 || t-i.tried < oPing {
		return
	}
	i.tried = t
	if i.cmd == nil {
		i.cmd = o.open(i, false)
		o.ping(i)
	}
	if i.pub == nil && i.kind != oIsPeer {
		i.pub = o.open(i, true)
	}
}

func (o *original) ping(i *oInst) {
	i.lastPing = o.now.Mono
	if !i.pinging {
		i.pinging, i.pingSince = true, o.now.Mono
	}
	o.send(i.cmd, func(v resp.Value) {
		i.lastReply = o.now.Mono
		for _, ok := range []string{"PONG", "LOADING", "MASTERDOWN"} {
			if (v.Kind == resp.Simple || v.Kind == resp.Error) && strings.HasPrefix(v.Str, ok) {
				i.lastOK, i.pinging = o.now.Mono, false
			}
		}
	}, "PING")
}

// poll sends what is due (B-301, B-410, B-501).
func (o *original) poll(i *oInst) {
	t, m := o.now.Mono, i.m
	if i.disconnected() || len(i.cmd.pending) >= 100 {
		return
	}
	period := oInfo
	if i.kind == oIsReplica && (m.odown || m.state != oNone || i.info["master_link_down_since_seconds"] != "") {
		period = oFast
	}
	if i.kind != oIsPeer && t-i.infoAt > period {
		o.send(i.cmd, func(v resp.Value) {
			if v.Kind == resp.Bulk {
				o.readInfo(i, v.Str)
			}
		}, "INFO")
	}
	if p := min(m.conf.DownAfter, oPing); t-i.lastReply > p && t-i.lastPing > p/2 {
		o.ping(i)
	}
	if t-i.lastPub > oHello && o.ip != "" { // a real one knows its own end of a connection that is being opened
		a := m.current()
		o.send(i.cmd, func(v resp.Value) {
			if v.Kind != resp.Error {
				i.lastPub = o.now.Mono
			}
		}, "PUBLISH", helloChannel, strings.Join([]string{o.ip, strconv.Itoa(o.boot.Port), o.boot.MyID,
			strconv.FormatUint(o.epoch, 10), m.conf.Name, a.IP, strconv.Itoa(a.Port), strconv.FormatUint(m.config, 10)}, ","))
	}
}

// judge sets SDOWN (B-310 to B-312).
func (o *original) judge(i *oInst) {
	t, after := o.now.Mono, i.m.conf.DownAfter
	elapsed := time.Duration(0)
	if i.pinging {
		elapsed = t - i.pingSince
	} else if i.disconnected() {
		elapsed = t - i.lastOK
	}
	down := elapsed > after || i.kind == oIsMaster && !i.isMaster && t-i.roleAt > after+2*oInfo
	if down == i.sdown {
		return
	}
	i.sdown = down
	if down {
		i.downSince = t
		o.event("+sdown", o.name(i))
	} else {
		o.event("-sdown", o.name(i))
	}
}

func (o *original) judgeODown(m *oMaster) {
	n := 1
	for _, p := range m.peers {
		n += b2i(p.saysDown)
	}
	odown := m.sdown && n >= m.conf.Quorum
	if odown == m.odown {
		return
	}
	m.odown = odown
	if odown {
		o.event("+odown", o.name(&m.oInst)+" #quorum "+strconv.Itoa(n)+"/"+strconv.Itoa(m.conf.Quorum))
	} else {
		o.event("-odown", o.name(&m.oInst))
	}
}

// ask asks all peers, in the current epoch (B-320 to B-322, S-9).
func (o *original) ask(m *oMaster, forced bool) {
	t := o.now.Mono
	for _, p := range m.peers {
		if t-p.replyAt > 5*oAsk {
			p.saysDown, p.vote = false, ""
		}
		if !m.sdown || p.disconnected() || !forced && t-p.replyAt < oAsk || len(p.cmd.pending) >= 100 {
			continue
		}
		id := "*"
		if m.state != oNone {
			id = o.boot.MyID
		}
		o.send(p.cmd, func(v resp.Value) {
			if v.Kind != resp.Array || len(v.Elems) != 3 || v.Elems[1].Kind != resp.Bulk {
				return
			}
			p.replyAt, p.saysDown = o.now.Mono, v.Elems[0].Int == 1
			if v.Elems[1].Str != "*" {
				p.vote, p.voteEpoch = v.Elems[1].Str, uint64(v.Elems[2].Int)
			}
		}, "SENTINEL", "is-master-down-by-addr", m.addr.IP, strconv.Itoa(m.addr.Port), strconv.FormatUint(o.epoch, 10), id)
	}
}

// readInfo takes an INFO and acts on the role (behaviour.md 5.2, 5.3).
func (o *original) readInfo(i *oInst, text string) {
	t, m := o.now.Mono, i.m
	i.infoAt = t
	i.info = map[string]string{}
	for line := range strings.Lines(text) {
		if k, v, ok := strings.Cut(strings.TrimSpace(line), ":"); ok {
			i.info[k] = v
			if i.kind == oIsMaster && strings.HasPrefix(k, "slave") && strings.HasPrefix(v, "ip=") {
				o.learn(m, v)
			}
		}
	}
	port, _ := strconv.Atoi(i.info["master_port"])
	isMaster := i.info["role"] == "master"
	if to := (Addr{i.info["master_host"], port}); !isMaster && to != i.follows {
		i.follows, i.confAt = to, t
	}
	if isMaster != i.isMaster || i.kind == oIsReplica && i.roleAt == oNever {
		i.isMaster, i.roleAt = isMaster, t
		sign := "-"
		if isMaster == (i.kind == oIsMaster) {
			sign = "+"
		}
		o.do(sentinel.Emit{Event: sentinel.Event{Name: sign + "role-change", Payload: o.name(i) + " new reported role is " + i.info["role"]}})
	}
	i.runID = i.info["run_id"]
	if o.tilt == 0 && i.kind == oIsReplica {
		o.react(m, i)
	}
}

func (o *original) learn(m *oMaster, v string) {
	f := strings.Split(v, ",")
	port, _ := strconv.Atoi(strings.TrimPrefix(f[1], "port="))
	a := Addr{strings.TrimPrefix(f[0], "ip="), port}
	for _, r := range m.replicas {
		if r.addr == a {
			return
		}
	}
	r := o.newInst(m, oIsReplica, a)
	m.replicas = append(m.replicas, &r)
	o.event("+slave", o.name(&r))
	o.dirty()
}

// react is what the role of a replica leads to (B-521 to B-530).
func (o *original) react(m *oMaster, i *oInst) {
	t := o.now.Mono
	sane := m.isMaster && !m.sdown && !m.odown && t-m.infoAt < 2*oInfo
	calm := func(d time.Duration) bool { return t-i.downSince > d }
	switch {
	case i.isMaster && i.promoted && m.state == oWaitPromotion:
		m.config, m.state, m.changed = m.failover, oReconf, t
		o.dirty()
		o.show(m)
		o.event("+promoted-slave", o.name(i))
		o.event("+failover-state-reconf-slaves", o.name(&m.oInst))
		for _, a := range m.all() {
			a.lastPub = oNever
		}
	case i.isMaster && !i.promoted:
		if sane && calm(4*oHello) && t-i.roleAt > 4*oHello {
			o.follow(i, m.addr)
			o.event("+convert-to-slave", o.name(i))
		}
	case !i.isMaster && i.follows != m.addr && i.reconf == 0:
		if sane && calm(m.conf.FailoverTimeout) && t-i.confAt > m.conf.FailoverTimeout {
			o.follow(i, m.addr)
			o.event("+fix-slave-config", o.name(i))
		}
	}
	if m.chosen == nil || i.isMaster || i.follows != m.chosen.addr {
		return
	}
	if i.reconf == 1 {
		i.reconf = 2
		o.event("+slave-reconf-inprog", o.name(i))
	}
	if i.reconf == 2 && i.info["master_link_status"] == "up" {
		i.reconf = 3
		o.event("+slave-reconf-done", o.name(i))
	}
}

// follow sends the transaction of B-713.
func (o *original) follow(i *oInst, a Addr) {
	if i.cmd == nil {
		return
	}
	host, port := a.IP, strconv.Itoa(a.Port)
	if a == (Addr{}) {
		host, port = "NO", "ONE"
	}
	o.do(&sentinel.Send{Link: i.cmd.id, Cmds: [][]string{{"MULTI"}, {"SLAVEOF", host, port}, {"CONFIG", "REWRITE"},
		{"CLIENT", "KILL", "TYPE", "normal"}, {"CLIENT", "KILL", "TYPE", "pubsub"}, {"EXEC"}}})
}
