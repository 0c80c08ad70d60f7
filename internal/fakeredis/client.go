package fakeredis

import (
	"errors"
	"net"
	"sync"
	"time"

	"gosentinel/internal/resp"
)

const (
	firstRead     = 512             // bytes; most requests are shorter
	maxRequest    = 1 << 20         // bytes of one request
	writePatience = 1 * time.Second // for a client that does not read, then it is dropped
	maxQueued     = 1000            // commands in one MULTI
)

// client is one connection. What its own goroutine alone uses is not guarded.
type client struct {
	i    *Instance
	conn net.Conn
	id   int64

	authed bool
	multi  bool
	dirty  bool // a command within MULTI was refused
	queued [][]string

	// Guarded by fleet.mu, but that its own goroutine, which alone changes them,
	// reads them without.
	name     string
	channels map[string]bool // subscribed to; not empty: a Pub/Sub connection

	mu sync.Mutex // one writer at a time
}

func (i *Instance) accept(ln net.Listener) {
	for {
		conn, err := ln.Accept()
		if err != nil {
			return
		}
		i.fleet.mu.Lock()
		if i.listener != ln {
			i.fleet.mu.Unlock()
			conn.Close()
			return
		}
		i.lastID++
		c := &client{i: i, conn: conn, id: i.lastID, authed: i.password == ""}
		i.clients[c] = true
		i.fleet.mu.Unlock()
		go c.serve()
	}
}

// serve answers requests until the connection ends.
func (c *client) serve() {
	defer c.forget()
	framer := resp.Framer{Authenticated: true}
	buf := make([]byte, 0, firstRead)
	for {
		if len(buf) == cap(buf) {
			buf = append(buf, 0)[:len(buf)]
		}
		n, err := c.conn.Read(buf[len(buf):cap(buf)])
		if err != nil || len(buf)+n > maxRequest {
			return
		}
		buf = buf[:len(buf)+n]
		c.wait()
		rest, err := c.answer(&framer, buf)
		if err != nil {
			return
		}
		buf = buf[:copy(buf, rest)]
	}
}

// wait waits while the instance is frozen.
func (c *client) wait() {
	if frozen := c.i.frozen.Load(); frozen != nil {
		<-frozen.over
	}
}

// pingRequest is most of what a Sentinel sends, and pong what it gets.
const pingRequest = "*1\r\n$4\r\nPING\r\n"

var pong = []byte("+PONG\r\n")

// answer carries out the whole requests in buf and returns what is left.
func (c *client) answer(framer *resp.Framer, buf []byte) (rest []byte, err error) {
	if string(buf) == pingRequest && c.authed && !c.multi && len(c.channels) == 0 {
		return nil, c.write(pong)
	}
	var out []byte
	for {
		raw, n, err := framer.Next(buf)
		var broken resp.ProtocolError
		switch {
		case errors.Is(err, resp.ErrShort):
			return buf, c.write(out)
		case errors.As(err, &broken):
			c.write(resp.Append(out, 2, resp.Err("ERR "+broken.Error())))
			return nil, err
		case err != nil:
			return nil, err
		}
		if len(raw) > 0 {
			args := make([]string, len(raw))
			for k, a := range raw {
				args[k] = string(a)
			}
			out = c.execute(args).append(out)
		}
		buf = buf[n:]
	}
}

// write sends bytes; a client that takes none for too long is dropped.
func (c *client) write(b []byte) error {
	if len(b) == 0 {
		return nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.conn.SetWriteDeadline(time.Now().Add(writePatience))
	_, err := c.conn.Write(b)
	if err != nil {
		c.conn.Close()
	}
	return err
}

func (c *client) forget() {
	c.conn.Close()
	c.i.fleet.mu.Lock()
	defer c.i.fleet.mu.Unlock()
	delete(c.i.clients, c)
}

// replies are what one command answers: usually one value.
type replies []resp.Value

func (r replies) append(dst []byte) []byte {
	for _, v := range r {
		dst = resp.Append(dst, 2, v)
	}
	return dst
}
