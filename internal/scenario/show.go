package scenario

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"gosentinel/internal/sim"
)

// filter says what of a run is shown.
type filter struct {
	none, all, script bool
	names, hide       []string
	only              []string
	wire              []string
	heard             func(sim.Record)
}

func newFilter(c *command) filter {
	f := filter{hide: c.list("hide"), only: c.list("only"), wire: c.list("wire")}
	for _, s := range c.list("show") {
		switch s {
		case "none":
			f.none = true
		case "all":
			f.all = true
		case "script":
			f.script = true
		default:
			f.names = append(f.names, s)
		}
	}
	if f.script && len(f.names) == 0 {
		f.none = true
	}
	return f
}

func (f *filter) shows(rec sim.Record) bool {
	name := rec.Event.Name
	if len(f.only) > 0 && !slices.Contains(f.only, rec.Node.Name()) || slices.Contains(f.hide, name) {
		return false
	}
	switch {
	case f.all:
		return true
	case len(f.names) > 0:
		return slices.Contains(f.names, name)
	}
	return !f.none && !rec.Event.LogOnly
}

func (r *runner) event(rec sim.Record) {
	if r.show.heard != nil {
		r.show.heard(rec)
	}
	if r.show.shows(rec) {
		r.line(rec.Node.Name(), rec.Event.Line())
	}
}

// wire shows a command that reached an instance.
func (r *runner) wire(i *sim.Instance, from string, cmd []string) {
	if slices.Contains(r.show.wire, i.Name()+"/all") {
		r.wireLine(i, from, cmd)
		return
	}
	if !slices.Contains(r.show.wire, i.Name()) {
		return
	}
	switch strings.ToUpper(cmd[0]) {
	case "PING", "INFO", "PUBLISH", "REPLCONF", "PSYNC":
		return
	case "CLIENT":
		if len(cmd) == 3 {
			return
		}
	}
	r.wireLine(i, from, cmd)
}

func (r *runner) wireLine(i *sim.Instance, from string, cmd []string) {
	who := "?"
	for _, n := range r.w.Sentinels() {
		if strings.HasPrefix(from, "sentinel-"+n.ID()[:8]) {
			who = n.Name()
		}
	}
	r.line(i.Name(), "< "+who+": "+strings.Join(cmd, " "))
}

func (r *runner) scriptRun(n *sim.Node, argv []string) {
	if r.show.script {
		r.line(n.Name(), "runs "+strings.Join(argv, " "))
	}
}

// line writes one line of output.
func (r *runner) line(who, text string) {
	fmt.Fprintf(&r.out, "%s %s %s\n", who, stamp(r.w.Now()), r.short(text))
}

func stamp(t time.Duration) string {
	ms := t.Round(time.Millisecond).Milliseconds()
	return fmt.Sprintf("+%d.%03ds", ms/1000, ms%1000)
}

// short names Sentinels instead of their run ids.
func (r *runner) short(text string) string {
	for _, n := range r.w.Sentinels() {
		if id := n.ID(); id != "" {
			text = strings.ReplaceAll(text, id, "<"+n.Name()+">")
		}
	}
	return text
}
