// Package integration tests our daemon as a process, on real redis-server
// processes and beside real redis-sentinel processes. Each file is named for
// what it shows.
//
// The daemon is built afresh for each run. The flag -sentinel runs the same
// tests on another binary instead, such as the original itself: what it fails
// then is where we mean to be better.
package integration
