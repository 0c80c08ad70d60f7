package clients

import (
	"errors"
	"fmt"
	"net"
	"regexp"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"gosentinel/integration/fixture"
	"gosentinel/internal/resp"
	"gosentinel/internal/testbed"
)

// wire is a connection of which the bytes matter.
type wire struct {
	conn net.Conn
	buf  []byte // read and not yet returned
}

func dial(t *testing.T, s *testbed.Sentinel) *wire {
	t.Helper()
	conn, err := net.DialTimeout("tcp", s.Addr(), 5*time.Second)
	require.NoError(t, err)
	t.Cleanup(func() { conn.Close() })
	return &wire{conn: conn}
}

// next returns the bytes of the next reply or message.
func (w *wire) next() (string, error) {
	for {
		_, n, err := resp.Decode(w.buf, resp.ReplyLimits())
		if err == nil {
			frame := string(w.buf[:n])
			w.buf = w.buf[n:]
			return frame, nil
		}
		if !errors.Is(err, resp.ErrShort) {
			return "", err
		}
		b := make([]byte, 4096)
		got, err := w.conn.Read(b)
		w.buf = append(w.buf, b[:got]...)
		if err != nil {
			return "", err
		}
	}
}

// ask sends one command and returns the bytes of its reply.
func (w *wire) ask(t *testing.T, words ...string) string {
	t.Helper()
	require.NoError(t, w.conn.SetDeadline(time.Now().Add(30*time.Second)))
	_, err := w.conn.Write([]byte(array("*", words...)))
	require.NoError(t, err)
	reply, err := w.next()
	require.NoError(t, err)
	return reply
}

func bulk(text string) string { return fmt.Sprintf("$%d\r\n%s\r\n", len(text), text) }

// array is an array, or a push, of bulk strings.
func array(kind string, words ...string) string {
	var s strings.Builder
	fmt.Fprintf(&s, "%s%d\r\n", kind, len(words))
	for _, w := range words {
		s.WriteString(bulk(w))
	}
	return s.String()
}

// Patterns of values that a test cannot know.
const (
	number = `\$\d+\r\n\d+\r\n`
	id     = `\$40\r\n[0-9a-f]{40}\r\n`
)

