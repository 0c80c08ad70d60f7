package main

import (
	"cmp"
	"fmt"
	"io"
	"net"
	"path/filepath"
	"slices"
	"time"

	"gosentinel/internal/fakeredis"
	"gosentinel/internal/testbed"
)

// demo is what runs.
type demo struct {
	out       io.Writer
	bed       *testbed.Bed
	fleet     fakeredis.Fleet
	nodes     []node
	sentinels []*testbed.Sentinel
	events    testbed.Events
}

// close ends everything.
func (d *demo) close() error {
	err := d.bed.Close() // ends the Sentinels, and so the recording
	d.events.Close()
	if e := d.fleet.Close(); err == nil {
		err = e
	}
	return err
}

func (d *demo) say(format string, args ...any) { fmt.Fprintf(d.out, format+"\n", args...) }

// show is the whole demo but for the cleaning up.
func (d *demo) show() error {
	if err := d.start(); err != nil {
		return err
	}
	d.topology()
	// A Sentinel that is new to all others stands for no election within the
	// first three periods of its hellos.
	d.say("\nWaiting until the new Sentinels have announced themselves a few times.")
	master := d.nodes[0].Addr()
	if err := testbed.Announced(master, "", master, len(d.sentinels), 4, patience); err != nil {
		return err
	}
	begin, old, took, err := d.fail()
	if err != nil {
		return err
	}
	if err := d.comeBack(begin, old, took.Master); err != nil {
		return err
	}
	d.say("\nDone: the new master took writes %s ms after the fault, %s ms of them are down-after-milliseconds.",
		ms(took.Writable), ms(downAfter))
	return nil
}

func (d *demo) start() error {
	if d.bed.Programs.Redis == "" {
		d.say("There is no redis-server here: the three Redis instances are simulated (internal/fakeredis).")
	}
	if err := d.startNodes(); err != nil {
		return err
	}
	host, port, err := net.SplitHostPort(d.nodes[0].Addr())
	if err != nil {
		return err
	}
	for i := range 3 {
		s, err := d.bed.Sentinel(fmt.Sprintf("sentinel%d", i+1), testbed.SentinelOptions{Lines: []string{
			fmt.Sprintf("sentinel monitor %s %s %s 2", masterName, host, port),
			fmt.Sprintf("sentinel down-after-milliseconds %s %d", masterName, downAfter.Milliseconds()),
			fmt.Sprintf("sentinel failover-timeout %s 60000", masterName),
		}})
		if err != nil {
			return err
		}
		d.sentinels = append(d.sentinels, s)
		if err := d.events.Follow(s); err != nil {
			return err
		}
	}
	return testbed.Until(patience, func() error { return d.seen(2) })
}

// seen reports by nil that all Sentinels see each other and the replicas.
func (d *demo) seen(replicas int) error {
	for _, s := range d.sentinels {
		if err := s.Sees(masterName, replicas, len(d.sentinels)-1); err != nil {
			return err
		}
	}
	return nil
}

func (d *demo) topology() {
	d.say("Running in %s:\n", d.bed.Dir)
	for i, n := range d.nodes {
		what := "replica"
		if i == 0 {
			what = "master"
		}
		d.say("  redis%d     %-16s %s", i+1, n.Addr(), what)
	}
	for _, s := range d.sentinels {
		d.say("  %s %-16s watches %s, quorum 2, down-after-milliseconds %d", s.Name, s.Addr(), masterName, downAfter.Milliseconds())
	}
}

// fail kills the master and tells what happens.
func (d *demo) fail() (begin time.Time, old node, took testbed.Takeover, err error) {
	old = d.nodes[0]
	var replicas []testbed.Target
	for _, n := range d.nodes[1:] {
		replicas = append(replicas, testbed.Target{Addr: n.Addr()})
	}
	d.say("\nkill -9 of the master %s; times in ms from here.\n", old.Addr())
	took, err = testbed.Measure(masterName, old.Addr(), replicas, d.sentinels, patience, func() error {
		begin = time.Now()
		old.Kill()
		return nil
	})
	if err != nil {
		return begin, old, took, err
	}
	// The leader tells the switch last of all.
	err = testbed.Until(patience, func() error {
		for _, s := range d.sentinels {
			if len(d.events.Named(begin, s.Name, "+switch-master")) == 0 {
				return fmt.Errorf("%s has not told the switch", s.Name)
			}
		}
		return nil
	})
	d.timeline(begin, begin,
		moment{took.Writable, ">>> " + took.Master + " accepts writes"},
		moment{took.Named, ">>> all three Sentinels name " + took.Master})
	return begin, old, took, err
}

// moment is one line of a timeline.
type moment struct {
	at   time.Duration
	text string
}

// timeline prints the events from a time on, and the moments, in the order of
// their times since the fault.
func (d *demo) timeline(fault, from time.Time, lines ...moment) {
	for _, e := range d.events.Since(from) {
		lines = append(lines, moment{e.At.Sub(fault), e.String()})
	}
	slices.SortStableFunc(lines, func(a, b moment) int { return cmp.Compare(a.at, b.at) })
	for _, l := range lines {
		d.say("%9s  %s", ms(l.at), l.text)
	}
}

// comeBack starts the old master and waits until it follows the new one.
func (d *demo) comeBack(begin time.Time, old node, master string) error {
	back := time.Now()
	d.say("\nThe old master %s is started again.\n", old.Addr())
	if err := old.Up(); err != nil {
		return err
	}
	err := testbed.Until(patience, func() error {
		role, of, link, err := role(old.Addr())
		if err == nil && (role != "slave" || of != master || link != "connected") {
			err = fmt.Errorf("%s is %s of %s, link %s", old.Addr(), role, of, link)
		}
		return err
	})
	if err != nil {
		return err
	}
	joined := time.Now()
	if err := testbed.Until(patience, func() error { return d.seen(2) }); err != nil {
		return err
	}
	d.timeline(begin, back, moment{joined.Sub(begin), ">>> it follows the new master, " + ms(joined.Sub(back)) + " ms after its start"})
	return nil
}

// hints are lines to try by hand.
func (d *demo) hints() {
	s := d.sentinels[0]
	d.say("\nAll is left running until Ctrl-C. Try, in another terminal:\n")
	for _, line := range []string{
		"SENTINEL GET-MASTER-ADDR-BY-NAME " + masterName,
		"SENTINEL MASTERS",
		"SENTINEL FAILOVER " + masterName,
		"INFO sentinel",
		"PSUBSCRIBE '*'",
	} {
		d.say("  redis-cli -p %d %s", s.Port, line)
	}
	for _, s := range d.sentinels {
		d.say("  tail -f %s   # log of %s; its file is %s", s.Log, s.Name, filepath.Base(s.Conf))
	}
}

func ms(t time.Duration) string { return fmt.Sprintf("%.1f", float64(t.Microseconds())/1000) }
