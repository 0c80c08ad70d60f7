package integration

import (
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"gosentinel/integration/fixture"
	"gosentinel/internal/testbed"
)

// knowledge is what a Sentinel tells of what its sentinel.conf holds.
type knowledge struct {
	ID, Master, Quorum, ConfigEpoch string
	Replicas, Peers                 []string
}

func know(t *testing.T, s *testbed.Sentinel, name string) knowledge {
	t.Helper()
	ask := func(args ...string) (names []string, first map[string]string) {
		v, err := s.Do(args...)
		require.NoError(t, err)
		for _, e := range v.Elems {
			f := testbed.Fields(e)
			names = append(names, f["ip"]+":"+f["port"]+" "+f["runid"])
		}
		slices.Sort(names)
		return names, testbed.Fields(v)
	}
	id, err := s.Do("SENTINEL", "MYID")
	require.NoError(t, err)
	_, m := ask("SENTINEL", "MASTER", name)
	k := knowledge{ID: id.Str, Master: m["ip"] + ":" + m["port"], Quorum: m["quorum"], ConfigEpoch: m["config-epoch"]}
	k.Peers, _ = ask("SENTINEL", "SENTINELS", name)
	replicas, _ := ask("SENTINEL", "REPLICAS", name)
	for _, r := range replicas {
		addr, _, _ := strings.Cut(r, " ") // run ids of replicas are not in the file
		k.Replicas = append(k.Replicas, addr)
	}
	return k
}

// sentinelLines are the sorted `sentinel` lines of a Sentinel's file.
func sentinelLines(t *testing.T, s *testbed.Sentinel) []string {
	t.Helper()
	text, err := s.File()
	require.NoError(t, err)
	var lines []string
	for line := range strings.SplitSeq(text, "\n") {
		if strings.HasPrefix(line, "sentinel ") {
			lines = append(lines, line)
		}
	}
	slices.Sort(lines)
	return lines
}

// loadInOriginal ends the whole cluster and starts the original, alone, on the
// file of each Sentinel: it must know all that the Sentinel knew, and write
// the same `sentinel` lines.
func loadInOriginal(t *testing.T, c *testbed.Cluster) {
	t.Helper()
	fixture.NeedsOriginal(t)
	var before []knowledge
	for _, s := range c.Sentinels {
		before = append(before, know(t, s, c.Name))
	}
	for _, s := range c.Sentinels {
		s.Kill()
	}
	for _, r := range c.Redis {
		r.Kill()
	}
	for i, s := range c.Sentinels {
		lines := sentinelLines(t, s)
		s.Kind = testbed.Original
		require.NoError(t, s.Up(), "the original on the file of %s", s.Name)
		require.Equal(t, before[i], know(t, s, c.Name), "%s, run by the original", s.Name)
		_, err := s.Do("SENTINEL", "FLUSHCONFIG")
		require.NoError(t, err)
		require.Equal(t, lines, sentinelLines(t, s), "%s, written by the original", s.Name)
		s.Kill()
	}
}
