//go:build !linux

package testbed

import (
	"os/exec"
	"syscall"
)

// tie keeps a Ctrl-C at the terminal from reaching the child.
func tie(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
}
