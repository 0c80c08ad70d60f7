package daemon

import (
	"context"
	"net/netip"
)

// lookupFunc resolves a host name to its IPs, best first.
type lookupFunc func(ctx context.Context, host string) ([]netip.Addr, error)
