package main

import (
	"errors"
	"flag"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"gosentinel/internal/testbed"
)

// sample is the report of a run in which everything was measured.
func sample(o options) *report {
	o.rows = subjectNames()
	r := newReport(o, bothKinds, testbed.Programs{})
	for i, m := range r.measures {
		for _, kind := range bothKinds {
			if !m.oursOnly(kind) {
				r.add(m.id, kind, float64(i+2), float64(i+1), float64(i+3))
			}
		}
	}
	return r
}

// The report has every row of the table of docs/architecture.md, in its words,
// with a figure, a budget and a verdict.
func TestBudgetsAreThoseOfTheDesign(t *testing.T) {
	page, _, err := sample(defaults()).page()
	require.NoError(t, err)
	for _, row := range []struct {
		what, budget string
		figures      int
	}{
		{"kill -9 the master: new master accepts writes / all Sentinels name it", "<= 10 / <= 25; p95 <= 60", 2},
		{"SIGSTOP the master: same", "<= 100 / <= 130", 2},
		{"SENTINEL FAILOVER: same", "<= 10 / <= 25", 2},
		{"300 masters x 3 instances, 3 Sentinels, 50 masters die together: last one promoted", "<= 300", 1},
		{"1000 masters x 3: discover all, s / CPU, % / RSS, MB / worst mass failover of 100", "<= 3 / <= 8 / <= 69 / <= 1000", 4},
		{"3000 masters x 3: discover all, s / CPU, % / RSS, MB", "<= 10 / <= 30 / <= 200", 3},
		{"queries per second, 50 connections: P=1 get-master-addr / P=16 PING / P=16 get-master-addr / P=16 MASTERS", "at least the original |", 4},
		{"kill -9, one second after three fresh Sentinels have met: new master accepts writes / all Sentinels name it", "<= 10 / <= 25", 2},
		{"kill -9 beside six busy loops, two writers that fsync and four loops that start processes, to each two cores: same", "<= 31 / <= 90", 2},
		{"1000 idle masters: processor, by the original's", "<= 0.8", 1},
		{"processor per query, µs, 50 connections, P=1: PING / get-master-addr / MASTERS / MASTER / REPLICAS / SENTINELS / INFO", "at most the original's |", 7},
	} {
		_, rest, found := strings.Cut(page, "| "+row.what)
		require.True(t, found, "no row: %s", row.what)
		line, _, _ := strings.Cut(rest, "\n")
		cells := strings.Split(line, "|")
		require.Len(t, cells, 6, line)
		require.Len(t, strings.Split(cells[2], " / "), row.figures+strings.Count(cells[2], "; p95"), line)
		require.NotContains(t, cells[2], "-", "a figure is missing: %s", line)
		require.Contains(t, cells[3]+"|", row.budget)
		require.NotContains(t, cells[4], "not measured", line)
	}
	require.Len(t, budgetRows, 11)
}

// What the table of budgets says is what is judged by.
func TestBudgetsAreJudged(t *testing.T) {
	r := newReport(defaults(), bothKinds, testbed.Programs{})
	row := func(n int) []string { return r.budgets()[n] }
	require.Equal(t, "not measured", row(3)[4])
	r.add("crowd.last", testbed.Ours, 300)
	require.Equal(t, []string{"-", "300", "<= 300", "kept"}, row(3)[1:])
	r.add("crowd.last", testbed.Ours, 301, 301)
	require.Equal(t, "MISSED: 50 masters die together: last replica promoted", row(3)[4])

	for _, what := range []string{"discover", "cpu", "rss"} {
		r.note("fleet.3000."+what, testbed.Original, "not within 60 s")
		r.add("fleet.3000."+what, testbed.Ours, 5)
	}
	require.Equal(t, []string{"not within 60 s", "5.0 / 5.0 / 5.0", "<= 10 / <= 30 / <= 200", "kept"}, row(5)[1:])
	for _, b := range budgetRows {
		for _, id := range b.ids {
			require.NotZero(t, r.byID[id].budget, id)
		}
	}
}

