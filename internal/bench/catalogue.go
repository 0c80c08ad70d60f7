package main

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// fleetBudget is what a fleet must keep, in the units of its measures; 0 asks
// nothing.
type fleetBudget struct{ discover, cpu, rss, last float64 }

// fleetBudgets are the budgets of docs/architecture.md, for fleets under one
// Sentinel, by their number of masters.
var fleetBudgets = map[int]fleetBudget{
	1000: {discover: 3, cpu: 8, rss: 69, last: 1000},
	3000: {discover: 10, cpu: 30, rss: 200},
}

// failoverBudgets are those of one master under 3 Sentinels, in milliseconds.
var failoverBudgets = map[string]struct{ writable, named budget }{
	"kill":   {budget{median: 10, p95: 60}, budget{median: 25, p95: 60}},
	"stop":   {budget{median: 100}, budget{median: 130}},
	"manual": {budget{median: 10}, budget{median: 25}},
}

// idleShare is what doing nothing may cost ours at most, as a part of what it
// costs the original.
const idleShare = 0.8

// harderBudgets are those of ours after a fresh start and on a busy host, in
// milliseconds.
var harderBudgets = map[string]struct{ writable, named float64 }{
	"fresh": {10, 25},
	"busy":  {31, 90},
}

// crowdBudget is that of many masters under 3 Sentinels.
var crowdBudget = fleetBudget{last: 300}

// ratesJudged are the queries whose rate must be that of the original. What
// redis-benchmark can send bounds them; what the processor gives is judged for
// each.
var ratesJudged = []string{"query.addr", "query.ping16", "query.addr16", "query.masters16"}

// catalogue is all that is measured with these options, in the order of the
// report. The quick run, whose figures say nothing, has no budgets.
func catalogue(o options) (all []*measure) {
	for _, sentinels := range []int{3, 5} {
		if sentinels == 5 && o.quick {
			break
		}
		all = append(all, failoverMeasures(sentinels)...)
	}
	all = append(all, harderMeasures()...)
	crowd := fmt.Sprintf("%d masters under 3 Sentinels", o.crowd)
	all = append(all, fleetMeasures("crowd.", crowd, o.crowdDie, crowdBudget)...)
	for _, n := range o.masters {
		die := 0
		if n == o.massSize() {
			die = o.die
		}
		all = append(all, fleetMeasures(fleetID(n, ""), fmt.Sprintf("%d masters under one Sentinel", n), die, fleetBudgets[n])...)
	}
	all = append(all, &measure{id: "idle.share", subject: "Idle", name: fmt.Sprintf("idle cost of %d masters under one Sentinel, by the original's", o.massSize()),
		unit: times, aside: true, budget: budget{median: idleShare}})
	const growth, asked, used = "Growth", "Queries, 50 connections", "Processor per query, 50 connections"
	all = append(all,
		&measure{id: "growth.cpu", subject: growth, name: "idle cost of each further 100 masters", unit: percent},
		&measure{id: "growth.bend", subject: growth, name: "idle cost of a further master at the largest fleet, by that at the smaller ones (1: a straight line)", unit: times},
		&measure{id: "growth.rss", subject: growth, name: "memory of each further master, its replicas included", unit: kilobytes})
	for _, q := range queries() {
		m := &measure{id: q.id, subject: asked, name: q.String(), unit: perSecond}
		if slices.Contains(ratesJudged, q.id) {
			m.budget.asOriginal = true
		}
		all = append(all, m)
		if q.timed() {
			all = append(all,
				&measure{id: q.id + ".p50", subject: asked, name: q.String() + ": latency p50", unit: milliseconds},
				&measure{id: q.id + ".p99", subject: asked, name: q.String() + ": latency p99", unit: milliseconds})
		}
	}
	for _, q := range queries() {
		all = append(all, &measure{id: q.id + ".cpu", subject: used, name: q.String(), unit: microseconds, budget: budget{asOriginal: true}})
	}
	start := fmt.Sprintf("Start with %d masters in the file", o.startSize())
	rec := fmt.Sprintf("Recording, %d masters under 3 Sentinels", o.crowd)
	all = append(all,
		&measure{id: "start.pong", subject: start, name: "first PONG", unit: milliseconds},
		&measure{id: "start.listed", subject: start, name: "all masters listed", unit: milliseconds},
		&measure{id: "recording.without", subject: rec, name: "idle, not recording", unit: percent},
		&measure{id: "recording.with", subject: rec, name: "idle, recording", unit: percent},
		&measure{id: "recording.cost", subject: rec, name: "what recording adds", unit: percent})
	if o.quick {
		for _, m := range all {
			m.budget = budget{}
		}
	}
	return all
}

