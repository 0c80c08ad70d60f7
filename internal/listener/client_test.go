package listener

import (
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"gosentinel/internal/command"
	"gosentinel/internal/resp"
)

// Rule: K-6.5.
func TestClientReplies(t *testing.T) {
	const (
		syntax  = "-ERR syntax error\r\n"
		caching = "-ERR CLIENT CACHING can be called only when the client is in tracking mode with OPTIN or OPTOUT mode enabled\r\n"
	)
	u := start(t).dial()
	off := "*6\r\n$5\r\nflags\r\n*1\r\n$3\r\noff\r\n$8\r\nredirect\r\n:-1\r\n$8\r\nprefixes\r\n*0\r\n"
	for _, tc := range []struct{ line, want string }{
		{"CLIENT ID", ":1\r\n"},
		{"CLIENT GETNAME", "$-1\r\n"},
		{"CLIENT SETNAME me", "+OK\r\n"},
		{"CLIENT GETNAME", "$2\r\nme\r\n"},
		{`CLIENT SETNAME "a b"`, "-ERR Client names cannot contain spaces, newlines or special characters.\r\n"},
		{`CLIENT SETNAME ""`, "+OK\r\n"},
		{"CLIENT GETNAME", "$-1\r\n"},
		{"CLIENT SETINFO LIB-NAME x", "+OK\r\n"},
		{`CLIENT SETINFO Lib-Ver "1 2"`, "-ERR Lib-Ver cannot contain spaces, newlines or special characters.\r\n"},
		{"CLIENT SETINFO foo x", "-ERR Unrecognized option 'foo'\r\n"},
		{"CLIENT LIST TYPE foo", "-ERR Unknown client type 'foo'\r\n"},
		{"CLIENT LIST TYPE pubsub", "$0\r\n\r\n"},
		{"CLIENT LIST TYPE replica", "$0\r\n\r\n"},
		{"CLIENT LIST ID x", "-ERR Invalid client ID\r\n"},
		{"CLIENT LIST ID 999 -1", "$0\r\n\r\n"},
		{"CLIENT LIST ID", syntax},
		{"CLIENT LIST TYPE", syntax},
		{"CLIENT LIST foo", syntax},
		{"CLIENT LIST TYPE normal x", syntax},
		{"CLIENT KILL 127.0.0.1:1", "-ERR No such client\r\n"},
		{"CLIENT KILL ID 0", "-ERR client-id should be greater than 0\r\n"},
		{"CLIENT KILL ID 999 SKIPME", syntax},
		{"CLIENT KILL TYPE foo", "-ERR Unknown client type 'foo'\r\n"},
		{"CLIENT KILL TYPE master", ":0\r\n"},
		{"CLIENT KILL USER foo", "-ERR No such user 'foo'\r\n"},
		{"CLIENT KILL USER default", ":0\r\n"},
		{"CLIENT KILL SKIPME maybe", syntax},
		{"CLIENT KILL MAXAGE 1", syntax},
		{"CLIENT NO-EVICT foo", syntax},
		{"CLIENT NO-EVICT on", "+OK\r\n"},
		{"CLIENT REPLY foo", syntax},
		{"CLIENT REPLY on", "+OK\r\n"},
		{"CLIENT PAUSE 0", "+OK\r\n"},
		{"CLIENT PAUSE x foo", "-ERR CLIENT PAUSE mode must be WRITE or ALL\r\n"},
		{"CLIENT PAUSE x", "-ERR timeout is not an integer or out of range\r\n"},
		{"CLIENT PAUSE -1", "-ERR timeout is negative\r\n"},
		{"CLIENT UNPAUSE", "+OK\r\n"},
		{"CLIENT UNBLOCK x", "-ERR value is not an integer or out of range\r\n"},
		{"CLIENT UNBLOCK 1 FOO", "-ERR CLIENT UNBLOCK reason should be TIMEOUT or ERROR\r\n"},
		{"CLIENT UNBLOCK 1 error", ":0\r\n"},
		{"CLIENT TRACKING foo", syntax},
		{"CLIENT TRACKING on foo", syntax},
		{"CLIENT TRACKINGINFO", off},
		{"CLIENT GETREDIR", ":-1\r\n"},
		{"CLIENT CACHING foo", caching},
		{"CLIENT TRACKING on", "+OK\r\n"},
		{"CLIENT CACHING yes", "-ERR CLIENT CACHING YES is only valid when tracking is enabled in OPTIN mode.\r\n"},
		{"CLIENT CACHING foo", syntax},
		{"CLIENT TRACKING off", "+OK\r\n"},
		{"CLIENT TRACKING on prefix a", "-ERR PREFIX option requires BCAST mode to be enabled\r\n"},
		{"CLIENT TRACKING on optin optout", "-ERR You can't specify both OPTIN mode and OPTOUT mode\r\n"},
		{"CLIENT TRACKING on bcast optin", "-ERR OPTIN and OPTOUT are not compatible with BCAST\r\n"},
		{"CLIENT TRACKING on redirect 999", "-ERR The client ID you want redirect to does not exist\r\n"},
		{"CLIENT TRACKING on optout noloop", "+OK\r\n"},
		{"CLIENT GETREDIR", ":0\r\n"},
		{"CLIENT CACHING yes", "-ERR CLIENT CACHING YES is only valid when tracking is enabled in OPTIN mode.\r\n"},
		{"CLIENT CACHING foo", syntax},
		{"CLIENT CACHING no", "+OK\r\n"},
		{"CLIENT TRACKINGINFO", "*6\r\n$5\r\nflags\r\n*4\r\n$2\r\non\r\n$6\r\noptout\r\n$10\r\ncaching-no\r\n$6\r\nnoloop\r\n$8\r\nredirect\r\n:0\r\n$8\r\nprefixes\r\n*0\r\n"},
		{"CLIENT TRACKING on bcast", "-ERR You can't switch BCAST mode on/off before disabling tracking for this client, and then re-enabling it with a different mode.\r\n"},
		{"CLIENT TRACKING off", "+OK\r\n"},
		{"CLIENT TRACKINGINFO", off},
		{"CLIENT NO-TOUCH on", "-ERR unknown subcommand 'NO-TOUCH'. Try CLIENT HELP.\r\n"},
	} {
		u.ask(tc.line, tc.want)
	}
}

