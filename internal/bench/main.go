package main

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"gosentinel/internal/testbed"
)

// options say what is measured, and how often.
type options struct {
	sentinel string // our daemon
	only     string // "ours", "original", or "" for both
	rows     []string
	quick    bool // a minute's run that shows that all works; it judges nothing
	out      string
	verbose  bool // each sample is printed when it is taken

	runs    int           // failovers of each kind
	harder  int           // failovers of fresh Sentinels, and on a busy host, of each kind
	kills   int           // failovers of ours after kill -9, under 3 Sentinels
	rounds  int           // of queries, of starts
	masters []int         // sizes of the fleets
	die     int           // masters of a fleet that die together
	idle    time.Duration // how long the cost of doing nothing is measured

	crowd, crowdDie int           // masters under 3 Sentinels, and how many die
	repeats         int           // of a discovery, and of masters that die together
	downAfter       time.Duration // of fleets
	settle          time.Duration // for files to be written and connections to be warm, once all is discovered
	patience        time.Duration // for the original to discover a fleet
	massPatience    time.Duration // for the original to replace masters that die together
	requests        float64       // queries, as a part of the full number
}

func defaults() options {
	return options{
		runs: 20, harder: 10, kills: 50, rounds: 7, masters: []int{100, 300, 1000, 3000}, die: 100, idle: 20 * time.Second,
		crowd: 300, crowdDie: 50, repeats: 3, downAfter: 5 * time.Second, settle: 5 * time.Second, patience: 60 * time.Second, massPatience: 3 * time.Minute, requests: 1,
	}
}

// shorten makes it the quick run.
func (o *options) shorten() {
	o.quick = true
	o.runs, o.harder, o.kills, o.rounds, o.masters, o.die, o.idle = 1, 1, 1, 1, []int{20, 60}, 10, time.Second
	o.crowd, o.crowdDie, o.repeats, o.downAfter, o.settle, o.patience, o.massPatience, o.requests = 20, 5, 1, time.Second, time.Second/2, 20*time.Second, 8*time.Second, 0.02
}

// parse reads the command line. What is named there wins over -quick.
func parse(args []string) (options, error) {
	o := defaults()
	if slices.Contains(args, "-quick") || slices.Contains(args, "--quick") {
		o.shorten()
	}
	f := flag.NewFlagSet("bench", flag.ContinueOnError)
	f.StringVar(&o.sentinel, "sentinel", "bin/redis-sentinel", "our daemon")
	f.StringVar(&o.only, "only", "", "`ours` or `original`: leave the other out")
	rows := f.String("rows", "", "`subjects` to measure, with commas between: "+strings.Join(subjectNames(), ",")+" (default all)")
	f.BoolVar(&o.quick, "quick", o.quick, "a minute's run that shows that all works; its figures say nothing")
	f.StringVar(&o.out, "out", "", "`folder` to write benchmarks.md and benchmarks.svg into")
	f.BoolVar(&o.verbose, "v", false, "print each sample when it is taken")
	f.IntVar(&o.runs, "runs", o.runs, "failovers of each kind")
	f.IntVar(&o.harder, "harder", o.harder, "failovers of fresh Sentinels and on a busy host")
	f.IntVar(&o.kills, "kills", o.kills, "failovers of ours after kill -9, under 3 Sentinels")
	f.IntVar(&o.rounds, "rounds", o.rounds, "rounds of queries and of starts")
	f.IntVar(&o.repeats, "repeats", o.repeats, "how often a fleet is discovered and masters die together, where it does not take long")
	sizes := f.String("masters", join(o.masters), "`sizes` of the fleets, growing, with commas between")
	f.IntVar(&o.die, "die", o.die, "how many masters of a fleet die together; 0: none")
	f.DurationVar(&o.idle, "idle", o.idle, "how long a fleet does nothing while its cost is measured")
	f.DurationVar(&o.patience, "patience", o.patience, "how long the original may take to discover a fleet")
	if err := f.Parse(args); err != nil {
		return o, err
	}
	o.rows = subjectNames()
	if *rows != "" {
		o.rows = strings.Split(*rows, ",")
	}
	o.masters = nil
	for word := range strings.SplitSeq(*sizes, ",") {
		n, err := strconv.Atoi(word)
		if err != nil || n < 1 {
			return o, fmt.Errorf("-masters %s: want numbers", *sizes)
		}
		o.masters = append(o.masters, n)
	}
	return o, o.check(f.Args())
}

func (o *options) check(rest []string) error {
	for _, name := range o.rows {
		if !slices.Contains(subjectNames(), name) {
			return fmt.Errorf("-rows %s: there are %s", name, strings.Join(subjectNames(), ", "))
		}
	}
	switch {
	case len(rest) > 0:
		return fmt.Errorf("what is %q?", rest[0])
	case !slices.Contains([]string{"", "ours", "original"}, o.only):
		return fmt.Errorf("-only %s: want ours or original", o.only)
	case o.runs < 1 || o.harder < 1 || o.kills < 1 || o.rounds < 1 || o.repeats < 1 || o.idle < 100*time.Millisecond || o.die < 0:
		return errors.New("too small a number")
	}
	return nil
}

func join(numbers []int) string {
	var words []string
	for _, n := range numbers {
		words = append(words, strconv.Itoa(n))
	}
	return strings.Join(words, ",")
}

func main() {
	if len(os.Args) == 2 && os.Args[1] == herdWord {
		if err := serveHerd(os.Stdin, os.Stdout); err != nil {
			fmt.Fprintln(os.Stderr, "bench herd:", err)
			os.Exit(1)
		}
		return
	}
	if len(os.Args) == 3 && os.Args[1] == loadWord {
		if err := serveLoad(os.Args[2]); err != nil {
			fmt.Fprintln(os.Stderr, "bench load:", err)
			os.Exit(1)
		}
		return
	}
	o, err := parse(os.Args[1:])
	if errors.Is(err, flag.ErrHelp) {
		return
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(2)
	}
	if err := run(o); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run(o options) error {
	b := newBench(o, testbed.Find(o.sentinel))
	interrupt := make(chan os.Signal, 1)
	signal.Notify(interrupt, os.Interrupt, syscall.SIGTERM)
	go func() {
		<-interrupt
		b.closeAll()
		fmt.Fprintln(os.Stderr, "\nbench: interrupted")
		os.Exit(130)
	}()
	failed := b.measureAll()
	text, err := b.report.text()
	if err != nil {
		return err
	}
	fmt.Print(text)
	page, drawing, err := b.report.page()
	if err != nil {
		return err
	}
	if o.out != "" {
		failed = errors.Join(failed,
			os.WriteFile(filepath.Join(o.out, "benchmarks.md"), []byte(page), 0o644),
			os.WriteFile(filepath.Join(o.out, drawingName), drawing, 0o644))
	}
	return errors.Join(failed, b.report.gaps())
}
