package fakeredis

import (
	_ "embed"
	"fmt"
	"slices"
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

type section struct {
	name string // lower case
	text string // CRLF lines, the heading included
}

func parseSections(text string) (out []section) {
	for part := range strings.SplitSeq(strings.TrimSpace(text), "\n\n") {
		heading, _, _ := strings.Cut(part, "\n")
		name := strings.ToLower(strings.TrimPrefix(heading, "# "))
		out = append(out, section{name, strings.ReplaceAll(part, "\n", "\r\n") + "\r\n"})
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
	var parts []string
	for _, s := range sections {
		if wanted(s.name) {
			parts = append(parts, c.i.fill(s))
		}
	}
	return one(resp.Str(strings.Join(parts, "\r\n")))
}

// fill puts the instance's own values into a section.
func (i *Instance) fill(s section) string {
	switch s.name {
	case "server":
		_, port := split(i.addr)
		return strings.NewReplacer("{run_id}", i.runID, "{port}", port,
			"{uptime}", fmt.Sprint(int(time.Since(i.started).Seconds()))).Replace(s.text)
	case "clients":
		return strings.Replace(s.text, "{clients}", fmt.Sprint(len(i.clients)), 1)
	case "replication":
		replID2 := i.replID2
		if replID2 == "" {
			replID2 = strings.Repeat("0", 40)
		}
		return strings.NewReplacer("{role}\r\n", i.roleLines(), "{replid}", i.replID, "{replid2}", replID2,
			"{offset}", fmt.Sprint(i.offset)).Replace(s.text)
	}
	return s.text
}

// roleLines are the lines that differ between masters and replicas.
func (i *Instance) roleLines() string {
	var b strings.Builder
	line := func(format string, args ...any) { fmt.Fprintf(&b, format+"\r\n", args...) }
	if i.master == "" {
		line("role:master")
	} else {
		host, port := split(i.master)
		status := "up"
		if !i.linked {
			status = "down"
		}
		line("role:slave\r\nmaster_host:%s\r\nmaster_port:%s\r\nmaster_link_status:%s", host, port, status)
		line("master_last_io_seconds_ago:0\r\nmaster_sync_in_progress:0")
		line("slave_read_repl_offset:%d\r\nslave_repl_offset:%d", i.offset, i.offset)
		if !i.linked {
			line("master_link_down_since_seconds:%d", int(time.Since(i.downSince).Seconds()))
		}
		line("slave_priority:%d\r\nslave_read_only:1\r\nreplica_announced:1", i.priority)
	}
	replicas := i.replicas()
	line("connected_slaves:%d", len(replicas))
	for n, r := range replicas {
		host, port := split(r.addr)
		line("slave%d:ip=%s,port=%s,state=online,offset=%d,lag=0", n, host, port, r.offset)
	}
	return b.String()
}
