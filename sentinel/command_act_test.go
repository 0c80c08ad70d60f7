package sentinel

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"gosentinel/conf"
	"gosentinel/internal/resp"
	"gosentinel/replication"
)

// Rule: K-2.8, K-2.0, B-105, E-21.
func TestMonitor(t *testing.T) {
	st := watchedNone()
	st.CurrentEpoch = 9
	r := newRig(t, st)
	require.Equal(t, []string{
		"persist",
		"show mm 10.0.0.1 6379 *",
		"reply +OK or " + notSaved + " *",
		"# +monitor master mm 10.0.0.1 6379 quorum 2 *",
	}, told(r.do("sentinel", "monitor", "mm", "10.0.0.1", "6379", "2")))
	saved, seq := r.c.Durable()
	require.Equal(t, Seq(1), seq)
	m := saved.Masters[0]
	require.Equal(t, uint64(9), m.LeaderEpoch, "no vote of an earlier life can be given again")
	require.True(t, m.HasLeaderEpoch)
	require.Equal(t, 30*time.Second, m.DownAfter)
	require.Equal(t, 180*time.Second, m.FailoverTimeout)
	require.Equal(t, 1, m.ParallelSyncs)
	require.Equal(t, r.now.Mono, r.c.byName["mm"].discoverySince)
	require.Equal(t, "+OK", r.line("sentinel", "monitor", "m0", "127.1", "0", "1"), "port 0 and short forms are accepted")
	require.Equal(t, "127.0.0.1", valueOf(t, r.ask("sentinel", "master", "m0"), "ip"))
	require.Equal(t, "+OK", r.line("sentinel", "monitor", "m6", "::102:304", "0", "1"))
	require.Equal(t, "::1.2.3.4", valueOf(t, r.ask("sentinel", "master", "m6"), "ip"), "as inet_ntop(3) writes it")
}

// Rule: K-2.8, R-3.
func TestMonitorRefuses(t *testing.T) {
	for _, tc := range []struct{ args, want string }{
		{"a foo x 0", "-ERR Invalid port"},
		{"a foo x x", "-ERR Invalid quorum"},
		{"a foo 1 99999999999999999999", "-ERR Invalid quorum"},
		{"a 10.0.0.1 1 2147483648", "-ERR Invalid quorum"},
		{"a foo 1 0", "-ERR Quorum must be 1 or greater."},
		{"a foo 70000 1", "-ERR Invalid IP address or hostname specified"},
		{"a 1.1.1.1 70000 1", "-ERR Invalid port number."},
		{"mm 1.1.1.1 -1 1", "-ERR Invalid port number."},
		{"mm 1.1.1.1 1 1", "-ERR Duplicate master name."},
		{"~ 1.1.1.1 1 1", "-ERR Invalid master name."},
		{"a\tb 1.1.1.1 1 1", "-ERR Invalid master name."},
		{"a\nb 1.1.1.1 1 1", "-ERR Invalid master name."},
		{"a\"b 1.1.1.1 1 1", "-ERR Invalid master name."},
		{"a'b 1.1.1.1 1 1", "-ERR Invalid master name."},
		{"a\x00 1.1.1.1 1 1", "-ERR Invalid master name."},
		{"a,b 1.1.1.1 1 1", "-ERR Invalid master name."},
		{strings.Repeat("x", conf.MaxMasterName+1) + " 1.1.1.1 1 1", "-ERR Invalid master name."},
		{"a ~ 1 1", "-ERR Invalid IP address or hostname specified"},
	} {
		t.Run(tc.args, func(t *testing.T) {
			r := newRig(t, watched("mm", "10.0.0.1", 6379, 2))
			args := strings.Split(tc.args, " ")
			for i, a := range args {
				if a == "~" {
					args[i] = ""
				}
			}
			require.Equal(t, []string{"reply " + tc.want}, told(r.do(append([]string{"sentinel", "monitor"}, args...)...)))
			require.Len(t, r.c.masters, 1)
		})
	}
}

