package daemon

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// startText is the log without what depends on the machine: the warning of
// overcommit and the raised descriptor limit.
func startText(log string) []string {
	var out []string
	for _, m := range messages(log) {
		if !strings.HasPrefix(m, "# WARNING Memory overcommit") && !strings.HasPrefix(m, "* Increased maximum number of open files") {
			out = append(out, m)
		}
	}
	return out
}

// mask hides what differs from run to run.
func mask(lines []string) []string {
	for _, m := range []struct{ pattern, with string }{
		{`pid=\d+`, "pid=<pid>"},
		{`[0-9a-f]{40}`, "<id>"},
		{`^\d+:signal-handler \(\d+\)`, "<pid>:signal-handler (<time>)"},
		{`, go1\.\S+$`, ", <go>"},
	} {
		for i, line := range lines {
			lines[i] = regexp.MustCompile(m.pattern).ReplaceAllString(line, m.with)
		}
	}
	return lines
}

// A whole life: what is logged, what is there meanwhile, what is gone at the
// end.
//
// Rule: C-47, C-50, C-72, C-113, C-116, C-118, C-126, C-127, B-1103, B-1105, K-7, R-2.
func TestLife(t *testing.T) {
	dir, path, port := writeConf(t)
	pidFile, socket := filepath.Join(dir, "s.pid"), filepath.Join(dir, "s.sock")
	require.NoError(t, os.WriteFile(pidFile, []byte("what an earlier life left"), 0o600))
	require.NoError(t, os.WriteFile(socket, nil, 0o600))
	args := []string{path, "--pidfile", "s.pid", "--unixsocket", socket, "--unixsocketperm", "700"}

	live := func(cmd *exec.Cmd) []string {
		c := start(t, cmd)
		c.awaitLine("+monitor")
		require.Equal(t, "+PONG", call(t, "tcp", fmt.Sprintf("127.0.0.1:%d", port), "PING"))
		require.Equal(t, "+PONG", call(t, "unix", socket, "PING"))
		require.Equal(t, fmt.Sprintf("%d\n", cmd.Process.Pid), readFile(t, pidFile))
		info, err := os.Stat(socket)
		require.NoError(t, err)
		require.Equal(t, os.FileMode(0o700), info.Mode().Perm())
		c.signal(syscall.SIGHUP)
		c.signal(syscall.SIGPIPE)
		require.Equal(t, "+PONG", call(t, "unix", socket, "PING"))
		c.signal(syscall.SIGTERM)
		require.Equal(t, 0, c.wait())
		require.NoFileExists(t, pidFile)
		require.NoFileExists(t, socket)
		require.Empty(t, c.errs.String())
		return mask(startText(c.stdout()))
	}
	ours := live(ourselves(dir, args...))
	require.Equal(t, []string{
		"* oO0OoO0OoO0Oo Redis is starting oO0OoO0OoO0Oo",
		"* Redis version=7.2.4, bits=64, commit=00000000, modified=0, pid=<pid>, just started",
		"* gosentinel 0.1.0, <go>",
		"* Configuration loaded",
		"* monotonic clock: POSIX clock_gettime",
		fmt.Sprintf("* Running mode=sentinel, port=%d.", port),
		"* Sentinel new configuration saved on disk",
		"* Sentinel ID is <id>",
		"# +monitor master mm 127.0.0.1 1 quorum 2",
		"<pid>:signal-handler (<time>) Received SIGTERM scheduling shutdown...",
		"* User requested shutdown...",
		"* Removing the pid file.",
		"* Removing the unix socket file.",
		"# Sentinel is now ready to exit, bye bye...",
	}, ours)

	// The original on the file that we left: all but its levels, its version
	// and our own line.
	before := readFile(t, path)
	theirs := live(original(t, dir, args...))
	level := regexp.MustCompile(`^[#*] `)
	for i, line := range theirs {
		theirs[i] = strings.Replace(level.ReplaceAllString(line, ""), "7.0.15", "7.2.4", 1)
	}
	var alike []string
	for _, line := range ours {
		if !strings.Contains(line, "gosentinel") && !strings.Contains(line, "saved on disk") {
			alike = append(alike, level.ReplaceAllString(line, ""))
		}
	}
	require.Equal(t, alike, theirs)
	require.Equal(t, before, readFile(t, path), "it had no reason to write")

	// Nor have we, now that there is a run id.
	require.NotContains(t, live(ourselves(dir, args...)), "* Sentinel new configuration saved on disk")
	require.Equal(t, before, readFile(t, path))
}

// Rule: C-115, C-116, C-118.
func TestQuietLevels(t *testing.T) {
	for level, want := range map[string][]string{
		"warning": {
			"# +monitor master mm 127.0.0.1 1 quorum 2",
			"<pid>:signal-handler (<time>) Received SIGINT scheduling shutdown...",
			"# Sentinel is now ready to exit, bye bye...",
		},
		"nothing": nil,
	} {
		dir, path, port := writeConf(t, "loglevel "+level)
		c := start(t, ourselves(dir, path))
		awaitListener(t, port)
		c.signal(syscall.SIGINT)
		require.Equal(t, 0, c.wait())
		require.Equal(t, want, mask(startText(c.stdout())), level)
	}
}

// awaitListener waits until a Sentinel answers on a port of 127.0.0.1.
func awaitListener(t *testing.T, port int) {
	t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	limit := time.After(patience)
	for {
		conn, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", port))
		if err == nil {
			_ = conn.Close()
			require.Equal(t, "+PONG", call(t, "tcp", conn.RemoteAddr().String(), "PING"))
			return
		}
		select {
		case <-tick.C:
		case <-limit:
			require.Fail(t, "nobody listens")
		}
	}
}

