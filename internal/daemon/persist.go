package daemon

import (
	"time"

	"gosentinel/conf"
	"gosentinel/sentinel"
)

// saveJob is one write: of the state that seq covers or, if probe is set, of
// nothing at all, to see whether a write would succeed.
type saveJob struct {
	state conf.State
	seq   sentinel.Seq
	probe bool
}

// saveResult is how a saveJob ended.
type saveResult struct {
	seq   sentinel.Seq
	probe bool
	took  time.Duration
	err   error
}

// persister rewrites the config file on a goroutine of its own, one job at a
// time.
type persister struct {
	saver  saver
	path   string // of the file that is written
	values conf.Values
	users  func() []string
	jobs   chan saveJob     // the loop never has more than one under way
	report func(saveResult) // called from the persister's goroutine
}

// run carries out jobs until the channel is closed.
func (p *persister) run() {
	for job := range p.jobs {
		begin := time.Now()
		var err error
		if job.probe {
			err = p.saver.probe(p.path)
		} else {
			err = p.write(job.state)
		}
		p.told(job, err)
		p.report(saveResult{job.seq, job.probe, time.Since(begin), err})
	}
}

// write rewrites the file on disk now.
//
// Rule: C-92, R-23.
func (p *persister) write(state conf.State) error {
	// From the disk each time, as in the original: what somebody has edited meanwhile is kept (C-93).
	old, err := p.saver.read(p.path)
	if err != nil {
		return err
	}
	var users []string
	if p.users != nil {
		users = p.users()
	}
	return p.saver.save(p.path, conf.Rewrite(old, p.values, users, state))
}

// told logs how a job ended.
//
// Rule: C-106, C-109.
func (p *persister) told(job saveJob, err error) {
	log := p.saver.log
	switch {
	case err != nil:
		log.Warn("WARNING: Sentinel was not able to save the new configuration on disk!!!: " + errnoText(err))
	case !job.probe:
		log.Debug("Rewritten config file (" + p.path + ") successfully")
		log.Info("Sentinel new configuration saved on disk")
	}
}

// Back-off between attempts after a failed write: soon enough for a disk that
// was full for a moment, rare enough for a log that shows every attempt.
const (
	firstRetry = 100 * time.Millisecond
	lastRetry  = time.Minute
)

// dirt is the loop's account of what must be written. Its methods are called
// on the loop. The zero dirt begins with a probe unless something is dirty.
type dirt struct {
	newest  sentinel.Seq  // of the last change
	tried   sentinel.Seq  // covered by the last write begun
	busy    bool          // a job is under way
	settled bool          // a job has come back
	known   bool          // a write was begun or a probe succeeded
	failing bool          // the last job failed
	wait    time.Duration // from the last failure to the next attempt
	retryAt time.Duration // Mono time of it
}

// next reports whether a job is to be begun now, and whether it is a probe.
//
// Rule: R-8, a failed write is retried until it succeeds; E-45.
func (d *dirt) next(now time.Duration) (probe, ok bool) {
	switch {
	case d.busy:
		return false, false
	// A change does not wait for the back-off of an earlier failure: the disk may be well again.
	case d.newest > d.tried:
		return false, true
	case d.failing:
		return !d.known, now >= d.retryAt
	// Once in a life whether the file can be written must be known before a vote depends on it (E-45).
	default:
		return true, !d.known
	}
}

// begun notes that a job was begun: a probe, or the write of all up to seq.
func (d *dirt) begun(probe bool, seq sentinel.Seq) {
	d.busy = true
	if !probe {
		d.known, d.tried = true, seq
	}
}

// done takes the result of a job.
func (d *dirt) done(r saveResult, now time.Duration) {
	d.busy, d.settled = false, true
	d.failing = r.err != nil
	if !d.failing {
		d.known, d.wait = true, 0
		return
	}
	d.wait = min(max(firstRetry, 2*d.wait), lastRetry)
	d.retryAt = now + d.wait
}

// deadline is when next must be asked again, if that is known.
func (d *dirt) deadline() (at time.Duration, ok bool) {
	return d.retryAt, d.failing && !d.busy
}
