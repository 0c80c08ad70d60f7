package command

import (
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// Rule: K-0, the glob syntax. The odd ones were asked of the original.
func TestGlob(t *testing.T) {
	for _, tc := range []struct {
		pattern, text string
		want          bool
	}{
		{"", "", true},
		{"", "a", false},
		{"*", "", false},
		{"a*", "abc", true},
		{"a*c", "abcb", false},
		{"*a*b*", "xxaxxbxx", true},
		{"a?c", "abc", true},
		{"a?", "a", false},
		{"?", "", false},
		{"[abc]", "b", true},
		{"[^abc]", "b", false},
		{"[^abc]", "d", true},
		{"[a-c]x", "bx", true},
		{"[c-a]x", "bx", true},
		{"[a-c]", "d", false},
		{`\*`, "*", true},
		{`\*`, "a", false},
		{`a\`, `a\`, true},
		{`[\]]`, "]", true},
		{"[abc", "c", true},
		{"[]", "a", false},
		{"mymaster", "MyMaster", false},
		{"*[0-9]", "m12", true},
	} {
		require.Equal(t, tc.want, Glob(tc.pattern, tc.text, false), "%q %q", tc.pattern, tc.text)
	}
	require.True(t, Glob("MY[A-M]aster?", []byte("myMASTER1"), true))
	require.False(t, Glob("MY*", []byte("you"), true))
}

// slowGlob is the obvious version: it tries every length for a star.
func slowGlob(pattern, text string) bool {
	if pattern == "" {
		return text == ""
	}
	if pattern[0] == '*' {
		for i := 0; i <= len(text); i++ {
			if strings.Trim(pattern, "*") == "" || slowGlob(pattern[1:], text[i:]) {
				return true
			}
		}
		return false
	}
	if text == "" {
		return false
	}
	next, ok := matchOne(pattern, 0, text[0], false)
	return ok && slowGlob(pattern[next:], text[1:])
}

// Rule: K-0, against a second implementation.
func TestGlobAgainstSlow(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for range 20000 {
		pattern, text := randomText(r, `ab*?[]^-\`, 8), randomText(r, `ab-^]`, 8)
		if text == "" {
			continue // only the empty pattern matches it
		}
		require.Equal(t, slowGlob(pattern, text), Glob(pattern, text, false), "%q %q", pattern, text)
	}
}

func randomText(r *rand.Rand, of string, most int) string {
	var b strings.Builder
	for range r.IntN(most) {
		b.WriteByte(of[r.IntN(len(of))])
	}
	return b.String()
}

// Rule: K-0, a pattern that was made ready is the same one.
func TestMatcherIsGlob(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	matched := 0
	for range 50000 {
		pattern, text := randomText(r, `ab*?[]^-\`, 10), randomText(r, `ab-^]*\`, 8)
		want := Glob(pattern, text, false)
		require.Equal(t, want, Compile(pattern, 8).Match(text), "%q %q", pattern, text)
		require.Equal(t, want, Compile(pattern, len(text)).Match(text), "%q %q", pattern, text)
		if want {
			matched++
		}
	}
	require.Greater(t, matched, 1000)
	long := Compile("*"+strings.Repeat("a*", 1<<20), 100)
	require.False(t, long.Match(strings.Repeat("a", 100)))
	require.Empty(t, long.parts)
	require.Len(t, Compile(strings.Repeat("*", 1<<20)+"[a"+strings.Repeat("b-z", 1<<20)+"]", 100).parts, 2)
}

// Rule: K-0, a pattern that makes naive matching exponential is cheap.
func TestGlobIsBounded(t *testing.T) {
	pattern, text := strings.Repeat("a*", 200)+"b", strings.Repeat("a", 2000)
	start := time.Now()
	require.False(t, Glob(pattern, text, false))
	require.Less(t, time.Since(start), 30*time.Second)
}

// Rule: K-0.
func FuzzGlob(f *testing.F) {
	f.Add("a*[b-c]?", "axxb?")
	f.Add(`[^\]]*\`, `x\`)
	f.Fuzz(func(t *testing.T, pattern, text string) {
		got := Glob(pattern, text, false)
		if text != "" && len(pattern)+len(text) < 24 {
			require.Equal(t, slowGlob(pattern, text), got)
		}
		if got {
			require.True(t, Glob(pattern, []byte(text), false))
		}
	})
}
