package sentinel

import (
	"fmt"
	"slices"
	"time"

	"gosentinel/internal/resp"
)

// Limits of the script queue (behaviour.md, section 2).
const (
	maxScripts        = 256 // queued, running ones included
	maxRunningScripts = 16
	maxScriptStarts   = 10
)

// scriptRank says which scripts are given up first when the queue is full.
type scriptRank uint8

const (
	scriptSeen   scriptRank = iota // something was seen or heard, which anybody may repeat
	scriptStep                     // a step of a failover
	scriptSwitch                   // clients have to go elsewhere
)

// scriptRankOf is the rank of the notification script of an event.
//
// Rule: B-923.
func scriptRankOf(event string) scriptRank {
	switch event {
	case "+switch-master":
		return scriptSwitch
	case "+try-failover", "+elected-leader", "+failover-state-select-slave", "+selected-slave",
		"+promoted-slave", "+failover-state-reconf-slaves", "+failover-end", "+failover-end-for-timeout",
		"-failover-abort-not-elected", "-failover-abort-no-good-slave", "-failover-abort-slave-timeout":
		return scriptStep
	}
	return scriptSeen
}

// scriptJob is one call of a script, with its retries.
type scriptJob struct {
	rank    scriptRank
	id      JobID // of the last start; 0 = never started
	argv    []string
	running bool
	pid     int // 0 = not known
	killed  bool
	starts  int
	since   time.Duration // running: since when
	next    time.Duration // waiting: not before
}

// scripts is the queue of notification and reconfiguration scripts, oldest
// first. It is a node: it starts, retries and kills. The zero value is empty.
//
// Rule: B-920 to B-925.
type scripts struct {
	place
	queue   []*scriptJob
	running int
	lastJob JobID
}

// runScript queues a script. When the queue is full, one that does not run is
// dropped: of the lowest rank the oldest.
//
// Rule: B-923.
func (c *Core) runScript(rank scriptRank, path string, args ...string) {
	s := &c.scripts
	s.queue = append(s.queue, &scriptJob{
		rank: rank, argv: append([]string{path}, args...), next: c.now.Mono,
	})
	if len(s.queue) > maxScripts {
		drop := len(s.queue) - 1
		for k := drop - 1; k >= 0; k-- {
			if j := s.queue[k]; !j.running && j.rank <= s.queue[drop].rank {
				drop = k
			}
		}
		s.queue = slices.Delete(s.queue, drop, drop+1)
	}
	c.touch(s)
}

func (s *scripts) act(c *Core) {
	for _, j := range s.queue {
		switch {
		case !j.running && s.running < maxRunningScripts && j.next <= c.now.Mono:
			s.start(c, j)
		case j.overdue(c) <= c.now.Mono:
			j.killed = true
			c.say(LevelWarning, "-script-timeout", fmt.Sprintf("%s %d", j.argv[0], j.pid), nil)
			c.emit(KillJob{Job: j.id})
		}
	}
}

func (s *scripts) due(c *Core) time.Duration {
	next := farAway
	for _, j := range s.queue {
		if !j.running && s.running < maxRunningScripts {
			next = min(next, j.next)
		}
		next = min(next, j.overdue(c))
	}
	return next
}

func (s *scripts) start(c *Core, j *scriptJob) {
	s.lastJob++
	j.id = s.lastJob
	j.running, j.killed, j.pid = true, false, 0
	j.since = c.now.Mono
	j.starts++
	s.running++
	c.emit(RunScript{Job: j.id, Argv: slices.Clone(j.argv)})
}

// overdue is when a running script has had its time; its clock begins when it
// has really started.
//
// Rule: B-925.
func (j *scriptJob) overdue(c *Core) time.Duration {
	if !j.running || j.pid == 0 || j.killed {
		return farAway
	}
	return j.since + c.params.scriptMaxRuntime + 1
}

// find is the running job of that id, or nil.
func (s *scripts) find(id JobID) *scriptJob {
	for _, j := range s.queue {
		if j.running && j.id == id {
			return j
		}
	}
	return nil
}

// scriptUp notes that a script runs. One that could not be started is as one
// that ended with code 2.
//
// Rule: B-924.
func (c *Core) scriptUp(in ScriptUp) {
	j := c.scripts.find(in.Job)
	if j == nil {
		return
	}
	if in.PID == 0 {
		c.scriptEnded(j, 2, 0)
		return
	}
	j.pid, j.since = in.PID, c.now.Mono
	c.emit(Emit{Event{Name: "+script-child", Payload: itoa(in.PID), Level: LevelDebug, LogOnly: true}})
	c.touch(&c.scripts)
}

// scriptDone notes that a script has ended.
func (c *Core) scriptDone(in ScriptDone) {
	j := c.scripts.find(in.Job)
	if j == nil {
		return
	}
	c.emit(Emit{Event{
		Name:    "-script-child",
		Payload: fmt.Sprintf("%d %d %d", j.pid, in.Code, in.Signal),
		Level:   LevelDebug, LogOnly: true,
	}})
	c.scriptEnded(j, in.Code, in.Signal)
}

// scriptEnded plans the next try, or takes the script off the queue.
//
// Rule: B-924.
func (c *Core) scriptEnded(j *scriptJob, code, signal int) {
	s := &c.scripts
	s.running--
	j.running, j.pid = false, 0
	c.touch(s)
	again := signal != 0 || code == 1
	if again && j.starts < maxScriptStarts {
		j.next = c.now.Mono + c.params.scriptRetryDelay<<(j.starts-1)
		return
	}
	s.queue = slices.DeleteFunc(s.queue, func(o *scriptJob) bool { return o == j })
	if again || code != 0 {
		c.say(LevelWarning, "-script-error", fmt.Sprintf("%s %d %d", j.argv[0], signal, code), nil)
	}
}

// pending is the reply of PENDING-SCRIPTS.
//
// Rule: K-2.14.
func (s *scripts) pending(now time.Duration) resp.Value {
	list := make([]resp.Value, 0, len(s.queue))
	for _, j := range s.queue {
		argv := make([]resp.Value, len(j.argv))
		for i, arg := range j.argv {
			argv[i] = resp.Str(arg)
		}
		flags, clock, span := "scheduled", "run-delay", max(0, j.next-now)
		if j.running {
			flags, clock, span = "running", "run-time", now-j.since
		}
		list = append(list, resp.Pairs(
			resp.Str("argv"), resp.List(argv...),
			resp.Str("flags"), resp.Str(flags),
			resp.Str("pid"), resp.Str(itoa(j.pid)),
			resp.Str(clock), resp.Str(itoa(int(ms(span)))),
			resp.Str("retry-num"), resp.Str(itoa(j.starts)),
		))
	}
	return resp.List(list...)
}
