package sentinel

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"gosentinel/conf"
	"gosentinel/internal/resp"
)

// named is a State with a master and two replicas known by name.
func named() conf.State {
	st := watched("mm", "db1", 6379, 2)
	st.ResolveHostnames, st.AnnounceHostnames = true, true
	st.Masters[0].Replicas = []conf.Endpoint{{Host: "db2", Port: 7000}, {Host: "db3", Port: 7001}}
	return st
}

// hosts are the hosts of the master and its replicas, as the file has them.
func (r *rig) hosts() (hosts []string) {
	st, _ := r.c.Durable()
	hosts = append(hosts, st.Masters[0].Addr.Host)
	for _, e := range st.Masters[0].Replicas {
		hosts = append(hosts, e.Host)
	}
	return hosts
}

// A replica known by its name, which the master tells by its IP before the name
// is resolved, or before a name server knows that it has moved, is one replica,
// and keeps its name. Two names are never taken for one replica.
//
// Rule: R-10, B-101, B-102, C-103.
func TestReplicaKnownByNameAndIP(t *testing.T) {
	w := newWires(t, named())
	m := w.c.masters[0]
	w.put(Resolved{Host: "db1", IPs: []string{"10.0.0.1"}})
	w.pass(tickEvery)
	w.up(6379, false)
	w.reply(6379, "INFO", resp.Str("role:master\r\nslave0:ip=10.0.0.2,port=7000\r\nslave1:ip=10.0.0.3,port=7001\r\n"))
	require.Len(t, m.replicas, 4, "nobody can know yet")
	w.put(Resolved{Host: "db2", IPs: []string{"10.0.0.2"}})
	w.put(Resolved{Host: "db3", IPs: []string{"10.0.0.3"}})
	require.Equal(t, []string{"db1", "db2", "db3"}, w.hosts())
	require.Equal(t, "db2:7000", m.replicas[0].name)

	// db3 comes back under another IP, which the master tells first.
	w.up(7001, false)
	w.pass(11 * time.Second)
	w.down(7001, false, true)
	w.reply(6379, "INFO", resp.Str("role:master\r\nslave0:ip=10.0.0.2,port=7000\r\nslave1:ip=10.0.0.9,port=7001\r\n"))
	require.Len(t, m.replicas, 3)
	w.put(Resolved{Host: "db3", IPs: []string{"10.0.0.9"}})
	require.Equal(t, []string{"db1", "db2", "db3"}, w.hosts())

	other := named()
	other.Masters[0].Replicas[1].Port = 7000
	r := newRig(t, other)
	r.step(Resolved{Host: "db2", IPs: []string{"10.0.0.2"}})
	r.step(Resolved{Host: "db3", IPs: []string{"10.0.0.2"}})
	require.Equal(t, []string{"db1", "db2", "db3"}, r.hosts(), "a name server that errs")
}

// A replica that nobody can tell from the master by its address, but by its run
// id, is not made a replica of itself.
//
// Rule: B-524, W-12, R-10.
func TestNeverReplicaOfItself(t *testing.T) {
	for _, tc := range []struct {
		name, runID string
		converted   bool
	}{
		{"the master itself", strings.Repeat("a", 40), false},
		{"another", strings.Repeat("b", 40), true},
	} {
		t.Run(tc.name, func(t *testing.T) {
			st := watched("mm", "10.0.0.1", 6379, 1)
			st.Masters[0].Replicas = []conf.Endpoint{{Host: "10.0.0.2", Port: 7000}}
			w := newWires(t, st)
			w.pass(tickEvery)
			w.up(6379, false)
			w.up(7000, false)
			var sent []string
			for range 30 {
				w.pong(6379)
				w.pong(7000)
				w.reply(6379, "INFO", resp.Str("role:master\r\nrun_id:"+strings.Repeat("a", 40)+"\r\n"))
				sent = append(sent, w.reply(7000, "INFO", resp.Str("role:master\r\nrun_id:"+tc.runID+"\r\n"))...)
				sent = append(sent, w.pass(time.Second)...)
			}
			require.Equal(t, tc.converted, strings.Contains(strings.Join(sent, "\n"), "SLAVEOF 10.0.0.1 6379"))
		})
	}
}

