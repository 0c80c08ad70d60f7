package testbed

import (
	"fmt"
	"slices"
	"time"
)

// Cluster is one monitored master with its replicas and its Sentinels.
type Cluster struct {
	Name      string // of the master
	Redis     []*Redis
	Sentinels []*Sentinel
	Events    *Events
}

// ClusterOptions say how a Cluster is made.
type ClusterOptions struct {
	Name            string        // default mm
	Replicas        int           // default 2
	Kinds           []Kind        // one for each Sentinel; default three of ours
	Quorum          int           // default a majority
	DownAfter       time.Duration // default 1 s
	FailoverTimeout time.Duration // default 60 s
	Lines           []string      // further lines of each sentinel.conf
}

func (o *ClusterOptions) fill() {
	if o.Name == "" {
		o.Name = "mm"
	}
	if o.Replicas == 0 {
		o.Replicas = 2
	}
	if o.Kinds == nil {
		o.Kinds = []Kind{Ours, Ours, Ours}
	}
	if o.Quorum == 0 {
		o.Quorum = len(o.Kinds)/2 + 1
	}
	if o.DownAfter == 0 {
		o.DownAfter = time.Second
	}
	if o.FailoverTimeout == 0 {
		o.FailoverTimeout = time.Minute
	}
}

// Cluster starts redis1 (the master), redis2... and sentinel1..., and waits
// until all know each other. The instances have the priorities 10, 20...: the
// replica with the smallest number is the one to be promoted.
func (b *Bed) Cluster(o ClusterOptions) (*Cluster, error) {
	o.fill()
	c := &Cluster{Name: o.Name, Events: &Events{}}
	for i := range 1 + o.Replicas {
		ro := RedisOptions{Lines: []string{fmt.Sprintf("replica-priority %d", 10*(i+1))}}
		if i > 0 {
			ro.Master = c.Redis[0]
		}
		r, err := b.Redis(fmt.Sprintf("redis%d", i+1), ro)
		if err != nil {
			return c, err
		}
		c.Redis = append(c.Redis, r)
	}
	lines := append([]string{
		fmt.Sprintf("sentinel monitor %s %s %d %d", o.Name, c.Redis[0].Host, c.Redis[0].Port, o.Quorum),
		fmt.Sprintf("sentinel down-after-milliseconds %s %d", o.Name, o.DownAfter.Milliseconds()),
		fmt.Sprintf("sentinel failover-timeout %s %d", o.Name, o.FailoverTimeout.Milliseconds()),
		fmt.Sprintf("sentinel parallel-syncs %s 1", o.Name),
	}, o.Lines...)
	for i, kind := range o.Kinds {
		s, err := b.Sentinel(fmt.Sprintf("sentinel%d", i+1), SentinelOptions{Kind: kind, Lines: lines})
		if err != nil {
			return c, err
		}
		c.Sentinels = append(c.Sentinels, s)
		if err := c.Events.Follow(s); err != nil {
			return c, err
		}
	}
	return c, c.Settle(30 * time.Second)
}

// Settle waits until every running Sentinel names the same master and sees all
// replicas and all other Sentinels up, and all replicas follow that master.
func (c *Cluster) Settle(patience time.Duration) error {
	return Until(patience, c.settled)
}

func (c *Cluster) settled() error {
	m, err := c.Master()
	if err != nil {
		return err
	}
	if err := m.IsMaster(); err != nil {
		return err
	}
	for _, r := range c.Redis {
		if r == m {
			continue
		}
		if err := r.Follows(m.Addr()); err != nil {
			return err
		}
	}
	for _, s := range c.Sentinels {
		if err := s.Sees(c.Name, len(c.Redis)-1, len(c.Sentinels)-1); err != nil {
			return err
		}
	}
	return nil
}

// Master is the instance that all running Sentinels name; an error if they
// disagree.
func (c *Cluster) Master() (*Redis, error) {
	addr := ""
	for _, s := range c.Sentinels {
		if !s.Running() {
			continue
		}
		got, err := s.Master(c.Name)
		if err != nil {
			return nil, err
		}
		if addr == "" {
			addr = got
		}
		if got != addr {
			return nil, fmt.Errorf("%s names %s, another names %s", s.Name, got, addr)
		}
	}
	return c.At(addr)
}

// At is the instance with that address.
func (c *Cluster) At(addr string) (*Redis, error) {
	i := slices.IndexFunc(c.Redis, func(r *Redis) bool { return r.Addr() == addr })
	if i < 0 {
		return nil, fmt.Errorf("no instance at %q", addr)
	}
	return c.Redis[i], nil
}

// Others are the instances but r.
func (c *Cluster) Others(r *Redis) []*Redis {
	return slices.DeleteFunc(slices.Clone(c.Redis), func(x *Redis) bool { return x == r })
}

// Best is the replica to be promoted in place of m.
func (c *Cluster) Best(m *Redis) *Redis { return c.Others(m)[0] }

// Agree waits until every Sentinel names another master than old, and the same
// one, and returns it.
func (c *Cluster) Agree(old *Redis, patience time.Duration) (*Redis, error) {
	var now *Redis
	err := Until(patience, func() error {
		m, err := c.Master()
		if err != nil {
			return err
		}
		if m == old {
			return fmt.Errorf("all still name %s", old.Name)
		}
		now = m
		return m.IsMaster()
	})
	return now, err
}
