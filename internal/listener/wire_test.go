package listener

import (
	"strings"
	"testing"

	"gosentinel/internal/resp"
)

// Rule: K-1.2, K-1.3, K-1.4, K-1.5, K-3, K-4, K-5, K-8.1 and appendix B: bytes in, bytes out.
func TestWire(t *testing.T) {
	const helloTail = "$4\r\nmode\r\n$8\r\nsentinel\r\n$7\r\nmodules\r\n*0\r\n"
	tips := "*2\r\n$24\r\nrequest_policy:all_nodes\r\n$29\r\nresponse_policy:all_succeeded\r\n"
	for _, tc := range []struct{ name, in, out string }{
		{"inline PING", "PING\r\n", "+PONG\r\n"},
		{"inline without CR", "PING\n", "+PONG\r\n"},
		{"mixed forms", "*1\r\n$4\r\nPING\r\nPING\r\n*2\r\n$4\r\nPING\r\n$1\r\nx\r\n", "+PONG\r\n+PONG\r\n$1\r\nx\r\n"},
		{"quoted words", "PING \"a b\\x41\\n\"\r\n", "$5\r\na bA\n\r\n"},
		{"negative count is skipped", "*-5\r\nPING\r\n", "+PONG\r\n"},
		{"bytes after a payload are not checked", "*1\r\n$4\r\nPINGxx*1\r\n$4\r\nPING\r\n", "+PONG\r\n+PONG\r\n"},
		{"unknown command goes on", "QUIT\r\nPING\r\n", "-ERR unknown command 'QUIT', with args beginning with: \r\n+PONG\r\n"},
		{"unknown with arguments", "GET a\r\n", "-ERR unknown command 'GET', with args beginning with: 'a' \r\n"},
		{"empty name", "*1\r\n$0\r\n\r\n", "-ERR unknown command '', with args beginning with: \r\n"},
		{"container alone", "SENTINEL\r\n", "-ERR wrong number of arguments for 'sentinel' command\r\n"},
		{"unknown subcommand", "sentinel Foo bar\r\n", "-ERR unknown subcommand 'Foo'. Try SENTINEL HELP.\r\n"},
		{"full name as command", "sentinel|masters\r\n", "-ERR unknown command 'sentinel|masters', with args beginning with: \r\n"},
		{"arity of a subcommand", "SENTINEL MaStErS x\r\n", "-ERR wrong number of arguments for 'sentinel|masters' command\r\n"},
		{"role arity", "ROLE x\r\n", "-ERR wrong number of arguments for 'role' command\r\n"},
		{"ping arity", "PING a b\r\n", "-ERR wrong number of arguments for 'ping' command\r\n"},
		{"masters", "SENTINEL MASTERS\r\n", "*0\r\n"},
		{"role", "ROLE\r\n", "*2\r\n$8\r\nsentinel\r\n*0\r\n"},
		{"view of an unknown master", "SENTINEL GET-MASTER-ADDR-BY-NAME x\r\n", "*-1\r\n"},
		{"view of an unknown master in RESP3", "HELLO 3\r\nSENTINEL GET-MASTER-ADDR-BY-NAME x\r\n",
			"%6\r\n$6\r\nserver\r\n$5\r\nredis\r\n$7\r\nversion\r\n$5\r\n7.2.4\r\n$5\r\nproto\r\n:3\r\n$2\r\nid\r\n:1\r\n" + helloTail + "_\r\n"},
		{"view", "SENTINEL get-master-addr-by-name mymaster\r\n", "*2\r\n$9\r\n127.0.0.1\r\n$4\r\n6379\r\n"},
		{"view under its other name", "SENTINEL GET-PRIMARY-ADDR-BY-NAME mymaster\r\n", "*2\r\n$9\r\n127.0.0.1\r\n$4\r\n6379\r\n"},
		{"INFO of nothing", "INFO nosuch\r\n", "$0\r\n\r\n"},
		{"hello", "HELLO\r\n", "*12\r\n$6\r\nserver\r\n$5\r\nredis\r\n$7\r\nversion\r\n$5\r\n7.2.4\r\n$5\r\nproto\r\n:2\r\n$2\r\nid\r\n:1\r\n" + helloTail},
		{"subscribe", "SUBSCRIBE a b a\r\n", "*3\r\n$9\r\nsubscribe\r\n$1\r\na\r\n:1\r\n*3\r\n$9\r\nsubscribe\r\n$1\r\nb\r\n:2\r\n*3\r\n$9\r\nsubscribe\r\n$1\r\na\r\n:2\r\n"},
		{"subscribed PING", "SUBSCRIBE a\r\nPING\r\nPING x\r\n",
			"*3\r\n$9\r\nsubscribe\r\n$1\r\na\r\n:1\r\n*2\r\n$4\r\npong\r\n$0\r\n\r\n*2\r\n$4\r\npong\r\n$1\r\nx\r\n"},
		{"subscribed mode refuses the rest", "SUBSCRIBE a\r\nROLE\r\nCLIENT ID\r\nFOO\r\nUNSUBSCRIBE\r\nCLIENT ID\r\n",
			"*3\r\n$9\r\nsubscribe\r\n$1\r\na\r\n:1\r\n" +
				"-ERR Can't execute 'role': only (P|S)SUBSCRIBE / (P|S)UNSUBSCRIBE / PING / QUIT / RESET are allowed in this context\r\n" +
				"-ERR Can't execute 'client|id': only (P|S)SUBSCRIBE / (P|S)UNSUBSCRIBE / PING / QUIT / RESET are allowed in this context\r\n" +
				"-ERR unknown command 'FOO', with args beginning with: \r\n" +
				"*3\r\n$11\r\nunsubscribe\r\n$1\r\na\r\n:0\r\n:1\r\n"},
		{"unsubscribe without subscription", "UNSUBSCRIBE\r\nPUNSUBSCRIBE\r\nUNSUBSCRIBE x\r\n",
			"*3\r\n$11\r\nunsubscribe\r\n$-1\r\n:0\r\n*3\r\n$12\r\npunsubscribe\r\n$-1\r\n:0\r\n*3\r\n$11\r\nunsubscribe\r\n$1\r\nx\r\n:0\r\n"},
		{"command info ping", "COMMAND INFO ping\r\n", "*1\r\n*10\r\n$4\r\nping\r\n:-1\r\n*1\r\n+fast\r\n:0\r\n:0\r\n:0\r\n*2\r\n+@fast\r\n+@connection\r\n" +
			"*2\r\n$25\r\nrequest_policy:all_shards\r\n$29\r\nresponse_policy:all_succeeded\r\n*0\r\n*0\r\n"},
		{"command info of nothing", "COMMAND INFO nosuch\r\n", "*1\r\n$-1\r\n"},
		{"command info client|setinfo", "COMMAND INFO client|setinfo\r\n",
			"*1\r\n*10\r\n$14\r\nclient|setinfo\r\n:4\r\n*3\r\n+noscript\r\n+loading\r\n+stale\r\n:0\r\n:0\r\n:0\r\n*2\r\n+@slow\r\n+@connection\r\n" + tips + "*0\r\n*0\r\n"},
		{"command info acl|save", "COMMAND INFO ACL|Save\r\n",
			"*1\r\n*10\r\n$8\r\nacl|save\r\n:2\r\n*4\r\n+admin\r\n+noscript\r\n+loading\r\n+stale\r\n:0\r\n:0\r\n:0\r\n*3\r\n+@admin\r\n+@slow\r\n+@dangerous\r\n" + tips + "*0\r\n*0\r\n"},
		{"command info sentinel|config", "COMMAND INFO sentinel|config\r\n",
			"*1\r\n*10\r\n$15\r\nsentinel|config\r\n:-4\r\n*1\r\n+admin\r\n:0\r\n:0\r\n:0\r\n*3\r\n+@admin\r\n+@slow\r\n+@dangerous\r\n*0\r\n*0\r\n*0\r\n"},
		{"command getkeys", "COMMAND GETKEYS ping\r\nCOMMAND GETKEYS foo x\r\nCOMMAND GETKEYS sentinel foo\r\nCOMMAND GETKEYSANDFLAGS ping x\r\n",
			"-ERR The command has no key arguments\r\n-ERR Invalid command specified\r\n-ERR Invalid command specified\r\n-ERR The command has no key arguments\r\n"},
		{"command count", "COMMAND COUNT\r\n", ":15\r\n"},
		{"command list filters", "COMMAND LIST FILTERBY MODULE x\r\nCOMMAND LIST FILTERBY ACLCAT @fast\r\nCOMMAND LIST FILTERBY PATTERN PIN?\r\nCOMMAND LIST FOO\r\nCOMMAND LIST FILTERBY ACLCAT\r\n",
			"*0\r\n*0\r\n*1\r\n$4\r\nping\r\n-ERR syntax error\r\n-ERR syntax error\r\n"},
		{"command docs of nothing", "COMMAND DOCS foo\r\n", "*0\r\n"},
		{"setinfo arity", "CLIENT SETINFO lib-name\r\n", "-ERR wrong number of arguments for 'client|setinfo' command\r\n"},
		{"reply skip", "CLIENT REPLY SKIP\r\nPING a\r\nPING b\r\n", "$1\r\nb\r\n"},
		{"an empty request is skipped too", "CLIENT REPLY SKIP\r\n\r\nPING\r\nCLIENT REPLY SKIP\r\n*0\r\nPING\r\n", "+PONG\r\n+PONG\r\n"},
		{"reply on ends skipping", "CLIENT REPLY SKIP\r\nCLIENT REPLY ON\r\nPING\r\n", "+OK\r\n+PONG\r\n"},
		{"reply skip takes a loop command", "CLIENT REPLY SKIP\r\nROLE\r\nPING b\r\n", "$1\r\nb\r\n"},
		{"reply off and on", "CLIENT REPLY OFF\r\nPING\r\nROLE\r\nCLIENT REPLY SKIP\r\nCLIENT REPLY ON\r\nPING\r\n", "+OK\r\n+PONG\r\n"},
		{"order is kept between loop and local", "PING 1\r\nROLE\r\nPING 2\r\nSENTINEL MASTERS\r\nPUBLISH a b\r\nCLIENT ID\r\n",
			"$1\r\n1\r\n*2\r\n$8\r\nsentinel\r\n*0\r\n$1\r\n2\r\n*0\r\n:1\r\n:1\r\n"},
		{"acl list", "ACL LIST\r\nACL WHOAMI\r\nACL USERS\r\n", "*1\r\n$34\r\nuser default on nopass ~* &* +@all\r\n$7\r\ndefault\r\n*1\r\n$7\r\ndefault\r\n"},
		{"acl getuser", "ACL GETUSER default\r\nACL GETUSER nosuch\r\n", "*12\r\n$5\r\nflags\r\n*2\r\n$2\r\non\r\n$6\r\nnopass\r\n$9\r\npasswords\r\n*0\r\n$8\r\ncommands\r\n$5\r\n+@all\r\n" +
			"$4\r\nkeys\r\n$2\r\n~*\r\n$8\r\nchannels\r\n$2\r\n&*\r\n$9\r\nselectors\r\n*0\r\n$-1\r\n"},
		{"shapes that handlers refuse", "ACL CAT a b\r\nACL LOG RESET x\r\nACL GENPASS 1 2\r\nCLIENT PAUSE 1 ALL x\r\nCLIENT UNBLOCK 1 ERROR x\r\n",
			"-ERR unknown subcommand or wrong number of arguments for 'CAT'. Try ACL HELP.\r\n" +
				"-ERR unknown subcommand or wrong number of arguments for 'LOG'. Try ACL HELP.\r\n" +
				"-ERR unknown subcommand or wrong number of arguments for 'GENPASS'. Try ACL HELP.\r\n" +
				"-ERR unknown subcommand or wrong number of arguments for 'PAUSE'. Try CLIENT HELP.\r\n" +
				"-ERR unknown subcommand or wrong number of arguments for 'UNBLOCK'. Try CLIENT HELP.\r\n"},
		{"shutdown words", "SHUTDOWN SAVE NOSAVE\r\nSHUTDOWN foo\r\nSHUTDOWN ABORT NOW\r\nSHUTDOWN ABORT\r\nSHUTDOWN ABORT ABORT\r\n",
			"-ERR syntax error\r\n-ERR syntax error\r\n-ERR syntax error\r\n-ERR No shutdown in progress.\r\n-ERR No shutdown in progress.\r\n"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			w := start(t)
			w.loop.do(func() { w.s.Show("mymaster", "127.0.0.1", 6379, false) })
			u := w.dial()
			u.send(tc.in)
			u.expect(tc.out)
			u.ask("PING done", map[bool]string{false: "$4\r\ndone\r\n", true: "*2\r\n$4\r\npong\r\n$4\r\ndone\r\n"}[strings.HasPrefix(tc.name, "subscribe") && !strings.Contains(tc.in, "UNSUB")])
		})
	}
}

