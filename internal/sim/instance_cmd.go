package sim

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"gosentinel/internal/resp"
)

const helloChannel = "__sentinel__:hello"

// handle takes what comes on a connection.
func (i *Instance) handle(c *conn, end int, m *msg) {
	if end == 0 {
		i.upstream(c, m)
		return
	}
	if m.kind == msgAccepted {
		cl := &client{c: c, authed: i.opt.Password == ""}
		c.ends[1].user = cl
		i.clients = append(i.clients, cl)
		return
	}
	cl := c.ends[1].user.(*client)
	switch m.kind {
	case msgDown:
		cl.closing = true
		i.sweep()
	case msgRequest:
		i.request(cl, m)
	}
}

// request runs the commands of one request and answers with the last reply.
func (i *Instance) request(cl *client, m *msg) {
	var last resp.Value
	refused := int64(0)
	var num int64
	for _, cmd := range m.cmds {
		if cl.closing {
			break
		}
		if i.w.OnCommand != nil {
			i.w.OnCommand(i, cl.name, cmd)
		}
		last = i.command(cl, cmd)
		if strings.EqualFold(cmd[0], "SUBSCRIBE") && last.Kind == resp.Error {
			refused = 1
		}
		if cmd[0] == "PSYNC" {
			num = i.offset
		}
		if i.InfoDelay > 0 && strings.EqualFold(cmd[0], "INFO") {
			f := &cl.c.flows[1]
			f.last = max(f.last, i.w.now+i.InfoDelay)
		}
	}
	if cl.c.ends[1].open && (m.tag != 0 || refused != 0) {
		if num == 0 {
			num = refused
		}
		cl.c.send(1, msg{kind: msgReply, tag: m.tag, value: last, num: num})
	}
	i.sweep()
}

// Command runs a command as a client of the instance would; a dead or paused
// one does not answer: it returns None.
func (i *Instance) Command(cmd ...string) resp.Value {
	if !i.up || i.paused {
		return resp.Value{Kind: resp.None}
	}
	v := i.command(&client{authed: true}, cmd)
	i.sweep()
	return v
}

// command runs one command, or queues it in a transaction.
func (i *Instance) command(cl *client, cmd []string) resp.Value {
	name := strings.ToUpper(cmd[0])
	if len(i.opt.Renames) > 0 {
		name = i.renamed(name)
	}
	if !cl.authed && name != "AUTH" && name != "REPLCONF" && name != "PSYNC" {
		cl.aborted = cl.multi
		return resp.Err("NOAUTH Authentication required.")
	}
	if slices.Contains(i.Denied, name) {
		cl.aborted = cl.multi
		return i.noPermission(cl, name)
	}
	if cl.multi && name != "EXEC" && name != "DISCARD" && name != "MULTI" {
		if !known(name) {
			cl.aborted = true
			return unknown(cmd[0])
		}
		if i.Full {
			cl.aborted = true
			return resp.Err("OOM command not allowed when used memory > 'maxmemory'.")
		}
		cl.queued = append(cl.queued, cmd)
		return resp.Status("QUEUED")
	}
	switch name {
	case "MULTI":
		cl.multi, cl.aborted, cl.queued = true, false, nil
		return resp.OK
	case "DISCARD":
		cl.multi, cl.queued = false, nil
		return resp.OK
	case "EXEC":
		return i.exec(cl)
	}
	return i.run(cl, name, cmd)
}

// noPermission refuses a command; an EXEC that is refused discards what it would
// have run.
func (i *Instance) noPermission(cl *client, name string) resp.Value {
	text := fmt.Sprintf("NOPERM this user has no permissions to run the '%s' command", strings.ToLower(name))
	if name == "EXEC" && cl.multi {
		cl.multi, cl.queued = false, nil
		return resp.Err("EXECABORT Transaction discarded because of: " + text)
	}
	return resp.Err(text)
}

func (i *Instance) exec(cl *client) resp.Value {
	if !cl.multi {
		return resp.Err("ERR EXEC without MULTI")
	}
	cmds := cl.queued
	cl.multi, cl.queued = false, nil
	if cl.aborted {
		return resp.Err("EXECABORT Transaction discarded because of previous errors.")
	}
	var out []resp.Value
	for _, cmd := range cmds {
		name := strings.ToUpper(cmd[0])
		if len(i.opt.Renames) > 0 {
			name = i.renamed(name)
		}
		out = append(out, i.run(cl, name, cmd))
	}
	return resp.List(out...)
}

// renamed gives the true name of a command as it is called here.
func (i *Instance) renamed(name string) string {
	if old, ok := i.opt.Renames[name]; ok {
		return old
	}
	for _, old := range i.opt.Renames { // any order: the answer is the same
		if old == name {
			return ""
		}
	}
	return name
}

