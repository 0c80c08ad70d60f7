package daemon

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// asDaemon in the environment makes the test binary run Main; asNobody has it
// give up root first.
const (
	asDaemon = "GOSENTINEL_TEST_MAIN"
	asNobody = "GOSENTINEL_TEST_NOBODY"
	nobody   = 65534
)

func TestMain(m *testing.M) {
	if os.Getenv(asDaemon) == "" {
		os.Exit(m.Run())
	}
	if os.Getenv(asUnit) != "" {
		if err := filterCalls(); err != nil {
			panic(err)
		}
	}
	if os.Getenv(asNobody) != "" {
		if err := syscall.Setuid(nobody); err != nil {
			panic(err)
		}
	}
	os.Exit(Main(os.Args, Streams{In: os.Stdin, Out: os.Stdout, Err: os.Stderr}))
}

// oraclePath is the original, which some texts are compared with.
const oraclePath = "/usr/bin/redis-sentinel"

// child is a Sentinel of ours, or the original, as another process.
type child struct {
	t    *testing.T
	cmd  *exec.Cmd
	mu   sync.Mutex
	out  bytes.Buffer // standard output so far
	more chan struct{}
	errs bytes.Buffer
	done chan struct{} // closed when the process has ended
}

// ourselves prepares our program with its arguments, run in dir.
func ourselves(dir string, args ...string) *exec.Cmd {
	self, err := os.Executable()
	if err != nil {
		panic(err)
	}
	return &exec.Cmd{
		Path: self,
		Args: append([]string{"redis-sentinel"}, args...),
		Dir:  dir,
		Env:  append(plainEnv(), asDaemon+"=1"),
	}
}

// original prepares the original, or skips the test.
func original(t *testing.T, dir string, args ...string) *exec.Cmd {
	if _, err := os.Stat(oraclePath); err != nil {
		t.Skipf("no original to compare with: %v", err)
	}
	cmd := exec.Command(oraclePath, args...)
	cmd.Args[0] = "redis-sentinel"
	cmd.Dir, cmd.Env = dir, plainEnv()
	return cmd
}

// plainEnv is our environment without what process managers put there.
func plainEnv() []string {
	var env []string
	for _, kv := range os.Environ() {
		if !strings.HasPrefix(kv, "NOTIFY_SOCKET=") && !strings.HasPrefix(kv, "UPSTART_JOB=") {
			env = append(env, kv)
		}
	}
	return env
}

// start runs a prepared program; the test's end kills it.
func start(t *testing.T, cmd *exec.Cmd) *child {
	t.Helper()
	c := &child{t: t, cmd: cmd, more: make(chan struct{}, 1), done: make(chan struct{})}
	stdout, err := cmd.StdoutPipe()
	require.NoError(t, err)
	cmd.Stderr = &c.errs
	require.NoError(t, cmd.Start())
	go func() {
		defer close(c.done)
		lines := bufio.NewReader(stdout)
		for {
			line, err := lines.ReadString('\n')
			c.mu.Lock()
			c.out.WriteString(line)
			c.mu.Unlock()
			select {
			case c.more <- struct{}{}:
			default:
			}
			if err != nil {
				break
			}
		}
		_ = cmd.Wait()
	}()
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		<-c.done
	})
	return c
}

// stdout is what was printed so far.
func (c *child) stdout() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.out.String()
}

// awaitLine waits until standard output holds text.
func (c *child) awaitLine(text string) {
	c.t.Helper()
	limit := time.After(patience)
	for !strings.Contains(c.stdout(), text) {
		select {
		case <-c.more:
		case <-limit:
			require.Failf(c.t, "no such line", "%q in\n%s%s", text, c.stdout(), c.errs.String())
		case <-c.done:
			if !strings.Contains(c.stdout(), text) {
				require.Failf(c.t, "ended without the line", "%q in\n%s%s", text, c.stdout(), c.errs.String())
			}
		}
	}
}

// wait waits for the end and gives the exit status, -1 for a signal.
func (c *child) wait() int {
	c.t.Helper()
	select {
	case <-c.done:
	case <-time.After(patience):
		require.Failf(c.t, "still running", "%s%s", c.stdout(), c.errs.String())
	}
	return c.cmd.ProcessState.ExitCode()
}

// signal sends a signal.
func (c *child) signal(sig syscall.Signal) { require.NoError(c.t, c.cmd.Process.Signal(sig)) }

// Ports for tests: below those that the system gives to outgoing connections,
// which would otherwise take them between our look and the Sentinel's.
const (
	firstPort = 30000
	testPorts = 2768
)

// nextPort counts the ports handed out, from a place that differs between
// test processes.
var nextPort = func() *atomic.Int64 {
	n := new(atomic.Int64)
	n.Store(int64(os.Getpid()) * 97)
	return n
}()

// freePort is a TCP port of loopback that nobody uses.
func freePort(t *testing.T) int {
	for range testPorts {
		port := firstPort + int(nextPort.Add(1))%testPorts
		ln, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port))
		if err == nil {
			_ = ln.Close()
			return port
		}
	}
	require.Fail(t, "no free port")
	return 0
}

// writeConf makes a configuration that listens on a free port of 127.0.0.1,
// with more lines, in a directory of its own.
func writeConf(t *testing.T, lines ...string) (dir, path string, port int) {
	dir, port = t.TempDir(), freePort(t)
	path = filepath.Join(dir, "s.conf")
	text := fmt.Sprintf("bind 127.0.0.1\nport %d\nsentinel monitor mm 127.0.0.1 1 2\n%s\n", port, strings.Join(lines, "\n"))
	require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
	return dir, path, port
}

// awaitFile waits until a file holds what ok accepts.
func awaitFile(t *testing.T, path string, ok func(text string) bool) string {
	t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	limit := time.After(patience)
	for {
		data, err := os.ReadFile(path)
		if err == nil && ok(string(data)) {
			return string(data)
		}
		select {
		case <-tick.C:
		case <-limit:
			require.Failf(t, "file never came to hold what is expected", "%s: %q", path, data)
		}
	}
}

// call sends one command as an inline request and gives the first line of the
// reply, "" if the connection is closed instead.
func call(t *testing.T, network, addr, command string) string {
	t.Helper()
	conn, err := net.DialTimeout(network, addr, patience)
	require.NoError(t, err)
	defer conn.Close()
	require.NoError(t, conn.SetDeadline(time.Now().Add(patience)))
	_, err = io.WriteString(conn, command+"\r\n")
	require.NoError(t, err)
	line, _ := bufio.NewReader(conn).ReadString('\n')
	return strings.TrimRight(line, "\r\n")
}

// ask sends one command to a port of 127.0.0.1 and gives all of a bulk reply.
func ask(t *testing.T, port int, command string) string {
	t.Helper()
	conn, err := net.DialTimeout("tcp", fmt.Sprintf("127.0.0.1:%d", port), patience)
	require.NoError(t, err)
	defer conn.Close()
	require.NoError(t, conn.SetDeadline(time.Now().Add(patience)))
	_, err = io.WriteString(conn, command+"\r\n")
	require.NoError(t, err)
	in := bufio.NewReader(conn)
	line, _ := in.ReadString('\n')
	var size int
	if n, _ := fmt.Sscanf(line, "$%d\r\n", &size); n == 0 {
		return line
	}
	body := make([]byte, size)
	_, err = io.ReadFull(in, body)
	require.NoError(t, err)
	return string(body)
}
