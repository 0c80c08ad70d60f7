package sim

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"gosentinel/conf"
	"gosentinel/internal/rng"
)

// Two Sentinels are apart for ever when neither knows the other and they know
// nothing in common, whatever the file of one says: a RESET is not written for
// itself.
//
// Rule: B-104, K-2.4, I-11.
func TestApartIsWhatTheCoreKnows(t *testing.T) {
	w, n, m, r := testWorld()
	o := addFake(w, "s2", "10.0.9.2")
	watches := func(n *Node, i *Instance, peers ...conf.Peer) {
		at := conf.Endpoint{Host: i.addr.IP, Port: i.addr.Port}
		n.core.(*fakeCore).state.Masters = []*conf.Master{{Name: "m", Addr: at, Sentinels: peers}}
	}
	watches(n, m, conf.Peer{Addr: conf.Endpoint{Host: o.addr.IP, Port: o.addr.Port}})
	watches(o, r)
	w.check.reset = true
	require.False(t, w.apart(n, "m"))
	require.False(t, w.apart(o, "m"))

	n.Disk.saved, _ = n.core.Durable()
	watches(n, m)
	require.True(t, w.apart(n, "m"))
	require.True(t, w.apart(o, "m"))
	w.check.reset = false
	require.False(t, w.apart(n, "m"))
}

// However changes of priorities overlap, in the end all are what they were.
func TestPrioritiesComeBack(t *testing.T) {
	w, _, m, r := testWorld()
	r.SetPriority(10)
	f := &faults{p: &Plan{}, w: w, r: rng.New(1), priorities: map[*Instance]int{}}
	for range 50 {
		f.changePriority()
		w.Run(100 * time.Millisecond)
	}
	w.Run(time.Minute)
	require.Equal(t, 100, m.opt.Priority)
	require.Equal(t, 10, r.opt.Priority)
}