// description is the pattern of an instance's fields: names, each with its
// value, which begins with a backslash if it is a pattern itself.
func description(header string, fields ...string) string {
	var s strings.Builder
	s.WriteString(regexp.QuoteMeta(header))
	for i, f := range fields {
		if i%2 == 1 && strings.HasPrefix(f, `\`) {
			s.WriteString(f)
			continue
		}
		s.WriteString(regexp.QuoteMeta(bulk(f)))
	}
	return s.String()
}

// link are the fields that all instances have in their middle.
var link = []string{
	"link-pending-commands", number, "link-refcount", "1",
	"last-ping-sent", number, "last-ok-ping-reply", number, "last-ping-reply", number,
	"down-after-milliseconds", "1000",
}

// Requests that clients send which cannot be run here, or that those which can
// send only in some of their functions, with the bytes that they parse.
//
// Rule: R-13, K-2.1, K-2.2, K-2.8, K-1.3, K-3, K-4, K-6.3.
func TestRequestsOfClients(t *testing.T) {
	t.Parallel()
	c := fixture.Cluster(t, fixture.Bed(t), testbed.ClusterOptions{Replicas: 1, Kinds: []testbed.Kind{testbed.Ours, testbed.Ours}})
	m, r, peer := c.Redis[0], c.Redis[1], c.Sentinels[1]
	port := func(p int) string { return fmt.Sprint(p) }

	masterFields := slices.Concat(
		[]string{"name", "mm", "ip", "127.0.0.1", "port", port(m.Port), "runid", id, "flags", "master"}, link,
		[]string{"info-refresh", number, "role-reported", "master", "role-reported-time", number,
			"config-epoch", "0", "num-slaves", "1", "num-other-sentinels", "1", "quorum", "2",
			"failover-timeout", "60000", "parallel-syncs", "1"})
	replicaFields := slices.Concat(
		[]string{"name", r.Addr(), "ip", "127.0.0.1", "port", port(r.Port), "runid", id, "flags", "slave"}, link,
		[]string{"info-refresh", number, "role-reported", "slave", "role-reported-time", number,
			"master-link-down-time", "0", "master-link-status", "ok", "master-host", "127.0.0.1", "master-port", port(m.Port),
			"slave-priority", "20", "slave-repl-offset", number, "replica-announced", "1"})
	peerFields := slices.Concat(
		[]string{"name", id, "ip", "127.0.0.1", "port", port(peer.Port), "runid", id, "flags", "sentinel"}, link,
		[]string{"last-hello-message", number, "voted-leader", "?", "voted-leader-epoch", "0"})
	address := regexp.QuoteMeta(array("*", "127.0.0.1", port(m.Port)))

	for _, tc := range []struct {
		client, protocol string
		request          string
		want             string // pattern of the whole reply
	}{
		{"Jedis", "2", "PING", `\+PONG\r\n`},
		{"Jedis", "2", "SENTINEL GET-MASTER-ADDR-BY-NAME mm", address},
		{"Jedis", "2", "SENTINEL GET-MASTER-ADDR-BY-NAME other", `\*-1\r\n`},
		{"Jedis", "2", "SENTINEL MASTERS", `\*1\r\n` + description("*40\r\n", masterFields...)},
		{"Jedis", "2", "SENTINEL SLAVES mm", `\*1\r\n` + description("*42\r\n", replicaFields...)},
		{"Jedis", "2", "SUBSCRIBE +switch-master", `\*3\r\n\$9\r\nsubscribe\r\n\$14\r\n\+switch-master\r\n:1\r\n`},

		{"StackExchange.Redis", "2", "CLIENT SETNAME host", `\+OK\r\n`},
		{"StackExchange.Redis", "2", "ECHO x", `-ERR unknown command 'ECHO', with args beginning with: 'x' \r\n`},
		{"StackExchange.Redis", "2", "CONFIG GET timeout", `-ERR unknown command 'CONFIG', with args beginning with: 'GET' 'timeout' \r\n`},
		{"StackExchange.Redis", "2", "INFO replication", `\$0\r\n\r\n`},
		{"StackExchange.Redis", "2", "INFO server", `(?s)\$\d+\r\n# Server\r\nredis_version:\d+\.\d+\.\d+\r\n.*\r\nredis_mode:sentinel\r\n.*\r\n`},
		{"StackExchange.Redis", "2", "ROLE", `\*2\r\n\$8\r\nsentinel\r\n\*1\r\n\$2\r\nmm\r\n`},
		{"StackExchange.Redis", "2", "SENTINEL get-master-addr-by-name mm", address},
		{"StackExchange.Redis", "2", "SENTINEL sentinels mm", `\*1\r\n` + description("*28\r\n", peerFields...)},
		{"StackExchange.Redis", "2", "SENTINEL replicas mm", `\*1\r\n` + description("*42\r\n", replicaFields...)},

		{"Lettuce", "3", "SENTINEL GET-MASTER-ADDR-BY-NAME mm", address},
		{"Lettuce", "3", "SENTINEL GET-MASTER-ADDR-BY-NAME other", `_\r\n`},
		{"Lettuce", "3", "SENTINEL MASTER mm", description("%20\r\n", masterFields...)},
		{"Lettuce", "3", "SENTINEL MASTER other", `-ERR No such master with that name\r\n`},
		{"Lettuce", "3", "SENTINEL REPLICAS mm", `\*1\r\n` + description("%21\r\n", replicaFields...)},
		{"Lettuce", "3", "SENTINEL SENTINELS mm", `\*1\r\n` + description("%14\r\n", peerFields...)},
		{"Lettuce", "3", "PSUBSCRIBE *", `>3\r\n\$10\r\npsubscribe\r\n\$1\r\n\*\r\n:1\r\n`},

		{"go-redis", "3", "SENTINEL MONITOR mm 127.0.0.1 6379 2", `-ERR Duplicate master name\.\r\n`},
		{"go-redis", "3", "INFO sentinel", `(?s)\$\d+\r\n# Sentinel\r\n.*master0:name=mm,status=ok,address=` + regexp.QuoteMeta(m.Addr()) + `,slaves=1,sentinels=2\r\n\r\n`},
		{"redis-py", "3", "SENTINEL MASTERS", `\*1\r\n` + description("%20\r\n", masterFields...)},
		{"redis-rs", "2", "SELECT 0", `-ERR unknown command 'SELECT', with args beginning with: '0' \r\n`},
		{"predis", "2", "QUIT", `-ERR unknown command 'QUIT', with args beginning with: \r\n`},
	} {
		t.Run(tc.client+"/"+tc.request, func(t *testing.T) {
			w := dial(t, c.Sentinels[0])
			if tc.protocol == "3" {
				require.Regexp(t, `^%6\r\n\$6\r\nserver\r\n\$5\r\nredis\r\n\$7\r\nversion\r\n\$\d\r\n7\.\d\.\d+\r\n\$5\r\nproto\r\n:3\r\n`+
					`\$2\r\nid\r\n:\d+\r\n\$4\r\nmode\r\n\$8\r\nsentinel\r\n\$7\r\nmodules\r\n\*0\r\n$`, w.ask(t, "HELLO", "3"))
			}
			require.Regexp(t, "^"+tc.want+"$", w.ask(t, strings.Fields(tc.request)...))
		})
	}
}

// transcript records the messages that a client receives.
type transcript struct {
	mu  sync.Mutex
	all []string
}

// listen subscribes as a client does, and records from then on.
func listen(t *testing.T, s *testbed.Sentinel, protocol string, words ...string) *transcript {
	t.Helper()
	w := dial(t, s)
	require.Regexp(t, `^[%*]`, w.ask(t, "HELLO", protocol))
	w.ask(t, words...)
	for range words[2:] {
		_, err := w.next()
		require.NoError(t, err)
	}
	require.NoError(t, w.conn.SetDeadline(time.Time{})) // until the test ends
	tr := &transcript{}
	go func() {
		for {
			frame, err := w.next()
			if err != nil {
				return
			}
			tr.mu.Lock()
			tr.all = append(tr.all, frame)
			tr.mu.Unlock()
		}
	}()
	return tr
}

// heard waits until the client has received exactly these bytes as one
// message.
func (tr *transcript) heard(t *testing.T, frame string) {
	t.Helper()
	fixture.Until(t, 30*time.Second, func() error {
		tr.mu.Lock()
		defer tr.mu.Unlock()
		if !slices.Contains(tr.all, frame) {
			return fmt.Errorf("not received: %q\nbut: %q", frame, tr.all)
		}
		return nil
	})
}

// The events by which Lettuce, Jedis and StackExchange.Redis learn of a change,
// as bytes. Lettuce takes every event by a pattern, in RESP3, and looks for
// `master <name> ` at the start or for `@ <name> ` within; the others
// subscribe in RESP2 and split the payload at its blanks.
//
// Rule: R-13, K-5, B-901, B-903.
func TestEventsForClients(t *testing.T) {
	t.Parallel()
	bed := fixture.Bed(t)
	c := fixture.Cluster(t, bed, testbed.ClusterOptions{Replicas: 1, Kinds: []testbed.Kind{testbed.Ours}})
	s, one, two := c.Sentinels[0], c.Redis[0], c.Redis[1]
	lettuce := listen(t, s, "3", "PSUBSCRIBE", "*")
	jedis := listen(t, s, "2", "SUBSCRIBE", "+switch-master")
	stackExchange := listen(t, s, "2", "SUBSCRIBE", "+switch-master", "+sentinel")
	hears := func(channel, format string, args ...any) {
		t.Helper()
		lettuce.heard(t, array(">", "pmessage", "*", channel, fmt.Sprintf(format, args...)))
	}

	_, err := s.Do("SENTINEL", "RESET", c.Name)
	require.NoError(t, err)
	hears("+reset-master", "master mm 127.0.0.1 %d", one.Port)
	replica := fmt.Sprintf("slave 127.0.0.1:%d 127.0.0.1 %[1]d @ mm 127.0.0.1 %d", two.Port, one.Port)
	hears("+slave", "%s", replica)
	require.NoError(t, c.Settle(30*time.Second))

	two.Signal(syscall.SIGSTOP)
	hears("+sdown", "%s", replica)
	two.Signal(syscall.SIGCONT)
	hears("-sdown", "%s", replica)
	require.NoError(t, c.Settle(30*time.Second))

	one.Kill()
	hears("+sdown", "master mm 127.0.0.1 %d", one.Port)
	hears("+elected-leader", "master mm 127.0.0.1 %d", one.Port)
	payload := fmt.Sprintf("mm 127.0.0.1 %d 127.0.0.1 %d", one.Port, two.Port)
	hears("+switch-master", "%s", payload)
	jedis.heard(t, array("*", "message", "+switch-master", payload))
	stackExchange.heard(t, array("*", "message", "+switch-master", payload))
	replica = fmt.Sprintf("slave 127.0.0.1:%d 127.0.0.1 %[1]d @ mm 127.0.0.1 %d", one.Port, two.Port)
	hears("+slave", "%s", replica)
	hears("+sdown", "%s", replica)

	require.NoError(t, one.Up())
	hears("-role-change", "%s new reported role is master", replica)
	hears("-sdown", "%s", replica)
	hears("+convert-to-slave", "%s", replica)
	hears("+role-change", "%s new reported role is slave", replica)

	peer, err := bed.Sentinel("peer", testbed.SentinelOptions{Lines: []string{fmt.Sprintf("sentinel monitor mm %s %d 1", two.Host, two.Port)}})
	require.NoError(t, err)
	v, err := peer.Do("SENTINEL", "MYID")
	require.NoError(t, err)
	payload = fmt.Sprintf("sentinel %s 127.0.0.1 %d @ mm 127.0.0.1 %d", v.Str, peer.Port, two.Port)
	stackExchange.heard(t, array("*", "message", "+sentinel", payload))
	hears("+sentinel", "%s", payload)
}
