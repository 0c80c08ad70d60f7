package integration

import (
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"gosentinel/integration/fixture"
	"gosentinel/internal/resp"
	"gosentinel/internal/testbed"
)

// vector is bytes sent and bytes received. A request in words is sent as a
// multibulk; want may hold <n>, and <close> at its end.
type vector struct{ words, raw, want string }

const closes = "<close>"

// nobody watched.
var freshVectors = []vector{
	{raw: "PING\r\n", want: "+PONG\r\n"},
	{raw: "*1\r\n$4\r\nPING\r\nPING\r\n*2\r\n$4\r\nPING\r\n$1\r\nx\r\n", want: "+PONG\r\n+PONG\r\n$1\r\nx\r\n"},
	{raw: `PING "a b\x41\n"` + "\r\n", want: "$5\r\na bA\n\r\n"},
	{raw: "*-5\r\nPING\r\n", want: "+PONG\r\n"},
	{raw: "*1\r\n$4\r\nPINGxx*1\r\n$4\r\nPING\r\n", want: "+PONG\r\n+PONG\r\n"},
	{raw: "PING\r\n*1\r\nx\r\nPING\r\n", want: "+PONG\r\n-ERR Protocol error: expected '$', got 'x'\r\n" + closes},
	{raw: "QUIT\r\nPING\r\n", want: "-ERR unknown command 'QUIT', with args beginning with: \r\n+PONG\r\n"},
	{words: "SENTINEL MASTERS", want: "*0\r\n"},
	{words: "ROLE", want: "*2\r\n$8\r\nsentinel\r\n*0\r\n"},
	{words: "SENTINEL GET-MASTER-ADDR-BY-NAME x", want: "*-1\r\n"},
	{words: "HELLO 3 ;; SENTINEL GET-MASTER-ADDR-BY-NAME x", want: hello3 + "_\r\n"},
	{words: "SENTINEL INFO-CACHE x", want: "*0\r\n"},
	{words: "SENTINEL CONFIG GET announce-port", want: "*2\r\n$13\r\nannounce-port\r\n$1\r\n0\r\n"},
	{words: "HELLO 3 ;; SENTINEL CONFIG GET announce-port", want: hello3 + "%1\r\n$13\r\nannounce-port\r\n$1\r\n0\r\n"},
	{words: "SENTINEL RESET nosuch", want: ":0\r\n"},
	{words: "INFO nosuch", want: "$0\r\n\r\n"},
	{words: "HELLO 3", want: hello3},
	{words: "SUBSCRIBE a b a", want: "*3\r\n$9\r\nsubscribe\r\n$1\r\na\r\n:1\r\n*3\r\n$9\r\nsubscribe\r\n$1\r\nb\r\n:2\r\n*3\r\n$9\r\nsubscribe\r\n$1\r\na\r\n:2\r\n"},
	{words: "SUBSCRIBE a ;; PING", want: "*3\r\n$9\r\nsubscribe\r\n$1\r\na\r\n:1\r\n*2\r\n$4\r\npong\r\n$0\r\n\r\n"},
	{words: "UNSUBSCRIBE", want: "*3\r\n$11\r\nunsubscribe\r\n$-1\r\n:0\r\n"},
	{words: "HELLO 3 ;; UNSUBSCRIBE", want: hello3 + ">3\r\n$11\r\nunsubscribe\r\n_\r\n:0\r\n"},
	{words: "PUBLISH a b", want: "-ERR Only HELLO messages are accepted by Sentinel instances.\r\n"},
	{words: "PUBLISH __sentinel__:hello junk", want: ":1\r\n"},
	{words: "COMMAND INFO ping", want: "*1\r\n*10\r\n$4\r\nping\r\n:-1\r\n*1\r\n+fast\r\n:0\r\n:0\r\n:0\r\n*2\r\n+@fast\r\n+@connection\r\n" +
		"*2\r\n$25\r\nrequest_policy:all_shards\r\n$29\r\nresponse_policy:all_succeeded\r\n*0\r\n*0\r\n"},
	{words: "COMMAND INFO nosuch", want: "*1\r\n$-1\r\n"},
	{words: "CLIENT REPLY SKIP ;; PING a ;; PING b", want: "$1\r\nb\r\n"},
	// Those of 7.2.4 alone.
	{words: "HELLO", want: "*12\r\n$6\r\nserver\r\n$5\r\nredis\r\n$7\r\nversion\r\n$5\r\n7.2.4\r\n$5\r\nproto\r\n:2\r\n$2\r\nid\r\n:<n>\r\n$4\r\nmode\r\n$8\r\nsentinel\r\n$7\r\nmodules\r\n*0\r\n"},
	{words: "COMMAND INFO client|setinfo", want: "*1\r\n*10\r\n$14\r\nclient|setinfo\r\n:4\r\n*3\r\n+noscript\r\n+loading\r\n+stale\r\n:0\r\n:0\r\n:0\r\n*2\r\n+@slow\r\n+@connection\r\n" + allNodes + "*0\r\n*0\r\n"},
	{words: "COMMAND INFO client|setname", want: "*1\r\n*10\r\n$14\r\nclient|setname\r\n:3\r\n*3\r\n+noscript\r\n+loading\r\n+stale\r\n:0\r\n:0\r\n:0\r\n*2\r\n+@slow\r\n+@connection\r\n" + allNodes + "*0\r\n*0\r\n"},
	{words: "COMMAND INFO acl|save", want: "*1\r\n*10\r\n$8\r\nacl|save\r\n:2\r\n" + aclAdmin},
	{words: "COMMAND INFO acl|setuser", want: "*1\r\n*10\r\n$11\r\nacl|setuser\r\n:-3\r\n" + aclAdmin},
	{words: "COMMAND INFO acl|deluser", want: "*1\r\n*10\r\n$11\r\nacl|deluser\r\n:-3\r\n" + aclAdmin},
	{words: "COMMAND INFO sentinel|config", want: "*1\r\n*10\r\n$15\r\nsentinel|config\r\n:-4\r\n*1\r\n+admin\r\n:0\r\n:0\r\n:0\r\n*3\r\n+@admin\r\n+@slow\r\n+@dangerous\r\n*0\r\n*0\r\n*0\r\n"},
	{words: "COMMAND INFO command|getkeys", want: "*1\r\n*10\r\n$15\r\ncommand|getkeys\r\n:-3\r\n*2\r\n+loading\r\n+stale\r\n:0\r\n:0\r\n:0\r\n*2\r\n+@slow\r\n+@connection\r\n*0\r\n*0\r\n*0\r\n"},
	{words: "ACL LIST", want: "*1\r\n$34\r\nuser default on nopass ~* &* +@all\r\n"},
	{words: "ACL GETUSER default", want: "*12\r\n$5\r\nflags\r\n*2\r\n$2\r\non\r\n$6\r\nnopass\r\n$9\r\npasswords\r\n*0\r\n$8\r\ncommands\r\n$5\r\n+@all\r\n$4\r\nkeys\r\n$2\r\n~*\r\n$8\r\nchannels\r\n$2\r\n&*\r\n$9\r\nselectors\r\n*0\r\n"},
	{words: "SENTINEL CONFIG GET loglevel announce-port", want: "*4\r\n$8\r\nloglevel\r\n$6\r\nnotice\r\n$13\r\nannounce-port\r\n$1\r\n0\r\n"},
	{words: "HELLO 3 ;; SENTINEL CONFIG GET loglevel announce-port", want: hello3 + "%2\r\n$8\r\nloglevel\r\n$6\r\nnotice\r\n$13\r\nannounce-port\r\n$1\r\n0\r\n"},
	{words: "COMMAND GETKEYS ping", want: "-ERR The command has no key arguments\r\n"},
	{words: "CLIENT SETINFO lib-name", want: "-ERR wrong number of arguments for 'client|setinfo' command\r\n"},
}

