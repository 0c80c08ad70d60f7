// Package link holds the outgoing connections of a Sentinel: to the Redis
// instances that it watches and to its peers.
//
// All of them belong to one goroutine, the Sentinel's loop, which waits here
// (Set.Wait) for whatever comes first: something on a socket, its own next
// deadline, or a call of Set.Wake. What happened is told through a Sink, on that
// goroutine. Nothing that the far end does or fails to do delays it: sockets
// never block. A link costs a descriptor and a few hundred bytes while it is
// idle: no goroutine, no timer and no buffer. With TLS, which knows only
// blocking connections, goroutines move the bytes of each link.
package link
