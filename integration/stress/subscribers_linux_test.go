package stress

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"gosentinel/integration/fixture"
	"gosentinel/internal/testbed"
)

// A tenth of ten thousand subscribers never reads: nobody else gets his
// +switch-master late.
//
// Rule: K-5, K-8.3.
func TestStuckSubscribers(t *testing.T) {
	fixture.NeedsRedis(t)
	const total, stuck = 10000, 1000
	rounds := short(7, 20)
	mayOpen(t, total+1000)
	bed := fixture.BedOf(t, fixture.Programs)
	c, err := bed.Cluster(testbed.ClusterOptions{Replicas: 1, Kinds: []testbed.Kind{testbed.Ours}, Lines: []string{"maxclients " + strconv.Itoa(total+100)}})
	t.Cleanup(c.Events.Close)
	require.NoError(t, err)
	s := newSwarm(t, c.Sentinels[0].Port)
	for range total - stuck {
		s.listen()
	}
	s.start()
	defer s.close()
	alone := failovers(t, c, s, rounds)
	say(t, "%d subscribers: %v", total-stuck, alone)
	for i := range stuck {
		if i%2 == 0 {
			s.stick("PSUBSCRIBE", "*")
		} else {
			s.stick("SUBSCRIBE", "+switch-master", "+set")
		}
	}
	fill(t, c.Sentinels[0], stuck)
	beside := failovers(t, c, s, rounds)
	say(t, "beside %d that never read: %v", stuck, beside)
	// Those who never read delay all rounds; other programs on the machine, which
	// has to write to each of ten thousand sockets, only some.
	atMost(t, slices.Min(beside.last)-slices.Min(alone.last), 50*time.Millisecond, "the delay")
}

// news is when the first and the last subscriber heard of each of some
// failovers, since it was ordered.
type news struct{ first, last []time.Duration }

func (n news) String() string {
	return fmt.Sprintf("the first has +switch-master %s ms after the order, the last %s (medians %s)", ms(n.first...), ms(n.last...), ms(median(n.first), median(n.last)))
}

func failovers(t *testing.T, c *testbed.Cluster, s *swarm, rounds int) (n news) {
	for range rounds {
		heard := s.expect()
		begin := time.Now()
		_, err := c.Sentinels[0].Do("SENTINEL", "FAILOVER", c.Name)
		require.NoError(t, err)
		select {
		case at := <-heard:
			n.first = append(n.first, slices.MinFunc(at, time.Time.Compare).Sub(begin))
			n.last = append(n.last, slices.MaxFunc(at, time.Time.Compare).Sub(begin))
		case <-time.After(time.Minute):
			require.FailNow(t, "not all have heard of the failover")
		}
		require.NoError(t, c.Settle(30*time.Second))
	}
	return n
}

// fill publishes until all who never read have unsent output in the Sentinel.
func fill(t *testing.T, s *testbed.Sentinel, stuck int) {
	const patience = 60 * time.Second
	require.NoError(t, testbed.Until(patience, func() error {
		for i := range 10 {
			if _, err := s.Do("SENTINEL", "SET", "mm", "rename-command", "NONE", strings.Repeat("x", 8<<10)+strconv.Itoa(i)); err != nil {
				return err
			}
		}
		v, err := s.Do("CLIENT", "LIST", "TYPE", "pubsub")
		if err != nil {
			return err
		}
		full := 0
		for line := range strings.Lines(v.Str) {
			if !strings.Contains(line, " oll=0 ") {
				full++
			}
		}
		if full < stuck {
			return fmt.Errorf("%d of %d are stuck", full, stuck)
		}
		return nil
	}))
}
