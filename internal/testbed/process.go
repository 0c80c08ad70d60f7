package testbed

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"sync"
	"syscall"
	"time"
)

// Process is one program that a Bed started. Its output goes to Log.
type Process struct {
	Name string   // unique within the Bed: folder and log are named by it
	Argv []string // as it was last started
	Log  string   // path of its standard output and error, appended to at each start

	bed   *Bed
	pipes bool     // its standard input and output are ours
	in    *os.File // what we write to it
	out   *os.File // what it writes to us
	cmd   *exec.Cmd
	done  chan struct{} // closed once it has been waited for
	err   error         // what Wait said; to be read after done
}

// Start runs the program again, or for the first time. It fails if it is
// running already or cannot be executed.
func (p *Process) Start() error {
	p.bed.mu.Lock()
	defer p.bed.mu.Unlock()
	if p.bed.closed {
		return errClosed
	}
	if p.Running() {
		return fmt.Errorf("testbed: %s is running", p.Name)
	}
	log, err := os.OpenFile(p.Log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	defer log.Close()
	cmd := exec.Command(p.Argv[0], p.Argv[1:]...)
	cmd.Dir = filepath.Dir(p.Log)
	cmd.Stdout, cmd.Stderr = log, log
	if p.pipes {
		theirs, err := p.connect(cmd)
		if err != nil {
			return err
		}
		defer theirs.close()
	}
	if err := spawn(cmd); err != nil {
		p.hangUp()
		return fmt.Errorf("testbed: start %s: %w", p.Name, err)
	}
	done := make(chan struct{})
	p.cmd, p.done = cmd, done
	go func() {
		p.err = cmd.Wait()
		close(done)
	}()
	return nil
}

// Running reports whether the program was started and has not ended.
func (p *Process) Running() bool {
	if p.done == nil {
		return false
	}
	select {
	case <-p.done:
		return false
	default:
		return true
	}
}

// PID is the id of the running program, or 0.
func (p *Process) PID() int {
	if !p.Running() {
		return 0
	}
	return p.cmd.Process.Pid
}

// Kill sends SIGKILL and waits until the process is gone. A process that is
// not running is left as it is.
func (p *Process) Kill() {
	p.hangUp()
	if !p.Running() {
		return
	}
	p.cmd.Process.Kill()
	<-p.done
}

// Signal sends a signal; a process that is not running is no error.
func (p *Process) Signal(s syscall.Signal) {
	if p.Running() {
		p.cmd.Process.Signal(s)
	}
}

// Stop asks the process to end by SIGTERM and waits up to patience for it,
// then kills it. It reports whether the process ended by itself.
func (p *Process) Stop(patience time.Duration) bool {
	if !p.Running() {
		return true
	}
	p.Signal(syscall.SIGTERM)
	return p.Wait(patience)
}

// Wait waits up to patience for the process to end, then kills it. It reports
// whether the process ended by itself.
func (p *Process) Wait(patience time.Duration) bool {
	if p.done == nil {
		return true
	}
	t := time.NewTimer(patience)
	defer t.Stop()
	select {
	case <-p.done:
		return true
	case <-t.C:
		p.Kill()
		return false
	}
}

// ExitCode is the exit code of a process that has ended, -1 if a signal ended
// it or it is still running.
func (p *Process) ExitCode() int {
	if p.cmd == nil || p.Running() {
		return -1
	}
	return p.cmd.ProcessState.ExitCode()
}

// Tail is the last n bytes of the log, from the start of a line.
func (p *Process) Tail(n int64) string {
	f, err := os.Open(p.Log)
	if err != nil {
		return ""
	}
	defer f.Close()
	size, err := f.Seek(0, io.SeekEnd)
	if err != nil {
		return ""
	}
	from := max(0, size-n)
	b := make([]byte, size-from)
	if _, err := f.ReadAt(b, from); err != nil && err != io.EOF {
		return ""
	}
	if i := bytes.IndexByte(b, '\n'); from > 0 && i >= 0 {
		b = b[i+1:]
	}
	return string(b)
}

var (
	spawnerOnce sync.Once
	spawner     chan func()
)

// spawn starts cmd so that it dies with this program, however that ends. The
// kernel ties a child to the thread that started it, so all are started by one
// thread that stays.
func spawn(cmd *exec.Cmd) error {
	spawnerOnce.Do(func() {
		spawner = make(chan func())
		go func() {
			runtime.LockOSThread()
			for f := range spawner {
				f()
			}
		}()
	})
	tie(cmd)
	err := make(chan error)
	spawner <- func() { err <- cmd.Start() }
	return <-err
}
