package integration

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"gosentinel/integration/fixture"
	"gosentinel/internal/testbed"
)

// Somebody who may publish on the monitored Redis says that the other Sentinels
// live where the first does, or at each other's place. Then two of three are
// stopped, and the master dies. Ours is left alone and promotes nobody: what
// answers there is not whom it has asked for. The original votes for itself
// through the forged addresses, and promotes.
//
// Rule: E-6, S-1, S-4.
func TestForgedHellosMakeNoVoters(t *testing.T) {
	t.Parallel()
	for _, kind := range []testbed.Kind{testbed.Ours, testbed.Original} {
		for _, tc := range []struct {
			name     string
			stranger bool // run ids that nobody has
		}{{"the others at our address", false}, {"a stranger at our address, another peer too", true}} {
			t.Run(fmt.Sprintf("%v %s", kind, tc.name), func(t *testing.T) {
				t.Parallel()
				if kind == testbed.Original {
					fixture.NeedsOriginal(t)
				}
				c := fixture.Cluster(t, fixture.Bed(t), testbed.ClusterOptions{Kinds: []testbed.Kind{kind, kind, kind}})
				forge(t, c, tc.stranger)
			})
		}
	}
}

func forge(t *testing.T, c *testbed.Cluster, stranger bool) {
	first, master := c.Sentinels[0], c.Redis[0]
	var ids []string
	for _, s := range c.Sentinels[1:] {
		id, err := s.Do("SENTINEL", "MYID")
		require.NoError(t, err)
		ids = append(ids, id.Str)
		s.Kill()
	}
	if stranger {
		ids = []string{"0123456789012345678901234567890123456789", ids[1]}
	}
	begin := time.Now()
	for _, id := range ids {
		_, err := master.Do("PUBLISH", "__sentinel__:hello", fmt.Sprintf("%s,%d,%s,0,%s,%s,%d,0", first.Host, first.Port, id, c.Name, master.Host, master.Port))
		require.NoError(t, err)
	}
	moved := ids[1]
	fixture.Until(t, 30*time.Second, func() error {
		v, err := first.Do("SENTINEL", "SENTINELS", c.Name)
		if err != nil {
			return err
		}
		for _, p := range v.Elems {
			f := testbed.Fields(p)
			if f["runid"] == moved && f["port"] == fmt.Sprint(first.Port) && f["flags"] == "sentinel" {
				return nil
			}
		}
		return fmt.Errorf("no link to %s at our own address", moved)
	})
	master.Kill()
	if first.Kind == testbed.Original {
		fixture.Until(t, 30*time.Second, c.Redis[1].IsMaster)
		return
	}
	// Five hellos after the master is seen down, ten seconds, nothing has happened.
	fixture.Until(t, 30*time.Second, func() error {
		if len(c.Events.Named(begin, first.Name, "+sdown")) == 0 {
			return fmt.Errorf("no +sdown")
		}
		return nil
	})
	require.NoError(t, testbed.Announced(c.Redis[1].Addr(), "", master.Addr(), 1, 5, 30*time.Second))
	for _, r := range c.Redis[1:] {
		role, of, _, err := r.Role()
		require.NoError(t, err)
		require.Equal(t, []string{"slave", master.Addr()}, []string{role, of}, r.Name)
	}
	require.Empty(t, c.Events.Named(begin, first.Name, "+elected-leader"))
	require.Empty(t, c.Events.Named(begin, first.Name, "+odown"), "its own opinion is one")
	_, err := first.Do("SENTINEL", "CKQUORUM", c.Name)
	require.ErrorContains(t, err, "NOQUORUM 1 usable Sentinels.")
	text, err := first.File()
	require.NoError(t, err)
	if stranger {
		require.NotContains(t, text, ids[0], "it has never been a Sentinel")
	}

	// The others come back: it fails over as ever.
	for _, s := range c.Sentinels[1:] {
		require.NoError(t, s.Up())
	}
	now, err := c.Agree(master, 30*time.Second)
	require.NoError(t, err)
	require.Equal(t, c.Redis[1].Name, now.Name)
}
