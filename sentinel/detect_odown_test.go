package sentinel

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"gosentinel/internal/resp"
)

// quorumOf3 is a rig with a master that is down, one replica and two peers,
// all connected.
func quorumOf3(t *testing.T) *wires {
	t.Helper()
	w := newWires(t, down(around(watched("mm", "10.0.0.1", 6379, 2), 1, 2), time.Second))
	w.pass(tickEvery)
	for _, port := range []int{6379, 7000} {
		w.up(port, false)
		w.up(port, true)
		w.pong(port)
	}
	for _, port := range []int{26379, 26380} {
		w.up(port, false)
		w.pong(port)
		w.reply(port, "INFO", resp.Str("gosentinel_version:0.1.0\r\n"))
	}
	return w
}

// loseMaster lets the master fall silent until it is SDOWN and returns what is
// sent in that step.
func (w *wires) loseMaster() []string {
	m := w.c.masters[0]
	for !m.sdown {
		w.pong(7000)
		for _, p := range m.peers {
			w.pong(p.addr.Port)
		}
		if cmds := w.pass(10 * time.Millisecond); m.sdown {
			return cmds
		}
	}
	return nil
}

func answer(down int64, leader string, epoch int64) resp.Value {
	return resp.List(resp.Int(down), resp.Str(leader), resp.Int(epoch))
}

func asks(cmds []string) (n int) {
	for _, c := range cmds {
		if strings.HasPrefix(c, "SENTINEL is-master-down-by-addr") {
			n++
		}
	}
	return n
}

// On SDOWN everybody is asked at once. Rule: E-1, B-321, W-6.
func TestSDownAsksAtOnce(t *testing.T) {
	w := quorumOf3(t)
	w.reply(7000, "INFO", resp.Str("role:slave\r\nmaster_host:10.0.0.1\r\nmaster_port:6379\r\nmaster_link_status:up\r\n"))
	cmds := w.loseMaster()
	require.Contains(t, cmds, "SENTINEL is-master-down-by-addr 10.0.0.1 6379 0 *")
	require.Equal(t, 2, asks(cmds))
	require.Contains(t, cmds, "INFO")
}

// An opinion that is not "down" is asked for again after 100, 200, 400, 800 ms,
// then each second; never a second ask while one is on its way. Rule: E-1.
func TestAskAgain(t *testing.T) {
	w := quorumOf3(t)
	w.loseMaster()
	p := w.c.masters[0].peers[0]
	require.Equal(t, 1, p.asks)
	w.pass(90 * time.Millisecond)
	require.Equal(t, 1, p.asks, "one is on its way")
	for _, gap := range []time.Duration{100, 200, 400, 800, 1000, 1000} {
		sent := p.askedAt
		w.pong(26379)
		w.reply(26379, "SENTINEL", answer(0, "*", 0))
		for p.askedAt == sent {
			w.pass(time.Millisecond)
		}
		require.InDelta(t, float64(gap*time.Millisecond), float64(p.askedAt-sent), float64(2*time.Millisecond))
	}
}

// Only (integer, bulk, integer) is an answer. Rule: B-322, B-332.
func TestOnlyCleanAnswersCount(t *testing.T) {
	w := quorumOf3(t)
	w.loseMaster()
	p := w.c.masters[0].peers[0]
	for _, v := range []resp.Value{
		resp.Err("ERR x"), resp.List(), resp.List(resp.Int(1), resp.Str("*")), {Kind: resp.NullArray},
		resp.List(resp.Int(1), resp.Int(1), resp.Int(1)), resp.List(resp.Str("1"), resp.Str("*"), resp.Int(0)),
		resp.List(resp.Int(1), resp.Str("*"), resp.Int(-1)), resp.List(resp.Int(1), resp.Value{}, resp.Int(0)),
	} {
		w.pong(26379)
		w.reply(26379, "SENTINEL", v)
		require.False(t, p.saysDown(w.c), "%v", v)
		require.Empty(t, p.leader)
		for p.asks == 0 {
			w.pong(26379)
			w.pass(20 * time.Millisecond)
		}
	}
	w.reply(26379, "SENTINEL", answer(1, "*", 0))
	require.True(t, p.saysDown(w.c))
}

