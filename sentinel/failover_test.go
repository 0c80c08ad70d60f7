package sentinel

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"gosentinel/conf"
	"gosentinel/internal/resp"
	"gosentinel/quorum"
	"gosentinel/replication"
)

const replicaOf1 = "role:slave\r\nmaster_host:10.0.0.1\r\nmaster_port:6379\r\nmaster_link_status:up\r\nslave_priority:100\r\n"

// alone is a rig without peers, quorum 1, whose master is down and whose
// replicas, on ports from 7000, are connected and have answered INFO.
func alone(t *testing.T, replicas int) *wires {
	t.Helper()
	w := newWires(t, down(around(watched("mm", "10.0.0.1", 6379, 1), replicas, 0), time.Second))
	w.c.masters[0].discoverySince = never
	w.pass(tickEvery)
	ports := []int{6379}
	for i := range replicas {
		ports = append(ports, 7000+i)
	}
	for _, port := range ports {
		w.up(port, false)
		w.up(port, true)
		w.pong(port)
	}
	for _, port := range ports[1:] {
		w.reply(port, "INFO", resp.Str(replicaOf1))
	}
	for !w.c.masters[0].sdown {
		w.pass(10 * time.Millisecond)
		for _, port := range ports[1:] {
			w.pong(port)
		}
	}
	for _, port := range ports[1:] {
		w.reply(port, "INFO", resp.Str(replicaOf1))
	}
	return w
}

// saved lets the write that is under way succeed.
func (w *wires) saved() []string { return w.put(Persisted{Seq: w.c.seq}) }

// promote carries a failover to reconf_slaves.
func (w *wires) promote() *master {
	w.t.Helper()
	w.saved()
	m := w.c.masters[0]
	require.Equal(w.t, stateWaitPromotion, m.failover.state)
	w.reply(m.failover.promoted.addr.Port, "INFO", resp.Str("role:master\r\n"))
	w.saved()
	return m
}

// Nothing of a candidacy but its requests leaves before the own vote is on
// disk, and the epoch of the failover becomes the config epoch only when the
// promotion is proven. Rule: B-602, B-530, E-30, E-40, E-43, S-3, S-6.
func TestActsWaitForTheDisk(t *testing.T) {
	w := alone(t, 1)
	m := w.c.masters[0]
	require.Equal(t, stateWaitStart, m.failover.state)
	require.Equal(t, uint64(1), uint64(m.failover.epoch))
	w.pass(200 * time.Millisecond)
	require.Equal(t, stateWaitStart, m.failover.state, "the write has not returned")
	cmds := w.saved()
	require.Equal(t, stateWaitPromotion, m.failover.state)
	require.Contains(t, cmds, "SLAVEOF NO ONE")
	require.Equal(t, "INFO", cmds[len(cmds)-1], "in the same breath, W-3")
	require.Zero(t, m.configEpoch, "+OK proves nothing")
	w.reply(7000, "MULTI", resp.List(resp.OK, resp.OK, resp.Int(1), resp.Int(1)))
	require.Zero(t, m.configEpoch)
	w.reply(7000, "INFO", resp.Str("role:master\r\n"))
	require.Equal(t, uint64(1), uint64(m.configEpoch))
}

// With strict-durability a failed write releases nothing. Rule: R-8, E-43.
func TestStrictDurability(t *testing.T) {
	for _, strict := range []bool{false, true} {
		w := alone(t, 1)
		w.c.general.StrictDurability = strict
		w.put(Persisted{Seq: w.c.seq, Reason: "No space left on device"})
		require.Equal(t, !strict, w.c.masters[0].failover.state == stateWaitPromotion)
		require.Contains(t, w.ask("INFO").Str, "No space left on device")
	}
}

