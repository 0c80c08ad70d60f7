package replication

import (
	"strconv"
	"time"
)

// Rename gives the word by which a command is known to an instance.
type Rename func(command string) string

// Follow is the transaction that makes an instance a replica of host:port.
//
// Rule: B-713; SLAVEOF, not REPLICAOF, for existing ACLs and renames.
func Follow(rename Rename, host string, port int) [][]string {
	return slaveof(rename, host, strconv.Itoa(port))
}

// Promote is the transaction that makes a replica a master.
//
// Rule: B-713.
func Promote(rename Rename) [][]string { return slaveof(rename, "NO", "ONE") }

func slaveof(rename Rename, host, port string) [][]string {
	return [][]string{
		{rename("MULTI")},
		{rename("SLAVEOF"), host, port},
		{rename("CONFIG"), "REWRITE"},
		{rename("CLIENT"), "KILL", "TYPE", "normal"},
		{rename("CLIENT"), "KILL", "TYPE", "pubsub"},
		{rename("EXEC")},
	}
}

// Alone are the commands of a transaction of Follow or Promote without it: the
// SLAVEOF is the first, what rounds it off follows.
//
// Rule: E-52.
func Alone(transaction [][]string) [][]string { return transaction[1 : len(transaction)-1] }

// PromotionPoll is the wait before the n-th look (from 1) whether a promoted
// replica reports role:master; the first look travels with the transaction.
//
// Rule: E-52.
func PromotionPoll(n int) time.Duration {
	return min(10*time.Millisecond<<max(0, min(n-1, 4)), 100*time.Millisecond)
}

// SyncPoll is how often a replica that was told to follow the new master is
// asked for INFO, age after it was told.
//
// Rule: E-56.
func SyncPoll(age time.Duration) time.Duration {
	switch {
	case age < 2*time.Second:
		return 100 * time.Millisecond
	case age < 12*time.Second:
		return 500 * time.Millisecond
	}
	return time.Second
}
