package testbed

import (
	"os/exec"
	"syscall"
)

// tie has the kernel kill the child when the thread that starts it ends, and
// keeps a Ctrl-C at the terminal from reaching it.
func tie(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL, Setpgid: true}
}
