package integration

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"gosentinel/integration/fixture"
	"gosentinel/internal/testbed"
)

// namesOptions say how a cluster with host names is made.
type namesOptions struct {
	kinds   []testbed.Kind // one for each Sentinel; default three of ours
	resolve []bool         // resolve-hostnames of each; missing: yes
	show    []bool         // announce-hostnames of each; missing: yes
	byIP    []bool         // the Sentinel's file names the master by IP
	plain   bool           // the instances do not announce names
	late    time.Duration  // of the name server's answers
	dead    bool           // another name server, asked first, does not answer
	lines   []string       // further lines of each sentinel.conf
}

// namesCluster is a cluster whose Sentinels look names up at a name server of
// the test: redis1 to redis3 and sentinel1 to sentinel3, each on an IP of its
// own and on the usual port. The instances know each other by a hosts file.
type namesCluster struct {
	*testbed.Cluster
	bed *testbed.Bed
	dns *stubDNS
	ip  map[string]string // by name

	byHosts []string // command in front of a Redis server
	byDNS   []string // command in front of a Sentinel
	born    time.Time
	hosts   string // path of the hosts file of the Redis servers
	plain   bool
}

func newNames(t *testing.T, o namesOptions) *namesCluster {
	t.Helper()
	bed := fixture.Bed(t)
	if !bed.HasNetwork() {
		t.Skip("skipped for want of loopback addresses beyond 127.0.0.1")
	}
	if o.kinds == nil {
		o.kinds = []testbed.Kind{testbed.Ours, testbed.Ours, testbed.Ours}
	}
	c := &namesCluster{
		Cluster: &testbed.Cluster{Name: "mm", Events: &testbed.Events{}},
		bed:     bed, dns: newStubDNS(t, bed.IP(53)), ip: map[string]string{}, plain: o.plain,
	}
	begin := time.Now()
	t.Cleanup(func() {
		c.Events.Close()
		if t.Failed() {
			t.Log("\n" + c.Events.Text(begin))
		}
	})
	for i := range 3 {
		for prefix, first := range map[string]int{"redis": 1, "sentinel": 11} {
			name, ip := fmt.Sprintf("%s%d", prefix, i+1), bed.IP(first+i)
			c.ip[name] = ip
			c.dns.Set(name, ip)
		}
	}
	wrapper, dir := namespace(t, bed, map[string]string{"/etc/hosts": ""})
	c.byHosts, c.hosts = wrapper, filepath.Join(dir, "hosts")
	c.writeHosts(t)
	for i := range 3 {
		var master *testbed.Redis
		if i > 0 {
			master = c.Redis[0]
		}
		name := fmt.Sprintf("redis%d", i+1)
		c.Redis = append(c.Redis, c.redis(t, name, name, master))
	}
	servers := []string{c.dns.IP}
	if o.dead {
		dead := newStubDNS(t, bed.IP(54))
		dead.Silent(true)
		servers = []string{dead.IP, c.dns.IP}
	}
	c.dns.Late(o.late)
	c.byDNS = ask(t, bed, servers...)
	for i, kind := range o.kinds {
		c.add(t, i, kind, o)
	}
	c.born = time.Now()
	return c
}

// redis starts the instance called name, as a process of another name. The
// smaller its number, the better a master it makes.
func (c *namesCluster) redis(t *testing.T, process, name string, master *testbed.Redis) *testbed.Redis {
	t.Helper()
	o := testbed.RedisOptions{Host: name, Bind: c.ip[name], Port: 6379, Master: master, Wrapper: c.byHosts,
		Lines: []string{"bind-source-addr " + c.ip[name], "protected-mode no", "replica-priority " + name[len(name)-1:] + "0"}}
	if c.plain {
		o.Host = c.ip[name]
	} else {
		o.Lines = append(o.Lines, "replica-announce-ip "+name)
	}
	r, err := c.bed.Redis(process, o)
	require.NoError(t, err)
	return r
}

// writeHosts gives the Redis servers the names as they are now.
func (c *namesCluster) writeHosts(t *testing.T) {
	t.Helper()
	text := "127.0.0.1 localhost\n"
	for name, ip := range c.ip {
		text += ip + " " + name + "\n"
	}
	require.NoError(t, os.WriteFile(c.hosts, []byte(text), 0o644)) // in place: it is mounted
}

