package sentinel

import (
	"bytes"
	"fmt"
	"strconv"
	"time"
)

// clone is what is known of another process that announces our run id, as it
// does whose sentinel.conf is a copy of ours: both vote as one, and nobody can
// hear both.
type clone struct {
	heardAt time.Duration // its last hello; never
	since   time.Duration // of its first
	toldAt  time.Duration // when the log was last told; never
	lasts   bool
}

// hearOwn looks at a hello with our run id: one of ours, which every instance
// sends back, says where we are.
//
// Rule: B-421, B-932.
func (c *Core) hearOwn(payload []byte) {
	ip, rest, _ := bytes.Cut(payload, []byte{','})
	port, _, _ := bytes.Cut(rest, []byte{','})
	if c.isOurs(ip, port) {
		return
	}
	k := &c.clone
	k.heardAt = c.now.Mono
	if !k.lasts {
		k.lasts, k.since = true, c.now.Mono
	}
	if k.toldAt != never && c.now.Mono-k.toldAt < complaintEvery {
		return
	}
	k.toldAt = c.now.Mono
	c.logLine(LevelWarning, fmt.Sprintf("Another process announces our run id %s, at %q port %q: it needs another sentinel myid, as both vote as one",
		c.myID, ip[:min(len(ip), 64)], port[:min(len(port), 8)]))
}

// isOurs reports whether we announce ourselves so, or have lately.
func (c *Core) isOurs(ip, port []byte) bool {
	if c.now.Mono < c.movedAt+discoveryPeriods*c.params.publishPeriod {
		return true // what we said before may be under way
	}
	var b [8]byte
	if !bytes.Equal(port, strconv.AppendInt(b[:0], int64(c.helloPort()), 10)) {
		return false
	}
	if c.announceIP != "" {
		return string(ip) == c.announceIP
	}
	return len(c.ownIPs) == 0 || c.ownIPs[string(ip)]
}

// maxOwnIPs bounds the addresses of ours that are remembered; a host has few.
const maxOwnIPs = 64

// noteOwnIP remembers an address of ours, as a connection has it.
func (c *Core) noteOwnIP(ip string) {
	if ip != "" && len(c.ownIPs) < maxOwnIPs {
		c.ownIPs[ip] = true
	}
}

// endClone tells the log that the other has not been heard any more.
//
// Rule: B-932.
func (c *Core) endClone() {
	k := &c.clone
	if !k.lasts || c.now.Mono-k.heardAt <= discoveryPeriods*c.params.publishPeriod {
		return
	}
	k.lasts = false
	c.logLine(LevelWarning, fmt.Sprintf("Nobody else announces our run id any more, after %d s", (k.heardAt-k.since)/time.Second))
}
