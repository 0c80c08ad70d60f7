package testbed

import (
	"errors"
	"net"
	"slices"
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
	buf  []byte // read and not yet decoded

	broken bool // an error of the connection has been seen
}

// Dial connects to addr within 1 s, and authenticates if pass is not empty.
func Dial(addr, pass string) (*Client, error) { return DialTimeout(addr, pass, time.Second) }

// DialTimeout is Dial with another patience.
func DialTimeout(addr, pass string, patience time.Duration) (*Client, error) {
	conn, err := net.DialTimeout("tcp", addr, patience)
	if err != nil {
		return nil, err
	}
	c := &Client{conn: conn}
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
	_, err := c.conn.Write(resp.AppendCommand(nil, args...))
	c.broken = c.broken || err != nil
	return err
}

// Receive reads the next reply or message.
func (c *Client) Receive() (resp.Value, error) {
	c.extend()
	for {
		v, n, err := resp.Decode(c.buf, resp.ReplyLimits())
		if errors.Is(err, resp.ErrShort) {
			if err := c.read(); err != nil {
				return v, err
			}
			continue
		}
		c.buf = c.buf[n:]
		if err == nil && v.Kind == resp.Error {
			err = ReplyError(v.Str)
		}
		return v, err
	}
}

// read appends what the connection has to the buffer.
func (c *Client) read() error {
	c.buf = slices.Grow(c.buf, 4096)
	n, err := c.conn.Read(c.buf[len(c.buf):cap(c.buf)])
	c.buf = c.buf[:len(c.buf)+n]
	c.broken = c.broken || err != nil
	return err
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