// Rule: R-10, B-1124.
func TestMonitorByName(t *testing.T) {
	st := watchedNone()
	st.ResolveHostnames = true
	const badAddress = "reply -ERR Invalid IP address or hostname specified"

	t.Run("answered when the lookup returns", func(t *testing.T) {
		r := newRig(t, st)
		require.Equal(t, []string{"resolve db.example"}, told(r.do("sentinel", "monitor", "mm", "db.example", "6379", "2")))
		require.Equal(t, "*0", r.line("sentinel", "masters"), "everything else goes on")
		require.Equal(t, []string{
			"persist",
			"show mm 10.0.0.9 6379 *",
			"reply +OK or " + notSaved + " *",
			"# +monitor master mm 10.0.0.9 6379 quorum 2 *",
		}, told(r.step(Resolved{Host: "db.example", IPs: []string{"10.0.0.9", "10.0.0.8"}})))
		require.Equal(t, replication.Addr{Host: "db.example", IP: "10.0.0.9", Port: 6379}, r.c.byName["mm"].addr)
		require.Empty(t, r.c.monitors)
		require.Equal(t, "+OK", r.line("sentinel", "monitor", "m2", "DB.example", "6380", "2"), "a known name needs no lookup")
	})
	t.Run("refused when it fails, and looked up again the next time", func(t *testing.T) {
		r := newRig(t, st)
		r.do("sentinel", "monitor", "mm", "db.example", "6379", "2")
		require.Equal(t, []string{"# Failed to resolve hostname 'db.example'", badAddress},
			told(r.step(Resolved{Host: "db.example", Reason: "no such host"})))
		require.Equal(t, []string{"resolve db.example"}, told(r.do("sentinel", "monitor", "mm", "db.example", "6379", "2")))
	})
	t.Run("refused after two seconds", func(t *testing.T) {
		r := newRig(t, st)
		r.do("sentinel", "monitor", "mm", "db.example", "6379", "2")
		require.Empty(t, told(r.wait(2*time.Second-time.Millisecond)))
		require.Equal(t, []string{badAddress}, told(r.wait(time.Millisecond)))
		require.Empty(t, told(r.step(Resolved{Host: "db.example", IPs: []string{"10.0.0.9"}})))
		require.Empty(t, r.c.masters)
	})
	t.Run("two of one name", func(t *testing.T) {
		r := newRig(t, st)
		r.do("sentinel", "monitor", "mm", "db.example", "6379", "2")
		r.do("sentinel", "monitor", "mm", "db.example", "6380", "2")
		got := told(r.step(Resolved{Host: "db.example", IPs: []string{"10.0.0.9"}}))
		require.Equal(t, "reply -ERR Duplicate master name. *", got[len(got)-1])
		require.Len(t, r.c.masters, 1)
	})
	t.Run("so many may wait", func(t *testing.T) {
		r := newRig(t, st)
		for i := range maxPendingMonitors {
			require.Len(t, told(r.do("sentinel", "monitor", "mm", fmt.Sprint("h", i, ".example"), "1", "1")), 1)
		}
		require.Equal(t, []string{"resolve one-more", badAddress}, told(r.do("sentinel", "monitor", "mm", "one-more", "1", "1")))
	})
	t.Run("not a name", func(t *testing.T) {
		r := newRig(t, st)
		for _, host := range []string{"", "a b", "a\nb", strings.Repeat("a", 256)} {
			require.Equal(t, []string{badAddress}, told(r.do("sentinel", "monitor", "mm", host, "1", "1")))
		}
	})
}

// Rule: K-2.9, K-2.0, B-105.
func TestRemove(t *testing.T) {
	r := newRig(t, around(watched("mm", "10.0.0.1", 6379, 2), 2, 2))
	r.wait(time.Millisecond)
	m := r.c.byName["mm"]
	m.notifyScript = "/n"
	require.Equal(t, []string{
		"persist",
		"gone mm *",
		"# -monitor master mm 10.0.0.1 6379 *",
		"reply +OK or " + notSaved + " *",
		"run 1 /n|-monitor|master mm 10.0.0.1 6379 *",
	}, told(r.do("sentinel", "remove", "mm")))
	st, _ := r.c.Durable()
	require.Empty(t, st.Masters)
	require.Empty(t, r.c.conns)
	require.Empty(t, r.c.peerLink)
	require.Nil(t, r.c.byAddr.find(m.addr))
	require.Len(t, r.c.deadlines.slots, 1, "only the script queue is left")
}

