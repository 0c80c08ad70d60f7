package main

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"gosentinel/internal/fakeredis"
	"gosentinel/internal/testbed"
)

// What a fleet is measured with (design.md, section 8).
const (
	fleetDownAfter = 5 * time.Second
	fleetReplicas  = 2
	fleetPatience  = 2 * time.Minute
	promotionPoll  = 2 * time.Millisecond
)

// fleetOptions say what fleet is measured.
type fleetOptions struct {
	masters   int
	sentinels int
	die       int           // masters that die together
	idle      time.Duration // how long the processor time of doing nothing is measured
	kind      testbed.Kind
}

// measureFleet prints what one kind of Sentinel makes of many masters: how long
// it takes to discover all, what it costs while nothing happens, and how long
// the last of many failovers at once takes. The instances are simulated ones of
// this process.
func measureFleet(programs testbed.Programs, o fleetOptions) (err error) {
	bed, err := testbed.New(programs)
	if err != nil {
		return err
	}
	var fleet fakeredis.Fleet
	defer func() { err = errors.Join(err, bed.Close(), fleet.Close()) }()
	groups, err := startInstances(&fleet, o.masters, bed.Port())
	if err != nil {
		return err
	}

	var nodes []*testbed.Sentinel
	began := time.Now()
	for i := range o.sentinels {
		s, err := bed.Sentinel(fmt.Sprintf("sentinel%d", i+1), testbed.SentinelOptions{Kind: o.kind, Lines: monitorLines(groups, o.sentinels)})
		if err != nil {
			return fmt.Errorf("%w\n%s", err, bed.Logs(2000))
		}
		nodes = append(nodes, s)
	}
	for _, s := range nodes {
		if err := testbed.Until(fleetPatience, func() error { return discovered(s, o) }); err != nil {
			return err
		}
	}
	fmt.Printf("%v, %d masters, %d Sentinels: all discovered after %.1f s\n", o.kind, o.masters, o.sentinels, time.Since(began).Seconds())

	<-time.After(fleetDownAfter) // files are written, connections warm
	before, at := cpuTime(nodes[0].PID()), time.Now()
	<-time.After(o.idle)
	used := cpuTime(nodes[0].PID()) - before
	fmt.Printf("  idle: %.1f %% of a core, %.1f MB resident\n",
		100*used.Seconds()/time.Since(at).Seconds(), float64(residentKB(nodes[0].PID()))/1024)
	if o.die == 0 {
		return nil
	}
	if err := massFailover(groups[:min(o.die, len(groups))]); err != nil {
		return fmt.Errorf("%w\n%s", err, bed.Logs(4000))
	}
	return nil
}

// group is a master and its replicas.
type group []*fakeredis.Instance

// startInstances starts masters with their replicas, each on a loopback address
// of its own.
func startInstances(fleet *fakeredis.Fleet, masters, port int) ([]group, error) {
	groups := make([]group, masters)
	n := 0
	for i := range groups {
		master := ""
		for range 1 + fleetReplicas {
			addr := fmt.Sprintf("127.%d.%d.%d:%d", 100+n/(250*250), n/250%250, 1+n%250, port)
			n++
			x, err := fleet.Start(fakeredis.Options{Addr: addr, Master: master})
			if err != nil {
				return nil, err
			}
			groups[i] = append(groups[i], x)
			if master == "" {
				master = addr
			}
		}
	}
	return groups, nil
}

func monitorLines(groups []group, sentinels int) (lines []string) {
	for i, g := range groups {
		host, port, _ := strings.Cut(g[0].Addr(), ":")
		name := "m" + strconv.Itoa(i)
		lines = append(lines,
			fmt.Sprintf("sentinel monitor %s %s %s %d", name, host, port, sentinels/2+1),
			fmt.Sprintf("sentinel down-after-milliseconds %s %d", name, fleetDownAfter.Milliseconds()))
	}
	return lines
}

// discovered reports by nil that s knows all replicas and peers of all masters.
func discovered(s *testbed.Sentinel, o fleetOptions) error {
	v, err := s.Do("INFO", "sentinel")
	if err != nil {
		return err
	}
	want := fmt.Sprintf(",slaves=%d,sentinels=%d\r\n", fleetReplicas, o.sentinels)
	if got := strings.Count(v.Str, want); got != o.masters {
		return fmt.Errorf("%s has discovered %d of %d masters", s.Name, got, o.masters)
	}
	return nil
}

// massFailover kills the masters of all groups at once and prints when the
// first, the median and the last replica was promoted.
func massFailover(groups []group) error {
	began := time.Now()
	for _, g := range groups {
		if err := g[0].Kill(); err != nil {
			return err
		}
	}
	beyond := make([]time.Duration, 0, len(groups))
	left := slices.Clone(groups)
	for len(left) > 0 {
		left = slices.DeleteFunc(left, func(g group) bool {
			done := slices.ContainsFunc(g[1:], func(x *fakeredis.Instance) bool { return x.Master() == "" })
			if done {
				beyond = append(beyond, time.Since(began)-fleetDownAfter)
			}
			return done
		})
		if time.Since(began) > fleetPatience {
			return fmt.Errorf("%d masters have no successor after %v", len(left), fleetPatience)
		}
		<-time.After(promotionPoll)
	}
	fmt.Printf("  %d masters die together: promoted first %s, median %s, last %s ms beyond down-after\n",
		len(groups), ms(beyond[0]), ms(quantile(beyond, 50)), ms(quantile(beyond, 100)))
	return nil
}

// tick is the unit of processor time in /proc: USER_HZ is 100 everywhere.
const tick = 10 * time.Millisecond

// cpuTime is the processor time that a process has used.
func cpuTime(pid int) time.Duration {
	text, _ := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	_, rest, _ := strings.Cut(string(text), ") ")
	f := strings.Fields(rest)
	if len(f) < 13 {
		return 0
	}
	user, _ := strconv.Atoi(f[11])
	system, _ := strconv.Atoi(f[12])
	return time.Duration(user+system) * tick
}

// residentKB is how much memory of a process is in RAM, in kilobytes.
func residentKB(pid int) int {
	text, _ := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	_, rest, _ := strings.Cut(string(text), "VmRSS:")
	f := strings.Fields(rest)
	if len(f) == 0 {
		return 0
	}
	kb, _ := strconv.Atoi(f[0])
	return kb
}
