// Command hunt plays simulated worlds and says in how many of them a rule was
// broken, or runs one transcript and prints it.
//
//	go run ./internal/hunt -seeds 500
//	go run ./internal/hunt -seeds 500 -mixed -rule 'I-1'
//	go run ./internal/hunt -scenario sentinel/testdata/crash.txt
//
// Its test builds it on cores with planted defects, each of which a checker
// must find.
package main

import (
	"flag"
	"fmt"
	"io"
	"os"
	"regexp"

	"gosentinel/internal/scenario"
	"gosentinel/internal/sim"
)

func main() {
	if err := run(os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "hunt:", err)
		os.Exit(1)
	}
}

func run(args []string, out io.Writer) error {
	flags := flag.NewFlagSet("hunt", flag.ContinueOnError)
	first := flags.Uint64("first", 1, "the first seed")
	seeds := flags.Int("seeds", 100, "how many worlds")
	rule := flags.String("rule", ".", "a pattern for the rules that count")
	mixed := flags.Bool("mixed", false, "one original in each quorum of three or more")
	fresh := flags.Bool("fresh", false, "hurt from the first moment, while the Sentinels find each other")
	stop := flags.Bool("stop", false, "stop at the first world that breaks one")
	transcript := flags.String("scenario", "", "run this transcript instead")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if *transcript != "" {
		return show(*transcript, out)
	}
	want, err := regexp.Compile(" (" + *rule + "): ")
	if err != nil {
		return err
	}
	h := hunt{want: want, mixed: *mixed, fresh: *fresh, stop: *stop}
	h.play(*first, *seeds)
	fmt.Fprintf(out, "caught in %d of %d worlds", h.caught, h.played)
	if h.caught > 0 {
		fmt.Fprintf(out, ", first in seed %d: %s", h.first, h.text)
	}
	fmt.Fprintln(out)
	return nil
}

func show(path string, out io.Writer) error {
	text, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	res, err := scenario.Run(string(text), scenario.Options{})
	if err != nil {
		return err
	}
	_, err = io.WriteString(out, res.Text)
	return err
}

// hunt is what was found so far.
type hunt struct {
	want               *regexp.Regexp
	mixed, fresh, stop bool

	played, caught int
	first          uint64
	text           string // what broke there
}

func (h *hunt) play(first uint64, n int) {
	for seed := first; seed < first+uint64(n); seed++ {
		p := sim.NewPlan(seed)
		p.Originals = 0
		if h.mixed {
			p.Sentinels = max(p.Sentinels, 3)
			p.Originals = 1
		}
		p.Fresh = p.Fresh || h.fresh && p.Sentinels > 1
		h.played++
		for _, v := range p.Play(nil).Violations {
			if !h.want.MatchString(v) {
				continue
			}
			if h.caught++; h.caught == 1 {
				h.first, h.text = seed, v
			}
			break
		}
		if h.stop && h.caught > 0 {
			return
		}
	}
}
