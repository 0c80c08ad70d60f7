package sentinel

// simulation is the set of points at which this Sentinel is to die. The zero
// simulation is none.
//
// Rule: K-2.15, B-750.
type simulation uint8

// The points, with the values that INFO shows.
const (
	afterElection  simulation = 1 << iota // right after +elected-leader
	afterPromotion                        // right after +promoted-slave
)

// crashStatus is the exit status of a simulated crash.
const crashStatus = 99

// simulateCrash ends the process if that is to happen at this point; what was
// told before is told, and what it waits for is written, first.
//
// Rule: B-750.
func (c *Core) simulateCrash(point simulation) {
	if c.simulate&point == 0 {
		return
	}
	c.logLine(LevelWarning, "Sentinel CRASH because of SENTINEL simulate-failure")
	c.emit(Exit{Code: crashStatus})
	c.dying = true
}
