package listener

import (
	"fmt"
	"sync/atomic"
	"time"
)

// spareFiles is how many descriptors are kept from clients besides those of our
// own connections: for writing the configuration, for scripts, names and log
// files, and for telling somebody that he is not let in.
//
// Rule: C-76.
const spareFiles = 16

// reserve keeps descriptors from clients. The kernel gives out the smallest that
// is free, so those at the end of what we may have remain for all else as long
// as no client keeps one of them.
//
// Rule: C-76.
type reserve struct {
	links atomic.Int64 // descriptors of our own connections, at most
	told  atomic.Int64 // uptime of the last warning; 0 = none
}

// bound is the first descriptor that no client may have; 0 if that is not
// known. Clients may have a quarter of all, as far as our own connections have not
// taken them already.
func (r *reserve) bound(s *Server) int {
	if s.o.FileLimit == nil {
		return 0
	}
	limit := s.o.FileLimit()
	return max(limit-int(r.links.Load())-spareFiles, limit/4)
}

// reserveWarning is how often it is said that clients are refused.
const reserveWarning = time.Minute

// spares reports whether a client may keep a descriptor.
func (r *reserve) spares(s *Server, fd int) bool {
	bound := r.bound(s)
	if bound == 0 || fd < bound {
		return true
	}
	now, last := int64(s.uptime()), r.told.Load()
	if (last == 0 || now-last >= int64(reserveWarning)) && r.told.CompareAndSwap(last, now) {
		s.log.Warn(fmt.Sprintf("Clients are refused: %d descriptors are kept for connections to instances and peers and for the configuration. Increase 'ulimit -n'.", r.links.Load()+spareFiles))
	}
	return false
}