// One master, which is never reached.
var masterVectors = []vector{
	{words: "ROLE", want: "*2\r\n$8\r\nsentinel\r\n*1\r\n$8\r\nmymaster\r\n"},
	{words: "SENTINEL GET-MASTER-ADDR-BY-NAME mymaster", want: "*2\r\n$9\r\n127.0.0.1\r\n$1\r\n0\r\n"},
	{words: "SENTINEL INFO-CACHE mymaster", want: "*2\r\n$8\r\nmymaster\r\n*1\r\n*2\r\n:0\r\n$-1\r\n"},
	{words: "HELLO 3 ;; SENTINEL INFO-CACHE mymaster", want: hello3 + "*2\r\n$8\r\nmymaster\r\n*1\r\n*2\r\n:0\r\n_\r\n"},
}

// The same, once it is down.
var downVectors = []vector{
	{words: "SENTINEL IS-MASTER-DOWN-BY-ADDR 127.0.0.1 0 0 *", want: "*3\r\n:1\r\n$1\r\n*\r\n:0\r\n"},
}

const (
	hello3 = "%6\r\n$6\r\nserver\r\n$5\r\nredis\r\n$7\r\nversion\r\n$5\r\n7.2.4\r\n$5\r\nproto\r\n:3\r\n$2\r\nid\r\n:<n>\r\n$4\r\nmode\r\n$8\r\nsentinel\r\n$7\r\nmodules\r\n*0\r\n"

	allNodes = "*2\r\n$24\r\nrequest_policy:all_nodes\r\n$29\r\nresponse_policy:all_succeeded\r\n"
	aclAdmin = "*4\r\n+admin\r\n+noscript\r\n+loading\r\n+stale\r\n:0\r\n:0\r\n:0\r\n*3\r\n+@admin\r\n+@slow\r\n+@dangerous\r\n" + allNodes + "*0\r\n*0\r\n"
)

