package replication

import (
	"strconv"
	"strings"
)

// Addr is where an instance is: the text by which it was named and the IP that
// this text last resolved to. For a literal IP it is the same in canonical form.
type Addr struct {
	Host string // as configured, announced or reported
	IP   string // "" while no IP is known
	Port int    // 0 = do not connect
}

// Same reports whether two addresses are one: equal ports, and equal IPs or
// equal host texts in any case.
//
// Rule: B-1122.
func (a Addr) Same(b Addr) bool {
	if a.Port != b.Port {
		return false
	}
	return a.IP != "" && a.IP == b.IP || strings.EqualFold(a.Host, b.Host)
}

// Shown is the host in announced form: the text if host names are announced or
// no IP is known yet, else the IP.
//
// Rule: B-1121, R-10.
func (a Addr) Shown(hostnames bool) string {
	if hostnames || a.IP == "" {
		return a.Host
	}
	return a.IP
}

// Join gives host:port, with brackets around a host that holds a colon.
func Join(host string, port int) string {
	if strings.IndexByte(host, ':') >= 0 {
		return "[" + host + "]:" + strconv.Itoa(port)
	}
	return host + ":" + strconv.Itoa(port)
}
