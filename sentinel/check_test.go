package sentinel

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"gosentinel/internal/invariant"
	"gosentinel/internal/resp"
)

// A node that sleeps beyond its own due time is found.
//
// Rule: S2.8, S2.10.
func TestANodeFiledTooLateIsFound(t *testing.T) {
	r := newRig(t, around(watched("mm", "10.0.0.1", 6379, 2), 1, 1))
	r.wait(10 * time.Millisecond)
	require.NotPanics(t, r.c.Check)

	l := r.c.masters[0].link
	r.c.deadlines.set(l, l.due(r.c)+time.Millisecond)
	defer func() {
		v, ok := recover().(invariant.Violation)
		require.True(t, ok, "a violation")
		require.Equal(t, "S2.8", v.Rule)
		require.Contains(t, v.Text, "the link of mm is filed for")
	}()
	r.c.Check()
}

// A peer that has moved is dialled at its new address in the same step, however
// lately it was dialled at the old one.
//
// Rule: B-111, B-430.
func TestAMovedPeerIsDialledAtOnce(t *testing.T) {
	r := newRig(t, around(watched("mm", "10.0.0.1", 6379, 2), 0, 1))
	r.wait(10 * time.Millisecond)
	r.step(LinkDown{Link: r.c.masters[0].peers[0].link.cmd.id, Refused: true}) // it has left the old one
	moved := strings.Replace(helloOf(0, 0, "10.0.0.1,6379", 0), "26379", "30000", 1)
	link := r.c.masters[0].link.pub.id
	dialled := 0
	for _, e := range r.step(Hello{Link: link, Payload: []byte(moved)}) {
		if d, ok := e.Action.(Dial); ok && d.Addr.Port == 30000 {
			dialled++
		}
	}
	require.Equal(t, 1, dialled)
}

// A subscription is not an unanswered command: the original shows 0 on a link
// that is well.
//
// Rule: K-2.1.
func TestLinkPendingCommandsOfAHealthyLinkIsZero(t *testing.T) {
	r := newRig(t, watched("mm", "10.0.0.1", 6379, 2))
	for _, e := range r.wait(time.Millisecond) {
		s, ok := e.Action.(*Send)
		switch {
		case !ok:
		case s.Cmds[0][0] == "SUBSCRIBE":
			r.step(Hello{Link: s.Link})
		default:
			r.step(Answer{Tag: s.Tag, Value: resp.Value{Kind: resp.Simple, Str: "PONG"}})
		}
	}
	_, v := pairs(t, r.ask("sentinel", "master", "mm"))
	require.Equal(t, "0", v["link-pending-commands"])
}
