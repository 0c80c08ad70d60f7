package sentinel

// failoverKind is why an attempt is made. What one kind does otherwise than the
// others is answered here, so that a new kind is one place: each predicate says
// what it decides, and nothing that decides compares kinds itself.
type failoverKind uint8

const (
	automatic failoverKind = iota // its master is down (E-10)
	byHand                        // SENTINEL FAILOVER (B-740)
	ofDispute                     // it settles which of two masters of one config epoch it is (E-80)
)

// String is the word of dumps and of explain.
func (k failoverKind) String() string {
	return [...]string{"automatic", "manual", "dispute"}[k]
}

// hasTimeLimit reports whether votes that come after the election's time elect
// nobody: the master may be back. Whoever asks by hand wants it all the same.
//
// Rule: E-31, E-63.
func (k failoverKind) hasTimeLimit() bool { return k != byHand }

// mayBeForced reports whether it may go on without the votes.
//
// Rule: E-63.
func (k failoverKind) mayBeForced() bool { return k == byHand }

// sparesTheMaster reports whether it is given up when its master answers again:
// that was all its reason.
//
// Rule: E-34.
func (k failoverKind) sparesTheMaster() bool { return k == automatic }

// promotes reports whether it makes a replica a master; else it chooses among
// those that are.
//
// Rule: E-80.
func (k failoverKind) promotes() bool { return k != ofDispute }

// followsTheMaster reports whether a master that turns out to be a replica gives
// its place to the one that it follows. By hand somebody wants a replica promoted.
//
// Rule: E-81.
func (k failoverKind) followsTheMaster() bool { return k != byHand }

// waitsOutTilt reports whether it begins anew at the end of a TILT, in which nobody
// could be asked.
//
// Rule: B-803, E-61.
func (k failoverKind) waitsOutTilt() bool { return k == byHand }

// asksAnew reports whether INFO must be newer than its start: the master is up, so
// no SDOWN says since when things are otherwise.
//
// Rule: E-50.
func (k failoverKind) asksAnew() bool { return k == byHand }

// takesTheEmpty reports whether a replica that never synchronised may be promoted.
//
// Rule: B-711. Departs: ADR 0004.
func (k failoverKind) takesTheEmpty() bool { return k == byHand }
