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
	pipeline int // commands sent together
	requests int // in one round: about a second's work
	command  []string
}

// connections is how many clients ask at the same time.
const connections = 50

func queries() []query {
	addr := []string{"SENTINEL", "GET-MASTER-ADDR-BY-NAME", "m0"}
	return []query{
		{"query.addr", 1, 120_000, addr},
		{"query.ping16", 16, 1_600_000, []string{"PING"}},
		{"query.addr16", 16, 1_200_000, addr},
		{"query.masters16", 16, 350_000, []string{"SENTINEL", "MASTERS"}},
	}
}

func (q query) String() string {
	return fmt.Sprintf("P=%d %s", q.pipeline, strings.TrimSuffix(strings.Join(q.command, " "), " m0"))
}

func (b *bench) expectQueries() time.Duration {
	one := time.Duration(b.requests*1200) * time.Millisecond
	return 5*time.Second + time.Duration(b.rounds*len(b.kinds)*len(queries()))*one
}

// queries measures how many queries per second each kind answers, and how
// fast, with redis-benchmark. Each Sentinel watches one master with its replicas.
func (b *bench) queries() error {
	program, err := exec.LookPath("redis-benchmark")
	if err != nil {
		for _, kind := range b.kinds {
			for _, id := range []string{"query.addr", "query.addr.p50", "query.addr.p99", "query.ping16", "query.addr16", "query.masters16"} {
				b.report.note(id, kind, "no redis-benchmark")
			}
		}
		return nil
	}
	return b.withBed(func(bed *testbed.Bed) error {
		nodes := make(map[testbed.Kind]*testbed.Sentinel)
		for _, kind := range b.kinds {
			// A fleet of its own: they would become peers on a common one.
			h, err := startHerd(bed, 1, "-"+kind.String(), 1)
			if err != nil {
				return err
			}
			s, err := b.watch(bed, h, kind, "", 1)
			if err != nil {
				return err
			}
			f := fleetRun{masters: 1, sentinels: 1}
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
				r, err := q.send(program, nodes[kind].Port, b.requests)
				if err != nil {
					return fmt.Errorf("%v, %v: %w", kind, q, err)
				}
				b.report.add(q.id, kind, r.perSecond)
				if q.pipeline == 1 {
					b.report.add(q.id+".p50", kind, r.p50)
					b.report.add(q.id+".p99", kind, r.p99)
				}
			}
		}
	}
	return nil
}

func (q query) send(program string, port int, part float64) (load, error) {
	args := []string{"-p", strconv.Itoa(port), "-c", strconv.Itoa(connections), "-P", strconv.Itoa(q.pipeline),
		"-n", strconv.Itoa(int(float64(q.requests) * part)), "--csv"}
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
