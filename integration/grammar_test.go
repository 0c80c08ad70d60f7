package integration

import (
	"fmt"
	"math/rand/v2"
	"strings"
)

// grammar makes requests at random: commands, options and values that are
// right, nearly right and wrong. It leaves out what differs with intent and
// would leave the two Sentinels in different states; that is in the table.
type grammar struct{ *rand.Rand }

func (g grammar) pick(words ...string) string { return words[g.IntN(len(words))] }

// words are the parts of a request, cut at blanks; ~ stands for an empty word.
func words(parts ...string) (out []string) {
	for _, p := range parts {
		for w := range strings.FieldsSeq(p) {
			if w == "~" {
				w = ""
			}
			out = append(out, w)
		}
	}
	return out
}

// anyCase changes the case of a word, now and then.
func (g grammar) anyCase(s string) string {
	switch g.IntN(6) {
	case 0:
		return strings.ToUpper(s)
	case 1:
		return strings.ToUpper(s[:min(1, len(s))]) + s[min(1, len(s)):]
	}
	return s
}

func (g grammar) conn() string   { return g.pick("c", "c", "c", "d", "e", "s", "s") }
func (g grammar) master() string { return g.pick("mm", "mm", "a", "b", "a.b-c", "nosuch", "MM", "~") }
func (g grammar) user() string   { return g.pick("u1", "u2", "u3", "default", "nosuch") }
func (g grammar) number() string {
	return g.pick("0", "1", "2", "3", "10", "-1", "x", "~", "01", "+1", "1.5", "9223372036854775808", "100")
}

// op is one step at random.
func (g grammar) op() *op {
	conn := g.conn()
	switch n := g.IntN(100); {
	case n < 6:
		return g.raw(conn)
	case n < 14:
		var reqs [][]string
		for range 2 + g.IntN(4) {
			reqs = append(reqs, g.plain())
		}
		return newOp(conn, reqs...)
	case n < 17:
		return newOp(conn, words(g.pick("CLIENT REPLY OFF", "client reply off")), g.plain(), g.plain(), words("CLIENT REPLY ON"), g.plain())
	case n < 19:
		return newOp(conn, words("CLIENT REPLY SKIP"), g.plain(), g.plain())
	}
	r := g.request(conn)
	if g.IntN(25) == 0 { // one word too many, or too few
		if g.IntN(2) == 0 {
			r = append(r, g.pick("x", "", "77777"))
		} else if len(r) > 1 {
			r = r[:len(r)-1]
		}
	}
	if intended(r) {
		return newOp(conn, words("PING"))
	}
	return newOp(conn, r)
}

// intended reports requests that 7.2 takes and 7.0 refuses.
func intended(r []string) bool {
	text := strings.ToUpper(strings.Join(r, " "))
	return strings.HasPrefix(text, "SENTINEL CONFIG ") && len(r) == 3 ||
		strings.HasPrefix(text, "SENTINEL CONFIG GET ") && len(r) != 4 ||
		strings.HasPrefix(text, "SENTINEL CONFIG SET ") && len(r) > 5 ||
		strings.HasPrefix(text, "COMMAND GETKEYS") && len(r) == 3 ||
		strings.HasPrefix(text, "SHUTDOWN") && !strings.HasPrefix(text, "SHUTDOWN X") && text != "SHUTDOWN ABORT" ||
		strings.HasPrefix(text, "HELLO ") && helloFailsLate(r[1:]) ||
		strings.Contains(text, "SETINFO") || strings.Contains(text, "PRIMAR")
}

// helloFailsLate reports a HELLO whose options are wrong behind one that 7.0
// has carried out by then (6.3).
func helloFailsLate(r []string) bool {
	done := false
	for r = r[1:]; len(r) > 0; {
		switch o := strings.ToUpper(r[0]); {
		case o == "AUTH" && len(r) >= 3:
			r, done = r[3:], true
		case o == "SETNAME" && len(r) >= 2:
			r, done = r[2:], true
		default:
			return done
		}
	}
	return false
}

