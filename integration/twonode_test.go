package integration

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"gosentinel/integration/fixture"
	"gosentinel/internal/testbed"
)

// twoNodes is the set-up that the project exists for: two Redis servers with
// passwords and one Sentinel.
type twoNodes struct {
	redis    [2]*testbed.Redis
	sentinel *testbed.Sentinel
	events   *testbed.Events
	shown    [2]string // how the Sentinel names each
}

// Two servers and one Sentinel, with passwords: the master is stopped, comes
// back, and the other is stopped as soon as it may be. Nothing waits for a
// failover-timeout.
//
// Rule: B-113, B-610, B-730 to B-732, B-1120 to B-1123, W-7, W-12, R-10.
func TestTwoNodesAndOneSentinel(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name  string
		lines []string // of sentinel.conf
		names bool     // configured by host name
		shown bool     // shown by host name
	}{
		{name: "addresses"},
		{name: "host names", names: true, lines: []string{"sentinel resolve-hostnames yes"}},
		{name: "host names, announced", names: true, shown: true,
			lines: []string{"sentinel resolve-hostnames yes", "sentinel announce-hostnames yes"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			n := newTwoNodes(t, tc.lines, tc.names, tc.shown)
			n.goThere(t)
			n.comeBack(t)
		})
	}
}

func newTwoNodes(t *testing.T, lines []string, names, shown bool) *twoNodes {
	t.Helper()
	bed := fixture.Bed(t)
	if !bed.HasNetwork() {
		t.Skip("skipped for want of loopback addresses beyond 127.0.0.1")
	}
	ips := []string{bed.IP(1), bed.IP(2)}
	hosts := ips
	var wrapper []string
	if names {
		hosts = []string{"redis1", "redis2"}
		wrapper = hostsFile(t, bed, map[string]string{"redis1": ips[0], "redis2": ips[1]})
	}
	n := &twoNodes{events: &testbed.Events{}}
	for i := range n.redis {
		o := testbed.RedisOptions{Host: hosts[i], Bind: ips[i], Port: 6379, Pass: "TestPass", Wrapper: wrapper,
			// All of 127.0.0.0/8 is one host; on two hosts nobody needs this line.
			Lines: []string{"bind-source-addr " + ips[i]}}
		if names {
			o.Lines = append(o.Lines, "replica-announce-ip "+hosts[i])
		}
		if i > 0 {
			o.Master = n.redis[0]
		}
		r, err := bed.Redis(fmt.Sprintf("redis%d", i+1), o)
		require.NoError(t, err)
		n.redis[i] = r
		n.shown[i] = ips[i] + ":6379"
		if shown {
			n.shown[i] = r.Addr()
		}
	}
	s, err := bed.Sentinel("sentinel", testbed.SentinelOptions{
		Host: bed.IP(3), Bind: bed.IP(3) + " " + bed.IP(4), Port: 26379, Wrapper: wrapper,
		Lines: append(lines,
			"sentinel monitor master01 "+hosts[0]+" 6379 1",
			"sentinel down-after-milliseconds master01 3000",
			"sentinel failover-timeout master01 6000",
			"sentinel parallel-syncs master01 1",
			"sentinel auth-pass master01 TestPass",
		)})
	require.NoError(t, err)
	_, err = testbed.Do(bed.IP(4)+":26379", "", "PING")
	require.NoError(t, err, "the second address of bind")
	require.NoError(t, n.events.Follow(s))
	begin := time.Now()
	t.Cleanup(func() {
		n.events.Close()
		if t.Failed() {
			t.Log("\n" + n.events.Text(begin))
		}
	})
	n.sentinel = s
	fixture.Until(t, 30*time.Second, func() error { return n.tells(0) })
	fixture.Until(t, 30*time.Second, func() error { return s.Sees("master01", 1, 0) })
	// A Sentinel that knows of no others stands for no election within the
	// first three periods of its hellos (E-18).
	require.NoError(t, testbed.Announced(ips[0]+":6379", "TestPass", n.shown[0], 1, 4, 30*time.Second))
	return n
}

