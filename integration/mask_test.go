package integration

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// What must differ between two processes is masked in both before they are
// compared, and nothing else is. The masks are those of this file.

// pairMasks are values that stand after their name in a map: times since
// something, which go on while we ask, and numbers that count for a process.
var pairMasks = map[string]bool{
	"last-ping-sent": true, "last-ok-ping-reply": true, "last-ping-reply": true, "s-down-time": true, "o-down-time": true,
	"info-refresh": true, "role-reported-time": true, "last-hello-message": true, "master-link-down-time": true,
	"slave-repl-offset":     true,                                 // goes on while the two ask for INFO
	"link-pending-commands": true,                                 // of links that are being opened, and while a reply is on its way: TestNothingIsPendingOnLinksThatAreUp
	"run-time":              true, "run-delay": true, "pid": true, // PENDING-SCRIPTS
	"age-seconds": true, "timestamp-created": true, "timestamp-last-updated": true, "entry-id": true, // ACL LOG
	"id": true, // HELLO: of the client
}

// proseMasks are texts of COMMAND DOCS, which are our own words (1.5).
var proseMasks = map[string]bool{"summary": true, "complexity": true}

// docMasks are parts of COMMAND DOCS that differ by version in ways that are
// compared elsewhere, with 7.2's tables, and shown here to be there only
//
// Those of sub-commands are asked for by their names.
var docMasks = map[string]bool{"arguments": true, "subcommands": true, "history": true}

// infoMasks are the fields of INFO whose value belongs to the process, the
// machine or the moment.
var infoMasks = regexp.MustCompile(`(?m)^(redis_git_sha1|redis_git_dirty|redis_build_id|os|gcc_version|atomicvar_api|process_id|run_id|server_time_usec|uptime_in_seconds|` +
	`uptime_in_days|hz|lru_clock|executable|connected_clients|client_recent_max_input_buffer|client_recent_max_output_buffer|` +
	`total_connections_received|total_commands_processed|instantaneous_\w+|total_net_\w+|total_error_replies|total_reads_processed|total_writes_processed|` +
	`reply_buffer_shrinks|reply_buffer_expands|used_cpu_\w+|tracking_total_prefixes|total_eviction_exceeded_time|unexpected_error_replies|eventloop_\w+|acl_access_denied_(?:auth|cmd|channel)|` +
	`expire_cycle_cpu_milliseconds|gosentinel_version):(.*?)(\r?)$`)

// clientMasks are the fields of a line of CLIENT LIST that count for the
// process, or tell of its buffers.
var clientMasks = regexp.MustCompile(`\b(id|fd|age|idle|qbuf|qbuf-free|argv-mem|rbs|rbp|obl|oll|omem|tot-mem)=\d+`)

// ephemeral is the client's end of a connection.
var ephemeral = regexp.MustCompile(`\baddr=127\.0\.0\.1:\d+`)

var hexText = regexp.MustCompile(`^[0-9a-f]+$`)

// canonical is the text of what a side heard, masked, and with the elements
// sorted whose order the original leaves to chance.
func (s *side) canonical(o *op, all []heard) string {
	var b strings.Builder
	req := o.request()
	for _, h := range all {
		h.all = clone(h.all)
		s.mask(req, h.all)
		if s.anyRules {
			walk(h.all, maskRules)
		}
		orderPatterns(h.all)
		if req != nil {
			order(req, h.all)
		}
		fmt.Fprintf(&b, "[%s]\n%s", h.conn, render(h.all))
	}
	return b.String()
}

func clone(all []node) []node {
	all = slices.Clone(all)
	for i := range all {
		all[i].elems = clone(all[i].elems)
	}
	return all
}

