package partition

import (
	"errors"
	"fmt"
	"time"

	"gosentinel/integration/fixture"
	"gosentinel/internal/testbed"
)

// masterName is the name of the one master.
const masterName = "mm"

// downAfter and failoverTimeout are those of every Sentinel. The second is
// short beside the default of 180 s: an original waits twice as long after an
// attempt that came to nothing, and that time is measured here too.
const (
	downAfter       = time.Second
	failoverTimeout = 6 * time.Second
)

// warmUp is how old a world is when its first cut comes. A Sentinel that has
// only just started starts no failover (E-18) and drops no connection (B-116);
// both are over by then.
const warmUp = 17 * time.Second

// options say how a world is made.
type options struct {
	kinds       [3]testbed.Kind // of the Sentinels, by their number
	beside      bool            // Sentinel 1 is on the master's host
	minReplicas bool            // min-replicas-to-write 1, min-replicas-max-lag 2
}

// world is three hosts of Redis, Sentinels on two of them, one more host that
// may have the third Sentinel, and one of a client:
//
//	a  redis1 (master at first), perhaps sentinel1; the near client
//	b  redis2, sentinel2
//	c  redis3, sentinel3
//	s  sentinel1, if it is not on a
//	p  the far client
type world struct {
	net           *network
	a, b, c, s, p *host

	bed     *testbed.Bed
	cluster *testbed.Cluster
	homes   map[string]*host // by the name of a Sentinel
}

// newWorld makes a world and waits until it has settled. The caller calls
// close in any case.
func newWorld(o options) (*world, error) {
	w := &world{homes: map[string]*host{}}
	n, err := newNetwork(5)
	w.net = n
	if err != nil {
		return w, err
	}
	w.a, w.b, w.c, w.s, w.p = n.hosts[0], n.hosts[1], n.hosts[2], n.hosts[3], n.hosts[4]
	if w.bed, err = testbed.New(fixture.Programs); err != nil {
		return w, err
	}
	w.cluster = &testbed.Cluster{Name: masterName, Events: &testbed.Events{}}
	if err := w.addRedis(o.minReplicas); err != nil {
		return w, err
	}
	if err := w.addSentinels(o); err != nil {
		return w, err
	}
	up := time.Now()
	if err := w.cluster.Settle(40 * time.Second); err != nil {
		return w, err
	}
	<-time.After(warmUp - time.Since(up))
	return w, nil
}

func (w *world) addRedis(minReplicas bool) error {
	for i, h := range []*host{w.a, w.b, w.c} {
		o := testbed.RedisOptions{Host: h.ip, Port: 6379, Wrapper: h.wrapper(), Lines: []string{
			"protected-mode no",
			fmt.Sprintf("replica-priority %d", 10*(i+1)),
		}}
		if minReplicas {
			o.Lines = append(o.Lines, "min-replicas-to-write 1", "min-replicas-max-lag 2")
		}
		if i > 0 {
			o.Master = w.cluster.Redis[0]
		}
		r, err := w.bed.Redis(fmt.Sprintf("redis%d", i+1), o)
		if err != nil {
			return err
		}
		w.cluster.Redis = append(w.cluster.Redis, r)
	}
	return nil
}

func (w *world) addSentinels(o options) error {
	first := w.s
	if o.beside {
		first = w.a
	}
	for i, h := range []*host{first, w.b, w.c} {
		s, err := w.bed.Sentinel(fmt.Sprintf("sentinel%d", i+1), testbed.SentinelOptions{
			Kind: o.kinds[i], Host: h.ip, Port: 26379, Wrapper: h.wrapper(),
			Lines: []string{
				fmt.Sprintf("sentinel monitor %s %s 6379 2", masterName, w.a.ip),
				fmt.Sprintf("sentinel down-after-milliseconds %s %d", masterName, downAfter.Milliseconds()),
				fmt.Sprintf("sentinel failover-timeout %s %d", masterName, failoverTimeout.Milliseconds()),
			},
		})
		if err != nil {
			return err
		}
		w.cluster.Sentinels = append(w.cluster.Sentinels, s)
		w.homes[s.Name] = h
		if err := w.cluster.Events.Follow(s); err != nil {
			return err
		}
	}
	return nil
}

// close ends and removes everything; it may be called for half a world.
func (w *world) close() error {
	var err error
	if w.cluster != nil {
		w.cluster.Events.Close()
	}
	if w.bed != nil {
		err = w.bed.Close()
	}
	if w.net != nil {
		w.net.close()
	}
	return err
}

// isolate cuts hosts off from all others, both ways.
func (w *world) isolate(hosts ...*host) error { return w.net.split(hosts, w.net.rest(hosts...)) }

// errNoEvent is what await gives when time is up.
var errNoEvent = errors.New("no such event")

// await waits for an event since begin, of any Sentinel.
func (w *world) await(begin time.Time, name string, patience time.Duration) (testbed.Event, error) {
	deadline := time.NewTimer(patience)
	defer deadline.Stop()
	tick := time.NewTicker(200 * time.Microsecond) // a failover of ours takes a few milliseconds
	defer tick.Stop()
	for {
		if found := w.cluster.Events.Named(begin, "", name); len(found) > 0 {
			return found[0], nil
		}
		select {
		case <-tick.C:
		case <-deadline.C:
			return testbed.Event{}, fmt.Errorf("%w within %v: %s", errNoEvent, patience, name)
		}
	}
}
