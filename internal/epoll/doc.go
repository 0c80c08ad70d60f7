// Package epoll lets one goroutine serve many sockets: it waits for them
// through the runtime's own poller, as for one socket, and reads and writes
// them by system calls that never wait.
//
// A goroutine that waits in a system call of its own would be cheaper by one
// wake-up, but dearer in all: the runtime takes one that does not pass the
// scheduler for 10 ms for one that computes, takes its processor away during
// each call, and looks every 20 µs for the next. And calls that cannot wait
// need not tell the scheduler that they might: that would wake its monitor,
// which then looks around for milliseconds.
package epoll
