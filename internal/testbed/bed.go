package testbed

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Kind says which program a Sentinel is.
type Kind int

// The two kinds. Tests of the harness itself run Original only.
const (
	Ours     Kind = iota // the daemon of this project
	Original             // the system's redis-sentinel
)

func (k Kind) String() string {
	if k == Original {
		return "original"
	}
	return "ours"
}

// Programs are the paths of what a Bed runs; "" means that there is none.
type Programs struct {
	Redis    string // redis-server
	Original string // redis-sentinel of the system
	Ours     string // our daemon
}

// Find looks the system's programs up. ours is the path of our daemon.
func Find(ours string) Programs {
	p := Programs{Ours: ours}
	if abs, err := filepath.Abs(ours); err == nil && ours != "" {
		p.Ours = abs // processes run in folders of their own
	}
	p.Redis, _ = exec.LookPath("redis-server")
	p.Original, _ = exec.LookPath("redis-sentinel")
	if p.Original != "" && isOurs(p.Original) {
		p.Original = "" // we are installed in its place
	}
	return p
}

func isOurs(path string) bool {
	out, err := exec.Command(path, "--version").Output()
	return err == nil && strings.Contains(string(out), "gosentinel=")
}

// Bed is a temporary folder with the processes that run in it.
type Bed struct {
	Dir      string
	Programs Programs

	claim *claim

	mu     sync.Mutex // held while a process is added or started
	procs  []*Process
	closed bool // nothing is started any more
}

// errClosed is what starting anything in a closed Bed gives.
var errClosed = errors.New("testbed: closed")

// New makes an empty Bed. The caller calls Close in any case.
func New(programs Programs) (*Bed, error) {
	c, err := take(os.Getpid())
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "gosentinel-bed-")
	if err != nil {
		c.held.Close()
		return nil, err
	}
	return &Bed{Dir: dir, Programs: programs, claim: c}, nil
}

// Close kills all processes of the Bed, gives its ports back and removes its
// folder. It may be called while another goroutine is still starting things,
// which then fails.
func (b *Bed) Close() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.closed = true
	for _, p := range b.procs {
		p.Kill()
	}
	return errors.Join(b.claim.held.Close(), os.RemoveAll(b.Dir))
}

// Port is a port that nobody has been given yet.
func (b *Bed) Port() int { return b.claim.port() }

// IP is address n, from 1 to 254, of a loopback network of the Bed's own. It
// is usable only if HasNetwork.
func (b *Bed) IP(n int) string { return b.claim.ip(n) }

// HasNetwork reports whether the machine answers on the addresses of IP.
func (b *Bed) HasNetwork() bool { return b.claim.hasNetwork() }

// Logs are the ends of the logs of all processes, for the report of a failure.
func (b *Bed) Logs(bytesEach int64) string {
	b.mu.Lock()
	defer b.mu.Unlock()
	var s strings.Builder
	for _, p := range b.procs {
		fmt.Fprintf(&s, "--- %s (running: %v) %s\n%s", p.Name, p.Running(), strings.Join(p.Argv, " "), p.Tail(bytesEach))
	}
	return s.String()
}

// process adds a program that is not started yet, with a folder of its own.
func (b *Bed) process(name string, argv []string) (*Process, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closed {
		return nil, errClosed
	}
	dir := filepath.Join(b.Dir, name)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, err
	}
	p := &Process{bed: b, Name: name, Argv: argv, Log: filepath.Join(dir, "log")}
	b.procs = append(b.procs, p)
	return p, nil
}

// Until calls ok every few milliseconds, later every 50 ms, until it gives no
// error, and reports its last error when patience is over.
func Until(patience time.Duration, ok func() error) error {
	deadline := time.Now().Add(patience)
	pause := 2 * time.Millisecond
	for {
		err := ok()
		if err == nil {
			return nil
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("not within %v: %w", patience, err)
		}
		<-time.After(pause)
		pause = min(pause*3/2, 50*time.Millisecond)
	}
}

func hostPort(host string, port int) string { return host + ":" + strconv.Itoa(port) }
