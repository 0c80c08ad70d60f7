package main

import (
	"errors"
	"fmt"
	"io"
	"net/rpc"
	"net/rpc/jsonrpc"
	"os"
	"runtime"
	"runtime/debug"
	"slices"
	"strconv"
	"syscall"
	"time"

	"gosentinel/internal/fakeredis"
	"gosentinel/internal/testbed"
)

// herdWord is the argument that makes this program a herd.
const herdWord = "herd"

const (
	replicas = 2 // of each master
	// spareFiles are what a process needs beside the sockets of instances.
	spareFiles = 200
	// alivePoll is how often a herd looks who was promoted. The instances
	// themselves note when it was.
	alivePoll = 5 * time.Millisecond
	// herdGC is how far the heap of a herd may grow before it is collected, in
	// percent: memory is no concern of it, processor time is.
	herdGC = 800
)

// Herd is what the process of the simulated instances does for us, by net/rpc.
type Herd struct {
	fleet  fakeredis.Fleet
	groups [][]*fakeredis.Instance // the first of each is the master
	killed time.Time
}

// HerdStart says which masters to start.
type HerdStart struct{ First, Masters, Port int }

// Start starts masters with their replicas, each on a loopback address of its
// own.
func (h *Herd) Start(o HerdStart, _ *struct{}) error {
	for g := range o.Masters {
		var group []*fakeredis.Instance
		for i := range 1 + replicas {
			fo := fakeredis.Options{Addr: address(o.First+g, i, o.Port)}
			if i > 0 {
				fo.Master = group[0].Addr()
			}
			x, err := h.fleet.Start(fo)
			if err != nil {
				return err
			}
			group = append(group, x)
		}
		h.groups = append(h.groups, group)
	}
	return nil
}

// Kill kills the masters of groups at once.
func (h *Herd) Kill(groups []int, _ *struct{}) error {
	h.killed = time.Now()
	var errs []error
	for _, g := range groups {
		errs = append(errs, h.groups[g][0].Kill())
	}
	return errors.Join(errs...)
}

// HerdWait says for whose promotion to wait, and how long.
type HerdWait struct {
	Groups   []int
	Patience time.Duration
}

// Promotions waits until a replica of each group has been promoted since Kill,
// and tells for each how long after Kill that was; 0 if it was not in time.
func (h *Herd) Promotions(o HerdWait, took *[]time.Duration) error {
	*took = make([]time.Duration, len(o.Groups))
	for missing := true; missing && time.Since(h.killed) < o.Patience; pause(alivePoll) {
		missing = false
		for k, g := range o.Groups {
			if (*took)[k] == 0 {
				(*took)[k] = h.promotion(g)
			}
			missing = missing || (*took)[k] == 0
		}
	}
	return nil
}

func (h *Herd) promotion(group int) time.Duration {
	for _, x := range h.groups[group][1:] {
		if at := x.Promoted(); at.After(h.killed) {
			return at.Sub(h.killed)
		}
	}
	return 0
}

// serveHerd is the whole life of the process: it ends with its input.
func serveHerd(in io.Reader, out io.Writer) error {
	runtime.GOMAXPROCS(1) // the other core is the Sentinel's
	debug.SetGCPercent(herdGC)
	h := &Herd{}
	s := rpc.NewServer()
	if err := s.Register(h); err != nil {
		return err
	}
	s.ServeCodec(jsonrpc.NewServerCodec(stdio{in, out}))
	return h.fleet.Close()
}

type stdio struct {
	io.Reader
	io.Writer
}

func (stdio) Close() error { return nil }

// address is where instance i of a group listens: each has an address of its
// own in 127.100.0.0/16 and those after it, as real instances have.
func address(group, i, port int) string {
	n := group*(1+replicas) + i
	return fmt.Sprintf("127.%d.%d.%d:%d", 100+n/(250*250), n/250%250, 1+n%250, port)
}

// herd is all simulated instances of a bed, in as many processes as their
// sockets need.
type herd struct {
	masters, port int
	shards        []shard
}

type shard struct {
	*testbed.Worker
	client *rpc.Client
	first  int // number of its first master
}

// startHerd starts masters with their replicas, for so many Sentinels to watch.
// Herds of one bed differ in their suffix, which their processes are named with.
func startHerd(bed *testbed.Bed, masters int, suffix string, sentinels int) (*herd, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	most := mostMasters(openFiles(), sentinels)
	if most < 1 {
		return nil, errors.New("the limit on open files is too low")
	}
	h := &herd{masters: masters, port: bed.Port()}
	for first := 0; first < masters; first += most {
		w, err := bed.Worker("herd"+strconv.Itoa(first)+suffix, self, herdWord)
		if err != nil {
			return nil, err
		}
		s := shard{w, jsonrpc.NewClient(w), first}
		h.shards = append(h.shards, s)
		if err := s.client.Call("Herd.Start", HerdStart{first, min(most, masters-first), h.port}, nil); err != nil {
			return nil, fmt.Errorf("%w\n%s", err, s.Tail(1000))
		}
	}
	return h, nil
}

// mostMasters is how many masters one process can hold: every instance listens,
// and has two connections of each Sentinel.
func mostMasters(files, sentinels int) int {
	return (files - spareFiles) / ((1 + replicas) * (1 + 2*sentinels))
}

// openFiles is how many files a process may have open.
func openFiles() int {
	var r syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &r); err != nil {
		return 0
	}
	return int(min(r.Max, 1<<20))
}

// cpu is the processor time that all processes of the herd have used.
func (h *herd) cpu() (sum time.Duration) {
	for _, s := range h.shards {
		sum += cpuTime(s.PID())
	}
	return sum
}

// name is what the Sentinels call a master.
func (h *herd) name(group int) string { return "m" + strconv.Itoa(group) }

// split gives each shard its part of groups, by its own numbers.
func (h *herd) split(groups []int) [][]int {
	parts := make([][]int, len(h.shards))
	for _, g := range groups {
		k := len(h.shards) - 1
		for h.shards[k].first > g {
			k--
		}
		parts[k] = append(parts[k], g-h.shards[k].first)
	}
	return parts
}

// kill kills masters together, and tells how long it took until the replicas
// of each had a new one, sorted. Those that had none in time are left out.
func (h *herd) kill(groups []int, patience time.Duration) ([]time.Duration, error) {
	parts := h.split(groups)
	err := h.each(func(k int, s shard) *rpc.Call { return s.client.Go("Herd.Kill", parts[k], nil, nil) })
	if err != nil {
		return nil, err
	}
	took := make([][]time.Duration, len(h.shards))
	err = h.each(func(k int, s shard) *rpc.Call {
		return s.client.Go("Herd.Promotions", HerdWait{parts[k], patience}, &took[k], nil)
	})
	if err != nil {
		return nil, err
	}
	all := slices.DeleteFunc(slices.Concat(took...), func(d time.Duration) bool { return d == 0 })
	slices.Sort(all)
	return all, nil
}

// each calls all shards at once and waits for them.
func (h *herd) each(call func(k int, s shard) *rpc.Call) error {
	var calls []*rpc.Call
	for k, s := range h.shards {
		calls = append(calls, call(k, s))
	}
	var errs []error
	for _, c := range calls {
		errs = append(errs, (<-c.Done).Error)
	}
	return errors.Join(errs...)
}
