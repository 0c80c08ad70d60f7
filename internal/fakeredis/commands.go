package fakeredis

import (
	"net"
	"strconv"
	"strings"

	"gosentinel/internal/resp"
)

// command is one row of the command table.
type command struct {
	args  int  // least number of words, the name included
	free  bool // allowed before AUTH
	run   func(c *client, args []string) replies
	outer bool // not queued by MULTI
}

// commands is the table, but for EXEC, which looks into it.
var commands = map[string]command{
	"PING":      {args: 1, run: ping},
	"AUTH":      {args: 2, run: auth, free: true},
	"INFO":      {args: 1, run: info},
	"ROLE":      {args: 1, run: role},
	"CLIENT":    {args: 2, run: clientCommand},
	"CONFIG":    {args: 2, run: config},
	"PUBLISH":   {args: 3, run: publish},
	"SUBSCRIBE": {args: 2, run: subscribe},
	"SLAVEOF":   {args: 3, run: slaveof},
	"REPLICAOF": {args: 3, run: slaveof},
	"SET":       {args: 3, run: set},
	"GET":       {args: 2, run: get},
	"MULTI":     {args: 1, run: multi, outer: true},
	"DISCARD":   {args: 1, run: discard, outer: true},
}

func one(v resp.Value) replies { return replies{v} }

func fail(text string) replies { return one(resp.Err(text)) }

// execute carries out one request.
func (c *client) execute(args []string) replies {
	name := strings.ToUpper(args[0])
	if name == "EXEC" && c.authed {
		return c.exec()
	}
	cmd, known := commands[name]
	switch {
	case !known:
		c.dirty = true
		return fail("ERR unknown command '" + args[0] + "'")
	case len(args) < cmd.args:
		c.dirty = true
		return fail("ERR wrong number of arguments for '" + strings.ToLower(name) + "' command")
	case !c.authed && !cmd.free:
		return fail("NOAUTH Authentication required.")
	case c.multi && !cmd.outer:
		if len(c.queued) >= maxQueued {
			c.dirty = true
			return fail("ERR too many commands in one transaction")
		}
		c.queued = append(c.queued, args)
		return one(resp.Status("QUEUED"))
	}
	return cmd.run(c, args)
}

func ping(c *client, _ []string) replies {
	if len(c.channels) > 0 {
		return one(resp.List(resp.Str("pong"), resp.Str("")))
	}
	return one(resp.Status("PONG"))
}

func auth(c *client, args []string) replies {
	user, pass := "default", args[len(args)-1]
	if len(args) > 2 {
		user = args[1]
	}
	switch {
	case c.i.password == "" && len(args) == 2:
		return fail("ERR AUTH <password> called without any password configured for the default user. Are you sure your configuration is correct?")
	case user != "default" || c.i.password != "" && pass != c.i.password:
		return fail("WRONGPASS invalid username-password pair or user is disabled.")
	}
	c.authed = true
	return one(resp.OK)
}

func role(c *client, _ []string) replies {
	c.i.fleet.mu.Lock()
	defer c.i.fleet.mu.Unlock()
	i := c.i
	if i.master == "" {
		var rs []resp.Value
		for _, r := range i.replicas() {
			host, port := split(r.addr)
			rs = append(rs, resp.List(resp.Str(host), resp.Str(port), resp.Str(strconv.FormatInt(r.offset, 10))))
		}
		return one(resp.List(resp.Str("master"), resp.Int(i.offset), resp.List(rs...)))
	}
	host, port := split(i.master)
	n, _ := strconv.ParseInt(port, 10, 64)
	link := "connect"
	if i.linked {
		link = "connected"
	}
	return one(resp.List(resp.Str("slave"), resp.Str(host), resp.Int(n), resp.Str(link), resp.Int(i.offset)))
}

