package fakeredis

import (
	"fmt"
	"maps"
	"net"
	"slices"
	"strings"
	"sync/atomic"
	"time"
)

// maxKeys and maxValue bound what clients may store in one instance.
const (
	maxKeys  = 1000
	maxValue = 64 << 10 // bytes
)

// Instance is one simulated Redis.
type Instance struct {
	fleet    *Fleet
	addr     string
	password string
	priority int
	frozen   atomic.Pointer[frost] // nil: not frozen

	// The rest is guarded by fleet.mu.

	listener net.Listener // nil: not running
	clients  map[*client]bool
	lastID   int64 // of a client

	saved     string // master in its configuration file
	master    string // address of its master; "" = it is a master; see setMaster
	linked    bool   // the link to the master is up
	downSince time.Time
	promoted  time.Time // when it was last made a master; zero: never
	runID     string
	replID    string
	replID2   string // replication id before its promotion
	offset    int64  // bytes
	data      map[string]string
	started   time.Time
}

// frost is the time from Freeze to Thaw.
type frost struct{ over chan struct{} }

// Addr is where the instance listens.
func (i *Instance) Addr() string { return i.addr }

// Restart has an instance that does not run listen again, as its configuration
// was last rewritten, without data.
func (i *Instance) Restart() error {
	ln, err := net.Listen("tcp", i.addr)
	if err != nil {
		return err
	}
	i.fleet.mu.Lock()
	defer i.fleet.mu.Unlock()
	if i.running() {
		ln.Close()
		return fmt.Errorf("fakeredis: %s is running", i.addr)
	}
	i.listener, i.clients = ln, make(map[*client]bool)
	i.runID, i.replID, i.replID2 = newID(), newID(), ""
	i.offset, i.data, i.started = 0, make(map[string]string), time.Now()
	i.setMaster(i.saved)
	for r := range i.fleet.followers[i.addr] {
		r.link()
	}
	go i.accept(ln)
	return nil
}

// Kill ends the instance as kill -9 would: connections break, and new ones are
// refused. An instance that does not run is left as it is.
func (i *Instance) Kill() error {
	i.Thaw()
	i.fleet.mu.Lock()
	defer i.fleet.mu.Unlock()
	if !i.running() {
		return nil
	}
	err := i.listener.Close()
	i.listener = nil
	for c := range i.clients {
		c.conn.Close()
	}
	i.clients = nil
	i.linked = false
	for _, r := range i.replicas() {
		r.linked, r.downSince = false, time.Now()
	}
	return err
}

// Freeze has the instance answer nothing until Thaw, as SIGSTOP would: the
// kernel still takes connections and bytes.
func (i *Instance) Freeze() {
	i.frozen.CompareAndSwap(nil, &frost{make(chan struct{})})
}

// Thaw ends Freeze.
func (i *Instance) Thaw() {
	if f := i.frozen.Swap(nil); f != nil {
		close(f.over)
	}
}

// Master is the address that the instance follows, "" if it is a master.
func (i *Instance) Master() string {
	i.fleet.mu.Lock()
	defer i.fleet.mu.Unlock()
	return i.master
}

// Promoted is when a command last made the instance a master, which it had not
// been; zero if none did.
func (i *Instance) Promoted() time.Time {
	i.fleet.mu.Lock()
	defer i.fleet.mu.Unlock()
	return i.promoted
}

// Follow makes the instance a replica of the one at addr, as SLAVEOF does.
func (i *Instance) Follow(addr string) {
	i.fleet.mu.Lock()
	defer i.fleet.mu.Unlock()
	i.follow(addr)
}

func (i *Instance) running() bool { return i.listener != nil }

// follow makes it a replica of the instance at addr, or a master for "".
func (i *Instance) follow(addr string) {
	if i.master == addr {
		return
	}
	if addr == "" {
		i.replID, i.replID2, i.promoted = newID(), i.replID, time.Now()
	}
	i.setMaster(addr)
}

func (i *Instance) setMaster(addr string) {
	f := i.fleet
	delete(f.followers[i.master], i)
	if f.followers[addr] == nil {
		f.followers[addr] = make(map[*Instance]bool)
	}
	f.followers[addr][i] = true
	i.master, i.linked, i.downSince = addr, false, time.Now()
	i.link()
}

// replicas are the linked replicas, in the order of their addresses.
func (i *Instance) replicas() (out []*Instance) {
	for r := range i.fleet.followers[i.addr] {
		if r.linked {
			out = append(out, r)
		}
	}
	slices.SortFunc(out, func(a, b *Instance) int { return strings.Compare(a.addr, b.addr) })
	return out
}

// link synchronises with the master, if both run.
func (i *Instance) link() {
	m := i.fleet.instances[i.master]
	if m == nil || !i.running() || !m.running() || m.follows(i) {
		return
	}
	i.linked = true
	i.copyFrom(m)
}

// follows reports whether i follows x, directly or not.
func (i *Instance) follows(x *Instance) bool {
	for range len(i.fleet.instances) {
		if i == x {
			return true
		}
		if i = i.fleet.instances[i.master]; i == nil {
			return false
		}
	}
	return true
}

// copyFrom is a full synchronisation, handed on to its own replicas.
func (i *Instance) copyFrom(m *Instance) {
	i.replID, i.offset, i.data = m.replID, m.offset, maps.Clone(m.data)
	for _, r := range i.replicas() {
		r.copyFrom(i)
	}
}

// replicate applies a write of n bytes to it and everything below it.
func (i *Instance) replicate(n int, apply func(*Instance)) {
	i.offset += int64(n)
	apply(i)
	for _, r := range i.replicas() {
		r.replicate(n, apply)
	}
}
