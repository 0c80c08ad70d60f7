// Package link holds the outgoing connections of a Sentinel: to the Redis
// instances that it watches and to its peers.
//
// Nothing that the far end does or fails to do delays the caller: connecting,
// reading and waiting for room in a socket happen on goroutines of the links,
// and what happens there comes back through a Sink. A link costs one parked
// goroutine and no buffer while it is idle.
package link