func failoverMeasures(sentinels int) (all []*measure) {
	subject := fmt.Sprintf("Failover, %d Sentinels", sentinels)
	for _, f := range faults {
		var writable, named budget
		if sentinels == 3 {
			writable, named = failoverBudgets[f.id].writable, failoverBudgets[f.id].named
		}
		all = append(all,
			&measure{id: f.measureID(sentinels, "writable"), subject: subject, name: f.name + ": new master accepts writes", unit: milliseconds, budget: writable},
			&measure{id: f.measureID(sentinels, "named"), subject: subject, name: f.name + ": all Sentinels name it", unit: milliseconds, budget: named})
	}
	return all
}

// harderMeasures are those of failovers under worse conditions.
func harderMeasures() (all []*measure) {
	for _, h := range []struct{ id, subject, name string }{
		{"fresh", "Failover, fresh Sentinels", freshName},
		{"busy", "Failover, busy host", busyName},
	} {
		want := harderBudgets[h.id]
		all = append(all,
			&measure{id: h.id + ".writable", subject: h.subject, name: h.name + ": new master accepts writes", unit: milliseconds, budget: budget{median: want.writable}},
			&measure{id: h.id + ".named", subject: h.subject, name: h.name + ": all Sentinels name it", unit: milliseconds, budget: budget{median: want.named}})
	}
	return all
}

// fleetMeasures are those of fleetRun.measures.
func fleetMeasures(id, subject string, die int, want fleetBudget) (all []*measure) {
	all = []*measure{
		{id: id + "discover", subject: subject, name: "all discovered", unit: seconds, budget: budget{median: want.discover}},
		{id: id + "cpu", subject: subject, name: "idle", unit: percent, budget: budget{median: want.cpu}},
		{id: id + "rss", subject: subject, name: "memory", unit: megabytes, budget: budget{median: want.rss}},
		{id: id + "herd", subject: subject, name: "(the simulated instances, idle)", unit: percent, aside: true},
	}
	if die > 0 {
		all = append(all,
			&measure{id: id + "last", subject: subject, name: fmt.Sprintf("%d masters die together: last replica promoted", die), unit: milliseconds, budget: budget{median: want.last}},
			&measure{id: id + "median", subject: subject, name: fmt.Sprintf("%d masters die together: median", die), unit: milliseconds})
	}
	return all
}

// filledBy is the part of a run that fills a measure.
func (m *measure) filledBy() string {
	first, _, _ := strings.Cut(m.id, ".")
	return map[string]string{
		"failover": "failover", "fresh": "fresh", "busy": "busy", "crowd": "mass", "fleet": "fleet", "growth": "fleet", "idle": "fleet",
		"query": "queries", "start": "startup", "recording": "recording",
	}[first]
}

// conditions say, one line for each subject, under what its rows were measured.
func conditions(o options) []string {
	ms := func(d time.Duration) string { return fmt.Sprintf("%d", d.Milliseconds()) }
	return []string{
		"**Failover**: real redis-servers, one master and two replicas, down-after-milliseconds " + ms(downAfter) + "; in milliseconds beyond that, of SENTINEL FAILOVER from the command. Replicas are tried with SET and Sentinels asked once a millisecond. A cluster heals while others are measured, and has run for " + ms(warmUp) + " ms before the first.",
		"**Fresh Sentinels**: a cluster of its own for each run, with files that name no other Sentinel; hit " + ms(freshFor) + " ms after all have met.",
		"**Busy host**: beside " + busyName + "; these run from before the first fault until after the last.",
		"**Masters under 3 or one Sentinel**: simulated instances in processes of their own, each on its own address, two replicas for each master, down-after-milliseconds " + ms(o.downAfter) + ", quorum a majority. INFO is as large as that of a real server, hellos reach the subscribers of replicas too.",
		"**all discovered**: from the start of the (first) Sentinel until each knows all replicas and peers of all masters; once only where it takes long, and given up after " + ms(o.patience) + " ms with the original.",
		"**idle**: user and system time of one Sentinel (of three: the average), " + ms(o.settle) + " ms after discovery, over " + ms(o.idle) + " ms in parts of up to " + ms(idlePart) + " ms; **memory**: its resident set then. What idling consists of: docs/measurements.md.",
		"**die together**: from kill -9 of all until each has a promoted replica, beyond down-after-milliseconds; given up after " + ms(o.massPatience) + " ms with the original, which waits for two failover-timeouts after an attempt without a good replica; other masters die in each run, and there are fewer runs where one takes long.",
		"**Queries**: redis-benchmark on the same machine, a Sentinel with one master and two replicas; the kinds take turns, each sample is one run of about a second. P is how many commands a connection sends together. **Processor per query** is the user and system time of the Sentinel in these runs, by the number of commands; rates depend on what redis-benchmark can send, this does not.",
		"**Start**: from the start of the process, with each master's two replicas in the file too, and all instances up.",
		"**Recording**: ours with and without `#gosentinel trace`, in turn.",
	}
}
