package sim

import (
	"flag"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

var slowMasters = flag.Int("slow-masters", 60, "how many masters fail over together on slow disks")

// slowWrite is what a write takes on a slow disk.
const slowWrite = 200 * time.Millisecond

// on gives all Sentinels of the trial disks of one kind.
func (tr *trial) on(write time.Duration) *trial {
	for _, n := range tr.w.nodes {
		n.Disk.Latency, n.Disk.Jitter = write, 0
	}
	return tr
}

// Slow disks delay a failover by the writes that it cannot do without: all have
// voted within one, since asking waits for none, and the replica takes writes
// at once; the new master is announced after another, and all others name it
// after their own.
//
// Rule: L-6, E-15, E-40, E-41.
func TestSlowDisk(t *testing.T) {
	const runs = 40
	times := func(write time.Duration) (elected, writable, know []time.Duration) {
		for seed := range uint64(runs) {
			tr := newTrial(seed+1, 1).on(write)
			tr.w.Instance(memberAddr(0, 0)).Crash()
			tr.finish(t)
			elected, writable, know = append(elected, tr.elected), append(writable, tr.writable), append(know, tr.know)
		}
		return elected, writable, know
	}
	freeElected, freeWritable, freeKnow := times(0)
	slowElected, slowWritable, slowKnow := times(slowWrite)
	for _, row := range []struct {
		name       string
		free, slow []time.Duration
		writes     time.Duration
	}{
		{"elected", freeElected, slowElected, 1},
		{"writable", freeWritable, slowWritable, 1},
		{"all know", freeKnow, slowKnow, 3},
	} {
		free, _ := spread(row.free)
		checkFigure(t, fmt.Sprintf("a write takes %v: %s", slowWrite, row.name), row.slow, free+row.writes*slowWrite+time.Millisecond, free+row.writes*slowWrite+5*time.Millisecond)
	}
}

// deathsWithin is the time within which the masters of a mass failover die:
// some while a write is under way.
const deathsWithin = 300 * time.Millisecond

// Many failovers take slow disks little longer than one, and no longer the more
// they are: what comes up during a write waits for its end, then all goes into
// one write, so that each write can take two. What a peer is asked while others
// on the same connection wait for their write is read after that: once for its
// opinion, and once for its vote. That is six until the promotion, and ten until
// all know.
//
// Rule: L-6, E-21, E-40.
func TestSlowDiskMassFigure(t *testing.T) {
	t.Parallel()
	freePromoted, freeKnow := massOn(t, 0)
	slowPromoted, slowKnow := massOn(t, slowWrite)
	t.Logf("%d masters die within %v, beyond down-after: the last replica is promoted after %v, if a write takes %v after %v; all know after %v, and after %v",
		*slowMasters, deathsWithin, freePromoted, slowWrite, slowPromoted, freeKnow, slowKnow)
	require.LessOrEqual(t, slowPromoted-freePromoted, 6*slowWrite)
	require.LessOrEqual(t, slowKnow-freeKnow, 10*slowWrite)
}

// massOn has many masters die, and gives how long after the first is down the
// last replica is promoted, and until all know of it.
func massOn(t *testing.T, write time.Duration) (promoted, know time.Duration) {
	tr := newTrial(1, *slowMasters).on(write)
	start := tr.w.now + time.Second
	for m := range *slowMasters {
		tr.w.At(tr.w.now+deathsWithin*time.Duration(m)/time.Duration(*slowMasters), func() { tr.w.Instance(memberAddr(m, 0)).Crash() })
	}
	wait := func(done func(m int) bool) time.Duration {
		left := *slowMasters
		require.True(t, tr.w.RunUntil(time.Minute, func() bool {
			for left > 0 && done(left-1) {
				left--
			}
			return left == 0
		}))
		return tr.w.now - start
	}
	promoted = wait(func(m int) bool {
		return tr.w.Instance(memberAddr(m, 1)).IsMaster() || tr.w.Instance(memberAddr(m, 2)).IsMaster()
	})
	know = wait(func(m int) bool { return tr.agreed(fmt.Sprintf("m%d", m+1), memberAddr(m, 0)) })
	require.Empty(t, tr.w.Violations())
	return promoted, know
}
