package sentinel

import (
	"net/netip"
	"strconv"
	"strings"
	"time"

	"gosentinel/replication"
)

// maxNames bounds the host names remembered: far more than any set-up has.
const maxNames = 65536

// nameTable remembers what host names last resolved to.
//
// Rule: R-10, B-1124.
type nameTable struct{ known map[string]*hostName }

type hostName struct {
	ips     []string
	asking  bool
	askedAt time.Duration
}

func (t *nameTable) init() { t.known = map[string]*hostName{} }

// parseIP reads an IP literal in its usual and in the old short forms (127.1),
// and gives its normal text.
//
// Rule: C-56.
func parseIP(host string) (string, bool) {
	if a, err := netip.ParseAddr(host); err == nil && a.Zone() == "" {
		return a.String(), true
	}
	parts := strings.Split(host, ".")
	if len(parts) > 4 {
		return "", false
	}
	var ip uint64
	for i, p := range parts {
		n, err := strconv.ParseUint(p, 0, 32)
		if err != nil || strings.ContainsAny(p, "_+") {
			return "", false
		}
		if i < len(parts)-1 {
			if n > 255 {
				return "", false
			}
			ip |= n << (24 - 8*i)
			continue
		}
		if n >= 1<<(8*(5-len(parts))) {
			return "", false
		}
		ip |= n
	}
	return netip.AddrFrom4([4]byte{byte(ip >> 24), byte(ip >> 16), byte(ip >> 8), byte(ip)}).String(), true
}

// address makes the address of host and port from what is known now. It is
// refused when the port is out of range, or host is not an IP literal while
// names are not resolved. A name not looked up yet has no IP; its lookup is
// begun.
//
// Rule: B-1120, R-10.
func (c *Core) address(host string, port int) (replication.Addr, bool) {
	if port < 0 || port > 65535 || host == "" {
		return replication.Addr{}, false
	}
	if ip, ok := parseIP(host); ok {
		return replication.Addr{Host: ip, IP: ip, Port: port}, true
	}
	if !c.resolveHostnames {
		return replication.Addr{}, false
	}
	return replication.Addr{Host: host, IP: c.lookup(host), Port: port}, true
}

// lookup is the IP that host last resolved to, "" if none; the first mention of
// a name begins its lookup.
func (c *Core) lookup(host string) string {
	n := c.names.known[strings.ToLower(host)]
	if n == nil {
		if len(c.names.known) >= maxNames {
			return ""
		}
		n = &hostName{askedAt: never}
		c.names.known[strings.ToLower(host)] = n
		c.resolve(host, n)
	}
	if len(n.ips) == 0 {
		return ""
	}
	return n.ips[0]
}

func (c *Core) resolve(host string, n *hostName) {
	if n.asking {
		return
	}
	n.asking, n.askedAt = true, c.now.Mono
	c.emitNow(Resolve{Host: host})
}

// refreshName looks up again, in the background, the name of an instance that
// is about to be connected to.
//
// Rule: B-1120, R-10.
func (c *Core) refreshName(i *instance) {
	if !c.resolveHostnames || i.addr.Host == i.addr.IP {
		return
	}
	if _, literal := parseIP(i.addr.Host); literal {
		return
	}
	c.lookup(i.addr.Host)
	if n := c.names.known[strings.ToLower(i.addr.Host)]; n != nil && c.now.Mono-n.askedAt >= c.params.pingPeriod {
		c.resolve(i.addr.Host, n)
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
	if len(in.IPs) == 0 {
		c.logLine(LevelWarning, "Failed to resolve hostname '"+in.Host+"'")
	} else if n != nil && !(len(n.ips) > 0 && contains(in.IPs, n.ips[0])) {
		n.ips = in.IPs
		c.renumber(in.Host, in.IPs[0])
	}
	c.monitorResolved(in)
}

// renumber gives the instances named host their new IP and connects them to it.
func (c *Core) renumber(host, ip string) {
	for _, m := range c.masters {
		m.eachInstance(func(i *instance) {
			if !equalFold(i.addr.Host, host) || i.addr.IP == ip {
				return
			}
			old := i.addr
			i.addr.IP = ip
			if i.kind == kindMaster {
				c.reindex(m, old)
				c.show(m)
			}
			if i.link.users[0] == i && i.link.cmd.state != connUp {
				c.closeLink(i.link)
				i.link.cmd.triedAt, i.link.pub.triedAt = never, never
			}
			c.touch(i.link)
			c.touch(i)
			c.changeMaster(m)
		})
	}
}

func contains(list []string, s string) bool {
	for _, x := range list {
		if x == s {
			return true
		}
	}
	return false
}
