package sentinel

import (
	"slices"
	"strings"
	"time"

	"gosentinel/conf"
	"gosentinel/internal/ordered"
	"gosentinel/replication"
)

// Bounds of the host names remembered: far more than any set-up has. Names that
// no instance bears are forgotten first, the one mentioned longest ago.
const (
	maxNames     = 65536
	maxIdleNames = 1024
)

// nameTable remembers what host names last resolved to.
//
// Rule: R-10, B-1124.
type nameTable struct {
	known map[string]*hostName
	idle  hostName // ring of those that nobody bears, from the one mentioned last
	idles int
}

type hostName struct {
	host  string // lower case
	newer *hostName
	older *hostName // in the ring; nil = somebody bears it

	ips     []string
	asking  bool
	askedAt time.Duration

	instances []*instance // in any order
	// waiting are the peers, by master and run id, that gave it as the name of a
	// master when it had no IP, or have since said something else.
	waiting ordered.Map[string, *peer]
}

func (t *nameTable) init() {
	t.known = map[string]*hostName{}
	t.idle.newer, t.idle.older = &t.idle, &t.idle
}

func (t *nameTable) has(host string) bool { return t.known[strings.ToLower(host)] != nil }

// ip is the IP that host last resolved to, "" if none.
func (t *nameTable) ip(host string) string {
	if n := t.known[strings.ToLower(host)]; n != nil && len(n.ips) > 0 {
		return n.ips[0]
	}
	return ""
}

// rest puts a name that nobody bears in front of the others, and forgets the
// last of them when there are too many.
func (t *nameTable) rest(n *hostName) {
	t.wake(n)
	n.older, n.newer = t.idle.older, &t.idle
	n.older.newer, t.idle.older = n, n
	if t.idles++; t.idles > maxIdleNames {
		last := t.idle.newer
		t.wake(last)
		delete(t.known, last.host)
	}
}

// wake takes a name out of those that nobody bears.
func (t *nameTable) wake(n *hostName) {
	if n.older == nil {
		return
	}
	n.older.newer, n.newer.older = n.newer, n.older
	n.older, n.newer = nil, nil
	t.idles--
}

// address makes the address of host and port from what is known now. It is
// refused when the port is out of range, the host cannot be one, or it is not
// an IP literal while names are not resolved. A name not looked up yet has no
// IP; its lookup is begun.
//
// Rule: B-1120, R-10, R-3.
func (c *Core) address(host string, port int) (replication.Addr, bool) {
	return c.addressBy(host, port, c.lookup)
}

// addressAsKnown is address for what may not be remembered: no lookup is begun.
func (c *Core) addressAsKnown(host string, port int) (replication.Addr, bool) {
	return c.addressBy(host, port, c.names.ip)
}

func (c *Core) addressBy(host string, port int, ip func(host string) string) (replication.Addr, bool) {
	if port < 0 || port > 65535 || !conf.ValidHost(host) {
		return replication.Addr{}, false
	}
	if ip, ok := conf.CanonicalIP(host); ok {
		return replication.Addr{Host: host, IP: ip, Port: port}, true
	}
	if !c.resolveHostnames {
		return replication.Addr{}, false
	}
	return replication.Addr{Host: host, IP: ip(host), Port: port}, true
}

// lookup is the IP that host last resolved to, "" if none; the mention of a
// name without an IP begins its lookup.
func (c *Core) lookup(host string) string {
	key := strings.ToLower(host)
	n := c.names.known[key]
	if n == nil {
		if len(c.names.known) >= maxNames {
			return ""
		}
		n = &hostName{host: key, askedAt: never}
		c.names.known[key] = n
	}
	// A mention too keeps it from being the next to be forgotten.
	if len(n.instances) == 0 {
		c.names.rest(n)
	}
	if len(n.ips) == 0 {
		c.askAgain(host, n)
		return ""
	}
	return n.ips[0]
}

// askAgain begins a lookup unless the last one was begun a moment ago.
func (c *Core) askAgain(host string, n *hostName) {
	if n.askedAt == never || c.now.Mono-n.askedAt >= c.params.pingPeriod {
		c.resolve(host, n)
	}
}

func (c *Core) resolve(host string, n *hostName) {
	if n.asking {
		return
	}
	n.asking, n.askedAt = true, c.now.Mono
	c.emitNow(Resolve{Host: host})
}

// refreshName looks up again, in the background, the name of an instance that
// is about to be connected to. What was found out since it was connected last
// holds now.
//
// Rule: B-1120, R-10.
func (c *Core) refreshName(l *link) {
	host := l.users[0].addr.Host
	if !c.resolveHostnames || isLiteral(host) {
		return
	}
	if ip := c.lookup(host); ip != "" && l.cmd.state != connUp {
		c.renumber(l, ip)
	}
	// Asked again each time it is connected to: the name may have moved with the instance.
	if n := c.names.known[strings.ToLower(host)]; n != nil {
		c.askAgain(host, n)
	}
}

