package scenario

import (
	"fmt"
	"sort"
	"strings"
	"time"

	"gosentinel/conf"
	"gosentinel/internal/sim"
)

// Options change how a transcript is run; the zero Options run it as it says.
type Options struct {
	// Prepare, when set, is called when the world is made, before anything
	// runs in it.
	Prepare func(w *sim.World)
	// Make, when set, makes the cores in place of the real ones.
	Make sim.MakeCore
}

// Result is what became of a transcript.
type Result struct {
	Text  string     // the transcript with the output of this run
	World *sim.World // as it was at the end; nil if none was made
}

// Run runs a transcript. An error names the line at fault.
func Run(text string, o Options) (Result, error) {
	r := &runner{opt: o, seed: 1, named: map[string]*conf.Master{}}
	var b strings.Builder
	for _, bl := range parse(text) {
		for i, line := range bl.lines {
			fmt.Fprintln(&b, line)
			if line == "" || line[0] == '#' {
				continue
			}
			if !bl.ended {
				return Result{}, fmt.Errorf("line %d: a command after the last %s", bl.first+i, dashes)
			}
			if err := r.do(line); err != nil {
				return Result{}, fmt.Errorf("line %d: %s: %w", bl.first+i, line, err)
			}
		}
		if bl.ended {
			r.violations()
			b.WriteString(dashes + "\n")
			b.WriteString(r.out.String())
			b.WriteString("\n")
			r.out.Reset()
		}
	}
	return Result{Text: strings.TrimRight(b.String(), "\n") + "\n", World: r.w}, nil
}

// runner carries out the commands of one transcript.
type runner struct {
	opt  Options
	w    *sim.World
	out  strings.Builder
	show filter
	told int // violations already shown

	// What the world will be made of.
	seed      uint64
	sim       sim.Options
	count     int
	defaults  conf.Master
	originals []string
	known     bool
	strict    bool
	sentinels map[string]*command
	extra     []string // Sentinels by name, in order
	masters   []*conf.Master
	named     map[string]*conf.Master
	instances []instanceSpec
	settings  []func(w *sim.World) // dns and script, before there is a world
}

type instanceSpec struct {
	opt    sim.InstanceOptions
	master *conf.Master
}

// handler is one command.
type handler struct {
	when when
	run  func(r *runner, c *command)
}

// when says whether a command comes before the world is made, or after.
type when uint8

const (
	after  when = iota // it makes the world if there is none yet
	before             // it says what the world is made of
	both               // it is remembered till the world is made
)

var handlers = map[string]handler{
	"cluster":  {before, (*runner).cluster},
	"sentinel": {before, (*runner).sentinel},
	"master":   {before, (*runner).master},
	"replica":  {before, (*runner).replica},
	"stray":    {before, (*runner).stray},
	"run":      {after, (*runner).run},
	"crash":    {after, (*runner).crash},
	"restart":  {after, (*runner).restart},
	"pause":    {after, (*runner).pause},
	"resume":   {after, (*runner).resume},
	"cut":      {after, (*runner).cut},
	"heal":     {after, (*runner).heal},
	"break":    {after, (*runner).breakLinks},
	"clock":    {after, (*runner).clock},
	"disk":     {after, (*runner).disk},
	"cmd":      {after, (*runner).cmd},
	"instance": {after, (*runner).instance},
	"write":    {after, (*runner).write},
	"dns":      {both, (*runner).dns},
	"script":   {both, (*runner).script},
	"dump":     {after, (*runner).dump},
	"settle":   {after, (*runner).settle},
}

func (r *runner) do(line string) error {
	c := parseCommand(line)
	h, ok := handlers[c.name]
	if !ok {
		var names []string
		for n := range handlers {
			names = append(names, n)
		}
		sort.Strings(names)
		return fmt.Errorf("unknown command; there are %s", strings.Join(names, " "))
	}
	if c.err != nil {
		return c.err
	}
	if h.when == before && r.w != nil {
		return fmt.Errorf("the world is made already")
	}
	if h.when == after && r.w == nil {
		if err := r.makeWorld(); err != nil {
			return err
		}
	}
	h.run(r, c)
	return c.done()
}

// violations shows the rules that were broken since the last block.
func (r *runner) violations() {
	if r.w == nil {
		return
	}
	bad := r.w.Violations()
	for _, v := range bad[r.told:] {
		fmt.Fprintf(&r.out, "BROKEN %s\n", r.short(v))
	}
	r.told = len(bad)
}

// run lets time pass with output as the command says.
func (r *runner) run(c *command) {
	r.show = newFilter(c)
	defer func() { r.show = filter{all: true} }()
	if c.has("for") {
		d := c.duration("for", 0)
		if c.err == nil && c.want(0, 0) {
			r.w.Run(d)
		}
		return
	}
	until, node := c.text("until", ""), c.text("node", "")
	limit := c.duration("max", 60*time.Second)
	if until == "" {
		c.bad("for= or until= is needed")
	}
	if c.err != nil || !c.want(0, 0) {
		return
	}
	seen := map[string]bool{}
	r.show.heard = func(rec sim.Record) {
		if rec.Event.Name == until {
			seen[rec.Node.Name()] = true
		}
	}
	done := func() bool {
		switch node {
		case "":
			return len(seen) > 0
		case "all":
			return len(seen) == len(r.w.Sentinels())
		}
		return seen[node]
	}
	if node != "" && node != "all" && r.w.Sentinel(node) == nil {
		c.bad("no Sentinel %s", node)
		return
	}
	if !r.w.RunUntil(limit, done) {
		fmt.Fprintf(&r.out, "(no %s within %v)\n", until, limit)
	}
}
