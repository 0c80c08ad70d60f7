package integration

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"gosentinel/integration/fixture"
	"gosentinel/internal/testbed"
)

// Two Sentinels have one sentinel.conf, run id included. Each warns of the other,
// and says when it is gone. The original says nothing.
//
// Rule: B-932.
func TestAnotherProcessWithOurRunIDIsTold(t *testing.T) {
	t.Parallel()
	bed := fixture.Bed(t)
	master := must(bed.Redis("master", testbed.RedisOptions{}))
	lines := []string{"sentinel myid " + strings.Repeat("c1", 20), fmt.Sprintf("sentinel monitor mm %s %d 1", master.Host, master.Port)}
	var sentinels []*testbed.Sentinel
	for _, name := range []string{"sentinel", "clone"} {
		s := must(bed.Sentinel(name, testbed.SentinelOptions{Kind: testbed.Ours, Lines: lines}))
		sentinels = append(sentinels, s)
	}
	says := func(s *testbed.Sentinel, text string) func() error {
		return func() error {
			if !strings.Contains(s.Tail(1<<20), text) {
				return errors.New("not told: " + text)
			}
			return nil
		}
	}
	for i, s := range sentinels {
		fixture.Until(t, 20*time.Second, says(s, fmt.Sprintf("Another process announces our run id %s, at %q port %q",
			strings.Repeat("c1", 20), "127.0.0.1", fmt.Sprint(sentinels[1-i].Port))))
	}
	sentinels[1].Kill()
	fixture.Until(t, 30*time.Second, says(sentinels[0], "Nobody else announces our run id any more"))
	require.Equal(t, 1, strings.Count(sentinels[0].Tail(1<<20), "Another process announces"))
}