// An opinion counts for five ask periods; -odown does not end anything.
//
// Rule: B-320, B-323, B-324.
func TestOpinionsExpire(t *testing.T) {
	w := quorumOf3(t)
	w.c.masters[0].discoverySince = never
	w.loseMaster()
	m := w.c.masters[0]
	w.reply(26379, "SENTINEL", answer(1, "*", 0))
	require.True(t, m.odown)
	require.Equal(t, stateWaitStart, m.failover.state)
	w.pass(5 * time.Second)
	require.True(t, m.odown)
	w.pass(2)
	require.False(t, m.odown)
	require.Equal(t, stateWaitStart, m.failover.state)
}

// A peer that asks, and whose opinion is not "down" yet, is asked back at once.
//
// Rule: E-2.
func TestAskBack(t *testing.T) {
	w := quorumOf3(t)
	w.loseMaster()
	p := w.c.masters[0].peers[0]
	w.reply(26379, "SENTINEL", answer(0, "*", 0))
	require.Zero(t, p.asks)
	in := request(99, "SENTINEL", "is-master-down-by-addr", "10.0.0.1", "6379", "0", "*")
	in.Client = "sentinel-" + p.runID[:8] + "-cmd"
	require.Equal(t, 1, asks(w.take(w.step(in))))
	in.ID++
	in.Client = "somebody"
	require.Zero(t, asks(w.take(w.step(in))), "strangers are not asked")
}

// Rule: E-3: a peer whose link comes up gets our hello, and is asked if the
// master is down.
func TestANewLinkIsUsedAtOnce(t *testing.T) {
	w := quorumOf3(t)
	w.loseMaster()
	w.pass(time.Second)
	w.down(26379, false, false)
	for w.to(26379, false) == 0 {
		w.pass(10 * time.Millisecond)
	}
	cmds := w.up(26379, false)
	require.Equal(t, 1, asks(cmds))
	require.Contains(t, cmds, "PUBLISH __sentinel__:hello 10.9.9.9,0,"+testID+",0,mm,10.0.0.1,6379,0")
}

// A peer that knows the master by another address is asked for that one: its
// vote counts, its opinion does not. Rule: E-4, B-1203.
func TestAskForTheAddressThatThePeerKnows(t *testing.T) {
	w := quorumOf3(t)
	w.c.masters[0].discoverySince = never
	m := w.c.masters[0]
	p := m.peers[0]
	w.c.receiveHello(fmt.Appendf(nil, "10.0.0.3,26379,%s,0,mm,10.0.0.77,6379,0", p.runID), nil)
	cmds := w.loseMaster()
	require.Contains(t, cmds, "SENTINEL is-master-down-by-addr 10.0.0.77 6379 0 *")
	require.Contains(t, cmds, "SENTINEL is-master-down-by-addr 10.0.0.1 6379 0 *")
	w.reply(26379, "SENTINEL", answer(1, "*", 0))
	require.False(t, m.odown, "it speaks of another instance")
	w.reply(26380, "SENTINEL", answer(1, "*", 0))
	require.True(t, m.odown)
	require.Equal(t, stateWaitStart, m.failover.state)
	w.c.durableSeq = w.c.seq
	w.reply(26379, "SENTINEL", answer(0, testID, 1))
	require.Equal(t, stateSelectSlave, m.failover.state, "with its vote we lead")
}

