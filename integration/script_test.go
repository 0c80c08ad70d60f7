package integration

import (
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"gosentinel/internal/resp"
)

// A file of scripts is a table of requests:
//
//	== a name [| option...]      begins a script. Options: 2 or 3 (the protocol; default both, one after
//	                             the other), fresh (Sentinels of its own), live (real instances),
//	                             nothing (no master), dials (the flag disconnected is masked)
//	conf sentinel monitor ...    a line of sentinel.conf; scripts of the same lines share two Sentinels
//	file users.acl "text"        a file in the folder of the Sentinel
//	SENTINEL MASTERS             a request on the connection c
//	@b PING x ;; PING "a\x00b"   two requests in one write on the connection b; words in quotes as in Go
//	!raw "PING\r\n"              bytes as they stand
//	!end SHUTDOWN                the Sentinel is expected to close the connection
//	!1 PING                      exactly one reply is read, and no mark is sent
//	# comment
//
// Connections are opened when first named; in protocol 3 each begins with
// HELLO 3.

// op is one step of a script.
type op struct {
	conn  string
	raw   bool
	end   bool
	first int
	reqs  [][]string
	text  string   // as written
	names []string // all connections of the script, in order
}

func parseOp(line string) (*op, error) {
	o := &op{conn: "c", text: line}
	words, err := splitScript(line)
	if err != nil {
		return nil, err
	}
	for len(words) > 0 {
		w := words[0]
		name, isConn := strings.CutPrefix(w, "@")
		if isConn && len(name) > 0 {
			o.conn = name
		} else if w == "!raw" {
			o.raw = true
		} else if w == "!end" {
			o.end = true
		} else if n, err := strconv.Atoi(strings.TrimPrefix(w, "!")); err == nil && strings.HasPrefix(w, "!") {
			o.first = n
		} else {
			break
		}
		words = words[1:]
	}
	for len(words) > 0 {
		i := slices.Index(words, ";;")
		if i < 0 {
			i = len(words)
		}
		o.reqs = append(o.reqs, words[:i])
		words = words[min(i+1, len(words)):]
	}
	if len(o.reqs) == 0 && !o.end {
		return nil, fmt.Errorf("no request in %q", line)
	}
	return o, nil
}

// splitScript cuts a line into words: bare ones, and Go strings in quotes.
func splitScript(line string) (words []string, err error) {
	for line = strings.TrimLeft(line, " "); line != ""; line = strings.TrimLeft(line, " ") {
		if line[0] != '"' {
			w, rest, _ := strings.Cut(line, " ")
			words = append(words, w)
			line = rest
			continue
		}
		q, err := strconv.QuotedPrefix(line)
		if err != nil {
			return nil, fmt.Errorf("%q: %w", line, err)
		}
		w, err := strconv.Unquote(q)
		if err != nil {
			return nil, fmt.Errorf("%q: %w", q, err)
		}
		words = append(words, w)
		line = line[len(q):]
	}
	return words, nil
}

// scriptWord writes a word so that splitScript reads it.
func scriptWord(w string) string {
	if w == "" || w == ";;" || strings.ContainsAny(w[:1], "@!#=") || strings.ContainsFunc(w, func(r rune) bool { return r <= ' ' || r > '~' || r == '"' }) {
		return strconv.Quote(w)
	}
	return w
}

// newOp makes a step from its requests.
func newOp(conn string, reqs ...[]string) *op {
	o := &op{conn: conn, reqs: reqs}
	o.write()
	return o
}

// write sets the text of a step made by hand.
func (o *op) write() {
	var words []string
	if o.conn != "c" {
		words = append(words, "@"+o.conn)
	}
	if o.raw {
		words = append(words, "!raw")
	}
	if o.end {
		words = append(words, "!end")
	}
	for i, r := range o.reqs {
		if i > 0 {
			words = append(words, ";;")
		}
		for _, w := range r {
			words = append(words, scriptWord(w))
		}
	}
	o.text = strings.Join(words, " ")
}

// bytes is what is sent.
func (o *op) bytes(expand func(string) string) (b []byte) {
	for _, r := range o.reqs {
		if o.raw {
			b = append(b, expand(strings.Join(r, ""))...)
			continue
		}
		args := make([]string, len(r))
		for i, w := range r {
			args[i] = expand(w)
		}
		b = append(b, resp.AppendCommand(nil, args...)...)
	}
	return b
}

func (o *op) subscribes() bool {
	return slices.ContainsFunc(o.reqs, func(r []string) bool {
		return strings.Contains(strings.ToUpper(r[0]), "SUBSCRIBE")
	})
}

// request is the only request of the step, in upper case, or else nil.
func (o *op) request() []string {
	if o.raw || len(o.reqs) != 1 {
		return nil
	}
	var up []string
	for _, w := range o.reqs[0] {
		up = append(up, strings.ToUpper(w))
	}
	return up
}

// setting is what a script needs before it can run.
type setting struct {
	lines []string
	files map[string]string
}

func (s setting) key() string { return fmt.Sprint(s.lines, s.files) }

// script is a name and its steps.
type script struct {
	name    string
	options []string
	setting setting
	ops     []*op
}

func (s *script) has(option string) bool { return slices.Contains(s.options, option) }

// link tells every step the connections of its script.
func (s *script) link() {
	var names []string
	for _, o := range s.ops {
		if !slices.Contains(names, o.conn) {
			names = append(names, o.conn)
		}
	}
	for _, o := range s.ops {
		o.names = names
	}
}

func (s *script) String() string {
	var b strings.Builder
	for _, o := range s.ops {
		b.WriteString(o.text + "\n")
	}
	return b.String()
}

// readScripts reads a file of scripts.
func readScripts(t testing.TB, path string) (all []*script) {
	content, err := os.ReadFile(path)
	require.NoError(t, err)
	var s *script
	for i, line := range strings.Split(string(content), "\n") {
		line = strings.TrimRight(line, " ")
		switch {
		case line == "" || strings.HasPrefix(line, "#"):
		case strings.HasPrefix(line, "== "):
			name, options, _ := strings.Cut(line[3:], " | ")
			s = &script{name: name, options: strings.Fields(options)}
			all = append(all, s)
		case strings.HasPrefix(line, "conf "):
			s.setting.lines = append(s.setting.lines, line[len("conf "):])
		case strings.HasPrefix(line, "file "):
			words, err := splitScript(line)
			require.NoError(t, err, "line %d", i+1)
			if s.setting.files == nil {
				s.setting.files = make(map[string]string)
			}
			s.setting.files[words[1]] = words[2]
		default:
			o, err := parseOp(line)
			require.NoError(t, err, "line %d", i+1)
			s.ops = append(s.ops, o)
		}
	}
	for _, s := range all {
		s.link()
		s.setting.lines = append(s.setting.lines, watched(s.has("live"), s.has("nothing"))...)
	}
	return all
}

// watched are the masters of sentinel.conf: without real instances one that is
// never dialled (C-59) and never goes down.
func watched(live, nothing bool) []string {
	switch {
	case nothing:
		return nil
	case live:
		return []string{
			"sentinel monitor mm 127.0.0.1 {master} 2",
			"sentinel down-after-milliseconds mm 360000000",
			"sentinel rename-command mm PUBLISH none",
		}
	}
	return []string{
		"sentinel monitor mm 127.0.0.1 0 2",
		"sentinel down-after-milliseconds mm 360000000",
	}
}
