package daemon

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"slices"
	"sync"
	"time"

	"gosentinel/sentinel"
)

// lookupFunc resolves a host name to its IPs, best first.
type lookupFunc func(ctx context.Context, host string) ([]netip.Addr, error)

const (
	// lookupTime is how long a lookup may take, waiting for its turn included:
	// the 5 s after which resolvers give up the first name server, and time for
	// the second to answer. Whoever cannot wait that long does not.
	lookupTime = 6 * time.Second

	// maxLookups is how many lookups may run at once; some resolvers need a
	// thread for each.
	maxLookups = 32
)

// resolver looks host names up in the background: each name once at a time,
// and never longer than lookupTime.
//
// Rule: R-10, B-1124.
type resolver struct {
	lookup lookupFunc
	report func(sentinel.Resolved)
	turns  chan struct{}

	mu      sync.Mutex
	running map[string]bool
}

// newResolver makes a resolver that reports from goroutines of its own. A nil
// lookup is that of the system.
func newResolver(lookup lookupFunc, report func(sentinel.Resolved)) *resolver {
	if lookup == nil {
		lookup = func(ctx context.Context, host string) ([]netip.Addr, error) {
			return net.DefaultResolver.LookupNetIP(ctx, "ip", host)
		}
	}
	return &resolver{
		lookup: lookup, report: report,
		turns: make(chan struct{}, maxLookups), running: make(map[string]bool),
	}
}

// ask starts a lookup unless one of that name is under way.
func (r *resolver) ask(host string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.running[host] {
		return
	}
	r.running[host] = true
	go r.answer(host)
}

// answer carries out one lookup.
func (r *resolver) answer(host string) {
	ctx, cancel := context.WithTimeout(context.Background(), lookupTime)
	defer cancel()
	ips, err := r.resolve(ctx, host)
	r.mu.Lock()
	delete(r.running, host)
	r.mu.Unlock()
	r.report(resolved(host, ips, err))
}

// resolve waits for a turn and for the lookup, but not beyond ctx, even if the
// lookup does not heed it. A lookup that is stuck keeps its turn.
func (r *resolver) resolve(ctx context.Context, host string) ([]netip.Addr, error) {
	select {
	case r.turns <- struct{}{}:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	type result struct {
		ips []netip.Addr
		err error
	}
	done := make(chan result, 1)
	go func() {
		ips, err := r.lookup(ctx, host)
		<-r.turns
		done <- result{ips, err}
	}()
	select {
	case res := <-done:
		return res.ips, res.err
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// resolved is the input that tells of a lookup.
func resolved(host string, ips []netip.Addr, err error) sentinel.Resolved {
	var dns *net.DNSError
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		return sentinel.Resolved{Host: host, Reason: "timeout"}
	case errors.As(err, &dns):
		return sentinel.Resolved{Host: host, Reason: dns.Err}
	case err != nil:
		return sentinel.Resolved{Host: host, Reason: err.Error()}
	}
	var texts []string
	for _, ip := range ips {
		if text := ip.Unmap().String(); !slices.Contains(texts, text) {
			texts = append(texts, text)
		}
	}
	if len(texts) == 0 {
		return sentinel.Resolved{Host: host, Reason: "no address"}
	}
	return sentinel.Resolved{Host: host, IPs: texts}
}
