package integration

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"gosentinel/integration/fixture"
	"gosentinel/internal/testbed"
)

// Three Sentinels that started with empty files and have met fail over at once:
// each knows, from the others, that nobody is missing. Their waiting time is
// made half an hour, so that it is not what has passed. Originals tell whom they
// know too.
//
// Rule: E-18, W-35.
func TestFreshSentinelsThatHaveMetDoNotWait(t *testing.T) {
	t.Parallel()
	const o, x = testbed.Ours, testbed.Original
	for _, tc := range []struct {
		name  string
		kinds []testbed.Kind
	}{
		{"ours", []testbed.Kind{o, o, o}},
		{"beside originals", []testbed.Kind{o, x, x}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			fixture.NeedsOriginal(t)
			c := fixture.Cluster(t, fixture.Bed(t), testbed.ClusterOptions{Kinds: tc.kinds})
			for k, s := range c.Sentinels {
				if tc.kinds[k] == o {
					v, err := s.Do("SENTINEL", "DEBUG", "PUBLISH-PERIOD", "600000")
					require.NoError(t, err)
					require.Equal(t, "OK", v.Str)
				} else {
					set(t, s, c.Name, "down-after-milliseconds", "30000")
					set(t, c.Sentinels[0], c.Name, "quorum", "1")
				}
			}
			begin := time.Now()
			old := must(c.Master())
			old.Kill()
			now, err := c.Agree(old, 20*time.Second)
			require.NoError(t, err)
			require.Equal(t, c.Best(old).Name, now.Name)
			require.Len(t, c.Events.Named(begin, "", "+elected-leader"), 1)
		})
	}
}
