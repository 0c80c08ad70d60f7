package daemon

import (
	"crypto/tls"
	"slices"
	"strings"
)

// namedSuite is one suite up to TLS 1.2 under OpenSSL's name.
type namedSuite struct {
	name string
	id   uint16
}

// ciphers are the suites that we have, best first.
//
// Rule: R-6.
var ciphers = []namedSuite{
	{"ECDHE-ECDSA-AES128-GCM-SHA256", tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256},
	{"ECDHE-RSA-AES128-GCM-SHA256", tls.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256},
	{"ECDHE-ECDSA-AES256-GCM-SHA384", tls.TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384},
	{"ECDHE-RSA-AES256-GCM-SHA384", tls.TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384},
	{"ECDHE-ECDSA-CHACHA20-POLY1305", tls.TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256},
	{"ECDHE-RSA-CHACHA20-POLY1305", tls.TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256},
	{"ECDHE-ECDSA-AES128-SHA256", tls.TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA256},
	{"ECDHE-RSA-AES128-SHA256", tls.TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA256},
	{"ECDHE-ECDSA-AES128-SHA", tls.TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA},
	{"ECDHE-RSA-AES128-SHA", tls.TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA},
	{"ECDHE-ECDSA-AES256-SHA", tls.TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA},
	{"ECDHE-RSA-AES256-SHA", tls.TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA},
	{"AES128-GCM-SHA256", tls.TLS_RSA_WITH_AES_128_GCM_SHA256},
	{"AES256-GCM-SHA384", tls.TLS_RSA_WITH_AES_256_GCM_SHA384},
	{"AES128-SHA256", tls.TLS_RSA_WITH_AES_128_CBC_SHA256},
	{"AES128-SHA", tls.TLS_RSA_WITH_AES_128_CBC_SHA},
	{"AES256-SHA", tls.TLS_RSA_WITH_AES_256_CBC_SHA},
}

// goodCiphers is how many of ciphers, from the first, have forward secrecy and
// authenticated encryption: the meaning of DEFAULT, HIGH and ALL.
const goodCiphers = 6

// suites13 are OpenSSL's names of the suites of TLS 1.3 that we have. They are
// always all offered.
var suites13 = []string{"TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256"}

// absentCiphers are OpenSSL's words for groups of suites none of which we
// have; a list may exclude them.
var absentCiphers = strings.Fields("LOW MEDIUM EXP EXPORT aNULL eNULL NULL ADH AECDH MD5 RC2 RC4 DES 3DES IDEA SEED " +
	"CAMELLIA ARIA PSK kPSK aPSK SRP DSS aDSS kDH kECDH aECDH DH EDH DHE kDHE GOST SSLv2 SSLv3")

// parseCiphers reads a list of tls-ciphers; ok is false if it holds a name that
// we do not have, or leaves nothing. An empty list is the default: nil.
//
// Rule: R-6, C-74.
func parseCiphers(list string) (ids []uint16, ok bool) {
	if list == "" {
		return nil, true
	}
	var excluded []uint16
	for _, word := range strings.FieldsFunc(list, func(r rune) bool { return strings.ContainsRune(":, ", r) }) {
		name := strings.TrimLeft(word, "!-+")
		group, known := cipherGroup(name)
		switch {
		case word[0] == '@':
			continue // OpenSSL's order and security level
		case word[0] == '!' || word[0] == '-':
			if !known && !slices.Contains(absentCiphers, name) {
				return nil, false
			}
			excluded = append(excluded, group...)
		case !known:
			return nil, false
		case word[0] == '+':
			continue // moves suites to the end
		default:
			ids = append(ids, group...)
		}
	}
	ids = slices.DeleteFunc(ids, func(id uint16) bool { return slices.Contains(excluded, id) })
	return ids, len(ids) > 0
}

// cipherGroup gives the suites that a word stands for.
func cipherGroup(name string) (ids []uint16, known bool) {
	for i, c := range ciphers {
		if c.name == name {
			return []uint16{c.id}, true
		}
		if i < goodCiphers {
			ids = append(ids, c.id)
		}
	}
	if name != "DEFAULT" && name != "HIGH" && name != "ALL" {
		return nil, false
	}
	return ids, true
}

// knownSuites13 reports whether we have all suites of a tls-ciphersuites list.
func knownSuites13(list string) bool {
	for _, name := range strings.FieldsFunc(list, func(r rune) bool { return r == ':' || r == ' ' || r == ',' }) {
		if !slices.Contains(suites13, name) {
			return false
		}
	}
	return true
}

// cipherNames lists the names for a log line.
func cipherNames() string {
	names := make([]string, len(ciphers))
	for i, c := range ciphers {
		names[i] = c.name
	}
	return strings.Join(names, ":")
}

// protocols is a set of TLS versions.
type protocols []uint16

// parseProtocols reads tls-protocols: names separated by blanks, in any case;
// none means TLS 1.2 and 1.3.
//
// Rule: C-74.
func parseProtocols(list string) (p protocols, ok bool) {
	if list == "" {
		return protocols{tls.VersionTLS12, tls.VersionTLS13}, true
	}
	for _, name := range strings.Fields(list) {
		switch strings.ToLower(name) {
		case "tlsv1":
			p = append(p, tls.VersionTLS10)
		case "tlsv1.1":
			p = append(p, tls.VersionTLS11)
		case "tlsv1.2":
			p = append(p, tls.VersionTLS12)
		case "tlsv1.3":
			p = append(p, tls.VersionTLS13)
		default:
			return nil, false
		}
	}
	return p, len(p) > 0
}
