package listener

import (
	"io"
	"net"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// A request that is answered on the spot, from reading it to sending the reply,
// allocates nothing, alone or in a pipeline.
//
// Rule: S2.11.
func TestQuickRepliesAllocateNothing(t *testing.T) {
	w := start(t)
	w.loop.do(func() { w.s.Show("mymaster", "127.0.0.1", 6379, false) })
	const addr = "*2\r\n$9\r\n127.0.0.1\r\n$4\r\n6379\r\n"
	for _, tc := range []struct{ name, request, reply string }{
		{"PING", multibulk("PING"), "+PONG\r\n"},
		{"inline PING", "ping\r\n", "+PONG\r\n"},
		{"GET-MASTER-ADDR-BY-NAME", multibulk("SENTINEL", "get-master-addr-by-name", "mymaster"), addr},
		{"GET-PRIMARY-ADDR-BY-NAME", multibulk("sentinel", "GET-PRIMARY-ADDR-BY-NAME", "mymaster"), addr},
	} {
		for _, pipeline := range []int{1, 16} {
			conn, err := net.Dial("tcp", w.addr)
			require.NoError(t, err)
			defer conn.Close()
			request := []byte(strings.Repeat(tc.request, pipeline))
			reply := make([]byte, len(tc.reply)*pipeline)
			round := func() {
				if _, err := conn.Write(request); err != nil {
					t.Fatal(err)
				}
				if _, err := io.ReadFull(conn, reply); err != nil {
					t.Fatal(err)
				}
			}
			for range 100 { // the buffers find their size
				round()
			}
			// An integer: what the loop and the housekeeping allocate meanwhile is
			// far less than once per run.
			require.Zero(t, testing.AllocsPerRun(1000, round), "%s, %d at once", tc.name, pipeline)
			require.Equal(t, strings.Repeat(tc.reply, pipeline), string(reply))
		}
	}
}
