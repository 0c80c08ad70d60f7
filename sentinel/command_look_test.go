package sentinel

import (
	"bytes"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"gosentinel/conf"
)

// looked are requests that Look answers. What it says is compared with the reply
// of a step wherever a test of this package asks (rig.look).
var looked = [][]string{
	{"SENTINEL", "MASTERS"}, {"sentinel", "primaries"},
	{"SENTINEL", "MASTER", "mm"}, {"SENTINEL", "PRIMARY", "mm"}, {"SENTINEL", "MASTER", "no"},
	{"SENTINEL", "REPLICAS", "mm"}, {"SENTINEL", "SLAVES", "mm"}, {"SENTINEL", "REPLICAS", "no"},
	{"SENTINEL", "SENTINELS", "mm"}, {"SENTINEL", "SENTINELS", "no"},
	{"SENTINEL", "CKQUORUM", "mm"}, {"SENTINEL", "CKQUORUM", "no"},
	{"SENTINEL", "MYID"}, {"ROLE"}, {"INFO"},
}

// looks asks Look for each of looked and gives how many it answered.
func (r *rig) looks() (n int) {
	r.t.Helper()
	for _, args := range looked {
		if _, ok := r.c.Look(nil, r.now, request(1, args...).Args, 2); ok {
			n++
		}
	}
	return n
}

// Rule: K-2.1, K-3, K-4: what changes nothing is answered without a step, as by
// one, and changes nothing.
func TestLookAnswersAsAStep(t *testing.T) {
	r := newRig(t, around(watched("mm", "10.0.0.1", 6379, 2), 2, 2))
	r.wait(time.Second)
	m := r.c.byName["mm"]
	for _, change := range []func(){
		func() {},
		func() { m.replicas[0].info.Announced = false },
		func() { m.peers[0].opinionDown, m.peers[0].answeredAt = true, r.now.Mono-time.Second },
		func() { m.peers[1].leader, m.peers[1].leaderEpoch = testID, 7 },
		func() { m.notifyScript, m.reconfigScript = "/n", "/r" },
		func() { r.c.announceHostnames = true },
		func() { r.c.tilt, r.c.tiltAt = true, r.now.Mono },
		func() { r.c.saveError = "No space left on device" },
		func() {
			m.peers[0].sdown, m.peers[0].link.downs = true, 1
			m.peers[1].sdown, m.peers[1].link.downs = true, 1
		},
	} {
		change()
		var before, after bytes.Buffer
		require.NoError(t, r.c.Dump(&before))
		require.Equal(t, len(looked), r.looks())
		require.NoError(t, r.c.Dump(&after))
		require.Equal(t, before.String(), after.String())
		for _, args := range looked {
			r.do(args...)
		}
	}
	for _, args := range [][]string{
		{}, {"PING"}, {"SENTINEL"}, {"SENTINEL", "RESET", "mm"}, {"SENTINEL", "GET-MASTER-ADDR-BY-NAME", "mm"},
		{"SENTINEL", "IS-MASTER-DOWN-BY-ADDR", "10.0.0.1", "6379", "0", "*"}, {"SENTINEL", "INFO-CACHE", "mm"},
		{"SENTINEL", "FAILOVER", "mm"}, {"PUBLISH", helloChannel, "x"},
	} {
		_, ok := r.c.Look(nil, r.now, request(1, args...).Args, 2)
		require.False(t, ok, "%q", args)
	}
}

// Rule: E-40: a reply shows epochs and addresses.
func TestLookShowsNothingThatIsNotOnDisk(t *testing.T) {
	r := newRig(t, around(watched("mm", "10.0.0.1", 6379, 2), 1, 1))
	r.do("SENTINEL", "SET", "mm", "quorum", "1")
	require.Zero(t, r.looks())
	r.step(Persisted{Seq: r.c.seq - 1})
	require.Zero(t, r.looks())
	r.step(Persisted{Seq: r.c.seq})
	require.Equal(t, len(looked), r.looks())
}

