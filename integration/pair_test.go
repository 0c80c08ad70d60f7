package integration

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"gosentinel/integration/fixture"
	"gosentinel/internal/resp"
	"gosentinel/internal/testbed"
)

// answerPatience is how long an answer may take before `no answer` stands in
// its place.
const answerPatience = 5 * time.Second

// wireConn is a connection whose replies are kept as they came.
type wireConn struct {
	net.Conn
	buf    []byte
	marks  int
	closed bool // the Sentinel closed it
	sub    bool // it has subscribed to something
	asked  bool // ID and address were asked for
	id     string
	resp3  bool
	user   string // whom it has authenticated as
}

func dialWire(network, addr string) (*wireConn, error) {
	conn, err := net.DialTimeout(network, addr, 2*time.Second)
	if err != nil {
		return nil, err
	}
	return &wireConn{Conn: conn, user: "default"}, nil
}

// exchange writes raw and then a command that nobody knows, and returns all
// replies up to that command's error, which is the last of its batch whatever
// the state of the connection is: unknown commands are refused before the
// password, the subscribed mode and the pause.
func (c *wireConn) exchange(raw []byte) []node {
	c.marks++
	name := fmt.Sprintf("zzmark%d", c.marks)
	raw = append(bytes.Clone(raw), resp.AppendCommand(nil, name)...)
	mark := fmt.Sprintf("ERR unknown command '%s', with args beginning with: ", name)
	return c.until(raw, func(all []node) int {
		for i, n := range all {
			if n.kind == '-' && n.text == mark {
				return i
			}
		}
		return -1
	}, true)
}

// first writes raw and returns n replies, at most.
func (c *wireConn) first(raw []byte, n int) []node {
	return c.until(raw, func(all []node) int {
		if len(all) >= n {
			return n
		}
		return -1
	}, false)
}

// rest writes raw and returns all that comes until the Sentinel closes.
func (c *wireConn) rest(raw []byte) []node {
	return c.until(raw, func([]node) int { return -1 }, false)
}

// until writes raw and reads values until done gives how many of them to
// return; skip drops the one after them. The end of the connection, or of
// patience, is a last node of kind !.
func (c *wireConn) until(raw []byte, done func([]node) int, skip bool) []node {
	c.SetDeadline(time.Now().Add(answerPatience))
	written := make(chan error, 1)
	go func() {
		_, err := c.Write(raw)
		written <- err
	}()
	defer func() { <-written }()
	var all []node
	for {
		for len(c.buf) > 0 {
			n, size, err := parseWire(c.buf)
			if errors.Is(err, errShort) {
				break
			}
			if err != nil {
				bad := node{kind: '!', text: fmt.Sprintf("%v: %q", err, c.buf)}
				c.closed = true
				c.Close()
				return append(all, bad)
			}
			all = append(all, n)
			c.buf = c.buf[size:]
			if i := done(all); i >= 0 {
				if skip {
					return append(all[:i:i], all[i+1:]...)
				}
				return all
			}
		}
		chunk := make([]byte, 64<<10)
		n, err := c.Read(chunk)
		c.buf = append(c.buf, chunk[:n]...)
		if err != nil && n == 0 {
			return append(all, c.ended(err))
		}
	}
}

// ended is the node that says why no more came.
func (c *wireConn) ended(err error) node {
	torn := ""
	if len(c.buf) > 0 {
		torn = fmt.Sprintf(" in the middle of %q", c.buf)
	}
	c.closed = true
	c.Close()
	if ne, ok := errors.AsType[net.Error](err); ok && ne.Timeout() {
		return node{kind: '!', text: "no answer" + torn}
	}
	if err != io.EOF && torn != "" {
		torn += ": " + err.Error()
	}
	return node{kind: '!', text: "closed" + torn}
}

// side is one of the two Sentinels, with its connections.
type side struct {
	*testbed.Sentinel
	network, addr string
	resp3         bool
	dials         bool // it is busy connecting to somebody: flags do not tell how far it is
	anyRules      bool // the text of ACL rules is not compared
	conns         map[string]*wireConn
	control       *wireConn // asks what only the loop answers, to know that all before is done
	myid          string
	other         map[string]string // placeholders given by the test
}

