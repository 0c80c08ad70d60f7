package daemon

import (
	"errors"
	"net"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

// notifySocket plays systemd.
type notifySocket struct {
	t    *testing.T
	path string // as NOTIFY_SOCKET has it
	conn *net.UnixConn
}

// listenNotify opens a notify socket; a path that begins with @ is abstract.
func listenNotify(t *testing.T, path string) *notifySocket {
	conn, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
	require.NoError(t, err)
	t.Cleanup(func() { _ = conn.Close() })
	require.NoError(t, conn.SetReadDeadline(time.Now().Add(patience)))
	return &notifySocket{t, path, conn}
}

// receive gives the next datagram.
func (n *notifySocket) receive() string {
	n.t.Helper()
	buf := make([]byte, 1024)
	size, err := n.conn.Read(buf)
	require.NoError(n.t, err)
	return string(buf[:size])
}

// fill sends to the socket until nothing more fits: each from a sender of its
// own, so that it is this socket that is full.
func (n *notifySocket) fill() {
	for {
		fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_DGRAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
		require.NoError(n.t, err)
		err = unix.Sendto(fd, []byte("x"), 0, &unix.SockaddrUnix{Name: n.path})
		_ = unix.Close(fd)
		if errors.Is(err, unix.EAGAIN) {
			return
		}
		require.NoError(n.t, err)
	}
}

// What systemd hears, in order, from us and from the original; under systemd
// nobody becomes a daemon.
//
// Rule: C-120, C-123, C-124, C-99.
func TestSystemd(t *testing.T) {
	for _, tc := range []struct{ name, mode, socket string }{
		{"asked for", "systemd", "notify"},
		{"detected", "auto", "notify"},
		{"abstract socket", "systemd", "@"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			for _, run := range []func(dir string, args ...string) *exec.Cmd{ourselves, func(dir string, args ...string) *exec.Cmd { return original(t, dir, args...) }} {
				dir, path, port := writeConf(t, "daemonize yes", "pidfile s.pid")
				socket := filepath.Join(dir, tc.socket)
				if tc.socket == "@" {
					socket = "@" + dir
				}
				manager := listenNotify(t, socket)
				cmd := run(dir, path, "--supervised", tc.mode)
				cmd.Env = append(cmd.Env, "NOTIFY_SOCKET="+manager.path)
				c := start(t, cmd)
				require.Equal(t, "STATUS=Redis is loading...\n", manager.receive())
				require.Equal(t, "STATUS=Ready to accept connections\n", manager.receive())
				require.Equal(t, "READY=1\n", manager.receive())
				require.Contains(t, infoOf(t, port), "\r\nprocess_supervised:systemd\r\n")
				require.Contains(t, readFile(t, path), "\nsupervised systemd\n")
				c.signal(syscall.SIGTERM)
				require.Equal(t, "STOPPING=1\n", manager.receive())
				require.Equal(t, 0, c.wait())
				lines := startText(c.stdout())
				require.Equal(t, "* Supervised by systemd. Please make sure you set appropriate values for TimeoutStartSec and TimeoutStopSec in your service unit.", lines[0])
				require.Contains(t, lines[1], "Redis is starting")
				// The signal's line is missing: stdout, and daemonize yes (C-116).
				require.NotContains(t, c.stdout(), "signal-handler")
			}
		})
	}
}

// infoOf is INFO's reply from a port of 127.0.0.1.
func infoOf(t *testing.T, port int) string {
	t.Helper()
	return ask(t, port, "INFO server")
}

// Rule: C-121: without a socket each message is an error in the log.
func TestSystemdMissing(t *testing.T) {
	const line = "# systemd supervision error: NOTIFY_SOCKET not found!"
	dir, path, port := writeConf(t, "supervised systemd")
	c := start(t, ourselves(dir, path))
	awaitListener(t, port)
	require.Contains(t, infoOf(t, port), "\r\nprocess_supervised:no\r\n")
	c.signal(syscall.SIGTERM)
	require.Equal(t, 0, c.wait())
	lines := startText(c.stdout())
	require.Equal(t, line, lines[0])
	require.Equal(t, 4, strings.Count(c.stdout(), line[2:]))

	dir, path, _ = writeConf(t, "supervised auto", "port 0")
	cmd := ourselves(dir, path)
	cmd.Env = append(cmd.Env, "NOTIFY_SOCKET=/nonexistent")
	c = start(t, cmd)
	require.Equal(t, 1, c.wait())
	require.Equal(t, "# systemd supervision error: sd_notify: -2", startText(c.stdout())[0])
}

// Rule: C-122.
func TestUpstart(t *testing.T) {
	for _, mode := range []string{"upstart", "auto"} {
		dir, path, port := writeConf(t, "supervised "+mode)
		cmd := ourselves(dir, path)
		cmd.Env = append(cmd.Env, "UPSTART_JOB=x", "NOTIFY_SOCKET=/nonexistent")
		c := start(t, cmd)
		c.awaitLine("* supervised by upstart, will stop to signal readiness.")
		awaitFile(t, procStat(cmd.Process.Pid), func(text string) bool { return strings.Contains(text, ") T ") })
		require.NotContains(t, c.stdout(), "Redis is starting")
		c.signal(syscall.SIGCONT)
		c.awaitLine("+monitor")
		require.Contains(t, infoOf(t, port), "\r\nprocess_supervised:upstart\r\n")
		require.Contains(t, readFile(t, path), "supervised upstart\n")
	}

	dir, path, _ := writeConf(t, "supervised upstart", "port 0")
	c := start(t, ourselves(dir, path))
	require.Equal(t, 1, c.wait())
	require.Equal(t, "# upstart supervision requested, but UPSTART_JOB not found!", startText(c.stdout())[0])
}

// Rule: C-122: with `no`, the default, nobody is told.
func TestUnsupervised(t *testing.T) {
	for _, mode := range []string{"no", "auto"} {
		dir, path, _ := writeConf(t, "supervised "+mode, "port 0")
		cmd := ourselves(dir, path)
		if mode == "no" {
			cmd.Env = append(cmd.Env, "UPSTART_JOB=x", "NOTIFY_SOCKET=/nonexistent")
		}
		c := start(t, cmd)
		require.Equal(t, 1, c.wait())
		require.Contains(t, startText(c.stdout())[0], "Redis is starting")
	}
}