var helloID = regexp.MustCompile(`\$2\r\nid\r\n:\d+\r\n`)

// Rule: K-B, K-C: the vectors of appendices B and C on the wire.
func TestVectors(t *testing.T) {
	bed := fixture.Bed(t)
	fresh, err := bed.Sentinel("fresh", testbed.SentinelOptions{})
	require.NoError(t, err)
	checkVectors(t, fresh, freshVectors)

	lines := []string{"sentinel monitor mymaster 127.0.0.1 0 2", "sentinel down-after-milliseconds mymaster 1500"}
	watching, err := bed.Sentinel("watching", testbed.SentinelOptions{Lines: lines})
	require.NoError(t, err)
	checkVectors(t, watching, masterVectors)
	fixture.Until(t, answerPatience, func() error {
		m, err := watching.State("mymaster")
		if err == nil && !strings.HasPrefix(m["flags"], "s_down") {
			return testbed.ErrNoLine
		}
		return err
	})
	checkVectors(t, watching, downVectors)
}

func checkVectors(t *testing.T, s *testbed.Sentinel, all []vector) {
	for _, v := range all {
		t.Run(v.words+v.raw, func(t *testing.T) {
			raw := v.raw
			if v.words != "" {
				o, err := parseOp(v.words)
				require.NoError(t, err)
				raw = string(o.bytes(strings.Clone))
			}
			require.Equal(t, v.want, rawAnswer(t, s, raw))
		})
	}
}

// rawAnswer sends bytes on a connection of their own and returns all that
// comes until the answer to a last unknown command, or until the end.
func rawAnswer(t *testing.T, s *testbed.Sentinel, raw string) string {
	c, err := dialWire("tcp", s.Addr())
	require.NoError(t, err)
	defer c.Close()
	require.NoError(t, c.SetDeadline(time.Now().Add(answerPatience)))
	const end = "-ERR unknown command 'zzend', with args beginning with: \r\n"
	_, err = c.Write(append([]byte(raw), resp.AppendCommand(nil, "zzend")...))
	require.NoError(t, err)
	var got []byte
	chunk := make([]byte, 4096)
	for {
		n, err := c.Read(chunk)
		got = append(got, chunk[:n]...)
		text := helloID.ReplaceAllString(string(got), "$$2\r\nid\r\n:<n>\r\n")
		if rest, ok := strings.CutSuffix(text, end); ok {
			return rest
		}
		if err != nil {
			require.Equal(t, "EOF", err.Error())
			return text + closes
		}
	}
}
