package integration

import (
	"fmt"
	"io"
	"net"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"gosentinel/internal/resp"
	"gosentinel/internal/testbed"
)

// peakBytes is the most memory that a process ever had.
func peakBytes(t *testing.T, pid int) int {
	t.Helper()
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	require.NoError(t, err)
	kb := regexp.MustCompile(`VmHWM:\s+(\d+) kB`).FindSubmatch(status)
	require.NotNil(t, kb, "no peak of memory here")
	n, err := strconv.Atoi(string(kb[1]))
	require.NoError(t, err)
	return n << 10
}

// A small request whose reply is hundreds of times its size costs memory for
// neither a client that reads nor one that does not. The original makes all of
// it first.
//
// Rule: K-8.3.
func TestSmallRequestsTakeLittleMemory(t *testing.T) {
	t.Parallel()
	const names, most = 20000, 128 << 20
	_, s := watcher(t, testbed.Ours, nil)
	for _, words := range []string{"COMMAND DOCS", "COMMAND INFO"} {
		request := append(strings.Fields(words), strings.Fields(strings.Repeat("sentinel ", names))...)
		for _, reads := range []bool{false, true} {
			conn, err := net.Dial("tcp", s.Addr())
			require.NoError(t, err)
			defer conn.Close()
			require.NoError(t, conn.SetDeadline(time.Now().Add(time.Minute)))
			_, err = conn.Write(append(resp.AppendCommand(nil, request...), "PING end\r\n"...))
			require.NoError(t, err)
			if !reads { // until the beginning is there, then no more
				_, err = io.ReadFull(conn, make([]byte, 1<<20))
				require.NoError(t, err)
				continue
			}
			var end []byte
			for total, buf := 0, make([]byte, 1<<20); !strings.HasSuffix(string(end), "$3\r\nend\r\n"); {
				n, err := conn.Read(buf)
				require.NoError(t, err, "after %d bytes", total)
				total += n
				end = append(end[max(0, len(end)-16):], buf[max(0, n-16):n]...)
			}
		}
		require.Less(t, peakBytes(t, s.PID()), most, words)
	}
	_, err := s.Do("PING")
	require.NoError(t, err)
}
