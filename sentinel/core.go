package sentinel

import (
	"io"
	"time"

	"gosentinel/conf"
)

// Core is one Sentinel: no goroutines, clock, sockets, files or globals; one
// caller at a time. Same boot, seed and inputs give the same effects, byte for
// byte.
type Core struct{}

// New makes a Core from the state in sentinel.conf. The caller steps it with
// Boot effects first: Start returns them.
func New(now Stamp, boot conf.State, seed uint64) (*Core, error) { return &Core{}, nil }

// Start returns the effects of the first moment: +monitor of every master, and
// a Persist if the run id was generated. Called once, before the first Step.
func (c *Core) Start() []Effect { return nil }

// Step applies one input and returns what to do, in order; nothing returned
// aliases the core. It cannot fail: bad input becomes an event or an error
// reply, a broken invariant panics.
func (c *Core) Step(now Stamp, in Input) []Effect { return nil }

// NextDeadline is the Mono time by which Tick is due, at most 100 ms after the
// last Tick. O(1).
func (c *Core) NextDeadline() time.Duration { return 0 }

// Durable is the state to write now, and the Seq that it covers. Masters that
// did not change since the last call are shared with it, immutable.
func (c *Core) Durable() (conf.State, Seq) { return conf.State{}, 0 }

// Dump writes the whole state as sorted text.
func (c *Core) Dump(w io.Writer) error { return nil }
