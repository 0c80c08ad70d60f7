package main

import (
	"slices"
	"time"

	"gosentinel/internal/testbed"
)

// recordingRounds is how often each way is measured.
const recordingRounds = 2

func (b *bench) expectRecording() time.Duration {
	return recordingRounds * 2 * (b.idle + b.settle + 3*time.Second)
}

// recording measures what writing the trace costs: the processor time of ours
// while nothing happens, without and with it in turn.
func (b *bench) recording() error {
	if !slices.Contains(b.kinds, testbed.Ours) {
		return nil
	}
	return b.withBed(func(bed *testbed.Bed) error {
		h, err := startHerd(bed, b.crowd, "", 3)
		if err != nil {
			return err
		}
		for round := range recordingRounds {
			for k, trace := range []string{"", "trace"} {
				b.progress.part(2*round+k, 2*recordingRounds, "cost of recording, round %d of %d", round+1, recordingRounds)
				if err := b.record(bed, h, trace); err != nil {
					return err
				}
			}
		}
		return nil
	})
}

func (b *bench) record(bed *testbed.Bed, h *herd, trace string) error {
	id := "recording.without"
	if trace != "" {
		id = "recording.with"
	}
	nodes, err := b.watch(bed, h, testbed.Ours, trace, 3)
	if err != nil {
		return err
	}
	defer b.end(nodes)
	f := fleetRun{masters: h.masters, sentinels: 3}
	if err := discovered(nodes, f, time.Now().Add(ourPatience)); err != nil {
		return err
	}
	pause(b.settle)
	cpu, _ := idleCost(nodes, h, b.idle)
	b.report.add(id, testbed.Ours, cpu...)
	return nil
}
