package partition

import (
	"context"
	"errors"
	"strconv"
	"strings"
	"sync"
	"time"

	"gosentinel/internal/testbed"
)

// writeEvery is the pace of a client: 100 writes a second.
const writeEvery = 10 * time.Millisecond

// clientTimeout is how long a client waits for a connection or an answer.
const clientTimeout = 300 * time.Millisecond

// ack is one write that was acknowledged.
type ack struct {
	number int
	at     time.Time
}

// client is an application on a host: it asks the Sentinels for the master,
// writes there as long as that goes well, and asks again when it does not.
type client struct {
	key       string // of the set that gets the number of each write
	sentinels []string

	mu      sync.Mutex
	acks    []ack
	refused int // error replies

	conn *testbed.Client
}

// start runs the client on a host until ctx ends; wait ends when it has.
func (c *client) start(ctx context.Context, h *host, wait *sync.WaitGroup) {
	wait.Go(func() {
		h.within(func() { c.run(ctx) })
	})
}

func (c *client) run(ctx context.Context) {
	tick := time.NewTicker(writeEvery)
	defer tick.Stop()
	for number := 1; ; number++ {
		select {
		case <-ctx.Done():
			c.hangUp()
			return
		case <-tick.C:
		}
		c.write(number)
	}
}

// write tries one write; it counts only if the master says that it did it.
func (c *client) write(number int) {
	if c.conn == nil && !c.connect() {
		return
	}
	_, err := c.conn.Do("SADD", c.key, strconv.Itoa(number))
	c.mu.Lock()
	defer c.mu.Unlock()
	refusal, isReply := errors.AsType[testbed.ReplyError](err)
	switch {
	case err == nil:
		c.acks = append(c.acks, ack{number, time.Now()})
	case isReply && strings.HasPrefix(string(refusal), "NOREPLICAS"):
		c.refused++ // it is the master, and may take writes again
	default:
		c.hangUp()
	}
}

// connect asks one Sentinel after the other, and dials what the first one to
// answer names.
func (c *client) connect() bool {
	for _, s := range c.sentinels {
		q, err := testbed.DialTimeout(s, "", clientTimeout)
		if err != nil {
			continue
		}
		q.Timeout = clientTimeout
		v, err := q.Do("SENTINEL", "GET-MASTER-ADDR-BY-NAME", masterName)
		q.Close()
		if err != nil || len(v.Elems) != 2 {
			continue
		}
		conn, err := testbed.DialTimeout(v.Elems[0].Str+":"+v.Elems[1].Str, "", clientTimeout)
		if err != nil {
			continue
		}
		conn.Timeout = clientTimeout
		c.conn = conn
		return true
	}
	return false
}

func (c *client) hangUp() {
	if c.conn != nil {
		c.conn.Close()
		c.conn = nil
	}
}

// since are the writes acknowledged at t or later.
func (c *client) since(t time.Time) []ack {
	c.mu.Lock()
	defer c.mu.Unlock()
	for i, a := range c.acks {
		if !a.at.Before(t) {
			return append([]ack(nil), c.acks[i:]...)
		}
	}
	return nil
}

// gap is the longest time between two acknowledged writes, or from begin to the
// first one.
func (c *client) gap(begin time.Time) time.Duration {
	longest, last := time.Duration(0), begin
	for _, a := range c.since(begin) {
		longest, last = max(longest, a.at.Sub(last)), a.at
	}
	return longest
}

// lost counts the acknowledged writes that a master does not have.
func (c *client) lost(m *testbed.Redis) (int, error) {
	v, err := m.Do("SMEMBERS", c.key)
	if err != nil {
		return 0, err
	}
	there := map[string]bool{}
	for _, e := range v.Elems {
		there[e.Str] = true
	}
	n := 0
	for _, a := range c.since(time.Time{}) {
		if !there[strconv.Itoa(a.number)] {
			n++
		}
	}
	return n, nil
}

// sample is what the watcher saw at worst.
type sample struct {
	masters int           // instances that were masters at once
	writing int           // masters that took writes at once
	two     time.Duration // how long more than one took writes
}

// watch asks all instances every few milliseconds until ctx ends, from where
// no cut is. The probe's own writes count for nothing.
func watch(ctx context.Context, instances []*testbed.Redis) sample {
	const every = 10 * time.Millisecond
	var worst sample
	conns := make([]*testbed.Client, len(instances))
	defer func() {
		for _, c := range conns {
			if c != nil {
				c.Close()
			}
		}
	}()
	tick := time.NewTicker(every)
	defer tick.Stop()
	last := time.Now()
	for {
		masters, writing := 0, 0
		for i, r := range instances {
			master, writes := probe(&conns[i], r)
			if master {
				masters++
			}
			if writes {
				writing++
			}
		}
		now := time.Now()
		worst.masters, worst.writing = max(worst.masters, masters), max(worst.writing, writing)
		if writing > 1 {
			worst.two += now.Sub(last)
		}
		last = now
		select {
		case <-ctx.Done():
			return worst
		case <-tick.C:
		}
	}
}

// probe asks one instance whether it is a master, and whether it takes writes.
func probe(conn **testbed.Client, r *testbed.Redis) (master, writes bool) {
	if *conn == nil {
		c, err := testbed.DialTimeout(r.Addr(), "", clientTimeout)
		if err != nil {
			return false, false
		}
		c.Timeout = clientTimeout
		*conn = c
	}
	v, err := (*conn).Do("ROLE")
	if err == nil {
		var role string
		role, _, _, err = testbed.ParseRole(v)
		master = role == "master"
	}
	if err == nil && master {
		_, err = (*conn).Do("SET", "probe", "1")
		writes = err == nil
		if _, refused := errors.AsType[testbed.ReplyError](err); refused {
			err = nil
		}
	}
	if err != nil {
		(*conn).Close()
		*conn = nil
	}
	return master, writes
}
