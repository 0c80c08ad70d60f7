package resp

import (
	"bytes"
	"errors"
	"math"
	"strconv"
)

// What Decode can find wrong.
var (
	// ErrShort says that buf ends before the value does: read more and try
	// again. It is not a failure.
	ErrShort = errors.New("incomplete reply")
	// ErrMalformed says that buf does not start with a RESP value. Nothing
	// that follows on the connection can be trusted.
	ErrMalformed = errors.New("malformed reply")
	// ErrTooLarge says that the value passes one of the Limits.
	ErrTooLarge = errors.New("reply exceeds a limit")
)

// Limits bounds one decoded value. A zero field means the default of
// ReplyLimits.
type Limits struct {
	Depth int // collections within each other; a plain value has depth 0
	Elems int // values in all, of all collections together
	Bulk  int // bytes of one string
	Total int // bytes of the whole value on the wire
}

// ReplyLimits are the bounds for what an instance or peer may answer: far
// above any INFO, small enough that a hostile instance costs little.
func ReplyLimits() Limits {
	return Limits{Depth: 8, Elems: 1 << 16, Bulk: 4 << 20, Total: 8 << 20}
}

// filled has the default in place of each zero field.
func (l Limits) filled() Limits {
	def := ReplyLimits()
	for _, f := range []struct{ have, def *int }{
		{&l.Depth, &def.Depth}, {&l.Elems, &def.Elems}, {&l.Bulk, &def.Bulk}, {&l.Total, &def.Total},
	} {
		if *f.have == 0 {
			*f.have = *f.def
		}
	}
	return l
}

// maxLine is the longest line that is not a bulk payload, in bytes.
const maxLine = 64 << 10

// Decode reads the value that buf starts with, RESP2 or RESP3, and returns it
// with the number of bytes it took. Whoever gets ErrShort learns from a Partial
// when another try is worth it. The value does not alias buf. Attributes
// are skipped; booleans come as Integer 0 or 1, big numbers as Bulk, bulk
// errors as Error. Nothing is allocated for an announced length, only for
// bytes that are there.
func Decode(buf []byte, lim Limits) (v Value, n int, err error) {
	lim = lim.filled()
	d := decoder{buf: buf, lim: lim}
	v, err = d.value(0)
	switch {
	case err == ErrShort && max(d.need, len(buf)+1) > lim.Total:
		return Value{}, 0, ErrTooLarge
	case err != nil:
		return Value{}, 0, err
	case d.pos > lim.Total:
		return Value{}, 0, ErrTooLarge
	}
	return v, d.pos, nil
}

type decoder struct {
	buf   []byte
	pos   int
	elems int
	need  int // with ErrShort: what the length must be at least, as far as is known
	lim   Limits
}

func (d *decoder) value(depth int) (Value, error) {
	for {
		kind, line, err := d.line()
		if err != nil {
			return Value{}, err
		}
		if kind != '|' {
			return d.typed(kind, line, depth)
		}
		// An attribute: a map that precedes the value it talks about.
		if _, err := d.elemsOf(line, Map, depth); err != nil {
			return Value{}, err
		}
	}
}

func (d *decoder) typed(kind byte, line []byte, depth int) (Value, error) {
	switch kind {
	case '+':
		return Value{Kind: Simple, Str: text(line)}, nil
	case '-':
		return Value{Kind: Error, Str: string(line)}, nil
	case ':':
		n, ok := ParseInt(line)
		if !ok {
			return Value{}, ErrMalformed
		}
		return Int(n), nil
	case '_':
		if len(line) != 0 {
			return Value{}, ErrMalformed
		}
		return Value{}, nil
	case '#':
		if string(line) != "t" && string(line) != "f" {
			return Value{}, ErrMalformed
		}
		return Int(int64(boolInt(line[0] == 't'))), nil
	case ',':
		f, ok := parseFloat(line)
		if !ok {
			return Value{}, ErrMalformed
		}
		return Value{Kind: Double, Float: f}, nil
	case '(':
		return Value{Kind: Bulk, Str: string(line)}, nil
	case '$', '!', '=':
		return d.bulk(kind, line)
	case '*':
		return d.elemsOf(line, Array, depth)
	case '%':
		return d.elemsOf(line, Map, depth)
	case '~':
		return d.elemsOf(line, Set, depth)
	case '>':
		return d.elemsOf(line, Push, depth)
	}
	return Value{}, ErrMalformed
}