// Rule: K-6.5 and appendix C, the fields of a line and their order.
func TestClientLine(t *testing.T) {
	w := start(t)
	a, b, c, d := w.dial(), w.dial(), w.dial(), w.dial()
	for i, other := range []*user{a, b, c, d} {
		eventually(t, func() bool { return w.s.connected() > i }, "not accepted")
		_ = other
	}
	const n = `\d+`
	line := regexp.MustCompile(`^id=` + n + ` addr=127\.0\.0\.1:` + n + ` laddr=127\.0\.0\.1:` + n + ` fd=` + n + ` name=\S* age=` + n + ` idle=` + n +
		` flags=(\w+) db=0 sub=(` + n + `) psub=(` + n + `) ssub=0 multi=-1 qbuf=` + n + ` qbuf-free=` + n + ` argv-mem=` + n + ` multi-mem=0 rbs=` + n + ` rbp=` + n +
		` obl=` + n + ` oll=` + n + ` omem=` + n + ` tot-mem=` + n + ` events=r cmd=(\S+) user=(\w+) redir=(-?\d+) resp=(\d) lib-name=(\S*) lib-ver=(\S*)$`)
	b.reply("SUBSCRIBE x")
	c.reply("HELLO 3 SETNAME tracker")
	c.reply("CLIENT TRACKING on")
	c.reply("CLIENT SETINFO lib-name lib")
	c.reply("CLIENT SETINFO lib-ver 1.2")
	c.reply("CLIENT NO-EVICT on")
	lines := strings.Split(strings.TrimSuffix(a.bulk("CLIENT LIST"), "\n"), "\n")
	require.Len(t, lines, 4)
	for i, want := range [][]string{
		{"N", "0", "0", "client|list", "default", "-1", "2", "", ""},
		{"P", "1", "0", "subscribe", "default", "-1", "2", "", ""},
		{"te", "0", "0", "client|no-evict", "default", "0", "3", "lib", "1.2"},
		{"N", "0", "0", "NULL", "default", "-1", "2", "", ""},
	} {
		require.True(t, strings.HasPrefix(lines[i], fmt.Sprintf("id=%d ", i+1)), lines[i])
		require.Regexp(t, line, lines[i])
		require.Equal(t, want, line.FindStringSubmatch(lines[i])[1:])
	}
	require.Contains(t, lines[2], " name=tracker ")
	require.Contains(t, lines[0], " qbuf=13 ")

	pair := a.bulk("CLIENT LIST ID 3 1 99")
	require.Regexp(t, `(?s)^id=3 .*\nid=1 .*\n$`, pair)
	require.Regexp(t, `^id=2 [^\n]*\n$`, a.bulk("CLIENT LIST TYPE PubSub"))
	info := c.reply("CLIENT INFO")
	require.Equal(t, resp.Verbatim, info.Kind)
	a.reply("FOO")
	require.Contains(t, d.bulk("CLIENT LIST ID 1"), " cmd=NULL ")
	require.Contains(t, d.bulk("INFO clients"), "connected_clients:4\r\ncluster_connections:0\r\nmaxclients:10000\r\n")
	require.Contains(t, d.bulk("INFO clients"), "tracking_clients:1\r\n")
	c.conn.Close()
	eventually(t, func() bool { return w.s.connected() == 3 }, "the client remains")
	require.Contains(t, d.bulk("INFO clients"), "tracking_clients:0\r\n")
}

