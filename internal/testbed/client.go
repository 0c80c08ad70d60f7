package testbed

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
	"time"

	"gosentinel/internal/resp"
)

// replyTimeout is how long Do waits for an answer unless Timeout says else:
// far longer than any command here takes, short enough to keep a test going.
const replyTimeout = 5 * time.Second

// Client is one RESP2 connection to an instance. It is not safe for concurrent
// use.
type Client struct {
	// Timeout bounds each Do and Receive; 0 means 5 s.
	Timeout time.Duration

	conn net.Conn
	r    *bufio.Reader
}

// Dial connects to addr, and authenticates if pass is not empty.
func Dial(addr, pass string) (*Client, error) {
	conn, err := net.DialTimeout("tcp", addr, time.Second)
	if err != nil {
		return nil, err
	}
	c := &Client{conn: conn, r: bufio.NewReader(conn)}
	if pass != "" {
		if _, err := c.Do("AUTH", pass); err != nil {
			conn.Close()
			return nil, err
		}
	}
	return c, nil
}

// Close closes the connection.
func (c *Client) Close() error { return c.conn.Close() }

// Do sends one command and returns its reply. An error reply is returned as a
// ReplyError.
func (c *Client) Do(args ...string) (resp.Value, error) {
	if err := c.Send(args...); err != nil {
		return resp.Value{}, err
	}
	return c.Receive()
}

// Send writes one command without waiting for its reply.
func (c *Client) Send(args ...string) error {
	c.extend()
	_, err := c.conn.Write(encode(args))
	return err
}

// Receive reads the next reply or message.
func (c *Client) Receive() (resp.Value, error) {
	c.extend()
	v, err := readValue(c.r)
	if err == nil && v.Kind == resp.Error {
		err = ReplyError(v.Str)
	}
	return v, err
}

func (c *Client) extend() {
	t := c.Timeout
	if t == 0 {
		t = replyTimeout
	}
	c.conn.SetDeadline(time.Now().Add(t))
}

// ReplyError is an error reply, without its dash.
type ReplyError string

func (e ReplyError) Error() string { return string(e) }

// Do connects to addr, sends one command and closes the connection.
func Do(addr, pass string, args ...string) (resp.Value, error) {
	c, err := Dial(addr, pass)
	if err != nil {
		return resp.Value{}, err
	}
	defer c.Close()
	return c.Do(args...)
}

// Texts are the strings of an array reply.
func Texts(v resp.Value) []string {
	var out []string
	for _, e := range v.Elems {
		out = append(out, e.Str)
	}
	return out
}

// Fields makes a map of a flat array of names and values.
func Fields(v resp.Value) map[string]string {
	out := make(map[string]string, len(v.Elems)/2)
	for i := 0; i+1 < len(v.Elems); i += 2 {
		out[v.Elems[i].Str] = v.Elems[i+1].Str
	}
	return out
}

// InfoFields are the fields of an INFO reply.
func InfoFields(text string) map[string]string {
	out := make(map[string]string)
	for line := range strings.SplitSeq(text, "\r\n") {
		if name, value, ok := strings.Cut(line, ":"); ok {
			out[name] = value
		}
	}
	return out
}

func encode(args []string) []byte {
	b := fmt.Appendf(nil, "*%d\r\n", len(args))
	for _, a := range args {
		b = fmt.Appendf(b, "$%d\r\n%s\r\n", len(a), a)
	}
	return b
}

func readValue(r *bufio.Reader) (resp.Value, error) {
	line, err := r.ReadString('\n')
	if err != nil {
		return resp.Value{}, err
	}
	line = strings.TrimSuffix(line, "\r\n")
	if line == "" {
		return resp.Value{}, fmt.Errorf("testbed: empty line for a reply")
	}
	kind, rest := line[0], line[1:]
	switch kind {
	case '+':
		return resp.Status(rest), nil
	case '-':
		return resp.Err(rest), nil
	}
	n, err := strconv.Atoi(rest)
	if err != nil {
		return resp.Value{}, err
	}
	switch {
	case kind == ':':
		return resp.Int(int64(n)), nil
	case kind == '$' && n >= 0:
		b := make([]byte, n+2)
		_, err := io.ReadFull(r, b)
		return resp.Str(string(b[:n])), err
	case kind == '*' && n >= 0:
		v := resp.List()
		for range n {
			e, err := readValue(r)
			if err != nil {
				return v, err
			}
			v.Elems = append(v.Elems, e)
		}
		return v, nil
	}
	return resp.Value{}, nil
}
