package stress

import (
	"fmt"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"gosentinel/integration/fixture"
	"gosentinel/internal/testbed"
)

// A thousand instances that accept connections and never say a word cost no
// more than a thousand at whose address nobody listens.
//
// Rule: W-26, R-24.
func TestMuteInstances(t *testing.T) {
	const instances, downAfter = 1000, 5 * time.Second
	period := time.Duration(short(15, 60)) * time.Second
	mayOpen(t, 4*instances+1000)
	bed := fixture.BedOf(t, fixture.Programs)
	port, nobody := bed.Port(), bed.Port()
	var mute, dead []string
	for i := range instances {
		addr := loopback(i, port)
		ln, err := net.Listen("tcp", addr)
		require.NoError(t, err)
		silence(t, ln)
		mute = append(mute, monitor(fmt.Sprintf("m%d", i), addr, 1, downAfter)...)
		dead = append(dead, monitor(fmt.Sprintf("m%d", i), loopback(i, nobody), 1, downAfter)...)
	}
	watch := func(name string, lines []string) *testbed.Sentinel {
		s, err := bed.Sentinel(name, testbed.SentinelOptions{Lines: lines})
		require.NoError(t, err)
		return s
	}
	sentinels := []*testbed.Sentinel{watch("mute", mute), watch("dead", dead)}
	for _, s := range sentinels {
		require.NoError(t, testbed.Until(time.Minute, func() error { return allDown(s, instances) }))
	}
	var before, after [2]usage
	for i, s := range sentinels {
		before[i] = usageOf(t, s.PID())
	}
	<-time.After(period) // both at the same time, so that the machine is the same to them
	var share [2]float64
	for i, s := range sentinels {
		after[i] = usageOf(t, s.PID())
		share[i] = 100 * (after[i].cpu - before[i].cpu).Seconds() / period.Seconds()
		say(t, "%d %s instances: %.1f %% of a core, %.1f MB resident, %d descriptors", instances, s.Name, share[i], float64(after[i].residentKB)/1024, after[i].descriptors)
	}
	atMost(t, share[0], share[1]+1, "percent of a core")
	atMost(t, after[0].residentKB, after[1].residentKB+16<<10, "kilobytes resident")
	// Two links for each, and those before them, whose ends get a second to close.
	require.LessOrEqual(t, after[0].descriptors, 4*instances+100)
}

// silence accepts all that connect and keeps them, without a word, until the
// end of the test. What they send is left to the kernel.
func silence(t *testing.T, ln net.Listener) {
	var wait sync.WaitGroup
	wait.Go(func() {
		var conns []net.Conn
		for {
			conn, err := ln.Accept()
			if err != nil {
				break
			}
			conns = append(conns, conn)
		}
		for _, c := range conns {
			c.Close()
		}
	})
	t.Cleanup(func() {
		ln.Close()
		wait.Wait()
	})
}

func allDown(s *testbed.Sentinel, masters int) error {
	v, err := s.Do("SENTINEL", "MASTERS")
	if err != nil {
		return err
	}
	down := 0
	for _, m := range v.Elems {
		if strings.Contains(testbed.Fields(m)["flags"], "s_down") {
			down++
		}
	}
	if down < masters {
		return fmt.Errorf("%s sees %d of %d down", s.Name, down, masters)
	}
	return nil
}

// loopback is one address of many.
func loopback(n, port int) string {
	return fmt.Sprintf("127.%d.%d.%d:%d", 100+n/(250*250), n/250%250, 1+n%250, port)
}

// monitor are the lines that have a Sentinel watch a master.
func monitor(name, addr string, quorum int, downAfter time.Duration) []string {
	host, port, _ := net.SplitHostPort(addr)
	return []string{
		fmt.Sprintf("sentinel monitor %s %s %s %d", name, host, port, quorum),
		fmt.Sprintf("sentinel down-after-milliseconds %s %d", name, downAfter.Milliseconds()),
	}
}
