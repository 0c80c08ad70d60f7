package link

import (
	"testing"

	"github.com/stretchr/testify/require"

	"gosentinel/internal/resp"
)

// Thousands of links wait: for the rest of a reply they hold what came of it,
// else nothing.
func TestLinkHoldsOnlyTheBeginningOfAReply(t *testing.T) {
	var l link
	got := l.decode([]byte("+PONG\r\n$5\r\nhe"))
	require.Equal(t, replies{first: resp.Status("PONG"), n: 1}, got)
	require.Equal(t, "$5\r\nhe", string(l.in))
	require.LessOrEqual(t, cap(l.in), 16)

	require.Zero(t, l.decode([]byte("l")))
	got = l.decode([]byte("lo\r\n:1\r\n:2\r\n"))
	require.Equal(t, replies{first: resp.Str("hello"), more: []resp.Value{resp.Int(1), resp.Int(2)}, n: 3}, got)
	require.Nil(t, l.in)

	got = l.decode([]byte(":3\r\n?"))
	require.Equal(t, resp.Int(3), got.first, "what came before the nonsense counts")
	require.ErrorIs(t, got.err, resp.ErrMalformed)
}
