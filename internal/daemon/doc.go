// Package daemon is the shell around the core: it starts the process as the
// original starts, runs the one loop that steps the core and carries out its
// effects, and ends it in order.
//
// Main is the drop-in invocation. The start-up half (this package's main,
// info, host, supervise, daemonize, limits, title, tls and log files) ends with a
// running node; the other half is that node.
package daemon