// Rule: K-2.2, B-801: a Sentinel that is stuck looks stuck.
func TestLookSaysNothingWhenTicksAreLate(t *testing.T) {
	r := newRig(t, around(watched("mm", "10.0.0.1", 6379, 2), 1, 1))
	r.wait(time.Second)
	r.now.Mono = r.c.lastTick + tickEvery + stallMin
	require.Equal(t, len(looked), r.looks())
	r.now.Mono++
	require.Zero(t, r.looks())
	r.step(Tick{})
	require.Equal(t, len(looked), r.looks())
}

// What is long is left to a step: who looks keeps others waiting.
func TestLookIsShort(t *testing.T) {
	boot := watchedNone()
	add := func() {
		boot.Masters = append(boot.Masters, watched(fmt.Sprint("m", len(boot.Masters)), "10.0.0.1", 1+len(boot.Masters), 2).Masters[0])
	}
	for range lookRows {
		add()
	}
	most := boot.Masters[0]
	for i := range lookRows {
		most.Replicas = append(most.Replicas, conf.Endpoint{Host: "10.0.0.2", Port: 1 + i})
		most.Sentinels = append(most.Sentinels, conf.Peer{Addr: conf.Endpoint{Host: "10.0.0.3", Port: 1 + i}, RunID: fmt.Sprintf("%040d", i)})
	}
	can := func(boot conf.State, args ...string) bool {
		r := newRig(t, boot)
		r.do(args...)
		_, ok := r.c.Look(nil, r.now, request(1, args...).Args, 2)
		return ok
	}
	masters, replicas, peers := []string{"SENTINEL", "MASTERS"}, []string{"SENTINEL", "REPLICAS", "m0"}, []string{"SENTINEL", "SENTINELS", "m0"}
	for _, args := range [][]string{masters, replicas, peers} {
		require.True(t, can(boot, args...), "%q", args)
	}
	most.Replicas = append(most.Replicas, conf.Endpoint{Host: "10.0.0.4", Port: 1})
	most.Sentinels = append(most.Sentinels, conf.Peer{Addr: conf.Endpoint{Host: "10.0.0.4", Port: 1}, RunID: peerID(1)})
	add()
	for _, args := range [][]string{masters, replicas, peers} {
		require.False(t, can(boot, args...), "%q", args)
	}
	require.True(t, can(boot, "INFO"))
	require.True(t, can(boot, "ROLE"))
	for len(boot.Masters) <= lookLines {
		add()
	}
	require.False(t, can(boot, "INFO"))
	require.False(t, can(boot, "ROLE"))
}

// BenchmarkLook is SENTINEL MASTERS and INFO without a step.
func BenchmarkLook(b *testing.B) {
	for _, args := range [][]string{{"SENTINEL", "MASTERS"}, {"INFO"}} {
		b.Run(args[len(args)-1], func(b *testing.B) {
			c, err := New(Stamp{Mono: time.Hour}, around(watched("mm", "10.0.0.1", 6379, 2), 2, 2), 1)
			if err != nil {
				b.Fatal(err)
			}
			c.Start()
			in := request(1, args...)
			var buf []byte
			b.ReportAllocs()
			for b.Loop() {
				var ok bool
				if buf, ok = c.Look(buf[:0], Stamp{Mono: time.Hour}, in.Args, 2); !ok {
					b.Fatal("no answer")
				}
			}
		})
	}
}

// Rule: S2.11: what is asked all day allocates nothing.
func TestLookAllocatesNothing(t *testing.T) {
	r := newRig(t, around(watched("mm", "10.0.0.1", 6379, 2), 2, 2))
	buf := make([]byte, 0, 16<<10)
	for _, args := range looked {
		if args[0] == "ROLE" || len(args) > 1 && args[1] == "CKQUORUM" {
			continue // they are values
		}
		in := request(1, args...)
		require.Zero(t, testing.AllocsPerRun(100, func() { _, _ = r.c.Look(buf, r.now, in.Args, 2) }), "%q", args)
	}
}
