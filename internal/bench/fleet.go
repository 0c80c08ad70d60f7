package main

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"gosentinel/internal/testbed"
)

const (
	// idlePart is over how long one sample of idle cost is taken: every
	// instance is asked for INFO once in it.
	idlePart = 10 * time.Second
	// ourPatience is how long ours may take to discover a fleet.
	ourPatience = 60 * time.Second
	// ourMassPatience is how long ours may take to replace masters that die
	// together; they die again only before massTime is over.
	ourMassPatience = 60 * time.Second
	massTime        = 45 * time.Second
	// discoverTime is after what time no discovery is repeated.
	discoverTime = 15 * time.Second
	// lookPeriod is how often a Sentinel is asked how far it has come.
	lookPeriod = 50 * time.Millisecond
)

// fleetID names a measure of a fleet under one Sentinel.
func fleetID(masters int, what string) string { return fmt.Sprintf("fleet.%d.%s", masters, what) }

// massSize is the fleet under one Sentinel of which masters die: the largest of
// up to a thousand, else the first.
func (o *options) massSize() int {
	size := o.masters[0]
	for _, n := range o.masters {
		if n <= 1000 {
			size = n
		}
	}
	return size
}

// fleets measures how cost grows with the number of masters, and how long it
// takes when many of one fleet die together, under one Sentinel.
func (b *bench) fleets() error { return b.measureFleets(b.fleetRuns()) }

func (b *bench) expectFleets() time.Duration { return b.expectAll(b.fleetRuns()) }

func (b *bench) fleetRuns() (all []fleetRun) {
	for _, n := range b.masters {
		for _, kind := range b.kinds {
			f := fleetRun{id: fleetID(n, ""), masters: n, sentinels: 1, kind: kind}
			if n == b.massSize() {
				f.die = b.die
			}
			all = append(all, f)
		}
	}
	return all
}

// mass measures how long it takes when many masters die together under three
// Sentinels.
func (b *bench) mass() error { return b.measureFleets(b.massRuns()) }

func (b *bench) expectMass() time.Duration { return b.expectAll(b.massRuns()) }

func (b *bench) massRuns() (all []fleetRun) {
	for _, kind := range b.kinds {
		all = append(all, fleetRun{id: "crowd.", masters: b.crowd, sentinels: 3, die: b.crowdDie, kind: kind})
	}
	return all
}

func (b *bench) expectAll(runs []fleetRun) (sum time.Duration) {
	for _, f := range runs {
		sum += b.expectFleet(f)
	}
	return sum
}

// expectFleet is how long one fleet was seen to take, about.
func (b *bench) expectFleet(f fleetRun) time.Duration {
	masters, dead := time.Duration(f.masters), time.Duration(f.die)
	discovery, failover := time.Second+2*masters*time.Millisecond, b.downAfter+time.Second
	if f.kind == testbed.Original {
		discovery = min(b.patience, 3*time.Second+25*masters*time.Millisecond)
		failover += dead * 1200 * time.Millisecond / time.Duration(f.sentinels*f.sentinels)
	}
	again := time.Duration(b.repeats - 1)
	sum := discovery + min(again*discovery, discoverTime) + b.settle + b.idle
	if f.die > 0 {
		sum += failover + min(again*failover, massTime)
	}
	return sum
}

func (b *bench) measureFleets(runs []fleetRun) error {
	done, all := time.Duration(0), b.expectAll(runs)
	for _, f := range runs {
		b.progress.part(int(done.Milliseconds()), int(all.Milliseconds()), "%d masters, Sentinels: %d, %v", f.masters, f.sentinels, f.kind)
		done += b.expectFleet(f)
		if err := b.withBed(func(bed *testbed.Bed) error { return b.fleet(bed, f) }); err != nil {
			return fmt.Errorf("%d masters, %v: %w", f.masters, f.kind, err)
		}
	}
	return nil
}

// fleetRun is one fleet under one kind of Sentinel.
type fleetRun struct {
	id        string // what the names of its measures begin with
	masters   int
	sentinels int
	die       int
	kind      testbed.Kind
}

// measures are those that it fills: discover, cpu, rss, herd, and with masters
// that die last and median.
func (f fleetRun) measures() []string {
	if f.die == 0 {
		return []string{"discover", "cpu", "rss", "herd"}
	}
	return []string{"discover", "cpu", "rss", "herd", "last", "median"}
}

// fleet measures discovery, the cost of doing nothing, and mass failover.
func (b *bench) fleet(bed *testbed.Bed, f fleetRun) error {
	h, err := startHerd(bed, f.masters, "", f.sentinels)
	if err != nil {
		return err
	}
	nodes, err := b.discover(bed, h, f)
	if err != nil || nodes == nil {
		return err
	}
	pause(b.settle)
	cpu, own := idleCost(nodes, h, b.idle)
	b.report.add(f.id+"cpu", f.kind, cpu...)
	b.report.add(f.id+"herd", f.kind, own...)
	for _, s := range nodes {
		b.report.add(f.id+"rss", f.kind, residentMB(s.PID()))
	}
	if f.die == 0 {
		return nil
	}
	return b.massFailover(h, f)
}

