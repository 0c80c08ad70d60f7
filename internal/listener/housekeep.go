package listener

import (
	"cmp"
	"context"
	"log/slog"
	"slices"
	"sync/atomic"
	"time"
)

// housekeepEvery is how often clients are looked at and rates are taken.
const housekeepEvery = time.Second

// levelVerbose is `verbose`, between debug and notice.
const levelVerbose = slog.Level(-2)

// housekeep closes idle clients, drops those that stay over their soft output
// limit, and takes the rates for INFO.
func (s *Server) housekeep() {
	defer s.wg.Done()
	t := time.NewTicker(housekeepEvery)
	defer t.Stop()
	for {
		select {
		case <-t.C:
		case <-s.closed:
			return
		}
		now := s.uptime()
		s.stats.sample(now)
		s.sweep(now)
		s.evict(now)
	}
}

// evict drops clients until what all have not read yet is no more than it may
// be: those first whose sockets took nothing for a while, the largest first;
// those with CLIENT NO-EVICT last.
//
// Departs: the original buffers without end, if no limit is set.
//
// Rule: K-8.3.
func (s *Server) evict(now time.Duration) {
	type unread struct {
		c              *client
		bytes          int64
		spared, moving bool
	}
	var list []unread
	total := int64(0)
	for _, c := range s.all() {
		c.mu.Lock()
		u := unread{c, c.output.pending + c.output.making, c.noEvict.Load(), now-c.output.moved < 2*housekeepEvery}
		if c.output.dead {
			u.bytes = 0
		}
		c.mu.Unlock()
		if u.bytes > 0 {
			total += u.bytes
			list = append(list, u)
		}
	}
	if total <= s.o.MaxUnread {
		return
	}
	slices.SortStableFunc(list, func(a, b unread) int {
		return int(cmp.Or(count(a.spared)-count(b.spared), count(a.moving)-count(b.moving), b.bytes-a.bytes))
	})
	for _, u := range list {
		if total <= s.o.MaxUnread {
			return
		}
		u.c.drop()
		total -= u.bytes
	}
}

// sweep closes whoever is to be closed at this time.
//
// Rule: K-6.1 (timeout), K-8.3.
func (s *Server) sweep(now time.Duration) {
	if s.o.Timeout <= 0 && s.stats.overSoft.Load() == 0 {
		return
	}
	for _, c := range s.all() {
		c.mu.Lock()
		idle := s.o.Timeout > 0 && c.subs.count() == 0 && !c.parked.Load() && now-time.Duration(c.active.Load()) > s.o.Timeout
		over := c.output.counted && c.beyondLimit(now)
		c.mu.Unlock()
		switch {
		case over:
			c.drop()
		case idle:
			s.log.Log(context.Background(), levelVerbose, "Closing idle client")
			c.kill()
		}
	}
}

// everyMinute lets one through per minute.
type everyMinute struct{ last atomic.Int64 }

func (e *everyMinute) allow(now time.Duration) bool {
	last := e.last.Load()
	return (last == 0 || now-time.Duration(last) >= time.Minute) && e.last.CompareAndSwap(last, max(int64(now), 1))
}