func newSide(s *testbed.Sentinel, other map[string]string) *side {
	return &side{Sentinel: s, network: "tcp", addr: s.Addr(), conns: make(map[string]*wireConn), other: other}
}

// conn is a connection by its name in the script, opened at first use, and
// again after the script has seen that it is closed.
func (s *side) conn(name string) (*wireConn, error) {
	if c, ok := s.conns[name]; ok && !c.closed {
		return c, nil
	}
	network, addr := s.network, s.addr
	if strings.HasPrefix(name, "unix") {
		network, addr = "unix", filepath.Join(filepath.Dir(s.Conf), "s.sock")
	}
	c, err := dialWire(network, addr)
	if err != nil {
		return nil, err
	}
	s.conns[name] = c
	if s.resp3 {
		c.exchange(resp.AppendCommand(nil, "HELLO", "3"))
		c.resp3 = true
	}
	return c, nil
}

// settle waits until everything asked before has had its effect.
func (s *side) settle() {
	for range 2 {
		if s.control == nil || s.control.closed {
			s.control = s.newControl()
			if s.control == nil {
				return
			}
		}
		// Any of these goes through the loop; which do may be renamed.
		s.control.exchange(slices.Concat(resp.AppendCommand(nil, "ROLE"), resp.AppendCommand(nil, "SENTINEL", "MYID"), resp.AppendCommand(nil, "PUBLISH", "a", "b")))
		if !s.control.closed {
			return
		}
	}
}

// newControl opens a connection for the test itself. It subscribes, since ours
// has a command of a subscriber wait until all events before its answer are on
// their way to everybody.
func (s *side) newControl() *wireConn {
	c, err := dialWire(s.network, s.addr)
	if err != nil {
		return nil
	}
	if s.Pass != "" {
		c.exchange(resp.AppendCommand(nil, "AUTH", s.Pass))
	}
	c.exchange(resp.AppendCommand(nil, "HELLO", "3"))
	c.exchange(resp.AppendCommand(nil, "SUBSCRIBE", "none"))
	return c
}

// alone waits until the Sentinel has noticed that all connections but that of
// the test are closed.
func (s *side) alone() {
	_ = testbed.Until(answerPatience, func() error {
		s.settle()
		if s.control == nil || s.control.closed {
			return nil
		}
		list := s.control.exchange(resp.AppendCommand(nil, "CLIENT", "LIST"))
		if len(list) == 1 && list[0].kind == '=' && strings.Count(list[0].text, "\n") > 1 {
			return errors.New("there are others")
		}
		return nil
	})
}

// hangUp closes the connections of a script.
func (s *side) hangUp() {
	for name, c := range s.conns {
		c.Close()
		delete(s.conns, name)
	}
	s.resp3 = false
	s.alone()
}

var placeholder = regexp.MustCompile(`\{([a-z0-9]+)(?::([^}]*))?\}`)

// expand replaces the placeholders of a script: {port}, {myid}, {dir}, {id:c}
// and {addr:c} of a connection, {big:n} (n letters), and those of the test.
func (s *side) expand(text string) string {
	return placeholder.ReplaceAllStringFunc(text, func(found string) string {
		m := placeholder.FindStringSubmatch(found)
		switch m[1] {
		case "port":
			return strconv.Itoa(s.Port)
		case "myid":
			return s.id()
		case "dir":
			return filepath.Dir(s.Conf)
		case "id":
			return s.clientID(m[2])
		case "addr":
			s.clientID(m[2]) // so that it is accepted
			if c, err := s.conn(m[2]); err == nil {
				return c.LocalAddr().String()
			}
		case "big":
			n, err := strconv.Atoi(m[2])
			if err == nil {
				return strings.Repeat("x", n)
			}
		default:
			if v, ok := s.other[m[1]]; ok {
				return v
			}
		}
		return found
	})
}

func (s *side) id() string {
	if s.myid == "" {
		s.myid, _ = s.Line("sentinel myid")
	}
	return s.myid
}

// clientID is CLIENT ID of a connection.
func (s *side) clientID(name string) string {
	c, err := s.conn(name)
	if err != nil {
		return "0"
	}
	if !c.asked {
		c.asked = true
		if all := c.exchange(resp.AppendCommand(nil, "CLIENT", "ID")); len(all) > 0 && all[0].kind == ':' {
			c.id = all[0].text
		}
	}
	return c.id
}

