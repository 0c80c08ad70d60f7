package clients

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"

	"gosentinel/integration/fixture"
	"gosentinel/internal/testbed"
)

const password = "foobared"

// HAProxy sends a client to the node that says that it is a master. The client
// knows HAProxy's port only: after a failover, while the old master comes back
// as one and is made a replica, and after the failback, it has a connection
// again and its data.
//
// Rule: B-713, the clients of a master that is replaced are disconnected, so
// that also one that asks nothing learns of it.
func TestHAProxy(t *testing.T) {
	t.Parallel()
	haproxy := program(t, "haproxy")
	bed := fixture.Bed(t)
	c := newAuthCluster(t, bed)
	port := strconv.Itoa(bed.Port())
	env := []string{"env", "PORT=" + port, "PASSWORD=" + password}
	for i, r := range c.Redis {
		env = append(env, fmt.Sprintf("REDIS%d=%s", i+1, r.Addr()))
	}
	proxy := start(t, bed, "haproxy", append(env, haproxy, "-db", "-f", testdata("haproxy.cfg"))...)
	l := &load{log: within(t, bed, func(ctx context.Context, say func(string)) {
		client := redis.NewClient(&redis.Options{Addr: "127.0.0.1:" + port, Password: password, PoolSize: 1})
		defer client.Close()
		write(ctx, func(ctx context.Context, n int) error { return client.SAdd(ctx, key, n).Err() }, say)
	})}

	// A check every 3 s: two that succeed make a node good, three that fail
	// make it bad.
	const noticed = 9*time.Second + resume
	old, now := c.Redis[0], c.Redis[1]
	l.survives(t, now, noticed, func() {
		old.Kill()
		m, err := c.Agree(old, 30*time.Second)
		require.NoError(t, err)
		require.Same(t, now, m)
	})
	l.kept(t, now)

	require.NoError(t, old.Up())
	require.NoError(t, old.IsMaster())
	require.NoError(t, c.Settle(30*time.Second))
	l.kept(t, now)

	idle := throughProxy(t, "127.0.0.1:"+port)
	l.survives(t, old, noticed, func() { require.Same(t, old, byHand(t, c, now)) })
	l.kept(t, old)
	_, err := idle.Receive()
	require.ErrorIs(t, err, io.EOF)
	require.True(t, proxy.Running())
}

// throughProxy connects to the master through HAProxy at addr, which may not
// know yet that another node is none any more.
func throughProxy(t *testing.T, addr string) *testbed.Client {
	t.Helper()
	var client *testbed.Client
	fixture.Until(t, 30*time.Second, func() error {
		c, err := testbed.Dial(addr, password)
		if err != nil {
			return err
		}
		role, err := c.Do("ROLE")
		if err == nil && role.Elems[0].Str != "master" {
			err = errors.New("connected to a replica")
		}
		if err != nil {
			c.Close()
			return err
		}
		client = c
		return nil
	})
	t.Cleanup(func() { client.Close() })
	return client
}

// newAuthCluster makes a settled cluster with a password. As is usual where
// clients may meet a stale master, a master without replicas takes no writes.
func newAuthCluster(t *testing.T, bed *testbed.Bed) *testbed.Cluster {
	t.Helper()
	begin := time.Now()
	c := &testbed.Cluster{Name: "mm", Events: &testbed.Events{}}
	t.Cleanup(func() {
		c.Events.Close()
		if t.Failed() {
			t.Log("\n" + c.Events.Text(begin))
		}
	})
	for i := range 3 {
		o := testbed.RedisOptions{Pass: password, Lines: []string{
			fmt.Sprintf("replica-priority %d", 10*(i+1)),
			"min-replicas-to-write 1",
		}}
		if i > 0 {
			o.Master = c.Redis[0]
		}
		r, err := bed.Redis(fmt.Sprintf("redis%d", i+1), o)
		require.NoError(t, err)
		c.Redis = append(c.Redis, r)
	}
	for i := range 3 {
		s, err := bed.Sentinel(fmt.Sprintf("sentinel%d", i+1), testbed.SentinelOptions{Lines: []string{
			fmt.Sprintf("sentinel monitor %s %s %d 2", c.Name, c.Redis[0].Host, c.Redis[0].Port),
			fmt.Sprintf("sentinel auth-pass %s %s", c.Name, password),
			fmt.Sprintf("sentinel down-after-milliseconds %s 1000", c.Name),
		}})
		require.NoError(t, err)
		c.Sentinels = append(c.Sentinels, s)
		require.NoError(t, c.Events.Follow(s))
	}
	require.NoError(t, c.Settle(30*time.Second))
	return c
}
