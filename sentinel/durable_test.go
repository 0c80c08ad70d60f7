package sentinel

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"gosentinel/conf"
	"gosentinel/replication"
)

// loaded is a state with every field that the file may hold.
func loaded() conf.State {
	pass, user := conf.NewSecret("p"), "u"
	return conf.State{
		Port: 26379, TLSPort: 1, TLSReplication: true, RequirePass: conf.NewSecret("r"), LogLevel: "notice",
		MyID: testID, CurrentEpoch: 12, DenyScriptsReconfig: true, AnnounceIP: "9.9.9.9", AnnouncePort: 5,
		SentinelUser: "su", SentinelPass: conf.NewSecret("sp"), StateFile: "/s", StrictDurability: true,
		Masters: []*conf.Master{{
			Name: "mm", Addr: conf.Endpoint{Host: "10.0.0.1", Port: 6379}, Quorum: 2,
			DownAfter: time.Second, FailoverTimeout: 2 * time.Second, ParallelSyncs: -3,
			NotificationScript: "/n", ClientReconfigScript: "/r", AuthPass: &pass, AuthUser: &user,
			RebootDownAfter: 3 * time.Second, Renames: []conf.Rename{{Old: "CONFIG", New: "c"}},
			ConfigEpoch: 7, LeaderEpoch: 11, HasLeaderEpoch: true,
			Replicas:  []conf.Endpoint{{Host: "10.0.0.2", Port: 6379}, {Host: "::1", Port: 6380}},
			Sentinels: []conf.Peer{{Addr: conf.Endpoint{Host: "10.0.0.3", Port: 26379}, RunID: peerID(0)}},
		}},
	}
}

// Rule: C-90, B-1104.
func TestDurableGivesBackWhatWasLoaded(t *testing.T) {
	boot := loaded()
	got, seq := newRig(t, boot).c.Durable()
	require.Equal(t, boot, got)
	require.Zero(t, seq)
}

func TestDurableSharesWhatDidNotChange(t *testing.T) {
	r := newRig(t, watched("m1", "10.0.0.1", 6379, 2))
	require.Equal(t, "+OK", r.line("sentinel", "monitor", "m2", "10.0.0.1", "6379", "1"))
	one, seq := r.c.Durable()
	require.Equal(t, Seq(1), seq)
	require.Equal(t, "+OK", r.line("sentinel", "set", "m2", "quorum", "7"))
	two, seq := r.c.Durable()
	require.Equal(t, Seq(2), seq)
	require.Same(t, one.Masters[0], two.Masters[0])
	require.NotSame(t, one.Masters[1], two.Masters[1])
	require.Equal(t, 1, one.Masters[1].Quorum, "what was handed on stays as it was")
	require.Equal(t, 7, two.Masters[1].Quorum)
}

// Rule: C-104, B-1005, B-402.
func TestDurableDuringAFailover(t *testing.T) {
	r := newRig(t, around(watched("mm", "10.0.0.1", 6379, 2), 2, 0))
	m := r.c.byName["mm"]
	m.failover.promoted = m.replicas[1]
	for state, want := range map[failoverState]conf.Endpoint{
		stateWaitPromotion: {Host: "10.0.0.1", Port: 6379},
		stateReconfSlaves:  {Host: "10.0.0.2", Port: 7001},
		stateUpdateConfig:  {Host: "10.0.0.2", Port: 7001},
	} {
		m.failover.state, m.saved = state, nil
		st, _ := r.c.Durable()
		require.Equal(t, want, st.Masters[0].Addr, state.String())
		other := conf.Endpoint{Host: "10.0.0.2", Port: 7001}
		if want == other {
			other = conf.Endpoint{Host: "10.0.0.1", Port: 6379}
		}
		require.Equal(t, []conf.Endpoint{{Host: "10.0.0.2", Port: 7000}, other}, st.Masters[0].Replicas, state.String())
	}
}

// Rule: C-103, R-10.
func TestDurableAddresses(t *testing.T) {
	st := watched("mm", "db.example", 6379, 2)
	st.ResolveHostnames = true
	r := newRig(t, st)
	host := func() string {
		got, _ := r.c.Durable()
		return got.Masters[0].Addr.Host
	}
	require.Equal(t, "db.example", host(), "never empty while no IP is known")
	r.step(Resolved{Host: "db.example", IPs: []string{"10.0.0.1"}})
	require.Equal(t, "10.0.0.1", host())
	require.Equal(t, "+OK", r.line("sentinel", "config", "set", "announce-hostnames", "yes"))
	require.Equal(t, "db.example", host())
}

