package listener

import (
	"sync/atomic"
	"time"
)

// stats are the figures of INFO.
//
// Rule: K-3.
type stats struct {
	connections atomic.Uint64 // let in
	rejected    atomic.Uint64 // refused: maxclients, protected mode
	refusing    atomic.Int64  // being told so just now
	commands    atomic.Uint64
	errors      atomic.Uint64 // error replies
	netIn       atomic.Uint64 // bytes
	netOut      atomic.Uint64 // bytes
	reads       atomic.Uint64
	writes      atomic.Uint64
	turns       atomic.Uint64 // batches of requests
	busy        atomic.Int64  // nanoseconds spent on them
	deniedAuth  atomic.Uint64
	deniedCmd   atomic.Uint64
	deniedChan  atomic.Uint64
	blocked     atomic.Int64 // parked by CLIENT PAUSE
	tracking    atomic.Int64
	overSoft    atomic.Int64 // clients over their soft output limit
	now         atomic.Int64 // uptime, a second old at most
	rates       atomic.Pointer[rates]
	longest     atomic.Int64 // see Server.longestInput
	longestAt   atomic.Int64 // uptime when it was found
}

// rates are what the last second brought.
type rates struct {
	at                      time.Duration
	commands, netIn, netOut uint64 // totals at that time
	turns                   uint64
	busy                    int64
	opsPerSec, turnsPerSec  uint64
	inKbps, outKbps         float64
	turnMicros              uint64 // mean duration of a batch
}

// clock is the uptime, a second old at most.
func (st *stats) clock() time.Duration { return time.Duration(st.now.Load()) }

func (st *stats) wrote(n int) {
	st.netOut.Add(uint64(max(n, 0)))
	st.writes.Add(1)
}

// sample takes the rates since the last sample.
func (st *stats) sample(now time.Duration) {
	r := &rates{
		at: now, commands: st.commands.Load(), netIn: st.netIn.Load(), netOut: st.netOut.Load(),
		turns: st.turns.Load(), busy: st.busy.Load(),
	}
	if old := st.rates.Load(); old != nil && now > old.at {
		secs := (now - old.at).Seconds()
		r.opsPerSec = uint64(float64(r.commands-old.commands) / secs)
		r.turnsPerSec = uint64(float64(r.turns-old.turns) / secs)
		r.inKbps = float64(r.netIn-old.netIn) / secs / 1024
		r.outKbps = float64(r.netOut-old.netOut) / secs / 1024
		if n := r.turns - old.turns; n > 0 {
			r.turnMicros = uint64(r.busy-old.busy) / n / 1000
		}
	}
	st.rates.Store(r)
	st.now.Store(int64(now))
}
