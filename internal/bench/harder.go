package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"time"

	"gosentinel/internal/testbed"
)

const (
	freshName = "kill -9, one second after three fresh Sentinels have met"
	busyName  = "six busy loops, two writers that fsync and four loops that start processes, to each two cores"

	// freshFor is how long fresh Sentinels have known each other.
	freshFor = time.Second
	// busyPatience is the longest that one takeover or healing may take beside
	// other work.
	busyPatience = 2 * time.Minute
)

func (b *bench) expectFresh() time.Duration {
	return time.Duration(b.harder*len(b.kinds)) * 7 * time.Second
}

// fresh measures failovers of Sentinels that have just started with files that
// name no other.
func (b *bench) fresh() error {
	for i := range b.harder {
		for k, kind := range b.kinds {
			b.progress.part(i*len(b.kinds)+k, b.harder*len(b.kinds), "failover of fresh Sentinels, run %d of %d", i+1, b.harder)
			err := b.withBed(func(bed *testbed.Bed) error {
				c, err := bed.Cluster(threeOf(kind))
				if c != nil {
					defer c.Events.Close()
				}
				if err != nil {
					return err
				}
				pause(freshFor)
				return b.round(&drill{fault: faults[0], id: "fresh", kind: kind, cluster: c, patience: healPatience})
			})
			if err != nil {
				return fmt.Errorf("%v, run %d: %w", kind, i+1, err)
			}
		}
	}
	return nil
}

func threeOf(kind testbed.Kind) testbed.ClusterOptions {
	return testbed.ClusterOptions{Kinds: []testbed.Kind{kind, kind, kind}, DownAfter: downAfter, FailoverTimeout: failoverTimeout}
}

func (b *bench) expectBusy() time.Duration {
	return warmUp + time.Duration(b.harder*len(b.kinds))*12*time.Second
}

// busy measures failovers beside other work.
func (b *bench) busy() (err error) {
	return b.withBed(func(load *testbed.Bed) error {
		var drills []*drill
		defer func() {
			for _, d := range drills {
				d.cluster.Events.Close()
				err = errors.Join(err, b.close(d.bed))
			}
		}()
		for _, kind := range b.kinds {
			bed, err := b.open()
			if err != nil {
				return err
			}
			c, err := bed.Cluster(threeOf(kind))
			drills = append(drills, &drill{fault: faults[0], id: "busy", kind: kind, cluster: c, bed: bed, patience: busyPatience})
			if err != nil {
				return err
			}
		}
		pause(warmUp)
		if err := startLoads(load); err != nil {
			return err
		}
		for i := range b.harder {
			b.progress.part(i, b.harder, "failover on a busy host, run %d of %d", i+1, b.harder)
			for _, d := range drills {
				if err := b.round(d); err != nil {
					return fmt.Errorf("%v, run %d: %w\n%s", d.kind, i+1, err, d.bed.Logs(2000))
				}
			}
		}
		return nil
	})
}

// loadWord is the first of two arguments that make this program a load.
const loadWord = "load"

// loads are what makes a host busy, and how many of each run to each two cores.
var loads = []struct {
	name  string
	count int
	run   func() error
}{
	{"compute", 6, func() error {
		for {
			runtime.Gosched()
		}
	}},
	{"sync", 2, syncForEver},
	{"start", 4, func() error {
		for {
			if err := exec.Command("/bin/true").Run(); err != nil {
				return err
			}
		}
	}},
}

// startLoads makes the host busy until the bed is closed, or this program ends.
func startLoads(bed *testbed.Bed) error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	for _, l := range loads {
		for i := range l.count * max(1, runtime.NumCPU()/2) {
			if _, err := bed.Program(l.name+strconv.Itoa(i), self, loadWord, l.name); err != nil {
				return err
			}
		}
	}
	return nil
}

// serveLoad is the whole life of the process: it runs until it is killed.
func serveLoad(name string) error {
	runtime.GOMAXPROCS(1)
	for _, l := range loads {
		if l.name == name {
			return l.run()
		}
	}
	return fmt.Errorf("there is no load %q", name)
}

// syncForEver writes a file in the working directory and waits for the disk,
// again and again.
func syncForEver() error {
	f, err := os.CreateTemp(".", "load")
	if err != nil {
		return err
	}
	defer f.Close()
	block := make([]byte, 64<<10)
	for {
		if _, err := f.WriteAt(block, 0); err != nil {
			return err
		}
		if err := f.Sync(); err != nil {
			return err
		}
	}
}
