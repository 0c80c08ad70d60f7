package main

import (
	"errors"
	"fmt"
	"net"
	"sync"
	"syscall"
	"time"

	"gosentinel/internal/testbed"
)

// A failover is measured with these settings.
const (
	downAfter       = time.Second
	failoverTimeout = 10 * time.Second
	// healPatience is the longest that one takeover or healing may take: the
	// original pauses for two failover-timeouts after an election without a
	// winner.
	healPatience = 60 * time.Second
)

// fault is one way to need a new master.
type fault struct {
	id, name string
	beyond   time.Duration // what is no delay of the Sentinels
	hit      func(c *testbed.Cluster, m *testbed.Redis) error
	heal     func(m *testbed.Redis) error
}

var faults = []fault{
	{"kill", "kill -9 the master", downAfter,
		func(_ *testbed.Cluster, m *testbed.Redis) error { m.Signal(syscall.SIGKILL); return nil },
		func(m *testbed.Redis) error { m.Wait(healPatience); return m.Up() }},
	{"stop", "SIGSTOP the master", downAfter,
		func(_ *testbed.Cluster, m *testbed.Redis) error { m.Signal(syscall.SIGSTOP); return nil },
		func(m *testbed.Redis) error { m.Signal(syscall.SIGCONT); return nil }},
	{"manual", "SENTINEL FAILOVER", 0,
		func(c *testbed.Cluster, _ *testbed.Redis) error {
			_, err := c.Sentinels[0].Do("SENTINEL", "FAILOVER", c.Name)
			return err
		},
		func(*testbed.Redis) error { return nil }},
}

// drill is one cluster that is hit again and again; it heals while the others
// are measured.
type drill struct {
	fault
	id       string // what the names of its measures begin with
	kind     testbed.Kind
	left     int           // runs
	patience time.Duration // the longest that one takeover or healing may take
	cluster  *testbed.Cluster
	bed      *testbed.Bed
}

func (f fault) measureID(sentinels int, what string) string {
	return f.drillID(sentinels) + "." + what
}

func (f fault) drillID(sentinels int) string { return fmt.Sprintf("failover.%d.%s", sentinels, f.id) }

// teams are the numbers of Sentinels that failovers are measured with.
func (b *bench) teams() []int {
	if b.quick {
		return []int{3}
	}
	return []int{3, 5}
}

// expectFailovers is what one run of all faults takes, original and ours, with
// the pauses for healing.
func (b *bench) expectFailovers() time.Duration {
	return time.Duration(len(b.teams())) * (15*time.Second + time.Duration(b.runs)*12*time.Second)
}

func (b *bench) failovers() error {
	for k, n := range b.teams() {
		if err := b.failoversOf(n, k); err != nil {
			return err
		}
	}
	return nil
}

// failoversOf measures all faults with so many Sentinels; it is the team
// number k.
func (b *bench) failoversOf(sentinels, k int) (err error) {
	drills := b.drills(sentinels)
	defer func() {
		for _, d := range drills {
			if d.cluster != nil {
				d.cluster.Events.Close()
			}
			if d.bed != nil {
				err = errors.Join(err, b.close(d.bed))
			}
		}
	}()
	b.progress.say("failover, %d Sentinels: starting %d clusters", sentinels, len(drills))
	if err := b.startDrills(drills, sentinels); err != nil {
		return err
	}
	pause(warmUp)
	for i := range b.runs {
		b.progress.part(k*b.runs+i, len(b.teams())*b.runs, "failover, %d Sentinels: run %d of %d", sentinels, i+1, b.runs)
		for _, d := range drills {
			if d.left == 0 {
				continue
			}
			d.left--
			if err := b.round(d); err != nil {
				return fmt.Errorf("%v, %s, run %d: %w\n%s", d.kind, d.name, i+1, err, d.bed.Logs(2000))
			}
		}
	}
	return nil
}

// drills are the clusters to start: one for each fault and kind, and more of
// them where more runs are wanted than rounds are made.
func (b *bench) drills(sentinels int) (out []*drill) {
	for _, f := range faults {
		for _, kind := range b.kinds {
			left := b.runs
			if f.id == "kill" && kind == testbed.Ours && sentinels == 3 {
				left = b.kills
			}
			for ; left > 0; left -= b.runs {
				out = append(out, &drill{fault: f, id: f.drillID(sentinels), kind: kind, left: min(left, b.runs), patience: healPatience})
			}
		}
	}
	return out
}

// startDrills starts all clusters at once.
func (b *bench) startDrills(drills []*drill, sentinels int) error {
	errs := make([]error, len(drills))
	var wg sync.WaitGroup
	for i, d := range drills {
		bed, err := b.open()
		if err != nil {
			errs[i] = err
			break
		}
		d.bed = bed
		wg.Go(func() {
			kinds := make([]testbed.Kind, sentinels)
			for k := range kinds {
				kinds[k] = d.kind
			}
			d.cluster, errs[i] = bed.Cluster(testbed.ClusterOptions{Kinds: kinds, DownAfter: downAfter, FailoverTimeout: failoverTimeout})
		})
	}
	wg.Wait()
	return errors.Join(errs...)
}

// round is one failover. The one before has been healing meanwhile.
func (b *bench) round(d *drill) error {
	c := d.cluster
	if err := c.Settle(d.patience); err != nil {
		return err
	}
	old, err := c.Master()
	if err != nil {
		return err
	}
	var targets []testbed.Target
	for _, r := range c.Others(old) {
		targets = append(targets, testbed.Target{Addr: r.Addr()})
	}
	took, err := testbed.Measure(c.Name, old.Addr(), targets, c.Sentinels, d.patience, func() error { return d.hit(c, old) })
	if err != nil {
		return err
	}
	b.report.add(d.id+".writable", d.kind, inMS(took.Writable-d.beyond))
	b.report.add(d.id+".named", d.kind, inMS(took.Named-d.beyond))
	if err := d.heal(old); err != nil {
		return err
	}
	return rejoin(old, took.Master, d.patience)
}

// rejoin has an old master follow the new one. Sentinels say so too, the
// original after some ten seconds; ours at once, and they break other
// connections then.
func rejoin(old *testbed.Redis, master string, patience time.Duration) error {
	host, port, err := net.SplitHostPort(master)
	if err != nil {
		return err
	}
	return testbed.Until(patience, func() error {
		role, follows, _, err := old.Role()
		if err != nil || role == "slave" && follows == master {
			return err
		}
		if _, err := old.Do("REPLICAOF", host, port); err != nil {
			return err
		}
		return fmt.Errorf("%s is a %s yet", old.Name, role)
	})
}
