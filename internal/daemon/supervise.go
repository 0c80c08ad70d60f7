package daemon

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"runtime"
	"syscall"

	"github.com/coreos/go-systemd/v22/daemon"
	"golang.org/x/sys/unix"
)

// supervisor is the process manager that waits for our messages.
//
// Rule: C-120 to C-123.
type supervisor struct {
	mode  string // the directive, or what `auto` detected: no, upstart, systemd, auto
	found bool   // the handshake was done
	log   *slog.Logger
	flush func() // writes the log out
}

// supervise does the handshake that the `supervised` directive asks for.
//
// Rule: C-120 to C-122.
func supervise(directive string, log *slog.Logger, flush func()) *supervisor {
	s := &supervisor{mode: directive, log: log, flush: flush}
	switch {
	case directive == "upstart":
		s.found = s.upstart()
	case directive == "systemd":
		s.found = s.systemd()
	case directive == "auto" && os.Getenv("UPSTART_JOB") != "":
		s.found = s.upstart()
		s.detected("upstart")
	case directive == "auto" && os.Getenv("NOTIFY_SOCKET") != "":
		s.found = s.systemd()
		s.detected("systemd")
	}
	return s
}

// detected turns `auto` into what was found, if the handshake was done.
//
// Rule: C-99.
func (s *supervisor) detected(mode string) {
	if s.found {
		s.mode = mode
	}
}

// upstart stops the process until upstart lets it go on.
func (s *supervisor) upstart() bool {
	if os.Getenv("UPSTART_JOB") == "" {
		s.log.Warn("upstart supervision requested, but UPSTART_JOB not found!")
		return false
	}
	s.log.Info("supervised by upstart, will stop to signal readiness.")
	s.flush()
	// Sent to this thread and not to the process: it is stopped before the call
	// returns, where another thread might be told first and this one run on.
	runtime.LockOSThread()
	_ = unix.Tgkill(os.Getpid(), unix.Gettid(), syscall.SIGSTOP)
	runtime.UnlockOSThread()
	_ = os.Unsetenv("UPSTART_JOB")
	return true
}

// systemd says that the start has begun.
func (s *supervisor) systemd() bool {
	if !s.notify("STATUS=Redis is loading...\n") {
		return false
	}
	s.log.Info("Supervised by systemd. Please make sure you set appropriate values for TimeoutStartSec and TimeoutStopSec in your service unit.")
	return true
}

// ready says that the Sentinel works.
func (s *supervisor) ready() {
	if s.mode == "systemd" {
		s.notify("STATUS=Ready to accept connections\n")
		s.notify("READY=1\n")
	}
}

// stopping says that the Sentinel is about to end.
func (s *supervisor) stopping() {
	if s.mode == "systemd" {
		s.notify("STOPPING=1\n")
	}
}

// name is INFO's process_supervised.
//
// Rule: C-123.
func (s *supervisor) name() string {
	if s.found {
		return s.mode
	}
	return "no"
}

// notify sends one datagram to systemd.
//
// Rule: C-121.
func (s *supervisor) notify(message string) bool {
	sent, err := daemon.SdNotify(false, message)
	switch {
	case err != nil:
		s.log.Warn(fmt.Sprintf("systemd supervision error: sd_notify: %s", negativeErrno(err)))
	case !sent:
		s.log.Warn("systemd supervision error: NOTIFY_SOCKET not found!")
	}
	return sent
}

// negativeErrno shows an error as libsystemd returns it.
func negativeErrno(err error) string {
	var errno syscall.Errno
	if errors.As(err, &errno) {
		return fmt.Sprintf("-%d", int(errno))
	}
	return err.Error()
}