// Rule: K-6.5.
func TestClientKill(t *testing.T) {
	w := start(t)
	a, b, c, d := w.dial(), w.dial(), w.dial(), w.dial()
	for _, other := range []*user{a, b, c, d} {
		other.reply("PING")
	}
	id := func(of *user) int64 { return of.reply("CLIENT ID").Int }
	a.ask(fmt.Sprintf("CLIENT KILL ID %d", id(b)), ":1\r\n")
	b.closed()
	a.ask("CLIENT KILL "+c.conn.LocalAddr().String(), "+OK\r\n")
	c.closed()
	eventually(t, func() bool { return w.s.connected() == 2 }, "killed clients remain")
	a.ask("CLIENT KILL LADDR "+w.addr+" USER default TYPE normal", ":1\r\n")
	d.closed()
	a.ask(fmt.Sprintf("CLIENT KILL ID %d", id(a)), ":0\r\n")
	a.send(fmt.Sprintf("CLIENT KILL ID %d SKIPME no\r\nPING\r\n", id(a)))
	a.expect(":1\r\n")
	a.closed()
	e := w.dial()
	e.send("CLIENT KILL " + e.conn.LocalAddr().String() + "\r\nPING\r\n")
	e.expect("+OK\r\n")
	e.closed()
}

// Rule: K-6.5: a pause parks requests, in order; nothing is refused.
func TestPause(t *testing.T) {
	w := start(t)
	a, b := w.dial(), w.dial()
	b.ask("PING", "+PONG\r\n")
	a.ask("CLIENT PAUSE 2000 ALL", "+OK\r\n")
	began := time.Now()
	b.send("PING 1\r\nROLE\r\n")
	a.send("CLIENT UNPAUSE\r\n")
	eventually(t, func() bool { return w.s.stats.blocked.Load() == 2 }, "nobody waits")
	require.Contains(t, w.s.all()[1].line(), " flags=b ")
	b.expect("$1\r\n1\r\n*2\r\n$8\r\nsentinel\r\n*0\r\n")
	require.GreaterOrEqual(t, time.Since(began), 1950*time.Millisecond)
	a.expect("+OK\r\n")
	require.Zero(t, w.s.stats.blocked.Load())

	a.ask("CLIENT PAUSE 9223372036854775807 WRITE", "+OK\r\n") // no overflow: it pauses
	b.ask("PING", "+PONG\r\n")
	b.ask("SENTINEL MASTERS", "*0\r\n")
	b.send("PUBLISH a b\r\n")
	eventually(t, func() bool { return w.s.stats.blocked.Load() == 1 }, "PUBLISH does not wait")
	require.Contains(t, a.bulk("INFO clients"), "blocked_clients:1\r\n")
	a.ask("CLIENT UNPAUSE", "+OK\r\n")
	b.expect(":1\r\n")

	// Whoever goes away while parked is noticed, and can be killed.
	a.ask("CLIENT PAUSE 100000 WRITE", "+OK\r\n")
	b.send("PUBLISH a b\r\n")
	eventually(t, func() bool { return w.s.stats.blocked.Load() == 1 }, "PUBLISH does not wait")
	b.conn.Close()
	eventually(t, func() bool { return w.s.connected() == 1 }, "the client remains")
	require.Zero(t, w.s.stats.blocked.Load())
}

