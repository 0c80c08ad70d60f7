package listener

import (
	"os"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"
)

// Clients leave as many descriptors as our own connections take, whether these are
// open yet or not, and some more. A quarter of all is for clients in any case, but
// the last few never. When there are to be more connections, the youngest clients
// are closed.
//
// Rule: C-76.
func TestDescriptorsAreKept(t *testing.T) {
	var limit atomic.Int64
	w := start(t, func(o *Options) { o.FileLimit = func() int { return int(limit.Load()) } })
	first := w.dial()
	first.ask("PING", "+PONG\r\n") // what is not known limits nobody
	refused := func() {
		t.Helper()
		c := w.dial()
		c.expect(maxClientsText)
		c.closed()
	}
	fill := func(clients int) {
		t.Helper()
		for w.s.connected() < clients {
			w.dial().ask("PING", "+PONG\r\n")
		}
		refused()
		refused()
		require.Equal(t, clients, w.s.connected())
	}
	limit.Store(400)
	w.s.Reserve(390)
	fill(100) // a quarter
	require.Equal(t, 1, strings.Count(w.logs.String(), "Clients are refused: 422 descriptors are kept"))
	w.s.Reserve(250)
	fill(400 - 250 - spareFiles)
	w.s.Reserve(260)
	eventually(t, func() bool { return w.s.connected() == 400-260-spareFiles }, "the youngest stay")
	first.ask("PING", "+PONG\r\n")

	w.s.Reserve(0)
	last := 0
	for _, c := range w.s.all() {
		last = max(last, c.fd)
	}
	limit.Store(int64(last + spareFiles/2 + 1))
	held, err := os.Open(os.DevNull) // the place of one that was closed
	require.NoError(t, err)
	defer held.Close()
	for int(held.Fd()) < last {
		held, err = os.Open(os.DevNull)
		require.NoError(t, err)
		defer held.Close()
	}
	refused()
}
