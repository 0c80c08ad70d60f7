package main

import (
	"fmt"
	"strings"

	"gosentinel/internal/testbed"
)

// budgetRow is a row of the table of the budgets: some measures, of
// which the medians, and their budgets, stand with strokes between.
type budgetRow struct {
	what string
	ids  []string
}

// budgetRows is that table: first docs/architecture.md, then what was added.
var budgetRows = []budgetRow{
	{"kill -9 the master: new master accepts writes / all Sentinels name it, ms beyond",
		[]string{"failover.3.kill.writable", "failover.3.kill.named"}},
	{"SIGSTOP the master: same", []string{"failover.3.stop.writable", "failover.3.stop.named"}},
	{"SENTINEL FAILOVER: same, ms from the command", []string{"failover.3.manual.writable", "failover.3.manual.named"}},
	{"300 masters x 3 instances, 3 Sentinels, 50 masters die together: last one promoted, ms beyond",
		[]string{"crowd.last"}},
	{"1000 masters x 3: discover all, s / CPU, % / RSS, MB / worst mass failover of 100, ms beyond",
		[]string{"fleet.1000.discover", "fleet.1000.cpu", "fleet.1000.rss", "fleet.1000.last"}},
	{"3000 masters x 3: discover all, s / CPU, % / RSS, MB",
		[]string{"fleet.3000.discover", "fleet.3000.cpu", "fleet.3000.rss"}},
	{"queries per second, 50 connections: P=1 get-master-addr / P=16 PING / P=16 get-master-addr / P=16 MASTERS",
		[]string{"query.addr", "query.ping16", "query.addr16", "query.masters16"}},
	{freshName + ": new master accepts writes / all Sentinels name it, ms beyond", []string{"fresh.writable", "fresh.named"}},
	{"kill -9 beside " + busyName + ": same", []string{"busy.writable", "busy.named"}},
	{"1000 idle masters: processor, by the original's", []string{"idle.share"}},
	{"processor per query, µs, 50 connections, P=1: PING / get-master-addr / MASTERS / MASTER / REPLICAS / SENTINELS / INFO",
		[]string{"query.ping.cpu", "query.addr.cpu", "query.masters.cpu", "query.master.cpu", "query.replicas.cpu", "query.sentinels.cpu", "query.info.cpu"}},
}

var budgetHeads = []string{"what (median)", "original", "ours", "budget of ours", ""}

// budgets is the table of the budgets as rows of cells. It is the same for all
// runs: what a run has not measured has a dash.
func (r *report) budgets() (rows [][]string) {
	for _, b := range budgetRows {
		var original, ours, p95, medians, bad []string
		worst := 0.0 // budget of the 95th percentiles
		judged, measured := true, false
		for _, id := range b.ids {
			m := r.byID[id]
			if m == nil {
				m = &measure{id: id}
			}
			measured = measured || m.sides[testbed.Original].measured()
			original = append(original, m.sides[testbed.Original].short(m.unit))
			ours = append(ours, m.sides[testbed.Ours].short(m.unit))
			switch v := m.verdict(); {
			case v == missed:
				bad = append(bad, m.name)
			case v == unjudged:
				judged = false
			}
			median := *m
			median.budget.p95 = 0
			medians = append(medians, median.budgetText())
			worst = max(worst, m.budget.p95)
			if m.budget.p95 > 0 && m.sides[testbed.Ours].measured() {
				p95 = append(p95, m.unit.format(m.sides[testbed.Ours].p95()))
			}
		}
		text, theirs := strings.Join(ours, " / "), strings.Join(original, " / ")
		if !measured {
			theirs = oneOf(original) // why not
		}
		if len(p95) > 0 {
			text += "; p95 " + strings.Join(p95, " / ")
		}
		wanted := oneOf(medians)
		if worst > 0 {
			wanted += fmt.Sprintf("; p95 <= %g", worst)
		}
		rows = append(rows, []string{b.what, theirs, text, wanted, verdictOf(bad, judged)})
	}
	return rows
}

// idlePace is what 1000 idle masters cost the original, in percent of a core,
// where the budgets of docs/architecture.md, were set.
const idlePace = 8.6

// pace says what the idle figures would be where the budgets were set, by the
// original's figure of this run; "" if that was not measured.
func (r *report) pace() string {
	m := r.byID[fleetID(1000, "cpu")]
	if m == nil || !m.sides[testbed.Original].measured() || !m.sides[testbed.Ours].measured() {
		return ""
	}
	by := idlePace / m.sides[testbed.Original].median()
	text := fmt.Sprintf("The processor budgets were set where 1000 idle masters cost the original %.1f %% of a core; here they cost it %.1f %%. At that pace ours would be %.1f %%",
		idlePace, m.sides[testbed.Original].median(), by*m.sides[testbed.Ours].median())
	if big := r.byID[fleetID(3000, "cpu")]; big != nil && big.sides[testbed.Ours].measured() {
		text += fmt.Sprintf(", and %.1f %% with 3000", by*big.sides[testbed.Ours].median())
	}
	return text + "."
}

func verdictOf(bad []string, judged bool) string {
	switch {
	case len(bad) > 0:
		return string(missed) + ": " + strings.Join(bad, ", ")
	case judged:
		return string(kept)
	}
	return "not measured"
}

// short is the median, or why there is none.
func (s side) short(u unit) string {
	switch {
	case s.measured():
		return u.format(s.median())
	case s.note != "":
		return s.note
	}
	return "-"
}

// oneOf joins values, or says once what they all say.
func oneOf(values []string) string {
	for _, v := range values[1:] {
		if v != values[0] {
			return strings.Join(values, " / ")
		}
	}
	return values[0]
}
