package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"time"

	"gosentinel/internal/testbed"
)

// report is all measures of a run, and where it was made.
type report struct {
	options
	kinds    []testbed.Kind
	measures []*measure
	byID     map[string]*measure
	where    []string // lines: date, command, machine, versions
}

func newReport(o options, kinds []testbed.Kind, programs testbed.Programs) *report {
	r := &report{options: o, kinds: kinds, measures: catalogue(o), byID: make(map[string]*measure)}
	for _, m := range r.measures {
		r.byID[m.id] = m
	}
	r.where = []string{
		"Made on " + time.Now().UTC().Format("2 January 2006, 15:04 UTC") + " by `" + command(os.Args) + "`",
		"Machine: " + machine(),
		"Ours: gosentinel " + version(programs.Ours, ourVersion) + ", " + runtime.Version(),
		"Original: redis-sentinel " + version(programs.Original, theirVersion),
		fmt.Sprintf("Runs: %d failovers of each kind (%d of ours after kill -9 under 3 Sentinels), %d rounds of queries and starts, fleets up to %d times", o.runs, o.kills, o.rounds, o.repeats),
	}
	return r
}

// command is how this run was started, without folders.
func command(args []string) string {
	words := []string{filepath.Base(args[0])}
	for _, a := range args[1:] {
		if filepath.IsAbs(a) {
			a = filepath.Base(a)
		}
		words = append(words, a)
	}
	return strings.Join(words, " ")
}

var (
	ourVersion   = regexp.MustCompile(`gosentinel=(\S+)`)
	theirVersion = regexp.MustCompile(`v=([0-9.]+)`)
)

// version is what a program says of itself.
func version(program string, number *regexp.Regexp) string {
	out, err := exec.Command(program, "--version").Output()
	if m := number.FindSubmatch(out); err == nil && m != nil {
		return string(m[1])
	}
	return "(none)"
}

// add puts samples to a measure. An unknown id is a mistake of ours.
func (r *report) add(id string, kind testbed.Kind, samples ...float64) {
	m := r.byID[id]
	m.sides[kind].samples = append(m.sides[kind].samples, samples...)
	for _, v := range samples {
		if r.verbose {
			fmt.Fprintf(os.Stderr, "%s %v %s %s\n", id, kind, m.unit.format(v), m.unit)
		}
	}
}

// note says why a measure has no samples.
func (r *report) note(id string, kind testbed.Kind, text string) {
	r.byID[id].sides[kind].note = text
}

// derive fills the measures that are calculated from others.
func (r *report) derive() {
	for _, kind := range r.kinds {
		var n, cpu, rss []float64
		for _, p := range r.growth() {
			if c := p.cpu[kind]; c.measured() && p.rss[kind].measured() {
				n, cpu, rss = append(n, float64(p.masters)), append(cpu, c.median()), append(rss, p.rss[kind].median())
			}
		}
		if len(n) < 2 {
			for _, id := range []string{"growth.cpu", "growth.rss", "growth.bend"} {
				r.note(id, kind, "too few fleets")
			}
			continue
		}
		r.add("growth.cpu", kind, 100*slope(n, cpu))
		r.add("growth.rss", kind, 1024*slope(n, rss))
		if b, ok := bend(n, cpu); ok {
			r.add("growth.bend", kind, b)
		} else {
			r.note("growth.bend", kind, "too few fleets")
		}
	}
	if m := r.byID[fleetID(r.massSize(), "cpu")]; m.sides[testbed.Original].measured() && m.sides[testbed.Ours].measured() {
		r.add("idle.share", testbed.Ours, m.sides[testbed.Ours].median()/m.sides[testbed.Original].median())
	} else {
		r.note("idle.share", testbed.Ours, "one of both is not measured")
	}
	with, without := r.byID["recording.with"].sides[testbed.Ours], r.byID["recording.without"].sides[testbed.Ours]
	if with.measured() && without.measured() {
		r.add("recording.cost", testbed.Ours, with.median()-without.median())
	}
}

// point is one size of fleet, with what it costs each kind.
type point struct {
	masters            int
	discover, cpu, rss [2]side
}

func (r *report) growth() (points []point) {
	for _, n := range r.masters {
		points = append(points, point{n, r.byID[fleetID(n, "discover")].sides, r.byID[fleetID(n, "cpu")].sides, r.byID[fleetID(n, "rss")].sides})
	}
	return points
}

// gaps is an error that names the measures that should have been filled and
// were not.
func (r *report) gaps() error {
	var missing []error
	for _, m := range r.measures {
		for _, kind := range r.kinds {
			if s := m.sides[kind]; slices.Contains(r.rows, m.filledBy()) && !s.measured() && s.note == "" && !m.oursOnly(kind) {
				missing = append(missing, fmt.Errorf("%s has no figure of %v", m.id, kind))
			}
		}
	}
	return errors.Join(missing...)
}

// oursOnly says that the original has nothing like it.
func (m *measure) oursOnly(kind testbed.Kind) bool {
	return kind == testbed.Original && (m.filledBy() == "recording" || m.id == "idle.share")
}

// row is one measure as text: name, original median, p95 and number of
// samples, the same of ours, gain, budget, verdict.
func (m *measure) row() []string {
	unit := ""
	if m.unit != "" {
		unit = ", " + string(m.unit)
	}
	cells := []string{m.name + unit}
	for _, kind := range []testbed.Kind{testbed.Original, testbed.Ours} {
		switch s := m.sides[kind]; {
		case !s.measured() && s.note == "":
			cells = append(cells, "-", "", "")
		case !s.measured():
			cells = append(cells, s.note, "", "")
		default:
			cells = append(cells, m.unit.format(s.median()), m.unit.format(s.p95()), fmt.Sprint(len(s.samples)))
		}
	}
	gain := ""
	if g := m.gain(); g > 0 {
		gain = fmt.Sprintf("%.3g x", g)
	}
	return append(cells, gain, m.budgetText(), string(m.verdict()))
}

var heads = []string{"what", "original", "p95", "n", "ours", "p95", "n", "better", "budget", ""}

// sections are the measures under their headings, those left out that were not
// asked for.
func (r *report) sections() (out []section) {
	for _, m := range r.measures {
		if !slices.Contains(r.rows, m.filledBy()) {
			continue
		}
		if len(out) == 0 || out[len(out)-1].subject != m.subject {
			out = append(out, section{subject: m.subject})
		}
		last := &out[len(out)-1]
		last.rows = append(last.rows, m.row())
	}
	return out
}

type section struct {
	subject string
	rows    [][]string
}
