package integration

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"gosentinel/integration/fixture"
	"gosentinel/internal/testbed"
)

// floodLimit is how many hellos a flood has at most.
const floodLimit = 60_000

// flood publishes forged hellos on an instance until it is stopped: rising
// epochs, host names that nobody has, places where no Sentinel is, and junk.
func flood(r *testbed.Redis, ids []string, stop <-chan struct{}, sent *atomic.Int64) {
	var c *testbed.Client
	for i := 0; i < floodLimit; {
		select {
		case <-stop:
			return
		default:
		}
		if c == nil { // the clients of an instance are killed when it is told its role
			var err error
			if c, err = r.Dial(); err != nil {
				c = nil
				continue
			}
		}
		n := 0
		for ; n < 200; n++ {
			if c.Send("PUBLISH", "__sentinel__:hello", forged(r, ids[(i+n)%len(ids)], i+n)) != nil {
				break
			}
		}
		for k := 0; k < n; k++ {
			if _, err := c.Receive(); err != nil {
				n = 0
				break
			}
		}
		if n < 200 {
			c.Close()
			c = nil
		}
		i += 200
		sent.Store(int64(i))
	}
}

// forged is a hello that its sender has not sent.
func forged(r *testbed.Redis, id string, i int) string {
	hello := func(host string, port int, id, name, masterHost string) string {
		return fmt.Sprintf("%s,%d,%s,%d,%s,%s,%d,0", host, port, id, 1000+i, name, masterHost, r.Port)
	}
	none := fmt.Sprintf("forged-%d.invalid", i)
	switch i % 6 {
	case 0:
		return hello("127.0.0.1", 1, id, "mm", "127.0.0.1")
	case 1:
		return hello(none, 26379, id, "mm", "127.0.0.1")
	case 2:
		return hello("127.0.0.1", 1+i%60_000, id, "mm", none)
	case 3:
		return hello(none, 26379, fmt.Sprintf("%040x", i), "another", none)
	case 4:
		return hello("127.0.0.1", 0, fmt.Sprintf("%040x", i), "mm", "127.0.0.1")
	}
	return strings.Repeat(",", i%100)
}

// While a monitored instance is flooded with forged hellos, the master dies: it
// is failed over and the scripts of it run, the file and the log do not grow with
// the flood, and the memory does not.
//
// Rule: B-430, B-431, B-923, R-10, R-19, W-29.
func TestFailoverDuringAFloodOfHellos(t *testing.T) {
	t.Parallel()
	bed := fixture.Bed(t)
	dir := t.TempDir()
	script := func(name string) string {
		path := filepath.Join(dir, name)
		require.NoError(t, os.WriteFile(path, []byte("#!/bin/sh\necho \"$@\" >> "+path+".log\n"), 0o755))
		return path
	}
	c := fixture.Cluster(t, bed, testbed.ClusterOptions{DownAfter: 2 * time.Second, Lines: []string{
		"sentinel resolve-hostnames yes",
		"sentinel notification-script mm " + script("notify"),
		"sentinel client-reconfig-script mm " + script("reconfig"),
	}})
	var ids []string
	for _, s := range c.Sentinels {
		ids = append(ids, must(s.Do("SENTINEL", "MYID")).Str)
	}
	begin := time.Now()
	old := c.Redis[0]
	stop, ended, sent := make(chan struct{}), make(chan struct{}), &atomic.Int64{}
	go func() {
		defer close(ended)
		flood(c.Redis[2], ids, stop, sent)
	}()
	atLeast := func(n int64) {
		fixture.Until(t, time.Minute, func() error {
			if got := sent.Load(); got < n {
				return fmt.Errorf("%d hellos sent", got)
			}
			return nil
		})
	}
	atLeast(10_000)
	for _, s := range c.Sentinels {
		require.NoError(t, s.Sees("mm", 2, 2), "nobody moves")
	}
	old.Kill()
	now, err := c.Agree(old, time.Minute)
	require.NoError(t, err)
	atLeast(20_000)
	close(stop)
	<-ended

	read := func(name string) error {
		text, err := os.ReadFile(filepath.Join(dir, name+".log"))
		if err != nil {
			return err
		}
		for _, want := range map[string][]string{
			"notify":   {"+try-failover", "+promoted-slave", fmt.Sprintf("+switch-master mm %s %d %s %d", old.Host, old.Port, now.Host, now.Port)},
			"reconfig": {fmt.Sprintf("mm leader start %s %d %s %d", old.Host, old.Port, now.Host, now.Port), "mm observer start"},
		}[name] {
			if !strings.Contains(string(text), want) {
				return fmt.Errorf("no %q in %s.log", want, name)
			}
		}
		return nil
	}
	for _, name := range []string{"notify", "reconfig"} {
		fixture.Until(t, time.Minute, func() error { return read(name) })
	}
	seconds := int(time.Since(begin)/time.Second) + 1
	for _, s := range c.Sentinels {
		requireCalm(t, s, seconds)
	}
}

// requireCalm checks that a flood of so many seconds has left little behind.
func requireCalm(t *testing.T, s *testbed.Sentinel, seconds int) {
	t.Helper()
	log := must(os.ReadFile(s.Log))
	require.LessOrEqual(t, strings.Count(string(log), "+new-epoch"), seconds+5, s.Name)
	require.Less(t, len(log), 1000*(seconds+100), s.Name)
	info := must(s.Do("SENTINEL", "SENTINELS", "mm"))
	require.Len(t, info.Elems, 2, s.Name)
	status := must(os.ReadFile(fmt.Sprintf("/proc/%d/status", s.PID())))
	_, rest, _ := strings.Cut(string(status), "VmRSS:")
	kib := 0
	_, err := fmt.Sscanf(rest, "%d", &kib)
	require.NoError(t, err)
	require.Less(t, kib, 100<<10, "%s: KiB in memory", s.Name)
}