// Rule: K-2.4, B-104, B-1002.
func TestReset(t *testing.T) {
	st := around(watched("mm", "10.0.0.1", 6379, 2), 2, 1)
	st.Masters[0].ConfigEpoch, st.Masters[0].LeaderEpoch = 4, 5
	r := newRig(t, st)
	r.wait(10 * time.Millisecond)
	require.Equal(t, "+OK", r.line("sentinel", "monitor", "m2", "10.0.0.5", "6379", "1"))
	r.step(Persisted{Seq: 1})
	m := r.c.byName["mm"]
	m.sdown, m.link.downs, m.odown, m.killSent, m.rebooted = true, 1, true, true, true
	m.ballot.Vote = "somebody"
	m.runID, m.infoText, m.infoAt = "x", "cached", r.now.Mono-5*time.Second
	m.role = replication.Replica
	m.failover.state, m.failover.promoted = stateWaitPromotion, m.replicas[0]
	m.failover.stateSince, m.failover.startedAt, m.failover.sentAt = r.now.Mono, r.now.Mono, r.now.Mono
	r.c.deadlines.set(&m.node, m.node.due(r.c))

	require.Equal(t, []string{"reply :0"}, told(r.do("sentinel", "reset", "M*")))
	got := told(r.do("sentinel", "reset", "m?"))
	require.Equal(t, []string{
		"show mm 10.0.0.1 6379", "# +reset-master master mm 10.0.0.1 6379",
		"show m2 10.0.0.5 6379", "# +reset-master master m2 10.0.0.5 6379", "reply :2",
	}, got, "it is not saved")
	_, v := pairs(t, r.ask("sentinel", "master", "mm"))
	require.Equal(t, "master,disconnected", v["flags"])
	require.Equal(t, "", v["runid"])
	require.Equal(t, "0", v["num-slaves"])
	require.Equal(t, "0", v["num-other-sentinels"])
	require.Equal(t, "master", v["role-reported"])
	require.Equal(t, "0", v["role-reported-time"])
	require.Equal(t, "0", v["last-ok-ping-reply"])
	require.Equal(t, "4", v["config-epoch"])
	require.Equal(t, "5000", v["info-refresh"])
	require.Equal(t, stateNone, m.failover.state)
	require.Empty(t, m.ballot.Vote)
	require.EqualValues(t, 5, m.ballot.Epoch)
	require.Empty(t, r.c.peerLink)
	saved, _ := r.c.Durable()
	require.Empty(t, saved.Masters[0].Replicas, "the next write leaves them out")
}

// A promotion that others have heard of is not taken back.
//
// Rule: B-104, R-15, S-7.
func TestResetAfterPromotion(t *testing.T) {
	st := around(watched("mm", "10.0.0.1", 6379, 2), 1, 1)
	st.Masters[0].ConfigEpoch = 4
	r := newRig(t, st)
	r.wait(10 * time.Millisecond)
	m := r.c.byName["mm"]
	m.failover.state, m.failover.promoted = stateReconfSlaves, m.replicas[0]
	require.Equal(t, []string{
		"persist", "# +failover-end master mm 10.0.0.1 6379", "# +switch-master mm 10.0.0.1 6379 10.0.0.2 7000",
		"show mm 10.0.0.2 7000 *", "* +slave slave 10.0.0.1:6379 10.0.0.1 6379 @ mm 10.0.0.2 7000 *",
		"show mm 10.0.0.2 7000 *", "# +reset-master master mm 10.0.0.2 7000 *", "reply :1 *",
	}, told(r.do("sentinel", "reset", "mm")))
	saved, _ := r.c.Durable()
	require.Equal(t, conf.Endpoint{Host: "10.0.0.2", Port: 7000}, saved.Masters[0].Addr)
	require.Empty(t, saved.Masters[0].Replicas)
	require.EqualValues(t, 4, saved.Masters[0].ConfigEpoch)
	require.Empty(t, m.replicas)
}

// Rule: K-2.7, B-1001, C-89.
func TestFlushConfig(t *testing.T) {
	r := newRig(t, watchedNone())
	require.Equal(t, []string{"persist", "reply +OK or " + notSaved + " *"}, told(r.do("sentinel", "flushconfig")))
	require.Equal(t, []string{"persist", "reply +OK or " + notSaved + " *"}, told(r.do("sentinel", "flushconfig")))
	_, seq := r.c.Durable()
	require.Equal(t, Seq(2), seq)
}

