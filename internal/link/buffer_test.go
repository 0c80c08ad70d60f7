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

func TestBufferGivesItsMemoryBack(t *testing.T) {
	var b buffer
	b.take(outBlocks)
	b.b = append(b.b, "abcdef"...)
	b.skip(4)
	require.Equal(t, "ef", string(b.b))
	b.skip(len(b.b))
	require.Equal(t, buffer{}, b)
}
