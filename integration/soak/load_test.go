package soak

import (
	"context"
	"errors"
	"math/rand/v2"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"gosentinel/internal/testbed"
)

// load is clients of the Sentinels and of the master.
type load struct {
	stop context.CancelFunc
	wait sync.WaitGroup

	writes, refused atomic.Int64 // to the master
	queries         atomic.Int64 // to Sentinels
	subscriptions   atomic.Int64
}

// queriers is how many clients ask each Sentinel all the time.
const queriers = 2

func startLoad(c *testbed.Cluster) *load {
	ctx, stop := context.WithCancel(context.Background())
	l := &load{stop: stop}
	l.wait.Go(func() { l.write(ctx, c) })
	for _, s := range c.Sentinels {
		for i := range queriers {
			l.wait.Go(func() { l.query(ctx, c.Name, s.Addr(), uint64(i)) })
		}
		l.wait.Go(func() { l.subscribe(ctx, s.Addr()) })
	}
	return l
}

func (l *load) end() {
	l.stop()
	l.wait.Wait()
}

// pause waits, and reports whether to go on.
func pause(ctx context.Context, d time.Duration) bool {
	select {
	case <-ctx.Done():
		return false
	case <-time.After(d):
		return true
	}
}

// write asks any Sentinel for the master and writes there until that fails.
func (l *load) write(ctx context.Context, c *testbed.Cluster) {
	var conn *testbed.Client
	for n := 0; pause(ctx, 5*time.Millisecond); n++ {
		if conn == nil {
			conn = dialMaster(c, n)
			continue
		}
		if _, err := conn.Do("SET", "soak"+strconv.Itoa(n%1000), strconv.Itoa(n)); err != nil {
			l.refused.Add(1)
			conn.Close()
			conn = nil
			continue
		}
		l.writes.Add(1)
	}
	if conn != nil {
		conn.Close()
	}
}

func dialMaster(c *testbed.Cluster, n int) *testbed.Client {
	s := c.Sentinels[n%len(c.Sentinels)]
	q, err := testbed.DialTimeout(s.Addr(), "", 200*time.Millisecond)
	if err != nil {
		return nil
	}
	defer q.Close()
	q.Timeout = 200 * time.Millisecond
	v, err := q.Do("SENTINEL", "GET-MASTER-ADDR-BY-NAME", c.Name)
	if err != nil || len(v.Elems) != 2 {
		return nil
	}
	conn, err := testbed.DialTimeout(v.Elems[0].Str+":"+v.Elems[1].Str, "", 200*time.Millisecond)
	if err != nil {
		return nil
	}
	conn.Timeout = 500 * time.Millisecond
	return conn
}

// query asks one Sentinel this and that, on connections that do not last.
func (l *load) query(ctx context.Context, master, addr string, seed uint64) {
	r := rand.New(rand.NewPCG(seed, 1))
	questions := [][]string{
		{"PING"}, {"SENTINEL", "GET-MASTER-ADDR-BY-NAME", master}, {"SENTINEL", "MASTER", master}, {"SENTINEL", "MASTERS"},
		{"SENTINEL", "REPLICAS", master}, {"SENTINEL", "SENTINELS", master}, {"SENTINEL", "CKQUORUM", master}, {"INFO"}, {"ROLE"},
		{"CLIENT", "LIST"}, {"HELLO", "3"}, {"nonsense"}, {"SENTINEL", "INFO-CACHE", master},
	}
	for pause(ctx, 50*time.Millisecond) {
		c, err := testbed.DialTimeout(addr, "", 200*time.Millisecond)
		if err != nil {
			continue
		}
		c.Timeout = time.Second
		for range 1 + r.IntN(20) {
			_, err := c.Do(questions[r.IntN(len(questions))]...)
			if _, refused := errors.AsType[testbed.ReplyError](err); err != nil && !refused {
				break
			}
			l.queries.Add(1)
		}
		c.Close()
	}
}

// subscribe listens to everything for a moment, again and again.
func (l *load) subscribe(ctx context.Context, addr string) {
	for pause(ctx, 200*time.Millisecond) {
		c, err := testbed.DialTimeout(addr, "", 200*time.Millisecond)
		if err != nil {
			continue
		}
		c.Timeout = 500 * time.Millisecond
		if _, err := c.Do("PSUBSCRIBE", "*"); err == nil {
			l.subscriptions.Add(1)
			for {
				if _, err := c.Receive(); err != nil {
					break
				}
			}
		}
		c.Close()
	}
}
