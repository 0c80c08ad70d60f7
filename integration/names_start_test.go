package integration

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"gosentinel/integration/fixture"
	"gosentinel/internal/testbed"
)

// A start with an id writes no file, by host name as little as by IP, in the
// original and in ours.
//
// Rule: C-47.
func TestStartByHostNameWritesNoFile(t *testing.T) {
	t.Parallel()
	for _, announce := range []string{"no", "yes"} {
		for _, kind := range []testbed.Kind{testbed.Original, testbed.Ours} {
			if kind == testbed.Original && announce == "yes" {
				continue // it takes the replica that INFO gives by IP for another one
			}
			t.Run(announce+" "+kind.String(), func(t *testing.T) {
				t.Parallel()
				if kind == testbed.Original {
					fixture.NeedsOriginal(t)
				}
				bed := fixture.Bed(t)
				master, err := bed.Redis("redis1", testbed.RedisOptions{})
				require.NoError(t, err)
				replica, err := bed.Redis("redis2", testbed.RedisOptions{Master: master})
				require.NoError(t, err)
				fixture.Until(t, 20*time.Second, func() error { return replica.Follows(master.Addr()) })
				s, err := bed.PrepareSentinel("sentinel", testbed.SentinelOptions{Kind: kind, Port: bed.Port(), Lines: []string{
					"sentinel resolve-hostnames yes",
					"sentinel announce-hostnames " + announce,
					"sentinel monitor mm localhost " + portOf(master) + " 1",
					"sentinel known-replica mm localhost " + portOf(replica),
					"sentinel myid " + strings.Repeat("a", 40),
				}})
				require.NoError(t, err)
				before := readText(t, s.Conf)
				require.NoError(t, s.Up())
				// Both are connected to by what their names resolve to, and have
				// been asked, so that nothing is left to be found out.
				fixture.Until(t, 20*time.Second, func() error { return s.Sees("mm", 1, 0) })
				require.Equal(t, before, readText(t, s.Conf))
				require.NotContains(t, readText(t, s.Log), "new configuration saved on disk")
			})
		}
	}
}
