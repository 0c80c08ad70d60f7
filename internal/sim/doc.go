// Package sim runs whole worlds on virtual time from one seed: Sentinels (the
// real core), Redis instances, a network between their hosts, disks, scripts
// and name service. Everything is driven by one queue of events ordered by
// time and number, on the caller's goroutine, so the same seed and the same
// calls give the same world, event for event.
//
// A World is set up with AddInstance and AddSentinel, moved with Run and
// RunUntil, and hurt with Crash, Pause, Cut and the faults of Disk and
// Instance. Checkers watch from outside after every step (Violations).
package sim
