// Package sentinel is the core: one Sentinel as a pure state machine. It
// watches masters, replicas and peers, agrees with its peers that a master is
// down, elects a leader and carries a failover through. Inputs go in by
// Core.Step, effects come out; there are no goroutines, clocks, sockets or
// files here.
//
// Where to find what:
//
//	api.go, core.go, deadlines.go   inputs and effects, the step, who is due when
//	master.go, instance.go, info.go what is known, and what INFO says
//	link*.go     connections and pings, names, what an instance or our machine refuses
//	peer*.go     who is a Sentinel of a master: hellos, identity, discovery
//	detect_*.go  SDOWN, opinions and ODOWN, TILT, a machine that slept
//	elect*.go    candidacy, votes, epochs
//	failover.go  the steps of a failover, and of each kind of it:
//	             _select the choice of a replica, _order what replicas are told,
//	             _repoint the rest, _switch the change of address, _manual
//	             SENTINEL FAILOVER, _resume the leader is gone, _dispute two masters
//	             of one config epoch, _misplaced the master is a replica, _cluster
//	             the nodes of a Redis Cluster, _stray replicas that follow others
//	durable*.go  what is written, what waits for it, a disk that hangs
//	command*.go  the SENTINEL commands; _look those that need no step
//	emit.go, event.go, script.go    events and scripts
//	explain.go, dump.go, check.go   the state as text, what must hold after each step
package sentinel
