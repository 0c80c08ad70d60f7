package resp

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"
)

// Rule: K-0, the logical types in both protocols; doubles in their shortest form.
func TestAppend(t *testing.T) {
	for _, tc := range []struct {
		name       string
		v          Value
		two, three string
	}{
		{"null", Value{}, "$-1\r\n", "_\r\n"},
		{"null array", Value{Kind: NullArray}, "*-1\r\n", "_\r\n"},
		{"nothing", Value{Kind: None}, "", ""},
		{"simple", OK, "+OK\r\n", "+OK\r\n"},
		{"error", Err("ERR a\r\nb\x00c"), "-ERR a  b\r\n", "-ERR a  b\r\n"},
		{"integer", Int(-12), ":-12\r\n", ":-12\r\n"},
		{"two digits", Int(42), ":42\r\n", ":42\r\n"},
		{"largest", Int(math.MaxInt64), ":9223372036854775807\r\n", ":9223372036854775807\r\n"},
		{"bulk", Str("a\r\n"), "$3\r\na\r\n\r\n", "$3\r\na\r\n\r\n"},
		{"empty bulk", Str(""), "$0\r\n\r\n", "$0\r\n\r\n"},
		{"array", List(Str("x"), Int(1)), "*2\r\n$1\r\nx\r\n:1\r\n", "*2\r\n$1\r\nx\r\n:1\r\n"},
		{"empty array", List(), "*0\r\n", "*0\r\n"},
		{"map", Pairs(Str("k"), Value{}), "*2\r\n$1\r\nk\r\n$-1\r\n", "%1\r\n$1\r\nk\r\n_\r\n"},
		{"fields", Value{Kind: Fields, Int: 2, Str: "$1\r\nk\r\n$0\r\n\r\n"}, "*2\r\n$1\r\nk\r\n$0\r\n\r\n", "%1\r\n$1\r\nk\r\n$0\r\n\r\n"},
		{"set", Value{Kind: Set, Elems: []Value{Status("a")}}, "*1\r\n+a\r\n", "~1\r\n+a\r\n"},
		{"push", Value{Kind: Push, Elems: []Value{Int(1)}}, "*1\r\n:1\r\n", ">1\r\n:1\r\n"},
		{"verbatim", Value{Kind: Verbatim, Str: "ab"}, "$2\r\nab\r\n", "=6\r\ntxt:ab\r\n"},
		{"double", Value{Kind: Double, Float: 49.213}, "$6\r\n49.213\r\n", ",49.213\r\n"},
		{"whole double", Value{Kind: Double, Float: 3}, "$1\r\n3\r\n", ",3\r\n"},
		{"infinite double", Value{Kind: Double, Float: math.Inf(-1)}, "$4\r\n-inf\r\n", ",-inf\r\n"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			require.Equal(t, "x"+tc.two, string(Append([]byte("x"), 2, tc.v)))
			require.Equal(t, "x"+tc.three, string(Append([]byte("x"), 3, tc.v)))
		})
	}
}

func TestUnfold(t *testing.T) {
	fields := Value{Kind: Fields, Int: 4, Str: string(AppendBulk(AppendBulk(AppendBulk(AppendBulk(nil, "a"), "1"), "b"), ""))}
	require.Equal(t, Pairs(Str("a"), Str("1"), Str("b"), Str("")), fields.Unfold())
	require.Equal(t, Value{Kind: Map, Elems: []Value{}}, Value{Kind: Fields}.Unfold())
	require.Equal(t, OK, OK.Unfold())
	require.Equal(t, Str("$9\r\nk"), Value{Kind: Fields, Int: 2, Str: "$9\r\nk"}.Unfold())
}

// Rule: K-2.18, what goes to others is multibulk.
func TestAppendCommand(t *testing.T) {
	require.Equal(t, "*2\r\n$4\r\nPING\r\n$0\r\n\r\n", string(AppendCommand(nil, "PING", "")))
	require.Empty(t, AppendCommand(nil))
	big := make([]string, 120)
	require.Contains(t, string(AppendCommand(nil, big...)), "*120\r\n$0\r\n")
}

// Rule: K-0, the int64 argument syntax.
func TestParseInt(t *testing.T) {
	for in, want := range map[string]int64{
		"0": 0, "1": 1, "-1": -1, "10": 10, "9223372036854775807": math.MaxInt64, "-9223372036854775808": math.MinInt64,
	} {
		n, ok := ParseInt(in)
		require.True(t, ok, in)
		require.Equal(t, want, n)
	}
	for _, in := range []string{"", "-", "+1", "01", "-0", "00", " 1", "1 ", "1.0", "0x1", "a", "9223372036854775808", "-9223372036854775809", "99999999999999999999", "18446744073709551617"} {
		_, ok := ParseInt([]byte(in))
		require.False(t, ok, in)
	}
}
