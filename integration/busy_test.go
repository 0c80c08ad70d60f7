package integration

import (
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"gosentinel/internal/testbed"
)

// busyScript runs for ARGV[1] seconds and cannot be killed, since it has written.
const busyScript = `redis.call('set', 'busy', '1')
local last = tonumber(redis.call('time')[1]) + tonumber(ARGV[1])
while tonumber(redis.call('time')[1]) < last do end`

// The old master is busy with a script during its failover and long after it:
// it is demoted with the first thing that it answers. With the first PONG goes
// INFO, and with that the SLAVEOF: it takes no second PING as a master. (Before,
// INFO came a whole period after the failed one.)
//
// Rule: B-503, E-57, W-12.
func TestABusyOldMasterIsDemotedAsItAnswers(t *testing.T) {
	t.Parallel()
	n := newTrio(t, testbed.Ours, []string{"lua-time-limit 100"}, nil)
	begin := time.Now()
	monitor, err := n.redis[0].Dial() // sees what is carried out, not what is refused
	require.NoError(t, err)
	defer monitor.Close()
	_, err = monitor.Do("MONITOR")
	require.NoError(t, err)
	c, err := n.redis[0].Dial()
	require.NoError(t, err)
	defer c.Close()
	require.NoError(t, c.Send("EVAL", busyScript, "0", "9"))
	n.heard(t, begin, "+switch-master")
	monitor.Timeout = 30 * time.Second
	pings, during := 0, false
	for {
		v, err := monitor.Receive()
		if errors.Is(err, io.EOF) {
			break // by the CLIENT KILL behind SLAVEOF
		}
		require.NoError(t, err)
		line := strings.ToLower(v.Str)
		during = during || strings.Contains(line, `"eval"`)
		if during && strings.Contains(line, `"ping"`) {
			pings++
		}
	}
	require.True(t, during)
	require.LessOrEqual(t, pings, 1)
	n.inOrder(t)
}
