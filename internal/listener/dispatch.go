package listener

import (
	"bytes"
	"slices"
	"time"

	"github.com/tidwall/redcon"

	"gosentinel/internal/command"
	"gosentinel/internal/resp"
)

// handler carries out a command that needs nothing but the listener. A command
// without one goes to the loop.
type handler func(c *client, cmd *command.Command, args [][]byte)

// finisher makes the reply to a request that went to the loop from the loop's
// answer; nil passes that on.
type finisher func(c *client, v resp.Value) resp.Value

// known are the commands that need special care.
type known struct {
	ping, info, client, view, primaryView, down, primaryDown, monitor, publish, subscribe, psubscribe, unsubscribe, punsubscribe *command.Command
}

func knownOf(t *command.Table) known {
	return known{
		ping: t.Original("ping"), info: t.Original("info"), client: t.Original("client"), publish: t.Original("publish"),
		view:        t.Original("sentinel|get-master-addr-by-name"),
		primaryView: t.Original("sentinel|get-primary-addr-by-name"),
		down:        t.Original("sentinel|is-master-down-by-addr"),
		primaryDown: t.Original("sentinel|is-primary-down-by-addr"),
		monitor:     t.Original("sentinel|monitor"),
		subscribe:   t.Original("subscribe"), psubscribe: t.Original("psubscribe"),
		unsubscribe: t.Original("unsubscribe"), punsubscribe: t.Original("punsubscribe"),
	}
}

// handlers gives the handler of each command that has one, at its ID.
func handlers(t *command.Table) (list [command.MaxCommands]handler) {
	byName := map[string]handler{
		"ping": pingCommand, "auth": authCommand, "hello": helloCommand, "info": infoCommand, "shutdown": shutdownCommand,
		"subscribe": subscribeCommand, "psubscribe": subscribeCommand, "unsubscribe": unsubscribeCommand, "punsubscribe": unsubscribeCommand,
		"sentinel|get-master-addr-by-name": viewCommand, "sentinel|get-primary-addr-by-name": viewCommand,
		"sentinel|help": helpCommand, "acl|help": helpCommand, "client|help": helpCommand, "command|help": helpCommand,
	}
	for _, more := range []map[string]handler{aclHandlers(), clientHandlers(), commandHandlers()} {
		for name, h := range more {
			byName[name] = h
		}
	}
	for _, cmd := range t.All() {
		list[cmd.ID] = byName[cmd.FullName]
	}
	return list
}

// handle is redcon's handler: it takes the request and all that came with it.
func handle(conn redcon.Conn, cmd redcon.Command) {
	c := conn.NetConn().(*client)
	c.serve(cmd.Args, conn.ReadPipeline())
}

// serve carries out a request and those behind it, in order. Runs of requests
// for the loop are submitted together.
func (c *client) serve(args [][]byte, rest []redcon.Command) {
	began := time.Now()
	c.countUp()
	c.dispatch(args)
	for _, next := range rest {
		if c.leaving || c.dropping {
			break
		}
		c.dispatch(next.Args)
	}
	c.submit()
	c.countUp()
	c.s.stats.turns.Add(1)
	c.s.stats.busy.Add(int64(time.Since(began)))
}

// recent is the command that a client's last request named, in the same words:
// most clients ask the same again and again.
type recent struct {
	cmd       *command.Command // nil if there is none
	words     int              // of the request
	name, sub []byte           // sub is empty for a plain command
}

// lookup is Table.Lookup.
func (c *client) lookup(args [][]byte) (*command.Command, error) {
	r := &c.recent
	if r.cmd != nil && r.words == len(args) && bytes.Equal(r.name, args[0]) && (r.cmd.Parent == nil || bytes.Equal(r.sub, args[1])) {
		return r.cmd, nil
	}
	cmd, err := c.s.o.Table.Lookup(args)
	if r.cmd = cmd; err != nil {
		r.cmd = nil
		return cmd, err
	}
	r.words, r.name, r.sub = len(args), append(r.name[:0], args[0]...), r.sub[:0]
	if cmd.Parent != nil {
		r.sub = append(r.sub, args[1]...)
	}
	return cmd, nil
}

