package partition

import (
	"fmt"
	"time"
)

// cutFor is how long the simple cuts last, and leaderCutFor those that hit a
// leader at work: long enough for originals, who try again after twice the
// failover timeout.
const (
	cutFor       = 8 * time.Second
	leaderCutFor = 20 * time.Second
)

// schedule is one course of cuts, the same for all kinds of Sentinels.
type schedule struct {
	name   string
	beside bool // Sentinel 1 is on the master's host
	// run does everything from the first cut to the healing, and says what it
	// met, such as where the leader was.
	run func(w *world, begin time.Time) (note string, err error)
}

// schedules are all of them, in the order of the table.
func schedules() []schedule {
	out := []schedule{
		{"master cut off", false, func(w *world, _ time.Time) (string, error) { return w.during(cutFor, w.isolate(w.a)) }},
		{"master cut off with a Sentinel", true, func(w *world, _ time.Time) (string, error) { return w.during(cutFor, w.isolate(w.a)) }},
		{"master heard by nobody", true, func(w *world, _ time.Time) (string, error) {
			return w.during(cutFor, w.net.cut([]*host{w.a}, w.net.rest(w.a)))
		}},
		{"master hears nobody", true, func(w *world, _ time.Time) (string, error) {
			return w.during(cutFor, w.net.cut(w.net.rest(w.a), []*host{w.a}))
		}},
		{"master and one replica's host apart", true, func(w *world, _ time.Time) (string, error) {
			return w.during(cutFor, w.net.split([]*host{w.a}, []*host{w.b}))
		}},
		{"replica's host cut off", true, func(w *world, _ time.Time) (string, error) { return w.during(cutFor, w.isolate(w.c)) }},
	}
	for _, event := range leaderEvents {
		out = append(out, schedule{"leader cut off at " + event, false, leaderCut(event)})
	}
	for _, event := range []string{"+try-failover", "+promoted-slave"} {
		out = append(out, schedule{"healed at " + event, true, healedAt(event)})
	}
	return out
}

// leaderEvents begin the states of a failover (behaviour.md, section 7.1).
var leaderEvents = []string{
	"+try-failover", "+elected-leader", "+selected-slave", "+failover-state-wait-promotion", "+promoted-slave", "+switch-master",
}

// during lets a cut last, then heals everything. The time is the schedule's;
// nothing is waited for.
func (w *world) during(d time.Duration, cut error) (string, error) {
	if cut != nil {
		return "", cut
	}
	<-time.After(d)
	return "", w.net.heal()
}

// leaderCut cuts the master off, and then, when a Sentinel tells the event,
// that Sentinel's host.
func leaderCut(event string) func(*world, time.Time) (string, error) {
	return func(w *world, begin time.Time) (string, error) {
		if err := w.isolate(w.a); err != nil {
			return "", err
		}
		e, err := w.await(begin, event, 15*time.Second)
		if err != nil {
			return "", err
		}
		leader := w.homes[e.Node]
		if err := w.isolate(leader); err != nil {
			return "", err
		}
		cut := time.Now()
		if _, err := w.during(leaderCutFor-cut.Sub(begin), nil); err != nil {
			return "", err
		}
		return fmt.Sprintf("leader on %s, got to %s", w.letter(leader), w.reached(begin, cut, e.Node)), nil
	}
}

// healedAt cuts the master and a Sentinel off until the event is told.
func healedAt(event string) func(*world, time.Time) (string, error) {
	return func(w *world, begin time.Time) (string, error) {
		if err := w.isolate(w.a); err != nil {
			return "", err
		}
		e, err := w.await(begin, event, 15*time.Second)
		if err != nil {
			return "", err
		}
		return fmt.Sprintf("leader on %s", w.letter(w.homes[e.Node])), w.net.heal()
	}
}

// letter is how the table calls a host.
func (w *world) letter(h *host) string { return string("abcsp"[h.number-1]) }

// reached is the last step of the failover that a Sentinel told in the moment
// of the cut; a few milliseconds later it may have told more, to nobody.
func (w *world) reached(begin, cut time.Time, node string) string {
	last := ""
	for _, e := range w.cluster.Events.Since(begin) {
		if e.Node == node && !e.At.After(cut) && stepOf[e.Name] {
			last = e.Name
		}
	}
	return last
}

// stepOf has the events that tell how far a failover has come.
var stepOf = map[string]bool{
	"+try-failover": true, "+elected-leader": true, "+failover-state-select-slave": true, "+selected-slave": true,
	"+failover-state-send-slaveof-noone": true, "+failover-state-wait-promotion": true, "+promoted-slave": true,
	"+failover-state-reconf-slaves": true, "+slave-reconf-sent": true, "+failover-end": true, "+switch-master": true,
}
