// Package fakeredis is a fleet of simulated Redis instances in one process,
// each listening on its own TCP address: what a Sentinel, and the clients of a
// demo, can see of Redis, at a small part of its cost. Replication between the
// instances of a Fleet is by call, not by socket, and at once.
//
// What is simulated: PING, AUTH, INFO as large as a real server's, ROLE, CLIENT
// SETNAME and KILL, PUBLISH and SUBSCRIBE (what is published on a master
// reaches the subscribers of its replicas), SLAVEOF and REPLICAOF, MULTI and
// EXEC, CONFIG REWRITE (a restart finds what was rewritten), SET and GET.
package fakeredis
