package daemon

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"gosentinel/sentinel"
)

// answers collects what a resolver reports.
type answers struct {
	mu  sync.Mutex
	got []sentinel.Resolved
}

func (a *answers) add(r sentinel.Resolved) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.got = append(a.got, r)
}

func (a *answers) take() []sentinel.Resolved {
	a.mu.Lock()
	defer a.mu.Unlock()
	got := a.got
	a.got = nil
	return got
}

// Rule: R-10, B-1120.
func TestResolve(t *testing.T) {
	for _, tc := range []struct {
		name string
		ips  []string
		err  error
		want sentinel.Resolved
	}{
		{"best first", []string{"10.0.0.2", "10.0.0.1"}, nil, sentinel.Resolved{IPs: []string{"10.0.0.2", "10.0.0.1"}}},
		{"mapped and twice", []string{"::ffff:10.0.0.2", "10.0.0.2", "fe80::1"}, nil, sentinel.Resolved{IPs: []string{"10.0.0.2", "fe80::1"}}},
		{"unknown", nil, &net.DNSError{Err: "no such host", Name: "h"}, sentinel.Resolved{Reason: "no such host"}},
		{"other failure", nil, errors.New("why"), sentinel.Resolved{Reason: "why"}},
		{"nothing", nil, nil, sentinel.Resolved{Reason: "no address"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var a answers
				newResolver(func(_ context.Context, host string) ([]netip.Addr, error) {
					require.Equal(t, "h", host)
					var ips []netip.Addr
					for _, ip := range tc.ips {
						ips = append(ips, netip.MustParseAddr(ip))
					}
					return ips, tc.err
				}, a.add).ask("h")
				synctest.Wait()
				tc.want.Host = "h"
				require.Equal(t, []sentinel.Resolved{tc.want}, a.take())
			})
		})
	}
}

// Rule: R-10, B-1124, W-22: a lookup ends after lookupTime even if nothing
// answers, each name is looked up once at a time, and few at once.
func TestSlowDNS(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var a answers
		var lookups, at atomic.Int32
		free := make(chan struct{})
		r := newResolver(func(context.Context, string) ([]netip.Addr, error) {
			lookups.Add(1)
			at.Add(1)
			defer at.Add(-1)
			<-free // heeds no deadline
			return []netip.Addr{netip.MustParseAddr("10.0.0.1")}, nil
		}, a.add)
		for i := range 3 * maxLookups {
			for range 3 {
				r.ask(fmt.Sprint("h", i))
			}
		}
		synctest.Wait()
		require.EqualValues(t, maxLookups, at.Load())
		time.Sleep(lookupTime - 1)
		synctest.Wait()
		require.Empty(t, a.take())
		time.Sleep(time.Nanosecond)
		synctest.Wait()
		got := a.take()
		require.Len(t, got, 3*maxLookups)
		for _, g := range got {
			require.Equal(t, "timeout", g.Reason)
		}
		close(free)
		synctest.Wait()
		require.Empty(t, a.take(), "late answers are not told")
		require.EqualValues(t, maxLookups, lookups.Load())
		r.ask("h1")
		synctest.Wait()
		require.Equal(t, []sentinel.Resolved{{Host: "h1", IPs: []string{"10.0.0.1"}}}, a.take())
	})
}

// A literal address needs no server.
func TestSystemResolver(t *testing.T) {
	got := make(chan sentinel.Resolved, 1)
	newResolver(nil, func(r sentinel.Resolved) { got <- r }).ask("127.0.0.1")
	require.Equal(t, sentinel.Resolved{Host: "127.0.0.1", IPs: []string{"127.0.0.1"}}, <-got)
}
