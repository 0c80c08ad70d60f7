package sim

import (
	"strings"
	"time"

	"gosentinel/internal/resp"
	"gosentinel/sentinel"
)

// inbound is a connection that a client or a peer made to a Sentinel. Its
// commands are answered one after the other, as the listener does.
type inbound struct {
	c      *conn
	name   string
	authed bool
	queue  []msg
	next   int // command of queue[0] that is served next
	busy   bool
	last   resp.Value
}

// request is a command that the core has not answered yet.
type request struct {
	in    *inbound
	args  []string
	since time.Duration
	reply func(resp.Value)
}

// serve takes what comes on a connection from outside.
func (n *Node) serve(c *conn, m *msg) {
	switch m.kind {
	case msgAccepted:
		c.ends[1].user = &inbound{c: c, authed: n.opt.Boot.RequirePass.Reveal() == ""}
	case msgRequest:
		in := c.ends[1].user.(*inbound)
		in.queue = append(in.queue, *m)
		n.work(in)
	}
}

// work serves the commands of a connection until one must wait for the core.
func (n *Node) work(in *inbound) {
	for n.core != nil && !in.busy && len(in.queue) > 0 {
		m := &in.queue[0]
		if in.next == len(m.cmds) {
			if m.tag != 0 {
				in.c.send(1, msg{kind: msgReply, tag: m.tag, value: in.last})
			}
			in.queue[0] = msg{}
			in.queue, in.next = in.queue[1:], 0
			if len(in.queue) == 0 {
				in.queue = nil
			}
			continue
		}
		cmd := m.cmds[in.next]
		in.next++
		if v, here := n.listen(in, cmd); here {
			in.last = v
			continue
		}
		in.busy = true
		n.ask(in.name, cmd, &request{in: in, args: cmd, since: n.w.now})
	}
}

// listen answers what the listener itself answers.
func (n *Node) listen(in *inbound, cmd []string) (resp.Value, bool) {
	switch strings.ToUpper(cmd[0]) {
	case "AUTH":
		pass := n.opt.Boot.RequirePass.Reveal()
		in.authed = in.authed || cmd[len(cmd)-1] == pass
		if !in.authed {
			return resp.Err("WRONGPASS invalid username-password pair or user is disabled."), true
		}
		return resp.OK, true
	}
	if !in.authed {
		return resp.Err("NOAUTH Authentication required."), true
	}
	switch strings.ToUpper(cmd[0]) {
	case "PING":
		return resp.Status("PONG"), true
	case "CLIENT":
		if len(cmd) == 3 && strings.EqualFold(cmd[1], "SETNAME") {
			in.name = cmd[2]
		}
		return resp.OK, true
	case "INFO":
		if len(cmd) == 2 && strings.EqualFold(cmd[1], "server") {
			return resp.Str(n.serverInfo()), true
		}
	}
	return resp.Value{}, false
}

func (n *Node) serverInfo() string {
	text := "# Server\r\nredis_version:7.2.4\r\nredis_mode:sentinel\r\n"
	if !n.opt.Original {
		text += "gosentinel_version:sim\r\n"
	}
	return text
}

// ask gives a command to the core.
func (n *Node) ask(client string, cmd []string, r *request) {
	args := make([][]byte, len(cmd))
	for i, s := range cmd {
		args[i] = []byte(s)
	}
	n.w.check.requested(cmd)
	n.lastReq++
	id := n.lastReq
	n.requests[id] = r
	n.step(sentinel.Request{ID: id, Client: client, Args: args})
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
	r.in.busy, r.in.last = false, a.Value
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
		in := &inbound{authed: true}
		if v, here := n.listen(in, args); here {
			if reply != nil {
				reply(v)
			}
			return
		}
		n.ask("", args, &request{args: args, since: n.w.now, reply: reply})
	})
}