// A promotion that only CONFIG REWRITE or CLIENT KILL refuse is one all the
// same. One whose transaction is refused is sent again, alone; refused there
// too, it is judged by the INFO behind that: a master is one, whoever made it
// so, any other is given up at once.
//
// Rule: E-52, E-53.
func TestRefusedPromotion(t *testing.T) {
	aborted := resp.Err("EXECABORT Transaction discarded because of previous errors.")
	inCluster := resp.Err("ERR REPLICAOF not allowed in cluster mode.")
	for _, tc := range []struct {
		name        string
		transaction resp.Value
		alone       resp.Value // None: it is not sent alone
		role        string     // then
		state       failoverState
	}{
		{"no config file", resp.List(resp.OK, resp.Err("ERR The server is running without a config file"), resp.Int(1), resp.Int(1)), resp.Value{Kind: resp.None}, "slave", stateWaitPromotion},
		{"discarded", aborted, resp.OK, "master", stateNone},
		{"discarded, still a replica", aborted, resp.OK, "slave", stateWaitPromotion},
		{"MULTI refused, done all the same", resp.Err("ERR EXEC without MULTI"), resp.OK, "master", stateNone},
		{"SLAVEOF refused", resp.List(inCluster, resp.OK, resp.Int(1), resp.Int(1)), inCluster, "slave", stateNone},
		{"SLAVEOF refused, a master all the same", resp.List(inCluster, resp.OK, resp.Int(1), resp.Int(1)), inCluster, "master", stateNone},
	} {
		t.Run(tc.name, func(t *testing.T) {
			w := alone(t, 1)
			w.saved()
			m := w.c.masters[0]
			cmds := w.reply(7000, "MULTI", tc.transaction)
			require.Equal(t, stateWaitPromotion, m.failover.state, "no reply proves anything")
			if tc.alone.Kind == resp.None {
				require.NotContains(t, cmds, "SLAVEOF NO ONE")
			} else {
				at := slices.Index(cmds, "SLAVEOF NO ONE")
				require.Equal(t, []string{"SLAVEOF NO ONE", "CONFIG REWRITE", "CLIENT KILL TYPE normal", "CLIENT KILL TYPE pubsub", "INFO"}, cmds[at:])
				w.reply(7000, "SLAVEOF", tc.alone)
				w.reply(7000, "CONFIG", resp.Err("NOPERM this user has no permissions to run the 'config|rewrite' command"))
				require.Equal(t, stateWaitPromotion, m.failover.state)
			}
			text := replicaOf1
			if tc.role == "master" {
				text = "role:master\r\n"
			}
			w.reply(7000, "INFO", resp.Str(text))
			require.Equal(t, tc.state, m.failover.state)
			require.Equal(t, tc.role == "master", m.addr.Port == 7000)
		})
	}
}

// A SLAVEOF that is repeated alone is an irreversible act as the first was: who
// has voted for another in the meantime does not send it. Rule: E-34, E-52.
func TestNoPromotionAloneWithoutLeading(t *testing.T) {
	w := alone(t, 1)
	w.saved()
	m := w.c.masters[0]
	require.Equal(t, stateWaitPromotion, m.failover.state)
	m.ballot.Vote = "another"
	require.NotContains(t, w.reply(7000, "MULTI", resp.Err("EXECABORT Transaction discarded because of previous errors.")), "SLAVEOF NO ONE")
	require.Equal(t, stateWaitStart, m.failover.state, "a new attempt")
	require.True(t, m.replicas[0].unconfirmedPromotion, "the first may have been carried out")
}

// A SLAVEOF whose transaction was refused is not repeated alone once a vote has
// been given whose outcome is not known: the elected may just be promoting the
// replica, which was a stray master when it was told. Rule: E-44, E-52.
func TestNoSlaveOfAloneAfterAVote(t *testing.T) {
	for _, voted := range []bool{false, true} {
		w := met(t, true)
		m := w.c.masters[0]
		r := m.replicas[0]
		r.role, r.roleSince = replication.Master, w.now.Mono
		w.c.follow(r, m.addr)
		w.pass(time.Millisecond)
		if voted {
			w.take(w.do("SENTINEL", "is-master-down-by-addr", "10.0.0.1", "6379", "5", peerID(0)))
			require.Equal(t, quorum.RunID(peerID(0)), m.ballot.Vote)
		}
		cmds := w.reply(7000, "MULTI", resp.Err("EXECABORT Transaction discarded because of previous errors."))
		require.Equal(t, !voted, slices.Contains(cmds, "SLAVEOF 10.0.0.1 6379"), "%q", cmds)
	}
}

