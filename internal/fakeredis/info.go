package fakeredis

import (
	_ "embed"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"gosentinel/internal/resp"
)

// infoText is what a redis-server 7.0 without data answers to INFO; the fields
// that differ between instances hold a name in braces.
//
//go:embed info.txt
var infoText string

// sections are the sections of infoText, in order.
var sections = parseSections(infoText)

// section is one section cut at its names in braces: texts[0], the value of
// names[0], texts[1] and so on. A reply is put together from them without
// looking at the text again: a fleet answers many.
type section struct {
	name  string // lower case
	texts []string
	names []string
}

func parseSections(text string) (out []section) {
	for part := range strings.SplitSeq(strings.TrimSpace(text), "\n\n") {
		heading, _, _ := strings.Cut(part, "\n")
		s := section{name: strings.ToLower(strings.TrimPrefix(heading, "# "))}
		rest := strings.ReplaceAll(part, "\n", "\r\n") + "\r\n"
		for {
			before, after, found := strings.Cut(rest, "{")
			s.texts = append(s.texts, before)
			if !found {
				break
			}
			var name string
			name, rest, _ = strings.Cut(after, "}")
			s.names = append(s.names, name)
		}
		out = append(out, s)
	}
	return out
}

func info(c *client, args []string) replies {
	wanted := func(name string) bool {
		return len(args) == 1 || slices.ContainsFunc(args[1:], func(a string) bool {
			a = strings.ToLower(a)
			return a == name || a == "all" || a == "default" || a == "everything"
		})
	}
	c.i.fleet.mu.Lock()
	defer c.i.fleet.mu.Unlock()
	text := make([]byte, 0, len(infoText)+1024)
	for _, s := range sections {
		if !wanted(s.name) {
			continue
		}
		if len(text) > 0 {
			text = append(text, "\r\n"...)
		}
		for k, t := range s.texts {
			text = append(text, t...)
			if k < len(s.names) {
				text = c.i.appendValue(text, s.names[k])
			}
		}
	}
	return one(resp.Str(string(text)))
}

// appendValue puts the instance's own value of a name in braces.
func (i *Instance) appendValue(dst []byte, name string) []byte {
	switch name {
	case "run_id":
		return append(dst, i.runID...)
	case "port":
		_, port := split(i.addr)
		return append(dst, port...)
	case "uptime":
		return strconv.AppendInt(dst, int64(time.Since(i.started).Seconds()), 10)
	case "clients":
		return strconv.AppendInt(dst, int64(len(i.clients)), 10)
	case "role":
		return i.appendRole(dst)
	case "replid":
		return append(dst, i.replID...)
	case "replid2":
		if i.replID2 == "" {
			return append(dst, noReplID...)
		}
		return append(dst, i.replID2...)
	case "offset":
		return strconv.AppendInt(dst, i.offset, 10)
	}
	return dst
}

// noReplID is the second replication id of an instance that was not promoted.
var noReplID = strings.Repeat("0", 40)

// appendRole puts the lines that differ between masters and replicas, without
// the end of the last.
func (i *Instance) appendRole(dst []byte) []byte {
	if i.master == "" {
		dst = append(dst, "role:master\r\n"...)
	} else {
		host, port := split(i.master)
		status := "up"
		if !i.linked {
			status = "down"
		}
		dst = fmt.Appendf(dst, "role:slave\r\nmaster_host:%s\r\nmaster_port:%s\r\nmaster_link_status:%s\r\n", host, port, status)
		dst = append(dst, "master_last_io_seconds_ago:0\r\nmaster_sync_in_progress:0\r\n"...)
		dst = fmt.Appendf(dst, "slave_read_repl_offset:%d\r\nslave_repl_offset:%d\r\n", i.offset, i.offset)
		if !i.linked {
			dst = fmt.Appendf(dst, "master_link_down_since_seconds:%d\r\n", int(time.Since(i.downSince).Seconds()))
		}
		dst = fmt.Appendf(dst, "slave_priority:%d\r\nslave_read_only:1\r\nreplica_announced:1\r\n", i.priority)
	}
	replicas := i.replicas()
	dst = fmt.Appendf(dst, "connected_slaves:%d", len(replicas))
	for n, r := range replicas {
		host, port := split(r.addr)
		dst = fmt.Appendf(dst, "\r\nslave%d:ip=%s,port=%s,state=online,offset=%d,lag=0", n, host, port, r.offset)
	}
	return dst
}
