package sentinel

import "time"

// budget limits how often the outside can make something happen: a few times at
// once, then once each period. The zero value is full.
type budget struct {
	spent time.Duration // when what was taken is there again
}

// take takes one from a budget of burst, one of which comes back each period,
// and reports whether there was one.
func (b *budget) take(now, period time.Duration, burst int) bool {
	spent := max(b.spent, now)
	if spent-now > period*time.Duration(burst-1) {
		return false
	}
	b.spent = spent + period
	return true
}
