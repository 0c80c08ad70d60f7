package main

import (
	"fmt"
	"math"
	"slices"
	"time"

	"gosentinel/internal/testbed"
)

// unit is what the samples of a measure count.
type unit string

const (
	milliseconds unit = "ms"
	seconds      unit = "s"
	perSecond    unit = "/s"
	microseconds unit = "µs"
	percent      unit = "% of a core"
	megabytes    unit = "MB"
	kilobytes    unit = "KB"
	times        unit = "times"
)

// moreIsBetter holds for speeds only.
func (u unit) moreIsBetter() bool { return u == perSecond }

// format writes a value to about three digits, without its unit.
func (u unit) format(v float64) string {
	switch a := math.Abs(v); {
	case a >= 1e6:
		return fmt.Sprintf("%.2fM", v/1e6)
	case a >= 1e4:
		return fmt.Sprintf("%.0fk", v/1e3)
	case a >= 100:
		return fmt.Sprintf("%.0f", v)
	case a < 1 && v != 0:
		return fmt.Sprintf("%.2f", v)
	}
	return fmt.Sprintf("%.1f", v)
}

// budget is what a measure of ours must keep. The zero budget asks nothing.
type budget struct {
	median     float64 // the median is at most this
	p95        float64 // the 95th percentile is at most this
	asOriginal bool    // the median is no worse than the original's
}

func (b budget) String() string {
	switch {
	case b.asOriginal:
		return "at least the original"
	case b.p95 > 0:
		return fmt.Sprintf("<= %g, p95 <= %g", b.median, b.p95)
	case b.median > 0:
		return fmt.Sprintf("<= %g", b.median)
	}
	return ""
}

// measure is one figure that both kinds of Sentinel get.
type measure struct {
	id      string // unique
	subject string // the heading it stands under
	name    string
	unit    unit
	budget  budget
	aside   bool // no merit or fault of a Sentinel: the kinds are not compared

	sides [2]side // by testbed.Kind
}

// side is what was found of one kind.
type side struct {
	samples []float64
	note    string // why there are no samples
}

func (s side) measured() bool { return len(s.samples) > 0 }

func (s side) median() float64 { return quantile(s.samples, 50) }
func (s side) p95() float64    { return quantile(s.samples, 95) }

// budgetText says what is asked of it.
func (m *measure) budgetText() string {
	if m.budget.asOriginal && !m.unit.moreIsBetter() {
		return "at most the original's"
	}
	return m.budget.String()
}

// verdict says whether the budget is kept.
type verdict string

const (
	kept     verdict = "kept"
	missed   verdict = "MISSED"
	unjudged verdict = "" // there is no budget, or nothing to judge by
)

func (m *measure) verdict() verdict {
	ours, original := m.sides[testbed.Ours], m.sides[testbed.Original]
	switch {
	case m.budget == budget{} || !ours.measured() || m.budget.asOriginal && !original.measured():
		return unjudged
	case m.budget.asOriginal && m.gain() < 1,
		m.budget.median > 0 && ours.median() > m.budget.median,
		m.budget.p95 > 0 && ours.p95() > m.budget.p95:
		return missed
	}
	return kept
}

// gain is how many times better ours is than the original, by the medians; 0 if
// that cannot be said.
func (m *measure) gain() float64 {
	ours, original := m.sides[testbed.Ours], m.sides[testbed.Original]
	if m.aside || !ours.measured() || !original.measured() || ours.median() <= 0 || original.median() <= 0 {
		return 0
	}
	if m.unit.moreIsBetter() {
		return ours.median() / original.median()
	}
	return original.median() / ours.median()
}

// quantile is the smallest value that p percent of the values do not pass; v
// is not empty.
func quantile(v []float64, p int) float64 {
	s := slices.Sorted(slices.Values(v))
	return s[max(0, (len(s)*p+99)/100-1)]
}

// slope is that of the straight line that fits the points best, by least
// squares; there are at least two different x.
func slope(x, y []float64) float64 {
	var mx, my, above, below float64
	for i := range x {
		mx += x[i] / float64(len(x))
		my += y[i] / float64(len(y))
	}
	for i := range x {
		above += (x[i] - mx) * (y[i] - my)
		below += (x[i] - mx) * (x[i] - mx)
	}
	return above / below
}

// bend is how many times as steep the last step of a line is as what comes
// before it: 1 for a straight line. There must be two steps, and the first must
// rise.
func bend(x, y []float64) (b float64, ok bool) {
	last := len(x) - 1
	if last < 2 {
		return 0, false
	}
	before := slope(x[:last], y[:last])
	return (y[last] - y[last-1]) / (x[last] - x[last-1]) / before, before > 0
}

func inMS(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
