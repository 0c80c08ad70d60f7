package trace

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"gosentinel/sentinel"
)

// ReportOptions say what Report replays and shows.
type ReportOptions struct {
	// Path is the file to replay.
	Path string
	// Until is where the replay ends: `+12.3s` after the beginning of the file,
	// the number of a record, or the name of an event, at the first of it. ""
	// is the end of the file.
	Until string
	// Dump shows the whole state of the core there.
	Dump bool
	// Explain shows there, for every master, why things stand as they do.
	Explain bool
}

// Report replays a file, lists the events that the core told, and shows the
// state where it ends. The error says that the file cannot be read, that it is
// damaged, that Until was not reached, or that the core answered otherwise than
// when it was recorded; what came before is shown all the same.
func Report(w io.Writer, o ReportOptions) error {
	f, err := os.Open(o.Path)
	if err != nil {
		return err
	}
	defer f.Close()
	p, err := Open(f)
	if err != nil {
		return fmt.Errorf("%s: %w", o.Path, err)
	}
	r := reporter{w: bufio.NewWriter(w), p: p}
	until := r.until(o.Until)
	h := &p.Header
	r.line("recorded by gosentinel %s; file %d of its process, because of: %s", h.Version, h.Segment+1, h.Why)
	r.line("begins at %s", clockText(h.At))
	err = r.play(until)
	if err == nil && o.Until != "" && p.Limit == 0 && !r.reached {
		err = fmt.Errorf("%s: %q is not reached", o.Path, o.Until)
	}
	var d *Difference
	if errors.As(err, &d) {
		r.last = d.Moment
		r.difference(d)
		o.Dump = true
	} else {
		r.line("replayed %d records, to %s", r.last.Number, sinceText(r.last.Since))
	}
	r.state(o)
	return errors.Join(err, r.w.Flush())
}

type reporter struct {
	w       *bufio.Writer
	p       *Player
	last    Moment
	reached bool
}

// line writes a line. Errors surface at the last Flush.
func (r *reporter) line(text string, args ...any) { fmt.Fprintf(r.w, text+"\n", args...) }

// until is the condition that text says; nil for a time, which the Player
// knows.
func (r *reporter) until(text string) func(Moment) bool {
	if text == "" {
		return func(Moment) bool { return false }
	}
	if n, err := strconv.Atoi(text); err == nil && text[0] != '+' {
		return func(m Moment) bool { return m.Number >= n }
	}
	if at, err := time.ParseDuration(text); err == nil {
		r.p.Limit = max(at, 1)
		return func(Moment) bool { return false }
	}
	return func(m Moment) bool {
		return slices.ContainsFunc(m.Effects, func(e sentinel.Effect) bool {
			a, ok := e.Action.(sentinel.Emit)
			return ok && a.Event.Name == text
		})
	}
}

// play replays until the condition holds or there is no more.
func (r *reporter) play(until func(Moment) bool) error {
	for !r.reached {
		m, err := r.p.Next()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		r.last = m
		for _, e := range m.Effects {
			if a, ok := e.Action.(sentinel.Emit); ok {
				r.line("%s %s #%d %s", clockText(m.At), sinceText(m.Since), m.Number, a.Event.Line())
			}
		}
		if m.Died != "" {
			r.line("%s %s #%d the core panicked, as when it was recorded, at: %s\n%s",
				clockText(m.At), sinceText(m.Since), m.Number, InputText(m.Input), m.Died)
		}
		r.reached = until(m)
	}
	return nil
}

// difference shows both answers of the core.
func (r *reporter) difference(d *Difference) {
	m := d.Moment
	r.line("DIFFERENT at record %d, %s %s\ninput: %s", m.Number, clockText(m.At), sinceText(m.Since), InputText(m.Input))
	r.line("recorded effects: %d", len(d.Recorded))
	if d.Died != "" {
		r.line("  the core panicked: %s", d.Died)
	}
	r.effects(d.Recorded, m.Effects)
	r.line("replayed effects: %d", len(m.Effects))
	if m.Died != "" {
		r.line("  the core panicked: %s", m.Died)
	}
	r.effects(m.Effects, d.Recorded)
}

// effects lists effects, those with a > that others does not have there.
func (r *reporter) effects(es, others []sentinel.Effect) {
	for i, e := range es {
		sign := ">"
		if i < len(others) && r.p.same(es[i:i+1], others[i:i+1]) {
			sign = " "
		}
		r.line("%s %s", sign, EffectText(e))
	}
}

// state shows what is asked for of the core as it is now.
func (r *reporter) state(o ReportOptions) {
	c := r.p.Core()
	if o.Explain || o.Dump {
		r.line("\nafter record %d: %s", r.last.Number, InputText(r.last.Input))
		for _, e := range r.last.Effects {
			r.line("  %s", EffectText(e))
		}
	}
	if o.Explain {
		r.line("")
		for _, name := range c.Masters() {
			_ = c.Explain(r.w, name) // of w, which Flush tells
		}
	}
	if o.Dump {
		r.line("")
		_ = c.Dump(r.w) // as above
	}
}

func clockText(at sentinel.Stamp) string {
	return time.UnixMilli(at.Wall).UTC().Format("2006-01-02T15:04:05.000Z")
}

func sinceText(d time.Duration) string { return "+" + strings.TrimPrefix(d.String(), "+") }
