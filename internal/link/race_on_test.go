//go:build race

package link

// raceEnabled: the race detector makes sync.Pool forget at random.
const raceEnabled = true