// add starts Sentinel i.
func (c *namesCluster) add(t *testing.T, i int, kind testbed.Kind, o namesOptions) {
	t.Helper()
	at := func(list []bool, otherwise bool) bool {
		if i < len(list) {
			return list[i]
		}
		return otherwise
	}
	name := fmt.Sprintf("sentinel%d", i+1)
	master := "redis1"
	if at(o.byIP, false) {
		master = c.ip[master]
	}
	lines := []string{"bind-source-addr " + c.ip[name]}
	if at(o.resolve, true) {
		lines = append(lines, "sentinel resolve-hostnames yes")
	}
	if at(o.show, true) {
		lines = append(lines, "sentinel announce-hostnames yes")
	}
	if at(o.resolve, true) && at(o.show, true) {
		lines = append(lines, "sentinel announce-ip "+name)
	}
	s, err := c.bed.Sentinel(name, testbed.SentinelOptions{
		Kind: kind, Host: c.ip[name], Port: 26379, Wrapper: c.byDNS,
		Lines: append(append(lines,
			fmt.Sprintf("sentinel monitor mm %s 6379 %d", master, len(o.kinds)/2+1),
			"sentinel down-after-milliseconds mm 2000", // see TestMixedQuorum
			"sentinel failover-timeout mm 20000",
			"sentinel parallel-syncs mm 1",
		), o.lines...)})
	require.NoError(t, err)
	require.NoError(t, c.Events.Follow(s))
	c.Sentinels = append(c.Sentinels, s)
}

// settles waits until all Sentinels see all, and name redis i, each in its way.
func (c *namesCluster) settles(t *testing.T, patience time.Duration, i int, shown ...bool) {
	t.Helper()
	fixture.Until(t, patience, func() error {
		for k, s := range c.Sentinels {
			if err := s.Sees("mm", len(c.Redis)-1, len(c.Sentinels)-1); err != nil {
				return err
			}
			name := fmt.Sprintf("redis%d", i+1)
			if k < len(shown) && !shown[k] {
				name = c.ip[name]
			}
			if err := s.Names("mm", name+":6379"); err != nil {
				return err
			}
		}
		return nil
	})
}

// addresses are the hosts in the lines of a Sentinel's file that hold one.
func addressesIn(t *testing.T, s *testbed.Sentinel) (hosts []string) {
	t.Helper()
	for _, line := range sentinelLines(t, s) {
		f := strings.Fields(line)
		switch f[1] {
		case "monitor", "known-replica", "known-sentinel":
			hosts = append(hosts, f[3])
		}
	}
	return hosts
}

// onlyNames checks that a Sentinel's file and its replies hold no IP.
func onlyNames(t *testing.T, s *testbed.Sentinel) {
	t.Helper()
	hosts := addressesIn(t, s)
	require.Len(t, hosts, 5, "%s: a master, two replicas, two peers", s.Name)
	for _, h := range hosts {
		require.Regexp(t, `^(redis|sentinel)\d$`, h, "%s: %v", s.Name, hosts)
	}
	for _, command := range []string{"REPLICAS", "SENTINELS"} {
		v, err := s.Do("SENTINEL", command, "mm")
		require.NoError(t, err)
		for _, e := range v.Elems {
			require.Regexp(t, `^(redis|sentinel)\d$`, testbed.Fields(e)["ip"], "%s: SENTINEL %s", s.Name, command)
		}
	}
}

// onlyIPs checks that a Sentinel's file holds no name.
func onlyIPs(t *testing.T, s *testbed.Sentinel) {
	t.Helper()
	hosts := addressesIn(t, s)
	require.Len(t, hosts, 5, "%s: a master, two replicas, two peers", s.Name)
	for _, h := range hosts {
		require.Regexp(t, `^127\.`, h, "%s: %v", s.Name, hosts)
	}
}