// Rule: K-8.2, each error is one line, then the connection closes; what came before is answered.
func TestProtocolErrors(t *testing.T) {
	long := strings.Repeat("x", resp.MaxInline+1)
	for _, tc := range []struct{ name, in, out string }{
		{"after a good request", "PING\r\n*1\r\nx\r\nPING\r\n", "+PONG\r\n-ERR Protocol error: expected '$', got 'x'\r\n"},
		{"after a request of the loop", "ROLE\r\n*1\r\nx\r\nPING\r\n", "*2\r\n$8\r\nsentinel\r\n*0\r\n-ERR Protocol error: expected '$', got 'x'\r\n"},
		{"CR for dollar", "*1\r\n\r\n", "-ERR Protocol error: expected '$', got ' '\r\n"},
		{"quotes", "PING \"a\r\n", "-ERR Protocol error: unbalanced quotes in request\r\n"},
		{"quote within a word", "PING \"a\"b\r\n", "-ERR Protocol error: unbalanced quotes in request\r\n"},
		{"count", "*abc\r\n", "-ERR Protocol error: invalid multibulk length\r\n"},
		{"count too large", "*2147483648\r\n", "-ERR Protocol error: invalid multibulk length\r\n"},
		{"bulk length", "*1\r\n$-1\r\n", "-ERR Protocol error: invalid bulk length\r\n"},
		{"bulk too large", "*1\r\n$536870913\r\n", "-ERR Protocol error: invalid bulk length\r\n"},
		{"long inline", long, "-ERR Protocol error: too big inline request\r\n"},
		{"long count", "*" + long, "-ERR Protocol error: too big mbulk count string\r\n"},
		{"long bulk header", "*1\r\n$" + long, "-ERR Protocol error: too big bulk count string\r\n"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			u := start(t).dial()
			u.send(tc.in)
			u.expect(tc.out)
			u.closed()
		})
	}
}
