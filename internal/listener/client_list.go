package listener

import (
	"strconv"
	"strings"
	"time"

	"gosentinel/internal/acl"
	"gosentinel/internal/command"
	"gosentinel/internal/resp"
)

// line describes the client as CLIENT LIST does, without a line feed.
//
// Rule: K-6.5, appendix C.
func (c *client) line() string {
	now := c.s.uptime()
	in, room := c.inLen.Load(), c.inCap.Load()
	argv := c.argBytes.Load()
	last := "NULL"
	if cmd := c.last.Load(); cmd != nil {
		last = cmd.FullName
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	o := &c.output
	pieces := len(o.queue) + len(o.held)
	b := make([]byte, 0, 320)
	text := func(key, value string) {
		if len(b) > 0 {
			b = append(b, ' ')
		}
		b = append(append(append(b, key...), '='), value...)
	}
	number := func(key string, n int64) { text(key, strconv.FormatInt(n, 10)) }

	text("id", strconv.FormatUint(c.id, 10))
	text("addr", c.addr)
	text("laddr", c.laddr)
	number("fd", int64(c.fd))
	text("name", c.info.name)
	number("age", int64((now-c.born)/time.Second))
	number("idle", int64((now-time.Duration(c.active.Load()))/time.Second))
	text("flags", c.flags())
	number("db", 0)
	number("sub", int64(len(c.subs.channels)))
	number("psub", int64(len(c.subs.patterns)))
	number("ssub", 0)
	number("multi", -1)
	number("qbuf", in)
	number("qbuf-free", max(0, room-in))
	number("argv-mem", argv)
	number("multi-mem", 0)
	number("rbs", readSize)
	number("rbp", 0)
	number("obl", 0)
	number("oll", int64(pieces))
	number("omem", o.pending)
	number("tot-mem", room+argv+o.pending+int64(c.subs.bytes)+clientCost)
	text("events", "r")
	text("cmd", last)
	text("user", c.user.Load().name)
	number("redir", c.tracking.redir())
	number("resp", int64(c.info.proto))
	text("lib-name", c.info.libName)
	text("lib-ver", c.info.libVer)
	return string(b)
}

// maxLogLine bounds what ACL LOG keeps of a client's line, in bytes.
const maxLogLine = 2048

// logLine is line, cut short if the client chose long names.
func (c *client) logLine() string {
	line := c.line()
	return line[:min(len(line), maxLogLine)]
}

// clientCost is about what a client takes beside its buffers, in bytes.
const clientCost = 16 << 10

// flags are the letters of CLIENT LIST. The caller holds mu.
func (c *client) flags() string {
	var f []byte
	for _, l := range []struct {
		set    bool
		letter byte
	}{
		{c.subs.count() > 0, 'P'}, {c.parked.Load(), 'b'}, {c.tracking.on, 't'}, {c.tracking.on && c.tracking.bcast, 'B'}, {c.output.dead, 'A'},
		{c.unix, 'U'}, {c.noEvict.Load(), 'e'},
	} {
		if l.set {
			f = append(f, l.letter)
		}
	}
	if len(f) == 0 {
		return "N"
	}
	return string(f)
}

// client gives the client of that id, nil if there is none.
func (s *Server) client(id int64) *client {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.clients[uint64(id)]
}

// kinds of clients for CLIENT LIST TYPE and CLIENT KILL TYPE.
type clientKind uint8

const (
	anyKind clientKind = iota
	normalKind
	pubsubKind
	otherKind // masters and replicas: a Sentinel has none
)

func parseKind(word []byte) (clientKind, bool) {
	switch strings.ToLower(string(word)) {
	case "normal":
		return normalKind, true
	case "pubsub":
		return pubsubKind, true
	case "master", "slave", "replica":
		return otherKind, true
	}
	return anyKind, false
}

func (c *client) is(kind clientKind) bool {
	if kind == anyKind {
		return true
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	return kind == normalKind && c.subs.count() == 0 || kind == pubsubKind && c.subs.count() > 0
}

func unknownType(word []byte) resp.Value {
	return resp.Err("ERR Unknown client type '" + string(word) + "'")
}

func clientInfo(c *client, _ *command.Command, _ [][]byte) {
	c.say(resp.Value{Kind: resp.Verbatim, Str: c.line() + "\n"})
}

func clientList(c *client, _ *command.Command, args [][]byte) {
	kind, list := anyKind, []*client(nil)
	switch {
	case len(args) == 2:
		list = c.s.all()
	case len(args) == 4 && is(args[2], "type"):
		var ok bool
		if kind, ok = parseKind(args[3]); !ok {
			c.say(unknownType(args[3]))
			return
		}
		list = c.s.all()
	case len(args) > 3 && is(args[2], "id"):
		for _, a := range args[3:] {
			id, ok := resp.ParseInt(a)
			if !ok {
				c.say(resp.Err("ERR Invalid client ID"))
				return
			}
			if found := c.s.client(id); found != nil {
				list = append(list, found)
			}
		}
	default:
		c.say(syntaxError())
		return
	}
	c.sayLines(list, kind)
}

// sayLines replies with the lines of clients of a kind. One that is named again
// has its line made once.
func (c *client) sayLines(list []*client, kind clientKind) {
	lines, made, kept, length := make([]string, 0, len(list)), make(map[*client]string), 0, 0
	for _, other := range list {
		line, again := made[other]
		if !again {
			if other.is(kind) {
				line = other.line() + "\n"
			}
			made[other] = line
			kept += len(line)
		}
		lines = append(lines, line)
		length += len(line)
	}
	p := c.long(kept)
	defer p.end()
	if !p.openText(resp.Verbatim, length) {
		return
	}
	for _, line := range lines {
		if !p.part(line) {
			return
		}
	}
	p.part("\r\n")
}

// killFilter is what CLIENT KILL asks for; zero fields match all.
type killFilter struct {
	id          int64
	kind        clientKind
	addr, laddr string
	user        *acl.User
	skipMe      bool
}

func (f *killFilter) matches(c *client) bool {
	return (f.id == 0 || c.id == uint64(f.id)) && (f.addr == "" || c.addr == f.addr) && (f.laddr == "" || c.laddr == f.laddr) &&
		(f.user == nil || c.user.Load().User == f.user) && c.is(f.kind)
}

func clientKill(c *client, _ *command.Command, args [][]byte) {
	if len(args) == 3 { // the old form: an address, which may be one's own
		addr := string(args[2])
		for _, other := range c.s.all() {
			if other.addr == addr {
				c.say(resp.OK)
				c.end(other)
				return
			}
		}
		c.say(resp.Err("ERR No such client"))
		return
	}
	filter, problem := c.parseKill(args)
	if problem.Kind != resp.None {
		c.say(problem)
		return
	}
	killed := 0
	for _, other := range c.s.all() {
		if filter.matches(other) && (other != c || !filter.skipMe) {
			killed++
			c.end(other)
		}
	}
	c.say(resp.Int(int64(killed)))
}

// parseKill reads the filters; problem is of Kind None if they are good.
func (c *client) parseKill(args [][]byte) (filter killFilter, problem resp.Value) {
	filter.skipMe = true
	for i := 2; i < len(args); i += 2 {
		if i+1 == len(args) {
			return filter, syntaxError()
		}
		value, ok := args[i+1], true
		switch {
		case is(args[i], "id"):
			if filter.id, ok = resp.ParseInt(value); !ok || filter.id < 1 {
				return filter, resp.Err("ERR client-id should be greater than 0")
			}
		case is(args[i], "type"):
			if filter.kind, ok = parseKind(value); !ok {
				return filter, unknownType(value)
			}
		case is(args[i], "addr"):
			filter.addr = string(value)
		case is(args[i], "laddr"):
			filter.laddr = string(value)
		case is(args[i], "user"):
			c.s.usersMu.RLock()
			filter.user = c.s.o.Users.User(string(value))
			c.s.usersMu.RUnlock()
			if filter.user == nil {
				return filter, resp.Err("ERR No such user '" + string(value) + "'")
			}
		case is(args[i], "skipme") && (is(value, "yes") || is(value, "no")):
			filter.skipMe = is(value, "yes")
		default:
			return filter, syntaxError()
		}
	}
	return filter, resp.Value{Kind: resp.None}
}

// end closes a connection: another one at once, this one after its reply.
func (c *client) end(other *client) {
	if other == c {
		c.leaving = true
		return
	}
	other.kill()
}
