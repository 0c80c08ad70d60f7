package integration

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"gosentinel/integration/fixture"
)

var (
	requests = flag.Int("requests", 3000, "how many requests at random to send to the original and to ours")
	seed     = flag.Uint64("seed", 0, "the seed of the requests at random; 0: one of the moment")
	budget   = flag.Duration("shrink", time.Minute, "how long to look for a shorter sequence that differs")
)

// sequenceSteps is how many steps at random two fresh Sentinels are asked.
const sequenceSteps = 250

// settings are what the sequences at random run on, in turn.
func settings() []setting {
	silent := []string{"sentinel monitor mm 127.0.0.1 {silent} 2", "sentinel down-after-milliseconds mm 360000000"}
	return []setting{
		{lines: silent},
		{lines: append([]string{"user u1 on >p1 resetchannels &+s* +@all -acl", "user u2 on nopass +@fast +sentinel -sentinel|set"}, silent...)},
		{lines: append([]string{"rename-command ping pong", "rename-command role \"\""}, silent...)},
	}
}

// Requests at random, in lock step, on fresh Sentinels for each sequence. What
// differs is made as short as can be and printed with its seed; it can be put
// into the table of requests as it stands.
//
// Rule: K-1.2, K-1.3, K-2.0 to K-2.16, K-5, K-6.2 to K-6.5, K-8.1, K-8.2.
func TestRandomRequestsAgainstTheOriginal(t *testing.T) {
	fixture.NeedsOriginal(t)
	s := *seed
	if s == 0 {
		s = uint64(time.Now().UnixNano())
	}
	fmt.Fprintf(os.Stderr, "requests at random: -seed %d\n", s)
	rows := readDifferences(t, "testdata/differences.txt")
	other := live(t)
	count := 0
	for i := 0; count < *requests; i++ {
		g := grammar{rand.New(rand.NewPCG(s, uint64(i)))}
		sc := &script{name: fmt.Sprint(i), setting: settings()[i%len(settings())]}
		for range sequenceSteps {
			o := g.op()
			count += max(1, len(o.reqs))
			sc.ops = append(sc.ops, o)
		}
		sc.link()
		at, diff := try(t, sc, other, rows)
		if diff == "" {
			continue
		}
		short := shrink(t, &script{setting: sc.setting, ops: sc.ops[:at+1]}, other, rows)
		_, less := try(t, short, other, rows)
		t.Fatalf("-seed %d, sequence %d, step %d: %s\n%s\nshorter, on %q:\n%s\n%s", s, i, at, sc.ops[at].text, diff, short.setting.lines, short, less)
	}
	fmt.Printf("%d requests at random compared, seed %d\n", count, s)
}

// try runs a script on fresh Sentinels up to the first step that differs.
func try(t *testing.T, sc *script, other map[string]string, rows differences) (at int, diff string) {
	p := newPair(t, sc.setting, other)
	defer p.close()
	for _, s := range []*side{p.want, p.is} {
		s.dials, s.anyRules = true, true
	}
	for i, o := range sc.ops {
		if diff := p.step(o, rows); diff != "" {
			return i, diff
		}
		for _, s := range []*side{p.want, p.is} {
			require.True(t, s.Running(), "%s has ended after\n%s\n%s", s.Name, &script{ops: sc.ops[:i+1]}, p.bed.Logs(2000))
		}
	}
	return len(sc.ops), ""
}

// shrink leaves out what can be left out of a script whose last step differs,
// first in large pieces, then in small ones, and then words of requests.
func shrink(t *testing.T, sc *script, other map[string]string, rows differences) *script {
	deadline := time.Now().Add(*budget)
	differs := func(ops []*op) *script {
		if time.Now().After(deadline) {
			return nil
		}
		c := &script{setting: sc.setting, ops: ops}
		c.link()
		if at, diff := try(t, c, other, rows); diff != "" {
			c.ops = c.ops[:at+1]
			return c
		}
		return nil
	}
	for size := len(sc.ops) / 2; size > 0; size /= 2 {
		for from := 0; from+size < len(sc.ops); {
			if c := differs(append(append([]*op{}, sc.ops[:from]...), sc.ops[from+size:]...)); c != nil {
				sc = c
			} else {
				from += size
			}
		}
	}
	for i, o := range sc.ops {
		for len(o.reqs) > 1 || len(o.reqs) == 1 && len(o.reqs[0]) > 2 && !o.raw {
			less := *o
			if len(o.reqs) > 1 {
				less.reqs = o.reqs[:len(o.reqs)-1]
			} else {
				less.reqs = [][]string{o.reqs[0][:len(o.reqs[0])-1]}
			}
			less.write()
			ops := append([]*op{}, sc.ops...)
			ops[i] = &less
			c := differs(ops)
			if c == nil || len(c.ops) <= i {
				break
			}
			sc, o = c, c.ops[i]
		}
		if i >= len(sc.ops)-1 {
			break
		}
	}
	return sc
}

// A step at random, printed, is the same step when it is read again.
func TestScriptsAreWrittenAsTheyAreRead(t *testing.T) {
	g := grammar{rand.New(rand.NewPCG(1, 2))}
	for range 2000 {
		o := g.op()
		again, err := parseOp(o.text)
		require.NoError(t, err)
		require.Equal(t, o.bytes(strings.Clone), again.bytes(strings.Clone), o.text)
		require.Equal(t, o.conn, again.conn)
	}
}
