package testbed

import (
	"context"
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

// sight is the first thing that a probe saw.
type sight struct {
	addr  string // of the new master
	at    time.Time
	named bool // by a Sentinel; else it took a write
}

// Measure watches the replicas and the Sentinels of a master, carries out the
// fault, and waits until a replica accepts writes and every Sentinel names it.
func Measure(name, old string, replicas []Target, sentinels []*Sentinel, patience time.Duration, fault func() error) (Takeover, error) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	seen := make(chan sight, len(replicas)+len(sentinels))
	watch := func(addr, pass string, named bool, look func(*Client) string) error {
		c, err := Dial(addr, pass)
		if err != nil {
			return err
		}
		go func() {
			got, at := probe(ctx, c, addr, pass, look)
			seen <- sight{got, at, named}
		}()
		return nil
	}
	for _, r := range replicas {
		err := watch(r.Addr, r.Pass, false, func(c *Client) string {
			if _, err := c.Do("SET", "probe", "1"); err != nil {
				return ""
			}
			return r.Addr
		})
		if err != nil {
			return Takeover{}, err
		}
	}
	for _, s := range sentinels {
		err := watch(s.Addr(), s.Pass, true, func(c *Client) string {
			v, err := c.Do("SENTINEL", "GET-MASTER-ADDR-BY-NAME", name)
			if err != nil || len(v.Elems) != 2 || v.Elems[0].Str+":"+v.Elems[1].Str == old {
				return ""
			}
			return v.Elems[0].Str + ":" + v.Elems[1].Str
		})
		if err != nil {
			return Takeover{}, err
		}
	}
	begin := time.Now()
	if err := fault(); err != nil {
		return Takeover{}, err
	}
	return collect(ctx, seen, begin, len(sentinels))
}

// collect waits until a replica has taken a write and all Sentinels have named
// it.
func collect(ctx context.Context, seen <-chan sight, begin time.Time, sentinels int) (Takeover, error) {
	var out Takeover
	var named []string
	for len(named) < sentinels || out.Master == "" {
		s := sight{}
		select {
		case s = <-seen:
		case <-ctx.Done():
		}
		switch {
		case s.addr == "":
			return out, fmt.Errorf("no takeover: writes at %q after %v; Sentinels name %v", out.Master, out.Writable, named)
		case s.named:
			named = append(named, s.addr)
			out.Named = max(out.Named, s.at.Sub(begin))
		case out.Master != "":
			return out, fmt.Errorf("two replicas accept writes: %s and %s", out.Master, s.addr)
		default:
			out.Master, out.Writable = s.addr, s.at.Sub(begin)
		}
	}
	for _, addr := range named {
		if addr != out.Master {
			return out, fmt.Errorf("%s accepts writes, but Sentinels name %v", out.Master, named)
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
