package command

import (
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"gosentinel/internal/resp"
	"gosentinel/internal/testbed"
)

// newBed makes a Bed of the system's programs.
func newBed(t *testing.T) *testbed.Bed {
	t.Helper()
	programs := testbed.Find("")
	if programs.Redis == "" || programs.Original == "" {
		t.Skip("skipped for want of redis-server and redis-sentinel (the original)")
	}
	bed, err := testbed.New(programs)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, bed.Close()) })
	return bed
}

// Rule: K-1.1, K-1.5, R-1: our table is that of the original, but for what
// changed from 7.0 to 7.2.4 and for the aliases.
func TestTableAgainstOriginal(t *testing.T) {
	s, err := newBed(t).Sentinel("s", testbed.SentinelOptions{Kind: testbed.Original})
	require.NoError(t, err)
	reply, err := testbed.Do("127.0.0.1:"+strconv.Itoa(s.Port), "", "COMMAND")
	require.NoError(t, err)

	changed := map[string]string{
		"command|getkeys":         "arity -4 in 7.0",
		"command|getkeysandflags": "arity -4 in 7.0",
		"sentinel|config":         "arity -3 in 7.0",
		"client|setinfo":          "new in 7.2",
		"acl|deluser":             "tips new in 7.2.4", "acl|save": "tips new in 7.2.4", "acl|setuser": "tips new in 7.2.4",
		"client|setname":     "tips new in 7.2.4",
		"sentinel|primaries": "alias", "sentinel|primary": "alias",
		"sentinel|get-primary-addr-by-name": "alias", "sentinel|is-primary-down-by-addr": "alias",
	}
	want := make(map[string]string)
	collect(want, reply.Elems)
	got := make(map[string]string)
	for _, c := range NewTable().All() {
		if changed[c.FullName] == "" {
			got[c.FullName] = describe(c) + " " + strings.Join(c.Tips, " ")
		}
	}
	for name := range changed {
		delete(want, name)
	}
	require.Equal(t, want, got)
}

// collect describes the entries of COMMAND and their subcommands.
func collect(into map[string]string, entries []resp.Value) {
	for _, e := range entries {
		var cats []string
		for _, cat := range testbed.Texts(e.Elems[6]) {
			cats = append(cats, strings.TrimPrefix(cat, "@"))
		}
		name := e.Elems[0].Str
		into[name] = name + " " + strconv.FormatInt(e.Elems[1].Int, 10) + " [" + strings.Join(testbed.Texts(e.Elems[2]), " ") + "] [" +
			strings.Join(cats, " ") + "] " + strings.Join(testbed.Texts(e.Elems[7]), " ")
		collect(into, e.Elems[9].Elems)
	}
}

// Rule: K-0, the glob syntax is that of the original.
func TestGlobAgainstOriginal(t *testing.T) {
	node, err := newBed(t).Redis("r", testbed.RedisOptions{})
	require.NoError(t, err)
	c, err := testbed.Dial("127.0.0.1:"+strconv.Itoa(node.Port), "")
	require.NoError(t, err)
	defer c.Close()

	r := rand.New(rand.NewPCG(3, 4))
	var texts []string
	for range 300 {
		text := randomText(r, `ab-^]\B`, 7)
		if _, err := c.Do("SET", text, "1"); err == nil && !slices.Contains(texts, text) {
			texts = append(texts, text)
		}
	}
	for range 3000 {
		pattern := randomText(r, `ab*?[]^-\`, 9)
		if pattern == "*" {
			continue // to KEYS that is all keys, the empty one too
		}
		reply, err := c.Do("KEYS", pattern)
		require.NoError(t, err)
		matched := testbed.Texts(reply)
		for _, text := range texts {
			require.Equal(t, slices.Contains(matched, text), Glob(pattern, text, false), "%q %q", pattern, text)
		}
	}
}
