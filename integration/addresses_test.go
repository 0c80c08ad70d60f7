package integration

import (
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"gosentinel/integration/fixture"
	"gosentinel/internal/testbed"
)

// forwarder is a port mapping: whoever connects to one address talks to
// another.
type forwarder struct {
	host string // of the outside
	port int

	ln net.Listener
	wg sync.WaitGroup

	mu    sync.Mutex
	conns []net.Conn
	used  int
}

// forward maps host:port, outside, to inside.
func forward(t *testing.T, host string, port int, inside string) *forwarder {
	t.Helper()
	ln, err := net.Listen("tcp", net.JoinHostPort(host, strconv.Itoa(port)))
	require.NoError(t, err)
	f := &forwarder{host: host, port: port, ln: ln}
	f.wg.Go(func() {
		for {
			conn, err := ln.Accept()
			if err != nil {
				return
			}
			f.wg.Go(func() { f.carry(conn, inside) })
		}
	})
	t.Cleanup(f.close)
	return f
}

// carry connects one client, and hangs up when either side does.
func (f *forwarder) carry(conn net.Conn, inside string) {
	defer conn.Close()
	to, err := net.Dial("tcp", inside)
	if err != nil {
		return
	}
	defer to.Close()
	f.mu.Lock()
	f.conns = append(f.conns, conn, to)
	f.used++
	f.mu.Unlock()
	var both sync.WaitGroup
	for _, way := range [][2]net.Conn{{conn, to}, {to, conn}} {
		both.Go(func() {
			io.Copy(way[0], way[1])
			way[0].Close()
			way[1].Close()
		})
	}
	both.Wait()
}

// close ends the mapping and all connections through it.
func (f *forwarder) close() {
	f.ln.Close()
	f.mu.Lock()
	for _, c := range f.conns {
		c.Close()
	}
	f.mu.Unlock()
	f.wg.Wait()
}

func (f *forwarder) addr() string { return fmt.Sprintf("%s:%d", f.host, f.port) }

// behind is a cluster in which everybody sits behind a port mapping and
// announces the outside of it.
type behind struct {
	redis     []*testbed.Redis
	sentinels []*testbed.Sentinel
	outside   map[string]*forwarder // by name
}

// Instances and Sentinels behind port mappings, in a quorum of both programs:
// all that is announced, shown, written and sent is the outside of a mapping,
// and the failover works.
//
// Rule: B-1110, C-63, B-401, B-102.
func TestBehindPortMappings(t *testing.T) {
	for _, kinds := range [][]testbed.Kind{
		{testbed.Ours, testbed.Ours, testbed.Ours},
		{testbed.Ours, testbed.Original, testbed.Ours},
	} {
		t.Run(fmt.Sprint(kinds), func(t *testing.T) {
			t.Parallel()
			if kinds[1] == testbed.Original {
				fixture.NeedsOriginal(t)
			}
			newBehind(t, kinds).failsOver(t)
		})
	}
}

func newBehind(t *testing.T, kinds []testbed.Kind) *behind {
	t.Helper()
	bed := fixture.Bed(t)
	if !bed.HasNetwork() {
		t.Skip("skipped for want of loopback addresses beyond 127.0.0.1")
	}
	b := &behind{outside: map[string]*forwarder{}}
	for i := range 3 {
		name := fmt.Sprintf("redis%d", i+1)
		in, out := bed.Port(), bed.Port()
		b.outside[name] = forward(t, bed.IP(1+i), out, fmt.Sprintf("127.0.0.1:%d", in))
		lines := []string{
			"replica-announce-ip " + bed.IP(1+i), "replica-announce-port " + strconv.Itoa(out),
			fmt.Sprintf("replica-priority %d", 10*(i+1)),
		}
		if i > 0 {
			lines = append(lines, fmt.Sprintf("replicaof %s %d", b.outside["redis1"].host, b.outside["redis1"].port))
		}
		r, err := bed.Redis(name, testbed.RedisOptions{Port: in, Lines: lines})
		require.NoError(t, err)
		b.redis = append(b.redis, r)
	}
	for i, kind := range kinds {
		name := fmt.Sprintf("sentinel%d", i+1)
		in, out := bed.Port(), bed.Port()
		b.outside[name] = forward(t, bed.IP(11+i), out, fmt.Sprintf("127.0.0.1:%d", in))
		s, err := bed.Sentinel(name, testbed.SentinelOptions{Kind: kind, Port: in, Lines: []string{
			"sentinel announce-ip " + bed.IP(11+i), "sentinel announce-port " + strconv.Itoa(out),
			fmt.Sprintf("sentinel monitor mm %s %d 2", b.outside["redis1"].host, b.outside["redis1"].port),
			"sentinel down-after-milliseconds mm 2000", // see TestMixedQuorum
			"sentinel failover-timeout mm 20000",
		}})
		require.NoError(t, err)
		b.sentinels = append(b.sentinels, s)
	}
	return b
}

