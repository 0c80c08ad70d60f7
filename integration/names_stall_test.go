package integration

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"gosentinel/integration/fixture"
	"gosentinel/internal/testbed"
)

// The name server stops answering, and then the master dies: nobody waits for
// a lookup, no Sentinel enters TILT, the failover takes its usual time, and a
// Sentinel that starts meanwhile answers at once.
//
// Rule: R-10, R-14 (#13866, #13034), B-1124, R-18.
func TestNameServerFallsSilent(t *testing.T) {
	t.Parallel()
	c := newNames(t, namesOptions{})
	c.settles(t, 30*time.Second, 0)
	begin := time.Now()
	c.dns.Silent(true)
	var probers []*prober
	for _, s := range c.Sentinels {
		probers = append(probers, probe(t, s, "mm"))
	}
	c.Redis[0].Kill()
	c.failsOver(t, 1)

	// Only the one who asks for a lookup waits for it.
	asked := time.Now()
	_, err := c.Sentinels[0].Do("SENTINEL", "MONITOR", "other", "nowhere", "6379", "2")
	require.EqualError(t, err, "ERR Invalid IP address or hostname specified")
	require.WithinRange(t, time.Now(), asked.Add(1900*time.Millisecond), asked.Add(4500*time.Millisecond))

	// Redis servers resolve by their hosts file here.
	require.NoError(t, c.Redis[0].Up())
	fixture.Until(t, 20*time.Second, func() error { return c.Redis[0].Follows("redis2:6379") })
	fixture.Until(t, 20*time.Second, c.seen)
	for _, p := range probers {
		p.neverBlocked(t)
	}
	c.quiet(t, begin)
	require.Len(t, c.Events.Named(begin, "", "+switch-master"), 3)
	for _, s := range c.Sentinels {
		onlyNames(t, s)
	}

	// A start without any answer: all is known by name, nothing is connected.
	s := c.Sentinels[2]
	before := sentinelLines(t, s)
	s.Kill()
	start := time.Now()
	require.NoError(t, s.Up())
	require.Less(t, time.Since(start), 4*time.Second, "a start waits for no lookup")
	p := probe(t, s, "mm")
	require.NoError(t, s.Names("mm", "redis2:6379"))
	fixture.Until(t, 30*time.Second, func() error {
		m, err := s.State("mm")
		if err == nil && m["flags"] != "s_down,master,disconnected" {
			err = fmt.Errorf("flags %s", m["flags"])
		}
		return err
	})
	onlyNames(t, s)
	require.Equal(t, before, sentinelLines(t, s))
	c.dns.Silent(false)
	back := time.Now()
	fixture.Until(t, 30*time.Second, c.seen)
	t.Logf("all connected %v after the name server is back", time.Since(back).Round(time.Millisecond))
	p.neverBlocked(t)
	c.quiet(t, begin)
	require.Equal(t, before, sentinelLines(t, s), "nobody came or went")
	require.NoError(t, c.name(1, []string{"name", "name", "name"}))
	loadInOriginal(t, c.Cluster)
}

// The same side by side with the original, for the record: it is frozen while
// it waits for a lookup. Measured with 7.0.15: PING unanswered for 30 s, and no
// failover within that time.
//
// Rule: R-14 (#13866, #13034, #9103, #12753).
func TestNameServerFallsSilentOriginal(t *testing.T) {
	t.Parallel()
	fixture.NeedsOriginal(t)
	kinds := []testbed.Kind{testbed.Original, testbed.Original, testbed.Original}
	c := newNames(t, namesOptions{kinds: kinds})
	c.settles(t, 30*time.Second, 0)
	c.dns.Silent(true)
	p := probe(t, c.Sentinels[0], "mm")
	begin := time.Now()
	c.Redis[0].Kill()
	err := testbed.Until(8*time.Second, func() error { return c.name(1, []string{"name", "name", "name"}) })
	t.Logf("after %v: %v", time.Since(begin).Round(time.Millisecond), err)
	_, _, text, err := p.slowest()
	t.Log(text, err, "+tilt:", len(c.Events.Named(begin, "", "+tilt")))
}

// The dead master's name is taken out of the DNS, as orchestrators do: the
// failover goes on, the name stays in the files, and a Sentinel that restarts
// then still knows it.
//
// Rule: R-10, R-14 (#9103, #12753; valkey #2158, #4530), C-103.
func TestDeadMastersNameIsGone(t *testing.T) {
	t.Parallel()
	c := newNames(t, namesOptions{})
	c.settles(t, 30*time.Second, 0)
	begin := time.Now()
	c.dns.Set("redis1")
	c.Redis[0].Kill()
	c.failsOver(t, 1)
	fixture.Until(t, 20*time.Second, func() error { return c.Redis[2].Follows("redis2:6379") })
	for _, s := range c.Sentinels {
		require.True(t, s.Stop(5*time.Second), s.Name)
		require.NoError(t, s.Up())
		require.NoError(t, c.Events.Follow(s))
	}
	fixture.Until(t, 20*time.Second, func() error { return c.name(1, []string{"name", "name", "name"}) })
	fixture.Until(t, 30*time.Second, func() error { return sees(c.Sentinels, "redis1", "s_down,slave,disconnected") })
	for _, s := range c.Sentinels {
		onlyNames(t, s)
	}
	c.quiet(t, begin)

	// It comes back, under another address.
	c.moves(t, 0, c.bed.IP(21), c.Redis[1], 0)
	fixture.Until(t, 30*time.Second, c.seen)
	fixture.Until(t, 30*time.Second, func() error { return c.Redis[0].Follows("redis2:6379") })
	for _, s := range c.Sentinels {
		onlyNames(t, s)
	}
}

// sees reports by nil that all Sentinels show a replica with these flags.
func sees(all []*testbed.Sentinel, replica, flags string) error {
	for _, s := range all {
		v, err := s.Do("SENTINEL", "REPLICAS", "mm")
		if err != nil {
			return err
		}
		found := false
		for _, e := range v.Elems {
			f := testbed.Fields(e)
			if f["ip"] == replica {
				found = true
				if f["flags"] != flags {
					return fmt.Errorf("%s: %s has flags %s, want %s", s.Name, replica, f["flags"], flags)
				}
			}
		}
		if !found {
			return fmt.Errorf("%s does not show %s", s.Name, replica)
		}
	}
	return nil
}