func (s *side) mask(req []string, all []node) {
	own := s.id() // known since the start
	port := regexp.MustCompile(`\b` + strconv.Itoa(s.Port) + `\b`)
	dir := s.expand("{dir}")
	walk(all, func(n *node) {
		s.maskPairs(n.elems)
		if n.text == "" {
			return
		}
		t := strings.ReplaceAll(n.text, own, "<myid>")
		t = strings.ReplaceAll(t, dir, "<dir>")
		t = port.ReplaceAllString(t, "<port>")
		if strings.Contains(t, " laddr=") {
			t = clientMasks.ReplaceAllString(t, "$1=<n>")
			t = ephemeral.ReplaceAllString(t, "addr=<client>")
		}
		if strings.Contains(t, "# ") && (n.kind == '$' || n.kind == '=') {
			t = sortMasters(infoMasks.ReplaceAllString(t, "$1:<v>$3"))
		}
		n.text = t
	})
	s.maskRequest(req, all)
}

// maskRequest masks what only certain requests are answered with.
func (s *side) maskRequest(req []string, all []node) {
	switch {
	case len(req) < 2:
	case req[1] == "HELP" && req[0] != "SENTINEL": // described in our own words
		walk(all, func(n *node) {
			if n.kind == '+' && strings.HasPrefix(n.text, "    ") && !filterLine.MatchString(n.text) && !strings.HasSuffix(n.text, "this help.") {
				n.text = "    <prose>"
			}
		})
	case req[0] == "CLIENT" && (req[1] == "TRACKINGINFO" || req[1] == "GETREDIR" || req[1] == "INFO"):
		walk(all, s.maskRedirect)
	case req[0] == "CLIENT" && req[1] == "ID", req[0] == "ACL" && req[1] == "GENPASS":
		walk(all, func(n *node) {
			if n.kind == ':' {
				n.text = "<id>"
			} else if n.kind == '$' && hexText.MatchString(n.text) {
				n.text = fmt.Sprintf("<%d hex>", len(n.text))
			}
		})
	case req[0] == "SENTINEL" && req[1] == "INFO-CACHE":
		walk(all, maskCached)
	case req[0] == "ACL" && *alone: // 7.0 puts the rules into any order
		walk(all, func(n *node) {
			words := strings.Fields(n.text)
			slices.Sort(words)
			n.text = strings.Join(words, " ")
		})
	}
}

// sortMasters sorts the lines master0 to master<n> of INFO, without their
// numbers, which follow the order of masters (2.0).
func sortMasters(info string) string {
	at := masterLine.FindAllStringIndex(info, -1)
	if len(at) == 0 {
		return info
	}
	from, to := at[0][0], at[len(at)-1][1]
	lines := strings.SplitAfter(masterLine.ReplaceAllString(info[from:to], "master<i>:$1"), "\n")
	slices.Sort(lines)
	return info[:from] + strings.Join(lines, "") + info[to:]
}

var masterLine = regexp.MustCompile(`(?m)^master\d+:(.*\n)`)

// filterLine is a line of CLIENT HELP that names a filter or option, or goes on
// with the usage.
var filterLine = regexp.MustCompile(`^    (\* [A-Z]+ \(| +\[)`)

// aclRules are the command rules of a user in ACL LIST and ACL GETUSER.
var aclRules = regexp.MustCompile(`[-+]@all\b[^()]*`)

// maskRules masks the command rules of users: 7.0 makes a text of its own of
// them, which even changes from call to call (K-6.4). What they allow is
// compared with ACL DRYRUN.
func maskRules(n *node) {
	if n.kind == '$' {
		n.text = aclRules.ReplaceAllString(n.text, "<rules>")
	}
}

// maskRedirect names the connection to which another is redirected.
func (s *side) maskRedirect(n *node) {
	for name, c := range s.conns {
		if c.id == "" {
			continue
		}
		if n.kind == ':' && n.text == c.id {
			n.text = "{id:" + name + "}"
		}
		n.text = strings.ReplaceAll(n.text, "redir="+c.id+" ", "redir={id:"+name+"} ")
	}
}

