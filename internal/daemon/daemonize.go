package daemon

import (
	"bytes"
	"errors"
	"io"
	"os"
	"os/exec"
	"syscall"
)

// daemonMark is the environment variable that tells a process that it is the
// child of daemonize, and which of its descriptors holds the parent's standard
// input, if any.
const daemonMark = "GOSENTINEL_DAEMON"

const (
	daemonPlain     = "1"
	daemonWithStdin = "stdin"
)

// inherited is what the child of daemonize knows from its parent.
type inherited struct {
	daemon bool      // this is the child
	stdin  io.Reader // what the parent had read from standard input; nil if nothing
}

// takeMark reads the mark and removes it, so that no script inherits it.
func takeMark() inherited {
	mark := os.Getenv(daemonMark)
	_ = os.Unsetenv(daemonMark)
	switch mark {
	case daemonPlain:
		return inherited{daemon: true}
	case daemonWithStdin:
		return inherited{daemon: true, stdin: os.NewFile(3, "stdin")}
	default:
		return inherited{}
	}
}

// daemonize starts this program again with the same arguments, in a session of
// its own, its standard streams on /dev/null and dir as current directory. The
// caller exits right after. stdin, if not nil, is what standard input held.
//
// Rule: C-124, C-125.
func daemonize(args []string, dir string, stdin []byte) error {
	cmd := &exec.Cmd{
		Path:        "/proc/self/exe",
		Args:        args,
		Dir:         dir,
		Env:         append(os.Environ(), daemonMark+"="+daemonPlain),
		SysProcAttr: &syscall.SysProcAttr{Setsid: true},
	}
	if stdin == nil {
		return cmd.Start()
	}
	r, w, err := os.Pipe()
	if err != nil {
		return err
	}
	defer r.Close()
	defer w.Close()
	cmd.Env = append(os.Environ(), daemonMark+"="+daemonWithStdin)
	cmd.ExtraFiles = []*os.File{r}
	if err := cmd.Start(); err != nil {
		return err
	}
	if _, err := io.Copy(w, bytes.NewReader(stdin)); err != nil && !errors.Is(err, syscall.EPIPE) {
		return err
	}
	return nil
}