// A replica that has begun to follow has no time limit of its own. Rule: B-723.
func TestInProgressHasNoLimitOfItsOwn(t *testing.T) {
	w := alone(t, 2)
	m := w.promote()
	r := m.replicas[1]
	if r.promoted {
		r = m.replicas[0]
	}
	to := m.failover.promoted.addr
	w.reply(r.addr.Port, "INFO", resp.Str(fmt.Sprintf("role:slave\r\nmaster_host:%s\r\nmaster_port:%d\r\nmaster_link_status:down\r\n", to.IP, to.Port)))
	require.Equal(t, reconfInProgress, r.reconf)
	for range 60 {
		w.pass(time.Second)
		w.pong(7000)
		w.pong(7001)
	}
	require.Equal(t, to, m.addr, "the switch does not wait for it")
	r = m.findReplica(r.addr)
	require.Equal(t, reconfInProgress, r.reconf)
	require.True(t, r.left)
	require.Equal(t, stateNone, m.failover.state)
	w.c.start(m, byHand)
	require.Equal(t, never, m.restUntil, "a new failover ends what the last one left")
	require.Equal(t, reconfNone, r.reconf)
	require.False(t, r.left)
}

// +switch-master comes at once when there is nobody else to re-point, and the
// new master is watched on the connection that is there. Rule: W-5, W-27, B-731, E-56.
func TestSwitchKeepsTheConnection(t *testing.T) {
	w := alone(t, 1)
	cmd, pub := w.to(7000, false), w.to(7000, true)
	dials := len(w.dials)
	w.saved()
	m := w.c.masters[0]
	cmds := w.reply(7000, "INFO", resp.Str("role:master\r\n"))
	require.Equal(t, 7000, m.addr.Port)
	require.Equal(t, cmd, m.link.cmd.id)
	require.Equal(t, pub, m.link.pub.id)
	require.Len(t, w.dials, dials)
	require.Contains(t, cmds, "PING", "its clocks begin anew, with a PING at once")
}

// A promoted replica that dies while others are re-pointed is the new master
// all the same, and its SDOWN stands. Rule: E-55, W-17.
func TestPromotedDiesInReconf(t *testing.T) {
	w := alone(t, 2)
	m := w.promote()
	promoted := m.failover.promoted
	m.downAfter, promoted.link.after = 300*time.Millisecond, 0 // before the switch is made in any case
	m.eachInstance(func(i *instance) {
		w.c.touch(i)
		w.c.touch(i.link)
	})
	for m.failover.state == stateReconfSlaves {
		w.pass(10 * time.Millisecond)
		for _, port := range []int{7000, 7001} {
			if port != promoted.addr.Port {
				w.pong(port)
			}
		}
	}
	require.Equal(t, promoted.addr, m.addr)
	require.True(t, m.sdown, "without another down-after")
	require.Equal(t, stateWaitStart, m.failover.state, "and the next failover has begun")
}

