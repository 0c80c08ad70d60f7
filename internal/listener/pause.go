package listener

import (
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"
)

// pause is CLIENT PAUSE, or the daemon's silence: until its end requests wait on
// their connections.
//
// Rule: K-6.5, R-8.
type pause struct {
	until  atomic.Int64 // uptime; 0 when nothing is paused
	silent atomic.Bool  // the daemon wants nothing answered

	mu      sync.Mutex
	all     bool          // everything waits, not only PUBLISH
	changed chan struct{} // closed when the end moves; nil if nobody waits
}

// active tells whether a pause may be on.
func (p *pause) active() bool { return p.until.Load() != 0 || p.silent.Load() }

// covers tells whether a request has to wait.
func (p *pause) covers(publish bool) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.all || publish || p.silent.Load()
}

// silence begins or ends the daemon's silence.
func (p *pause) silence(on bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.silent.Store(on)
	p.signal()
}

// start begins a pause, or extends the one that is on: the later end and the
// wider mode count.
func (p *pause) start(now, length time.Duration, all bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if old := time.Duration(p.until.Load()); old > now {
		p.all = p.all || all
		if old >= now+length {
			return
		}
	} else {
		p.all = all
	}
	p.until.Store(int64(now + length))
	p.signal()
}

// stop ends the pause.
func (p *pause) stop() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.until.Store(0)
	p.signal()
}

func (p *pause) signal() {
	if p.changed != nil {
		close(p.changed)
		p.changed = nil
	}
}

// left is how long a request has to wait, and a channel that closes when that
// changes.
func (p *pause) left(now time.Duration, publish bool) (time.Duration, <-chan struct{}) {
	p.mu.Lock()
	defer p.mu.Unlock()
	until := time.Duration(p.until.Load())
	if p.silent.Load() {
		if p.changed == nil {
			p.changed = make(chan struct{})
		}
		return maxPause, p.changed
	}
	if until <= now {
		if until != 0 {
			p.until.Store(0)
		}
		return 0, nil
	}
	if !p.all && !publish {
		return 0, nil
	}
	if p.changed == nil {
		p.changed = make(chan struct{})
	}
	return until - now, p.changed
}

// maxPause keeps the end of a pause within the clock's range.
const maxPause = 100 * 365 * 24 * time.Hour

// peekEvery is how often a parked connection is looked at for its end.
const peekEvery = time.Second

// park waits until the pause no longer covers the request; false if the client
// goes before.
func (c *client) park(publish bool) bool {
	parked := false
	defer func() {
		if parked {
			c.parked.Store(false)
			c.s.stats.blocked.Add(-1)
			c.now = c.s.uptime()
			c.active.Store(int64(c.now))
		}
	}()
	for {
		wait, changed := c.s.pause.left(c.s.uptime(), publish)
		if wait <= 0 {
			return true
		}
		if !parked {
			parked = true
			c.parked.Store(true)
			c.s.stats.blocked.Add(1)
			c.flush()
		}
		timer := time.NewTimer(min(wait, peekEvery))
		select {
		case <-timer.C:
			if c.hungUp() {
				timer.Stop()
				return false
			}
		case <-changed:
		case <-c.gone:
			timer.Stop()
			return false
		case <-c.s.closed:
			timer.Stop()
			return false
		}
		timer.Stop()
	}
}

// hungUp tells whether the client closed its end and left nothing to read.
func (c *client) hungUp() bool {
	raw := c.output.raw
	if raw == nil {
		return false
	}
	gone := false
	var one [1]byte
	err := raw.Control(func(fd uintptr) {
		n, _, err := unix.Recvfrom(int(fd), one[:], unix.MSG_PEEK|unix.MSG_DONTWAIT)
		gone = n == 0 && err == nil || err != nil && err != unix.EAGAIN && err != unix.EINTR
	})
	return gone || err != nil
}