// maskPairs masks the values that stand after certain names. A number must
// be one.
func (s *side) maskPairs(elems []node) {
	for i := 0; i+1 < len(elems); i++ {
		name, value := elems[i], &elems[i+1]
		if name.kind != '$' {
			continue
		}
		if s.dials && name.text == "flags" {
			value.text = strings.ReplaceAll(value.text, ",disconnected", "")
		}
		if pairMasks[name.text] {
			if _, err := strconv.ParseFloat(value.text, 64); err == nil {
				value.text = "<number>"
			}
		}
		if proseMasks[name.text] && value.kind == '$' && value.text != "" {
			value.text = "<prose>"
		}
		if docMasks[name.text] && len(value.elems) > 0 {
			value.elems = nil
		}
	}
}

// maskCached masks an age, and the INFO text of an instance, which the two
// Sentinels took at different moments.
func maskCached(n *node) {
	if n.kind == ':' && n.text != "0" {
		n.text = "<age>"
	}
	if n.kind == '$' && strings.HasPrefix(n.text, "# Server") {
		n.text = "<INFO>"
	}
}

// order sorts what has no order of its own: the commands (1.5), categories,
// masters, replicas and peers (2.0), and channels left at once (5).
func order(req []string, all []node) {
	if req[0] == "COMMAND" {
		walk(all, func(n *node) {
			if len(n.elems) == 10 && len(n.elems[9].elems) > 0 { // an entry, and its subcommands
				sortElems(n.elems[9].elems, 1)
			}
			for i, e := range n.elems { // subcommands of COMMAND DOCS
				if e.text == "subcommands" && i+1 < len(n.elems) {
					sortElems(n.elems[i+1].elems, 2)
				}
			}
		})
	}
	if len(all) == 0 {
		return
	}
	first := all[0].elems
	switch sub := append(req, "", "")[1]; {
	case req[0] == "COMMAND" && sub == "DOCS":
		sortElems(first, 2)
	case req[0] == "COMMAND" && (sub == "" || sub == "LIST" || sub == "INFO" && len(req) == 2):
		sortElems(first, 1)
	case req[0] == "ACL" && sub == "CAT":
		sortElems(first, 1)
	case req[0] == "SENTINEL" && slices.Contains([]string{"MASTERS", "REPLICAS", "SLAVES", "SENTINELS"}, sub):
		sortElems(first, 1)
	case req[0] == "SENTINEL" && sub == "RESET" && len(all) > 1: // events, by connection
		sortElems(all, 1)
	case req[0] == "SENTINEL" && sub == "INFO-CACHE":
		sortElems(first, 2)
		for _, e := range first {
			if len(e.elems) > 1 {
				sortElems(e.elems[1:], 1)
			}
		}
	case req[0] == "ROLE" && len(first) == 2:
		sortElems(first[1].elems, 1)
	case strings.HasSuffix(req[0], "UNSUBSCRIBE") && len(req) == 1:
		orderLeft(all)
	}
}

// orderPatterns sorts the copies of one message that a client gets because
// several of its patterns match.
func orderPatterns(all []node) {
	copies := func(i int) string {
		if len(all[i].elems) == 4 && all[i].elems[0].text == "pmessage" {
			return render(all[i].elems[2:])
		}
		return ""
	}
	for from := 0; from < len(all); {
		to := from + 1
		for to < len(all) && copies(from) != "" && copies(to) == copies(from) {
			to++
		}
		sortElems(all[from:to], 1)
		from = to
	}
}

// orderLeft sorts the names in the answers of UNSUBSCRIBE without arguments:
// their counts go down in any case.
func orderLeft(all []node) {
	var names []string
	for _, n := range all {
		if len(n.elems) == 3 {
			names = append(names, n.elems[1].text)
		}
	}
	slices.Sort(names)
	for i := range all {
		if len(all[i].elems) == 3 {
			all[i].elems[1].text, names = names[0], names[1:]
		}
	}
}
