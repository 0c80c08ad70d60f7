// Command bench measures how long a failover takes, with the system's
// redis-sentinel and with ours in turn, in one run on one machine: three
// Sentinels, one master, two replicas, down-after 1000 ms. It prints medians
// and 95th percentiles in milliseconds beyond down-after.
//
// One cluster for each kind of Sentinel and fault runs all the time, so that
// one heals while the others are measured.
package main

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"time"

	"gosentinel/internal/testbed"
)

const downAfter = time.Second

// patience is the longest that one takeover or healing may take: the original
// pauses for two failover-timeouts after an election without a winner.
const (
	failoverTimeout = 10 * time.Second
	patience        = 60 * time.Second
)

// fault is one way to need a new master.
type fault struct {
	name   string
	beyond time.Duration // what is no delay of ours
	hit    func(c *testbed.Cluster, m *testbed.Redis) error
	heal   func(m *testbed.Redis) error
}

var faults = []fault{
	{"kill -9", downAfter,
		func(_ *testbed.Cluster, m *testbed.Redis) error { m.Signal(syscall.SIGKILL); return nil },
		func(m *testbed.Redis) error { m.Wait(patience); return m.Up() }},
	{"SIGSTOP", downAfter,
		func(_ *testbed.Cluster, m *testbed.Redis) error { m.Signal(syscall.SIGSTOP); return nil },
		func(m *testbed.Redis) error { m.Signal(syscall.SIGCONT); return nil }},
	{"SENTINEL FAILOVER", 0,
		func(c *testbed.Cluster, _ *testbed.Redis) error {
			_, err := c.Sentinels[0].Do("SENTINEL", "FAILOVER", c.Name)
			return err
		},
		func(*testbed.Redis) error { return nil }},
}

// series is one cluster with what was measured on it.
type series struct {
	fault
	kind     testbed.Kind
	cluster  *testbed.Cluster
	bed      *testbed.Bed
	writable []time.Duration
	named    []time.Duration
}

func main() {
	ours := flag.String("sentinel", "bin/redis-sentinel", "our daemon")
	runs := flag.Int("runs", 20, "failovers of each kind")
	only := flag.String("only", "", "`ours` or `original`: leave the other out")
	masters := flag.Int("masters", 0, "measure a fleet of so many simulated masters instead of failover time")
	sentinels := flag.Int("sentinels", 1, "how many Sentinels watch the fleet")
	die := flag.Int("die", 100, "how many masters of the fleet die together")
	idle := flag.Duration("idle", 20*time.Second, "how long the fleet does nothing while its cost is measured")
	flag.Parse()
	interrupt := make(chan os.Signal, 1)
	signal.Notify(interrupt, os.Interrupt, syscall.SIGTERM)
	if *masters > 0 {
		if err := fleets(*ours, *only, fleetOptions{masters: *masters, sentinels: *sentinels, die: *die, idle: *idle}); err != nil {
			fmt.Fprintln(os.Stderr, "bench:", err)
			os.Exit(1)
		}
		return
	}
	if err := run(*ours, *runs, *only, interrupt); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// fleets measures a fleet with each kind of Sentinel.
func fleets(ours, only string, o fleetOptions) error {
	for _, o.kind = range []testbed.Kind{testbed.Original, testbed.Ours} {
		if only != "" && only != o.kind.String() {
			continue
		}
		if err := measureFleet(testbed.Find(ours), o); err != nil {
			return err
		}
	}
	return nil
}

func run(ours string, runs int, only string, interrupt <-chan os.Signal) (err error) {
	programs := testbed.Find(ours)
	var all []*series
	defer func() {
		for _, s := range all {
			s.cluster.Events.Close()
			err = errors.Join(err, s.bed.Close())
		}
	}()
	for _, f := range faults {
		for _, kind := range []testbed.Kind{testbed.Original, testbed.Ours} {
			if only != "" && only != kind.String() {
				continue
			}
			bed, err := testbed.New(programs)
			if err != nil {
				return err
			}
			c, err := bed.Cluster(testbed.ClusterOptions{
				Kinds:     []testbed.Kind{kind, kind, kind},
				DownAfter: downAfter, FailoverTimeout: failoverTimeout,
			})
			all = append(all, &series{fault: f, kind: kind, cluster: c, bed: bed})
			if err != nil {
				return fmt.Errorf("%v, %s: %w\n%s", kind, f.name, err, bed.Logs(2000))
			}
		}
	}
	for i := range runs {
		for _, s := range all {
			if err := s.round(); err != nil {
				return fmt.Errorf("run %d, %v, %s: %w\n%s", i+1, s.kind, s.name, err, s.bed.Logs(4000))
			}
			select {
			case <-interrupt:
				return errors.New("interrupted")
			default:
			}
		}
		fmt.Fprintf(os.Stderr, "\rrun %d of %d", i+1, runs)
	}
	fmt.Fprintln(os.Stderr)
	report(all, runs)
	return nil
}

// round is one failover. The one before has been healing meanwhile.
func (s *series) round() error {
	c := s.cluster
	if err := c.Settle(patience); err != nil {
		return err
	}
	old, err := c.Master()
	if err != nil {
		return err
	}
	var replicas []testbed.Target
	for _, r := range c.Others(old) {
		replicas = append(replicas, testbed.Target{Addr: r.Addr()})
	}
	took, err := testbed.Measure(c.Name, old.Addr(), replicas, c.Sentinels, patience, func() error { return s.hit(c, old) })
	if err != nil {
		return err
	}
	s.writable = append(s.writable, took.Writable-s.beyond)
	s.named = append(s.named, took.Named-s.beyond)
	return s.heal(old)
}

func report(all []*series, runs int) {
	fmt.Printf("ms beyond down-after-milliseconds (of the manual failover: after the command), %d runs each\n", runs)
	fmt.Printf("%s\n\n", machine())
	fmt.Printf("%-18s %-9s %10s %10s %10s %10s\n", "", "", "writable", "", "all name", "")
	fmt.Printf("%-18s %-9s %10s %10s %10s %10s\n", "fault", "Sentinels", "median", "p95", "median", "p95")
	for _, s := range all {
		fmt.Printf("%-18s %-9s %10s %10s %10s %10s\n", s.name, s.kind,
			ms(quantile(s.writable, 50)), ms(quantile(s.writable, 95)), ms(quantile(s.named, 50)), ms(quantile(s.named, 95)))
	}
}

// quantile is the smallest value that p percent of the values do not pass.
func quantile(v []time.Duration, p int) time.Duration {
	s := slices.Sorted(slices.Values(v))
	return s[max(0, (len(s)*p+99)/100-1)]
}

func ms(d time.Duration) string { return fmt.Sprintf("%.1f", float64(d.Microseconds())/1000) }

// machine says on what this was measured.
func machine() string {
	model := "unknown processor"
	if text, err := os.ReadFile("/proc/cpuinfo"); err == nil {
		for line := range strings.SplitSeq(string(text), "\n") {
			if name, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(name) == "model name" {
				model = strings.TrimSpace(value)
				break
			}
		}
	}
	return fmt.Sprintf("%s/%s, %d cores, %s, %s", runtime.GOOS, runtime.GOARCH, runtime.NumCPU(), model, runtime.Version())
}
