package resp

import (
	"bytes"
)

// Limits of requests. The first three hold for everybody, the last two until
// a connection is authenticated.
//
// Rule: K-8.2.
const (
	MaxInline         = 64 << 10 // bytes of a line that has not ended yet
	MaxMultibulk      = 1<<31 - 1
	DefaultMaxBulk    = 512 << 20 // bytes; proto-max-bulk-len
	MaxUnauthArgs     = 10
	MaxUnauthBulk     = 16384 // bytes
	costPerArg        = 40    // bytes that one argument costs beside its own
	shrinkMarksBeyond = 1024
	shortBulk         = 99 // bytes; two digits
)

// ProtocolError is the text of an error that ends a connection, without the
// leading `ERR `.
//
// Rule: K-8.2.
type ProtocolError string

// Error returns the text that goes to the client after `-ERR `.
func (e ProtocolError) Error() string { return string(e) }

// Framer cuts requests, inline and multibulk, out of a growing buffer. It
// remembers how far it came in an unfinished request, so that each byte is
// looked at once. The zero Framer is ready to use, with the default limit and
// an unauthenticated client. One caller at a time.
//
// Rule: K-8.1.
type Framer struct {
	// MaxBulk is proto-max-bulk-len in bytes; 0 means DefaultMaxBulk.
	MaxBulk int64
	// Authenticated lifts the limits of those who are not.
	Authenticated bool

	pos   int   // bytes of the unfinished request looked at
	left  int64 // arguments still to come; 0 outside of a multibulk request
	bulk  int64 // length of the payload being read, -1 when its header is next
	marks []int // start and end of each argument so far
	args  [][]byte
	words []byte // inline arguments, unescaped
}

// Next takes the first request of buf. It returns its arguments and how many
// bytes it took; an empty request (blank line, `*0`) has no arguments and is
// to be skipped. ErrShort means that buf holds no whole request: call again
// with the same bytes and more behind them. A ProtocolError is final. The
// arguments alias buf or the Framer and are valid until the next call.
func (f *Framer) Next(buf []byte) (args [][]byte, n int, err error) {
	if f.pos == 0 {
		if len(buf) == 0 {
			return nil, 0, ErrShort
		}
		if buf[0] != '*' {
			return f.inline(buf)
		}
		if n := f.short(buf); n > 0 {
			return f.args, n, nil
		}
		count, n, err := f.header(buf, "too big mbulk count string")
		if err != nil {
			return nil, 0, err
		}
		switch left, ok := ParseInt(count); {
		case !ok || left > MaxMultibulk:
			return nil, 0, ProtocolError("Protocol error: invalid multibulk length")
		case left > MaxUnauthArgs && !f.Authenticated:
			return nil, 0, ProtocolError("Protocol error: unauthenticated multibulk length")
		case left <= 0:
			return nil, n, nil
		default:
			f.left, f.bulk, f.pos = left, -1, n
		}
	}
	return f.multibulk(buf)
}

// Cost is the memory that the unfinished request of buf takes, in bytes,
// what the arguments cost beside their text included.
func (f *Framer) Cost(buf []byte) int { return len(buf) + len(f.marks)/2*costPerArg }

// short takes a whole request of a few short arguments, as nearly all are, into
// f.args: what it takes is what multibulk would. 0 if it is not one.
func (f *Framer) short(buf []byte) int {
	if len(buf) < 4 || buf[1] < '1' || buf[1] > '9' || buf[2] != '\r' || f.MaxBulk != 0 && f.MaxBulk < shortBulk {
		return 0
	}
	args, at := f.args[:0], 4
	// Nine of 99 bytes at most: what anybody may send who is not authenticated either.
	for range buf[1] - '0' {
		if len(buf)-at < 6 || buf[at] != '$' {
			return 0
		}
		size, next := int(buf[at+1]-'0'), int(buf[at+2]-'0')
		// A byte below '0' wraps around, so that one test finds both.
		if size > 9 {
			return 0
		}
		at += 4
		if size > 0 && next <= 9 {
			size = size*10 + next
			at++
		}
		// The byte behind it is not looked at, nor are those behind the payload, as in the original
		// (K-8.1).
		if buf[at-2] != '\r' || len(buf)-at < size+2 {
			return 0
		}
		args = append(args, buf[at:at+size:at+size])
		at += size + 2
	}
	f.args = args
	return at
}

