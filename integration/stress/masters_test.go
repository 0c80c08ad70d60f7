package stress

import (
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"gosentinel/integration/fixture"
	"gosentinel/internal/fakeredis"
	"gosentinel/internal/testbed"
)

// A hundred connections that pipeline MASTERS do not delay a mass failover by
// more than a fifth: the time from the fault to the last promotion, which is
// what writers wait. It includes down-after, which is short here so that it
// hides little; both figures are printed. The clients run on the same machine
// at the same priority, so what they cost themselves counts too.
//
// Rule: K-2.1.
func TestPipelinedMasters(t *testing.T) {
	const downAfter = 300 * time.Millisecond
	masters, rounds := short(100, 300), short(9, 15)
	f := newFleet(t, fixture.Programs, masters, 1, downAfter)
	var addrs []string
	for _, s := range f.sentinels {
		addrs = append(addrs, s.Addr())
	}
	c := newCrowd(t, f.bed, masters, addrs)
	<-time.After(quietStart)
	var quiet, loaded []time.Duration
	for range rounds { // in turn, so that the machine is the same to both
		quiet = append(quiet, f.turnOver(func() {}))
		begun, before := time.Now(), c.do("begin")
		var replies int
		var lasted time.Duration
		loaded = append(loaded, f.turnOver(func() { replies, lasted = c.do("end")-before, time.Since(begun) }))
		say(t, "%d replies in %s ms", replies, ms(lasted))
	}
	say(t, "%d masters die together: the last replica is promoted after %s ms, beside %d connections with %d MASTERS each after %s",
		masters, ms(quiet...), askers, outstanding, ms(loaded...))
	alone, beside := median(quiet), median(loaded)
	say(t, "medians %s and %s: %+.0f %%; beyond down-after %s and %s",
		ms(alone), ms(beside), 100*(beside.Seconds()/alone.Seconds()-1), ms(alone-downAfter), ms(beside-downAfter))
	atMost(t, beside, alone*6/5, "beside the clients")
}

// turnOver kills all masters, and gives when the last successor was promoted.
// Then it calls done and has those that died come back as replicas, so that all
// is as before but for who is the master.
func (f *fleet) turnOver(done func()) time.Duration {
	dead := make(map[*group]*fakeredis.Instance, len(f.masters))
	for _, g := range f.masters {
		dead[g] = g.master
	}
	begin := time.Now()
	f.massFailover(f.masters)
	var took time.Duration
	for _, g := range f.masters {
		took = max(took, g.master.Promoted().Sub(begin))
	}
	done()
	for g, x := range dead {
		require.NoError(f.t, x.Restart())
		x.Follow(g.master.Addr()) // by no command: a Sentinel that was quicker closes the connections of its clients
		g.others = append(g.others, x)
	}
	require.NoError(f.t, testbed.Until(time.Minute, func() error {
		var errs []error
		for _, s := range f.sentinels {
			for _, g := range f.masters {
				errs = append(errs, s.Sees(g.name, len(g.others), len(f.sentinels)-1))
			}
		}
		return errors.Join(errs...)
	}))
	return took
}
