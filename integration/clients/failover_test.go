package clients

import (
	"context"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"gosentinel/integration/fixture"
	"gosentinel/internal/testbed"
)

// resume is how long a client may take to write again once all Sentinels name
// the new master. Each client waits for at most 1 s between two attempts.
const resume = 30 * time.Second

// libraries are the clients, each with how to run it.
var libraries = []struct {
	name    string
	listens bool                      // it subscribes to the events of a Sentinel
	argv    func(*testing.T) []string // skips the test if something is missing
	run     func(context.Context, target, func(string))
}{
	{name: "redis-cli", argv: shell},
	{name: "go-redis", listens: true, run: goRedis},
	{name: "rueidis", listens: true, run: rueidisLoad},
	{name: "ioredis", listens: true, argv: node("ioredis", "ioredis.js")},
	{name: "node-redis", listens: true, argv: node("redis", "noderedis.js")},
	{name: "redis-py", argv: python},
	{name: "phpredis", argv: php},
	{name: "ruby-redis", argv: ruby},
}

// Each client knows nothing but the addresses of three Sentinels and a name. It
// writes without end while the master is killed, and again while an operator
// fails over by hand; it goes on with the new master by itself, and nothing is
// lost but what asynchronous replication may lose.
//
// Rule: R-13.
func TestClientThroughFailover(t *testing.T) {
	for _, lib := range libraries {
		t.Run(lib.name, func(t *testing.T) {
			t.Parallel()
			bed := fixture.Bed(t)
			var argv []string
			if lib.argv != nil {
				argv = lib.argv(t)
			}
			c := fixture.Cluster(t, bed, testbed.ClusterOptions{})
			to := target{name: c.Name}
			for _, s := range c.Sentinels {
				to.sentinels = append(to.sentinels, s.Addr())
			}
			l := &load{}
			if lib.run != nil {
				l.log = within(t, bed, func(ctx context.Context, say func(string)) { lib.run(ctx, to, say) })
			} else {
				l.log = start(t, bed, "client", append(append(argv, to.name, key), to.sentinels...)...).Log
			}
			if lib.listens {
				fixture.Until(t, 30*time.Second, func() error { return listens(c) })
			}

			old := must(c.Master())
			var now *testbed.Redis
			l.survives(t, c.Best(old), resume, func() {
				old.Kill()
				var err error
				now, err = c.Agree(old, 30*time.Second)
				require.NoError(t, err)
			})
			l.kept(t, now)

			l.survives(t, c.Redis[2], resume, func() { now = byHand(t, c, now) })
			require.Same(t, c.Redis[2], now)
			l.kept(t, now)
		})
	}
}

// byHand fails over by command, and returns the new master when the old one
// follows it.
func byHand(t *testing.T, c *testbed.Cluster, old *testbed.Redis) *testbed.Redis {
	t.Helper()
	fixture.Until(t, 30*time.Second, func() error { // the last failover may still be under way
		_, err := c.Sentinels[0].Do("SENTINEL", "FAILOVER", c.Name)
		return err
	})
	now, err := c.Agree(old, 30*time.Second)
	require.NoError(t, err)
	fixture.Until(t, 30*time.Second, func() error { return old.Follows(now.Addr()) })
	return now
}

func shell(t *testing.T) []string {
	program(t, "redis-cli")
	return []string{program(t, "sh"), testdata("rediscli.sh")}
}

// node runs a program with a package of npm.
func node(pkg, script string) func(*testing.T) []string {
	return func(t *testing.T) []string {
		path := program(t, "node")
		fixture.Needs(t, exec.Command(path, "-e", "require('"+pkg+"')").Run() == nil, pkg+" (npm)")
		return []string{path, testdata(script)}
	}
}

// python runs the system's own interpreter, which has the system's packages;
// another may come first in PATH.
func python(t *testing.T) []string {
	path := "/usr/bin/python3"
	fixture.Needs(t, exec.Command(path, "-c", "import redis.sentinel").Run() == nil, "python3-redis")
	return []string{path, testdata("redispy.py")}
}

func php(t *testing.T) []string {
	path := program(t, "php")
	fixture.Needs(t, exec.Command(path, "-r", "new RedisSentinel('127.0.0.1', 1);").Run() == nil, "php-redis")
	return []string{path, testdata("phpredis.php")}
}

func ruby(t *testing.T) []string {
	path := program(t, "ruby")
	fixture.Needs(t, exec.Command(path, "-e", "require 'redis'").Run() == nil, "ruby-redis")
	return []string{path, testdata("rubyredis.rb")}
}

// testdata is the full path of a file there: programs run in other folders.
func testdata(name string) string { return must(filepath.Abs(filepath.Join("testdata", name))) }

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}
