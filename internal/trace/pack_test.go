package trace

import (
	"math"
	"strings"
	"testing"

	"github.com/hashicorp/go-msgpack/v2/codec"
	"github.com/stretchr/testify/require"
)

// What is written by hand is what the library reads, and for unsigned numbers
// and strings to the byte what it writes.
func TestPack(t *testing.T) {
	library := func(v any) (b []byte) {
		codec.NewEncoderBytes(&b, handle).MustEncode(v)
		return b
	}
	read := func(b []byte, v any) { require.NoError(t, codec.NewDecoderBytes(b, handle).Decode(v)) }
	for shift := range 64 {
		for _, n := range []uint64{1<<shift - 1, 1 << shift, 1<<shift + 1} {
			require.Equal(t, library(n), appendUint(nil, n), n)
			for _, want := range []int64{int64(n), -int64(n)} {
				var got int64
				read(appendInt(nil, want), &got)
				require.Equal(t, want, got)
			}
		}
	}
	var got uint64
	read(appendUint(nil, math.MaxUint64), &got)
	require.Equal(t, uint64(math.MaxUint64), got)
	for _, n := range []int{0, 1, 31, 32, 255, 256, 65535, 65536, 70000} {
		s := strings.Repeat("\xff", n)
		require.Equal(t, library(s), appendString(nil, s), n)
	}
}
