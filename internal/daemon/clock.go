package daemon

import (
	"time"

	"golang.org/x/sys/unix"

	"gosentinel/sentinel"
)

// clock reads the time of inputs. Mono counts from the making of the clock.
type clock struct {
	zero   time.Time
	wall   time.Duration                // by which the wall clock was ahead of Mono when slept was last asked
	asleep time.Duration                // for how long the machine had been suspended then
	read   func() (time.Duration, bool) // that, now; nil = never
}

// newClock starts a clock at zero.
func newClock() *clock {
	c := &clock{zero: time.Now(), read: suspended}
	c.asleep, _ = c.read()
	c.wall = c.ahead(c.now())
	return c
}

// now is the time of an input that happens now.
func (c *clock) now() sentinel.Stamp {
	t := time.Now()
	return sentinel.Stamp{Mono: t.Sub(c.zero), Wall: t.UnixMilli()}
}

// at is the moment of a monotonic time.
func (c *clock) at(mono time.Duration) time.Time { return c.zero.Add(mono) }

// sleepMin is the least time asleep that is told.
const sleepMin = 100 * time.Millisecond

func (c *clock) ahead(at sentinel.Stamp) time.Duration {
	return time.Duration(at.Wall)*time.Millisecond - at.Mono
}

// slept is for how long the machine has been suspended before now, since it was
// last asked; 0 if that was not for long. The wall clock counts that as well, so
// the system is asked only when it has jumped.
//
// Rule: R-9.
func (c *clock) slept(now sentinel.Stamp) time.Duration {
	ahead := c.ahead(now)
	if jump := ahead - c.wall; c.read == nil || -sleepMin < jump && jump < sleepMin {
		return 0
	}
	c.wall = ahead
	asleep, ok := c.read()
	d := asleep - c.asleep
	if !ok || d < sleepMin {
		return 0
	}
	c.asleep = asleep
	return d
}

// suspended is for how long the machine has been suspended since its start. Who
// is interrupted between the two clocks must not take that for sleep.
func suspended() (time.Duration, bool) {
	var boot, mono unix.Timespec
	if unix.ClockGettime(unix.CLOCK_BOOTTIME, &boot) != nil || unix.ClockGettime(unix.CLOCK_MONOTONIC, &mono) != nil {
		return 0, false
	}
	return time.Duration(boot.Nano() - mono.Nano()), true
}
