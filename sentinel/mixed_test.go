package sentinel_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"gosentinel/internal/scenario"
)

// Where the votes of all are needed, one attempt of an original beside ours is
// enough to lose an election, on slow networks and disks nearly always. A leader
// is found all the same within two election timeouts; originals alone wait two
// failover-timeouts after each loss.
//
// Rule: E-11, E-13, E-23, B-611, B-1205.
func TestMixedQuorumsOfAllFindALeader(t *testing.T) {
	t.Parallel()
	const text = `cluster sentinels=%d quorum=%d originals=%s down-after=1s failover-timeout=20s %s known seed=%d
master m1 10.0.0.1:6379
replica m1 10.0.0.2:6379
run for=20s show=none
%s 10.0.0.1:6379
run until=+elected-leader max=%s show=+try-failover,+vote-for-leader,-failover-abort-not-elected,+elected-leader
----
`
	const within = 20*time.Second + time.Second // two election timeouts beyond down-after
	for n := 3; n <= 5; n++ {
		for _, originals := range []string{"s1", "s1,s2"} {
			for _, world := range []string{"latency=25ms fsync=50ms", "latency=100ms jitter=50ms fsync=10ms"} {
				for _, fault := range []string{"crash", "pause"} {
					for seed := 1; seed <= 15; seed++ {
						res, err := scenario.Run(fmt.Sprintf(text, n, n, originals, world, seed, fault, within), scenario.Options{})
						require.NoError(t, err)
						require.NotContains(t, res.Text, "(no +elected-leader within")
					}
				}
			}
		}
	}
}
