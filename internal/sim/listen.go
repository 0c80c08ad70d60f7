package sim

import (
	"strings"
	"time"

	"gosentinel/internal/resp"
	"gosentinel/sentinel"
)

// inbound is a connection that a client or a peer made to a Sentinel. What has
// come goes to the core together, as the listener does it: nothing more is read
// until all of it is answered, in order.
type inbound struct {
	c      *conn
	name   string
	authed bool
	queue  []msg
	next   int        // command of queue[0] that is served next
	open   []*request // gone to the core and not answered to the client, in order
}

// request is a command that the core is asked.
type request struct {
	in       *inbound
	args     []string
	since    time.Duration
	reply    func(resp.Value)
	tag      sentinel.Tag // of the message of which it is the last command; 0 = no reply
	answered bool
	value    resp.Value
}

// serve takes what comes on a connection from outside.
func (n *Node) serve(c *conn, m *msg) {
	switch m.kind {
	case msgAccepted:
		c.ends[1].user = &inbound{c: c, authed: n.opt.Boot.RequirePass.Reveal() == ""}
	case msgRequest:
		in := c.ends[1].user.(*inbound)
		in.queue = append(in.queue, *m)
		n.ready = append(n.ready, in)
		if n.silent {
			n.waiting = append(n.waiting, func() { n.ready = append(n.ready, in) })
		}
		n.finish()
	}
}

// work replies what is answered, and serves what has come if that was all.
func (n *Node) work(in *inbound) {
	for len(in.open) > 0 && in.open[0].answered {
		if r := in.open[0]; r.tag != 0 {
			in.c.send(1, msg{kind: msgReply, tag: r.tag, value: r.value})
		}
		in.open = in.open[1:]
	}
	if len(in.open) > 0 || n.silent {
		return
	}
	for n.core != nil && len(in.queue) > 0 {
		m := &in.queue[0]
		cmd := m.cmds[in.next]
		tag := sentinel.Tag(0)
		if in.next == len(m.cmds)-1 {
			tag = m.tag
		}
		if in.isLocal(cmd) {
			if len(in.open) > 0 {
				return // the listener answers nothing before what came earlier
			}
			if v := n.listen(in, cmd); tag != 0 {
				in.c.send(1, msg{kind: msgReply, tag: tag, value: v})
			}
		} else {
			r := &request{in: in, args: cmd, since: n.w.now, tag: tag}
			in.open = append(in.open, r)
			n.ask(in.name, r)
		}
		if in.next++; in.next == len(m.cmds) {
			in.queue[0] = msg{}
			in.queue, in.next = in.queue[1:], 0
		}
	}
	in.queue = nil
}

// silence has all that is asked wait, or no longer.
//
// Rule: R-8.
func (n *Node) silence(on bool) {
	n.silent = on
	if on {
		return
	}
	waiting := n.waiting
	n.waiting = nil
	for _, goOn := range waiting {
		goOn()
	}
}

// isLocal reports whether the listener answers cmd without the core.
func (in *inbound) isLocal(cmd []string) bool {
	if !in.authed {
		return true
	}
	switch strings.ToUpper(cmd[0]) {
	case "AUTH", "PING", "CLIENT":
		return true
	case "INFO":
		return len(cmd) == 2 && strings.EqualFold(cmd[1], "server")
	}
	return false
}

// listen answers what the listener itself answers.
func (n *Node) listen(in *inbound, cmd []string) resp.Value {
	word := strings.ToUpper(cmd[0])
	if word == "AUTH" {
		pass := n.opt.Boot.RequirePass.Reveal()
		in.authed = in.authed || cmd[len(cmd)-1] == pass
		if !in.authed {
			return resp.Err("WRONGPASS invalid username-password pair or user is disabled.")
		}
		return resp.OK
	}
	if !in.authed {
		return resp.Err("NOAUTH Authentication required.")
	}
	switch word {
	case "PING":
		n.w.check.answersPing(n)
		return resp.Status("PONG")
	case "INFO":
		return resp.Str(n.serverInfo())
	}
	if len(cmd) == 3 && strings.EqualFold(cmd[1], "SETNAME") {
		in.name = cmd[2]
	}
	return resp.OK
}

func (n *Node) serverInfo() string {
	text := "# Server\r\nredis_version:7.2.4\r\nredis_mode:sentinel\r\n"
	if !n.opt.Original {
		text += "gosentinel_version:sim\r\n"
	}
	return text
}

// ask gives a command to the core, in the midst of a turn of the loop.
func (n *Node) ask(client string, r *request) {
	args := make([][]byte, len(r.args))
	for i, s := range r.args {
		args[i] = []byte(s)
	}
	n.w.check.requested(r.args)
	n.lastReq++
	id := n.lastReq
	n.requests[id] = r
	n.stepAlone(sentinel.Request{ID: id, Client: client, Args: args})
}

// respond carries an answer of the core to whoever waits for it.
func (n *Node) respond(a sentinel.Respond) {
	r := n.requests[a.ID]
	if r == nil {
		n.w.check.fail(n.name, "S2.9", "answer to request %d, which is not open", a.ID)
		return
	}
	delete(n.requests, a.ID)
	n.w.check.answered(n, r.args, r.since, a.Value)
	if r.in == nil {
		if r.reply != nil {
			r.reply(a.Value)
		}
		return
	}
	r.answered, r.value = true, a.Value
	n.ready = append(n.ready, r.in)
}

// Command gives the Sentinel a command as a client on its own host would;
// reply, if not nil, is called with the answer. A paused Sentinel answers when
// it goes on, a dead one never.
func (n *Node) Command(reply func(resp.Value), args ...string) {
	if n.core == nil {
		return
	}
	n.do(func() {
		if n.silent {
			life := n.life
			n.waiting = append(n.waiting, func() {
				n.w.after(0, call(func() {
					if n.life == life {
						n.Command(reply, args...)
					}
				}), 0)
			})
			return
		}
		in := &inbound{authed: true}
		if in.isLocal(args) {
			if v := n.listen(in, args); reply != nil {
				reply(v)
			}
			return
		}
		n.ask("", &request{args: args, since: n.w.now, reply: reply})
		n.finish()
	})
}
