package integration

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"gosentinel/integration/fixture"
	"gosentinel/internal/testbed"
)

// Names that do not resolve, in the file, in INFO, in a hello and in MONITOR:
// the instances exist, by their names, and are dialled when the names resolve.
// The file is understood by both programs; but the original calls a replica
// without an IP by its port alone, and without announce-hostnames refuses two
// of one port as duplicates, whoever wrote them. So they differ here.
//
// Rule: R-10, R-14 (valkey #2158, #4530), B-102, B-1120, C-56, C-103.
func TestNamesThatDoNotResolve(t *testing.T) {
	t.Parallel()
	fixture.NeedsOriginal(t)
	ghost := strings.Repeat("9", 40)
	c := newNames(t, namesOptions{kinds: []testbed.Kind{testbed.Ours}, show: []bool{false}, lines: []string{
		"sentinel monitor gone ghost1 6379 2",
		"sentinel down-after-milliseconds gone 1000",
		"sentinel known-replica gone ghost2 6379",
		"sentinel known-replica mm ghost3 6380",
		"sentinel known-sentinel mm ghost4 26379 " + strings.Repeat("8", 40),
	}})
	s := c.Sentinels[0]
	p := probe(t, s, "mm")
	_, err := c.Redis[2].Do("CONFIG", "SET", "replica-announce-ip", "ghost5")
	require.NoError(t, err)
	_, err = c.Redis[0].Do("CLIENT", "KILL", "TYPE", "replica") // it tells its address when it connects
	require.NoError(t, err)
	for _, r := range c.Redis[1:] {
		fixture.Until(t, 20*time.Second, func() error { return r.Follows("redis1:6379") })
	}
	_, err = c.Redis[0].Do("PUBLISH", "__sentinel__:hello", "ghost6,26379,"+ghost+",0,mm,redis1,6379,0")
	require.NoError(t, err)

	begin := time.Now()
	_, err = s.Do("SENTINEL", "MONITOR", "other", "ghost7", "6379", "1")
	require.EqualError(t, err, "ERR Invalid IP address or hostname specified")
	require.Less(t, time.Since(begin), 4*time.Second, "the name server answers at once")

	// redis3 said ghost5 before or after it was first listed.
	want := []string{c.ip["redis2"] + ":6379 " + c.ip["redis2"], "ghost3:6380 ghost3", "ghost5:6379 ghost5"}
	fixture.Until(t, 25*time.Second, func() error {
		got := instances(t, s, "REPLICAS", "mm")
		got = slices.DeleteFunc(got, func(x string) bool { return strings.HasPrefix(x, c.ip["redis3"]+":") })
		if !slices.Equal(got, want) {
			return fmt.Errorf("replicas %v, want %v", got, want)
		}
		return nil
	})
	require.Equal(t, []string{strings.Repeat("8", 40) + " ghost4", ghost + " ghost6"}, instances(t, s, "SENTINELS", "mm"))
	require.Equal(t, []string{"ghost2:6379 ghost2"}, instances(t, s, "REPLICAS", "gone"))
	require.NoError(t, s.Names("gone", "ghost1:6379"))
	fixture.Until(t, 30*time.Second, func() error { return flagged(s, "gone", "s_down,master,disconnected") })
	p.neverBlocked(t)
	for _, line := range sentinelLines(t, s) {
		require.NotContains(t, line, "  ", "an address is never empty")
	}
	for _, kind := range []testbed.Kind{testbed.Original, testbed.Ours} {
		understands(t, s, kind, 2)
	}

	// The master turns up after all.
	require.NoError(t, s.Up())
	c.dns.Set("ghost1", c.ip["redis1"])
	fixture.Until(t, 30*time.Second, func() error { return flagged(s, "gone", "master") })
	require.NoError(t, s.Names("gone", c.ip["redis1"]+":6379"))
}

// instances are the names and addresses in the reply to a command.
func instances(t *testing.T, s *testbed.Sentinel, command, master string) (all []string) {
	t.Helper()
	v, err := s.Do("SENTINEL", command, master)
	require.NoError(t, err)
	for _, e := range v.Elems {
		f := testbed.Fields(e)
		all = append(all, f["name"]+" "+f["ip"])
	}
	slices.Sort(all)
	return all
}

// flagged reports by nil that a master has these flags.
func flagged(s *testbed.Sentinel, master, flags string) error {
	m, err := s.State(master)
	if err == nil && m["flags"] != flags {
		err = fmt.Errorf("%s has flags %s, want %s", master, m["flags"], flags)
	}
	return err
}

// understands ends a Sentinel and starts a program of this kind on its file: it
// must know that many masters. The file is then as before.
func understands(t *testing.T, s *testbed.Sentinel, kind testbed.Kind, masters int) {
	t.Helper()
	s.Kill()
	text, err := s.File()
	require.NoError(t, err)
	was := s.Kind
	s.Kind = kind
	require.NoError(t, s.Up(), "%v on the file of %s", kind, s.Name)
	v, err := s.Do("SENTINEL", "MASTERS")
	require.NoError(t, err)
	require.Len(t, v.Elems, masters)
	s.Kill()
	s.Kind = was
	require.NoError(t, os.WriteFile(s.Conf, []byte(text), 0o644))
}