// dispatch takes a request through the checks and carries it out.
//
// Rule: K-1.2.
func (c *client) dispatch(args [][]byte) {
	if c.over() {
		c.dropping = true
		return
	}
	if c.subs.count() > 0 {
		c.s.hub.catchUp()
	}
	// A subscriber's reply must not overtake messages that were published before it.
	cmd := c.checked(args)
	if cmd == nil {
		return
	}
	// What came before the pause is answered first; then this waits with all behind it.
	if c.s.pause.active() && c.s.pause.covers(cmd == c.s.cmds.publish) {
		c.submitAndWait()
		if !c.park(cmd == c.s.cmds.publish) || c.over() {
			c.dropping = true
			return
		}
		if text := c.forbidden(cmd, args); text != "" { // its rights may have changed meanwhile
			c.refuse(text)
			return
		}
	}
	if cmd == c.s.cmds.ping && c.pongLate(args) {
		return
	}
	size := 0
	for _, a := range args {
		size += len(a)
	}
	c.argBytes.Store(int64(size))
	// Messages that arrive while a subscriber's command runs come after its reply.
	holds := c.subs.count() > 0 || cmd.Flags&command.PubSub != 0 && cmd != c.s.cmds.publish
	// A handler replies at once: what the loop owes comes before that, so it is waited for.
	if h := c.s.handlers[cmd.ID]; h != nil {
		c.submitAndWait()
		c.setLast(cmd)
		if holds {
			c.hold()
		}
		h(c, cmd, args)
		// A handler may have sent its question to the loop, which counts it then.
		if len(c.requests) == 0 {
			c.ran(cmd)
		}
	} else {
		c.queueForLoop(cmd, args, size)
		if holds {
			c.hold()
		}
	}
	// MONITOR's event is published behind its reply, which therefore has to be there (K-2.0).
	if holds || cmd == c.s.cmds.monitor {
		c.submitAndWait()
	}
	if cmd == c.s.cmds.monitor && c.subs.count() > 0 {
		c.awaitEvents()
	}
	if holds {
		c.release()
	}
	c.flushIfLong()
}

// checked gives the command of a request that may run, and deals with others.
//
// Rule: K-1.2 steps 1 to 6.
func (c *client) checked(args [][]byte) *command.Command {
	// HTTP that a browser was tricked into sending: never a command, always the end.
	name := args[0]
	if bytes.EqualFold(name, []byte("POST")) || bytes.EqualFold(name, []byte("Host:")) {
		c.submitAndWait()
		c.attacked()
		return nil
	}
	cmd, err := c.lookup(args)
	// CLIENT CACHING holds for the one command that follows it.
	if cmd == nil || cmd.Parent != c.s.cmds.client {
		c.tracking.forgetCaching(c)
	}
	if err != nil {
		c.submitAndWait()
		c.setLast(nil)
		c.refuse(command.ErrorText(args, cmd, err))
		return nil
	}
	if text := c.forbidden(cmd, args); text != "" {
		c.submitAndWait()
		c.setLast(cmd)
		c.refuse(text)
		return nil
	}
	return cmd
}

// ran counts a command that has been answered.
func (c *client) ran(cmd *command.Command) {
	if c.skip > 0 {
		c.skip--
	}
	c.setLast(cmd)
	c.count++
}

// setLast notes the command in hand for CLIENT LIST.
func (c *client) setLast(cmd *command.Command) {
	// Others read it atomically; most clients repeat themselves.
	if c.lastSet != cmd {
		c.lastSet = cmd
		c.last.Store(cmd)
	}
}

// countUp brings the count of commands to where INFO reads it.
func (c *client) countUp() {
	if c.count > 0 {
		c.s.stats.commands.Add(c.count)
		c.count = 0
	}
}

// refuse replies with an error text without running anything.
func (c *client) refuse(text string) {
	c.say(resp.Err(text))
	if c.skip > 0 {
		c.skip--
	}
	c.flushIfLong()
}

// queueForLoop has the loop answer a request.
func (c *client) queueForLoop(cmd *command.Command, args [][]byte, size int) {
	c.toLoop(byOriginalName(cmd, args), nil)
	c.requests[len(c.requests)-1].Peer = c.s.cmds.ofPeers(cmd)
	c.checkedAs[len(c.requests)-1] = cmd
	c.setLast(cmd)
	if c.mayReplyLater(cmd, size) {
		c.lagging++
	}
	// Who asks for long replies has one made at a time, so that few are in memory.
	if c.oneByOne || len(c.requests) == maxBatch {
		c.submit()
	}
}