// resolved takes the answer to a lookup. A name that does not resolve keeps
// its last IP. Of several IPs the known one is kept while it is among them.
//
// Rule: R-10.
func (c *Core) resolved(in Resolved) {
	n := c.names.known[strings.ToLower(in.Host)]
	if n != nil {
		n.asking = false
	}
	// What resolved before is kept: a name server that fails must not make anybody unreachable.
	if len(in.IPs) == 0 {
		c.logLine(LevelWarning, "Failed to resolve hostname '"+in.Host+"'")
	} else if n != nil && !(len(n.ips) > 0 && contains(in.IPs, n.ips[0])) {
		n.ips = in.IPs
		c.applyIP(n)
	}
	c.monitorResolved(in)
	if n != nil {
		// Behind applyIP: what peers said is compared with what the name means now.
		c.hearAgain(n)
	}
}

// bindName notes by which host name i is known now; an IP is none. It is called
// whenever the host of an instance has changed.
func (c *Core) bindName(i *instance) {
	c.unbindName(i)
	if isLiteral(i.addr.Host) {
		return
	}
	if n := c.names.known[strings.ToLower(i.addr.Host)]; n != nil {
		c.names.wake(n)
		i.boundName, i.bearsAt = n, len(n.instances)
		n.instances = append(n.instances, i)
	}
}

// unbindName forgets the host name of an instance that has another, or is gone.
func (c *Core) unbindName(i *instance) {
	n := i.boundName
	if n == nil {
		return
	}
	last := len(n.instances) - 1
	moved := n.instances[last]
	n.instances[i.bearsAt], moved.bearsAt = moved, i.bearsAt
	n.instances[last] = nil
	n.instances = n.instances[:last]
	i.boundName = nil
	if last == 0 {
		c.names.rest(n)
	}
}

// applyIP gives the instances that bear a name its new IP. One that is connected
// keeps the old one, which works, until it is connected to anew: whatever the
// name server says, nothing that is well is disturbed.
func (c *Core) applyIP(n *hostName) {
	bearers := slices.Clone(n.instances) // some may go
	for _, i := range bearers {
		// One without an IP has no connection that could be disturbed.
		if i.addr.IP == "" || i.link.cmd.state != connUp {
			c.renumber(i.link, n.ips[0])
		}
	}
	for _, i := range bearers {
		c.mergeReplicas(i.of)
	}
}

// renumber gives the instance behind a link its new IP, and lets it be
// connected to at once.
func (c *Core) renumber(l *link, ip string) {
	if l.users[0].addr.IP == ip {
		return
	}
	for _, i := range l.users {
		old := i.addr
		i.addr.IP = ip
		switch i.kind {
		case kindMaster:
			c.reindex(i.of, old)
			c.show(i.of)
		case kindReplica:
			i.name = c.replicaName(i.addr)
			i.of.renumbered = true
		}
		c.touch(i)
		i.of.saved = nil
		if old.IP != "" && c.endpoint(old) != c.endpoint(i.addr) {
			// What a name resolves to at first is nothing that the file has to
			// tell: a start with an id writes no file (C-47).
			c.change()
		}
	}
	c.closeLink(l)
	// Attempts at the old IP say nothing about the new one.
	l.cmd.triedAt, l.pub.triedAt = never, never
	c.touch(l)
}

// mergeReplicas makes one of two replicas of m that turn out to be one: known
// by its name, and by its IP as the master told it before the name was
// resolved. The name stays. Two names are never merged, since a name server
// that errs must not make us forget an instance.
//
// Rule: R-10, B-102, B-101.
func (c *Core) mergeReplicas(m *master) {
	if !m.renumbered {
		return
	}
	m.renumbered = false
	for k := 0; k < len(m.replicas); k++ {
		keep := m.replicas[k] // by IP
		if !isLiteral(keep.addr.Host) {
			continue
		}
		for _, named := range m.replicas {
			if named == keep || isLiteral(named.addr.Host) || !named.addr.Same(keep.addr) {
				continue
			}
			lose := named
			// The one that is connected has the clocks and the INFO that a choice will need.
			if named.promoted || named.connected() && !keep.connected() {
				keep, lose = named, keep
			}
			if lose.promoted {
				break // never while a failover is at it
			}
			keep.addr.Host = named.addr.Host
			keep.name = c.replicaName(keep.addr)
			c.bindName(&keep.instance)
			m.replicas = slices.DeleteFunc(m.replicas, func(x *replica) bool { return x == lose })
			c.retire(&lose.instance)
			c.changeMaster(m)
			c.touch(&m.node)
			k = -1 // the list has changed
			break
		}
	}
}

// isLiteral reports whether a host is an IP, not a name.
func isLiteral(host string) bool {
	_, ok := conf.CanonicalIP(host)
	return ok
}

func contains(list []string, s string) bool {
	for _, x := range list {
		if x == s {
			return true
		}
	}
	return false
}
