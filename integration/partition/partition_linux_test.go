package partition

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"text/tabwriter"
	"time"

	"github.com/stretchr/testify/require"

	"gosentinel/integration/fixture"
	"gosentinel/internal/testbed"
)

// mixes are the quorums that are compared.
var mixes = []struct {
	name  string
	kinds [3]testbed.Kind
}{
	{"ours", [3]testbed.Kind{testbed.Ours, testbed.Ours, testbed.Ours}},
	{"mixed", [3]testbed.Kind{testbed.Original, testbed.Ours, testbed.Ours}},
	{"original", [3]testbed.Kind{testbed.Original, testbed.Original, testbed.Original}},
}

// outcome is one row of the table.
type outcome struct {
	schedule    string
	mix         string
	minReplicas bool

	unavailable time.Duration // longest time without an acknowledged write of the far client
	acked       [2]int        // writes of the near and the far client, from the first cut on
	lost        [2]int        // of all those that were acknowledged to them
	worst       sample
	agreed      time.Duration // from the healing until all agree and all replicas follow
	note        string
	transcript  string
}

// play runs one schedule in one world.
func play(s schedule, mix int, minReplicas bool) (out outcome, err error) {
	out = outcome{schedule: s.name, mix: mixes[mix].name, minReplicas: minReplicas}
	w, err := newWorld(options{kinds: mixes[mix].kinds, beside: s.beside, minReplicas: minReplicas})
	defer func() {
		if w.bed != nil && err != nil {
			err = fmt.Errorf("%s, %s: %w\n%s%s", s.name, out.mix, err, out.transcript, w.bed.Logs(3000))
		}
		if e := w.close(); err == nil {
			err = e
		}
	}()
	if err != nil {
		return out, err
	}
	ctx, stop := context.WithCancel(context.Background())
	var wait sync.WaitGroup
	end := func() { stop(); wait.Wait() }
	defer end()

	all := []string{w.homes["sentinel2"].sentinelAddr(), w.homes["sentinel3"].sentinelAddr(), w.homes["sentinel1"].sentinelAddr()}
	near, far := &client{key: "near", sentinels: reversed(all)}, &client{key: "far", sentinels: all}
	near.start(ctx, w.a, &wait)
	far.start(ctx, w.p, &wait)
	wait.Go(func() { out.worst = watch(ctx, w.cluster.Redis) })
	for _, c := range []*client{near, far} {
		if err := testbed.Until(30*time.Second, func() error {
			if len(c.since(time.Time{})) < 100 {
				return fmt.Errorf("client %s has not written yet", c.key)
			}
			return nil
		}); err != nil {
			return out, err
		}
	}

	begin := time.Now()
	out.note, err = s.run(w, begin)
	if err != nil {
		return out, err
	}
	healed := time.Now()
	err = w.cluster.Settle(60 * time.Second)
	out.agreed = time.Since(healed)
	out.transcript = w.cluster.Events.Text(begin)
	if err != nil {
		return out, err
	}
	end()
	m, err := w.cluster.Master()
	if err != nil {
		return out, err
	}
	out.unavailable = far.gap(begin)
	for i, c := range []*client{near, far} {
		out.acked[i] = len(c.since(begin))
		if out.lost[i], err = c.lost(m); err != nil {
			return out, err
		}
	}
	return out, nil
}

// reversed has the Sentinel nearest to the master first: that client trusts
// the one on its own host.
func reversed(s []string) []string {
	s = slices.Clone(s)
	slices.Reverse(s)
	return s
}

// needs skips the test where something is missing.
func needs(t *testing.T) {
	t.Helper()
	fixture.Needs(t, missing == "", missing)
	fixture.NeedsRedis(t)
	fixture.NeedsOriginal(t)
}