// Rule: K-7: SHUTDOWN ends as a signal does, without the signal's line.
func TestShutdownCommand(t *testing.T) {
	dir, path, port := writeConf(t)
	c := start(t, ourselves(dir, path))
	c.awaitLine("+monitor")
	require.Empty(t, call(t, "tcp", fmt.Sprintf("127.0.0.1:%d", port), "SHUTDOWN NOSAVE"))
	require.Equal(t, 0, c.wait())
	lines := messages(c.stdout())
	require.Equal(t, []string{"* User requested shutdown...", "# Sentinel is now ready to exit, bye bye..."}, lines[len(lines)-2:])
}

// Rule: K-7: SIGUSR1 and SIGUSR2 kill the process.
func TestUserSignalsKill(t *testing.T) {
	for _, sig := range []syscall.Signal{syscall.SIGUSR1, syscall.SIGUSR2} {
		dir, path, _ := writeConf(t, "pidfile s.pid")
		c := start(t, ourselves(dir, path))
		c.awaitLine("+monitor")
		c.signal(sig)
		require.Equal(t, -1, c.wait())
		require.FileExists(t, filepath.Join(dir, "s.pid"))
	}
}

// SIGQUIT and SIGABRT show what all goroutines do, as is usual with Go, and end
// the process: nothing is tidied up, as in the original.
//
// Rule: K-7.
func TestQuitShowsGoroutines(t *testing.T) {
	for _, sig := range []syscall.Signal{syscall.SIGQUIT, syscall.SIGABRT} {
		dir, path, _ := writeConf(t, "pidfile s.pid")
		c := start(t, ourselves(dir, path))
		c.awaitLine("+monitor")
		c.signal(sig)
		require.Equal(t, 2, c.wait())
		require.Contains(t, c.errs.String(), "\ngoroutine ")
		require.FileExists(t, filepath.Join(dir, "s.pid"))
	}
}

// A second SIGINT while the end is under way ends the process at once.
//
// Rule: C-50, K-7.
func TestSecondInterrupt(t *testing.T) {
	dir, path, _ := writeConf(t, "pidfile s.pid", "supervised systemd")
	manager := listenNotify(t, filepath.Join(dir, "notify"))
	cmd := ourselves(dir, path)
	cmd.Env = append(cmd.Env, "NOTIFY_SOCKET="+manager.path)
	c := start(t, cmd)
	for range 3 {
		manager.receive()
	}
	manager.fill() // so that the message of the end has to wait
	c.signal(syscall.SIGINT)
	c.awaitLine("User requested shutdown...")
	c.signal(syscall.SIGINT)
	require.Equal(t, 1, c.wait())
	lines := mask(messages(c.stdout()))
	require.Equal(t, "<pid>:signal-handler (<time>) You insist... exiting now.", lines[len(lines)-1])
	require.FileExists(t, filepath.Join(dir, "s.pid"))
}

// Rule: C-68.
func TestProcessTitle(t *testing.T) {
	for _, tc := range []struct {
		name string
		args []string
		want string // %p is the port, %f the file
	}{
		{"default", nil, "redis-sentinel 127.0.0.1:%p [sentinel]"},
		{"longer than all arguments", []string{"--proc-title-template", "{title} {{ {config-file} {port} {tls-port} {config-file} {config-file} {server-mode}"},
			"redis-sentinel { %f %p 0 %f %f [sentinel]"},
		{"off", []string{"--set-proc-title", "no"}, "redis-sentinel\x00%f\x00--set-proc-title\x00no"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			dir, path, port := writeConf(t)
			want := strings.NewReplacer("%p", fmt.Sprint(port), "%f", path).Replace(tc.want)
			for _, cmd := range []*exec.Cmd{ourselves(dir, append([]string{path}, tc.args...)...), original(t, dir, append([]string{path}, tc.args...)...)} {
				c := start(t, cmd)
				c.awaitLine("+monitor")
				title := readFile(t, fmt.Sprintf("/proc/%d/cmdline", cmd.Process.Pid))
				require.Equal(t, want, strings.TrimRight(title, "\x00"))
				c.signal(syscall.SIGTERM)
				require.Equal(t, 0, c.wait())
			}
		})
	}
}

// A reduced maxclients is not written to the file.
//
// Rule: C-76.
func TestReducedMaxClientsIsNotKept(t *testing.T) {
	dir, path, _ := writeConf(t)
	ours := ourselves(dir)
	self := ours.Path
	ours.Path, ours.Args = "/bin/sh", []string{"sh", "-c", `ulimit -n 200; exec "$0" "$@"`, self, path, "--maxclients", "1000000000"}
	c := start(t, ours)
	c.awaitLine("+monitor")
	text := strings.Join(messages(c.stdout()), "\n")
	require.Contains(t, text, "# You requested maxclients of 1000000000 requiring at least 1000000032 max file descriptors.\n"+
		"# Server can't set maximum open files to 1000000032 because of OS error: Operation not permitted.\n"+
		"# Current maximum open files is 200. maxclients has been reduced to 168 to compensate for low ulimit. If you need higher maxclients increase 'ulimit -n'.\n")
	require.Contains(t, readFile(t, path), "\nmaxclients 1000000000\n")
}

// Rule: K-2.10, a path passes if access(2) lets us execute it; a folder does.
func TestNotExecutable(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "x")
	require.NoError(t, os.WriteFile(file, nil, 0o644))
	var args [][]byte
	for _, w := range []string{"SENTINEL", "SET", "mm", "quorum", "2", "notification-script", file, "client-reconfig-script", dir} {
		args = append(args, []byte(w))
	}
	require.Equal(t, []string{file}, notExecutable(args))
	args[6] = []byte("/nope")
	require.Equal(t, []string{"/nope"}, notExecutable(args))
	require.Nil(t, notExecutable(args[:5]))
}
