package sentinel

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"gosentinel/internal/resp"
)

// redis #14728: a server that sends snapshots on a second connection lists a
// replica twice while it synchronises, the second time with another port or
// none; Sentinel announced both. 7.0 and 7.2 have no such connection, so that
// the original of these tests cannot show it.
//
// Rule: R-14, behaviour.md 5.2.
func TestIssue14728ReplicaListedTwiceIsOne(t *testing.T) {
	for _, tc := range []struct {
		name string
		text string
	}{
		{"the second connection has no port", "slave0:ip=10.0.0.2,port=0,state=send_bulk,offset=0,lag=0,type=rdb-channel\r\n" +
			"slave1:ip=10.0.0.2,port=6380,state=wait_bgsave,offset=0,lag=0,type=main-channel\r\n"},
		{"or one of its own", "slave0:ip=10.0.0.2,port=6380,state=wait_bgsave,offset=0,lag=0,type=main-channel\r\n" +
			"slave1:ip=10.0.0.2,port=41234,state=send_bulk,offset=0,lag=0,type=rdb-channel\r\n"},
		{"or is listed as the first", "slave0:ip=10.0.0.2,port=6380,state=wait_bgsave,offset=0,lag=0\r\n" +
			"slave1:ip=10.0.0.2,port=6380,state=send_bulk,offset=0,lag=0\r\n"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			w := newWires(t, watched("mm", "10.0.0.1", 6379, 2))
			w.pass(tickEvery)
			w.up(6379, false)
			w.reply(6379, "INFO", resp.Str("role:master\r\nconnected_slaves:2\r\n"+tc.text))
			list := w.ask("SENTINEL", "REPLICAS", "mm")
			require.Len(t, list.Elems, 1)
			_, fields := pairs(t, list.Elems[0])
			require.Equal(t, "10.0.0.2:6380", fields["name"])
			require.Equal(t, 1, strings.Count(w.ask("INFO", "sentinel").Str, "slaves=1"))
		})
	}
}
