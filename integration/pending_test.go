package integration

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"gosentinel/integration/fixture"
	"gosentinel/internal/testbed"
)

// On links that are up nothing is unanswered, but for the moment that a reply
// takes: monitoring reads link-pending-commands, and 1 for ever on each master and
// replica, for the subscription, looks like a link that hangs.
//
// Rule: K-2.1.
func TestNothingIsPendingOnLinksThatAreUp(t *testing.T) {
	t.Parallel()
	fixture.NeedsOriginal(t)
	c := fixture.Cluster(t, fixture.Bed(t), testbed.ClusterOptions{Kinds: []testbed.Kind{testbed.Ours, testbed.Original}})
	for _, s := range c.Sentinels {
		t.Run(fmt.Sprint(s.Kind), func(t *testing.T) {
			for _, ask := range [][]string{{"SENTINEL", "MASTERS"}, {"SENTINEL", "REPLICAS", c.Name}, {"SENTINEL", "SENTINELS", c.Name}} {
				seen := map[string]bool{}
				fixture.Until(t, 10*time.Second, func() error {
					v, err := s.Do(ask...)
					require.NoError(t, err)
					for _, e := range v.Elems {
						if f := testbed.Fields(e); f["link-pending-commands"] == "0" {
							seen[f["name"]] = true
						}
					}
					if len(seen) == 0 || len(seen) < len(v.Elems) {
						return fmt.Errorf("%s: none pending for %v only, of %d", ask, seen, len(v.Elems))
					}
					return nil
				})
			}
		})
	}
}
