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
	r.c.start(m, false)
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
