package scenario

import (
	"fmt"
	"strings"
	"time"

	"gosentinel/internal/sim"
)

// crashBack is how long a Sentinel stays away that was killed at a write.
const crashBack = 300 * time.Millisecond

// crashSettle is how long a world may need to agree after that; attempts that
// failed may have to wait for two failover-timeouts of 180 s.
const crashSettle = 15 * time.Minute

// noCrashPoints is a comment of a transcript whose commands make no sense, or
// ask for two masters, when something of it has not happened.
const noCrashPoints = "# No crash points."

// CrashPoints runs a transcript and lists, for each write of each Sentinel,
// the moments just before and just after it; none if it has a line
// "# No crash points.".
func CrashPoints(text string) ([]sim.CrashPoint, error) {
	if strings.Contains(text, noCrashPoints) {
		return nil, nil
	}
	res, err := Run(text, Options{})
	if err != nil || res.World == nil {
		return nil, err
	}
	var out []sim.CrashPoint
	for _, n := range res.World.Sentinels() {
		for w := 1; w <= n.Disk.Writes(); w++ {
			for _, after := range []bool{false, true} {
				out = append(out, sim.CrashPoint{Node: n.Name(), Write: w, After: after, Back: crashBack})
			}
		}
	}
	return out, nil
}

// RunCrashPoint runs a transcript, killing and restarting a Sentinel at p,
// then undoes all faults, and says what rules were broken, agreement in the
// end included. What the transcript shows does not matter.
func RunCrashPoint(text string, p sim.CrashPoint) ([]string, error) {
	res, err := Run(text, Options{Prepare: func(w *sim.World) { w.SetCrashPoint(p) }})
	if err != nil {
		return nil, err
	}
	took, why := res.World.Settle(crashSettle)
	broken := res.World.Violations()
	if why != "" {
		broken = append(broken, fmt.Sprintf("I-11: not settled after %v: %s", took, why))
	}
	return broken, nil
}