// multibulk goes on with the arguments of a multibulk request.
func (f *Framer) multibulk(buf []byte) ([][]byte, int, error) {
	for f.left > 0 {
		if f.bulk < 0 {
			if err := f.bulkHeader(buf); err != nil {
				return nil, 0, err
			}
		}
		end := f.pos + int(f.bulk)
		if len(buf) < end+2 {
			return nil, 0, ErrShort
		}
		// Places and not slices: the buffer may be another when the rest has come.
		f.marks = append(f.marks, f.pos, end)
		f.pos, f.bulk = end+2, -1
		f.left--
	}
	n := f.pos
	args := f.args[:0]
	for i := 0; i < len(f.marks); i += 2 {
		// Without room behind it: whoever appends to an argument must not write into the next.
		args = append(args, buf[f.marks[i]:f.marks[i+1]:f.marks[i+1]])
	}
	f.reset(args)
	return args, n, nil
}

// Framed is how many bytes of the request at hand have been gone through, after
// an error those before the line that is wrong.
func (f *Framer) Framed() int { return f.pos }

func (f *Framer) bulkHeader(buf []byte) error {
	rest := buf[f.pos:]
	if len(rest) == 0 {
		return ErrShort
	}
	size, n, err := f.header(rest, "too big bulk count string")
	// The original looks for the end of the line before it looks at its first byte (K-8.2).
	if rest[0] != '$' && err != ErrShort {
		if _, tooBig := err.(ProtocolError); !tooBig {
			return ProtocolError("Protocol error: expected '$', got '" + shown(rest[0]) + "'")
		}
	}
	if err != nil {
		return err
	}
	most := f.MaxBulk
	if most == 0 {
		most = DefaultMaxBulk
	}
	switch length, ok := ParseInt(size); {
	case !ok || length < 0 || length > most:
		return ProtocolError("Protocol error: invalid bulk length")
	case length > MaxUnauthBulk && !f.Authenticated:
		return ProtocolError("Protocol error: unauthenticated bulk length")
	default:
		f.bulk, f.pos = length, f.pos+n
		return nil
	}
}

// header finds the text between a type byte and CR, and the length of the
// line; the byte after CR is skipped unchecked.
func (f *Framer) header(buf []byte, tooBig ProtocolError) (body []byte, n int, err error) {
	end := bytes.IndexByte(buf, '\r')
	switch {
	case end < 0 && len(buf) > MaxInline:
		return nil, 0, "Protocol error: " + tooBig
	case end < 0 || end+1 >= len(buf):
		return nil, 0, ErrShort
	}
	return buf[min(1, end):end], end + 2, nil
}

// inline takes a request that is one line of words.
func (f *Framer) inline(buf []byte) ([][]byte, int, error) {
	end := bytes.IndexByte(buf, '\n')
	switch {
	case end < 0 && len(buf) > MaxInline:
		return nil, 0, ProtocolError("Protocol error: too big inline request")
	case end < 0:
		return nil, 0, ErrShort
	}
	line := bytes.TrimSuffix(buf[:end], []byte{'\r'})
	if !f.split(line) {
		return nil, 0, ProtocolError("Protocol error: unbalanced quotes in request")
	}
	args := f.args[:0]
	for i := 0; i < len(f.marks); i += 2 {
		args = append(args, f.words[f.marks[i]:f.marks[i+1]:f.marks[i+1]])
	}
	f.reset(args)
	return args, end + 1, nil
}

func (f *Framer) reset(args [][]byte) {
	f.pos, f.left = 0, 0
	f.marks, f.args = f.marks[:0], args
	// One request of a million arguments must not keep its memory for as long as the connection lives.
	if cap(f.marks) > shrinkMarksBeyond {
		f.marks, f.args = nil, nil
	}
}

// shown is a byte as an error text shows it.
func shown(c byte) string {
	if c == '\r' || c == '\n' {
		c = ' '
	}
	return string([]byte{c})
}
