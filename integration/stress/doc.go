// Package stress runs our Sentinels where something around them is at its
// limit, and bounds what that may cost: subscribers that never read, instances
// that accept and never answer, a disk whose fsync takes long, clients that ask
// for long replies without end. Each test prints its figures.
//
// CI runs a short version, which shows that all of it works and judges no
// figure; `go test -v ./integration/stress -args -full` has
// the full numbers and judges them.
package stress
