package sim

import (
	"flag"
	"fmt"
	"os"
	"slices"
	"sort"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

var (
	seedCount = flag.Int("seeds", 20, "how many random worlds TestSeeds plays")
	seedFirst = flag.Uint64("first", 1, "the seed of the first of them")
	seedOne   = flag.Uint64("seed", 0, "play this world only, and tell all of it")
)

// Random worlds: faults, then peace. The seeds of testdata/seeds.txt found
// something once and are played for ever.
//
// Rule: I-1, I-2, I-3, I-4, I-5, I-6, I-7, I-9, I-10, I-11, and with them B-1204.
func TestSeeds(t *testing.T) {
	if *seedOne != 0 {
		o := NewPlan(*seedOne).Play(tellAll)
		fmt.Println(o.Report())
		require.Empty(t, o.Violations, "seed %d", *seedOne)
		return
	}
	seeds := knownSeeds(t)
	for k := range *seedCount {
		seeds = append(seeds, *seedFirst+uint64(k))
	}
	var took []time.Duration
	slowest := seeds[0]
	late, leaders, promoted := 0, 0, 0
	for _, s := range seeds {
		o := NewPlan(s).Play(nil)
		took = append(took, o.Settled)
		if o.Settled == slices.Max(took) {
			slowest = s
		}
		if o.World != nil {
			late += o.World.LatePromotions()
			leaders += o.World.Elections()
			promoted += o.World.Promotions()
		}
		if len(o.Violations) > 0 {
			t.Errorf("go test ./internal/sim -run TestSeeds -seed %d\n%v\n%s", s, o.Plan, strings.Join(o.Violations, "\n"))
		}
	}
	sort.Slice(took, func(i, j int) bool { return took[i] < took[j] })
	t.Logf("%d worlds, settled after p50 %v p95 %v max %v (seed %d); %d elections, %d promotions, %d of them late",
		len(took), took[len(took)/2], took[len(took)*95/100], took[len(took)-1], slowest, leaders, promoted, late)
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