// plain is a request whose answer has one order and one form in all versions.
func (g grammar) plain() []string {
	return words([]string{
		"PING", "ping x", "PING ~", "PING a b", "foo", "FOO a b ~", "~", "QUIT", "GET a", "SELECT 0",
		"SENTINEL", "SENTINEL foo", "SENTINEL MYID", "SENTINEL MYID x", "sentinel master nosuch", "SENTINEL MASTERS x",
		"SENTINEL GET-MASTER-ADDR-BY-NAME " + g.master(), "SENTINEL CKQUORUM " + g.master(), "SENTINEL SET mm quorum " + g.pick("x", "0"),
		"SENTINEL IS-MASTER-DOWN-BY-ADDR 127.0.0.1 " + g.pick("0", "1", "x") + " 0 *", "SENTINEL FLUSHCONFIG",
		"ACL WHOAMI", "ACL USERS", "ACL FOO", "ACL GENPASS x", "CLIENT GETNAME", "CLIENT SETNAME " + g.pick("n1", "n2", "~"), "CLIENT FOO",
		"COMMAND COUNT", "COMMAND FOO", "CLIENT GETREDIR", "AUTH a b c", "ROLE x", "PUBLISH a b", "PUBLISH __sentinel__:hello x",
	}[g.IntN(35)])
}

// raw is bytes: inline requests, and requests that are not quite well-formed.
func (g grammar) raw(conn string) *op {
	var b strings.Builder
	for range 1 + g.IntN(3) {
		switch g.IntN(7) {
		case 0:
			fmt.Fprintf(&b, "%s%s", strings.Join(g.plain(), g.pick(" ", "  ", "\t")), g.pick("\r\n", "\n"))
		case 1:
			b.WriteString(g.pick(`PING "a b"`, `PING 'a\'b'`, `PING "\x41\n\t\\\""`, `"PING" x`, `PING "\xZZ"`, `PING ""`, `PING "a`, `PING "a"b`, `PING 'x`, `PING a"b"`) + "\r\n")
		case 2:
			b.WriteString(g.pick("\r\n", "\n", " \r\n", "*0\r\n", "*-1\r\n", "*-5\r\n"))
		case 3:
			b.WriteString(g.pick("*1\r\n$4\r\nPING\r\n", "*1\r\n$4\r\nPINGxx", "*1\rx$4\rxPING\r\n", "*2\r\n$4\r\nPING\r\n$0\r\n\r\n", "*1\r\n$0\r\n\r\n"))
		case 4:
			b.WriteString(g.pick("*x\r\n", "*\r\n", "*+1\r\n", "*01\r\n", "*1\r\n$x\r\n", "*1\r\n$-1\r\n", "*1\r\nPING\r\n", "*1\r\n$01\r\n", "*1\r\n:1\r\n", "*2147483648\r\n", "*1\r\n$999999999999\r\n"))
		default:
			r := g.plain()
			fmt.Fprintf(&b, "*%d\r\n", len(r))
			for _, w := range r {
				fmt.Fprintf(&b, "$%d\r\n%s\r\n", len(w), w)
			}
		}
	}
	o := &op{conn: conn, raw: true, reqs: [][]string{{b.String()}}}
	o.write()
	return o
}

// request is one request of the whole surface.
func (g grammar) request(conn string) []string {
	switch n := g.IntN(100); {
	case n < 8:
		return g.plain()
	case n < 42:
		return g.sentinel()
	case n < 58:
		return g.acl()
	case n < 76:
		return g.client(conn)
	case n < 86:
		return g.pubsub(conn)
	case n < 92:
		return g.hello()
	case n < 96:
		return g.command()
	}
	return words([]string{
		"INFO", "INFO sentinel", "INFO SERVER stats", "INFO nosuch", "info everything", "ROLE", "role", "SHUTDOWN xyz", "SHUTDOWN ABORT", "AUTH x", "AUTH default x",
		"AUTH " + g.user() + " " + g.pick("p1", "p2"),
	}[g.IntN(12)])
}

