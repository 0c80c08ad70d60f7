package listener

import (
	"strings"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"
)

// Clients do not get the last descriptors: as many as our own connections take,
// and some more, are kept. When there are to be more connections, clients that
// have one of theirs are closed. A quarter of all is for clients in any case.
//
// Rule: C-76.
func TestDescriptorsAreKept(t *testing.T) {
	var limit atomic.Int64
	w := start(t, func(o *Options) { o.FileLimit = func() int { return int(limit.Load()) } })
	a, b := w.dial(), w.dial()
	a.ask("PING", "+PONG\r\n") // what is not known limits nobody
	b.ask("PING", "+PONG\r\n")
	high := max(w.s.all()[0].fd, w.s.all()[1].fd)
	keep := func(clients int) { limit.Store(int64(clients + spareFiles + 2)); w.s.Reserve(2) }

	keep(high + 1)
	for range 2 {
		c := w.dial()
		c.expect(maxClientsText)
		c.closed()
	}
	require.Equal(t, 1, strings.Count(w.logs.String(), "Clients are refused: 18 descriptors are kept"))
	a.ask("PING", "+PONG\r\n")
	b.ask("PING", "+PONG\r\n")

	w.s.Reserve(3)
	eventually(t, func() bool { return w.s.connected() == 1 }, "the last one stays")

	limit.Store(int64(4 * (high + 8)))
	w.s.Reserve(1 << 20)
	w.dial().ask("PING", "+PONG\r\n")
}