// toLoop puts a request behind those that will be submitted next.
func (c *client) toLoop(args [][]byte, f finisher) {
	c.requests = append(c.requests, Request{Conn: c.id, Client: c.info.name, Args: args})
	c.finish = append(c.finish, f)
	c.checkedAs = append(c.checkedAs, nil)
}

// submitAndWait submits the requests for the loop and replies to all of them, behind
// what is owed.
func (c *client) submitAndWait() {
	// Replies come in order, and those that are owed are of earlier requests.
	ok := c.awaitOwed(0)
	c.dropping = c.dropping || !ok
	n := len(c.requests)
	if n == 0 {
		return
	}
	if c.batch == nil {
		c.batch = &batch{wake: c.answered, bounded: true}
	}
	for done, took, end := 0, 0, n; ok && done < n; done += took {
		if done > 0 { // there was more than it is given at a time
			c.flush()
			if ok = c.awaitRoom() && !c.over(); !ok {
				break
			}
			if end = c.allowedUntil(done); end == done {
				c.refuse(c.forbidden(c.checkedAs[done], c.requests[done].Args))
				took = 1
				continue
			}
		}
		c.open(c.batch, done, end)
		ok = c.s.o.Backend.Submit(c.requests[done:end])
		took, ok = c.takeAnswers(done, end, ok)
	}
	if !ok {
		c.s.calls.drop(c.batch)
		c.batch, c.dropping = nil, true
	}
	c.submitted()
	c.now = c.s.uptime()
}

// allowedUntil is the first of the requests, from the given one on, that the user
// may not run any more: he may have waited long for the client to read.
//
// Rule: K-1.2.
func (c *client) allowedUntil(from int) int {
	for i, cmd := range c.checkedAs[from:] {
		if cmd != nil && !c.allowed(cmd, c.requests[from+i].Args) {
			return from + i
		}
	}
	return len(c.requests)
}

// takeAnswers replies to the requests from one place to before another, as the
// loop has answered them, and tells how many of them it has; ok is false if the
// connection ended first.
func (c *client) takeAnswers(from, end int, submitted bool) (took int, ok bool) {
	n := end - from
	took = n
	for i := 0; submitted && i < n; i++ {
		a, ok := c.await(c.batch, i, c.flush)
		if !ok {
			return i, false
		}
		if a.again {
			took = min(took, i)
			continue
		}
		c.batch.answers[i].value = resp.Value{} // it may be large, and wait for the client to read
		// A subscriber gets the events of what was handled before this reply ahead of it (K-5).
		if c.subs.count() > 0 {
			c.s.hub.await(a.published)
		}
		if f := c.finish[from+i]; f != nil {
			a.value = f(c, a.value)
		}
		c.oneByOne = a.value.Size(longReply) >= longReply
		c.say(a.value)
		if c.skip > 0 {
			c.skip--
		}
		c.flushIfLong()
	}
	return took, submitted
}

// open gives the requests for the loop, from the given one on, IDs as those of b.
func (c *client) open(b *batch, from, end int) {
	first := c.s.calls.open(b, end-from)
	for i := range c.requests[from:end] {
		c.requests[from+i].ID = first + uint64(i)
	}
}

// submitted makes room for the next requests for the loop.
func (c *client) submitted() {
	c.s.stats.commands.Add(uint64(len(c.requests)))
	clear(c.requests)
	clear(c.finish)
	clear(c.checkedAs)
	c.requests, c.finish, c.checkedAs, c.lagging = c.requests[:0], c.finish[:0], c.checkedAs[:0], 0
}

// awaitEvents waits for what the loop has published since its last answer: the
// event of MONITOR comes after its reply, and before that of the next command.
//
// Rule: K-2.0.
func (c *client) awaitEvents() {
	nothing := func(*client, resp.Value) resp.Value { return resp.Value{Kind: resp.None} }
	c.toLoop([][]byte{[]byte("SENTINEL"), []byte("MYID")}, nothing)
	c.submitAndWait()
}

