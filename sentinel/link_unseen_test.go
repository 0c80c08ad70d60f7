package sentinel

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// Who cannot be reached for want of our own descriptors, say, is not taken for
// dead, however long that lasts, and one line a minute says why. Once a connect
// can be tried again silence counts, from then on.
//
// Rule: B-310.
func TestWantOfDescriptorsIsNoSignOfDeath(t *testing.T) {
	boot := watched("mm", "10.0.0.1", 6379, 1)
	boot.Masters[0].DownAfter = 500 * time.Millisecond
	r := newRig(t, boot)
	m := r.c.masters[0]
	warnings := 0
	lack := func(es []Effect) []Effect {
		for _, e := range es {
			if d, ok := e.Action.(Dial); ok {
				for _, e := range r.step(LinkDown{Link: d.Link, Ours: true, Reason: "Too many open files"}) {
					if a, ok := e.Action.(Emit); ok && a.Event.LogOnly && a.Event.Level == LevelWarning {
						warnings++
					}
				}
			}
		}
		return es
	}
	for range 300 {
		lack(r.wait(100 * time.Millisecond))
		require.False(t, m.sdown)
	}
	require.Equal(t, 1, warnings)

	r.wait(3 * time.Second) // now the connects are sent, and nobody answers
	require.True(t, m.sdown)
	down := m.sdownSince

	r.step(LinkDown{Link: m.link.cmd.id, Reason: "Connection timed out"})
	lack(r.wait(10 * time.Second))
	require.True(t, m.sdown, "what is down does not come up by it")
	require.Equal(t, down, m.sdownSince)
}

// The connections that there should be are counted as masters, replicas and
// peers come and go; a peer that is known under two masters has one.
//
// Rule: C-76.
func TestConnectionsAreCounted(t *testing.T) {
	r := newRig(t, around(watched("mm", "10.0.0.1", 6379, 2), 2, 3))
	require.Equal(t, 2*(1+2)+3, r.c.Connections())
	r.do("sentinel", "monitor", "other", "10.0.0.9", "6379", "2")
	require.Equal(t, 2*(1+2+1)+3, r.c.Connections())
	r.hear("10.0.0.3,26379," + peerID(0) + ",0,other,10.0.0.9,6379,0")
	require.Equal(t, 2*(1+2+1)+3, r.c.Connections())
	r.hear(helloOf(0, 3, "10.0.0.2,7000", 3)) // the replica is the master now
	require.Equal(t, 2*(1+2+1)+3, r.c.Connections())
	r.hear(helloOf(0, 4, "10.0.0.8,7000", 4)) // one that was not known
	require.Equal(t, 2*(1+3+1)+3, r.c.Connections())
	r.do("sentinel", "remove", "mm")
	require.Equal(t, 2+1, r.c.Connections())
	r.do("sentinel", "remove", "other")
	require.Zero(t, r.c.Connections())
}
