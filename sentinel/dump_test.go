package sentinel

import (
	"bytes"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestDump(t *testing.T) {
	st := loaded()
	dump := func(r *rig) string {
		var b bytes.Buffer
		require.NoError(t, r.c.Dump(&b))
		return b.String()
	}
	a, b := newRig(t, st), newRig(t, st)
	for _, r := range []*rig{a, b} {
		r.wait(3 * time.Second)
		r.do("sentinel", "failover", "mm")
		r.c.byName["mm"].failover.state = stateSelectSlave
	}
	require.Equal(t, dump(a), dump(b), "equal cores give equal text")
	require.NotContains(t, dump(a), `"sp"`)
	require.Contains(t, dump(a), "pass=***")
	require.NotContains(t, dump(a), "0xc0", "no addresses of memory")
	require.NotContains(t, dump(a), "%!", "no bad verbs")
	before := dump(b)
	b.c.byName["mm"].replicas[0].info.Offset++
	require.NotEqual(t, before, dump(b))
}

// Dump's error is that of its writer.
func TestDumpFails(t *testing.T) {
	require.ErrorIs(t, newRig(t, loaded()).c.Dump(broken{}), errBroken)
}

var errBroken = errors.New("broken")

type broken struct{}

func (broken) Write([]byte) (int, error) { return 0, errBroken }
