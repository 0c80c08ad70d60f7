package sentinel

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"gosentinel/internal/resp"
	"gosentinel/quorum"
)

// flood sends n hellos within a millisecond each and counts what follows.
func (r *rig) flood(n int, hello func(i int) string) (events, scripts, writes int) {
	for i := range n {
		r.now.Mono += time.Millisecond
		for _, e := range r.step(request(1, "PUBLISH", helloChannel, hello(i))) {
			switch a := e.Action.(type) {
			case Emit:
				if !a.Event.LogOnly {
					events++
				}
			case RunScript:
				scripts++
			case Persist:
				writes++
			}
		}
	}
	return events, scripts, writes
}

// Whoever may publish can tell of a new epoch each moment. One a second is
// adopted, told and written; none is lost: an own attempt is above all.
//
// Rule: B-431, B-602, S-5.
func TestFloodOfRisingEpochs(t *testing.T) {
	boot := around(watched("mm", "10.0.0.1", 6379, 2), 0, 1)
	boot.Masters[0].NotificationScript = "/n"
	r := newRig(t, boot)
	m := r.c.byName["mm"]
	require.Equal(t, []string{"+new-epoch 1"}, r.hear(helloOf(0, 1, "10.0.0.1,6379", 0)), "one alone is told at once")
	events, scripts, writes := r.flood(2990, func(i int) string { return helloOf(0, uint64(2+i), "10.0.0.1,6379", 0) })
	require.Equal(t, []int{2, 2, 2}, []int{events, scripts, writes})
	require.Less(t, r.c.epoch, quorum.Epoch(2991))
	for _, e := range r.wait(time.Second) {
		if a, ok := e.Action.(Emit); ok && a.Event.Name == "+new-epoch" {
			require.Equal(t, "2991", a.Event.Payload)
		}
	}
	require.Equal(t, quorum.Epoch(2991), r.c.epoch, "the last is adopted when the second is over")

	r.flood(5, func(i int) string { return helloOf(0, uint64(4000+i), "10.0.0.1,6379", 0) })
	require.Less(t, r.c.epoch, quorum.Epoch(4004))
	r.c.start(m, automatic)
	require.Equal(t, quorum.Epoch(4005), m.failover.epoch, "an attempt waits for no second")
}

// A configuration that is new comes with the epoch of its hello, in the order
// of the original, whenever the last epoch was adopted.
//
// Rule: B-431, B-432.
func TestNewConfigurationBringsItsEpoch(t *testing.T) {
	r := newRig(t, around(watched("mm", "10.0.0.1", 6379, 2), 1, 1))
	require.Equal(t, []string{"+new-epoch 3"}, r.hear(helloOf(0, 3, "10.0.0.1,6379", 0)))
	require.Empty(t, r.hear(helloOf(0, 4, "10.0.0.1,6379", 0)))
	events := r.hear(helloOf(0, 5, "10.0.0.2,7000", 5))
	require.Equal(t, "+new-epoch 5", events[0])
	require.Equal(t, "+switch-master mm 10.0.0.1 6379 10.0.0.2 7000", events[2])
}

// Rising config epochs: a few at once, as after a partition, then one a second.
//
// Rule: B-432.
func TestFloodOfConfigurations(t *testing.T) {
	r := newRig(t, around(watched("mm", "10.0.0.1", 6379, 2), 2, 1))
	switches := 0
	for i := range 3000 {
		r.now.Mono += time.Millisecond
		for _, line := range r.hear(helloOf(0, 5000, fmt.Sprintf("10.0.0.2,%d", 7000+i%2), uint64(1+i))) {
			if strings.HasPrefix(line, "+switch-master") {
				switches++
			}
		}
	}
	require.LessOrEqual(t, switches, configBurst+3)
	m := r.c.byName["mm"]
	r.wait(time.Second)
	r.hear(helloOf(0, 5000, "10.0.0.2,7000", 4000))
	require.Equal(t, quorum.Epoch(4000), m.configEpoch, "the last one is taken when it is said again")
}

