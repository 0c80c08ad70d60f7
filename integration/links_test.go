package integration

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"gosentinel/integration/fixture"
	"gosentinel/internal/resp"
	"gosentinel/internal/testbed"
)

// monitor reads what an instance is told, by MONITOR, until the test ends.
type monitor struct {
	mu    sync.Mutex
	lines []string
}

func watchCommands(t *testing.T, c *testbed.Client) *monitor {
	t.Helper()
	_, err := c.Do("MONITOR")
	require.NoError(t, err)
	c.Timeout = time.Hour
	m := &monitor{}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			v, err := c.Receive()
			if err != nil {
				return
			}
			m.mu.Lock()
			m.lines = append(m.lines, v.Str)
			m.mu.Unlock()
		}
	}()
	t.Cleanup(func() {
		c.Close()
		<-done
	})
	return m
}

// A line of MONITOR: time, database and client, and the words.
var monitored = regexp.MustCompile(`^[0-9.]+ \[\d+ (\S+)\] (.*)$`)

// byClient are the first n commands of each client whose commands have begun
// with one of these, in the order in which the clients appeared. The id in
// names and in hellos is masked.
func (m *monitor) byClient(n int) (all [][]string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	at := map[string]int{}
	for _, line := range m.lines {
		f := monitored.FindStringSubmatch(line)
		if f == nil {
			continue
		}
		i, known := at[f[1]]
		if !known {
			i = len(all)
			at[f[1]], all = i, append(all, nil)
		}
		if len(all[i]) < n {
			all[i] = append(all[i], f[2])
		}
	}
	return all
}

var sentinelID = regexp.MustCompile(`sentinel-[0-9a-f]{8}-`)

// The commands that a Sentinel sends when it has connected are those of the
// original, in its order, without a HELLO; with a password and without. A
// server shows its two connections by the original's names, and a peer one.
//
// Rule: B-113, R-21, B-1207.
func TestCommandsOnOpen(t *testing.T) {
	fixture.NeedsOriginal(t)
	for _, pass := range []string{"", "TestPass"} {
		t.Run("password "+fmt.Sprint(pass != ""), func(t *testing.T) {
			t.Parallel()
			seen := map[testbed.Kind][]string{}
			for _, kind := range []testbed.Kind{testbed.Original, testbed.Ours} {
				seen[kind] = opening(t, kind, pass)
			}
			t.Logf("%q", seen[testbed.Ours])
			require.Equal(t, seen[testbed.Original], seen[testbed.Ours])
		})
	}
}

// opening gives the first commands on both connections to a master, and checks
// its CLIENT LIST.
func opening(t *testing.T, kind testbed.Kind, pass string) (first []string) {
	t.Helper()
	bed := fixture.Bed(t)
	r, err := bed.Redis("redis", testbed.RedisOptions{Pass: pass})
	require.NoError(t, err)
	watcher, err := r.Dial()
	require.NoError(t, err)
	m := watchCommands(t, watcher)
	lines := []string{fmt.Sprintf("sentinel monitor mm 127.0.0.1 %d 1", r.Port)}
	if pass != "" {
		lines = append(lines, "sentinel auth-pass mm "+pass)
	}
	s, err := bed.Sentinel("sentinel", testbed.SentinelOptions{Kind: kind, Lines: lines})
	require.NoError(t, err)
	fixture.Until(t, 30*time.Second, func() error { return s.Sees("mm", 0, 0) })
	id, err := s.Do("SENTINEL", "MYID")
	require.NoError(t, err)

	fixture.Until(t, 30*time.Second, func() error {
		first = nil
		for _, words := range m.byClient(5) {
			if len(words) == 0 || !slices.ContainsFunc(words, sentinelID.MatchString) {
				continue
			}
			text := sentinelID.ReplaceAllString(strings.Join(words, " | "), "sentinel-<id>-")
			pubsub := strings.Contains(text, "-pubsub")
			if !pubsub && !strings.Contains(text, `"INFO"`) {
				return fmt.Errorf("not all sent yet: %s", text)
			}
			// Later PINGs and hellos are due at times of their own.
			text, _, _ = strings.Cut(text, ` | "PUBLISH"`)
			before, _, found := strings.Cut(text, ` | "INFO"`)
			if found {
				text = before + ` | "INFO"`
			}
			first = append(first, text)
		}
		slices.Sort(first)
		if len(first) != 2 {
			return fmt.Errorf("%d connections: %q", len(first), first)
		}
		return nil
	})

	v, err := r.Do("CLIENT", "LIST")
	require.NoError(t, err)
	var names []string
	for line := range strings.SplitSeq(v.Str, "\n") {
		for word := range strings.FieldsSeq(line) {
			if name, ok := strings.CutPrefix(word, "name=sentinel-"); ok {
				names = append(names, name)
				require.Contains(t, line, " resp=2", "RESP2 on both")
			}
		}
	}
	slices.Sort(names)
	require.Equal(t, []string{id.Str[:8] + "-cmd", id.Str[:8] + "-pubsub"}, names)
	return first
}

// Every instance has two connections from each Sentinel, for good, and every
// Sentinel one from each peer.
//
// Rule: R-21, B-121, B-1207.
func TestConnectionsOfACluster(t *testing.T) {
	t.Parallel()
	c := fixture.Cluster(t, fixture.Bed(t), testbed.ClusterOptions{})
	var want []string
	for _, s := range c.Sentinels {
		id, err := s.Do("SENTINEL", "MYID")
		require.NoError(t, err)
		want = append(want, "sentinel-"+id.Str[:8])
	}
	for _, r := range c.Redis {
		all := map[string]int{}
		for _, w := range want {
			all[w+"-cmd"], all[w+"-pubsub"] = 1, 1
		}
		require.Equal(t, all, sentinelsAt(t, r), r.Name)
	}
	for i, s := range c.Sentinels {
		all := map[string]int{}
		for k, w := range want {
			if k != i {
				all[w+"-cmd"] = 1
			}
		}
		require.Equal(t, all, sentinelsAt(t, s), s.Name)
	}
}

// sentinelsAt counts the connections of Sentinels to somebody, by their names.
func sentinelsAt(t *testing.T, at interface {
	Do(args ...string) (resp.Value, error)
}) map[string]int {
	t.Helper()
	v, err := at.Do("CLIENT", "LIST")
	require.NoError(t, err)
	got := map[string]int{}
	for line := range strings.SplitSeq(v.Str, "\n") {
		if _, name, ok := strings.Cut(line, " name=sentinel-"); ok {
			name, _, _ = strings.Cut(name, " ")
			got["sentinel-"+name]++
		}
	}
	return got
}