func known(name string) bool {
	switch name {
	case "AUTH", "CLIENT", "PING", "INFO", "SUBSCRIBE", "PUBLISH", "SLAVEOF", "REPLICAOF", "CONFIG", "SCRIPT",
		"CLUSTER", "REPLCONF", "PSYNC", "ROLE", "SET", "MULTI", "EXEC", "DISCARD":
		return true
	}
	return false
}

func unknown(name string) resp.Value {
	return resp.Err(fmt.Sprintf("ERR unknown command '%s', with args beginning with: ", name))
}

// run carries out one command.
func (i *Instance) run(cl *client, name string, cmd []string) resp.Value {
	switch name {
	case "AUTH":
		if i.opt.Password == "" || cmd[len(cmd)-1] != i.opt.Password {
			return resp.Err("WRONGPASS invalid username-password pair or user is disabled.")
		}
		cl.authed = true
		return resp.OK
	case "CLIENT":
		return i.client(cl, cmd)
	case "REPLCONF":
		port, _ := strconv.Atoi(cmd[2])
		cl.replica = &Addr{cmd[1], port}
		return resp.OK
	case "PSYNC":
		return i.psync(cl, cmd)
	case "SCRIPT":
		if i.Unkillable {
			return resp.Err("UNKILLABLE Sorry the script already executed write commands against the dataset.")
		}
		i.Busy = false
		return resp.OK
	}
	if i.Busy {
		return resp.Err("BUSY Redis is busy running a script. You can only call SCRIPT KILL or SHUTDOWN NOSAVE.")
	}
	switch name {
	case "INFO":
		if i.DenyInfo {
			return resp.Err("NOPERM this user has no permissions to run the 'info' command")
		}
		return resp.Str(i.info())
	case "SUBSCRIBE":
		cl.pubsub = true
		cl.c.send(1, msg{kind: msgPush, num: 1})
		return resp.Value{Kind: resp.None}
	}
	if i.w.now < i.loadUntil {
		return resp.Err("LOADING Redis is loading the dataset in memory")
	}
	switch name {
	case "PING":
		return resp.Status("PONG")
	case "PUBLISH":
		n := i.publish(cmd[2])
		if i.masterHost == "" {
			i.stream(msg{kind: msgStream, text: cmd[2]})
		}
		return resp.Int(int64(n))
	case "CLUSTER":
		return i.cluster(cmd)
	case "SLAVEOF", "REPLICAOF":
		return i.slaveOfCommand(cmd)
	case "CONFIG":
		if i.FailRewrite {
			return resp.Err("ERR Rewriting config file: Permission denied")
		}
		i.config.masterHost, i.config.masterPort = i.masterHost, i.masterPort
		return resp.OK
	case "SET":
		id, _ := strconv.ParseUint(cmd[2], 10, 64)
		if !i.Write(id) {
			return resp.Err("READONLY You can't write against a read only replica.")
		}
		return resp.OK
	}
	return unknown(cmd[0])
}

func (i *Instance) slaveOfCommand(cmd []string) resp.Value {
	if len(cmd) != 3 {
		return resp.Err("ERR wrong number of arguments for 'slaveof' command")
	}
	if i.opt.Cluster {
		return resp.Err("ERR REPLICAOF not allowed in cluster mode.")
	}
	if i.IgnoreRole {
		return resp.OK
	}
	if strings.EqualFold(cmd[1], "NO") && strings.EqualFold(cmd[2], "ONE") {
		i.slaveOf("", 0)
		return resp.OK
	}
	port, err := strconv.Atoi(cmd[2])
	if err != nil {
		return resp.Err("ERR Invalid master port")
	}
	i.slaveOf(cmd[1], port)
	return resp.OK
}

// cluster runs CLUSTER FAILOVER, whatever its options, and CLUSTER RESET. The
// others of the shard follow at once, or when they are started.
func (i *Instance) cluster(cmd []string) resp.Value {
	switch {
	case !i.opt.Cluster || len(cmd) < 2:
		return resp.Err("ERR This instance has cluster support disabled")
	case strings.EqualFold(cmd[1], "RESET"):
		i.slaveOf("", 0)
		i.writes, i.empty = nil, true
	case i.masterHost == "":
		return resp.Err("ERR You should send CLUSTER FAILOVER to a replica")
	default:
		i.slaveOf("", 0)
		for _, o := range i.w.insts {
			if o == i || o.opt.Group != i.opt.Group || !o.opt.Cluster {
				continue
			}
			o.config.masterHost, o.config.masterPort = i.addr.IP, i.addr.Port
			if o.up {
				o.slaveOf(i.addr.IP, i.addr.Port)
			}
		}
	}
	i.config.masterHost, i.config.masterPort = i.masterHost, i.masterPort
	return resp.OK
}

