// Package sentinel is the core: one Sentinel as a pure state machine. It
// watches masters, replicas and peers, agrees with its peers that a master is
// down, elects a leader and carries a failover through. Inputs go in by
// Core.Step, effects come out; there are no goroutines, clocks, sockets or
// files here.
//
// Where to find what: core.go the step itself, deadlines.go who is due when,
// instance.go and master.go what is known, link.go connections and pings,
// down.go SDOWN, ask.go opinions and ODOWN, election.go candidacy and votes,
// failover.go the steps of a failover, selection.go the choice of a replica,
// reconf.go re-pointing, switch.go the change of address, hello.go the hello
// protocol, info.go INFO and roles, names.go host names, script.go the script
// queue, commands*.go the SENTINEL commands, durable.go what is written.
package sentinel
