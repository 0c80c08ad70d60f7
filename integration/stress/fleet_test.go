package stress

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"gosentinel/integration/fixture"
	"gosentinel/internal/fakeredis"
	"gosentinel/internal/testbed"
)

// fleet is many simulated masters with their replicas under three Sentinels.
type fleet struct {
	t         *testing.T
	bed       *testbed.Bed
	masters   []*group
	sentinels []*testbed.Sentinel
	downAfter time.Duration
}

// group is a master and its replicas.
type group struct {
	name   string
	master *fakeredis.Instance
	others []*fakeredis.Instance
}

// promoted is the replica that has become a master, nil if none has.
func (g *group) promoted() *fakeredis.Instance {
	i := slices.IndexFunc(g.others, func(x *fakeredis.Instance) bool { return x.Master() == "" })
	if i < 0 {
		return nil
	}
	return g.others[i]
}

// newFleet starts all, and waits until every Sentinel knows all of it.
func newFleet(t *testing.T, programs testbed.Programs, masters, replicas int, downAfter time.Duration) *fleet {
	bed := fixture.BedOf(t, programs)
	instances := &fakeredis.Fleet{}
	t.Cleanup(func() { require.NoError(t, instances.Close()) })
	f := &fleet{t: t, bed: bed, downAfter: downAfter}
	port, n := bed.Port(), 0
	start := func(master string) *fakeredis.Instance {
		x, err := instances.Start(fakeredis.Options{Addr: loopback(n, port), Master: master})
		require.NoError(t, err)
		n++
		return x
	}
	var lines []string
	for i := range masters {
		g := &group{name: fmt.Sprintf("m%d", i), master: start("")}
		for range replicas {
			g.others = append(g.others, start(g.master.Addr()))
		}
		f.masters = append(f.masters, g)
		lines = append(lines, monitor(g.name, g.master.Addr(), 2, downAfter)...)
	}
	for i := range 3 {
		s, err := bed.Sentinel(fmt.Sprintf("sentinel%d", i+1), testbed.SentinelOptions{Lines: lines})
		require.NoError(t, err)
		f.sentinels = append(f.sentinels, s)
	}
	want := fmt.Sprintf(",slaves=%d,sentinels=3\r\n", replicas)
	require.NoError(t, testbed.Until(2*time.Minute, func() error {
		for _, s := range f.sentinels {
			v, err := s.Do("INFO", "sentinel")
			if err != nil {
				return err
			}
			if got := strings.Count(v.Str, want); got != masters {
				return fmt.Errorf("%s has discovered %d of %d masters", s.Name, got, masters)
			}
		}
		return nil
	}))
	return f
}

// promotionPoll is how exact the times of promotions are.
const promotionPoll = 2 * time.Millisecond

// massFailover kills the masters of some groups at once, and gives when the
// last of their replicas was promoted; it returns when all Sentinels name the
// new masters.
func (f *fleet) massFailover(of []*group) time.Duration {
	begin := time.Now()
	for _, g := range of {
		require.NoError(f.t, g.master.Kill())
	}
	left := slices.Clone(of)
	for len(left) > 0 {
		left = slices.DeleteFunc(left, func(g *group) bool { return g.promoted() != nil })
		require.Less(f.t, time.Since(begin), 2*time.Minute, "%d masters have no successor", len(left))
		<-time.After(promotionPoll)
	}
	took := time.Since(begin)
	for _, g := range of {
		now := g.promoted()
		g.others = slices.DeleteFunc(g.others, func(x *fakeredis.Instance) bool { return x == now })
		g.master = now
	}
	require.NoError(f.t, testbed.Until(time.Minute, func() error {
		var errs []error
		for _, s := range f.sentinels {
			for _, g := range of {
				errs = append(errs, s.Names(g.name, g.master.Addr()))
			}
			for _, g := range of {
				for _, x := range g.others {
					if x.Master() != g.master.Addr() {
						errs = append(errs, fmt.Errorf("%s follows %s", x.Addr(), x.Master()))
					}
				}
			}
		}
		return errors.Join(errs...)
	}))
	return took
}