// A peer that was asked about the old address says nothing about the new one,
// even if it was asked in the very moment of the switch. Its opinion of the new
// one counts.
//
// Rule: S-4, B-322.
func TestAnOpinionIsOfTheAddressAskedAbout(t *testing.T) {
	w := quorumOf3(t)
	m := w.c.masters[0]
	p, other := m.peers[0], m.peers[1]
	w.loseMaster()
	w.reply(26379, "SENTINEL", answer(0, "*", 0))
	in := request(99, "SENTINEL", "is-master-down-by-addr", "10.0.0.1", "6379", "0", "*")
	in.Client = "sentinel-" + p.runID[:8] + "-cmd"
	require.Equal(t, 1, asks(w.take(w.step(in))))
	was := m.addr
	w.c.receiveHello(fmt.Appendf(nil, "10.0.0.4,26380,%s,1,mm,%s,7000,1", other.runID, m.replicas[0].addr.IP), nil)
	require.NotEqual(t, was, m.addr)
	require.Equal(t, p.askedAt, never)
	require.Equal(t, w.c.now.Mono, m.switched.at)
	w.reply(26379, "SENTINEL", answer(1, "*", 0))
	require.False(t, p.saysDown(w.c), "it spoke of the old address")

	w.c.receiveHello(fmt.Appendf(nil, "10.0.0.3,26379,%s,1,mm,%s,7000,1", p.runID, m.addr.IP), nil)
	w.c.ask(m, p)
	require.Equal(t, 1, asks(w.take(w.c.finish())))
	w.reply(26379, "SENTINEL", answer(1, "*", 0))
	require.True(t, p.saysDown(w.c))
}

// A leader promotes only while its own vote stands, and in an epoch above the
// configuration that it holds. Rule: E-34, E-42, E-60.
func TestLeadershipIsCheckedAgain(t *testing.T) {
	lead := func() (*wires, *master) {
		w := quorumOf3(t)
		m := w.c.masters[0]
		m.discoverySince = never
		w.loseMaster()
		w.reply(26379, "SENTINEL", answer(1, "*", 0))
		w.c.durableSeq = w.c.seq
		w.reply(26379, "SENTINEL", answer(1, testID, 1))
		require.Equal(t, stateSelectSlave, m.failover.state)
		return w, m
	}
	w, m := lead()
	require.Equal(t, leads, w.c.mayPromote(m))
	m.ballot.CastSelf(w.now.Mono, 2, "another")
	require.Equal(t, superseded, w.c.mayPromote(m))

	w, m = lead()
	m.configEpoch = 1
	require.Equal(t, superseded, w.c.mayPromote(m))

	w, m = lead()
	for _, p := range m.peers {
		p.voteReply.sentAt = w.now.Mono - time.Second
	}
	require.Equal(t, waits, w.c.mayPromote(m), "no vote is fresh: ask again first")
}

// Who is behind in rank does not stand while it cannot hear a better placed
// peer, nor before its slot after that; but no longer than a bind lasts.
//
// Rule: E-10, L-6.
func TestStartWaitsForWhatIsNotHeard(t *testing.T) {
	r := newRig(t, around(watched("mm", "10.0.0.1", 6379, 2), 1, 1))
	r.wait(time.Second)
	m := r.c.byName["mm"]
	p := m.peers[0]
	p.link.isGosentinel, p.link.cmd.state = true, connUp
	r.c.markFailed(m, r.c.self()) // so that it goes first
	m.sdown, m.odown, m.odownSince = true, true, r.now.Mono
	behind := time.Duration(1+r.c.penalty(m)) * r.c.slot(m)
	since := r.now.Mono
	start := func() time.Duration { return r.c.startTime(m) - since - behind }
	require.Zero(t, start())
	p.link.voteReplyGate = r.c.durableSeq + 1
	r.c.voteReplyGates = append(r.c.voteReplyGates, p.link)
	require.Equal(t, m.timing(r.c).Limit(), start())
	r.c.openVoteReplyGates()
	require.True(t, m.election.awaitsVoteRequests, "nothing has settled")
	r.c.durableSeq++
	r.c.openVoteReplyGates()
	p.link.voteReplyGateOpened = since + 300*time.Millisecond
	require.Equal(t, 300*time.Millisecond, start())
	require.False(t, m.election.awaitsVoteRequests)
	require.True(t, m.node.queued, "looked at again")
	p.link.voteReplyGateOpened = since + time.Hour
	require.Equal(t, m.timing(r.c).Limit(), start())
}
