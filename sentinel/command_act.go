package sentinel

import (
	"slices"
	"strings"
	"time"

	"gosentinel/conf"
	"gosentinel/internal/command"
	"gosentinel/internal/resp"
	"gosentinel/replication"
)

// Errors of SENTINEL MONITOR (K-2.8).
const (
	textBadQuorum  = "ERR Invalid quorum"
	textLowQuorum  = "ERR Quorum must be 1 or greater."
	textNoPort     = "ERR Invalid port"
	textBadPort    = "ERR Invalid port number."
	textBadAddress = "ERR Invalid IP address or hostname specified"
	textBadName    = "ERR Invalid master name."
	textDuplicate  = "ERR Duplicate master name."
)

const (
	// monitorPatience is how long a MONITOR waits for the lookup of its host
	// name.
	monitorPatience = 2 * time.Second
	// maxPendingMonitors bounds how many wait at a time.
	maxPendingMonitors = 128
)

// pendingMonitor is a MONITOR whose host name is being looked up. It is a node:
// it gives up.
//
// Rule: R-10.
type pendingMonitor struct {
	place
	id     ReqID
	name   string
	host   string
	port   int
	quorum int
	until  time.Duration
}

func (p *pendingMonitor) act(c *Core) {
	if c.now.Mono >= p.until {
		c.finishMonitor(p, replication.Addr{})
	}
}

func (p *pendingMonitor) due(*Core) time.Duration { return p.until }

// monitor starts to watch a master.
//
// Rule: K-2.8, R-3, R-10.
func (c *Core) monitor(in Request) {
	name, host := string(in.Args[2]), string(in.Args[3])
	size, sizeOK := resp.ParseInt(in.Args[5])
	port, portOK := resp.ParseInt(in.Args[4])
	switch {
	case !sizeOK || size > conf.MaxNumber:
		c.refuse(in.ID, textBadQuorum)
		return
	case !portOK:
		c.refuse(in.ID, textNoPort)
		return
	case size < 1:
		c.refuse(in.ID, textLowQuorum)
		return
	}
	addr, ok := c.monitorAddress(host)
	switch {
	case !ok:
		c.refuse(in.ID, textBadAddress)
		return
	case port < 0 || port > 65535:
		c.refuse(in.ID, textBadPort)
		return
	case !conf.ValidMasterName(name) || !conf.FitsHello(name):
		c.refuse(in.ID, textBadName)
		return
	}
	p := &pendingMonitor{
		id: in.ID, name: name, host: host, port: int(port), quorum: int(size),
		until: c.now.Mono + monitorPatience,
	}
	if addr.IP != "" {
		c.finishMonitor(p, addr)
		return
	}
	c.resolve(host, c.names.known[strings.ToLower(host)])
	c.monitors = append(c.monitors, p)
	c.touch(p)
}

// monitorAddress is the address of a master to be watched, without its port,
// or with no IP if its name is being looked up.
func (c *Core) monitorAddress(host string) (replication.Addr, bool) {
	addr, ok := c.address(host, 0)
	if !ok || addr.IP != "" {
		return addr, ok
	}
	known := c.names.known[strings.ToLower(host)] != nil
	return addr, known && len(c.monitors) < maxPendingMonitors
}

// monitorResolved carries on what waited for a lookup.
//
// Rule: R-10.
func (c *Core) monitorResolved(in Resolved) {
	for _, p := range slices.Clone(c.monitors) {
		if !equalFold(p.host, in.Host) {
			continue
		}
		var addr replication.Addr
		if len(in.IPs) > 0 {
			addr.IP = in.IPs[0]
		}
		c.finishMonitor(p, addr)
	}
}