// The budgets of the processor are told at the pace of the machine that they
// were set on.
func TestPace(t *testing.T) {
	r := newReport(defaults(), bothKinds, testbed.Programs{})
	require.Empty(t, r.pace())
	r.add(fleetID(1000, "cpu"), testbed.Ours, 10)
	require.Empty(t, r.pace(), "the original was not measured")
	r.add(fleetID(1000, "cpu"), testbed.Original, 17.2)
	require.Contains(t, r.pace(), "here they cost it 17.2 %. At that pace ours would be 5.0 %.")
	r.add(fleetID(3000, "cpu"), testbed.Ours, 40)
	require.Contains(t, r.pace(), "5.0 %, and 20.0 % with 3000.")
}

// Each measure is filled by a subject, and by that one only under its name.
func TestCatalogue(t *testing.T) {
	for _, quick := range []bool{false, true} {
		o := defaults()
		if quick {
			o.shorten()
		}
		ids := make(map[string]bool)
		for _, m := range catalogue(o) {
			require.False(t, ids[m.id], m.id)
			ids[m.id] = true
			require.Contains(t, subjectNames(), m.filledBy(), m.id)
			require.True(t, !quick || m.budget == budget{}, "the quick run judges nothing")
		}
		for _, f := range []fleetRun{{id: "crowd.", die: 1}, {id: fleetID(o.massSize(), ""), die: 1}, {id: fleetID(o.masters[0], "")}} {
			for _, what := range f.measures() {
				require.True(t, ids[f.id+what], f.id+what)
			}
		}
	}
}

func TestGapsAreTold(t *testing.T) {
	r := sample(defaults())
	require.NoError(t, r.gaps())
	r.byID["start.pong"].sides[testbed.Ours].samples = nil
	require.EqualError(t, r.gaps(), "start.pong has no figure of ours")
	r.rows = []string{"failover"}
	require.NoError(t, r.gaps(), "it was not asked for")
	r.rows = subjectNames()
	r.note("start.pong", testbed.Ours, "no redis-benchmark")
	require.NoError(t, r.gaps())
}

// What is calculated: 10 % and 20 MB for each hundred masters beside a base.
func TestDerivedMeasures(t *testing.T) {
	r := newReport(defaults(), bothKinds, testbed.Programs{})
	for _, n := range r.masters {
		r.add(fleetID(n, "cpu"), testbed.Ours, float64(n)/10)
		r.add(fleetID(n, "rss"), testbed.Ours, 8+float64(n)/5)
	}
	r.add(fleetID(100, "cpu"), testbed.Original, 1)
	r.add(fleetID(100, "rss"), testbed.Original, 1)
	r.add("recording.with", testbed.Ours, 7)
	r.add("recording.without", testbed.Ours, 4)
	r.derive()
	figure := func(id string) float64 { return r.byID[id].sides[testbed.Ours].median() }
	require.InDelta(t, 10, figure("growth.cpu"), 1e-9)
	require.InDelta(t, 1, figure("growth.bend"), 1e-9)
	require.InDelta(t, 1024.0/5, figure("growth.rss"), 1e-9)
	require.InDelta(t, 3, figure("recording.cost"), 1e-9)
	require.False(t, r.byID["idle.share"].sides[testbed.Ours].measured(), "the original was not measured")
	r.add(fleetID(1000, "cpu"), testbed.Original, 125)
	r.derive()
	require.InDelta(t, 0.8, figure("idle.share"), 1e-9)
	require.Equal(t, "too few fleets", r.byID["growth.rss"].sides[testbed.Original].note)
}

func TestRow(t *testing.T) {
	m := filled(measure{name: "x", unit: milliseconds, budget: budget{median: 5, p95: 9}}, []float64{40, 50}, []float64{4, 8})
	require.Equal(t, []string{"x, ms", "40.0", "50.0", "2", "4.0", "8.0", "2", "10 x", "<= 5, p95 <= 9", "kept"}, m.row())
	m.sides[testbed.Original] = side{note: "not within 60 s"}
	m.sides[testbed.Ours] = side{}
	require.Equal(t, []string{"x, ms", "not within 60 s", "", "", "-", "", "", "", "<= 5, p95 <= 9", ""}, m.row())
	require.Len(t, heads, len(m.row()))
}