// await waits for the answer at place i of the batch; false if the connection
// ended first. What is answered need not wait for a slow one: pass is called to
// send it.
func (c *client) await(b *batch, i int, pass func() bool) (answer, bool) {
	for {
		if a, ok := c.s.calls.take(b, i); ok {
			return a, true
		}
		pass()
		select {
		case <-c.answered:
		case <-c.gone:
			return answer{}, false
		}
	}
}

// pingCommand answers PING.
//
// Rule: K-1.4, K-5.
func pingCommand(c *client, cmd *command.Command, args [][]byte) {
	if len(args) > 2 {
		c.say(resp.Err(command.ArityText(cmd)))
		return
	}
	if c.stale() {
		// A barrier: the loop must turn, whatever it says.
		c.toLoop([][]byte{[]byte("SENTINEL"), []byte("MYID")}, func(c *client, _ resp.Value) resp.Value { return c.pongValue(args) })
		return
	}
	c.pong(args)
}

func (c *client) pong(args [][]byte) {
	if len(args) == 1 && c.subs.count() == 0 && !c.muted && c.skip == 0 {
		c.reply = append(c.reply, "+PONG\r\n"...)
		return
	}
	c.say(c.pongValue(args))
}

func (c *client) pongValue(args [][]byte) resp.Value {
	var message string
	if len(args) > 1 {
		message = string(args[1])
	}
	switch {
	case c.info.proto == 2 && c.subs.count() > 0:
		return resp.List(resp.Str("pong"), resp.Str(message))
	case len(args) > 1:
		return resp.Str(message)
	}
	return resp.Status("PONG")
}

// viewCommand answers GET-MASTER-ADDR-BY-NAME from the View, unless the loop
// seems stuck.
//
// Rule: K-2.2, K-2.17.
func viewCommand(c *client, cmd *command.Command, args [][]byte) {
	if c.stale() {
		c.toLoop(byOriginalName(cmd, args), nil)
		return
	}
	c.viewReply(args[2])
}

// byOriginalName is the request as it stands if nobody had renamed the command:
// the loop knows no new names.
//
// Rule: C-84.
func byOriginalName(cmd *command.Command, args [][]byte) [][]byte {
	if cmd.Parent != nil {
		cmd = cmd.Parent
	}
	if is(args[0], cmd.Name) {
		return args
	}
	args = slices.Clone(args)
	args[0] = []byte(cmd.Name)
	return args
}

// helpCommand answers HELP of a container.
//
// Rule: K-2.16.
func helpCommand(c *client, cmd *command.Command, args [][]byte) {
	var lines []resp.Value
	for _, line := range command.Help(cmd.Parent, string(args[0])) {
		lines = append(lines, resp.Status(line))
	}
	c.say(resp.List(lines...))
}

// shutdownCommand answers SHUTDOWN.
//
// Rule: K-7.
func shutdownCommand(c *client, _ *command.Command, args [][]byte) {
	var save, nosave, other, abort bool
	for _, a := range args[1:] {
		switch {
		case is(a, "nosave"):
			nosave = true
		case is(a, "save"):
			save = true
		case is(a, "now"), is(a, "force"):
			other = true
		case is(a, "abort"):
			abort = true
		default:
			c.say(syntaxError())
			return
		}
	}
	switch {
	case save && nosave, abort && (save || nosave || other):
		c.say(syntaxError())
	case abort:
		c.say(resp.Err("ERR No shutdown in progress."))
	default:
		c.leaving = true
		c.s.shutdown.Do(c.s.o.Shutdown)
	}
}

// attacked closes a connection of which a browser, or worse, makes use.
//
// Rule: K-1.2 step 1.
func (c *client) attacked() {
	c.reply, c.dropping = c.reply[:0], true
	if c.s.attacks.allow(c.s.uptime()) {
		c.s.log.Warn("Possible SECURITY ATTACK detected. It looks like somebody is sending POST or Host: commands to Redis. " +
			"This is likely due to an attacker attempting to use Cross Protocol Scripting to compromise your Redis instance. " +
			"Connection from " + c.addr + " aborted.")
	}
}

// is compares a word of a request with a lower-case word, in any case.
func is(word []byte, lower string) bool {
	return len(word) == len(lower) && bytes.EqualFold(word, []byte(lower))
}

func syntaxError() resp.Value { return resp.Err("ERR syntax error") }

func notInteger() resp.Value { return resp.Err("ERR value is not an integer or out of range") }
