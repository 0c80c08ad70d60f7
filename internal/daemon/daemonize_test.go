package daemon

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
)

// procStat is where the kernel describes a process.
func procStat(pid int) string { return fmt.Sprintf("/proc/%d/stat", pid) }

// awaitDaemon waits for the pid file of a daemon and has the test's end kill
// it.
func awaitDaemon(t *testing.T, pidFile string) int {
	text := awaitFile(t, pidFile, func(text string) bool { return strings.HasSuffix(text, "\n") })
	pid, err := strconv.Atoi(strings.TrimSpace(text))
	require.NoError(t, err)
	t.Cleanup(func() { _ = syscall.Kill(pid, syscall.SIGKILL) })
	return pid
}

// The daemon leads a session of its own, has no stream of its parent's and
// stays in its directory; the parent says nothing and ends with 0.
//
// Rule: C-124, C-125, C-126, C-127, C-36, C-39.
func TestDaemonize(t *testing.T) {
	for _, stdin := range []string{"", "sentinel down-after-milliseconds mm 1234\n"} {
		dir, path, port := writeConf(t, "daemonize yes", "pidfile s.pid", "logfile s.log")
		args := []string{"s.conf"} // found from the directory of the parent
		if stdin != "" {
			args = append(args, "-")
		}
		sub := filepath.Join(dir, "sub")
		require.NoError(t, os.Mkdir(sub, 0o755))
		require.NoError(t, os.WriteFile(path, []byte(readFile(t, path)+"dir sub\n"), 0o600))
		cmd := ourselves(dir, args...)
		cmd.Stdin = strings.NewReader(stdin)
		parent := start(t, cmd)
		require.Equal(t, 0, parent.wait())
		require.Empty(t, parent.stdout())
		require.Empty(t, parent.errs.String())

		pid := awaitDaemon(t, filepath.Join(sub, "s.pid"))
		log := awaitFile(t, filepath.Join(sub, "s.log"), func(text string) bool { return strings.Contains(text, "+monitor") })
		require.Equal(t, 1, strings.Count(log, "Redis is starting"))
		require.Contains(t, log, fmt.Sprintf("pid=%d, just started", pid))
		require.Equal(t, min(1, len(stdin)), strings.Count(log, "Reading config from stdin"))
		stat := strings.Fields(readFile(t, procStat(pid)))
		require.Equal(t, strconv.Itoa(pid), stat[5], "session")
		require.NotEqual(t, strconv.Itoa(cmd.Process.Pid), stat[3], "parent")
		require.Equal(t, "redis-sentinel\n", readFile(t, fmt.Sprintf("/proc/%d/comm", pid)))
		for fd := range 3 {
			target, err := os.Readlink(fmt.Sprintf("/proc/%d/fd/%d", pid, fd))
			require.NoError(t, err)
			require.Equal(t, os.DevNull, target)
		}
		cwd, err := os.Readlink(fmt.Sprintf("/proc/%d/cwd", pid))
		require.NoError(t, err)
		require.Equal(t, sub, cwd)
		require.Contains(t, infoOf(t, port), "\r\nconfig_file:"+path+"\r\n")
		if stdin != "" {
			require.Contains(t, readFile(t, path), stdin)
		}

		require.NoError(t, syscall.Kill(pid, syscall.SIGTERM))
		log = awaitFile(t, filepath.Join(sub, "s.log"), func(text string) bool { return strings.Contains(text, "bye bye") })
		require.Contains(t, log, ":signal-handler (")
		require.NoFileExists(t, filepath.Join(sub, "s.pid"))
	}
}

// Errors up to the configuration's are the parent's; later ones show only in
// the log.
//
// Rule: C-124.
func TestDaemonizeErrors(t *testing.T) {
	dir, path, _ := writeConf(t, "daemonize yes", "logfile s.log", "pidfile s.pid", "bogus 1")
	c := start(t, ourselves(dir, path))
	require.Equal(t, 1, c.wait())
	require.Contains(t, c.errs.String(), "Bad directive or wrong number of arguments")

	dir, path, _ = writeConf(t, "daemonize yes", "logfile s.log", "pidfile s.pid", "port 0")
	c = start(t, ourselves(dir, path))
	require.Equal(t, 0, c.wait())
	awaitFile(t, filepath.Join(dir, "s.log"), func(text string) bool {
		return strings.Contains(text, "# Configured to not listen anywhere, exiting.\n")
	})
}

// A daemon without pidfile has a default, which is then in the file; that it
// cannot be written is only a warning.
//
// Rule: C-99, C-126.
func TestDefaultPidFile(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("needs root, to become someone else")
	}
	dir, path, port := writeConf(t, "daemonize yes", "logfile s.log")
	for _, p := range []string{dir, path} {
		require.NoError(t, os.Chown(p, nobody, nobody))
	}
	require.NoError(t, os.Chmod(filepath.Dir(dir), 0o755))
	cmd := ourselves(dir, path)
	cmd.Env = append(cmd.Env, asNobody+"=1")
	require.Equal(t, 0, start(t, cmd).wait())
	awaitListener(t, port)
	t.Cleanup(func() { killByLog(t, filepath.Join(dir, "s.log")) })
	log := messages(readFile(t, filepath.Join(dir, "s.log")))
	for i, line := range log {
		if line == fmt.Sprintf("* Running mode=sentinel, port=%d.", port) {
			require.Equal(t, "# Failed to write PID file: Permission denied", log[i-1])
		}
	}
	require.Contains(t, readFile(t, path), "\npidfile \"/var/run/redis.pid\"\n")
	ask(t, port, "SHUTDOWN")
	log = messages(awaitFile(t, filepath.Join(dir, "s.log"), func(text string) bool { return strings.Contains(text, "bye bye") }))
	require.Contains(t, log, "* Removing the pid file.")
}

// killByLog kills the process that wrote the lines of a log, unless they say
// that it has ended.
func killByLog(t *testing.T, path string) {
	text := readFile(t, path)
	lines := strings.Split(strings.TrimSpace(text), "\n")
	last := lines[len(lines)-1] // the first may be the parent's
	pid, err := strconv.Atoi(last[:strings.IndexByte(last, ':')])
	if err == nil && !strings.Contains(text, "bye bye") {
		_ = syscall.Kill(pid, syscall.SIGKILL)
	}
}

// Rule: C-125: the mark is private: no script inherits it.
func TestMarkIsTaken(t *testing.T) {
	t.Setenv(daemonMark, daemonPlain)
	require.Equal(t, inherited{daemon: true}, takeMark())
	require.NotContains(t, os.Environ(), daemonMark+"="+daemonPlain)
	require.Equal(t, inherited{}, takeMark())
}
