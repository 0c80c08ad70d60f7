package sim

import (
	"flag"
	"fmt"
	"os"
	"runtime"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

var (
	seedCount = flag.Int("seeds", 20, "how many random worlds TestSeeds plays")
	seedFirst = flag.Uint64("first", 1, "the seed of the first of them")
	seedStep  = flag.Uint64("step", 1, "play every so many seeds: 8 from 5 on are the worlds with faults of machines")
	seedOne   = flag.Uint64("seed", 0, "play this world only, and tell all of it")
)

// Random worlds: faults, then peace. The seeds of testdata/seeds.txt found
// something once and are played for ever.
//
// Rule: I-1, I-2, I-3, I-4, I-5, I-6, I-7, I-9, I-10, I-11, I-13, I-14, I-15, I-16, and with them B-1204.
func TestSeeds(t *testing.T) {
	if *seedOne != 0 {
		o := NewPlan(*seedOne).Play(tellAll)
		fmt.Println(o.Report())
		require.Empty(t, o.Violations, "seed %d", *seedOne)
		return
	}
	seeds := knownSeeds(t)
	for k := range *seedCount {
		seeds = append(seeds, *seedFirst+uint64(k)**seedStep)
	}
	outcomes := playAll(t, seeds)
	var took []time.Duration
	slowest, sum := 0, figures{}
	for i, s := range seeds {
		o := &outcomes[i]
		took = append(took, o.settled)
		if o.settled > took[slowest] {
			slowest = i
		}
		sum.add(o.figures)
		if len(o.violations) > 0 {
			t.Errorf("go test ./internal/sim -run TestSeeds -seed %d\n%v\n%s", s, NewPlan(s), strings.Join(o.violations, "\n"))
		}
	}
	slices.Sort(took)
	t.Logf("%d worlds, settled after p50 %v p95 %v max %v (seed %d); %v",
		len(took), took[len(took)/2], took[len(took)*95/100], took[len(took)-1], seeds[slowest], sum)
}

// figures are counts of a world that are no violations.
type figures struct{ simulated, elections, promotions, late, second, tried, acked, lost int }

func (f *figures) add(g figures) {
	f.simulated += g.simulated
	f.elections += g.elections
	f.promotions += g.promotions
	f.late += g.late
	f.second += g.second
	f.tried += g.tried
	f.acked += g.acked
	f.lost += g.lost
}

func (f figures) String() string {
	return fmt.Sprintf("%d simulated seconds, %d elections, %d promotions, %d of them late, %d outages with a second one; %d writes, %d acknowledged, %d of them lost",
		f.simulated, f.elections, f.promotions, f.late, f.second, f.tried, f.acked, f.lost)
}

// result is what is kept of a world.
type result struct {
	settled    time.Duration
	violations []string
	figures
}

func playOne(seed uint64) result {
	o := NewPlan(seed).Play(nil)
	r := result{settled: o.Settled, violations: o.Violations}
	if w := o.World; w != nil {
		r.figures = figures{simulated: int(w.Now() / time.Second), elections: w.Elections(), promotions: w.Promotions(), late: w.LatePromotions(), second: w.SecondPromotions()}
		r.tried, r.acked, r.lost = w.ClientWrites(w.Sentinels()[0])
	}
	return r
}

const (
	// gcPercent is that of GOGC while worlds are played: one takes some
	// megabytes, and half of the time went into collecting garbage.
	gcPercent = 1000
	// progress is after how many worlds -v tells how far it is.
	progress = 2000
)

// playAll plays the worlds of all seeds, on as many threads as may run.
func playAll(t *testing.T, seeds []uint64) []result {
	defer debug.SetGCPercent(debug.SetGCPercent(gcPercent))
	out := make([]result, len(seeds))
	var next, done atomic.Int64
	var wg sync.WaitGroup
	began := time.Now()
	for range runtime.GOMAXPROCS(0) {
		wg.Go(func() {
			for i := int(next.Add(1)) - 1; i < len(seeds); i = int(next.Add(1)) - 1 {
				out[i] = playOne(seeds[i])
				if len(out[i].violations) > 0 {
					t.Logf("seed %d fails", seeds[i])
				}
				if n := done.Add(1); n%progress == 0 {
					t.Logf("%d of %d worlds, %.1f a second", n, len(seeds), float64(n)/time.Since(began).Seconds())
				}
			}
		})
	}
	wg.Wait()
	return out
}

func tellAll(w *World) {
	w.OnEvent = func(r Record) {
		text := r.Event.Line()
		for _, n := range w.nodes {
			text = strings.ReplaceAll(text, n.ID(), "<"+n.name+">")
		}
		fmt.Println(r.Node.name, stampText(r.At), text)
	}
}

func knownSeeds(t *testing.T) []uint64 {
	text, err := os.ReadFile("testdata/seeds.txt")
	require.NoError(t, err)
	var out []uint64
	for line := range strings.Lines(string(text)) {
		word, _, _ := strings.Cut(strings.TrimSpace(line), " ")
		if word == "" || word[0] == '#' {
			continue
		}
		n, err := strconv.ParseUint(word, 10, 64)
		require.NoError(t, err)
		out = append(out, n)
	}
	return out
}

// The same seed gives the same world, event for event.
//
// Rule: S2.8.
func TestSameSeedSameWorld(t *testing.T) {
	play := func() string {
		var b strings.Builder
		NewPlan(3).Play(func(w *World) {
			w.OnEvent = func(r Record) { fmt.Fprintln(&b, r.At, r.Node.name, r.Event.Line()) }
		})
		return b.String()
	}
	first := play()
	require.NotEmpty(t, first)
	require.Equal(t, first, play())
}
