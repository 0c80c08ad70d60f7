package daemon

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"gosentinel/internal/link"
	"gosentinel/sentinel"
)

// The system is asked for how long the machine was suspended when the wall clock
// has jumped: a jump that it does not explain is no sleep.
//
// Rule: R-9.
func TestClockKnowsSleep(t *testing.T) {
	asleep, asked := 5*time.Second, 0
	c := &clock{zero: time.Now(), asleep: asleep, read: func() (time.Duration, bool) { asked++; return asleep, true }}
	at := c.now()
	c.wall = c.ahead(at)
	at.Mono += time.Hour
	at.Wall += time.Hour.Milliseconds() + 50
	require.Zero(t, c.slept(at))
	require.Zero(t, asked)

	at.Wall += time.Hour.Milliseconds()
	require.Zero(t, c.slept(at), "somebody has set it")
	require.Equal(t, 1, asked)
	require.Zero(t, c.slept(at))
	require.Equal(t, 1, asked)

	asleep += time.Minute
	at.Wall += time.Minute.Milliseconds()
	require.Equal(t, time.Minute, c.slept(at))
	require.Zero(t, c.slept(at))
	require.Equal(t, 2, asked)
}

// What the core hears first after its machine was suspended is for how long.
//
// Rule: R-9.
func TestSleepIsToldFirst(t *testing.T) {
	asleep := time.Duration(0)
	w := newWorld(t, &testCore{}, func(o *nodeOptions) {
		o.Clock.read = func() (time.Duration, bool) { return asleep, true }
	})
	n := w.node
	n.clock.asleep, n.clock.wall = 0, n.clock.ahead(n.clock.now())-time.Minute
	asleep = time.Minute
	w.front.happen(link.Event{Link: 1, Kind: link.Down}, link.Event{Link: 2, Kind: link.Down})
	n.wait() // as the loop does, which has the core in hand from the beginning
	require.Equal(t, []sentinel.Input{
		sentinel.Slept{For: time.Minute}, sentinel.LinkDown{Link: 1}, sentinel.LinkDown{Link: 2},
	}, w.core.inputs)
}
