package integration

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"gosentinel/integration/fixture"
	"gosentinel/internal/testbed"
)

// A whole failover, and the return of the old master, as a subscriber hears
// it: one original and one of ours, each with three identical instances of its
// own. Names, payloads and order are the same, once addresses are replaced by
// the parts that the instances play.
//
// Rule: B-901, B-903, R-13, R-15, R-17.
func TestFailoverTranscripts(t *testing.T) {
	for _, tc := range []struct {
		name string
		play func(t *testing.T, c *testbed.Cluster) (old *testbed.Redis)
		// after turns what the original tells of the old master, once it is a
		// replica of the new one, into what ours tells.
		after func(tail []string) []string
	}{
		{"crash", crashAndReturn, convertedLast},
		{"manual", askForFailover, convertedAtOnce},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			want := transcript(t, testbed.Original, tc.play)
			if *alone {
				require.Equal(t, want, transcript(t, testbed.Original, tc.play))
				return
			}
			is := transcript(t, testbed.Ours, tc.play)
			head, tail := cut(want)
			ourHead, ourTail := cut(is)
			require.Equal(t, strings.Join(head, "\n"), strings.Join(ourHead, "\n"))
			require.Equal(t, strings.Join(tc.after(tail), "\n"), strings.Join(tc.after(ourTail), "\n"))
			require.Contains(t, ourTail[len(ourTail)-1], "+convert-to-slave ", "E-57: told once it is a replica")
		})
	}
}

// cut parts a transcript behind the switch to the new master.
func cut(lines []string) (head, tail []string) {
	for i := len(lines) - 1; i >= 0; i-- {
		if strings.HasPrefix(lines[i], "+slave ") {
			return lines[:i+1], lines[i+1:]
		}
	}
	return lines, nil
}

// convertedLast leaves out the order: ours hears of the return by PING and of
// the role by INFO as they come, where the original looks ten times a second,
// and tells of the conversion once it has happened (E-57), where the original
// tells that it has asked for it.
func convertedLast(tail []string) []string { return slices.Sorted(slices.Values(tail)) }

// convertedAtOnce leaves what is told of the role of the old master: ours has
// it follow the new master before it is looked at as a replica, so that
// it is never seen in its old role.
func convertedAtOnce(tail []string) []string {
	return slices.DeleteFunc(slices.Clone(tail), func(l string) bool { return strings.Contains(l, " new reported role is ") })
}

// transcript plays a failover with one Sentinel of a kind and returns what it
// published.
func transcript(t *testing.T, kind testbed.Kind, play func(*testing.T, *testbed.Cluster) *testbed.Redis) []string {
	fixture.NeedsOriginal(t)
	c := fixture.Cluster(t, fixture.Bed(t), testbed.ClusterOptions{Kinds: []testbed.Kind{kind}, DownAfter: 3 * time.Second})
	begin := time.Now()
	promoted := c.Best(c.Redis[0])
	old := play(t, c)
	id, err := c.Sentinels[0].Line("sentinel myid")
	require.NoError(t, err)
	parts := []string{id, "<myid>"}
	for _, r := range c.Redis {
		part := "other"
		switch r {
		case old:
			part = "old"
		case promoted:
			part = "promoted"
		}
		parts = append(parts, r.Addr(), "<"+part+">", r.Host+" "+fmt.Sprint(r.Port), "<"+part+"> ")
	}
	mask := strings.NewReplacer(parts...)
	var lines []string
	for _, e := range c.Events.Since(begin) {
		lines = append(lines, e.Name+" "+mask.Replace(e.Payload))
	}
	for from := 0; from < len(lines); { // the new replicas come in any order
		to := from
		for to < len(lines) && strings.HasPrefix(lines[to], "+slave ") {
			to++
		}
		slices.Sort(lines[from:to])
		from = max(to, from+1)
	}
	return lines
}

// heardOf waits for so many events of a name.
func heardOf(t *testing.T, c *testbed.Cluster, begin time.Time, name string, n int) {
	fixture.Until(t, 40*time.Second, func() error {
		if got := len(c.Events.Named(begin, "", name)); got < n {
			return fmt.Errorf("%d of %s", got, name)
		}
		return nil
	})
}

func crashAndReturn(t *testing.T, c *testbed.Cluster) *testbed.Redis {
	begin := time.Now()
	old := c.Redis[0]
	old.Kill()
	heardOf(t, c, begin, "+switch-master", 1)
	heardOf(t, c, begin, "+sdown", 2)
	require.NoError(t, old.Up())
	heardOf(t, c, begin, "+convert-to-slave", 1)
	require.NoError(t, c.Settle(30*time.Second))
	return old
}

func askForFailover(t *testing.T, c *testbed.Cluster) *testbed.Redis {
	begin := time.Now()
	old := c.Redis[0]
	v, err := c.Sentinels[0].Do("SENTINEL", "FAILOVER", c.Name)
	require.NoError(t, err)
	require.Equal(t, "OK", v.Str)
	heardOf(t, c, begin, "+switch-master", 1)
	require.NoError(t, c.Settle(30*time.Second))
	return old
}
