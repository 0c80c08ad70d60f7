package main

import (
	"fmt"
	"strings"
	"time"

	"gosentinel/internal/testbed"
)

// startPoll is how often a starting Sentinel is tried.
const startPoll = 500 * time.Microsecond

// startPatience bounds one start.
const startPatience = 30 * time.Second

// startSize is how many masters are in the file.
func (o *options) startSize() int {
	if o.quick {
		return o.masters[0]
	}
	return 1000
}

func (b *bench) expectStarts() time.Duration {
	return 3*time.Second + time.Duration(b.rounds*len(b.kinds))*(b.settle/5+700*time.Millisecond)
}

// starts measures how long a Sentinel takes from its start to its first answer
// and until it lists all masters, with the file of one that ran before.
func (b *bench) starts() error {
	return b.withBed(func(bed *testbed.Bed) error {
		h, err := startHerd(bed, b.startSize(), "", 1)
		if err != nil {
			return err
		}
		for round := range b.rounds {
			for _, kind := range b.kinds {
				b.progress.part(round, b.rounds, "start with %d masters, round %d of %d", h.masters, round+1, b.rounds)
				if err := b.start(bed, h, kind); err != nil {
					return fmt.Errorf("%v: %w", kind, err)
				}
			}
		}
		return nil
	})
}

func (b *bench) start(bed *testbed.Bed, h *herd, kind testbed.Kind) error {
	lines := b.monitorLines(h, 1)
	for g := range h.masters {
		for i := range replicas {
			host, port, _ := strings.Cut(address(g, 1+i, h.port), ":")
			lines = append(lines, fmt.Sprintf("sentinel known-replica %s %s %s", h.name(g), host, port))
		}
	}
	b.started++
	s, err := bed.PrepareSentinel(fmt.Sprintf("%v%d", kind, b.started), testbed.SentinelOptions{Kind: kind, Lines: lines})
	if err != nil {
		return err
	}
	defer b.end([]*testbed.Sentinel{s})
	began := time.Now()
	if err := s.Launch(); err != nil {
		return err
	}
	err = until(began.Add(startPatience), func() bool { _, err := s.Do("PING"); return err == nil })
	if err != nil {
		return err
	}
	b.report.add("start.pong", kind, inMS(time.Since(began)))
	err = until(began.Add(startPatience), func() bool {
		v, err := s.Do("INFO", "sentinel")
		return err == nil && strings.Count(v.Str, ":name=m") == h.masters
	})
	if err != nil {
		return err
	}
	b.report.add("start.listed", kind, inMS(time.Since(began)))
	return nil
}

func until(deadline time.Time, ok func() bool) error {
	for !ok() {
		if time.Now().After(deadline) {
			return fmt.Errorf("no start within %v", startPatience)
		}
		pause(startPoll)
	}
	return nil
}