// run does one step and returns what was received, by connection: first the
// connection of the step, then every other one that has subscribed.
func (s *side) run(o *op) []heard {
	c, err := s.conn(o.conn)
	if err != nil {
		return []heard{{o.conn, []node{{kind: '!', text: "no connection"}}}}
	}
	if o.subscribes() {
		c.sub = true
	}
	raw := o.bytes(s.expand)
	var all []heard
	switch {
	case o.end:
		all = append(all, heard{o.conn, c.rest(raw)})
	case o.first > 0:
		all = append(all, heard{o.conn, c.first(raw, o.first)})
	default:
		all = append(all, heard{o.conn, c.exchange(raw)})
	}
	c.note(o, all[0].all)
	var settled bool
	for _, name := range o.names {
		other := s.conns[name]
		if other == nil || !other.sub || other.closed || name == o.conn {
			continue
		}
		if !settled {
			s.settle()
			settled = true
		}
		all = append(all, heard{name, other.exchange(nil)})
	}
	return all
}

// talk is what the answer to a request of the connection may depend on.
type talk struct {
	resp3 bool
	user  string // whom a refusal names
}

// state is that of a step's connection after it.
func (s *side) state(o *op) talk {
	c := s.conns[o.conn]
	if c == nil {
		return talk{}
	}
	return talk{c.resp3, c.user}
}

// note keeps the protocol and the user of a connection up to date.
func (c *wireConn) note(o *op, all []node) {
	if len(all) < len(o.reqs) {
		return // some answers were suppressed
	}
	for i, r := range o.reqs {
		if len(r) == 0 {
			return
		}
		switch {
		case strings.EqualFold(r[0], "AUTH") && all[i].kind == '+':
			c.user = "default"
			if len(r) == 3 {
				c.user = r[1]
			}
		case strings.EqualFold(r[0], "HELLO") && len(all[i].elems) > 0:
			c.resp3 = all[i].kind == '%'
			for j, w := range r {
				if strings.EqualFold(w, "AUTH") && j+1 < len(r) {
					c.user = r[j+1]
				}
			}
		}
	}
}

// heard is what one connection received during a step.
type heard struct {
	conn string
	all  []node
}

// pair is an original and one of ours (or two originals) that run side by
// side on the same configuration.
type pair struct {
	bed      *testbed.Bed
	want, is *side
}

// newPair starts both. lines may hold {dir}; files are written there first.
func newPair(t testing.TB, setting setting, other map[string]string) *pair {
	bed, err := testbed.New(fixture.Programs)
	require.NoError(t, err)
	p := &pair{bed: bed}
	p.want = p.start(t, "original", testbed.Original, setting, other)
	kind := testbed.Ours
	if *alone {
		kind = testbed.Original
	}
	p.is = p.start(t, "ours", kind, setting, other)
	return p
}

func (p *pair) start(t testing.TB, name string, kind testbed.Kind, setting setting, other map[string]string) *side {
	dir := filepath.Join(p.bed.Dir, name)
	require.NoError(t, os.MkdirAll(dir, 0o755))
	expand := strings.NewReplacer("{dir}", dir)
	o := testbed.SentinelOptions{Kind: kind}
	for _, l := range setting.lines {
		if pass, ok := strings.CutPrefix(l, "requirepass "); ok {
			o.Pass = pass
			continue
		}
		l = expand.Replace(l)
		for k, v := range other {
			l = strings.ReplaceAll(l, "{"+k+"}", v)
		}
		o.Lines = append(o.Lines, l)
	}
	for name, text := range setting.files {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644))
	}
	s, err := p.bed.Sentinel(name, o)
	if err != nil {
		t.Fatalf("start %s: %v\n%s", name, err, p.bed.Logs(3000))
	}
	side := newSide(s, other)
	require.Len(t, side.id(), 40)
	side.alone()
	return side
}

func (p *pair) close() {
	for _, s := range []*side{p.want, p.is} {
		for _, c := range s.conns {
			c.Close()
		}
		if s.control != nil {
			s.control.Close()
		}
	}
	p.bed.Close()
}