func (g grammar) sentinel() []string {
	first, m := g.anyCase("sentinel"), g.master()
	switch g.IntN(24) {
	case 0, 1:
		return words(first, g.pick("MASTERS", "masters"))
	case 2:
		return words(first, g.anyCase("master"), m)
	case 3:
		return words(first, g.pick("REPLICAS", "SLAVES", "sentinels"), m)
	case 4:
		return words(first, "get-master-addr-by-name", m)
	case 5:
		return words(first, "CKQUORUM", m)
	case 6:
		return words(first, "INFO-CACHE", m, g.master())
	case 7:
		return words(first, "RESET", g.pick("*", "a*", "[ab]", "?", "mm", "nosuch", "~", "A*", "\\a", "[^m]*"))
	case 8:
		return words(first, "FAILOVER", m)
	case 9, 10, 11:
		return words(first, "MONITOR", g.pick("a", "b", "a.b-c", "a", "mm"), g.pick("127.0.0.2", "127.0.0.3", "::1", "300.1.1.1", "nosuchhost", "~"),
			g.pick("0", "0", "0", "0", "65536", "-1", "x", "~"), g.pick("1", "2", "3", "0", "-1", "x"))
	case 12:
		return words(first, "REMOVE", g.pick("a", "b", "a.b-c", "nosuch"))
	case 13, 14, 15, 16:
		return g.set(first, m)
	case 17, 18:
		return g.config(first)
	case 19:
		return words(first, "DEBUG", []string{
			"", "info-period " + g.number(), "PING-PERIOD 1000 ask-period " + g.number(), "nosuch 1", "default-failover-timeout 77777",
			"Election-Timeout x", "script-retry-delay 1000 nosuch 3", "tilt-period 30000",
		}[g.IntN(8)])
	case 20, 21:
		return words(first, "is-master-down-by-addr", g.pick("127.0.0.1", "127.0.0.2", "127.0.0.3", "::1", "nosuchhost"), g.pick("0", "0", "1", "x", "70000"),
			g.pick("0", "0", "0", "x", "~"), g.pick("*", "*", "*", "node-a-"+strings.Repeat("x", 33)))
	case 22:
		return words(first, "SIMULATE-FAILURE", g.pick("help", "crash-after-election", "CRASH-AFTER-PROMOTION", "nosuch", "crash-after-election help"))
	}
	return words(first, g.pick("PENDING-SCRIPTS", "MYID", "FLUSHCONFIG", "foo", "HELP", "masters x", "~", "CONFIG", "SET a", "INFO-CACHE"))
}

func (g grammar) set(first, m string) []string {
	r := words(first, "SET", m)
	for range 1 + g.IntN(3) {
		switch o := g.anyCase(g.pick("quorum", "failover-timeout", "parallel-syncs", "master-reboot-down-after-period", "auth-pass", "auth-user", "rename-command", "notification-script", "nosuch")); strings.ToLower(o) {
		case "quorum", "parallel-syncs", "failover-timeout", "master-reboot-down-after-period":
			v := g.number()
			if v == "~" {
				v = ""
			}
			r = append(r, o, v)
		case "rename-command":
			r = append(r, words(o, g.pick("config", "SLAVEOF", "x", "~"), g.pick("config", "y", "~", "X"))...)
		default:
			r = append(r, words(o, g.pick("abc", "~", "/bin/true", "d"))...)
		}
	}
	if g.IntN(8) == 0 {
		r = r[:len(r)-1]
	}
	return r
}

func (g grammar) config(first string) []string {
	key := g.anyCase(g.pick("resolve-hostnames", "announce-hostnames", "announce-ip", "announce-port", "sentinel-user", "sentinel-pass", "nosuch"))
	switch g.IntN(6) {
	case 0:
		return words(first, "CONFIG", "GET", g.pick(key, "*-hostnames", "announce-*", "SENTINEL-*", "~", "*p*t", "nosuch"))
	case 1:
		return words(first, "CONFIG", g.pick("FOO", "SET", "GET", "FOO a", "FOO a b", "SET "+key))
	}
	// Host names stay unresolved: the answers of a resolver take their time.
	if strings.EqualFold(key, "resolve-hostnames") {
		return words(first, "CONFIG SET", key, g.pick("no", "NO", "maybe", "~"))
	}
	return words(first, "config", "Set", key, g.pick("yes", "no", "1.2.3.4", "1234", "65536", "-1", "0", "~", "bob"))
}