// discover starts Sentinels and waits until they know all, some times; the last
// ones are returned. They are nil if the original did not get there.
func (b *bench) discover(bed *testbed.Bed, h *herd, f fleetRun) ([]*testbed.Sentinel, error) {
	patience := ourPatience
	if f.kind == testbed.Original {
		patience = b.patience
	}
	for first, n := time.Now(), 1; ; n++ {
		began := time.Now()
		nodes, err := b.watch(bed, h, f.kind, "", f.sentinels)
		if err != nil {
			return nil, err
		}
		err = discovered(nodes, f, began.Add(patience))
		switch {
		case err != nil && f.kind == testbed.Ours:
			return nil, err
		case err != nil:
			for _, what := range f.measures() {
				b.report.note(f.id+what, f.kind, fmt.Sprintf("not within %.0f s", patience.Seconds()))
			}
			return nil, nil
		}
		b.report.add(f.id+"discover", f.kind, time.Since(began).Seconds())
		if n == b.repeats || time.Since(first) > discoverTime {
			return nodes, nil
		}
		b.end(nodes)
	}
}

// end ends Sentinels and lets the instances see it.
func (b *bench) end(nodes []*testbed.Sentinel) {
	for _, s := range nodes {
		s.Kill()
	}
	pause(b.settle / 5)
}

// watch starts Sentinels that watch all masters of h.
func (b *bench) watch(bed *testbed.Bed, h *herd, kind testbed.Kind, trace string, sentinels int) (nodes []*testbed.Sentinel, err error) {
	for range sentinels {
		lines := b.monitorLines(h, sentinels/2+1)
		if trace != "" {
			lines = append(lines, "#gosentinel trace "+trace)
		}
		b.started++
		s, err := bed.Sentinel(fmt.Sprintf("%v%d", kind, b.started), testbed.SentinelOptions{Kind: kind, Lines: lines})
		if err != nil {
			return nil, err
		}
		b.last = time.Now()
		nodes = append(nodes, s)
	}
	return nodes, nil
}

func (b *bench) monitorLines(h *herd, quorum int) (lines []string) {
	for g := range h.masters {
		host, port, _ := strings.Cut(address(g, 0, h.port), ":")
		lines = append(lines,
			fmt.Sprintf("sentinel monitor %s %s %s %d", h.name(g), host, port, quorum),
			fmt.Sprintf("sentinel down-after-milliseconds %s %d", h.name(g), b.downAfter.Milliseconds()))
	}
	return lines
}

// discovered waits until all Sentinels know all replicas and peers of all
// masters.
func discovered(nodes []*testbed.Sentinel, f fleetRun, deadline time.Time) error {
	want := fmt.Sprintf(",slaves=%d,sentinels=%d\r\n", replicas, f.sentinels)
	for _, s := range nodes {
		for {
			v, err := s.Do("INFO", "sentinel")
			got := strings.Count(v.Str, want)
			if got == f.masters {
				break
			}
			if time.Now().After(deadline) {
				return fmt.Errorf("%s has discovered %d of %d masters, %v", s.Name, got, f.masters, err)
			}
			pause(lookPeriod)
		}
	}
	return nil
}

// idleCost is what a Sentinel, on an average of nodes, and all simulated
// instances cost while nothing happens: percents of a core, over parts of the
// time.
func idleCost(nodes []*testbed.Sentinel, h *herd, idle time.Duration) (cpu, own []float64) {
	all := func() (sum time.Duration) {
		for _, s := range nodes {
			sum += cpuTime(s.PID())
		}
		return sum / time.Duration(len(nodes))
	}
	parts := max(1, int(idle/idlePart))
	for range parts {
		at, used, herds := time.Now(), all(), h.cpu()
		pause(idle / time.Duration(parts))
		took := time.Since(at).Seconds()
		cpu = append(cpu, 100*(all()-used).Seconds()/took)
		own = append(own, 100*(h.cpu()-herds).Seconds()/took)
	}
	return cpu, own
}

// massFailover kills masters together, some times others.
func (b *bench) massFailover(h *herd, f fleetRun) error {
	var groups []int
	for g := range f.masters {
		groups = append(groups, g)
	}
	pause(time.Until(b.last.Add(warmUp)))
	patience := ourMassPatience
	if f.kind == testbed.Original {
		patience = b.massPatience
	}
	began := time.Now()
	for part := range slices.Chunk(groups, f.die) {
		if len(part) < f.die || part[0] >= b.repeats*f.die || part[0] > 0 && time.Since(began) > massTime {
			break
		}
		took, err := h.kill(part, patience)
		if err != nil {
			return err
		}
		if len(took) < f.die {
			text := fmt.Sprintf("%d of %d within %.0f s", len(took), f.die, patience.Seconds())
			if f.kind == testbed.Ours {
				return fmt.Errorf("mass failover: %s", text)
			}
			b.report.note(f.id+"last", f.kind, text)
			b.report.note(f.id+"median", f.kind, text)
			return nil
		}
		b.report.add(f.id+"last", f.kind, inMS(took[f.die-1]-b.downAfter))
		b.report.add(f.id+"median", f.kind, inMS(took[(f.die-1)/2]-b.downAfter))
		pause(b.settle)
	}
	return nil
}
