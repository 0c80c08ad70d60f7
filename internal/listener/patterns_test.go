package listener

import (
	"fmt"
	"io"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"gosentinel/internal/command"
)

// Patterns are matched with a channel once, whoever subscribes to them when: what
// is remembered is what Glob says.
//
// Rule: K-5.
func TestPatternsAreRememberedRight(t *testing.T) {
	var h hub
	s := &Server{}
	h.init(s)
	r := rand.New(rand.NewPCG(5, 6))
	text := func(of string, most int) string {
		var b strings.Builder
		for range 1 + r.IntN(most) {
			b.WriteByte(of[r.IntN(len(of))])
		}
		return b.String()
	}
	clients := []*client{{id: 1}, {id: 2}, {id: 3}}
	holds := map[string]map[*client]bool{}
	matched := 0
	for range 5000 {
		c, pattern := clients[r.IntN(3)], text("ab*?[^]-", 4)
		switch r.IntN(5) {
		case 0, 1:
			h.joinPattern(pattern, c)
			if holds[pattern] == nil {
				holds[pattern] = map[*client]bool{}
			}
			holds[pattern][c] = true
		case 2:
			h.leavePattern(pattern, c)
			delete(holds[pattern], c)
		default:
			channel := text("ab-", 4)
			matching, known := h.heard[channel]
			if !known {
				matching = h.hear(channel)
			}
			for pattern, by := range holds {
				want, got := 0, 0
				if command.Glob(pattern, channel, false) {
					want = len(by)
				}
				if there := matching[pattern]; there != nil {
					got = len(there.subs)
				}
				if want != got {
					t.Fatalf("%s: %s has %d of %d", pattern, channel, got, want)
				}
				matched += want
			}
		}
	}
	require.Greater(t, matched, 1000)
}

// One subscriber's patterns, however many or long, are bounded, and cost the
// others nothing: what is to be matched for them is matched before.
//
// Rule: K-5.
func TestPatternsOfOneDelayNobody(t *testing.T) {
	many := func(n int) string {
		words := []string{"PSUBSCRIBE"}
		for i := range n {
			words = append(words, fmt.Sprint("*s*w*i*t*c*h*", i, "*"))
		}
		return multibulk(words...)
	}
	for _, tc := range []struct {
		name, request string
		dropped       bool
	}{
		{"as many as may be", many(maxPatterns), false},
		{"one more", many(maxPatterns + 1), true},
		{"30 MB of short ones", many(1 << 20), true},
		{"30 MB of one", multibulk("PSUBSCRIBE", strings.Repeat("*a[b-z]", 30<<20/7)), true},
		{"30 MB of long ones", multibulk(append([]string{"PSUBSCRIBE"}, strings.Fields(strings.Repeat(strings.Repeat("*s", 100<<10)+"1 ", 150))...)...), false},
		{"a long one", multibulk("PSUBSCRIBE", strings.Repeat("*", maxPatternBytes-1)+"x"), false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			w := start(t)
			other := w.dial()
			other.ask("SUBSCRIBE +switch-master", "*3\r\n$9\r\nsubscribe\r\n$14\r\n+switch-master\r\n:1\r\n")
			w.publish("+switch-master", "first")
			other.expect(messageText("message", "+switch-master", "first"))
			u := w.dial()
			go func() {
				_, _ = io.WriteString(u.conn, tc.request)
				_, _ = io.Copy(io.Discard, u.conn)
			}()
			if tc.dropped {
				eventually(t, func() bool { return w.s.connected() == 1 && strings.Contains(w.logs.String(), "ASAP") }, "not dropped")
				_, patterns := w.s.hub.sizes()
				require.Zero(t, patterns)
			} else {
				eventually(t, func() bool { _, n := w.s.hub.sizes(); return n > 0 }, "not subscribed")
			}
			w.publish("+switch-master", "second")
			other.expect(messageText("message", "+switch-master", "second"))
		})
	}
}
