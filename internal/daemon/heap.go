package daemon

import (
	"context"
	"runtime/debug"
	"runtime/metrics"
	"time"
)

// How much the heap may grow between collections: by spareHeap at least, so
// that a small Sentinel with many clients does not collect all the time, and by
// lowestGrowth percent at least, so that a large one does not either.
const (
	spareHeap    = 24 << 20 // bytes
	lowestGrowth = 50       // percent of what is in use
	mostGrowth   = 800
	usualGrowth  = 100 // that of the runtime
)

// heapLook is how often the amount in use is looked at.
const heapLook = 5 * time.Second

// heapGrowth is the garbage collector's percentage for a heap of which so many
// bytes were in use after the last collection; 0 bytes are not known yet.
func heapGrowth(inUse uint64) int {
	if inUse == 0 {
		return usualGrowth
	}
	return int(max(lowestGrowth, min(mostGrowth, spareHeap*100/inUse)))
}

// tendHeap keeps the collector's percentage fit for what is in use, until ctx
// is done. GOGC in the environment is left alone.
func tendHeap(ctx context.Context) {
	live := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
	percent := usualGrowth
	tick := time.NewTicker(heapLook)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
		metrics.Read(live)
		want := heapGrowth(live[0].Value.Uint64())
		if 10*abs(want-percent) > percent { // setting it stops the world for a moment
			percent = want
			debug.SetGCPercent(percent)
		}
	}
}

func abs(n int) int { return max(n, -n) }