// aclRule is a rule for ACL SETUSER.
func (g grammar) aclRule() string {
	return g.pick("on", "off", "nopass", "resetpass", ">p1", ">p2", "<p1", "<nosuch", "#abc", "!abc", "allkeys", "~*", "~a*", "%R~b", "%RW~c", "%~x", "resetkeys",
		"allchannels", "resetchannels", "&*", "&a*", "&+sw*", "&__sentinel__:hello", "+@all", "-@all", "allcommands", "nocommands", "+@admin", "-@admin", "+@fast",
		"-@slow", "+@pubsub", "+@connection", "-@dangerous", "+@nosuch", "+ping", "-ping", "+PING", "+sentinel", "-sentinel", "+sentinel|masters", "-sentinel|set", "+sentinel|nosuch",
		"+acl", "-acl|setuser", "+client", "-client|kill", "+client|id", "+info", "+subscribe", "+psubscribe", "+publish", "+get", "-role", "+hello", "foo", "reset",
		"(+ping)", "(+info &b)", "(foo)", "(+role", "clearselectors", "sanitize-payload", "skip-sanitize-payload", "~", "+", "+@")
}

func (g grammar) acl() []string {
	first, u := g.anyCase("acl"), g.pick("u1", "u2", "u3")
	switch g.IntN(14) {
	case 0, 1, 2, 3:
		r := words(first, "SETUSER", u)
		for range g.IntN(5) {
			r = append(r, words(g.aclRule())...)
		}
		return r
	case 4, 5, 6:
		return words(first, "DRYRUN", g.user(), g.pick("ping", "sentinel masters", "sentinel set mm quorum 1", "SENTINEL myid", "acl whoami", "acl setuser x", "client id", "client kill a",
			"info", "role", "hello", "auth x", "subscribe a b", "subscribe ab", "psubscribe a*", "psubscribe *", "publish a x", "publish __sentinel__:hello x", "unsubscribe", "nosuch", "sentinel", "sentinel foo", "get x"))
	case 7:
		return words(first, "GETUSER", g.user())
	case 8:
		return words(first, g.pick("LIST", "USERS", "WHOAMI"))
	case 9:
		return words(first, "DELUSER", g.user())
	case 10:
		return words(first, "LOG", g.pick("", "1", "0", "RESET", "x", "-1"))
	case 11:
		return words(first, "CAT", g.pick("", "admin", "nosuch", "PUBSUB", "read"))
	case 12:
		return words(first, "GENPASS", g.number())
	}
	return words(first, g.pick("SAVE", "LOAD", "HELP", "foo", "SETUSER", "GETUSER", "LOG RESET x"))
}

