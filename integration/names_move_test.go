package integration

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"gosentinel/integration/fixture"
	"gosentinel/internal/testbed"
)

// moves ends instance i if it runs, and starts one of the same name at another
// IP. The Sentinels' name server knows that so much later.
func (c *namesCluster) moves(t *testing.T, i int, ip string, master *testbed.Redis, later time.Duration) {
	t.Helper()
	c.Redis[i].Kill()
	name := fmt.Sprintf("redis%d", i+1)
	c.ip[name] = ip
	c.writeHosts(t)
	c.Redis[i] = c.redis(t, c.Redis[i].Name+"-moved", name, master)
	if later == 0 {
		c.dns.Set(name, ip)
		return
	}
	timer := time.AfterFunc(later, func() { c.dns.Set(name, ip) })
	t.Cleanup(func() { timer.Stop() })
}

// A replica, a peer and the master come back under another IP: each is found
// again by its name, at once if the name server knows it already, and later if
// it goes on giving the old address for some seconds. Nothing is failed over,
// nobody is counted twice.
//
// Rule: R-10, B-1120, B-102, B-430.
func TestInstanceChangesIP(t *testing.T) {
	t.Parallel()
	c := newNames(t, namesOptions{lines: []string{"sentinel down-after-milliseconds mm 10000"}})
	c.settles(t, 30*time.Second, 0)
	begin := time.Now()

	c.moves(t, 2, c.bed.IP(23), c.Redis[0], 0)
	fixture.Until(t, 20*time.Second, c.seen)

	c.moves(t, 1, c.bed.IP(22), c.Redis[0], 3*time.Second)
	fixture.Until(t, 20*time.Second, c.seen)

	c.moves(t, 0, c.bed.IP(21), nil, 0)
	fixture.Until(t, 20*time.Second, func() error { return c.Redis[1].Follows("redis1:6379") })
	fixture.Until(t, 20*time.Second, c.seen)

	s := c.Sentinels[2]
	s.Kill()
	c.ip["sentinel3"] = c.bed.IP(33)
	c.dns.Set("sentinel3", c.ip["sentinel3"])
	c.Sentinels[2] = c.sentinelMoved(t, s, c.ip["sentinel3"])
	fixture.Until(t, 30*time.Second, c.seen)

	for _, s := range c.Sentinels {
		onlyNames(t, s)
	}
	require.Empty(t, c.Events.Named(begin, "", "+switch-master"))
	require.Empty(t, c.Events.Named(begin, "", "+slave"))
	require.Empty(t, c.Events.Named(begin, "", "+sentinel"))
	c.quiet(t, begin)
}

// sentinelMoved starts a Sentinel that has ended at another IP, with its file.
func (c *namesCluster) sentinelMoved(t *testing.T, old *testbed.Sentinel, ip string) *testbed.Sentinel {
	t.Helper()
	s, err := c.bed.Sentinel(old.Name+"-moved", testbed.SentinelOptions{Host: ip, Port: 26379, Wrapper: c.byDNS,
		Lines: append(sentinelLines(t, old), "bind-source-addr "+ip)})
	require.NoError(t, err)
	require.NoError(t, c.Events.Follow(s))
	return s
}

// Instances that announce their IPs, while sentinel.conf has their names: they
// are not taken for others when the name server answers late, at the first
// start as well as later, nor when one moves, which the master tells sooner
// than the name server. The file keeps the names.
//
// Rule: R-10, B-102, B-1122, C-103, R-14 (valkey #2158).
func TestNamesAreAnsweredLate(t *testing.T) {
	t.Parallel()
	known := []string{"sentinel known-replica mm redis2 6379", "sentinel known-replica mm redis3 6379"}
	c := newNames(t, namesOptions{plain: true, late: 1500 * time.Millisecond, lines: known})
	begin := time.Now()
	p := probe(t, c.Sentinels[0], "mm")
	c.settles(t, 30*time.Second, 0)
	onlyNames(t, c.Sentinels[0])

	s := c.Sentinels[2]
	s.Kill()
	require.NoError(t, s.Up())
	require.NoError(t, c.Events.Follow(s))
	c.settles(t, 30*time.Second, 0)

	c.moves(t, 2, c.bed.IP(23), c.Redis[0], 3*time.Second)
	c.settles(t, 30*time.Second, 0)
	for _, s := range c.Sentinels {
		onlyNames(t, s)
	}
	p.neverBlocked(t)

	c.Redis[0].Kill()
	fixture.Until(t, 30*time.Second, func() error { return c.name(1, []string{"name", "name", "name"}) })
	for _, s := range c.Sentinels {
		onlyNames(t, s)
	}
	c.quiet(t, begin)
}

// The first name server does not answer, the second does.
//
// Rule: R-10.
func TestFirstNameServerIsDead(t *testing.T) {
	t.Parallel()
	c := newNames(t, namesOptions{dead: true})
	c.settles(t, 60*time.Second, 0)
	c.Redis[0].Kill()
	fixture.Until(t, 30*time.Second, func() error { return c.name(1, []string{"name", "name", "name"}) })
	for _, s := range c.Sentinels {
		onlyNames(t, s)
	}
}