// client runs CLIENT SETNAME and CLIENT KILL TYPE; the caller is never killed.
func (i *Instance) client(cl *client, cmd []string) resp.Value {
	if len(cmd) == 3 && strings.EqualFold(cmd[1], "SETNAME") {
		cl.name = cmd[2]
		return resp.OK
	}
	if len(cmd) != 4 || !strings.EqualFold(cmd[1], "KILL") {
		return resp.Err("ERR syntax error")
	}
	n := 0
	for _, o := range i.clients {
		if o != cl && o.replica == nil && o.pubsub == strings.EqualFold(cmd[3], "pubsub") && !o.closing {
			i.drop(o)
			n++
		}
	}
	return resp.Int(int64(n))
}

// psync answers a replica that wants to follow.
func (i *Instance) psync(cl *client, cmd []string) resp.Value {
	if i.w.now < i.loadUntil {
		cl.replica = nil
		return resp.Err("LOADING Redis is loading the dataset in memory")
	}
	if i.masterHost != "" && i.link.state != linkUp {
		cl.replica = nil
		return resp.Err("NOMASTERLINK Can't SYNC while not connected with my master")
	}
	at, _ := strconv.ParseInt(cmd[2], 10, 64)
	how := "FULL"
	if cmd[1] == i.replID && at <= i.offset || cmd[1] == i.replID2 && at <= i.second {
		how = "CONTINUE"
	}
	i.changed()
	return resp.Value{Kind: resp.Simple, Str: how + " " + i.replID, Int: int64(len(i.writes))}
}

// publish gives a hello to all subscribers and says how many there are.
func (i *Instance) publish(text string) int {
	n := 0
	for _, cl := range i.clients {
		if cl.pubsub && !cl.closing {
			cl.c.send(1, msg{kind: msgPush, text: text})
			n++
		}
	}
	return n
}

// drop closes a client's connection; sweep removes it from the list.
func (i *Instance) drop(cl *client) {
	cl.closing = true
	cl.c.hangup(1)
}

func (i *Instance) sweep() {
	keep := i.clients[:0]
	for _, cl := range i.clients {
		if cl.closing {
			if cl.replica != nil {
				i.changed()
			}
			continue
		}
		keep = append(keep, cl)
	}
	clear(i.clients[len(keep):])
	i.clients = keep
}

// info is the text of INFO, as far as a Sentinel looks at it.
func (i *Instance) info() string {
	down := i.masterHost != "" && i.link.state != linkUp
	if i.infoText != "" && !down {
		return i.infoText
	}
	b := make([]byte, 0, 512)
	line := func(key, value string) {
		b = append(b, key...)
		b = append(b, ':')
		b = append(b, value...)
		b = append(b, "\r\n"...)
	}
	b = append(b, "# Server\r\n"...)
	line("redis_version", "7.2.4")
	if i.opt.Cluster {
		line("redis_mode", "cluster")
	}
	line("run_id", i.runID)
	line("tcp_port", strconv.Itoa(i.addr.Port))
	b = append(b, "\r\n# Replication\r\n"...)
	if i.masterHost == "" {
		line("role", "master")
	} else {
		i.infoReplica(line, down)
	}
	n := 0
	for _, cl := range i.clients {
		if cl.replica != nil {
			n++
		}
	}
	line("connected_slaves", strconv.Itoa(n))
	n = 0
	for _, cl := range i.clients {
		if r := cl.replica; r != nil {
			line("slave"+strconv.Itoa(n), "ip="+r.IP+",port="+strconv.Itoa(r.Port)+",state=online,offset="+strconv.FormatInt(i.offset, 10)+",lag=0")
			n++
		}
	}
	line("master_failover_state", "no-failover")
	line("master_replid", i.replID)
	line("master_replid2", i.replID2)
	line("master_repl_offset", strconv.FormatInt(i.offset, 10))
	line("second_repl_offset", strconv.FormatInt(i.second, 10))
	b = append(b, "\r\n# Keyspace\r\n"...)
	if !i.empty {
		line("db0", "keys="+strconv.Itoa(len(i.writes)+1)+",expires=0,avg_ttl=0")
	}
	i.infoText = string(b)
	return i.infoText
}

// infoReplica writes what only a replica says.
func (i *Instance) infoReplica(line func(key, value string), down bool) {
	line("role", "slave")
	line("master_host", i.masterHost)
	line("master_port", strconv.Itoa(i.masterPort))
	status := "up"
	if down {
		status = "down"
	}
	line("master_link_status", status)
	line("master_last_io_seconds_ago", "0")
	line("master_sync_in_progress", strconv.Itoa(b2i(i.link.state == linkSyncing)))
	line("slave_repl_offset", strconv.FormatInt(i.offset, 10))
	if down {
		since := int64(-1)
		if i.link.downSince >= 0 {
			since = int64((i.w.now - i.link.downSince) / time.Second)
		}
		line("master_link_down_since_seconds", strconv.FormatInt(since, 10))
	}
	line("slave_priority", strconv.Itoa(max(i.opt.Priority, 0)))
	line("slave_read_only", "1")
	line("replica_announced", strconv.Itoa(b2i(!i.opt.Hidden)))
}

func b2i(b bool) int {
	if b {
		return 1
	}
	return 0
}
