package resp

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// frameAll takes all requests of in; step is how many bytes come at a time.
func frameAll(f *Framer, in string, step int) (requests []string, err error) {
	var buf []byte
	for len(in) > 0 || step == 0 {
		n := min(step, len(in))
		if step == 0 {
			n = len(in)
		}
		buf, in = append(buf, in[:n]...), in[n:]
		for {
			args, n, err := f.Next(buf)
			if err == ErrShort {
				break
			}
			if err != nil {
				return requests, err
			}
			if len(args) > 0 {
				requests = append(requests, fmt.Sprintf("%q", args))
			}
			buf = append([]byte(nil), buf[n:]...) // another array: nothing may point into the old one
		}
		if step == 0 {
			break
		}
	}
	return requests, nil
}

// Rule: K-8.1, C-11 to C-17.
func TestFramer(t *testing.T) {
	for _, tc := range []struct {
		in   string
		want []string
	}{
		{"PING\r\n", []string{`["PING"]`}},
		{"PING\n\r\n \n*0\r\n*-1\r\nx y\n", []string{`["PING"]`, `["x" "y"]`}},
		{"*2\r\n$3\r\nGET\r\n$0\r\n\r\n", []string{`["GET" ""]`}},
		{"*3\r\n$10\r\n0123456789\r\n$99\r\n" + strings.Repeat("x", 99) + "\r\n$100\r\n" + strings.Repeat("y", 100) + "\r\n",
			[]string{`["0123456789" "` + strings.Repeat("x", 99) + `" "` + strings.Repeat("y", 100) + `"]`}},
		{"*1\rx$4\rxPINGxx*1\r\n$1\r\na\r\n", []string{`["PING"]`, `["a"]`}},
		{`a "b c" 'd\'e' "" ''` + "\n", []string{`["a" "b c" "d'e" "" ""]`}},
		{`log"level" a"b c" x\n` + "\n", []string{`["loglevel" "ab c" "x\\n"]`}},
		{`"\x41\n\r\t\b\a\"\q\xZZ\x4"` + "\n", []string{`["A\n\r\t\b\a\"qxZZx4"]`}},
		{`'\n\x41'` + "\n", []string{`["\\n\\x41"]`}},
		{"\v\fa\vb\tc\n", []string{`["a\vb" "c"]`}},
	} {
		t.Run(fmt.Sprintf("%q", tc.in), func(t *testing.T) {
			for _, step := range []int{0, 1, 2, 3, 7} {
				got, err := frameAll(&Framer{}, tc.in, step)
				require.NoError(t, err)
				require.Equal(t, tc.want, got, "%d bytes at a time", step)
			}
		})
	}
}