// A master that is forgotten while an epoch that it told waits has no script to run.
func TestEpochOfAForgottenMaster(t *testing.T) {
	boot := around(watched("mm", "10.0.0.1", 6379, 2), 0, 1)
	boot.Masters[0].NotificationScript = "/n"
	r := newRig(t, boot)
	r.flood(2, func(i int) string { return helloOf(0, uint64(1+i), "10.0.0.1,6379", 0) })
	r.do("SENTINEL", "REMOVE", "mm")
	started := len(runs(r.wait(2 * time.Second)))
	require.Equal(t, quorum.Epoch(2), r.c.epoch)
	require.Zero(t, started)
}

// What anybody may make us notice never takes the place of a script of a
// failover, nor a step of one that of a switch; among equals the oldest goes.
//
// Rule: B-923, B-920, B-921.
func TestNoiseDropsNoScriptOfAFailover(t *testing.T) {
	boot := watched("mm", "10.0.0.1", 6379, 2)
	boot.Masters[0].NotificationScript, boot.Masters[0].ClientReconfigScript = "/n", "/r"
	r := newRig(t, boot)
	m := r.c.byName["mm"]
	noise := func(n int) {
		for i := range n {
			r.c.say(LevelWarning, "+new-epoch", itoa(i), m)
		}
		r.step(Tick{})
	}
	noise(maxScripts + 10)
	require.Len(t, r.c.scripts.queue, maxScripts)
	require.Equal(t, "26", r.c.scripts.queue[maxRunningScripts].argv[2], "the oldest that do not run are gone")
	r.c.event(LevelWarning, "+try-failover", &m.instance, "")
	r.c.event(LevelWarning, "+promoted-slave", &m.instance, "")
	r.c.runReconfigScript(m, "leader", endpointText{"10.0.0.1", "6379"}, endpointText{"10.0.0.2", "7000"})
	r.c.saySwitch(m, endpointText{"10.0.0.1", "6379"}, endpointText{"10.0.0.2", "7000"})
	noise(10 * maxScripts)
	waiting := func() (words []string) {
		for _, j := range r.c.scripts.queue {
			if !j.running && j.rank > scriptSeen {
				words = append(words, j.argv[1])
			}
		}
		return words
	}
	require.Equal(t, []string{"+try-failover", "+promoted-slave", "mm", "+switch-master"}, waiting())
	for range 2 * maxScripts {
		r.c.event(LevelWarning, "+try-failover", &m.instance, "")
	}
	noise(10)
	require.Len(t, r.c.scripts.queue, maxScripts)
	require.Equal(t, []string{"mm", "+switch-master"}, waiting()[:2])
	last := r.c.scripts.queue[maxScripts-1]
	require.Equal(t, "+try-failover", last.argv[1], "there is no room for noise")
	for range 2 * maxScripts {
		r.c.saySwitch(m, endpointText{"10.0.0.1", "6379"}, endpointText{"10.0.0.2", "7000"})
	}
	require.Len(t, r.c.scripts.queue, maxScripts)
	for _, j := range r.c.scripts.queue[maxRunningScripts:] {
		require.Equal(t, "+switch-master", j.argv[1])
	}
}

// Rule: K-2.13, S2.7: of an INFO text no more is kept than INFO-CACHE shows; all
// of it is read.
func TestInfoTextIsBounded(t *testing.T) {
	w := newWires(t, watched("mm", "10.0.0.1", 6379, 2))
	w.pass(tickEvery)
	w.up(6379, false)
	m := w.c.byName["mm"]
	whole := "role:master\r\n" + strings.Repeat("x", maxInfoText-15) + "\r\n"
	w.reply(6379, "INFO", resp.Str(whole))
	require.Len(t, m.infoText, maxInfoText)
	w.pass(11 * time.Second)
	w.reply(6379, "INFO", resp.Str(whole+"run_id:"+peerID(1)+"\r\nmaster_replid:"+strings.Repeat("r", 300)+"\r\nmaster_host:"+strings.Repeat("h", 300)+"\r\n"))
	require.Equal(t, whole, m.infoText, "no line is cut in two")
	require.Equal(t, peerID(1), m.runID)
	require.Empty(t, m.info.ReplID)
	require.Empty(t, m.info.MasterHost)
	w.pass(11 * time.Second)
	w.reply(6379, "INFO", resp.Str(whole))
	w.reply(6379, "PING", resp.Status("PONG"))
	require.Equal(t, whole, m.infoText)
	require.Empty(t, m.info.RunID, "what is shorter than before is read again")
	w.pass(11 * time.Second)
	w.reply(6379, "INFO", resp.Str(strings.Repeat("y", maxInfoText+1)))
	require.Empty(t, m.infoText)
}

