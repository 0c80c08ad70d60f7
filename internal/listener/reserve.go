package listener

import (
	"fmt"
	"sync/atomic"
	"time"
)

// spareFiles is how many descriptors are kept from clients besides those of our
// own connections: for listening sockets and log files, for writing the
// configuration, for scripts and names, and for telling somebody that he is not let
// in. The last half of them no client keeps, however many others are open: the
// kernel gives out the smallest that is free.
//
// Rule: C-76.
const spareFiles = 32

// reserve keeps descriptors from clients.
//
// Rule: C-76.
type reserve struct {
	links atomic.Int64 // descriptors of our own connections, at most
	told  atomic.Int64 // uptime of the last warning; 0 = none
}

// room is how many clients there may be, and the first descriptor that none of
// them may have; 0 if the limit is not known. A quarter of all is for clients,
// however many instances there are.
func (r *reserve) room(s *Server) (clients, bound int) {
	if s.o.FileLimit == nil {
		return 0, 0
	}
	limit := s.o.FileLimit()
	if limit == 0 {
		return 0, 0
	}
	return max(limit-int(r.links.Load())-spareFiles, limit/4), limit - spareFiles/2
}

// reserveWarning is how often it is said that clients are refused.
const reserveWarning = time.Minute

// spares reports whether another client may keep a descriptor, beside those that
// there are.
func (r *reserve) spares(s *Server, fd, clients int) bool {
	most, bound := r.room(s)
	if bound == 0 || fd < bound && clients < most {
		return true
	}
	now, last := int64(s.uptime()), r.told.Load()
	if (last == 0 || now-last >= int64(reserveWarning)) && r.told.CompareAndSwap(last, now) {
		s.log.Warn(fmt.Sprintf("Clients are refused: %d descriptors are kept for connections to instances and peers and for the configuration. Increase 'ulimit -n'.", r.links.Load()+spareFiles))
	}
	return false
}
