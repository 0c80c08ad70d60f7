package main

import (
	"encoding/csv"
	"errors"
	"fmt"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"time"

	"gosentinel/internal/testbed"
)

// query is one command that clients send all the time.
type query struct {
	id       string
	clients  int // connections that ask at the same time
	pipeline int // commands sent together
	requests int // in one round: about a second's work
	command  []string
}

// watchers is how many Sentinels of a kind watch the master; the first is asked.
const watchers = 3

// queries are what is asked. Client libraries ask one at a time.
func queries() (all []query) {
	const many = 50
	addr, masters := []string{"SENTINEL", "GET-MASTER-ADDR-BY-NAME", "m0"}, []string{"SENTINEL", "MASTERS"}
	return []query{
		{"query.addr", many, 1, 120_000, addr},
		{"query.ping", many, 1, 120_000, []string{"PING"}},
		{"query.masters", many, 1, 100_000, masters},
		{"query.master", many, 1, 100_000, []string{"SENTINEL", "MASTER", "m0"}},
		{"query.replicas", many, 1, 80_000, []string{"SENTINEL", "REPLICAS", "m0"}},
		{"query.sentinels", many, 1, 80_000, []string{"SENTINEL", "SENTINELS", "m0"}},
		{"query.info", many, 1, 40_000, []string{"INFO"}},
		{"query.section", many, 1, 100_000, []string{"INFO", "sentinel"}},
		{"query.addr1", 1, 1, 30_000, addr},
		{"query.masters1", 1, 1, 30_000, masters},
		{"query.ping16", many, 16, 1_600_000, []string{"PING"}},
		{"query.addr16", many, 16, 1_200_000, addr},
		{"query.masters16", many, 16, 350_000, masters},
		{"query.replicas16", many, 16, 200_000, []string{"SENTINEL", "REPLICAS", "m0"}},
	}
}

func (q query) String() string {
	text := fmt.Sprintf("P=%d %s", q.pipeline, strings.TrimSuffix(strings.Join(q.command, " "), " m0"))
	if q.clients == 1 {
		text += ", one connection"
	}
	return text
}

// figures are the measures that it fills.
func (q query) figures() []string {
	ids := []string{q.id, q.id + ".cpu"}
	if q.timed() {
		ids = append(ids, q.id+".p50", q.id+".p99")
	}
	return ids
}

// timed says that the latency of single commands is told too.
func (q query) timed() bool { return q.id == "query.addr" }

func (b *bench) expectQueries() time.Duration {
	one := time.Duration(b.requests*1200) * time.Millisecond
	return 5*time.Second + time.Duration(b.rounds*len(b.kinds)*len(queries()))*one
}

// queries measures how many queries per second each kind answers, how fast, and
// what of the processor that takes, with redis-benchmark. One master with its
// replicas is watched.
func (b *bench) queries() error {
	program, err := exec.LookPath("redis-benchmark")
	if err != nil {
		for _, kind := range b.kinds {
			for _, q := range queries() {
				for _, id := range q.figures() {
					b.report.note(id, kind, "no redis-benchmark")
				}
			}
		}
		return nil
	}
	return b.withBed(func(bed *testbed.Bed) error {
		nodes := make(map[testbed.Kind]*testbed.Sentinel)
		for _, kind := range b.kinds {
			// A fleet of its own: they would become peers on a common one.
			h, err := startHerd(bed, 1, "-"+kind.String(), watchers)
			if err != nil {
				return err
			}
			s, err := b.watch(bed, h, kind, "", watchers)
			if err != nil {
				return err
			}
			f := fleetRun{masters: 1, sentinels: watchers}
			if err := discovered(s, f, time.Now().Add(b.patience)); err != nil {
				return err
			}
			nodes[kind] = s[0]
		}
		return b.ask(program, nodes)
	})
}

// ask sends all queries to the kinds in turn.
func (b *bench) ask(program string, nodes map[testbed.Kind]*testbed.Sentinel) error {
	for round := range b.rounds {
		for k, q := range queries() {
			b.progress.part(round*len(queries())+k, b.rounds*len(queries()), "queries: %v, round %d of %d", q, round+1, b.rounds)
			for _, kind := range b.kinds {
				used := cpuTime(nodes[kind].PID())
				r, err := q.send(program, nodes[kind].Port, b.requests)
				used = cpuTime(nodes[kind].PID()) - used
				if err != nil {
					return fmt.Errorf("%v, %v: %w", kind, q, err)
				}
				b.report.add(q.id, kind, r.perSecond)
				b.report.add(q.id+".cpu", kind, float64(used.Nanoseconds())/1000/float64(q.count(b.requests)))
				if q.timed() {
					b.report.add(q.id+".p50", kind, r.p50)
					b.report.add(q.id+".p99", kind, r.p99)
				}
			}
		}
	}
	return nil
}

// count is how many commands are sent for that part of the full number.
func (q query) count(part float64) int { return int(float64(q.requests) * part) }

func (q query) send(program string, port int, part float64) (load, error) {
	args := []string{"-p", strconv.Itoa(port), "-c", strconv.Itoa(q.clients), "-P", strconv.Itoa(q.pipeline),
		"-n", strconv.Itoa(q.count(part)), "--csv"}
	out, err := exec.Command(program, append(args, q.command...)...).Output()
	if err != nil {
		return load{}, err
	}
	return parseLoad(string(out))
}

// load is what redis-benchmark tells of one run.
type load struct {
	perSecond float64
	p50, p99  float64 // milliseconds
}

// parseLoad reads what `redis-benchmark --csv` prints: a line of names and one
// of values.
func parseLoad(text string) (l load, err error) {
	rows, err := csv.NewReader(strings.NewReader(text)).ReadAll()
	if err != nil {
		return l, err
	}
	if len(rows) != 2 {
		return l, fmt.Errorf("%d lines from redis-benchmark, want 2: %q", len(rows), text)
	}
	field := func(name string) float64 {
		i := slices.Index(rows[0], name)
		if i < 0 {
			err = errors.Join(err, fmt.Errorf("redis-benchmark gives no %s: %q", name, text))
			return 0
		}
		v, bad := strconv.ParseFloat(rows[1][i], 64)
		err = errors.Join(err, bad)
		return v
	}
	return load{field("rps"), field("p50_latency_ms"), field("p99_latency_ms")}, err
}
