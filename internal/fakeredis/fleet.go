package fakeredis

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"sync"
)

// Fleet is a set of instances that can replicate from each other. The zero
// Fleet is ready to use; all methods, of its instances too, are safe for
// concurrent use.
type Fleet struct {
	mu        sync.Mutex // guards all state of all instances
	instances map[string]*Instance
	followers map[string]map[*Instance]bool // by the address they follow, "" for masters
}

// Options say what an instance is. Addr must be given.
type Options struct {
	Addr     string // host:port to listen on; by it other instances know this one
	Master   string // whom it follows; "" = it is a master
	Password string // requirepass; "" = none
	Priority int    // 0 = 100; negative = 0, never to be promoted
}

// Start adds an instance and has it listen.
func (f *Fleet) Start(o Options) (*Instance, error) {
	if o.Priority == 0 {
		o.Priority = 100
	}
	i := &Instance{fleet: f, addr: o.Addr, password: o.Password, priority: max(0, o.Priority), saved: o.Master}
	f.mu.Lock()
	if f.instances == nil {
		f.instances = make(map[string]*Instance)
		f.followers = make(map[string]map[*Instance]bool)
	}
	_, taken := f.instances[o.Addr]
	if !taken {
		f.instances[o.Addr] = i
	}
	f.mu.Unlock()
	if taken {
		return nil, fmt.Errorf("fakeredis: there is an instance at %s already", o.Addr)
	}
	if err := i.Restart(); err != nil {
		f.mu.Lock()
		delete(f.instances, o.Addr)
		f.mu.Unlock()
		return nil, err
	}
	return i, nil
}

// Close ends all instances.
func (f *Fleet) Close() error {
	f.mu.Lock()
	all := make([]*Instance, 0, len(f.instances))
	for _, i := range f.instances {
		all = append(all, i)
	}
	f.mu.Unlock()
	var errs []error
	for _, i := range all {
		errs = append(errs, i.Kill())
	}
	return errors.Join(errs...)
}

// newID makes a run id or replication id: 40 hex digits.
func newID() string {
	var b [20]byte
	rand.Read(b[:]) // never fails
	return hex.EncodeToString(b[:])
}
