package acl

import (
	"math"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// objects lists the objects of a log with their counts, newest first.
func objects(l *Log) []string {
	var out []string
	for _, e := range l.Entries(math.MaxInt64) {
		out = append(out, e.Object+" "+strconv.FormatInt(e.Count, 10))
	}
	return out
}

// Rule: K-6.4, ACL LOG: the same refusal within 60 s is counted, and becomes
// the newest.
func TestLogMerges(t *testing.T) {
	l := NewLog(DefaultLogLen)
	l.Add(1000, ReasonCommand, "sentinel|masters", "y", "first")
	l.Add(1500, ReasonCommand, "role", "y", "")
	l.Add(61000, ReasonCommand, "sentinel|masters", "y", "second")
	require.Equal(t, []string{"sentinel|masters 2", "role 1"}, objects(l))
	e := l.Entries(1)[0]
	require.Equal(t, Entry{ID: 0, Count: 2, Reason: ReasonCommand, Context: "toplevel", Object: "sentinel|masters", User: "y",
		ClientInfo: "second", CreatedMS: 1000, UpdatedMS: 61000}, e)
	require.Equal(t, 1.5, e.AgeSeconds(62500))

	l.Add(121000, ReasonCommand, "sentinel|masters", "y", "")
	require.Equal(t, int64(3), l.Entries(1)[0].Count, "60 s since the last of them")
	l.Add(181001, ReasonCommand, "sentinel|masters", "y", "")
	require.Equal(t, int64(1), l.Entries(1)[0].Count)
	require.Equal(t, uint64(2), l.Entries(1)[0].ID)

	l.Add(181001, ReasonChannel, "sentinel|masters", "y", "")
	l.Add(181001, ReasonCommand, "sentinel|masters", "z", "")
	require.Len(t, l.Entries(10), 5, "another reason or user is another entry")
}

// The original looks at the ten newest entries only.
func TestLogMergesWithRecentOnly(t *testing.T) {
	l := NewLog(DefaultLogLen)
	for i := range 11 {
		l.Add(0, ReasonCommand, strconv.Itoa(i), "y", "")
	}
	l.Add(0, ReasonCommand, "1", "y", "")
	require.Len(t, l.Entries(100), 11)
	l.Add(0, ReasonCommand, "0", "y", "")
	require.Len(t, l.Entries(100), 12)
}

// Rule: K-6.4, capacity, RESET and the number asked for.
func TestLogLimits(t *testing.T) {
	l := NewLog(3)
	for i := range 5 {
		l.Add(int64(i), ReasonAuth, "AUTH", strconv.Itoa(i), "")
	}
	require.Len(t, l.Entries(10), 3)
	require.Equal(t, "4", l.Entries(1)[0].User)
	require.Len(t, l.Entries(2), 2)
	require.Empty(t, l.Entries(0))
	require.Empty(t, l.Entries(-1))
	l.Reset()
	require.Empty(t, l.Entries(10))
	l.Add(9, ReasonAuth, strings.Repeat("c", 1<<20), strings.Repeat("u", 1<<20), "")
	e := l.Entries(1)[0]
	require.Equal(t, uint64(5), e.ID, "ids go on after RESET")
	require.Len(t, e.Object, maxLogText)
	require.Len(t, e.User, maxLogText)

	var none Log
	none.Add(1, ReasonAuth, "AUTH", "x", "")
	require.Empty(t, none.Entries(10))
}

// Rule: K-6.4, GENPASS.
func TestGenPass(t *testing.T) {
	random := make([]byte, MaxGenPassBits/8)
	for i := range random {
		random[i] = byte(i)
	}
	for _, tc := range []struct {
		bits int
		want string
	}{
		{1, "0"},
		{4, "0"},
		{5, "00"},
		{24, "000102"},
		{25, "0001020"},
	} {
		require.Equal(t, tc.want, GenPass(tc.bits, random[:GenPassBytes(tc.bits)]))
	}
	require.Len(t, GenPass(DefaultGenPassBits, random), 64)
	require.Len(t, GenPass(MaxGenPassBits, random), 1024)
}