// table is the outcomes as text.
func table(rows []outcome) string {
	var s strings.Builder
	t := tabwriter.NewWriter(&s, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "schedule\tmin-replicas\tSentinels\tunavailable ms\tlost: near\tfar\tof\tmasters\twriting\ttwo writing ms\tagreed ms\tnote")
	for _, o := range rows {
		min := "-"
		if o.minReplicas {
			min = "1, lag 2"
		}
		fmt.Fprintf(t, "%s\t%s\t%s\t%d\t%d\t%d\t%d\t%d\t%d\t%d\t%d\t%s\n", o.schedule, min, o.mix, o.unavailable.Milliseconds(),
			o.lost[0], o.lost[1], o.acked[0]+o.acked[1], o.worst.masters, o.worst.writing, o.worst.two.Milliseconds(), o.agreed.Milliseconds(), o.note)
	}
	t.Flush()
	return s.String()
}

// The short part: a master that is cut off with a Sentinel on its side, without
// and with min-replicas, a master that nobody hears, and a leader that is cut
// off at work; originals beside us in the first. When all is healed, all agree,
// and what was lost is what asynchronous replication loses and no more.
//
// Rule: L-1, L-8, B-432, B-733, W-12, E-57.
func TestPartitions(t *testing.T) {
	needs(t)
	if *all {
		return // the table has it
	}
	for _, tc := range []struct {
		schedule    string
		mix         int
		minReplicas bool
	}{
		{"master cut off with a Sentinel", 0, false},
		{"master cut off with a Sentinel", 0, true},
		{"master cut off with a Sentinel", 1, false},
		{"master cut off with a Sentinel", 2, false},
		{"master heard by nobody", 0, false},
		{"leader cut off at +selected-slave", 0, false},
	} {
		t.Run(fmt.Sprintf("%s, %s, min-replicas %v", tc.schedule, mixes[tc.mix].name, tc.minReplicas), func(t *testing.T) {
			t.Parallel()
			o, err := play(find(t, tc.schedule), tc.mix, tc.minReplicas)
			require.NoError(t, err)
			t.Log("\n" + table([]outcome{o}))
			holds(t, o)
		})
	}
}

func find(t *testing.T, name string) schedule {
	t.Helper()
	for _, s := range schedules() {
		if s.name == name {
			return s
		}
	}
	require.Fail(t, "no schedule "+name)
	return schedule{}
}

// holds checks what holds in any world, on a busy machine too.
func holds(t *testing.T, o outcome) {
	t.Helper()
	// A write is acknowledged before a replica has it, so those of the last
	// round trips before a cut may go.
	const inFlight = 20
	require.LessOrEqual(t, o.lost[1], inFlight, "writes of the side that goes on\n%s", o.transcript)
	if o.minReplicas {
		// The last acknowledgement of a replica may be 2 s old, and is looked
		// at once a second.
		require.LessOrEqual(t, o.lost[0], int(4*time.Second/writeEvery), "writes beside the old master\n%s", o.transcript)
	}
	if o.mix == "ours" {
		require.Less(t, o.unavailable, downAfter+5*time.Second, o.transcript)
	}
}

// at once is how many worlds run beside each other for the table: few, so that
// they do not slow each other down.
const atOnce = 4

// Every schedule, with ours, mixed and originals: the table of
// docs/reliability.md.
func TestTable(t *testing.T) {
	needs(t)
	if !*all {
		return // it takes ten minutes: make partitions
	}
	type job struct {
		s           schedule
		mix         int
		minReplicas bool
	}
	var jobs []job
	for _, min := range []bool{false, true} {
		for i, s := range schedules() {
			if min && i >= 4 {
				break
			}
			for mix := range mixes {
				jobs = append(jobs, job{s, mix, min})
			}
		}
	}
	rows := make([]outcome, len(jobs))
	errs := make([]error, len(jobs))
	next := make(chan int)
	var wait sync.WaitGroup
	for range atOnce {
		wait.Go(func() {
			for i := range next {
				rows[i], errs[i] = play(jobs[i].s, jobs[i].mix, jobs[i].minReplicas)
			}
		})
	}
	for i := range jobs {
		next <- i
	}
	close(next)
	wait.Wait()
	fmt.Println(table(rows))
	for i, err := range errs {
		if err == nil && mixes[jobs[i].mix].name == "ours" {
			holds(t, rows[i])
		}
		if err != nil {
			t.Error(err)
		}
	}
}
