// Package listener is the front door: the listening sockets, the state of
// each connection, requests and replies on the wire, authentication and ACL,
// the commands that touch only connections (AUTH, HELLO, CLIENT, ACL, COMMAND,
// SUBSCRIBE and its family, PING), the Pub/Sub hub, and the View that answers
// SENTINEL GET-MASTER-ADDR-BY-NAME without the loop. All other commands go to
// the Backend, which answers what changes nothing at once if it can (fastpath.go).
//
// A connection has one goroutine, redcon's. Requests are framed, and the
// commonest of them answered, before redcon sees them (conn.go): by a reactor,
// which does so for many connections, until one sends something else or reads
// too slowly; then its goroutine goes on (reactor.go). Under TLS the goroutine
// does all. redcon cuts the rest into batches and calls the handler, which
// sends runs of commands for the loop in one piece and waits for their replies;
// only another Sentinel is read on meanwhile (async.go).
// What is to be sent waits in a queue of the connection (output.go); the
// connection's goroutine, or the hub's, writes as much as the socket takes
// without blocking, and a goroutine that exists only as long as the socket is
// full writes the rest.
package listener