// quiet checks that no Sentinel entered TILT.
func (c *namesCluster) quiet(t *testing.T, begin time.Time) {
	t.Helper()
	require.Empty(t, c.Events.Named(begin, "", "+tilt"))
	for _, s := range c.Sentinels {
		v, err := s.Do("INFO", "sentinel")
		require.NoError(t, err)
		require.Contains(t, v.Str, "sentinel_tilt:0\r\n", s.Name)
	}
}

// The four combinations of resolve-hostnames and announce-hostnames, and mixed
// settings within one quorum, through a failover and back: everybody names the
// new master in the form of his own settings, and every file that was written
// is understood by the original.
//
// Rule: B-1120 to B-1123, C-56, C-103.
func TestNamesThroughFailover(t *testing.T) {
	for _, tc := range []struct {
		name string
		o    namesOptions
		// How the Sentinels show redis2 after the failover, whoever led it: by
		// name, by IP or, "", either: as the leader announced it.
		shown []string
	}{
		{"no, no", namesOptions{plain: true, resolve: []bool{false, false, false}, show: []bool{false, false, false}, byIP: []bool{true, true, true}},
			[]string{"ip", "ip", "ip"}},
		{"no, yes", namesOptions{plain: true, resolve: []bool{false, false, false}, byIP: []bool{true, true, true}}, []string{"ip", "ip", "ip"}},
		{"yes, no", namesOptions{show: []bool{false, false, false}}, []string{"ip", "ip", "ip"}},
		{"yes, yes", namesOptions{}, []string{"name", "name", "name"}},
		{"mixed", namesOptions{show: []bool{true, false, true}, byIP: []bool{false, false, true}}, []string{"", "ip", ""}},
		{"mixed with an original", namesOptions{show: []bool{true, false, true},
			kinds: []testbed.Kind{testbed.Ours, testbed.Ours, testbed.Original}}, []string{"", "ip", ""}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			for _, k := range tc.o.kinds {
				if k == testbed.Original {
					fixture.NeedsOriginal(t)
				}
			}
			c := newNames(t, tc.o)
			fixture.Until(t, 30*time.Second, c.seen)
			begin := time.Now()
			c.Redis[0].Kill()
			fixture.Until(t, 20*time.Second, func() error { return c.name(1, tc.shown) })
			require.NoError(t, c.Redis[0].Up())
			fixture.Until(t, 30*time.Second, c.seen)
			c.quiet(t, begin)
			for _, s := range c.Sentinels {
				require.Len(t, c.Events.Named(begin, s.Name, "+switch-master"), 1)
			}
			for i, s := range c.Sentinels {
				switch {
				case tc.shown[i] == "ip":
					onlyIPs(t, s)
				case tc.name == "yes, yes":
					onlyNames(t, s)
				}
			}
			loadInOriginal(t, c.Cluster)
		})
	}
}

// seen reports by nil that all Sentinels see all.
func (c *namesCluster) seen() error { return allSee(c.Cluster) }

// name reports by nil that all Sentinels name redis i, each in the form given.
func (c *namesCluster) name(i int, shown []string) error {
	name := fmt.Sprintf("redis%d", i+1)
	for k, s := range c.Sentinels {
		got, err := s.Master("mm")
		if err != nil {
			return err
		}
		host := strings.TrimSuffix(got, ":6379")
		if !(host == name && shown[k] != "ip" || host == c.ip[name] && shown[k] != "name") {
			return fmt.Errorf("%s names %s; want %s (%s) by %q", s.Name, got, name, c.ip[name], shown[k])
		}
	}
	return nil
}

// discovery is how long a Sentinel that knew no peer does not stand for election.
//
// Rule: E-18.
const discovery = 6 * time.Second

// failsOver waits until all Sentinels name redis i by its name, the master
// having died just now, and checks that it took no longer than a failover does.
func (c *namesCluster) failsOver(t *testing.T, i int) {
	t.Helper()
	from := time.Now()
	if ready := c.born.Add(discovery - time.Second); from.Before(ready) {
		from = ready
	}
	fixture.Until(t, 20*time.Second, func() error { return c.name(i, []string{"name", "name", "name"}) })
	took := time.Since(from)
	t.Logf("all name redis%d after %v", i+1, took.Round(time.Millisecond))
	require.Less(t, took, 15*time.Second, "an attempt that is given up is repeated after two minutes")
}
