package replication

import (
	"sort"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"gosentinel/internal/rng"
)

// Rule: B-1122.
func TestSame(t *testing.T) {
	for _, tc := range []struct {
		name string
		a, b Addr
		want bool
	}{
		{"equal IPs", Addr{"a.example", "10.0.0.1", 1}, Addr{"10.0.0.1", "10.0.0.1", 1}, true},
		{"equal names in another case", Addr{"A.example", "", 1}, Addr{"a.EXAMPLE", "10.0.0.1", 1}, true},
		{"other port", Addr{"a", "10.0.0.1", 1}, Addr{"a", "10.0.0.1", 2}, false},
		{"two names without IP", Addr{"a", "", 1}, Addr{"b", "", 1}, false},
	} {
		t.Run(tc.name, func(t *testing.T) { require.Equal(t, tc.want, tc.a.Same(tc.b)) })
	}
}

// Rule: B-1121, R-10.
func TestShown(t *testing.T) {
	a := Addr{"a.example", "10.0.0.1", 1}
	require.Equal(t, "10.0.0.1", a.Shown(false))
	require.Equal(t, "a.example", a.Shown(true))
	require.Equal(t, "b", Addr{Host: "b"}.Shown(false), "never empty")
	require.Equal(t, "[::1]:7", Join("::1", 7))
	require.Equal(t, "1.2.3.4:7", Join("1.2.3.4", 7))
}

const replicaInfo = "# Server\r\nredis_version:7.0.15\r\nrun_id:0123456789abcdef0123456789abcdef01234567\r\n\r\n# Replication\r\n" +
	"role:slave\r\nmaster_host:10.0.0.1\r\nmaster_port:6379\r\nmaster_link_status:down\r\nslave_repl_offset:1234\r\n" +
	"master_link_down_since_seconds:7\r\nslave_priority:50\r\nreplica_announced:0\r\nmaster_replid:aa\r\nmaster_replid2:bb\r\n"

// Rule: B-501, B-510, behaviour.md 5.2.
func TestParseInfo(t *testing.T) {
	require.Equal(t, Info{
		RunID: "0123456789abcdef0123456789abcdef01234567", Role: Replica,
		MasterHost: "10.0.0.1", MasterPort: 6379, LinkDown: 7 * time.Second,
		Priority: 50, Offset: 1234, ReplID: "aa", ReplID2: "bb",
	}, ParseInfo([]byte(replicaInfo)))

	require.Equal(t, Info{Role: Master, Priority: 100, Announced: true, Replicas: []Reported{
		{"10.0.0.2", 6380}, {"fe80::1", 6381}, {"10.0.0.3", 6382},
	}}, ParseInfo([]byte("role:master\r\nconnected_slaves:3\r\nslave0:ip=10.0.0.2,port=6380,state=online,offset=1,lag=0\r\n"+
		"slave1:ip=fe80::1,port=6381,state=wait_bgsave\r\nslave2:10.0.0.3,6382,online\r\nslave_read_repl_offset:5\r\n")))

	require.Equal(t, -time.Second, ParseInfo([]byte("master_link_down_since_seconds:-1\r\n")).LinkDown, "never linked")
	require.True(t, ParseInfo([]byte("role:slave\nmaster_link_status:up\n")).LinkUp, "lines may end in LF alone")
}

// Rubbish is ignored and costs no more than it is long. Rule: B-501, S2.6.
func TestParseInfoOfRubbish(t *testing.T) {
	for _, text := range []string{
		"", ":", "\r\n", "role", "role:", "role:king\r\n", "run_id:short\r\n", "slave0:\r\nslave1:a\r\nslave2:ip=,port=1\r\n",
		"slave0:ip=h,port=99999\r\n", "slave0:ip=h,port=-1\r\n", "slave_priority:99999999999999999999\r\n", "slavex:ip=h,port=1\r\n",
	} {
		in := ParseInfo([]byte(text))
		require.Empty(t, in.Replicas, text)
		require.Equal(t, Unknown, in.Role, text)
		require.Empty(t, in.RunID, text)
	}
	endless := strings.Repeat("slave0:ip=10.0.0.1,port=1\r\n", 3*MaxReported)
	require.Len(t, ParseInfo([]byte(endless)).Replicas, MaxReported)
}

func FuzzParseInfo(f *testing.F) {
	f.Add([]byte(replicaInfo))
	f.Add([]byte("slave0:ip=a,port=1,state=online\r\nslave1:a,1,\r\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		in := ParseInfo(text)
		again := ParseInfo([]byte(replicaInfo + "slave0:ip=a,port=1,state=online\r\nslave1:b,2,\r\n"))
		again.Read(string(text))
		if len(again.Replicas) == 0 {
			again.Replicas = nil
		}
		require.Equal(t, in, again, "what was read before leaves nothing")
		require.LessOrEqual(t, len(in.Replicas), MaxReported)
		require.GreaterOrEqual(t, in.LinkDown, -time.Second)
		require.Contains(t, []int{0, 40}, len(in.RunID))
	})
}

var testLimits = Limits{MaxSinceOK: 5 * time.Second, MaxInfoAge: 5 * time.Second, MaxLinkDown: 20 * time.Second}