func TestTableIsMarkdown(t *testing.T) {
	var b strings.Builder
	table(&b, []string{"a", "b"}, [][]string{{"1|2", ""}})
	require.Equal(t, "| a | b |\n|---|---|\n| 1\\|2 |  |\n", b.String())
}

// The page of the repository has the form that this program writes, and shows
// the drawing that stands beside it.
func TestPageOfTheRepository(t *testing.T) {
	docs := filepath.Join("..", "..", "docs")
	text, err := os.ReadFile(filepath.Join(docs, "benchmarks.md"))
	require.NoError(t, err)
	want, _, err := sample(defaults()).page()
	require.NoError(t, err)
	require.Equal(t, headings(want), headings(string(text)))
	for _, b := range budgetRows {
		require.Contains(t, string(text), "| "+b.what+" |")
	}
	require.FileExists(t, filepath.Join(docs, drawingName))
}

func headings(text string) (out []string) {
	for line := range strings.SplitSeq(text, "\n") {
		if strings.HasPrefix(line, "#") {
			out = append(out, line)
		}
	}
	return out
}

// A run of nothing is drawn too, and one with all has both lines.
func TestDrawing(t *testing.T) {
	empty, err := newReport(defaults(), bothKinds, testbed.Programs{}).draw()
	require.NoError(t, err)
	full, err := sample(defaults()).draw()
	require.NoError(t, err)
	require.Contains(t, string(full), "<svg")
	require.NotContains(t, string(empty), ">original<")
	require.Equal(t, 3, strings.Count(string(full), ">original<"), "a legend in each")
}

func TestText(t *testing.T) {
	text, err := sample(defaults()).text()
	require.NoError(t, err)
	for _, want := range []string{"Failover, 5 Sentinels", "P=16 PING, /s", "SIGSTOP the master: same", "Recording, 300 masters"} {
		require.Contains(t, text, want)
	}
}

func TestCommandLine(t *testing.T) {
	o, err := parse([]string{"-runs", "7", "-rows", "fleet,queries", "-masters", "10,200", "-only", "ours"})
	require.NoError(t, err)
	require.Equal(t, 7, o.runs)
	require.Equal(t, []string{"fleet", "queries"}, o.rows)
	require.Equal(t, []int{10, 200}, o.masters)
	require.Equal(t, 50, o.kills)

	o, err = parse([]string{"-quick", "-runs", "3"})
	require.NoError(t, err)
	require.True(t, o.quick)
	require.Equal(t, 3, o.runs, "what is named wins")
	require.Equal(t, 1, o.kills)
	require.Equal(t, subjectNames(), o.rows)

	_, err = parse([]string{"-h"})
	require.True(t, errors.Is(err, flag.ErrHelp))
	for _, bad := range []string{"-rows nope", "-only them", "-masters 1,x", "-masters 0", "-runs 0", "more", "-nope"} {
		_, err := parse(strings.Fields(bad))
		require.Error(t, err, bad)
	}
}

func TestCommandNamesNoFolder(t *testing.T) {
	require.Equal(t, "bench -out docs -sentinel redis-sentinel", command([]string{"/a/b/bench", "-out", "docs", "-sentinel", "/a/redis-sentinel"}))
}

// Without a terminal each step is a line.
func TestProgressInLines(t *testing.T) {
	r, w, err := os.Pipe()
	require.NoError(t, err)
	defer r.Close()
	p := newProgress(w)
	p.plan(10)
	p.begin("a", 10)
	p.part(1, 2, "b %d", 1)
	p.part(2, 2, "b %d", 1)
	p.end()
	p.close()
	require.NoError(t, w.Close())
	text, err := io.ReadAll(r)
	require.NoError(t, err)
	require.Equal(t, "bench: a\nbench: b 1\n", string(text))
}