// Rule: B-322, S2.7: who is voted for is a run id, or no answer at all.
func TestVoteRepliesAreBounded(t *testing.T) {
	for _, id := range []string{"", strings.Repeat("v", maxCandidate+1), strings.Repeat("v", 1<<20), "a b", "a\r\n+switch-master x", "a\x1b[2J"} {
		w := newWires(t, down(around(watched("mm", "10.0.0.1", 6379, 2), 0, 1), time.Second))
		w.pass(tickEvery)
		w.up(6379, false)
		w.up(26379, false)
		w.pass(900 * time.Millisecond)
		w.pong(26379)
		w.pass(200 * time.Millisecond)
		p := w.c.byName["mm"].peers[0]
		w.reply(26379, "SENTINEL", opinion(1, id, 7))
		require.Empty(t, p.leader, "%q", id)
		require.False(t, p.opinionDown, "%q", id)
	}
}

// Rule: E-11, S2.7: only who may stand again is remembered to have failed.
func TestFailedCandidatesAreBounded(t *testing.T) {
	r := newRig(t, around(watched("mm", "10.0.0.1", 6379, 2), 0, 2))
	m := r.c.byName["mm"]
	for i := range 1000 {
		r.c.markFailed(m, quorum.RunID(fmt.Sprintf("%040x", i)))
	}
	require.Empty(t, m.election.failed)
	r.c.markFailed(m, r.c.self())
	r.c.markFailed(m, quorum.RunID(peerID(0)))
	require.Len(t, m.election.failed, 2)
	r.c.removePeer(m.peers[0])
	require.Len(t, m.election.failed, 1)
}

// Rule: B-422, S2.7: numbers may have any number of zeros in front, but not here.
func TestLongHellosAreDropped(t *testing.T) {
	r := newRig(t, watched("mm", "10.0.0.1", 6379, 2))
	zeros := func(n int) string {
		return "10.0.0.3,26379," + peerID(0) + "," + strings.Repeat("0", n) + ",mm,10.0.0.1,6379,0"
	}
	over := len(zeros(0))
	require.Empty(t, r.hear(zeros(maxHello-over+1)))
	require.Empty(t, r.c.byName["mm"].peers)
	require.Len(t, r.hear(zeros(maxHello-over)), 1)
}

// resolves are the lookups begun.
func resolves(es []Effect) (hosts []string) {
	for _, e := range es {
		if a, ok := e.Action.(Resolve); ok {
			hosts = append(hosts, a.Host)
		}
	}
	return hosts
}

// Seventy thousand forged host names, of Sentinels and of masters: few are looked
// up, and the table has room for those that come after them.
//
// Rule: R-10, B-430, B-435, S2.7.
func TestFloodOfForgedNames(t *testing.T) {
	boot := around(watched("mm", "10.0.0.1", 6379, 2), 1, 2)
	boot.ResolveHostnames = true
	r := newRig(t, boot)
	m := r.c.byName["mm"]
	looked := 0
	name := func(i int) string { return fmt.Sprintf("forged-%d.example", i) }
	for i := range 70_000 {
		if i%100 == 0 {
			r.now.Mono += time.Millisecond
		}
		hello := helloOf(i%2, 0, name(i)+",6379", uint64(i%3))
		switch i % 5 {
		case 0:
			hello = strings.Replace(hello, ",mm,", ",another,", 1)
		case 1:
			hello = strings.Replace(hello, peerID(i%2), testID, 1)
		case 2:
			hello = fmt.Sprintf("%s,26379,%040x,0,mm,10.0.0.1,6379,0", name(i), i)
		case 3:
			hello = strings.Replace(hello, "10.0.0.3", "s-"+name(i), 1)
		}
		r.c.now = r.now
		r.c.receiveHello([]byte(hello), &m.instance)
		looked += len(resolves(r.c.finish()))
	}
	requireNames(t, r.c)
	require.Less(t, looked, 100)
	require.LessOrEqual(t, len(r.c.names.known), looked)
	require.LessOrEqual(t, len(m.peers), 2+peerBurst)
	r.wait(time.Second)
	es := r.step(Hello{})
	r.c.receiveHello([]byte(helloOf(0, 0, "real.example,6379", 5)), &m.instance)
	es = append(es, r.c.finish()...)
	require.Equal(t, []string{"real.example"}, resolves(es))
}