func (b *behind) failsOver(t *testing.T) {
	see := func() error {
		for _, s := range b.sentinels {
			if err := s.Sees("mm", 2, 2); err != nil {
				return err
			}
		}
		return nil
	}
	fixture.Until(t, 30*time.Second, see)
	b.redis[0].Kill()
	fixture.Until(t, 20*time.Second, func() error {
		for _, s := range b.sentinels {
			if err := s.Names("mm", b.outside["redis2"].addr()); err != nil {
				return err
			}
		}
		return nil
	})
	fixture.Until(t, 20*time.Second, func() error { return b.redis[2].Follows(b.outside["redis2"].addr()) })
	require.NoError(t, b.redis[0].Up())
	fixture.Until(t, 20*time.Second, func() error { return b.redis[0].Follows(b.outside["redis2"].addr()) })
	fixture.Until(t, 30*time.Second, see)
	known := map[string]bool{}
	for _, f := range b.outside {
		known[f.host+" "+strconv.Itoa(f.port)] = true
	}
	for _, s := range b.sentinels {
		for _, line := range sentinelLines(t, s) {
			f := strings.Fields(line)
			switch f[1] {
			case "monitor", "known-replica", "known-sentinel":
				require.True(t, known[f[3]+" "+f[4]], "%s: %s", s.Name, line)
			}
		}
		f := b.outside[s.Name]
		f.mu.Lock()
		require.NotZero(t, f.used, "%s is reached by its mapping", s.Name)
		f.mu.Unlock()
	}
}

// IPv6, and both families in one quorum: instances and Sentinels are found,
// shown, written and failed over to, and the original understands the files.
//
// Rule: behaviour.md 1.2 (names of replicas), C-56, C-69, B-401, B-1121.
func TestIPv6(t *testing.T) {
	if ln, err := net.Listen("tcp", "[::1]:0"); err != nil {
		t.Skipf("skipped for want of ::1: %v", err)
	} else {
		ln.Close()
	}
	for _, tc := range []struct {
		name      string
		redis     []string
		sentinels []string
		kinds     []testbed.Kind
	}{
		{"six", []string{"::1", "::1", "::1"}, []string{"::1", "::1", "::1"}, []testbed.Kind{testbed.Ours, testbed.Ours, testbed.Ours}},
		{"both", []string{"127.0.0.1", "::1", "127.0.0.1"}, []string{"::1", "127.0.0.1", "::1"}, []testbed.Kind{testbed.Ours, testbed.Ours, testbed.Ours}},
		{"with an original", []string{"::1", "::1", "::1"}, []string{"::1", "::1", "::1"}, []testbed.Kind{testbed.Ours, testbed.Original, testbed.Ours}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			fixture.NeedsOriginal(t)
			bed := fixture.Bed(t)
			c := &testbed.Cluster{Name: "mm", Events: &testbed.Events{}}
			t.Cleanup(c.Events.Close)
			for i, host := range tc.redis {
				// Everybody listens on both, and is known by one.
				o := testbed.RedisOptions{Host: host, Bind: "127.0.0.1 ::1", Lines: []string{
					fmt.Sprintf("replica-priority %d", 10*(i+1)), "replica-announce-ip " + host,
				}}
				if tc.name != "both" {
					o.Bind = host
				}
				if i > 0 {
					o.Master = c.Redis[0]
				}
				r, err := bed.Redis(fmt.Sprintf("redis%d", i+1), o)
				require.NoError(t, err)
				c.Redis = append(c.Redis, r)
			}
			for i, host := range tc.sentinels {
				lines := []string{
					fmt.Sprintf("sentinel monitor mm %s %d 2", tc.redis[0], c.Redis[0].Port),
					"sentinel down-after-milliseconds mm 2000", // see TestMixedQuorum
					"sentinel failover-timeout mm 20000",
				}
				bind := host
				if tc.name == "both" {
					bind, lines = "127.0.0.1 ::1", append(lines, "sentinel announce-ip "+host)
				}
				s, err := bed.Sentinel(fmt.Sprintf("sentinel%d", i+1), testbed.SentinelOptions{Kind: tc.kinds[i],
					Host: "[" + host + "]", Bind: bind, Lines: lines})
				require.NoError(t, err)
				require.NoError(t, c.Events.Follow(s))
				c.Sentinels = append(c.Sentinels, s)
			}
			fixture.Until(t, 30*time.Second, func() error { return allSee(c) })
			replica := firstReplica(t, c.Sentinels[0])
			if strings.Contains(replica["ip"], ":") {
				require.Equal(t, "["+replica["ip"]+"]:"+replica["port"], replica["name"])
			}
			c.Redis[0].Kill()
			fixture.Until(t, 20*time.Second, func() error {
				for _, s := range c.Sentinels {
					if err := s.Names("mm", fmt.Sprintf("%s:%d", tc.redis[1], c.Redis[1].Port)); err != nil {
						return err
					}
				}
				return nil
			})
			require.NoError(t, c.Redis[0].Up())
			fixture.Until(t, 30*time.Second, func() error { return allSee(c) })
			for _, r := range c.Others(c.Redis[1]) {
				fixture.Until(t, 20*time.Second, func() error { return r.Follows(c.Redis[1].Addr()) })
			}
			loadInOriginal(t, c)
		})
	}
}

// allSee reports by nil that all Sentinels see all.
func allSee(c *testbed.Cluster) error {
	for _, s := range c.Sentinels {
		if err := s.Sees(c.Name, len(c.Redis)-1, len(c.Sentinels)-1); err != nil {
			return err
		}
	}
	return nil
}

// firstReplica are the fields of the first replica that a Sentinel shows.
func firstReplica(t *testing.T, s *testbed.Sentinel) map[string]string {
	t.Helper()
	v, err := s.Do("SENTINEL", "REPLICAS", "mm")
	require.NoError(t, err)
	require.NotEmpty(t, v.Elems)
	return testbed.Fields(v.Elems[0])
}
