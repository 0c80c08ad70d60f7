package listener

import (
	"log/slog"
	"net"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// At level verbose the log tells of connections that come, and of those that
// the other side ends, as the original's.
//
// Rule: K-6.1, C-113.
func TestConnectionsAreLogged(t *testing.T) {
	w := start(t)
	lines := func(pattern string, want int) {
		t.Helper()
		require.Eventually(t, func() bool {
			return len(regexp.MustCompile(pattern).FindAllString(w.logs.String(), -1)) == want
		}, patience, time.Millisecond, "%s in %s", pattern, w.logs.String())
	}
	u := w.dial()
	u.ask("PING", "+PONG\r\n")
	lines(`level=DEBUG\+2 msg="Accepted `+regexp.QuoteMeta(u.conn.LocalAddr().String())+`"`, 1)
	require.NoError(t, u.conn.Close())
	lines(`level=DEBUG\+2 msg="Client closed connection id=1 addr=`+regexp.QuoteMeta(u.conn.LocalAddr().String())+` .* cmd=ping user=default redir=-1 resp=2 lib-name= lib-ver="`, 1)

	u = w.dial()
	u.ask("PING", "+PONG\r\n")
	require.NoError(t, u.conn.(*net.TCPConn).SetLinger(0))
	require.NoError(t, u.conn.Close())
	lines(`level=DEBUG\+2 msg="Reading from client: Connection reset by peer"`, 1)

	u = w.dial()
	u.ask("CLIENT KILL TYPE normal SKIPME no", ":1\r\n")
	u.closed()
	u = w.dial()
	u.send("*x\r\n")
	u.expect("-ERR Protocol error: invalid multibulk length\r\n")
	u.closed()
	lines("Accepted ", 4)
	lines("Client closed|Reading from", 2)
	lines(`Protocol error \(invalid mbulk count\) from client: id=4 .* resp=2 lib-name= lib-ver=. Query buffer during protocol error: '\*x\.\.'`, 1)
}

// The texts are those of the original, tried one by one.
//
// Rule: K-8.1, K-8.2.
func TestProtocolErrorsAreLogged(t *testing.T) {
	secret := func(o *Options) { o.Users.SetRequirePass("secret") }
	for _, tc := range []struct {
		send, want string
		change     []func(*Options)
	}{
		{"*99999999999\r\n", "(invalid mbulk count) ... '*99999999999..'", nil},
		{"*1\r\n$x\r\n", "(invalid bulk length) ... '$x..'", nil},
		{"*1\r\n:1\r\n", "(expected $ but got something else) ... ':1..'", nil},
		{"PING \"a\r\n", "(unbalanced quotes in inline request) ... 'PING \"a..'", nil},
		{"*11\r\n$1\r\n", "(unauth mbulk count) ... '*11..$1..'", []func(*Options){secret}},
		{"*2\r\n$4\r\nAUTH\r\n$16385\r\n", "(unauth bulk length) ... '$16385..'", []func(*Options){secret}},
		{"*x\r\n" + strings.Repeat("y", 123), "(invalid mbulk count) ... '*x.." + strings.Repeat("y", 123) + "'", nil},
		{"*x\r\n" + strings.Repeat("y", 125), "(invalid mbulk count) ... '*x.." + strings.Repeat("y", 60) +
			"' (... more 1 bytes ...) '" + strings.Repeat("y", 64) + "'", nil},
	} {
		w := start(t, tc.change...)
		u := w.dial()
		u.send(tc.send)
		u.read()
		u.closed()
		between := regexp.MustCompile(`Protocol error (\(.*?\)) from client: id=.* Query buffer during protocol error: (.*)"\n`)
		found := between.FindStringSubmatch(strings.ReplaceAll(w.logs.String(), `\"`, `"`))
		require.NotNil(t, found, w.logs.String())
		require.Equal(t, tc.want, found[1]+" ... "+found[2])
	}
}

// Nothing is made for a log that does not have it.
func TestConnectionsAreNotLoggedAtNotice(t *testing.T) {
	logs := &lockedBuffer{}
	w := start(t, func(o *Options) {
		o.Log = slog.New(slog.NewTextHandler(logs, &slog.HandlerOptions{Level: slog.LevelInfo}))
	})
	w.dial().ask("PING", "+PONG\r\n")
	require.Empty(t, logs.String())
}