// Whatever a name server says, an instance that is connected stays where it is:
// its new address holds when it is connected to anew.
//
// Rule: R-10, B-1120.
func TestConnectedInstanceKeepsItsIP(t *testing.T) {
	w := newWires(t, named())
	m := w.c.masters[0]
	w.put(Resolved{Host: "db1", IPs: []string{"10.0.0.1"}})
	w.pass(tickEvery)
	w.up(6379, false)
	w.put(Resolved{Host: "db1", IPs: []string{"10.6.6.6"}})
	require.Equal(t, "10.0.0.1", m.addr.IP)
	w.down(6379, false, false)
	w.pass(2 * time.Second)
	require.Equal(t, "10.6.6.6", m.addr.IP)
	require.Equal(t, "10.6.6.6", w.dials[w.to(6379, false)].Addr.IP)
	require.Same(t, m, w.c.findMaster("10.6.6.6", 6379))

	// One that is not connected goes there at once; no name is an IP for good.
	w.put(Resolved{Host: "db1", IPs: []string{"10.0.0.7"}})
	require.Equal(t, "10.0.0.7", w.dials[w.to(6379, false)].Addr.IP)
	w.put(Resolved{Host: "db1", Reason: "no such host"})
	require.Equal(t, "10.0.0.7", m.addr.IP)
}

// While no IP is known a replica is called by its name, later by its IP.
//
// Rule: R-10, B-1121.
func TestReplicaNameFollowsItsAddress(t *testing.T) {
	st := named()
	st.AnnounceHostnames = false
	r := newRig(t, st)
	replica := r.c.masters[0].replicas[0]
	require.Equal(t, "db2:7000", replica.name)
	r.step(Resolved{Host: "db2", IPs: []string{"10.0.0.2"}})
	require.Equal(t, "10.0.0.2:7000", replica.name)
	require.Equal(t, []string{"db1", "10.0.0.2", "db3"}, r.hosts())
}

// A host that would break the file or a hello is none, wherever it comes from.
//
// Rule: R-3, W-31, B-422.
func TestHostsThatCannotBe(t *testing.T) {
	for _, host := range []string{"a b", "a\nsentinel myid x", "a\x00", `a"b`, "a'b", "a,b", strings.Repeat("a", conf.MaxHost+1), ""} {
		st := watched("mm", "10.0.0.1", 6379, 2)
		st.ResolveHostnames = true
		w := newWires(t, st)
		m := w.c.masters[0]
		if !strings.Contains(host, ",") {
			w.put(request(1, "PUBLISH", helloChannel, strings.Replace(helloOf(0, 0, "10.0.0.1,6379", 0), "10.0.0.3", host, 1)))
			require.Empty(t, m.peers, "%q", host)
			w.put(request(1, "PUBLISH", helloChannel, helloOf(0, 0, host+",6379", 7)))
			require.Zero(t, m.configEpoch, "%q", host)
			w.pass(tickEvery)
			w.up(6379, false)
			w.reply(6379, "INFO", resp.Str("role:master\r\nslave0:ip="+host+",port=7000\r\n"))
			require.Empty(t, m.replicas, "%q", host)
		}
		require.Equal(t, "-ERR Invalid IP address or hostname specified", w.line("SENTINEL", "MONITOR", "other", host, "6379", "2"))
		st.Masters[0].Addr.Host = host
		_, err := New(w.now, st, 1)
		require.Error(t, err, "%q", host)
	}
}

// Our own master has no IP yet, and a peer announces it by an address: nobody
// can say that this is another one, so there is nothing to dispute.
//
// Rule: E-80, R-10.
func TestNoDisputeWithoutAnIP(t *testing.T) {
	st := around(watched("mm", "db1", 6379, 2), 0, 1)
	st.ResolveHostnames = true
	st.Masters[0].ConfigEpoch = 3
	r := newRig(t, st)
	m := r.c.masters[0]
	for range 5 {
		require.Empty(t, r.hear(helloOf(0, 3, "10.0.0.1,6379", 3)))
		r.wait(2 * time.Second)
	}
	require.Equal(t, never, m.disputed)
	r.step(Resolved{Host: "db1", IPs: []string{"10.0.0.2"}})
	for range 3 {
		r.hear(helloOf(0, 3, "10.0.0.1,6379", 3))
		r.wait(2 * time.Second)
	}
	require.NotEqual(t, never, m.disputed)
}