// Rule: C-89, R-8.
func TestAFailedSaveIsTheReply(t *testing.T) {
	var box Outbox
	r := newRig(t, watched("mm", "10.0.0.1", 6379, 2))
	for _, a := range box.Push(r.do("sentinel", "set", "mm", "quorum", "5")) {
		_, isReply := a.(Respond)
		require.False(t, isReply, "the reply waits for the write")
	}
	_, seq := r.c.Durable()
	var lines []string
	for _, a := range box.Release(seq, false) {
		lines = append(lines, told([]Effect{{Action: a}})...)
	}
	require.Equal(t, "# +set master mm 10.0.0.1 6379 quorum 5", lines[0])
	require.Equal(t, "reply "+notSaved+" or "+notSaved, lines[1])
	require.Equal(t, 5, r.c.byName["mm"].quorum, "the change stays in memory")
}

// anID is an id that is not hexadecimal, as `sentinel myid` may set it.
const anID = "node-a-xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"

// Rule: K-2.3, K-10, B-330, B-1208.
func TestIsMasterDown(t *testing.T) {
	const nothing = "*3\r\n:0\r\n$1\r\n*\r\n:0"
	for _, tc := range []struct {
		name string
		args []string
		want string
	}{
		{"no vote wanted", []string{"10.0.0.1", "6379", "0", "*"}, nothing},
		{"epoch of the last vote", []string{"10.0.0.1", "6379", "0", anID}, nothing},
		{"a vote", []string{"10.0.0.1", "6379", "1", anID}, "*3\r\n:0\r\n$40\r\n" + anID + "\r\n:1"},
		{"short form of the address", []string{"10.1", "6379", "1", anID}, "*3\r\n:0\r\n$40\r\n" + anID + "\r\n:1"},
		{"unknown address", []string{"10.0.0.9", "6379", "7", anID}, nothing},
		{"unknown port", []string{"10.0.0.1", "6380", "7", anID}, nothing},
		{"port modulo 2^32", []string{"10.0.0.1", "4294973675", "7", anID}, nothing},
		{"port below 0", []string{"10.0.0.1", "-1", "7", anID}, nothing},
		{"a host name", []string{"localhost", "6379", "7", anID}, nothing},
		{"negative epoch", []string{"10.0.0.1", "6379", "-1", anID}, nothing},
		{"empty candidate", []string{"10.0.0.1", "6379", "1", ""}, nothing},
		{"absurd candidate", []string{"10.0.0.1", "6379", "1", strings.Repeat("a", 200)}, nothing},
		{"candidate that is short", []string{"10.0.0.1", "6379", "1", anID[1:]}, nothing},
		{"candidate of two words", []string{"10.0.0.1", "6379", "1", anID[:19] + " " + anID[20:]}, nothing},
		{"candidate with a comma", []string{"10.0.0.1", "6379", "1", anID[1:] + ","}, nothing},
		{"candidate with a quote", []string{"10.0.0.1", "6379", "1", anID[1:] + "'"}, nothing},
		{"port is no number", []string{"10.0.0.1", "x", "y", anID}, "-ERR value is not an integer or out of range"},
		{"epoch is no number", []string{"10.0.0.1", "6379", "1.5", anID}, "-ERR value is not an integer or out of range"},
		{"epoch beyond 64 bits", []string{"10.0.0.1", "6379", "9223372036854775808", anID}, "-ERR value is not an integer or out of range"},
	} {
		for _, sub := range []string{"is-master-down-by-addr", "IS-PRIMARY-DOWN-BY-ADDR"} {
			t.Run(tc.name, func(t *testing.T) {
				r := newRig(t, watched("mm", "10.0.0.1", 6379, 2))
				require.Equal(t, tc.want, r.line(append([]string{"sentinel", sub}, tc.args...)...))
			})
		}
	}
}

// Rule: B-1122, R-10.
func TestIsMasterDownByName(t *testing.T) {
	st := watched("mm", "db.example", 6379, 2)
	st.ResolveHostnames = true
	r := newRig(t, st)
	const vote = "*3\r\n:0\r\n$40\r\n" + anID + "\r\n:1"
	require.Equal(t, vote, r.line("sentinel", "is-master-down-by-addr", "DB.example", "6379", "1", anID), "the host text, before any IP is known")
	require.NotEqual(t, vote, r.line("sentinel", "is-master-down-by-addr", "10.0.0.1", "6379", "1", anID))
	r.step(Resolved{Host: "db.example", IPs: []string{"10.0.0.1"}})
	require.Equal(t, vote, r.line("sentinel", "is-master-down-by-addr", "10.0.0.1", "6379", "1", anID))
	names := len(r.c.names.known)
	r.line("sentinel", "is-master-down-by-addr", "other.example", "6379", "1", anID)
	require.Len(t, r.c.names.known, names, "what peers ask about is not looked up")
}

