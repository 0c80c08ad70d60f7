package clients

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"gosentinel/integration/fixture"
	"gosentinel/internal/testbed"
)

// key is the set that every client writes 1, 2, 3... to, one after another.
const key = "numbers"

// load is what a client writes. Its log has a line `ok N` for each number that
// was acknowledged, written before the next number is sent.
type load struct {
	log string // path

	// Numbers that asynchronous replication may lose: those acknowledged by a
	// master from what its replicas were last seen to have, until another
	// master was in its place.
	atRisk []span
}

// span is from low to high, both included.
type span struct{ low, high int }

// acknowledged are the numbers acknowledged so far, in order.
func (l *load) acknowledged() ([]int, error) {
	text, err := os.ReadFile(l.log)
	if err != nil {
		return nil, err
	}
	var all []int
	for line := range strings.Lines(string(text)) {
		n, ok := strings.CutPrefix(line, "ok ")
		if !ok || !strings.HasSuffix(n, "\n") {
			continue
		}
		i, err := strconv.Atoi(strings.TrimSpace(n))
		if err != nil {
			return nil, err
		}
		all = append(all, i)
	}
	return all, nil
}

// last is the last number acknowledged, 0 if there is none.
func (l *load) last() (int, error) {
	all, err := l.acknowledged()
	if err != nil || len(all) == 0 {
		return 0, err
	}
	return all[len(all)-1], nil
}

// flows waits until further numbers have been acknowledged, and returns the
// last one.
func (l *load) flows(t *testing.T, further int, patience time.Duration) int {
	t.Helper()
	begin, err := l.last()
	require.NoError(t, err)
	now := begin
	fixture.Until(t, patience, func() error {
		if now, err = l.last(); err != nil {
			return err
		}
		if now < begin+further {
			return fmt.Errorf("%d numbers acknowledged, want %d", now-begin, further)
		}
		return nil
	})
	return now
}

// replicated waits until r has all numbers acknowledged up to now, and returns
// the last of them.
func (l *load) replicated(t *testing.T, r *testbed.Redis) int {
	t.Helper()
	last, err := l.last()
	require.NoError(t, err)
	fixture.Until(t, 30*time.Second, func() error {
		v, err := r.Do("SISMEMBER", key, strconv.Itoa(last))
		if err == nil && v.Int != 1 {
			err = fmt.Errorf("%s does not have %d yet", r.Name, last)
		}
		return err
	})
	return last
}

// survives has one master replaced by another while the load flows: replace
// returns once no other than the new master can acknowledge. The load must
// then flow again within patience.
func (l *load) survives(t *testing.T, best *testbed.Redis, patience time.Duration, replace func()) {
	t.Helper()
	l.flows(t, 20, 10*time.Second)
	safe := l.replicated(t, best)
	replace()
	begin := time.Now()
	last, err := l.last()
	require.NoError(t, err)
	// The number after the last may have been acknowledged already.
	l.atRisk = append(l.atRisk, span{safe + 1, last + 1})
	l.flows(t, 20, patience)
	t.Logf("20 more writes %v after the new master was known", time.Since(begin).Round(time.Millisecond))
}

// kept checks that the master has everything that was acknowledged and was not
// at risk.
func (l *load) kept(t *testing.T, master *testbed.Redis) {
	t.Helper()
	all, err := l.acknowledged()
	require.NoError(t, err)
	v, err := master.Do("SMEMBERS", key)
	require.NoError(t, err)
	has := make(map[string]bool, len(v.Elems))
	for _, member := range testbed.Texts(v) {
		has[member] = true
	}
	var lost []int
	for _, n := range all {
		if has[strconv.Itoa(n)] {
			continue
		}
		lost = append(lost, n)
		require.True(t, slices.ContainsFunc(l.atRisk, func(s span) bool { return s.low <= n && n <= s.high }),
			"%d was acknowledged and is lost; at risk were %v", n, l.atRisk)
	}
	t.Logf("%d writes acknowledged, %d of those at risk %v were lost", len(all), len(lost), l.atRisk)
}

// errNoListener says that no client listens to a Sentinel.
var errNoListener = errors.New("no client has subscribed to a Sentinel")

// ownSubscription is that of the test, which records all events.
const ownSubscription = " sub=0 psub=1 "

// listens reports by nil that a client has subscribed to a Sentinel.
func listens(c *testbed.Cluster) error {
	for _, s := range c.Sentinels {
		v, err := s.Do("CLIENT", "LIST", "TYPE", "pubsub")
		if err != nil {
			return err
		}
		for line := range strings.Lines(v.Str) {
			if !strings.Contains(line, ownSubscription) {
				return nil
			}
		}
	}
	return errNoListener
}
