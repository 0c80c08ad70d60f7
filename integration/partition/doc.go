// Package partition cuts real networks: hosts that are network namespaces on
// one bridge, with a real redis-server and a Sentinel each, ours, originals or
// both, all on the same schedule of cuts. Clients write from both sides of a
// cut, and what was acknowledged to them is looked for afterwards: the table
// says how long nobody could write, which acknowledged writes are gone and how
// many masters there were at the worst moment.
//
// `go test` runs a short part of the schedules; with `-args -all` it runs all
// and prints the table, which `make partitions` does.
//
// The test program runs itself again in namespaces of its own, as root or, where
// the kernel lets everybody make some, as anybody. So its names meet nobody
// else's, and the kernel removes everything however the program ends.
package partition