// An INFO asked for before a switch and answered after it is one of the replica
// that the switch made anew. Rule: B-731, E-50.
func TestInfoAnsweredAfterTheSwitch(t *testing.T) {
	w := alone(t, 2)
	m := w.promote()
	other := 7001
	if m.failover.promoted.addr.Port == other {
		other = 7000
	}
	var asked Tag
	for m.failover.state == stateReconfSlaves {
		for _, s := range w.sent[w.to(other, false)] {
			if s.Cmds[0][0] == "INFO" {
				asked = s.Tag
			}
		}
		w.pass(10 * time.Millisecond)
		w.pong(other)
	}
	require.NotEqual(t, 6379, m.addr.Port)
	var r *replica
	for _, o := range m.replicas {
		if o.addr.Port == other {
			r = o
		}
	}
	require.Equal(t, never, r.infoAt)
	require.True(t, r.infoBusy)
	w.put(Answer{Tag: asked, Value: resp.Str(replicaOf1)})
	require.Equal(t, w.now.Mono, r.infoAt)
	require.True(t, r.infoBusy, "its own question is open")
}

// Dead replicas and peers stay, and CKQUORUM tells. Rule: W-28, B-101.
func TestTheDeadAreCounted(t *testing.T) {
	w := newWires(t, down(around(watched("mm", "10.0.0.1", 6379, 2), 1, 4), time.Second))
	w.pass(3 * time.Second)
	require.Equal(t, "-NOQUORUM 1 usable Sentinels. Not enough available Sentinels to reach the specified quorum for this master."+
		" Not enough available Sentinels to reach the majority and authorize a failover", w.line("SENTINEL", "CKQUORUM", "mm"))
}

// fleet is a core with n masters of two replicas each, all connected.
func fleet(t *testing.T, n int) *wires {
	boot := watchedNone()
	for i := range n {
		m := *watched(fmt.Sprintf("m%d", i), fmt.Sprintf("10.%d.%d.1", i/250, i%250), 6379, 2).Masters[0]
		for k := 2; k <= 3; k++ {
			m.Replicas = append(m.Replicas, conf.Endpoint{Host: fmt.Sprintf("10.%d.%d.%d", i/250, i%250, k), Port: 6379})
		}
		boot.Masters = append(boot.Masters, &m)
	}
	w := &wires{rig: &rig{t: t, now: Stamp{Mono: time.Hour, Wall: 1}}, dials: map[LinkID]Dial{}, sent: map[LinkID][]*Send{}}
	c, err := New(w.now, boot, 1)
	require.NoError(t, err)
	w.c = c
	c.Start()
	w.take(w.wait(tickEvery))
	for _, id := range append([]LinkID(nil), w.open...) {
		w.put(LinkUp{Link: id, Local: "10.9.9.9"})
	}
	return w
}

// An answer visits the instance it came from, an idle tick nobody: the cost of
// a step does not grow with the number of instances. Rule: W-34, W-33.
func TestAStepVisitsFew(t *testing.T) {
	visits := map[int]uint64{}
	for _, n := range []int{10, 1000} {
		w := fleet(t, n)
		before := w.c.visits
		id := w.to(6379, false)
		for _, s := range w.sent[id] {
			text := "PONG"
			w.put(Answer{Tag: s.Tag, Value: resp.Status(text)})
		}
		w.put(Tick{})
		w.put(request(1, "SENTINEL", "MASTER", "m3"))
		visits[n] = w.c.visits - before
	}
	require.Equal(t, visits[10], visits[1000])
	require.LessOrEqual(t, visits[10], uint64(16))
}

// A hello costs one look-up, and a repeated one changes nothing. Rule: W-33.
func TestARepeatedHelloVisitsNobody(t *testing.T) {
	w := fleet(t, 1000)
	payload := "10.0.0.3,26379," + peerID(0) + ",0,m7,10.0.7.1,6379,0"
	w.c.receiveHello([]byte(payload), nil)
	w.put(Tick{})
	before := w.c.visits
	for range 100 {
		require.Empty(t, w.step(Hello{Link: w.to(6379, true), Payload: []byte(payload)}))
	}
	require.Equal(t, before, w.c.visits)
}

