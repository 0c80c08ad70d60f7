package daemon

import (
	"time"

	"gosentinel/sentinel"
)

// clock reads the time of inputs. Mono counts from the making of the clock.
type clock struct{ zero time.Time }

// newClock starts a clock at zero.
func newClock() *clock { return &clock{zero: time.Now()} }

// now is the time of an input that happens now.
func (c *clock) now() sentinel.Stamp {
	t := time.Now()
	return sentinel.Stamp{Mono: t.Sub(c.zero), Wall: t.UnixMilli()}
}

// at is the moment of a monotonic time.
func (c *clock) at(mono time.Duration) time.Time { return c.zero.Add(mono) }