// clientCommand is SETNAME, GETNAME, ID and KILL TYPE normal|pubsub, which
// spares the caller.
func clientCommand(c *client, args []string) replies {
	c.i.fleet.mu.Lock()
	defer c.i.fleet.mu.Unlock()
	switch sub := strings.ToUpper(args[1]); {
	case sub == "SETNAME" && len(args) == 3:
		c.name = args[2]
		return one(resp.OK)
	case sub == "GETNAME" && len(args) == 2:
		return one(resp.Str(c.name))
	case sub == "ID" && len(args) == 2:
		return one(resp.Int(c.id))
	case sub == "KILL" && len(args) == 4 && strings.EqualFold(args[2], "TYPE"):
		return c.kill(strings.ToLower(args[3]))
	}
	return fail("ERR syntax error")
}

func (c *client) kill(kind string) replies {
	if kind != "normal" && kind != "pubsub" {
		return fail("ERR Unknown client type '" + kind + "'")
	}
	killed := int64(0)
	for x := range c.i.clients {
		if x != c && (kind == "pubsub") == (len(x.channels) > 0) {
			x.conn.Close()
			killed++
		}
	}
	return one(resp.Int(killed))
}

func config(c *client, args []string) replies {
	c.i.fleet.mu.Lock()
	defer c.i.fleet.mu.Unlock()
	switch sub := strings.ToUpper(args[1]); {
	case sub == "REWRITE" && len(args) == 2:
		c.i.saved = c.i.master
		return one(resp.OK)
	case sub == "SET" && len(args) == 4 && (args[2] == "replica-priority" || args[2] == "slave-priority"):
		n, err := strconv.Atoi(args[3])
		if err != nil || n < 0 {
			return fail("ERR CONFIG SET failed (possibly related to argument '" + args[2] + "') - argument couldn't be parsed into an integer")
		}
		c.i.priority = n
		return one(resp.OK)
	}
	return fail("ERR Unknown subcommand or wrong number of arguments for '" + args[1] + "'. Try CONFIG HELP.")
}

func slaveof(c *client, args []string) replies {
	addr := ""
	if !strings.EqualFold(args[1], "no") || !strings.EqualFold(args[2], "one") {
		if n, err := strconv.Atoi(args[2]); err != nil || n < 0 || n > 65535 {
			return fail("ERR Invalid master port")
		}
		addr = net.JoinHostPort(args[1], args[2])
	}
	c.i.fleet.mu.Lock()
	defer c.i.fleet.mu.Unlock()
	c.i.follow(addr)
	return one(resp.OK)
}

func set(c *client, args []string) replies {
	c.i.fleet.mu.Lock()
	defer c.i.fleet.mu.Unlock()
	_, had := c.i.data[args[1]]
	switch {
	case c.i.master != "":
		return fail("READONLY You can't write against a read only replica.")
	case len(args[1])+len(args[2]) > maxValue || !had && len(c.i.data) >= maxKeys:
		return fail("OOM command not allowed when used memory > 'maxmemory'.")
	}
	c.i.replicate(len(args[1])+len(args[2])+32, func(x *Instance) { x.data[args[1]] = args[2] })
	return one(resp.OK)
}

func get(c *client, args []string) replies {
	c.i.fleet.mu.Lock()
	defer c.i.fleet.mu.Unlock()
	v, ok := c.i.data[args[1]]
	if !ok {
		return one(resp.Value{})
	}
	return one(resp.Str(v))
}

func multi(c *client, _ []string) replies {
	if c.multi {
		return fail("ERR MULTI calls can not be nested")
	}
	c.multi, c.dirty = true, false
	return one(resp.OK)
}

func discard(c *client, _ []string) replies {
	if !c.multi {
		return fail("ERR DISCARD without MULTI")
	}
	c.multi, c.queued = false, nil
	return one(resp.OK)
}

func (c *client) exec() replies {
	if !c.multi {
		return fail("ERR EXEC without MULTI")
	}
	queued := c.queued
	c.multi, c.queued = false, nil
	if c.dirty {
		return fail("EXECABORT Transaction discarded because of previous errors.")
	}
	var out []resp.Value
	for _, args := range queued {
		out = append(out, c.execute(args)...)
	}
	return one(resp.List(out...))
}

func split(addr string) (host, port string) {
	host, port, _ = net.SplitHostPort(addr)
	return host, port
}