// A master that has recovered before anything was done to its replicas is
// spared, and the next outage begins as if there had been none; one that flaps
// is spared three times within two failover-timeouts.
//
// Rule: E-34.
func TestRecoveredMasterIsSpared(t *testing.T) {
	r := newRig(t, around(watched("mm", "10.0.0.1", 6379, 2), 1, 2))
	m := r.c.byName["mm"]
	elected := func(f failover) failoverState {
		f.epoch, f.startedAt, f.stateSince, f.electedAt = 1, r.now.Mono, r.now.Mono, r.now.Mono
		m.failover = f
		m.election.attempts, m.election.lost = 1, 1
		r.c.stepFailover(m)
		return m.failover.state
	}
	m.sdown = true
	require.Equal(t, stateSelectSlave, elected(failover{state: stateSelectSlave}), "it is down")
	m.sdown = false
	require.Equal(t, stateSelectSlave, elected(failover{state: stateSelectSlave, kind: byHand}), "by hand")
	require.Equal(t, stateSelectSlave, elected(failover{state: stateSelectSlave, sentOne: true}), "one has been promoted")
	for range sparedMost {
		require.Equal(t, stateNone, elected(failover{state: stateSelectSlave}))
		require.Zero(t, m.election.attempts+m.election.lost+len(m.election.failed))
		require.Equal(t, never, m.election.pauseUntil)
	}
	require.Equal(t, stateSelectSlave, elected(failover{state: stateSelectSlave}), "it flaps")
	r.now.Mono += 2*m.failoverTimeout + 1
	r.c.now = r.now
	require.Equal(t, stateNone, elected(failover{state: stateSelectSlave}), "long ago")
}

// What has been waited for in vain wakes nobody again: a deadline that has passed
// is due no more, whatever else keeps the failover. The rig looks after each step
// that nobody is due again who has just acted.
//
// Rule: S2.8.
func TestDeadlinesThatHavePassed(t *testing.T) {
	t.Run("a failover-timeout below the time of one promotion", func(t *testing.T) {
		w := alone(t, 1)
		m := w.c.masters[0]
		m.failoverTimeout = time.Second
		w.saved()
		require.Equal(t, stateWaitPromotion, m.failover.state)
		w.pong(7000)
		w.pass(1500 * time.Millisecond)
		require.Equal(t, stateWaitPromotion, m.failover.state)
	})
	t.Run("a manual failover whose write does not return", func(t *testing.T) {
		w := alone(t, 1)
		m := w.c.masters[0]
		m.failover.kind = byHand
		w.pass(m.timing(w.c).Election() + time.Second)
		require.Equal(t, stateWaitStart, m.failover.state)
	})
	t.Run("a choice that waits for the disk", func(t *testing.T) {
		w := alone(t, 1)
		m := w.c.masters[0]
		m.replicas[0].infoAt = m.sdownSince
		w.saved()
		require.Equal(t, stateSelectSlave, m.failover.state)
		w.c.disk.sick = true
		w.reply(7000, "INFO", resp.Str(replicaOf1))
		for range 30 {
			w.pong(7000)
			w.pass(100 * time.Millisecond)
		}
		require.Equal(t, stateSelectSlave, m.failover.state)
	})
	t.Run("a PING that has no place behind what is unanswered", func(t *testing.T) {
		w := alone(t, 1)
		l := w.c.masters[0].replicas[0].link
		for !l.full() {
			w.c.sendNow(&l.cmd, pending{}, []string{"X"})
		}
		w.pong(7000)
		for range 10 {
			w.pass(100 * time.Millisecond)
		}
		require.True(t, l.full())
		require.False(t, l.waits)
		for _, s := range w.sent[w.to(7000, false)] {
			if s.Cmds[0][0] == "X" && l.full() {
				w.put(Answer{Tag: s.Tag, Value: resp.Status("OK")})
			}
		}
		require.True(t, l.waits, "now it has")
	})
}