// goThere stops redis1 and starts it again.
func (n *twoNodes) goThere(t *testing.T) {
	begin := time.Now()
	require.True(t, n.redis[0].Stop(10*time.Second))
	fixture.Until(t, 30*time.Second, n.redis[1].IsMaster)
	n.within(t, begin, 3*time.Second, 15*time.Second, "redis2 is master")
	fixture.Until(t, 30*time.Second, func() error { return n.tells(1) })
	require.Len(t, n.events.Named(begin, "", "+switch-master"), 1)

	require.NoError(t, n.redis[0].Up())
	back := time.Now()
	fixture.Until(t, 20*time.Second, func() error {
		role, _, _, err := n.redis[0].Role()
		if err == nil && role != "slave" {
			err = fmt.Errorf("redis1 is %s", role)
		}
		return err
	})
	n.within(t, back, 0, 8*time.Second, "redis1 is a replica")
}

// comeBack stops redis2 as soon as redis1 is a linked replica of it.
func (n *twoNodes) comeBack(t *testing.T) {
	fixture.Until(t, 20*time.Second, func() error { return n.redis[0].Follows(n.shown[1]) })
	begin := time.Now()
	require.True(t, n.redis[1].Stop(10*time.Second))
	fixture.Until(t, 40*time.Second, n.redis[0].IsMaster)
	n.within(t, begin, 3*time.Second, 15*time.Second, "redis1 is master again")
	fixture.Until(t, 30*time.Second, func() error { return n.tells(0) })

	require.NoError(t, n.redis[1].Up())
	fixture.Until(t, 20*time.Second, func() error { return n.redis[1].Follows(n.shown[0]) })
	fixture.Until(t, 20*time.Second, func() error { return n.sentinel.Sees("master01", 1, 0) })
	require.Len(t, n.events.Named(begin, "", "+switch-master"), 1)
}

// within checks how long ago begin is; the test goes on in any case. What is
// longer than most is another way of getting there, not a slow machine: the
// original has an old master replicate after some ten seconds.
func (n *twoNodes) within(t *testing.T, begin time.Time, least, most time.Duration, what string) {
	t.Helper()
	took := time.Since(begin)
	t.Logf("%s after %v", what, took.Round(time.Millisecond))
	assert.GreaterOrEqual(t, took, least, what)
	assert.LessOrEqual(t, took, most, what)
}

// tells reports by nil that INFO names redis i+1 as the healthy master.
func (n *twoNodes) tells(i int) error {
	v, err := n.sentinel.Do("INFO", "sentinel")
	if err != nil {
		return err
	}
	want := "master0:name=master01,status=ok,address=" + n.shown[i] + ",slaves=1,sentinels=1"
	if !strings.Contains(v.Str, want+"\r\n") {
		return fmt.Errorf("INFO has no line %s:\n%s", want, v.Str)
	}
	return n.sentinel.Names("master01", n.shown[i])
}

// hostsFile gives a command that runs another with a hosts file of its own,
// in a mount namespace of its own, so that names resolve without any DNS.
func hostsFile(t *testing.T, bed *testbed.Bed, names map[string]string) (wrapper []string) {
	t.Helper()
	file := filepath.Join(bed.Dir, "hosts")
	text := "127.0.0.1 localhost\n"
	for name, ip := range names {
		text += ip + " " + name + "\n"
	}
	require.NoError(t, os.WriteFile(file, []byte(text), 0o644))
	flags := "-m"
	if os.Geteuid() != 0 {
		flags = "-rm"
	}
	wrapper = []string{"unshare", flags, "sh", "-c", `mount --bind "$0" /etc/hosts && exec "$@"`, file}
	if out, err := exec.Command(wrapper[0], append(wrapper[1:], "true")...).CombinedOutput(); err != nil {
		t.Skipf("skipped for want of mount namespaces (unshare %s: %v %s)", flags, err, out)
	}
	return wrapper
}
