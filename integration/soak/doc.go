// Package soak runs three Sentinels of ours, built with the race detector, over
// a master and two replicas for as long as asked, while clients load them all:
// processes are killed, stopped, frozen and restarted at random, and failovers
// ordered by hand. In the end, and whenever all has settled in between, nothing
// may have grown, every failover must have come to an end that the Sentinels
// told of, and all must agree.
//
// `make soak MINUTES=30`; CI runs one minute.
package soak
