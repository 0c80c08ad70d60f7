// Package clients tests, on real processes, that what people connect to a
// Sentinel with works with ours: client libraries through a failover under
// write load, HAProxy in front of the Redis nodes, the Prometheus exporter, and
// the bytes that clients parse which cannot be run here.
//
// The programs of testdata are the clients. They and what they need are
// installed by the script install.
//
// The daemon is built afresh for each run. The flag -sentinel runs the same
// tests on another binary instead, such as the original.
package clients
