package listener

import (
	"net"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// Whoever lists, kills or deletes clients sees none that is not complete: one
// that was in the list before it had a user ended the process.
func TestClientsAreCompleteWhenListed(t *testing.T) {
	w := start(t)
	admin := w.dial()
	done := make(chan struct{})
	go func() {
		defer close(done)
		for range 3000 {
			conn, err := net.Dial("tcp", w.addr)
			if err != nil {
				t.Error(err)
				return
			}
			conn.Close()
		}
	}()
	for going := true; going; {
		select {
		case <-done:
			going = false
		default:
		}
		for line := range strings.Lines(admin.bulk("CLIENT LIST")) {
			require.Contains(t, line, " user=default ")
		}
	}
}
