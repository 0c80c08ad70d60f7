package conf

import (
	"fmt"
	"net/netip"
	"strconv"
	"strings"
)

// endpoint reads the host and port of a `sentinel` line. A literal IP is put in
// its canonical form, unless texts are announced as they are; a name is kept if
// names are to be resolved, which happens later and elsewhere.
//
// Rule: C-56, C-57, C-103, R-3.
func (l *loader) endpoint(host, port string) (Endpoint, string) {
	n, message := intIn(port, 0, maxPort)
	if message != "" {
		return Endpoint{}, msgPort
	}
	if ip, ok := CanonicalIP(host); ok && ValidHost(host) {
		if !l.cfg.State.AnnounceHostnames {
			host = ip
		}
		return Endpoint{host, int(n)}, ""
	}
	if !l.cfg.State.ResolveHostnames || !ValidHost(host) {
		l.log('#', "Failed to resolve hostname '"+host+"'")
		return Endpoint{}, msgHost
	}
	return Endpoint{host, int(n)}, ""
}

// CanonicalIP is the text of a literal address as inet_ntop(3) writes it;
// false if it is none. It takes the short, hexadecimal and octal forms of
// inet_aton(3) too, and drops an IPv6 zone.
//
// Rule: C-56.
func CanonicalIP(s string) (string, bool) {
	if strings.Contains(s, ":") {
		ip, err := netip.ParseAddr(s)
		if err != nil {
			return "", false
		}
		b := ip.WithZone("").As16()
		if isV4Compatible(b) {
			return fmt.Sprintf("::%d.%d.%d.%d", b[12], b[13], b[14], b[15]), true
		}
		return ip.WithZone("").String(), true
	}
	return classicIPv4(s)
}

// isV4Compatible tells whether inet_ntop(3) writes the last four bytes in
// dotted form, without ffff before them.
func isV4Compatible(b [16]byte) bool {
	for _, c := range b[:12] {
		if c != 0 {
			return false
		}
	}
	return b[12] != 0 || b[13] != 0
}

// classicIPv4 reads one to four numbers between dots, the last of which fills
// the bytes that are left.
func classicIPv4(s string) (string, bool) {
	parts := strings.Split(s, ".")
	if len(parts) > 4 {
		return "", false
	}
	var ip uint64
	for i, part := range parts {
		n, err := parseClassic(part)
		limit := uint64(0xff)
		if i == len(parts)-1 {
			limit = 1<<(8*(5-len(parts))) - 1
			ip <<= 8 * (5 - len(parts))
		} else {
			ip <<= 8
		}
		if err != nil || n > limit {
			return "", false
		}
		ip |= n
	}
	return fmt.Sprintf("%d.%d.%d.%d", ip>>24, ip>>16&0xff, ip>>8&0xff, ip&0xff), true
}

// parseClassic reads a number in decimal, octal with a leading 0 or hexadecimal
// with a leading 0x.
func parseClassic(s string) (uint64, error) {
	switch {
	case strings.HasPrefix(s, "0x"), strings.HasPrefix(s, "0X"):
		return strconv.ParseUint(s[2:], 16, 32)
	case len(s) > 1 && s[0] == '0':
		return strconv.ParseUint(s[1:], 8, 32)
	}
	return strconv.ParseUint(s, 10, 32)
}
