package daemon

import (
	"context"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"gosentinel/conf"
	"gosentinel/internal/link"
	"gosentinel/sentinel"
)

// looks tells whether a look at the core is answered.
func (w *world) looks(t *testing.T) bool {
	t.Helper()
	got, ok := w.Look([]byte("before "), [][]byte{[]byte("INFO")}, 2)
	if ok {
		require.Equal(t, "before INFO", string(got))
	} else {
		require.Equal(t, "before ", string(got))
	}
	return ok
}

// Others look at the core while the loop waits, not before it has begun, nor
// while it is at work, nor when it is over.
func TestLookWhileTheLoopWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		core := &testCore{}
		var w *world
		core.step = func(_ sentinel.Stamp, in sentinel.Input) []sentinel.Effect {
			if _, ok := in.(sentinel.LinkDown); ok {
				time.Sleep(10 * time.Millisecond)
			}
			return nil
		}
		w = newWorld(t, core, nil)
		require.False(t, w.looks(t), "before the start")
		w.start(t)
		require.True(t, w.looks(t))
		require.Empty(t, core.seen(), "a look is no input")

		w.front.happen(link.Event{Link: 1, Kind: link.Down})
		synctest.Wait()
		require.False(t, w.looks(t), "in the middle of a step")
		time.Sleep(11 * time.Millisecond)
		synctest.Wait()
		require.True(t, w.looks(t))
		core.look = func(now sentinel.Stamp) bool { return now.Mono > time.Minute }
		require.False(t, w.looks(t), "the core does not want to")
		core.look = nil

		w.stop()
		require.NoError(t, <-w.ended)
		require.False(t, w.looks(t), "after the end")
	})
}

// Clients yield for a second after a warning: what they ask waits its turn, be
// it that a look would answer it.
func TestNoLookWhileSomethingHappens(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		core := &testCore{step: func(_ sentinel.Stamp, in sentinel.Input) []sentinel.Effect {
			if _, ok := in.(sentinel.Request); ok {
				return []sentinel.Effect{{Action: sentinel.Emit{Event: sentinel.Event{Name: "+sdown", Level: sentinel.LevelWarning}}}}
			}
			return nil
		}}
		w := newWorld(t, core, nil)
		w.start(t)
		w.request(1, "X")
		synctest.Wait()
		for range 9 {
			require.False(t, w.looks(t))
			time.Sleep(eventful / 9)
			synctest.Wait()
		}
		time.Sleep(time.Millisecond)
		synctest.Wait()
		require.True(t, w.looks(t))
	})
}

// A panic under a look is a panic of the loop: its reason and the last inputs
// are in the log.
func TestCrashUnderALook(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		core := &testCore{look: func(sentinel.Stamp) bool { panic("broken") }}
		w := newWorld(t, core, nil)
		w.start(t)
		w.request(1, "SENTINEL", "MYID")
		synctest.Wait()
		require.PanicsWithValue(t, "broken", func() { w.looks(t) })
		require.Equal(t, []int{crashStatus}, w.exits)
		require.Contains(t, strings.Join(w.log.take(), "\n"), "Request SENTINEL MYID")
	})
}

// Many look while the loop steps the same core; the race detector looks at them.
func TestLooksAndStepsTakeTurns(t *testing.T) {
	state := conf.State{MyID: strings.Repeat("a", 40)}
	for i := range 8 {
		state.Masters = append(state.Masters, &conf.Master{
			Name: fmt.Sprint("m", i), Addr: conf.Endpoint{Host: "10.0.0.1", Port: 1 + i}, Quorum: 1,
			DownAfter: time.Minute, FailoverTimeout: time.Minute, ParallelSyncs: 1,
			Replicas: []conf.Endpoint{{Host: "10.0.0.2", Port: 1 + i}},
		})
	}
	clock := newClock()
	core, err := sentinel.New(clock.now(), state, 1)
	require.NoError(t, err)
	w := newWorld(t, nil, func(o *nodeOptions) { o.Core, o.Clock = core, clock })
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error)
	go func() { ended <- w.run(ctx, nil) }()

	var clients sync.WaitGroup
	var answered, stepped atomic.Int64
	for client := range 4 {
		clients.Go(func() {
			for n := 0; answered.Load() < 40 || stepped.Load() < 40; n++ {
				args := [][]byte{[]byte("SENTINEL"), []byte("MASTER"), fmt.Append(nil, "m", n%8)}
				switch n % 3 {
				case 1:
					args = args[:1:1]
					args[0] = []byte("INFO")
				case 2:
					args[1] = []byte("REPLICAS")
				}
				if reply, ok := w.Look(nil, args, 2+n%2); ok {
					answered.Add(1)
					if len(reply) < 100 {
						t.Errorf("%s: %s", args, reply)
					}
				}
				if n%16 == client {
					w.request(n+1, "SENTINEL", "MASTERS")
				}
				if n%16 == client+8 { // more would keep the loop from ever waiting
					// Nothing that makes a warning, after which nobody may look.
					w.front.happen(link.Event{Link: uint64(1 + n%16), Kind: link.Up, Text: "10.0.0.9"})
					stepped.Add(1)
				}
				runtime.Gosched()
			}
		})
	}
	clients.Wait()
	stop()
	require.NoError(t, <-ended)
}
