package main

import (
	"errors"
	"fmt"
	"os"
	"sync"
	"time"

	"gosentinel/internal/testbed"
)

// subject is one part of a run, which fills some measures.
type subject struct {
	name   string
	expect func(b *bench) time.Duration // for the progress bar
	run    func(b *bench) error
}

// subjects are all parts, in the order of a run.
func subjects() []subject {
	return []subject{
		{"failover", (*bench).expectFailovers, (*bench).failovers},
		{"fresh", (*bench).expectFresh, (*bench).fresh},
		{"busy", (*bench).expectBusy, (*bench).busy},
		{"mass", (*bench).expectMass, (*bench).mass},
		{"fleet", (*bench).expectFleets, (*bench).fleets},
		{"queries", (*bench).expectQueries, (*bench).queries},
		{"startup", (*bench).expectStarts, (*bench).starts},
		{"recording", (*bench).expectRecording, (*bench).recording},
	}
}

func subjectNames() (names []string) {
	for _, s := range subjects() {
		names = append(names, s.name)
	}
	return names
}

// bench is one run.
type bench struct {
	options
	programs testbed.Programs
	kinds    []testbed.Kind // in the order in which they are measured
	report   *report
	progress *progress
	started  int       // Sentinels of fleets, by which they are named
	last     time.Time // when the last of them was started

	mu   sync.Mutex
	beds map[*testbed.Bed]bool // that are open
}

func newBench(o options, programs testbed.Programs) *bench {
	b := &bench{options: o, programs: programs, progress: newProgress(os.Stderr), beds: make(map[*testbed.Bed]bool)}
	if o.only != "ours" && programs.Original != "" {
		b.kinds = append(b.kinds, testbed.Original)
	}
	if o.only != "original" {
		b.kinds = append(b.kinds, testbed.Ours)
	}
	b.report = newReport(o, b.kinds, programs)
	return b
}

// measureAll runs the subjects that were asked for. One that fails leaves the
// others to be measured; what went wrong is returned.
func (b *bench) measureAll() error {
	var errs []error
	var wanted []subject
	for _, s := range subjects() {
		for _, name := range b.rows {
			if s.name == name {
				wanted = append(wanted, s)
				b.progress.plan(s.expect(b))
			}
		}
	}
	for _, s := range wanted {
		b.progress.begin(s.name, s.expect(b))
		if err := s.run(b); err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", s.name, err))
		}
		b.progress.end()
	}
	b.progress.close()
	b.report.derive()
	return errors.Join(errs...)
}

// withBed calls f with a bed and closes it.
func (b *bench) withBed(f func(bed *testbed.Bed) error) error {
	bed, err := b.open()
	if err != nil {
		return err
	}
	err = f(bed)
	if err != nil {
		err = fmt.Errorf("%w\n%s", err, bed.Logs(1000))
	}
	return errors.Join(err, b.close(bed))
}

func (b *bench) open() (*testbed.Bed, error) {
	bed, err := testbed.New(b.programs)
	if err != nil {
		return nil, err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.beds[bed] = true
	return bed, nil
}

func (b *bench) close(bed *testbed.Bed) error {
	b.mu.Lock()
	delete(b.beds, bed)
	b.mu.Unlock()
	return bed.Close()
}

// closeAll ends all processes. The run cannot go on after it.
func (b *bench) closeAll() {
	b.mu.Lock() // for good: no bed is opened any more
	for bed := range b.beds {
		bed.Close()
	}
}

// warmUp is how long Sentinels run before a failover of theirs is measured.
// Those of ours that start without known peers elect nobody for three publish
// periods of 2 s (E-18); what is measured is a cluster that has run for long.
const warmUp = 7 * time.Second

func pause(d time.Duration) { <-time.After(d) }