// Rule: K-3 and appendix C: sections, their order and their lines.
func TestInfo(t *testing.T) {
	w := start(t, func(o *Options) { o.Facts.Listeners = []string{"0:name=tcp,bind=127.0.0.1,port=1"} })
	u := w.dial()
	all := u.bulk("INFO")
	for _, args := range []string{"default", "ALL", "everything nosuch", "sentinel CPU server stats clients server"} {
		require.Equal(t, strings.Count(all, "\r\n"), strings.Count(u.bulk("INFO "+args), "\r\n"), args)
	}
	parts := strings.Split(all, "\r\n\r\n")
	require.Len(t, parts, 5)
	var counts []int
	for i, head := range []string{"# Server", "# Clients", "# Stats", "# CPU", "# Sentinel"} {
		lines := strings.Split(strings.TrimSuffix(parts[i], "\r\n"), "\r\n")
		require.Equal(t, head, lines[0])
		counts = append(counts, len(lines)-1)
	}
	require.Equal(t, []int{26, 10, 59, 6, 1}, counts)
	require.Contains(t, parts[0], "\r\nio_threads_active:0\r\nlistener0:name=tcp,bind=127.0.0.1,port=1\r\ngosentinel_version:0.1.0")
	require.True(t, strings.HasPrefix(parts[0], "# Server\r\nredis_version:7.2.4\r\nredis_git_sha1:00000000\r\n"))
	require.True(t, strings.HasSuffix(all, "sentinel_masters:0\r\n"))
	require.Equal(t, "# Sentinel\r\nsentinel_masters:0\r\n", u.bulk("INFO sentinel"))
	require.True(t, strings.HasPrefix(u.bulk("INFO cpu"), "# CPU\r\nused_cpu_sys:"))
	u.ask("HELLO 3\r\nINFO nosuch", "%6\r\n$6\r\nserver\r\n$5\r\nredis\r\n$7\r\nversion\r\n$5\r\n7.2.4\r\n$5\r\nproto\r\n:3\r\n$2\r\nid\r\n:1\r\n"+
		"$4\r\nmode\r\n$8\r\nsentinel\r\n$7\r\nmodules\r\n*0\r\n$0\r\n\r\n")
	before := u.bulk("INFO stats")
	u.reply("FOO")
	u.reply("PING")
	after := u.bulk("INFO stats")
	value := func(info, key string) (n int) {
		_, rest, _ := strings.Cut(info, key+":")
		_, err := fmt.Sscan(rest, &n)
		require.NoError(t, err)
		return n
	}
	require.Equal(t, value(before, "total_error_replies")+1, value(after, "total_error_replies"))
	require.Equal(t, value(before, "total_commands_processed")+2, value(after, "total_commands_processed"), "the INFO before and PING")
}

