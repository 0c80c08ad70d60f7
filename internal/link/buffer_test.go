package link

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestRingKeepsOrder(t *testing.T) {
	var r ring
	_, ok := r.pop()
	require.False(t, ok)
	next := uint64(1)
	for n := uint64(1); n <= 100; n++ {
		r.push(2*n - 1)
		r.push(2 * n)
		if n%3 == 0 {
			tag, ok := r.pop()
			require.True(t, ok)
			require.Equal(t, next, tag)
			next++
		}
	}
	for ; next <= 200; next++ {
		tag, ok := r.pop()
		require.True(t, ok)
		require.Equal(t, next, tag)
	}
	_, ok = r.pop()
	require.False(t, ok)
}

func TestBuffersAreUsedAgainUnlessTheyHaveGrown(t *testing.T) {
	var b buffers
	first := b.get()
	b.put(append(first, 'x'))
	require.Len(t, b.free, 1)
	again := b.get()
	require.Empty(t, again)
	require.Same(t, &first[:1][0], &again[:1][0])
	b.put(make([]byte, 0, 2*outSize))
	require.Empty(t, b.free)
	for range 2 * maxFree {
		b.put(make([]byte, 0, outSize))
	}
	require.Len(t, b.free, maxFree)
}