func (g grammar) client(conn string) []string {
	first, other := g.anyCase("client"), g.pick("c", "d", "e", "s")
	switch g.IntN(20) {
	case 0, 1:
		return words(first, "LIST", g.pick("", "TYPE normal", "TYPE PUBSUB", "TYPE replica", "TYPE foo", "ID {id:"+other+"}", "ID x", "ID 99999", "ID {id:c} {id:"+other+"}", "FOO", "ID"))
	case 2:
		return words(first, "INFO")
	case 3, 4:
		return words(first, "SETNAME", g.pick("n1", "n-2", "~", "é", "a\x01"))
	case 5:
		return words(first, "GETNAME")
	case 6:
		return words(first, "ID")
	case 7, 8:
		if other == conn { // whoever ends itself is in the table
			return words(first, "KILL ID 99999")
		}
		return words(first, "KILL", g.pick("{addr:"+other+"}", "ID {id:"+other+"}", "ADDR {addr:"+other+"}", "ID {id:"+other+"} TYPE normal", "ID {id:"+other+"} USER u1", "USER u1 SKIPME yes", "ADDR {addr:"+other+"} SKIPME no"))
	case 9:
		return words(first, "KILL", g.pick("ID 0", "ID x", "1.2.3.4:5", "TYPE foo", "USER nosuch", "SKIPME maybe", "FOO bar", "ID 99999", "TYPE master", "LADDR 1.2.3.4:5", "ID", "ID 99999 FOO bar"))
	case 10:
		return words(first, "PAUSE", g.pick("0", "1", "5", "-1", "x", "5 ALL", "5 write", "5 foo", "1 ALL x"))
	case 11:
		return words(first, "UNPAUSE")
	case 12:
		return words(first, "UNBLOCK", g.pick("x", "99999", "{id:"+other+"}", "1 TIMEOUT", "1 FOO", "99999 error"))
	case 13, 14:
		return words(first, "TRACKING", g.pick("on", "off", "ON", "foo", "on OPTIN", "on OPTOUT", "on BCAST", "on BCAST PREFIX a", "on PREFIX a", "on OPTIN OPTOUT", "on NOLOOP", "off x", "on REDIRECT x", "on REDIRECT 99999", "on BCAST PREFIX ab PREFIX a"))
	case 15:
		return words(first, "TRACKINGINFO")
	case 16:
		return words(first, g.pick("GETREDIR", "CACHING yes", "CACHING no", "CACHING foo"))
	case 17:
		return words(first, "NO-EVICT", g.pick("on", "off", "foo"))
	case 18:
		return words(first, "REPLY", g.pick("ON", "on", "foo"))
	}
	return words(first, g.pick("HELP", "foo", "KILL", "LIST x", "~", "NO-TOUCH on", "CAPA x"))
}

func (g grammar) pubsub(conn string) []string {
	channel := func() string {
		return g.pick("a", "b", "+set", "+monitor", "-monitor", "+reset-master", "+sentinel", "__sentinel__:hello", "~")
	}
	pattern := func() string { return g.pick("*", "+s*", "[-+]m*", "a?", "nosuch*", "~") }
	if conn != "s" && g.IntN(3) > 0 {
		return g.publish()
	}
	switch g.IntN(8) {
	case 0, 1:
		return words(g.anyCase("subscribe"), channel(), g.pick("", channel()))
	case 2, 3:
		return words(g.anyCase("psubscribe"), pattern(), g.pick("", pattern()))
	case 4:
		return words(g.anyCase("unsubscribe"), g.pick("", "", channel()))
	case 5:
		return words(g.anyCase("punsubscribe"), g.pick("", "", pattern()))
	}
	return g.publish()
}

// publish is PUBLISH of a hello, mostly of a peer that nobody answers for.
func (g grammar) publish() []string {
	id := strings.Repeat(g.pick("a", "b", "c"), 40)
	hello := fmt.Sprintf("127.0.0.%s,{silent},%s,0,%s,127.0.0.1,%s,0", g.pick("7", "8", "9"), id, g.pick("mm", "mm", "nosuch"), "{silent}")
	return words("PUBLISH", g.pick("__sentinel__:hello", "__sentinel__:hello", "a", "__SENTINEL__:HELLO"), g.pick(hello, hello, "junk", "~", ",,,,,,,", "1,2,3"))
}

func (g grammar) hello() []string {
	u := g.pick("default", "u1", "u2", "nosuch")
	return words(g.anyCase("hello"), g.pick("", "2", "3", "3", "2", "4", "x", "~", "02"), g.pick("", "", "", "AUTH "+u+" p1", "SETNAME h1", "AUTH "+u, "SETNAME", "FOO", "AUTH default x SETNAME h2"))
}

func (g grammar) command() []string {
	return words(g.anyCase("command"), []string{
		"", "INFO", "COUNT", "LIST", "LIST FILTERBY MODULE x", "LIST FILTERBY ACLCAT " + g.pick("admin", "slow", "nosuch"), "LIST FILTERBY PATTERN " + g.pick("*", "p*", "~"),
		"LIST FOO", "INFO ping nosuch", "INFO sentinel|set", "DOCS ping", "DOCS nosuch", "GETKEYS ping x", "GETKEYS foo x", "HELP", "FOO", "GETKEYS sentinel masters",
	}[g.IntN(17)])
}
