package integration

import (
	"flag"
	"fmt"
	"net"
	"testing"

	"github.com/stretchr/testify/require"

	"gosentinel/integration/fixture"
	"gosentinel/internal/testbed"
)

// With -alone the original is compared with itself: what then differs is the
// harness's fault.
var alone = flag.Bool("alone", false, "compare the original with itself")

// live starts a master with two replicas for the scripts that want real
// instances. Both Sentinels watch them, and do not hear of each other, since
// PUBLISH is renamed for them. The replicas have priority 0, so that nobody
// promotes them.
func live(t *testing.T) map[string]string {
	bed := fixture.Bed(t)
	m, err := bed.Redis("master", testbed.RedisOptions{})
	require.NoError(t, err)
	// A port where somebody listens, and never answers.
	silent, err := net.Listen("tcp", "0.0.0.0:0")
	require.NoError(t, err)
	t.Cleanup(func() { silent.Close() })
	_, port, err := net.SplitHostPort(silent.Addr().String())
	require.NoError(t, err)
	other := map[string]string{"master": fmt.Sprint(m.Port), "silent": port}
	for i := range 2 {
		r, err := bed.Redis(fmt.Sprintf("replica%d", i), testbed.RedisOptions{Master: m, Lines: []string{"replica-priority 0"}})
		require.NoError(t, err)
		fixture.Until(t, answerPatience, func() error { return r.Follows(m.Addr()) })
		other[fmt.Sprintf("replica%d", i)] = fmt.Sprint(r.Port)
	}
	return other
}

// The table of requests, each answered by both.
//
// Rule: K-0, K-1, K-1.1, K-1.2, K-1.3, K-1.4, K-1.5, K-2, K-2.0, K-2.1, K-2.2,
// K-2.3, K-2.4, K-2.5, K-2.6, K-2.7, K-2.8, K-2.9, K-2.10, K-2.11, K-2.12,
// K-2.13, K-2.15, K-2.16, K-3, K-4, K-5, K-6, K-6.1, K-6.2, K-6.3, K-6.4,
// K-6.5, K-7, K-8, K-8.1, K-8.2, K-8.3, K-9, K-10, R-1, R-2, R-3, R-7, R-19.
func TestRequestsAgainstTheOriginal(t *testing.T) {
	fixture.NeedsOriginal(t)
	rows := readDifferences(t, "testdata/differences.txt")
	other := live(t)
	shared := make(map[string]*pair)
	t.Cleanup(func() {
		for _, p := range shared {
			p.close()
		}
	})
	count := 0
	for _, s := range readScripts(t, "testdata/requests.txt") {
		for _, proto := range []string{"2", "3"} {
			if !s.has(proto) && (s.has("2") || s.has("3")) {
				continue
			}
			t.Run(s.name+"/"+proto, func(t *testing.T) {
				p := shared[s.setting.key()]
				if p == nil || s.has("fresh") {
					p = newPair(t, s.setting, other)
					if s.has("fresh") {
						defer p.close()
					} else {
						shared[s.setting.key()] = p
					}
				}
				if s.has("live") {
					p.discover(t)
				}
				count += p.play(t, s, proto == "3", rows)
			})
		}
	}
	fmt.Printf("%d requests compared\n", count)
	if !*alone && !t.Failed() {
		require.Empty(t, rows.unused(), "these rows of the table of differences match nothing")
	}
}

// play runs a script; the test fails with every step that differs.
func (p *pair) play(t *testing.T, s *script, resp3 bool, rows differences) (requests int) {
	p.want.resp3, p.is.resp3 = resp3, resp3
	p.want.dials, p.is.dials = s.has("dials"), s.has("dials")
	defer p.want.hangUp()
	defer p.is.hangUp()
	for _, o := range s.ops {
		requests += len(o.reqs)
		if diff := p.step(o, rows); diff != "" {
			t.Errorf("%s\n%s", o.text, diff)
		}
	}
	return requests
}

// discover waits until both know the replicas of mm and have their INFO.
func (p *pair) discover(t *testing.T) {
	for _, s := range []*side{p.want, p.is} {
		fixture.Until(t, 3*answerPatience, func() error { return s.Sees("mm", 2, 0) })
	}
}
