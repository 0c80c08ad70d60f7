package integration

import (
	"bufio"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"gosentinel/integration/fixture"
	"gosentinel/internal/testbed"
)

// The demo shows a failover and a return, on real and on simulated instances,
// and leaves nothing behind, neither at its end nor after Ctrl-C.
func TestDemo(t *testing.T) {
	t.Parallel()
	program := filepath.Join(t.TempDir(), "demo")
	out, err := exec.Command("go", "build", "-o", program, "gosentinel/internal/demo").CombinedOutput()
	require.NoError(t, err, "%s", out)
	for _, tc := range []struct {
		name      string
		args      []string
		interrupt string // the line at which Ctrl-C is pressed
		want      []string
	}{
		{"real", nil, "", []string{"kill -9 of the master", "accepts writes", "all three Sentinels name", "it follows the new master", "Done:"}},
		{"simulated", []string{"-simulate"}, "", []string{"are simulated", "accepts writes", "it follows the new master", "Done:"}},
		{"Ctrl-C in the middle", nil, "kill -9 of the master", []string{"interrupted"}},
		{"Ctrl-C at once", []string{"-simulate"}, "are simulated", []string{"interrupted"}},
		{"kept until Ctrl-C", []string{"-keep", "-simulate"}, "left running", []string{"Done:", "redis-cli -p"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			fixture.NeedsRedis(t)
			tmp := t.TempDir()
			cmd := exec.Command(program, append([]string{"-sentinel", fixture.Programs.Ours}, tc.args...)...)
			cmd.Env = append(os.Environ(), "TMPDIR="+tmp)
			text := watch(t, cmd, tc.interrupt)
			for _, w := range tc.want {
				require.Contains(t, text, w)
			}
			left, err := os.ReadDir(tmp)
			require.NoError(t, err)
			require.Empty(t, left, "left behind")
			require.NoError(t, testbed.Until(30*time.Second, func() error { return noProcessIn(tmp) }))
		})
	}
}

// watch runs a program to its end, which must be a good one, and presses
// Ctrl-C when a line holds interrupt.
func watch(t *testing.T, cmd *exec.Cmd, interrupt string) string {
	t.Helper()
	pipe, err := cmd.StdoutPipe()
	require.NoError(t, err)
	cmd.Stderr = cmd.Stdout
	require.NoError(t, cmd.Start())
	stuck := time.AfterFunc(2*time.Minute, func() { cmd.Process.Kill() })
	defer stuck.Stop()
	var text strings.Builder
	lines := bufio.NewScanner(pipe)
	for lines.Scan() {
		text.WriteString(lines.Text() + "\n")
		if interrupt != "" && strings.Contains(lines.Text(), interrupt) {
			require.NoError(t, cmd.Process.Signal(syscall.SIGINT))
		}
	}
	require.NoError(t, cmd.Wait(), text.String())
	return text.String()
}

// noProcessIn reports by nil that no process has dir in its command line.
func noProcessIn(dir string) error {
	all, err := filepath.Glob("/proc/[0-9]*/cmdline")
	if err != nil {
		return err
	}
	for _, p := range all {
		text, err := os.ReadFile(p)
		if err == nil && strings.Contains(string(text), dir) {
			return &os.PathError{Op: "still running", Path: p, Err: os.ErrExist}
		}
	}
	return nil
}