// Names that nobody bears go, the one mentioned longest ago first; those of
// instances stay.
//
// Rule: R-10, S2.7.
func TestIdleNamesAreForgotten(t *testing.T) {
	r := newRig(t, named())
	for i := range maxIdleNames {
		r.c.lookup(fmt.Sprintf("n%d", i))
	}
	r.c.lookup("N0")
	for i := range 10 {
		r.c.lookup(fmt.Sprintf("more%d", i))
	}
	requireNames(t, r.c)
	require.Len(t, r.c.names.known, 3+maxIdleNames)
	for host, known := range map[string]bool{"db1": true, "db3": true, "n0": true, "n1": false, "n10": false, "n11": true, "more9": true} {
		require.Equal(t, known, r.c.names.has(host), host)
	}
	r.c.finish()
	require.Empty(t, told(r.step(Resolved{Host: "n1", IPs: []string{"10.0.0.9"}})), "nobody waits for it any more")
}

// Forged Sentinels: some at once, then one a second, up to a bound; then they
// replace each other, never one that has answered or was known before. Whoever
// comes in earnest is still taken.
//
// Rule: B-430, E-6, W-28.
func TestFloodOfForgedSentinels(t *testing.T) {
	w := newWires(t, around(watched("mm", "10.0.0.1", 6379, 2), 0, 3))
	w.pass(tickEvery)
	m := w.c.byName["mm"]
	known := m.peers[:3:3]
	n := 0
	forge := func(times int) (events int) {
		for range times {
			n++
			w.now.Mono += time.Millisecond
			w.c.now = w.now
			w.c.receiveHello(fmt.Appendf(nil, "10.1.%d.%d,26379,%040x,0,mm,10.0.0.1,6379,0", n/250%250, 1+n%250, n), &m.instance)
			for _, e := range w.c.finish() {
				if a, ok := e.Action.(Emit); ok && !a.Event.LogOnly {
					events++
				}
			}
		}
		return events
	}
	require.Equal(t, peerBurst+1, forge(1990))
	for range 200 {
		forge(1)
		w.now.Mono += time.Second
	}
	require.Len(t, m.peers, maxPeers)
	require.LessOrEqual(t, forge(5000), peerBurst+5)
	require.Len(t, m.peers, maxPeers)
	require.Equal(t, known, m.peers[:3])
	w.now.Mono += 10 * time.Second
	w.c.now = w.now
	w.c.receiveHello([]byte("10.0.0.3,26390,"+peerID(4)+",0,mm,10.0.0.1,6379,0"), &m.instance)
	require.NotNil(t, m.findPeer(peerID(4)))
	require.Equal(t, known, m.peers[:3])
	w.c.finish()

	for _, p := range m.peers { // all are known to be somebody, or speak
		p.vouched = true
	}
	require.Zero(t, forge(100))
	for _, p := range m.peers {
		p.vouched, p.heardAt = false, w.now.Mono
	}
	require.Zero(t, forge(100))
}

// A Sentinel that answers where it is known does not go where forged hellos on
// a channel say that it is, however often; it does when it says so alone. One
// that is not reached moves, but not more often than once a second.
//
// Rule: B-430, E-6, W-28.
func TestFloodOfMoves(t *testing.T) {
	w := newWires(t, around(watched("mm", "10.0.0.1", 6379, 2), 0, 1))
	w.pass(tickEvery)
	m := w.c.byName["mm"]
	p := m.peers[0]
	w.up(26379, false)
	w.reply(26379, "SENTINEL", resp.Str(peerID(0)))
	w.pong(26379)
	require.True(t, p.proven())
	good := helloOf(0, 0, "10.0.0.1,6379", 0)
	moves := 0
	say := func(payload string) {
		w.c.now = w.now
		w.c.receiveHello([]byte(payload), &m.instance)
		es := w.c.finish()
		w.take(es)
		for _, line := range told(es) {
			if strings.Contains(line, "+sentinel-address-switch") {
				moves++
			}
		}
	}
	forged := func(i int) string { return strings.Replace(good, "26379", itoa(30000+i%2), 1) }
	for i := range 10_000 {
		if i%2000 == 0 {
			say(good)
		}
		w.now.Mono += time.Millisecond
		say(forged(i))
		if i%1000 == 999 {
			w.pong(26379)
		}
	}
	require.Zero(t, moves)
	require.Equal(t, 26379, p.addr.Port)
	say(good)
	for range 4 {
		say(forged(0))
		require.Equal(t, 26379, p.addr.Port)
		w.now.Mono += 800 * time.Millisecond
	}
	say(forged(0))
	require.Equal(t, 30000, p.addr.Port, "a publish period and a half")
	require.Equal(t, 1, moves)

	moves = 0
	for i := range 10_000 {
		w.now.Mono += time.Millisecond
		say(forged(i))
	}
	require.LessOrEqual(t, moves, moveBurst+10)
}

