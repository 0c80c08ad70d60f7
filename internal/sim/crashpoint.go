package sim

import "time"

// CrashPoint kills a Sentinel around one of its writes, and starts it again.
type CrashPoint struct {
	Node  string
	Write int  // 1 is the first write of that Sentinel
	After bool // when the file has just been replaced; else before it is
	Back  time.Duration
}

// SetCrashPoint arms a crash point; a world has at most one.
func (w *World) SetCrashPoint(p CrashPoint) { w.point = &p }

// crashPoint crashes n if its point is reached, and reports whether it did.
func (w *World) crashPoint(n *Node, write int, after bool) bool {
	p := w.point
	if p == nil || p.Node != n.name || p.Write != write || p.After != after {
		return false
	}
	w.point = nil
	n.crash()
	w.after(p.Back, call(n.Start), 0)
	return true
}
