package resp

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestDecode(t *testing.T) {
	for _, tc := range []struct {
		in   string
		want Value
	}{
		{"+PONG\r\n", Status("PONG")},
		{"-ERR no\r\n", Value{Kind: Error, Str: "ERR no"}},
		{":-5\r\n", Int(-5)},
		{"$3\r\na\r\n\r\n", Str("a\r\n")},
		{"$-1\r\n", Value{}},
		{"*-1\r\n", Value{Kind: NullArray}},
		{"_\r\n", Value{}},
		{"*0\r\n", Value{Kind: Array, Elems: []Value{}}},
		{"*2\r\n*1\r\n:1\r\n$1\r\nx\r\n", List(List(Int(1)), Str("x"))},
		{"%1\r\n+a\r\n:1\r\n", Pairs(Status("a"), Int(1))},
		{"~1\r\n#t\r\n", Value{Kind: Set, Elems: []Value{Int(1)}}},
		{">2\r\n+a\r\n#f\r\n", Value{Kind: Push, Elems: []Value{Status("a"), Int(0)}}},
		{",1.5\r\n", Value{Kind: Double, Float: 1.5}},
		{"(123456789012345678901234567890\r\n", Str("123456789012345678901234567890")},
		{"!5\r\nERR x\r\n", Value{Kind: Error, Str: "ERR x"}},
		{"=6\r\ntxt:ab\r\n", Value{Kind: Verbatim, Str: "ab"}},
		{"|1\r\n+ttl\r\n:3\r\n+OK\r\n", OK},
	} {
		t.Run(fmt.Sprintf("%q", tc.in), func(t *testing.T) {
			v, n, err := Decode([]byte(tc.in+"+next\r\n"), Limits{})
			require.NoError(t, err)
			require.Equal(t, len(tc.in), n)
			require.Equal(t, tc.want, v)
			for cut := range tc.in {
				_, _, err := Decode([]byte(tc.in[:cut]), Limits{})
				var p Partial
				need := p.Want([]byte(tc.in[:cut]), Limits{})
				require.ErrorIs(t, err, ErrShort, "cut at %d", cut)
				require.Greater(t, need, cut)
				require.LessOrEqual(t, need, len(tc.in), "cut at %d", cut)
			}
		})
	}
}

func TestDecodeRefuses(t *testing.T) {
	small := Limits{Depth: 2, Elems: 4, Bulk: 8, Total: 32}
	for _, tc := range []struct {
		name, in string
		want     error
	}{
		{"no type", "x\r\n", ErrMalformed},
		{"line feed alone", "+OK\n", ErrMalformed},
		{"no number", ":a\r\n", ErrMalformed},
		{"length with a plus", "$+1\r\n", ErrMalformed},
		{"negative length", "$-2\r\n", ErrMalformed},
		{"negative map", "%-1\r\n", ErrMalformed},
		{"payload without its end", "$1\r\nxyz", ErrMalformed},
		{"boolean", "#x\r\n", ErrMalformed},
		{"null with text", "_x\r\n", ErrMalformed},
		{"double", ",0x1p3\r\n", ErrMalformed},
		{"verbatim without format", "=2\r\nab\r\n", ErrMalformed},
		{"at the limit of bytes", "$8\r\n12345678\r\n", nil},
		{"bulk too long", "$9\r\n", ErrTooLarge},
		{"at the limit of elements", "*4\r\n_\r\n_\r\n_\r\n_\r\n", nil},
		{"too many elements", "*5\r\n", ErrTooLarge},
		{"too many elements in all", "*2\r\n*2\r\n_\r\n_\r\n*1\r\n_\r\n", ErrTooLarge},
		{"huge map", "%4611686018427387905\r\n", ErrTooLarge},
		{"at the limit of depth", "*1\r\n*1\r\n_\r\n", nil},
		{"too deep", "*1\r\n*1\r\n*1\r\n_\r\n", ErrTooLarge},
		{"too long in all", "*4\r\n$8\r\n12345678\r\n$8\r\n12345678\r\n", ErrTooLarge},
		{"line that does not end", "+" + strings.Repeat("x", maxLine), ErrTooLarge},
	} {
		t.Run(tc.name, func(t *testing.T) {
			_, _, err := Decode([]byte(tc.in), small)
			require.ErrorIs(t, err, tc.want)
		})
	}
}

// An announced length costs nothing before the bytes are there.
func TestDecodeAllocatesWhatIsThere(t *testing.T) {
	in := []byte("*65536\r\n:1\r\n")
	allocated := testing.Benchmark(func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			_, _, _ = Decode(in, Limits{})
		}
	}).AllocedBytesPerOp()
	require.Less(t, allocated, int64(1024))
}

func TestDecodePongDoesNotAllocate(t *testing.T) {
	in := []byte("+PONG\r\n")
	require.Zero(t, testing.AllocsPerRun(100, func() { _, _, _ = Decode(in, Limits{}) }))
}

func FuzzDecode(f *testing.F) {
	for _, s := range []string{"+OK\r\n", "*2\r\n$1\r\na\r\n:1\r\n", "%1\r\n+a\r\n_\r\n", "|1\r\n+a\r\n:1\r\n+b\r\n", "$-1\r\n", ",inf\r\n", "*65536\r\n", "=5\r\ntxt:a\r\n", "!1\r\nx\r\n"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, in []byte) {
		v, n, err := Decode(in, Limits{})
		if len(in) < 1<<12 {
			requireFollowed(t, in, n, err)
		}
		if err != nil {
			return
		}
		require.LessOrEqual(t, n, len(in))
		again, m, err := Decode(Append(nil, 3, v), Limits{Total: 64 << 20})
		require.NoError(t, err, "%q", in[:n])
		require.Equal(t, len(Append(nil, 3, again)), m)
		require.Equal(t, string(Append(nil, 3, v)), string(Append(nil, 3, again)))
	})
}

// requireFollowed lets in trickle in byte by byte: it is tried at least once before
// more than the whole value is there, and then it is whole or refused.
func requireFollowed(t *testing.T, in []byte, n int, err error) {
	t.Helper()
	var p Partial
	for k := range len(in) + 1 {
		if p.Want(in[:k], Limits{}) > k {
			require.False(t, err == nil && k >= n, "%q is whole with %d bytes", in, n)
			continue
		}
		_, at, short := Decode(in[:k], Limits{})
		require.NotErrorIs(t, short, ErrShort, "%q, of which %d are there", in, k)
		require.True(t, err != nil || at == k, "%q is whole with %d bytes, not %d", in, n, k)
		return
	}
	require.Error(t, err, "%q", in)
}

// A reply of many values that trickles in is looked at once, not for each byte.
func TestPartialLooksOnce(t *testing.T) {
	reply := Append(nil, 3, List(slices.Repeat([]Value{Pairs(Status("role"), List(Str("a b"), Int(7)))}, 1000)...))
	requireFollowed(t, reply, len(reply), nil)
	tries := 0
	var p Partial
	for k := range len(reply) {
		tries += boolInt(p.Want(reply[:k], Limits{}) <= k)
	}
	require.Zero(t, tries)
	require.Equal(t, len(reply), p.Want(reply, Limits{}))

	var refused Partial
	require.LessOrEqual(t, refused.Want([]byte("*2\r\n*9999999\r\n"), Limits{}), 14)
}
