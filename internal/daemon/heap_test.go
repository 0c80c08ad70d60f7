package daemon

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestHeapGrowth(t *testing.T) {
	for _, tc := range []struct {
		name  string
		inUse uint64
		want  int
	}{
		{"nothing known", 0, 100},
		{"one master", 2 << 20, 800},
		{"a hundred masters", 6 << 20, 400},
		{"a thousand", 24 << 20, 100},
		{"three thousand", 72 << 20, 50},
		{"however many", 1 << 40, 50},
	} {
		t.Run(tc.name, func(t *testing.T) {
			require.Equal(t, tc.want, heapGrowth(tc.inUse))
		})
	}
}
