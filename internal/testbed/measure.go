package testbed

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// probePeriod is how often an instance or a Sentinel is asked, and so how
// exact the times are.
const probePeriod = time.Millisecond

// Target is an instance of which writes are tried.
type Target struct {
	Addr string
	Pass string
}

// Takeover is what a failover took, from just before the fault.
type Takeover struct {
	Master   string        // address of the new master
	Writable time.Duration // until it took a write
	Named    time.Duration // until every Sentinel named it
}

// Measure watches the replicas and the Sentinels of a master, carries out the
// fault, and waits until a replica accepts writes and every Sentinel names it.
func Measure(name, old string, replicas []Target, sentinels []*Sentinel, patience time.Duration, fault func() error) (Takeover, error) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	type sight struct {
		addr  string
		at    time.Time
		named bool
	}
	ready := make(chan error)
	seen := make(chan sight)
	watch := func(addr, pass string, named bool, look func(*Client) string) {
		report := func(err error) {
			select {
			case ready <- err:
			case <-ctx.Done():
			}
		}
		c, err := Dial(addr, pass)
		report(err)
		if err != nil {
			return
		}
		got, at := probe(ctx, c, addr, pass, look)
		select {
		case seen <- sight{got, at, named}:
		case <-ctx.Done():
		}
	}
	for _, r := range replicas {
		go watch(r.Addr, r.Pass, false, func(c *Client) string {
			if _, err := c.Do("SET", "probe", "1"); err != nil {
				return ""
			}
			return r.Addr
		})
	}
	for _, s := range sentinels {
		go watch(s.Addr(), s.Pass, true, func(c *Client) string {
			v, err := c.Do("SENTINEL", "GET-MASTER-ADDR-BY-NAME", name)
			if err != nil || len(v.Elems) != 2 || v.Elems[0].Str+":"+v.Elems[1].Str == old {
				return ""
			}
			return v.Elems[0].Str + ":" + v.Elems[1].Str
		})
	}
	for range len(replicas) + len(sentinels) {
		if err := <-ready; err != nil {
			return Takeover{}, err
		}
	}
	begin := time.Now()
	if err := fault(); err != nil {
		return Takeover{}, err
	}
	var out Takeover
	for told := 0; told < len(sentinels) || out.Master == ""; {
		select {
		case <-ctx.Done():
			return out, fmt.Errorf("no takeover of %s: writes at %q after %v, named by %d Sentinels: %w", old, out.Master, out.Writable, told, ctx.Err())
		case s := <-seen:
			if s.named {
				told++
				out.Named = max(out.Named, s.at.Sub(begin))
				continue
			}
			if out.Master != "" {
				return out, errors.New("two replicas accept writes: " + out.Master + " and " + s.addr)
			}
			out.Master, out.Writable = s.addr, s.at.Sub(begin)
		}
	}
	return out, nil
}

// probe looks once a period until it sees something, and says when that was.
// A connection that breaks is made anew.
func probe(ctx context.Context, c *Client, addr, pass string, look func(*Client) string) (string, time.Time) {
	defer func() { c.Close() }()
	tick := time.NewTicker(probePeriod)
	defer tick.Stop()
	for {
		if got := look(c); got != "" {
			return got, time.Now()
		}
		if c.broken {
			c.Close()
			if again, err := Dial(addr, pass); err == nil {
				c = again
			}
		}
		select {
		case <-ctx.Done():
			return "", time.Time{}
		case <-tick.C:
		}
	}
}