// Rule: B-711, E-53.
func TestReject(t *testing.T) {
	good := Candidate{Priority: 100, SinceOK: 5 * time.Second, InfoAge: 5 * time.Second, LinkDown: 20 * time.Second}
	require.Empty(t, Reject(good, testLimits), "limits themselves pass")
	for name, spoil := range map[string]func(*Candidate){
		"tried":      func(c *Candidate) { c.Tried = true },
		"down":       func(c *Candidate) { c.Down = true },
		"cut":        func(c *Candidate) { c.Disconnected = true },
		"priority 0": func(c *Candidate) { c.Priority = 0 },
		"silent":     func(c *Candidate) { c.SinceOK++ },
		"old INFO":   func(c *Candidate) { c.InfoAge++ },
		"link down":  func(c *Candidate) { c.LinkDown++ },
	} {
		c := good
		spoil(&c)
		require.NotEmpty(t, Reject(c, testLimits), name)
		require.Equal(t, -1, Best([]Candidate{c}, testLimits), name)
	}
}

// Rule: B-711, E-51.
func TestBest(t *testing.T) {
	for _, tc := range []struct {
		name string
		cs   []Candidate
		want int
	}{
		{"nobody", nil, -1},
		{"priority before offset", []Candidate{{Priority: 100, Offset: 9}, {Priority: 10, Offset: 1}}, 1},
		{"offset before run id", []Candidate{{Priority: 100, Offset: 1, RunID: "a"}, {Priority: 100, Offset: 2, RunID: "b"}}, 1},
		{"smaller run id in any case", []Candidate{{Priority: 100, RunID: "B"}, {Priority: 100, RunID: "a"}}, 1},
		{"another data set last", []Candidate{{Priority: 1, Offset: 9, Foreign: true}, {Priority: 100}}, 1},
		{"another data set rather than none", []Candidate{{Priority: 1, Foreign: true}, {Priority: 100, Down: true}}, 0},
		{"unknown run id last", []Candidate{{Priority: 100}, {Priority: 100, RunID: "f"}}, 1},
		{"the first of equals", []Candidate{{Priority: 100}, {Priority: 100}}, 0},
		{"rejected ones do not count", []Candidate{{Priority: 1, Down: true}, {Priority: 100}}, 1},
	} {
		t.Run(tc.name, func(t *testing.T) { require.Equal(t, tc.want, Best(tc.cs, testLimits)) })
	}
}

// A slow and obvious second reading: sort the eligible ones by three keys.
//
// Rule: B-711.
func TestBestAgreesWithSorting(t *testing.T) {
	r := rng.New(5)
	for range 5000 {
		cs := make([]Candidate, r.IntN(6))
		var order []int
		for i := range cs {
			cs[i] = Candidate{Priority: r.IntN(3), Offset: int64(r.IntN(3)), RunID: strings.Repeat(string(rune('a'+r.IntN(3))), r.IntN(2)), Down: r.IntN(4) == 0}
			if !cs[i].Down && cs[i].Priority != 0 {
				order = append(order, i)
			}
		}
		key := func(c Candidate) string {
			if c.RunID == "" {
				return "~"
			}
			return c.RunID
		}
		sort.SliceStable(order, func(x, y int) bool {
			a, b := cs[order[x]], cs[order[y]]
			if a.Priority != b.Priority {
				return a.Priority < b.Priority
			}
			if a.Offset != b.Offset {
				return a.Offset > b.Offset
			}
			return key(a) < key(b)
		})
		want := -1
		if len(order) > 0 {
			want = order[0]
		}
		require.Equal(t, want, Best(cs, testLimits), "%v", cs)
	}
}

// Rule: B-713, B-124.
func TestTransactions(t *testing.T) {
	plain := func(s string) string { return s }
	require.Equal(t, [][]string{{"MULTI"}, {"SLAVEOF", "NO", "ONE"}, {"CONFIG", "REWRITE"},
		{"CLIENT", "KILL", "TYPE", "normal"}, {"CLIENT", "KILL", "TYPE", "pubsub"}, {"EXEC"}}, Promote(plain))
	renamed := func(s string) string { return "x" + s }
	require.Equal(t, [][]string{{"xMULTI"}, {"xSLAVEOF", "h", "7"}, {"xCONFIG", "REWRITE"},
		{"xCLIENT", "KILL", "TYPE", "normal"}, {"xCLIENT", "KILL", "TYPE", "pubsub"}, {"xEXEC"}}, Follow(renamed, "h", 7))
}

// Rule: E-52, E-56.
func TestPolls(t *testing.T) {
	ms := time.Millisecond
	var got []time.Duration
	for n := 1; n <= 6; n++ {
		got = append(got, PromotionPoll(n))
	}
	require.Equal(t, []time.Duration{10 * ms, 20 * ms, 40 * ms, 80 * ms, 100 * ms, 100 * ms}, got)
	require.Equal(t, 10*ms, PromotionPoll(0), "before the first answer")
	require.Equal(t, 100*ms, SyncPoll(0))
	require.Equal(t, 500*ms, SyncPoll(2*time.Second))
	require.Equal(t, time.Second, SyncPoll(12*time.Second))
}
