package sentinel

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// What peers said before we were cut off confirms nothing: they may have moved
// on, and a Sentinel that is back would turn replicas to the old master.
//
// Rule: W-12, R-24.
func TestOnlyWhatPeersSayNowConfirms(t *testing.T) {
	r := newRig(t, around(watched("mm", "10.0.0.1", 6379, 2), 1, 2))
	m := r.c.masters[0]
	hello := func() { r.hear(helloOf(0, 0, "10.0.0.1,6379", 0)) }
	require.False(t, r.c.confirmed(m), "nobody has said anything")
	hello()
	require.True(t, r.c.confirmed(m), "two of three")
	r.wait(6 * time.Second)
	require.True(t, r.c.confirmed(m))
	r.wait(time.Millisecond)
	require.False(t, r.c.confirmed(m), "silent for more than three publish periods")
	hello()
	require.True(t, r.c.confirmed(m))
	m.peers[0].sdown = true
	require.False(t, r.c.confirmed(m), "down")
}