// A Sentinel with an old configuration is answered where it said so, at once: it
// may be connected to nothing but that instance. A flood is not answered
// message by message, nor is who has what we have.
//
// Rule: E-20, B-411.
func TestOldConfigurationIsAnsweredWhereItWasHeard(t *testing.T) {
	boot := around(watched("mm", "10.0.0.1", 6379, 2), 1, 2)
	boot.Masters[0].ConfigEpoch = 5
	w := newWires(t, boot)
	w.pass(tickEvery)
	w.up(7000, false)
	w.up(7000, true)
	published := func(cmds []string) (n int) {
		for _, cmd := range cmds {
			if strings.HasPrefix(cmd, "PUBLISH ") {
				n++
			}
		}
		return n
	}
	w.reply(7000, "PUBLISH", resp.Int(1))
	w.pass(time.Second)
	hear := func(epoch uint64) int {
		return published(w.put(Hello{Link: w.to(7000, true), Payload: []byte(helloOf(0, 0, "10.0.0.9,6379", epoch))}))
	}
	require.Equal(t, 1, hear(3), "at once, where it was heard; the peer has no connection yet")
	w.reply(7000, "PUBLISH", resp.Int(1))
	answers := 0
	for i := range 3000 {
		w.now.Mono += time.Millisecond
		if n := hear(uint64(i % 5)); n > 0 {
			answers += n
			w.reply(7000, "PUBLISH", resp.Int(1))
		}
	}
	require.LessOrEqual(t, answers, answerBurst+5)
	w.pass(time.Second)
	w.reply(7000, "PUBLISH", resp.Int(1))
	require.Zero(t, hear(5), "who has what we have is not answered")
}

// Forged hellos that give the master another address do not have a peer asked
// about that one, nor its opinion left out, while it gives ours itself.
//
// Rule: E-4, B-323.
func TestForgedAddressOfTheMasterIsNotAskedFor(t *testing.T) {
	r := newRig(t, around(watched("mm", "10.0.0.1", 6379, 2), 0, 1))
	m := r.c.byName["mm"]
	p := m.peers[0]
	asked := func() string {
		r.c.now = r.now
		at, foreign := r.c.knowsMasterAs(p)
		return fmt.Sprint(at.Host, foreign)
	}
	r.hear(helloOf(0, 0, "10.0.0.9,6379", 0))
	require.Equal(t, "10.0.0.9true", asked(), "it never gave ours")
	for range 5 {
		r.hear(helloOf(0, 0, "10.0.0.1,6379", 0))
		require.Equal(t, "10.0.0.1false", asked())
		r.wait(2 * time.Second)
		r.hear(helloOf(0, 0, "10.0.0.9,6379", 0))
		require.Equal(t, "10.0.0.1false", asked())
	}
	r.wait(2 * time.Second)
	r.hear(helloOf(0, 0, "10.0.0.1,6379", 0))
	r.wait(3 * time.Second)
	r.hear(helloOf(0, 0, "10.0.0.1,6379", 0)) // a repetition counts
	r.wait(3 * time.Second)
	r.hear(helloOf(0, 0, "10.0.0.9,6379", 0))
	require.Equal(t, "10.0.0.1false", asked())
	r.wait(time.Second)
	require.Equal(t, "10.0.0.9true", asked(), "two publish periods")
}
