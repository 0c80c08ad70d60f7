package replication

import (
	"fmt"
	"strings"
	"time"
)

// Candidate is a replica as the choice of a new master sees it. Ages are
// counted from the moment of the choice.
type Candidate struct {
	Down         bool // SDOWN or ODOWN
	Disconnected bool
	SinceOK      time.Duration // age of the last acceptable PING reply
	Priority     int
	InfoAge      time.Duration
	LinkDown     time.Duration // its link to the master, as it reports
	Offset       int64         // replication offset, bytes
	RunID        string        // "" = unknown
	Tried        bool          // already tried in this failover (E-53)
	Foreign      bool          // its replication id is not of the master's data set
	Unsynced     bool          // it has never had anything of the master's data
	Node         bool          // a node of a Redis Cluster that the master is not of
}

// Limits are the spans against which candidates are measured.
type Limits struct {
	MaxSinceOK  time.Duration // 5 ping periods
	MaxInfoAge  time.Duration // 5 ping periods, or 3 info periods while the master is up
	MaxLinkDown time.Duration // 10 down-after + how long the master is SDOWN
	ByHand      bool          // SENTINEL FAILOVER: an unsynced one will do
}

// NeverSynced is the reason for rejecting a replica that holds nothing.
const NeverSynced = "it has never synchronised with the master: no link since its start, none of its replication ids, no keys"

// Reject says why a candidate may not be promoted, or "" if it may.
//
// Rule: B-711, E-53, E-82. Departs: ADR 0004.
func Reject(c Candidate, l Limits) string {
	switch {
	case c.Tried:
		return "already tried in this failover"
	case c.Node:
		return "a node of a Redis Cluster"
	case c.Down:
		return "down"
	case c.Disconnected:
		return "disconnected"
	case c.SinceOK > l.MaxSinceOK:
		return fmt.Sprintf("no good PING reply for %dms", c.SinceOK.Milliseconds())
	case c.Priority == 0:
		return "priority 0"
	case c.InfoAge > l.MaxInfoAge:
		return fmt.Sprintf("INFO is %dms old", c.InfoAge.Milliseconds())
	case c.LinkDown > l.MaxLinkDown:
		return fmt.Sprintf("its link to the master was down for %dms", c.LinkDown.Milliseconds())
	case c.Unsynced && !l.ByHand:
		return NeverSynced
	}
	return ""
}

// Better reports whether a is to be promoted rather than b: the lower
// priority, then the higher offset, then the smaller run id in any case, an
// unknown one last. One with another data set comes after all that have the
// master's: better than no master at all, and never chosen by its priority; one
// with nothing at all comes last.
//
// Rule: B-711. Departs: ADR 0004, R-14 (redis #14313).
func Better(a, b Candidate) bool {
	if a.Unsynced != b.Unsynced {
		return b.Unsynced
	}
	if a.Foreign != b.Foreign {
		return b.Foreign
	}
	if a.Priority != b.Priority {
		return a.Priority < b.Priority
	}
	if a.Offset != b.Offset {
		return a.Offset > b.Offset
	}
	if (a.RunID == "") != (b.RunID == "") {
		return a.RunID != ""
	}
	return strings.ToLower(a.RunID) < strings.ToLower(b.RunID)
}

// Best is the index of the candidate to promote, or -1 if all are rejected.
func Best(cs []Candidate, l Limits) int {
	best := -1
	for i, c := range cs {
		if Reject(c, l) == "" && (best < 0 || Better(c, cs[best])) {
			best = i
		}
	}
	return best
}