// Rule: K-8.2, every condition and its text, and the last value that is good.
func TestFramerRefuses(t *testing.T) {
	long := strings.Repeat("a", MaxInline)
	for _, tc := range []struct {
		name, in, want string
	}{
		{"inline at the limit", long, ""},
		{"inline too long", long + "a", "Protocol error: too big inline request"},
		{"quotes not closed", "a \"b\n", "Protocol error: unbalanced quotes in request"},
		{"quotes closed within a word", "a 'b'c\n", "Protocol error: unbalanced quotes in request"},
		{"count line at the limit", "*" + long[1:], ""},
		{"count line too long", "*" + long, "Protocol error: too big mbulk count string"},
		{"no count", "*\r\n", "Protocol error: invalid multibulk length"},
		{"letters for a count", "*abc\r\n", "Protocol error: invalid multibulk length"},
		{"plus", "*+1\r\n", "Protocol error: invalid multibulk length"},
		{"leading zero", "*01\r\n", "Protocol error: invalid multibulk length"},
		{"blank", "* 1\r\n", "Protocol error: invalid multibulk length"},
		{"count beyond int32", "*2147483648\r\n", "Protocol error: invalid multibulk length"},
		{"ten strangers' arguments", "*10\r\n", ""},
		{"eleven", "*11\r\n", "Protocol error: unauthenticated multibulk length"},
		{"no dollar", "*1\r\nx1\r\n", "Protocol error: expected '$', got 'x'"},
		{"no dollar but CR", "*1\r\n\r\n", "Protocol error: expected '$', got ' '"},
		{"no dollar but LF", "*1\r\n\nxx\r\n", "Protocol error: expected '$', got ' '"},
		{"no dollar, no CR yet", "*1\r\nx", ""},
		{"bulk header at the limit", "*1\r\n$" + long[1:], ""},
		{"bulk header too long", "*1\r\n$" + long, "Protocol error: too big bulk count string"},
		{"negative length", "*1\r\n$-1\r\n", "Protocol error: invalid bulk length"},
		{"no length", "*1\r\n$\r\n", "Protocol error: invalid bulk length"},
		{"beyond proto-max-bulk-len", "*1\r\n$536870913\r\n", "Protocol error: invalid bulk length"},
		{"stranger's bulk at the limit", "*1\r\n$16384\r\n", ""},
		{"stranger's bulk too long", "*1\r\n$16385\r\n", "Protocol error: unauthenticated bulk length"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			_, err := frameAll(&Framer{}, tc.in, 0)
			if tc.want == "" {
				require.NoError(t, err)
				return
			}
			require.Equal(t, ProtocolError(tc.want), err)
		})
	}
	known := Framer{Authenticated: true, MaxBulk: 20000}
	_, err := frameAll(&known, "*11\r\n$20000\r\n", 0)
	require.NoError(t, err)
	_, err = frameAll(&Framer{Authenticated: true, MaxBulk: 20000}, "*11\r\n$20001\r\n", 0)
	require.Equal(t, ProtocolError("Protocol error: invalid bulk length"), err)
	_, err = frameAll(&Framer{MaxBulk: 3}, "*1\r\n$4\r\nPING\r\n", 0)
	require.Equal(t, ProtocolError("Protocol error: invalid bulk length"), err)
	for _, bad := range []string{"$05\r\nhello\r\n", "$:\r\nhello\r\n", "$1x\r\nhello\r\n", "$-1\r\nhello\r\n"} {
		_, err = frameAll(&Framer{}, "*1\r\n"+bad, 0)
		require.Equal(t, ProtocolError("Protocol error: invalid bulk length"), err, bad)
	}
}

// A framing error found while earlier requests wait comes again, and not if
// one of them lifted the limit.
func TestFramerTriesAgain(t *testing.T) {
	var f Framer
	in := []byte("*11\r\n" + strings.Repeat("$1\r\na\r\n", 11))
	for range 2 {
		_, _, err := f.Next(in)
		require.Equal(t, ProtocolError("Protocol error: unauthenticated multibulk length"), err)
	}
	f.Authenticated = true
	args, n, err := f.Next(in)
	require.NoError(t, err)
	require.Len(t, args, 11)
	require.Equal(t, len(in), n)
}

// What is announced costs nothing.
func TestFramerAllocatesWhatIsThere(t *testing.T) {
	f := Framer{Authenticated: true}
	in := []byte("*2147483647\r\n$536870912\r\nabc")
	_, _, err := f.Next(in)
	require.ErrorIs(t, err, ErrShort)
	require.Zero(t, cap(f.marks))
	require.Equal(t, len(in), f.Cost(in))
}

func TestFramerDoesNotAllocate(t *testing.T) {
	f, in := Framer{}, []byte("*2\r\n$4\r\nPING\r\n$1\r\nx\r\n")
	_, _, _ = f.Next(in)
	require.Zero(t, testing.AllocsPerRun(100, func() { _, _, _ = f.Next(in) }))
}

// Requests are the same however the bytes are cut into packets.
func FuzzFramer(f *testing.F) {
	for _, s := range []string{"PING\r\n", "*1\r\n$4\r\nPING\r\n", "*2\r\n$1\r\na\r\n$0\r\n\r\nx 'y'\n", "*-1\r\n*0\r\n\n", "*1\rx$1\rxaxx", "\"\\x41\" b\n", "*11\r\n", "*1\r\n$16385\r\n", "a 'b\n"} {
		f.Add([]byte(s), uint8(1), true)
	}
	f.Fuzz(func(t *testing.T, in []byte, step uint8, known bool) {
		whole, err := frameAll(&Framer{Authenticated: known}, string(in), 0)
		parts, err2 := frameAll(&Framer{Authenticated: known}, string(in), int(step)+1)
		require.Equal(t, err, err2)
		require.Equal(t, whole, parts)
	})
}