// Instances that come, move, become masters and go bear the names that they are
// known by; what a name resolves to concerns those alone.
//
// Rule: R-10, W-34, B-731, K-2.4, K-2.9.
func TestNamesAreBorne(t *testing.T) {
	st := named()
	st.Masters[0].Sentinels = []conf.Peer{{Addr: conf.Endpoint{Host: "s1", Port: 26379}, RunID: peerID(0)}}
	w := newWires(t, st) // whose every step checks who bears what
	m := w.c.masters[0]
	bearers := func(host string) int { return len(w.c.names.known[host].instances) }
	for i, host := range []string{"db1", "db2", "db3", "s1"} {
		require.Equal(t, 1, bearers(host))
		w.put(Resolved{Host: host, IPs: []string{"10.0.0." + string(rune('1'+i))}})
	}
	w.pass(tickEvery)
	w.up(6379, true)
	hello := func(ip string, epoch int, host string, port int) {
		w.put(Hello{Link: w.to(6379, true), Payload: fmt.Appendf(nil, "%s,26379,%s,%d,mm,%s,%d,%d", ip, peerID(0), epoch, host, port, epoch)})
	}
	hello("s2", 0, "DB1", 6379)
	w.put(Resolved{Host: "s2", IPs: []string{"10.0.0.9"}})
	hello("s2", 0, "db1", 6379)
	require.Equal(t, []int{0, 1}, []int{bearers("s1"), bearers("s2")}, "a Sentinel that has moved")

	hello("s2", 1, "db9", 7001)
	w.put(Resolved{Host: "db9", IPs: []string{"10.0.0.3"}})
	require.Equal(t, "db9", m.addr.Host, "what a peer has said of a name is heard when that is known")
	require.Equal(t, []int{1, 1, 0}, []int{bearers("db9"), bearers("db1"), bearers("db3")}, "it is db3, which has become the master")

	w.ask("SENTINEL", "MONITOR", "other", "db1", "6380", "1")
	require.Equal(t, 2, bearers("db1"))
	w.ask("SENTINEL", "RESET", "mm")
	require.Equal(t, []int{1, 0}, []int{bearers("db9"), bearers("s2")})
	w.ask("SENTINEL", "REMOVE", "mm")
	w.ask("SENTINEL", "REMOVE", "other")
	require.Zero(t, bearers("db9")+bearers("db1"))
}

// Rule: C-47, C-103: a start by host names writes no file, however many there
// are and however they are announced; a name that moves is written where the
// file holds IPs.
func TestStartByHostNamesWritesNothing(t *testing.T) {
	for _, announce := range []bool{false, true} {
		st := watched("mm", "db1", 6379, 2)
		st.ResolveHostnames, st.AnnounceHostnames = true, announce
		st.Masters[0].Replicas = []conf.Endpoint{{Host: "db2", Port: 6379}, {Host: "db3", Port: 6379}}
		st.Masters[0].Sentinels = []conf.Peer{{Addr: conf.Endpoint{Host: "s2", Port: 26379}, RunID: peerID(0)}}
		r := newRig(t, st)
		before := r.c.seq
		for i, host := range []string{"db1", "db2", "s2", "db3"} {
			require.NotContains(t, told(r.step(Resolved{Host: host, IPs: []string{fmt.Sprintf("10.0.0.%d", i)}})), "persist", host)
		}
		require.Equal(t, before, r.c.seq)
		saved, _ := r.c.Durable()
		want := map[bool]string{false: "10.0.0.0", true: "db1"}[announce]
		require.Equal(t, want, saved.Masters[0].Addr.Host, "the next write tells the IP, where IPs are announced")

		es := told(r.step(Resolved{Host: "db2", IPs: []string{"10.0.0.9"}}))
		require.Equal(t, !announce, slices.Contains(es, "persist"), "announce %t: %q", announce, es)
	}
}

// A peer that answers where it is known does not move to a name before the name is
// resolved: a name that never is would cost its vote. Rule: B-430, R-10.
func TestAPeerWaitsForTheNameItMovesTo(t *testing.T) {
	w := met(t, true)
	w.c.resolveHostnames = true
	p := w.c.masters[0].peers[0]
	w.tellID(26379, resp.Str(peerID(0)))
	require.True(t, p.proven())
	hello := strings.Replace(helloOf(0, 0, "10.0.0.1,6379", 0), "10.0.0.3,", "sentinel-1,", 1)
	w.take(w.do("PUBLISH", helloChannel, hello))
	require.Equal(t, "10.0.0.3", p.addr.Host)
	require.NotZero(t, w.to(26379, false))
	w.put(Resolved{Host: "sentinel-1", IPs: []string{"10.0.0.8"}})
	w.take(w.do("PUBLISH", helloChannel, hello))
	require.Equal(t, "sentinel-1", p.addr.Host)
	require.Equal(t, "10.0.0.8", p.addr.IP)
}
