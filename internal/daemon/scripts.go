package daemon

import (
	"os"
	"sync"
	"syscall"

	"gosentinel/sentinel"
)

// scripts runs notification and reconfiguration scripts. When and how often is
// the core's business (B-923 to B-925).
//
// Rule: B-920 to B-922.
type scripts struct {
	report func(sentinel.Input)

	mu   sync.Mutex
	jobs map[sentinel.JobID]*script
}

// script is one run.
type script struct {
	process *os.Process // nil until it is started
	killed  bool
}

// newScripts makes a runner that reports from goroutines of its own.
func newScripts(report func(sentinel.Input)) *scripts {
	return &scripts{report: report, jobs: make(map[sentinel.JobID]*script)}
}

// run starts a script in the background: a direct exec with our environment,
// working directory and standard files, and no other file.
func (s *scripts) run(job sentinel.JobID, argv []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.jobs[job] = &script{}
	go s.supervise(job, argv)
}

// supervise starts a script and waits for its end.
func (s *scripts) supervise(job sentinel.JobID, argv []string) {
	// No search in PATH and no shell: a name without a slash is a file of the
	// working directory.
	process, err := os.StartProcess(argv[0], argv, &os.ProcAttr{
		Files: []*os.File{os.Stdin, os.Stdout, os.Stderr},
	})
	if err != nil {
		s.forget(job)
		s.report(sentinel.ScriptUp{Job: job})
		return
	}
	s.started(job, process)
	s.report(sentinel.ScriptUp{Job: job, PID: process.Pid})
	state, err := process.Wait()
	s.forget(job)
	done := sentinel.ScriptDone{Job: job, Code: -1}
	if err == nil {
		done.Code = state.ExitCode()
		if status, ok := state.Sys().(syscall.WaitStatus); ok && status.Signaled() {
			done.Code, done.Signal = 0, int(status.Signal())
		}
	}
	s.report(done)
}

func (s *scripts) started(job sentinel.JobID, process *os.Process) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.jobs[job].process = process
	if s.jobs[job].killed {
		_ = process.Kill() // it may have ended
	}
}

func (s *scripts) forget(job sentinel.JobID) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.jobs, job)
}

// kill sends SIGKILL to a script, as soon as it is started if need be. On one
// that has ended it does nothing.
func (s *scripts) kill(job sentinel.JobID) {
	s.mu.Lock()
	defer s.mu.Unlock()
	run := s.jobs[job]
	if run == nil {
		return
	}
	run.killed = true
	if run.process != nil {
		_ = run.process.Kill() // it may have ended
	}
}
