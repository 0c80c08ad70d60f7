// Package testbed runs real redis-server and redis-sentinel processes, and our
// own daemon beside them, in a temporary folder on loopback, for the tests of
// package integration, for the demo and for the failover benchmark.
//
// A Bed owns everything it started: Close kills each process by its id, waits
// for it and removes the folder. Two Beds never share a port, not even those of
// two test programs that run at the same time (see claim).
package testbed