// finishMonitor adds the master at the IP of addr and answers; without one it
// could not be resolved.
//
// Rule: K-2.8, B-105.
func (c *Core) finishMonitor(p *pendingMonitor, addr replication.Addr) {
	c.monitors = slices.DeleteFunc(c.monitors, func(o *pendingMonitor) bool { return o == p })
	c.drop(p)
	switch {
	case addr.IP == "" || !c.resolveHostnames && !isLiteral(p.host):
		c.refuse(p.id, textBadAddress)
		return
	case c.byName[p.name] != nil:
		c.refuse(p.id, textDuplicate)
		return
	}
	if addr.Host == "" {
		addr.Host = p.host
	}
	addr.Port = p.port
	m := c.addMaster(p.name, addr, p.quorum)
	// Before the rest, which all tell of it and wait for its write.
	c.changeMaster(m)
	c.show(m)
	c.replySaved(p.id)
	// Behind the reply, as in the original (K-2.0).
	c.announceMonitor(m)
}

// remove stops watching a master.
//
// Rule: K-2.9, B-105.
func (c *Core) remove(in Request) {
	m := c.named(in)
	if m == nil {
		return
	}
	// Before the rest: nobody is to be told of what a crash would undo.
	c.change()
	c.emit(Show{Master: m.name, Gone: true})
	c.event(LevelWarning, "-monitor", &m.instance, "")
	c.removeMaster(m)
	c.replySaved(in.ID)
}

// reset resets the masters whose name matches.
//
// Rule: K-2.4.
func (c *Core) reset(in Request) {
	n := int64(0)
	for _, m := range c.masters {
		if command.Glob(string(in.Args[2]), m.name, false) {
			c.resetMaster(m)
			n++
		}
	}
	c.reply(in.ID, resp.Int(n))
}

// flushConfig writes the file.
func (c *Core) flushConfig(in Request) {
	c.change()
	c.replySaved(in.ID)
}

// failoverCommand starts a manual failover.
//
// Rule: K-2.5, B-740.
func (c *Core) failoverCommand(in Request) {
	if m := c.named(in); m != nil {
		c.manualFailover(m, in.ID)
	}
}

// isMasterDown tells a peer what we think of a master, and votes. What cannot
// be a candidate gets no vote, nor does a negative epoch.
//
// Rule: K-2.3, K-10.
func (c *Core) isMasterDown(in Request) {
	port, ok := resp.ParseInt(in.Args[3])
	epoch, alsoOK := resp.ParseInt(in.Args[4])
	if !ok || !alsoOK {
		c.refuse(in.ID, textNotNumber)
		return
	}
	candidate := string(in.Args[5])
	if !conf.ValidRunID(candidate) {
		candidate = "*"
	}
	m := c.findMaster(string(in.Args[2]), port)
	if m == nil {
		c.reply(in.ID, resp.List(resp.Int(0), resp.Str("*"), resp.Int(0)))
		return
	}
	c.answerAsk(m, in, epoch, candidate)
}

// findMaster finds a master by address, with what is known of names now.
//
// Rule: K-2.3, R-10.
func (c *Core) findMaster(host string, port int64) *master {
	if port < 0 || port > 65535 {
		return nil
	}
	a := replication.Addr{Host: host, Port: int(port)}
	if ip, ok := conf.CanonicalIP(host); ok {
		a.IP = ip
	} else if n := c.names.known[strings.ToLower(host)]; c.resolveHostnames && n != nil && len(n.ips) > 0 {
		a.IP = n.ips[0]
	}
	return c.byAddr.find(a)
}

// simulateFailure chooses where this Sentinel is to die.
//
// Rule: K-2.15, B-750.
func (c *Core) simulateFailure(in Request) {
	c.simulate = 0
	for _, mode := range in.Args[2:] {
		switch strings.ToLower(string(mode)) {
		case "crash-after-election":
			c.simulate |= afterElection
			c.logLine(LevelWarning, "Failure simulation: this Sentinel will crash after being successfully elected as failover leader")
		case "crash-after-promotion":
			c.simulate |= afterPromotion
			c.logLine(LevelWarning, "Failure simulation: this Sentinel will crash after promoting the selected replica to master")
		case "help":
			c.reply(in.ID, resp.List(resp.Str("crash-after-election"), resp.Str("crash-after-promotion")))
			return
		default:
			c.refuse(in.ID, "ERR Unknown failure simulation specified")
			return
		}
	}
	c.reply(in.ID, resp.OK)
}