// line takes the next line: its type byte and what follows up to CRLF.
func (d *decoder) line() (kind byte, line []byte, err error) {
	rest := d.buf[d.pos:]
	if len(rest) == 0 {
		return 0, nil, ErrShort
	}
	if !isKind(rest[0]) {
		return 0, nil, ErrMalformed
	}
	end := bytes.IndexByte(rest[:min(len(rest), maxLine)], '\n')
	switch {
	case end < 0 && len(rest) >= maxLine:
		return 0, nil, ErrTooLarge
	case end < 0:
		return 0, nil, ErrShort
	case end < 2 || rest[end-1] != '\r':
		return 0, nil, ErrMalformed
	}
	d.pos += end + 1
	return rest[0], rest[1 : end-1], nil
}

func (d *decoder) bulk(kind byte, line []byte) (Value, error) {
	n, ok := ParseInt(line)
	switch {
	case !ok || n < -1 || (n == -1 && kind != '$'):
		return Value{}, ErrMalformed
	case n == -1:
		return Value{}, nil
	case n > int64(d.lim.Bulk):
		return Value{}, ErrTooLarge
	}
	end := d.pos + int(n)
	if len(d.buf) < end+2 {
		d.need = end + 2
		return Value{}, ErrShort
	}
	body := d.buf[d.pos:end]
	if d.buf[end] != '\r' || d.buf[end+1] != '\n' {
		return Value{}, ErrMalformed
	}
	d.pos = end + 2
	switch kind {
	case '!':
		return Value{Kind: Error, Str: string(body)}, nil
	case '=':
		if len(body) < 4 || body[3] != ':' {
			return Value{}, ErrMalformed
		}
		return Value{Kind: Verbatim, Str: string(body[4:])}, nil
	}
	return Value{Kind: Bulk, Str: string(body)}, nil
}

// elemsOf reads the elements of a collection whose header was line.
func (d *decoder) elemsOf(line []byte, kind Kind, depth int) (Value, error) {
	n, ok := ParseInt(line)
	switch {
	case !ok || n < -1 || (n == -1 && kind != Array):
		return Value{}, ErrMalformed
	case n == -1:
		return Value{Kind: NullArray}, nil
	case depth >= d.lim.Depth || n > int64(d.lim.Elems):
		return Value{}, ErrTooLarge
	}
	if kind == Map {
		n *= 2
	}
	if d.elems += int(n); d.elems > d.lim.Elems {
		return Value{}, ErrTooLarge
	}
	// The shortest value takes three bytes: what cannot be there is not allocated.
	elems := make([]Value, 0, min(int(n), (len(d.buf)-d.pos)/3))
	for range n {
		v, err := d.value(depth + 1)
		if err != nil {
			return Value{}, err
		}
		elems = append(elems, v)
	}
	return Value{Kind: kind, Elems: elems}, nil
}

func isKind(c byte) bool {
	switch c {
	case '+', '-', ':', '$', '*', '_', '#', ',', '(', '!', '=', '%', '~', '>', '|':
		return true
	}
	return false
}

// text makes a string, without allocating for the replies of every second.
func text(b []byte) string {
	switch string(b) {
	case "PONG":
		return "PONG"
	case "OK":
		return "OK"
	}
	return string(b)
}

func parseFloat(b []byte) (float64, bool) {
	switch string(b) {
	case "inf":
		return math.Inf(1), true
	case "-inf":
		return math.Inf(-1), true
	case "nan":
		return math.NaN(), true
	}
	for _, c := range b {
		if (c < '0' || c > '9') && c != '-' && c != '+' && c != '.' && c != 'e' && c != 'E' {
			return 0, false
		}
	}
	f, err := strconv.ParseFloat(string(b), 64)
	return f, err == nil
}

func boolInt(b bool) int {
	if b {
		return 1
	}
	return 0
}
