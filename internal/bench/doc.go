// Command bench measures our daemon and, where it is installed, the original
// redis-sentinel on the same work, alternating, in one run on one machine, and
// prints what it found as a table. With -out it also writes benchmarks.md and
// benchmarks.svg into that folder.
//
// Subjects are run one after the other, and nothing else runs while something is
// measured, but that clusters heal from the failover before. Failovers are those of real redis-servers;
// where there are many masters, these are simulated (internal/fakeredis), in
// processes of their own: the same program, started again as `bench herd`. What
// makes a host busy is the same program too, `bench load`, and ends with the run.
package main
