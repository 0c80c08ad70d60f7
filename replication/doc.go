// Package replication holds what we know of a Redis instance: its address, what
// its INFO says, which replica is the best to promote and why the others are
// not, and the commands that promote and re-point. Pure.
package replication