// Rule: K-1.1, a renamed command goes by its new name and keeps its old one in replies.
func TestRenamed(t *testing.T) {
	w := start(t, func(o *Options) {
		o.Table = command.NewTable()
		require.NoError(t, o.Table.Rename("ping", "gnip"))
		require.NoError(t, o.Table.Rename("role", ""))
	})
	u := w.dial()
	u.ask("PING", "-ERR unknown command 'PING', with args beginning with: \r\n")
	u.ask("Gnip", "+PONG\r\n")
	u.ask("gnip a b", "-ERR wrong number of arguments for 'ping' command\r\n")
	u.ask("COMMAND COUNT", ":14\r\n")
	require.Equal(t, "ping", u.reply("COMMAND INFO gnip").Elems[0].Elems[0].Str)
}

// Rule: K-1.5, the shape of COMMAND and COMMAND DOCS.
func TestCommandShapes(t *testing.T) {
	u := start(t).dial()
	require.Equal(t, u.reply("COMMAND"), u.reply("COMMAND INFO"))
	require.Len(t, u.reply("COMMAND").Elems, 15)
	require.Len(t, u.reply("COMMAND DOCS").Elems, 30)
	u.reply("HELLO 3")
	v := u.reply("COMMAND INFO client ping").Elems
	require.Equal(t, resp.Array, v[0].Elems[9].Kind)
	require.Len(t, v[0].Elems[9].Elems, 17)
	require.Equal(t, resp.Set, v[1].Elems[9].Kind)
	docs := u.reply("COMMAND DOCS sentinel|slaves")
	require.Equal(t, resp.Map, docs.Kind)
	var keys []string
	for i := 0; i < len(docs.Elems[1].Elems); i += 2 {
		keys = append(keys, docs.Elems[1].Elems[i].Str)
	}
	require.Equal(t, []string{"summary", "since", "group", "complexity", "doc_flags", "deprecated_since", "replaced_by", "arguments"}, keys)
}

// What CLIENT CACHING says holds until the next command that is none of
// CLIENT's, as in the original.
//
// Rule: R-11.
func TestCachingIsForTheNextCommand(t *testing.T) {
	u := start(t).dial()
	u.ask("CLIENT TRACKING on OPTIN", "+OK\r\n")
	u.ask("CLIENT CACHING yes", "+OK\r\n")
	require.Contains(t, u.reply("CLIENT TRACKINGINFO").Elems[1].Elems, resp.Str("caching-yes"))
	u.ask("PING", "+PONG\r\n")
	require.NotContains(t, u.reply("CLIENT TRACKINGINFO").Elems[1].Elems, resp.Str("caching-yes"))
	u.ask("CLIENT CACHING yes", "+OK\r\n")
	require.Equal(t, resp.Error, u.reply("foo").Kind)
	require.NotContains(t, u.reply("CLIENT TRACKINGINFO").Elems[1].Elems, resp.Str("caching-yes"))
}

// Rule: K-3, K-6.5, clients with tracking are counted and marked as long as
// they are there.
func TestTrackingClients(t *testing.T) {
	w := start(t)
	u, other := w.dial(), w.dial()
	other.ask("CLIENT TRACKING on BCAST", "+OK\r\n")
	require.Contains(t, other.reply("CLIENT INFO").Str, " flags=tB ")
	other.ask("CLIENT TRACKING on BCAST PREFIX a", "-ERR Prefix 'a' overlaps with an existing prefix ''. Prefixes for a single client must not overlap.\r\n")
	require.Contains(t, u.reply("INFO clients").Str, "\r\ntracking_clients:1\r\n")
	require.NoError(t, other.conn.Close())
	eventually(t, func() bool { return strings.Contains(u.reply("INFO clients").Str, "\r\ntracking_clients:0\r\n") }, "still counted")
}