// Rule: B-1104, E-18, E-21, E-24.
func TestLoad(t *testing.T) {
	t.Run("epochs", func(t *testing.T) {
		st := loaded()
		r := newRig(t, st)
		m := r.c.byName["mm"]
		require.EqualValues(t, 12, r.c.epoch)
		require.EqualValues(t, 7, m.configEpoch)
		require.EqualValues(t, 11, m.ballot.Epoch)
		require.Equal(t, never, m.discoverySince, "its peers are known")
		standing := r.c.standing(m)
		require.Equal(t, r.now.Mono+2*time.Second, m.ballot.LockEnd(standing), "the vote of epoch 11 is unfinished")
	})
	t.Run("config epoch raises the current one", func(t *testing.T) {
		st := loaded()
		st.CurrentEpoch, st.Masters[0].ConfigEpoch = 3, 20
		require.EqualValues(t, 20, newRig(t, st).c.epoch)
	})
	t.Run("no leader-epoch line", func(t *testing.T) {
		st := loaded()
		st.Masters[0].HasLeaderEpoch, st.Masters[0].LeaderEpoch = false, 0
		r := newRig(t, st)
		require.EqualValues(t, 12, r.c.byName["mm"].ballot.Epoch)
		got, _ := r.c.Durable()
		require.Equal(t, uint64(12), got.Masters[0].LeaderEpoch, "and it is written so")
	})
	t.Run("no peers", func(t *testing.T) {
		st := loaded()
		st.Masters[0].Sentinels = nil
		r := newRig(t, st)
		require.Equal(t, r.now.Mono, r.c.byName["mm"].discoverySince, "they have to be discovered first")
	})
	t.Run("lines that count once or not at all", func(t *testing.T) {
		st := loaded()
		m := st.Masters[0]
		m.Replicas = append(m.Replicas, m.Replicas[0])
		m.Sentinels = append(m.Sentinels, m.Sentinels[0], conf.Peer{Addr: m.Addr, RunID: testID}, conf.Peer{Addr: m.Addr})
		r := newRig(t, st)
		require.Len(t, r.c.byName["mm"].replicas, 2)
		require.Len(t, r.c.byName["mm"].peers, 1)
	})
	t.Run("errors", func(t *testing.T) {
		for _, spoil := range []func(*conf.Master){
			func(m *conf.Master) { m.Addr.Host = "localhost" },
			func(m *conf.Master) { m.Addr.Port = 70000 },
			func(m *conf.Master) { m.Replicas[0].Host = "" },
			func(m *conf.Master) { m.Sentinels[0].Addr.Port = -1 },
		} {
			st := loaded()
			spoil(st.Masters[0])
			_, err := New(Stamp{}, st, 1)
			require.ErrorContains(t, err, "master mm")
		}
		st := loaded()
		st.Masters = append(st.Masters, st.Masters[0])
		_, err := New(Stamp{}, st, 1)
		require.ErrorContains(t, err, "in use")
	})
}

// Rule: B-1103.
func TestStartAnnouncesMasters(t *testing.T) {
	st := watched("mm", "10.0.0.1", 6379, 2)
	c, err := New(Stamp{}, st, 1)
	require.NoError(t, err)
	require.Equal(t, []string{
		"* Sentinel ID is " + testID,
		"show mm 10.0.0.1 6379",
		"# +monitor master mm 10.0.0.1 6379 quorum 2",
	}, told(c.Start()))

	st.MyID = ""
	c, err = New(Stamp{}, st, 1)
	require.NoError(t, err)
	got := told(c.Start())
	require.Equal(t, "persist", got[0])
	require.Regexp(t, `^\* Sentinel ID is [0-9a-f]{40} \*$`, got[1])
}

// Rule: C-60, B-1122, K-2.3.
func TestAddrIndex(t *testing.T) {
	var x addrIndex
	x.init()
	at := func(host, ip string, port int) *master {
		m := &master{}
		m.addr = replication.Addr{Host: host, IP: ip, Port: port}
		x.add(m)
		return m
	}
	a := at("10.0.0.1", "10.0.0.1", 1)
	b := at("10.0.0.1", "10.0.0.1", 1)
	n := at("DB.example", "", 1)
	find := func(host, ip string, port int) *master {
		return x.find(replication.Addr{Host: host, IP: ip, Port: port})
	}
	require.Same(t, a, find("x", "10.0.0.1", 1))
	require.Nil(t, find("x", "10.0.0.1", 2))
	require.Nil(t, find("x", "", 1))
	require.Same(t, n, find("db.EXAMPLE", "", 1))
	x.remove(a, a.addr)
	require.Same(t, b, find("x", "10.0.0.1", 1), "the other one of that address")
	old := n.addr
	n.addr.IP, n.addr.Port = "10.0.0.7", 2
	x.remove(n, old)
	x.add(n)
	require.Nil(t, find("db.example", "", 1))
	require.Same(t, n, find("y", "10.0.0.7", 2))
	x.remove(b, b.addr)
	x.remove(n, n.addr)
	require.Empty(t, x.byHost)
	require.Empty(t, x.byIP)
}
