package listener

import (
	"math"

	"gosentinel/internal/resp"
)

// say makes v the reply of the command in hand, unless CLIENT REPLY keeps it
// back.
func (c *client) say(v resp.Value) {
	if v.Kind == resp.None {
		return
	}
	if v.Kind == resp.Error {
		c.s.stats.errors.Add(1)
	}
	if c.muted || c.skip > 0 {
		return
	}
	if len(v.Elems) == 0 && len(v.Str) < flushSize || c.fastPathOnly || v.Size(flushSize) < flushSize {
		c.reply = resp.Append(c.reply, c.info.proto, v)
		return
	}
	p := c.long(v.Size(math.MaxInt))
	p.add(&v)
	p.end()
}

// tell is say for the confirmations of the SUBSCRIBE family, which CLIENT
// REPLY never keeps back.
//
// Rule: K-5.
func (c *client) tell(v resp.Value) { c.reply = resp.Append(c.reply, c.info.proto, v) }

// long is a long reply. It is made piece by piece, and sent as it is made: a
// client that does not read has at most roomWanted bytes of it, or its output
// limit, however long all would be. The connection's goroutine alone makes one.
//
// Rule: K-8.3.
type long struct {
	c     *client
	proto int
	hard  int64 // the output limit; 0 is none
	made  int64 // bytes
	off   bool  // nobody wants the rest
}

// long begins a long reply, of which the client has size bytes in hand until
// its end.
func (c *client) long(size int) *long {
	p := &long{c: c, proto: c.info.proto, off: c.muted || c.skip > 0}
	c.mu.Lock()
	p.hard = c.limit().Hard
	c.output.making = int64(size)
	c.mu.Unlock()
	return p
}

// end ends it.
func (p *long) end() {
	p.c.mu.Lock()
	p.c.output.making = 0
	p.c.mu.Unlock()
}

// open begins a collection of n elements; false if the rest is not wanted.
func (p *long) open(kind resp.Kind, n int) bool {
	return p.piece(func(b []byte) []byte { return resp.AppendOpening(b, p.proto, kind, n) })
}

// add puts v behind what is there.
func (p *long) add(v *resp.Value) bool {
	switch {
	case len(v.Elems) > 0:
		if !p.open(v.Kind, len(v.Elems)) {
			return false
		}
		for i := range v.Elems {
			if !p.add(&v.Elems[i]) {
				return false
			}
		}
		return !p.off
	case v.Kind == resp.Bulk || v.Kind == resp.Verbatim:
		return p.openText(v.Kind, len(v.Str)) && p.part(v.Str) && p.part("\r\n")
	}
	return p.piece(func(b []byte) []byte { return resp.Append(b, p.proto, *v) })
}

// openText begins a Bulk or Verbatim text of n bytes, whose parts and CRLF come
// next.
func (p *long) openText(kind resp.Kind, n int) bool {
	return p.piece(func(b []byte) []byte {
		if kind == resp.Verbatim && p.proto == 3 {
			return append(resp.AppendHeader(b, '=', int64(n+len("txt:"))), "txt:"...)
		}
		return resp.AppendHeader(b, '$', int64(n))
	})
}

// part puts a part of a text behind what is there.
func (p *long) part(s string) bool {
	for len(s) > flushSize {
		now := s[:flushSize]
		if !p.piece(func(b []byte) []byte { return append(b, now...) }) {
			return false
		}
		s = s[flushSize:]
	}
	return p.piece(func(b []byte) []byte { return append(b, s...) })
}

// encoded puts what is encoded already behind what is there.
func (p *long) encoded(text []byte) bool {
	return p.piece(func(b []byte) []byte { return append(b, text...) })
}

// piece has put append what comes next, and sends what is there if it is much.
func (p *long) piece(put func([]byte) []byte) bool {
	if p.off {
		return false
	}
	c := p.c
	before := len(c.reply)
	c.reply = put(c.reply)
	p.made += int64(len(c.reply) - before)
	if p.hard > 0 && p.made > p.hard { // as if all had been queued before any was sent
		c.drop()
		c.dropping = true
	} else {
		c.flushIfLong()
	}
	p.off = c.dropping
	return !p.off
}