// A replica that queues whatever it is told is connected to anew once a ping
// period, not as fast as it answers; the first time at once, however young the
// connection, for an old master is told as soon as it is back. Rule: E-52, B-111.
func TestWhoQueuesEverythingIsDialledOnceAPeriod(t *testing.T) {
	w := alone(t, 1)
	w.saved()
	require.Equal(t, stateWaitPromotion, w.c.masters[0].failover.state)
	w.reply(7000, "MULTI", resp.Err("NOPERM this user has no permissions to run the 'multi' command"))
	dialled, old := w.c.lastLink, w.to(7000, false)
	for l := w.c.conns[old].link; l.cmd.id == old; {
		l.cmd.triedAt = w.now.Mono
		w.reply(7000, "SLAVEOF", resp.Status("QUEUED"))
	}
	require.NotZero(t, w.to(7000, false), "a new connection")
	require.Contains(t, w.put(LinkUp{Link: w.to(7000, false), Local: "10.9.9.9"}), "SLAVEOF NO ONE")
	for range 100 {
		if id := w.to(7000, false); id != 0 {
			if w.c.conns[id].state == connOpening {
				w.put(LinkUp{Link: id, Local: "10.9.9.9"})
			}
			for _, s := range w.sent[id] {
				if s.Cmds[0][0] == "SLAVEOF" {
					w.put(Answer{Tag: s.Tag, Value: resp.Status("QUEUED")})
				}
			}
		}
		w.pass(10 * time.Millisecond)
	}
	require.LessOrEqual(t, w.c.lastLink-dialled, LinkID(4))
}

// In TILT no attempt goes on, so its vote for itself is kept from nobody. Rule: E-22, R-9.
func TestAVoteForOneselfBindsNobodyInTilt(t *testing.T) {
	w := alone(t, 1)
	m := w.c.masters[0]
	require.Equal(t, stateWaitStart, m.failover.state)
	require.True(t, w.c.selfLocked(m))
	w.now.Mono += 15 * time.Second
	w.put(Tick{})
	require.True(t, w.c.tilt)
	require.Equal(t, stateWaitStart, m.failover.state)
	require.False(t, w.c.selfLocked(m))
}

// Several replicas that become eligible at one moment are one reason to try again
// soon. Rule: E-58.
func TestManyReplicasShortenAPauseOnce(t *testing.T) {
	w := alone(t, 3)
	m := w.c.masters[0]
	for range 2 {
		for _, r := range m.replicas {
			r.eligible = false
		}
		m.election.long, m.election.pauseUntil = true, w.now.Mono+time.Hour
		w.c.shortenPause(m)
	}
	require.Equal(t, 2, m.election.shortened)
	require.Equal(t, w.now.Mono+2*time.Second, m.election.pauseUntil)
}

// What a failover has left behind is pointed at its end neither to an address that
// the majority does not announce nor by SLAVEOF where a cluster decides. Rule: B-724, R-24, E-82.
func TestTheLastEffortIsNotForEverybody(t *testing.T) {
	w := alone(t, 3)
	m := w.promote()
	m.restUntil, m.restFrom = w.now.Mono+time.Second, m.addr
	left := func() (n int) {
		for _, r := range m.replicas {
			if r.promoted {
				continue
			}
			r.left, r.reconf = true, reconfNone
		}
		w.c.pointTheRest(m)
		for _, r := range m.replicas {
			if r.reconf = reconfNone; r.sentAt == w.now.Mono {
				n++
			}
			r.sentAt = never
		}
		w.c.finish()
		return n
	}
	require.Equal(t, 2, left())
	for _, r := range m.replicas {
		r.info.Cluster = true
	}
	require.Zero(t, left())
	for _, r := range m.replicas {
		r.info.Cluster = false
	}
	for k := range 2 {
		p := w.c.newPeer(m, replication.Addr{Host: "10.0.0.3", IP: "10.0.0.3", Port: 26379 + k}, peerID(k))
		p.heardAt = w.now.Mono
		p.said.epoch, p.said.addr = m.configEpoch, replication.Addr{Host: "10.0.0.7", IP: "10.0.0.7", Port: 6379}
	}
	require.Zero(t, left())
}
