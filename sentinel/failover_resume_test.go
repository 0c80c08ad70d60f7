package sentinel

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"gosentinel/internal/resp"
)

// ofDataSet is the INFO of a replica of 10.0.0.1 whose link to it is down since
// so many seconds, -1 = it was never up.
func ofDataSet(id string, linkDown int) resp.Value {
	return resp.Str(fmt.Sprintf("role:slave\r\nmaster_host:10.0.0.1\r\nmaster_port:6379\r\nmaster_link_status:down\r\n"+
		"master_link_down_since_seconds:%d\r\nslave_priority:100\r\nmaster_replid:%s\r\n", linkDown, id))
}

// What belongs to the master's data set is learnt in the outage too, when
// nothing was known of it at the SDOWN. Rule: B-711, ADR 0004.
func TestTheDataSetIsLearntInTheOutage(t *testing.T) {
	w := newWires(t, down(around(watched("mm", "10.0.0.1", 6379, 1), 3, 0), time.Second))
	m := w.c.masters[0]
	w.pass(tickEvery)
	for _, port := range []int{7000, 7001, 7002} {
		w.up(port, false)
	}
	for !m.sdown {
		w.pass(10 * time.Millisecond)
		for _, port := range []int{7000, 7001, 7002} {
			w.pong(port)
		}
	}
	r := func(port int) *replica { return m.replicas[port-7000] }
	w.reply(7000, "INFO", ofDataSet("other", -1))
	require.False(t, m.hasForeignReplID(r(7000)), "what is not known is not foreign")
	w.reply(7001, "INFO", ofDataSet("itsown", 1))
	require.True(t, m.hasForeignReplID(r(7000)))
	require.False(t, m.hasForeignReplID(r(7001)))
	w.reply(7002, "INFO", resp.Str("role:master\r\nmaster_replid:promoted\r\n"))
	require.True(t, m.hasForeignReplID(r(7002)), "a master of its own")
	w.reply(7002, "INFO", ofDataSet("new", 1))
	require.False(t, m.hasForeignReplID(r(7001)))
	w.c.infoReply(&r(7001).instance, ofDataSet("new", 0), w.now.Mono)
	require.False(t, m.hasForeignReplID(r(7001)))
	w.c.infoReply(&r(7000).instance, ofDataSet("itsown", -1), w.now.Mono)
	require.True(t, m.hasForeignReplID(r(7000)), "nobody has that any more")
}

// The master itself tells it, be it still SDOWN. Rule: ADR 0004.
func TestTheMasterTellsItsDataSetInTheOutage(t *testing.T) {
	w := newWires(t, down(around(watched("mm", "10.0.0.1", 6379, 1), 1, 0), time.Second))
	m := w.c.masters[0]
	w.pass(tickEvery)
	w.up(6379, false)
	for !m.sdown {
		w.pass(10 * time.Millisecond)
	}
	w.up(7000, false)
	w.reply(7000, "INFO", ofDataSet("other", -1))
	w.c.infoReply(&m.instance, resp.Str("role:slave\r\nmaster_replid:strange\r\n"), w.now.Mono)
	require.False(t, m.hasForeignReplID(m.replicas[0]), "a master that somebody made a replica tells another's")
	w.c.infoReply(&m.instance, resp.Str("role:master\r\nmaster_replid:itsown\r\n"), w.now.Mono)
	require.True(t, m.hasForeignReplID(m.replicas[0]))
}

// A replica of another data set that answers at once does not end the wait for
// one that has not answered yet. Rule: E-50, ADR 0004.
func TestAForeignReplicaIsNotChosenInHaste(t *testing.T) {
	for _, answers := range []bool{true, false} {
		w := newWires(t, down(around(watched("mm", "10.0.0.1", 6379, 1), 2, 0), time.Second))
		m := w.c.masters[0]
		m.discoverySince = never
		w.pass(tickEvery)
		for _, port := range []int{6379, 7000, 7001} {
			w.up(port, false)
			w.pong(port)
		}
		w.reply(6379, "INFO", resp.Str("role:master\r\nmaster_replid:itsown\r\n"))
		passing := func(d time.Duration) {
			for end := w.now.Mono + d; w.now.Mono < end; {
				w.pass(10 * time.Millisecond)
				w.pong(7000)
				w.pong(7001)
			}
		}
		for !m.sdown {
			passing(10 * time.Millisecond)
		}
		w.reply(7000, "INFO", ofDataSet("other", -1))
		passing(50 * time.Millisecond)
		w.saved()
		passing(2 * selectSome)
		require.Equal(t, stateSelectSlave, m.failover.state)
		want := 7000
		if answers {
			w.reply(7001, "INFO", ofDataSet("itsown", 1))
			want = 7001
		} else {
			passing(selectAny)
		}
		require.Equal(t, stateWaitPromotion, m.failover.state)
		require.Equal(t, want, m.failover.promoted.addr.Port)
	}
}