// Rule: K-2.15, B-750.
func TestSimulateFailure(t *testing.T) {
	r := newRig(t, watchedNone())
	const (
		election  = "# Failure simulation: this Sentinel will crash after being successfully elected as failover leader"
		promotion = "# Failure simulation: this Sentinel will crash after promoting the selected replica to master"
	)
	require.Equal(t, []string{election, promotion, "reply +OK"}, told(r.do("sentinel", "simulate-failure", "crash-after-election", "CRASH-after-promotion")))
	require.Contains(t, r.c.infoText(), "sentinel_simulate_failure_flags:3\r\n")
	require.Equal(t, []string{"reply *2\r\n$20\r\ncrash-after-election\r\n$21\r\ncrash-after-promotion"}, told(r.do("sentinel", "simulate-failure", "help")))
	require.Zero(t, r.c.simulate, "every call clears all first")
	require.Equal(t, []string{promotion, "reply -ERR Unknown failure simulation specified"}, told(r.do("sentinel", "simulate-failure", "crash-after-promotion", "foo")))
	require.Equal(t, afterPromotion, r.c.simulate)

	r.c.simulateCrash(afterElection)
	require.Empty(t, r.c.out)
	r.c.change()
	r.c.simulateCrash(afterPromotion)
	require.Equal(t, []string{"# Sentinel CRASH because of SENTINEL simulate-failure *", "exit 99 *"}, told(r.c.out), "after the write")
}

// Rule: K-2.5, B-740.
func TestFailoverRefuses(t *testing.T) {
	r := newRig(t, around(watched("mm", "10.0.0.1", 6379, 2), 1, 0))
	require.Equal(t, "-NOGOODSLAVE No suitable replica to promote", r.line("sentinel", "failover", "mm"))
	r.c.byName["mm"].failover.state = stateWaitPromotion
	r.c.failoverCommand(request(9, "sentinel", "failover", "mm"))
	require.Equal(t, "-INPROG Failover already in progress", wire(r.c.finish()[0].Action.(Respond).Value))
}

// Rule: K-5, B-421, W-31.
func TestPublish(t *testing.T) {
	r := newRig(t, watched("mm", "10.0.0.1", 6379, 2))
	hello := func(id string) string {
		return "10.0.0.3,26379," + id + ",0,mm,10.0.0.1,6379,0"
	}
	require.Equal(t, "-ERR Only HELLO messages are accepted by Sentinel instances.", r.line("publish", "a", "b"))
	require.Equal(t, "-ERR Only HELLO messages are accepted by Sentinel instances.", r.line("publish", "__SENTINEL__:hello", hello(peerID(0))))
	require.Equal(t, ":1", r.line("publish", "__sentinel__:hello", "junk"))
	require.Equal(t, ":1", r.line("publish", "__sentinel__:hello", hello(testID)))
	require.Empty(t, r.c.byName["mm"].peers, "our own hello makes no peer of us")
	got := told(r.do("PUBLISH", "__sentinel__:hello", hello(peerID(0))))
	require.Equal(t, "* +sentinel sentinel "+peerID(0)+" 10.0.0.3 26379 @ mm 10.0.0.1 6379", got[1])
	require.Equal(t, "reply :1", got[len(got)-1], "after its events, and without waiting for the write they wait for")
}

// Rule: K-1.3.
func TestRequestsThatTheListenerShouldHaveRefused(t *testing.T) {
	r := newRig(t, watchedNone())
	for _, tc := range []struct{ args, want string }{
		{"", "-ERR unknown command '', with args beginning with: "},
		{"get a", "-ERR unknown command 'get', with args beginning with: 'a' "},
		{"sentinel", "-ERR wrong number of arguments for 'sentinel' command"},
		{"sentinel Foo bar", "-ERR unknown subcommand 'Foo'. Try SENTINEL HELP."},
		{"sentinel MaStErS x", "-ERR wrong number of arguments for 'sentinel|masters' command"},
		{"sentinel primary", "-ERR wrong number of arguments for 'sentinel|primary' command"},
		{"sentinel set mm quorum", "-ERR wrong number of arguments for 'sentinel|set' command"},
		{"publish a", "-ERR wrong number of arguments for 'publish' command"},
	} {
		v := r.ask(strings.Fields(tc.args)...)
		require.Equal(t, resp.Error, v.Kind)
		require.Equal(t, tc.want, wire(v))
	}
}
