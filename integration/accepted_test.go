package integration

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"gosentinel/integration/fixture"
	"gosentinel/internal/resp"
	"gosentinel/internal/testbed"
)

// Whatever a running Sentinel accepts it finds again after a restart, and what
// no file can hold it refuses. The original writes files that do not load, or
// load as something else.
//
// Rule: R-3, C-18, C-102.
func TestWhatRunTimeAcceptsLoads(t *testing.T) {
	t.Parallel()
	bed := fixture.Bed(t)
	s, err := bed.Sentinel("sentinel", testbed.SentinelOptions{Port: bed.Port(), Lines: []string{
		"sentinel resolve-hostnames yes", "sentinel announce-hostnames yes", "sentinel monitor mm localhost 0 1",
	}})
	require.NoError(t, err)
	const bad = "ERR Invalid character in value."
	for _, value := range []string{"a\x00b", "\x00", "a\nb"} {
		for _, words := range [][]string{
			{"SET", "mm", "auth-pass", value},
			{"SET", "mm", "auth-user", value},
			{"SET", "mm", "rename-command", value, "x"},
			{"SET", "mm", "rename-command", "x", value},
			{"CONFIG", "SET", "announce-ip", value},
			{"CONFIG", "SET", "sentinel-user", value},
			{"CONFIG", "SET", "sentinel-pass", value},
		} {
			_, err := s.Do(append([]string{"SENTINEL"}, words...)...)
			require.EqualError(t, err, bad, "%q", words)
		}
	}
	for _, tc := range []struct {
		want  string
		words []string
	}{
		{"ERR Invalid master name.", []string{"MONITOR", "a,b", "127.0.0.1", "0", "1"}},
		{"ERR Invalid value '1.1.1.1,2' to SENTINEL CONFIG SET 'announce-ip'", []string{"CONFIG", "SET", "announce-ip", "1.1.1.1,2"}},
		{"ERR Invalid value 'no' to SENTINEL CONFIG SET 'resolve-hostnames'", []string{"CONFIG", "SET", "resolve-hostnames", "no"}},
	} {
		_, err := s.Do(append([]string{"SENTINEL"}, tc.words...)...)
		require.EqualError(t, err, tc.want)
	}
	accepted := []string{" a\t\"b' \\ \r\x01\x7f\xff ", "#", "'", `"`, `\`}
	for _, value := range accepted {
		_, err := s.Do("SENTINEL", "SET", "mm", "auth-pass", value, "auth-user", value, "rename-command", "CONFIG", value)
		require.NoError(t, err)
		_, err = s.Do("SENTINEL", "CONFIG", "SET", "sentinel-user", value, "sentinel-pass", value)
		require.NoError(t, err)
		s.Kill()
		require.NoError(t, s.Up(), "%q", value)
		v, err := s.Do("SENTINEL", "CONFIG", "GET", "sentinel-*")
		require.NoError(t, err)
		require.Equal(t, []string{"sentinel-user", value, "sentinel-pass", value}, texts(v))
	}
}

// A file of an original may have a master's name or an announced address that
// no other Sentinel can read: it loads, with a warning, as the original loads it.
//
// Rule: R-3.
func TestNamesWithCommasLoad(t *testing.T) {
	t.Parallel()
	fixture.NeedsOriginal(t)
	bed := fixture.Bed(t)
	for _, kind := range []testbed.Kind{testbed.Original, testbed.Ours} {
		s, err := bed.Sentinel(fmt.Sprintf("sentinel-%v", kind), testbed.SentinelOptions{Kind: kind, Port: bed.Port(), Lines: []string{
			"sentinel monitor a,b 127.0.0.1 0 1", "sentinel announce-ip 1.1.1.1,2",
			"sentinel known-slave a,b 127.0.0.2 0", "sentinel known-sentinel a,b 127.0.0.3 0 " + nodeID(0),
		}})
		require.NoError(t, err)
		k := know(t, s, "a,b")
		require.Equal(t, []string{"127.0.0.2:0"}, k.Replicas)
		require.Equal(t, []string{"127.0.0.3:0 " + nodeID(0)}, k.Peers)
		if kind == testbed.Ours {
			log := readText(t, s.Log)
			require.Contains(t, log, "WARNING: no other Sentinel can read what is told of master 'a,b': its name has a comma")
			require.Contains(t, log, "WARNING: no other Sentinel can read the announce-ip '1.1.1.1,2'")
		}
	}
}

// What 7.0.15 leaves behind, a replica under both names of the directive, does
// not load in 7.0.15 itself; ours takes it once, and the same line twice.
//
// Rule: R-3.
func TestSameLineTwiceLoadsOnce(t *testing.T) {
	t.Parallel()
	bed := fixture.Bed(t)
	s, err := bed.Sentinel("sentinel", testbed.SentinelOptions{Port: bed.Port(), Lines: []string{
		"sentinel monitor mm 127.0.0.1 0 1",
		"sentinel known-slave mm 127.0.0.2 0",
		"sentinel known-replica mm 127.0.0.2 0",
		"sentinel known-replica mm 127.0.0.2 0",
		"sentinel known-sentinel mm 127.0.0.3 0 " + nodeID(0),
		"sentinel known-sentinel mm 127.0.0.3 0 " + nodeID(0),
	}})
	require.NoError(t, err)
	k := know(t, s, "mm")
	require.Equal(t, []string{"127.0.0.2:0"}, k.Replicas)
	require.Equal(t, []string{"127.0.0.3:0 " + nodeID(0)}, k.Peers)
	require.Contains(t, readText(t, s.Log), "Master mm lists replica 127.0.0.2 0 twice: it is loaded once")
	_, err = s.Do("SENTINEL", "FLUSHCONFIG")
	require.NoError(t, err)
	lines := sentinelLines(t, s)
	require.Contains(t, lines, "sentinel known-replica mm 127.0.0.2 0")
	known := 0
	for _, line := range lines {
		if len(line) > 14 && line[:14] == "sentinel known" {
			known++
		}
	}
	require.Equal(t, 2, known)
}

// texts are the elements of a reply.
func texts(v resp.Value) (list []string) {
	for _, e := range v.Elems {
		list = append(list, e.Str)
	}
	return list
}
