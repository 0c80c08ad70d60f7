package main

import (
	"fmt"
	"io"
	"os"
	"time"

	"github.com/schollz/progressbar/v3"
)

// progress tells how far the run is: a bar on a terminal, else a line for each
// step. Its unit is the time that things are expected to take.
type progress struct {
	out   io.Writer
	bar   *progressbar.ProgressBar // nil: lines
	all   time.Duration            // of all subjects
	past  time.Duration            // of those that are over
	now   time.Duration            // of the one that runs
	lines string                   // the last line
}

func newProgress(out *os.File) *progress {
	p := &progress{out: out}
	if info, err := out.Stat(); err == nil && info.Mode()&os.ModeCharDevice != 0 {
		p.bar = progressbar.NewOptions64(1, progressbar.OptionSetWriter(out), progressbar.OptionSetWidth(30),
			progressbar.OptionSetPredictTime(true), progressbar.OptionSetElapsedTime(true), progressbar.OptionClearOnFinish(),
			progressbar.OptionUseANSICodes(true), progressbar.OptionThrottle(100*time.Millisecond))
	}
	return p
}

// plan adds a subject to come.
func (p *progress) plan(d time.Duration) {
	p.all += d
	if p.bar != nil {
		p.bar.ChangeMax64(p.all.Milliseconds())
	}
}

// begin starts a subject that was planned.
func (p *progress) begin(name string, d time.Duration) {
	p.now = d
	p.say("%s", name)
}

// part says that a part of the subject's steps are over, and what is next.
func (p *progress) part(done, of int, format string, args ...any) {
	p.say(format, args...)
	p.at(p.past + p.now*time.Duration(done)/time.Duration(max(1, of)))
}

// end ends the subject.
func (p *progress) end() {
	p.past += p.now
	p.at(p.past)
}

// say tells what is done now.
func (p *progress) say(format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	switch {
	case p.bar != nil:
		p.bar.Describe(text)
	case text != p.lines:
		fmt.Fprintf(p.out, "bench: %s\n", text)
		p.lines = text
	}
}

func (p *progress) at(d time.Duration) {
	// The last bit is left to close, so that the bar stays to the end.
	if p.bar != nil && d < p.all {
		p.bar.Set64(d.Milliseconds())
	}
}

func (p *progress) close() {
	if p.bar != nil {
		p.bar.Finish()
	}
}
