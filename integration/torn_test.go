package integration

import (
	"fmt"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"gosentinel/integration/fixture"
	"gosentinel/internal/testbed"
)

// An operator moves a replica of one watched master to another with REPLICAOF.
// Both masters list it from then on. It is left where it is for failover-timeout,
// as by the original, and is not torn between the two after that: each time it is
// left alone for twice as long, where the original takes it back and forth for ever.
//
// Rule: R-24, W-14, B-523.
func TestAReplicaThatIsMovedIsNotTornBetweenTwoMasters(t *testing.T) {
	t.Parallel()
	for _, kind := range []testbed.Kind{testbed.Ours, testbed.Original} {
		t.Run(fmt.Sprint(kind), func(t *testing.T) {
			t.Parallel()
			if kind == testbed.Original {
				fixture.NeedsOriginal(t)
			}
			torn(t, kind)
		})
	}
}

func torn(t *testing.T, kind testbed.Kind) {
	bed := fixture.Bed(t)
	var masters []*testbed.Redis
	var lines []string
	for _, name := range []string{"ma", "mb"} {
		m := must(bed.Redis(name, testbed.RedisOptions{}))
		masters = append(masters, m)
		lines = append(lines, fmt.Sprintf("sentinel monitor %s %s %d 1", name, m.Host, m.Port),
			"sentinel failover-timeout "+name+" 60000")
	}
	replica := must(bed.Redis("replica", testbed.RedisOptions{Master: masters[0]}))
	fixture.Until(t, 20*time.Second, func() error { return replica.Follows(masters[0].Addr()) })
	s := must(bed.Sentinel("sentinel", testbed.SentinelOptions{Kind: kind, Lines: lines}))
	var events testbed.Events
	require.NoError(t, events.Follow(s))
	t.Cleanup(events.Close)
	_, err := s.Do("SENTINEL", "DEBUG", "info-period", "100", "publish-period", "100")
	require.NoError(t, err)
	fixture.Until(t, 20*time.Second, func() error { return s.Sees("ma", 1, 0) })

	begin := time.Now()
	move(t, replica, masters[1])
	fixture.Until(t, 20*time.Second, func() error { return s.Sees("mb", 1, 0) })
	looks(t, replica, 100)
	require.Empty(t, events.Named(begin, "", "+fix-slave-config"), "the operator has just put it there")
	require.NoError(t, replica.Follows(masters[1].Addr()))

	// A failover-timeout of a second: both masters want it back each second.
	begin = time.Now()
	for _, name := range []string{"ma", "mb"} {
		set(t, s, name, "failover-timeout", "1000")
	}
	looks(t, replica, 250)
	fixes := len(events.Named(begin, "", "+fix-slave-config"))
	if kind == testbed.Original {
		require.Greater(t, fixes, 8, "it takes it back and forth")
		return
	}
	require.Positive(t, fixes)
	// 1 s, 1 s, 2 s, 2 s, 4 s, 4 s, 8 s, 8 s: 30 s in which it is looked at 300 times,
	// or more, as two masters ask.
	require.LessOrEqual(t, fixes, 8)
}

func move(t *testing.T, r, to *testbed.Redis) {
	t.Helper()
	_, err := r.Do("REPLICAOF", to.Host, strconv.Itoa(to.Port))
	require.NoError(t, err)
	fixture.Until(t, 20*time.Second, func() error { return r.Follows(to.Addr()) })
}

// looks waits until r has been asked for INFO n times more. Whoever moves r
// ends its clients, us too: such a try counts as one of ours, which at worst
// waits for one look more.
func looks(t *testing.T, r *testbed.Redis, n int) {
	t.Helper()
	asked := func() (calls int, err error) {
		v, err := r.Do("INFO", "commandstats")
		if err != nil {
			return 0, err
		}
		_, err = fmt.Sscanf(testbed.InfoFields(v.Str)["cmdstat_info"], "calls=%d,", &calls)
		return calls, err
	}
	first, own := -1, 0
	fixture.Until(t, 120*time.Second, func() error {
		calls, err := asked()
		if err == nil && first < 0 {
			first = calls
			return fmt.Errorf("asked for INFO for the first time")
		}
		own++
		if got := calls - first - own; err == nil && got < n {
			err = fmt.Errorf("asked for INFO %d times", got)
		}
		return err
	})
}
