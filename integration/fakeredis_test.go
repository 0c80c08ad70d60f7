package integration

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"gosentinel/integration/fixture"
	"gosentinel/internal/fakeredis"
	"gosentinel/internal/testbed"
)

// The simulated instances are Redis enough for either kind of Sentinel: it
// finds the replica, promotes it and brings the old master back.
//
// Rule: B-712, B-730, B-732.
func TestSimulatedInstancesFailOver(t *testing.T) {
	t.Parallel()
	for _, kind := range []testbed.Kind{testbed.Ours, testbed.Original} {
		t.Run(kind.String(), func(t *testing.T) {
			t.Parallel()
			if kind == testbed.Original {
				fixture.NeedsOriginal(t)
			}
			bed := fixture.Bed(t)
			fleet := &fakeredis.Fleet{}
			t.Cleanup(func() { require.NoError(t, fleet.Close()) })
			addr := func(port int) string { return fmt.Sprintf("127.0.0.1:%d", port) }
			port := bed.Port()
			master, err := fleet.Start(fakeredis.Options{Addr: addr(port), Password: "secret"})
			require.NoError(t, err)
			replica, err := fleet.Start(fakeredis.Options{Addr: addr(bed.Port()), Password: "secret", Master: master.Addr()})
			require.NoError(t, err)
			s, err := bed.Sentinel("sentinel", testbed.SentinelOptions{Kind: kind, Lines: []string{
				fmt.Sprintf("sentinel monitor mm 127.0.0.1 %d 1", port),
				"sentinel down-after-milliseconds mm 2000", // see TestMixedQuorum
				"sentinel auth-pass mm secret",
			}})
			require.NoError(t, err)
			fixture.Until(t, 20*time.Second, func() error { return s.Sees("mm", 1, 0) })

			require.NoError(t, master.Kill())
			fixture.Until(t, 20*time.Second, func() error { return s.Names("mm", replica.Addr()) })
			require.Empty(t, replica.Master())
			require.NoError(t, master.Restart())
			fixture.Until(t, 20*time.Second, func() error {
				if got := master.Master(); got != replica.Addr() {
					return fmt.Errorf("the old master follows %q", got)
				}
				return nil
			})
		})
	}
}
