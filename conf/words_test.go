package conf

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// Rule: C-7, C-11, C-12, C-13, C-14, C-15, C-16, C-17.
func TestSplitWords(t *testing.T) {
	for _, tc := range []struct {
		line string
		want []string // nil = unbalanced
	}{
		{"x", []string{"x"}},
		{"a  b\tc\vd \ve", []string{"a", "b", "c\vd", "e"}},
		{`log"level"`, []string{"loglevel"}},
		{`a"b c" d`, []string{"ab c", "d"}},
		{`a'b c'`, []string{"ab c"}},
		{`a"b"c`, nil},
		{`"a""b"`, nil},
		{"\"a\"\vb", []string{"a", "b"}},
		{`"a`, nil},
		{`'a`, nil},
		{`a"`, nil},
		{`"a\"`, nil},
		{`"\x41\x4a\x4A\xff"`, []string{"AJJ\xff"}},
		{`"\n\r\t\b\a"`, []string{"\n\r\t\b\a"}},
		{`"\"\\\q\xZZ\x4"`, []string{`"\qxZZx4`}},
		{`'a\'b\n\"'`, []string{`a'b\n\"`}},
		{`'a\\'`, nil},
		{`'a\`, nil},
		{`a\"b"`, []string{`a\b`}},
		{`a\nb`, []string{`a\nb`}},
		{`"" ''`, []string{"", ""}},
		{"\x80\xff", []string{"\x80\xff"}},
	} {
		words, ok := splitWords(tc.line)
		require.Equal(t, tc.want != nil, ok, tc.line)
		require.Equal(t, tc.want, words, tc.line)
	}
	words, ok := splitWords(" \t\v\f\r\n")
	require.True(t, ok)
	require.Empty(t, words)
}

// Rule: C-100.
func TestQuoted(t *testing.T) {
	all := make([]byte, 256)
	for i := range all {
		all[i] = byte(i)
	}
	words, ok := splitWords(quoted(string(all)))
	require.True(t, ok)
	require.Equal(t, []string{string(all)}, words)
	require.Equal(t, `"\\\"\n\r\t\a\b\x00\x7f\xff az~"`, quoted("\\\"\n\r\t\a\b\x00\x7f\xff az~"))
}

// Rule: C-31.
func TestParseMemory(t *testing.T) {
	for _, tc := range []struct {
		text string
		want uint64
		ok   bool
	}{
		{"", 0, true}, {"kb", 0, true}, {"7", 7, true}, {"7b", 7, true}, {"7K", 7000, true}, {"7kB", 7168, true},
		{"1m", 1e6, true}, {"1mb", 1 << 20, true}, {"1g", 1e9, true}, {"2GB", 2 << 30, true},
		{"99999999999999999999", 1<<64 - 1, true}, {"18446744073709551615kb", 1<<64 - 1, true},
		{"-1", 0, false}, {"1 kb", 0, false}, {"1.5kb", 0, false}, {"1tb", 0, false}, {"+1", 0, false},
	} {
		n, ok := parseMemory(tc.text)
		require.Equal(t, tc.ok, ok, tc.text)
		require.Equal(t, tc.want, n, tc.text)
	}
}
