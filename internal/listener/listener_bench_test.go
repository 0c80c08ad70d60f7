package listener

import (
	"io"
	"net"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"gosentinel/internal/resp"
)

// described is a reply of the size of SENTINEL MASTERS with one master.
func described() resp.Value {
	var fields []resp.Value
	for i := range 20 {
		fields = append(fields, resp.Str("some-field-name"), resp.Str(strconv.Itoa(i*1000)))
	}
	return resp.List(resp.Pairs(fields...))
}

// Budget: at least 1.8M PING, 1.2M GET-MASTER-ADDR-BY-NAME and 350k MASTERS per
// second for 50 connections that pipeline 16 requests, on two cores that also
// run the clients.
func BenchmarkRequests(b *testing.B) {
	masters := described()
	for _, bc := range []struct {
		name      string
		pipeline  int
		args      []string
		replySize int
	}{
		{"ping/P=16", 16, []string{"PING"}, len("+PONG\r\n")},
		{"addr/P=1", 1, []string{"SENTINEL", "GET-MASTER-ADDR-BY-NAME", "mymaster"}, len("*2\r\n$9\r\n127.0.0.1\r\n$4\r\n6379\r\n")},
		{"addr/P=16", 16, []string{"SENTINEL", "GET-MASTER-ADDR-BY-NAME", "mymaster"}, len("*2\r\n$9\r\n127.0.0.1\r\n$4\r\n6379\r\n")},
		{"masters/P=16", 16, []string{"SENTINEL", "MASTERS"}, len(resp.Append(nil, 2, masters))},
	} {
		b.Run(bc.name, func(b *testing.B) {
			w := start(b)
			w.loop.do(func() {
				w.s.Show("mymaster", "127.0.0.1", 6379, false)
				w.loop.answer = func(l *loop, r Request) { l.s.Respond(r.ID, masters) }
			})
			const conns = 50
			request := strings.Repeat(multibulk(bc.args...), bc.pipeline)
			var wg sync.WaitGroup
			b.ReportAllocs()
			rounds := b.N/conns/bc.pipeline + 1
			for range conns {
				conn, err := net.Dial("tcp", w.addr)
				require.NoError(b, err)
				wg.Add(1)
				go func() {
					defer wg.Done()
					defer conn.Close()
					reply := make([]byte, bc.replySize*bc.pipeline)
					for range rounds {
						if _, err := io.WriteString(conn, request); err != nil {
							b.Error(err)
							return
						}
						if _, err := io.ReadFull(conn, reply); err != nil {
							b.Error(err)
							return
						}
					}
				}()
			}
			wg.Wait()
		})
	}
}
