package partition

import (
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"

	"golang.org/x/sys/unix"
)

// insideVariable marks the second run of the test program, which has
// namespaces of its own.
const insideVariable = "GOSENTINEL_TEST_NAMESPACES"

// again runs this program once more, in network and mount namespaces of its
// own, and returns its exit code. All its files are in one folder, which is
// removed also after Ctrl-C.
func again() (int, error) {
	dir, err := os.MkdirTemp("", "gosentinel-partition-")
	if err != nil {
		return 1, err
	}
	defer os.RemoveAll(dir)
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	cmd := exec.CommandContext(ctx, "/proc/self/exe", os.Args[1:]...)
	cmd.Env = append(os.Environ(), insideVariable+"=1", "TMPDIR="+dir)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags: syscall.CLONE_NEWNET | syscall.CLONE_NEWNS,
		Pdeathsig:  syscall.SIGKILL,
	}
	if os.Geteuid() != 0 {
		cmd.SysProcAttr.Cloneflags |= syscall.CLONE_NEWUSER
		cmd.SysProcAttr.UidMappings = []syscall.SysProcIDMap{{HostID: os.Getuid(), Size: 1}}
		cmd.SysProcAttr.GidMappings = []syscall.SysProcIDMap{{HostID: os.Getgid(), Size: 1}}
	}
	// The kernel ties the child to the thread that starts it.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	err = cmd.Run()
	if cmd.ProcessState == nil {
		return 1, err
	}
	if code := cmd.ProcessState.ExitCode(); code >= 0 {
		return code, nil
	}
	return 1, nil // a signal ended it
}

// settleIn prepares the namespaces of the second run: a /run of its own for
// the names of `ip netns`, and loopback.
func settleIn() error {
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		return fmt.Errorf("make mounts private: %w", err)
	}
	if err := unix.Mount("tmpfs", "/run", "tmpfs", 0, ""); err != nil {
		return fmt.Errorf("mount a /run: %w", err)
	}
	return ip("link set lo up")
}

// ip runs the command ip once.
func ip(args string) error {
	out, err := exec.Command("ip", strings.Fields(args)...).CombinedOutput()
	if err != nil {
		return fmt.Errorf("ip %s: %w: %s", args, err, out)
	}
	return nil
}

// network is a bridge to which hosts are plugged. The test program stands on
// the bridge itself, and no cut is between it and a host.
type network struct {
	number int
	hosts  []*host

	mu   sync.Mutex // guards missing and the cables of the hosts
	gone map[[2]*host]bool
}

// networks counts those made by this program, so that no two are alike.
var networks atomic.Int32

// host is one network namespace.
type host struct {
	name   string // of its namespace
	ip     string
	mac    string
	number int

	cable io.WriteCloser // lines for `ip -batch`, within the namespace
	shell *exec.Cmd
}

// nowhere is the hardware address of nobody.
const nowhere = "02:00:00:00:00:ff"

// newNetwork makes a bridge with that many hosts.
func newNetwork(hosts int) (*network, error) {
	n := &network{number: int(networks.Add(1)), gone: map[[2]*host]bool{}}
	bridge := fmt.Sprintf("bridge%d", n.number)
	if err := n.setup([]string{
		"link add " + bridge + " type bridge",
		fmt.Sprintf("addr add %s/24 dev %s", n.address(254), bridge),
		"link set " + bridge + " up",
	}); err != nil {
		return n, err
	}
	for i := 1; i <= hosts; i++ {
		h, err := n.plug(bridge, i)
		if err != nil {
			return n, err
		}
		n.hosts = append(n.hosts, h)
	}
	return n, nil
}

func (n *network) address(host int) string { return fmt.Sprintf("10.77.%d.%d", n.number, host) }

func (n *network) setup(lines []string) error {
	for _, l := range lines {
		if err := ip(l); err != nil {
			return err
		}
	}
	return nil
}

// plug adds a host.
func (n *network) plug(bridge string, i int) (*host, error) {
	h := &host{
		name:   fmt.Sprintf("n%dh%d", n.number, i),
		ip:     n.address(i),
		mac:    fmt.Sprintf("02:00:00:00:%02x:%02x", n.number, i),
		number: i,
	}
	end := "v" + h.name
	if err := n.setup([]string{
		"netns add " + h.name,
		fmt.Sprintf("link add %s type veth peer name eth0 address %s netns %s", end, h.mac, h.name),
		fmt.Sprintf("link set %s master %s up", end, bridge),
		fmt.Sprintf("-n %s addr add %s/24 dev eth0", h.name, h.ip),
		fmt.Sprintf("-n %s link set eth0 up", h.name),
		fmt.Sprintf("-n %s link set lo up", h.name),
	}); err != nil {
		return nil, err
	}
	h.shell = exec.Command("ip", "-n", h.name, "-force", "-batch", "-")
	h.shell.Stderr = os.Stderr
	cable, err := h.shell.StdinPipe()
	if err != nil {
		return nil, err
	}
	h.cable = cable
	return h, h.shell.Start()
}

// cut loses every packet from a host of one list to a host of the other. With
// nothing before, it takes effect within a millisecond, silently: senders get
// no error.
func (n *network) cut(from, to []*host) error { return n.set(from, to, true) }

// split cuts both ways.
func (n *network) split(a, b []*host) error {
	if err := n.cut(a, b); err != nil {
		return err
	}
	return n.cut(b, a)
}

// heal ends all cuts.
func (n *network) heal() error { return n.set(n.hosts, n.hosts, false) }

// set has every host of from send what is for a host of to into the void, or
// to it again: a neighbour's hardware address decides.
func (n *network) set(from, to []*host, gone bool) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, a := range from {
		var lines strings.Builder
		for _, b := range to {
			if a == b || n.gone[[2]*host{a, b}] == gone {
				continue
			}
			n.gone[[2]*host{a, b}] = gone
			mac := b.mac
			if gone {
				mac = nowhere
			}
			fmt.Fprintf(&lines, "neigh replace %s lladdr %s dev eth0 nud permanent\n", b.ip, mac)
		}
		if _, err := io.WriteString(a.cable, lines.String()); err != nil {
			return fmt.Errorf("cut at %s: %w", a.name, err)
		}
	}
	return nil
}

// rest are the hosts of the network but those.
func (n *network) rest(but ...*host) []*host {
	var out []*host
next:
	for _, h := range n.hosts {
		for _, b := range but {
			if h == b {
				continue next
			}
		}
		out = append(out, h)
	}
	return out
}

// close removes everything.
func (n *network) close() {
	for _, h := range n.hosts {
		h.cable.Close()
		h.shell.Wait()
		ip("netns del " + h.name)
	}
	ip(fmt.Sprintf("link del bridge%d", n.number))
}

// within runs f on a thread that is in the host's namespace: sockets that it
// makes are the host's.
func (h *host) within(f func()) error {
	result := make(chan error)
	go func() {
		runtime.LockOSThread() // and never unlocked: the thread ends with us
		ns, err := os.Open(filepath.Join("/run/netns", h.name))
		if err == nil {
			err = unix.Setns(int(ns.Fd()), unix.CLONE_NEWNET)
			ns.Close()
		}
		if err != nil {
			result <- fmt.Errorf("enter %s: %w", h.name, err)
			return
		}
		f()
		result <- nil
	}()
	return <-result
}

// wrapper is the command that runs a program on the host.
func (h *host) wrapper() []string { return []string{"ip", "netns", "exec", h.name} }

// sentinelAddr is where the Sentinel of a host listens.
func (h *host) sentinelAddr() string { return net.JoinHostPort(h.ip, "26379") }
