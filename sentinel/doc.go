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
// order.go what replicas are told, reconf.go re-pointing, switch.go the change of
// address, carryon.go the failover of a leader that is gone, manual.go that of
// SENTINEL FAILOVER, node.go that of a Redis Cluster, guide.go a master that is a
// replica, repair.go two masters of one config epoch, repoint.go replicas that
// follow somebody else, hello.go the hello protocol, peers.go and identity.go who
// is a peer, discovery.go when all are known, epoch.go epochs heard, info.go INFO
// and roles, names.go host names, complaints.go and unseen.go what an instance or
// our own machine refuses, sick.go a disk that hangs, sleep.go and tilt.go clocks,
// script.go the script queue, commands*.go the SENTINEL commands, look.go those
// that need no step, durable.go what is written, explain.go and dump.go the state
// as text, check.go what must hold after each step.
package sentinel
