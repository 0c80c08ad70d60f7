package conf

import (
	"strconv"
	"strings"
)

const defaultTitle = "{title} {listen-addr} {server-mode}"

// Title is the process title by proc-title-template: title is argv[0],
// configFile the absolute path of the config file. ok is false if the template
// is malformed, names an unknown variable, or expands to nothing.
//
// Rule: C-68.
func (s *Settings) Title(title, configFile string) (text string, ok bool) {
	vars := map[string]string{
		"title":       title,
		"listen-addr": s.listenAddr(),
		"server-mode": "[sentinel]",
		"config-file": configFile,
		"port":        strconv.Itoa(s.Port),
		"tls-port":    strconv.Itoa(s.TLS.Port),
		"unixsocket":  s.UnixSocket,
	}
	var b strings.Builder
	rest := s.ProcTitleTemplate
	for {
		before, after, found := strings.Cut(rest, "{")
		b.WriteString(before)
		if !found {
			break
		}
		if strings.HasPrefix(after, "{") {
			b.WriteByte('{')
			rest = after[1:]
			continue
		}
		name, tail, closed := strings.Cut(after, "}")
		value, known := vars[name]
		if !closed || !known {
			return "", false
		}
		b.WriteString(value)
		rest = tail
	}
	text = strings.Trim(b.String(), " ")
	return text, text != ""
}

// listenAddr is the first address that clients are told to connect to.
func (s *Settings) listenAddr() string {
	port := s.Port
	if port == 0 {
		port = s.TLS.Port
	}
	if port == 0 {
		return "unixsocket:" + s.UnixSocket
	}
	host := "*"
	if len(s.Bind) > 0 {
		host = s.Bind[0]
	}
	return host + ":" + strconv.Itoa(port)
}
