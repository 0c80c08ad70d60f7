package resp

import (
	"math"
	"strconv"
)

// Append appends v to dst in the form of protocol version proto (2 or 3;
// anything but 3 is 2) and returns the longer slice. A None adds nothing.
//
// Rule: K-0, the table of logical types; doubles in their shortest form.
func Append(dst []byte, proto int, v Value) []byte { return appendValue(dst, proto, &v) }

func appendValue(dst []byte, proto int, v *Value) []byte {
	three := proto == 3
	switch v.Kind {
	case None:
		return dst
	case Null:
		if three {
			return append(dst, "_\r\n"...)
		}
		return append(dst, "$-1\r\n"...)
	case NullArray:
		if three {
			return append(dst, "_\r\n"...)
		}
		return append(dst, "*-1\r\n"...)
	case Simple:
		return appendLine(dst, '+', v.Str)
	case Error:
		return appendLine(dst, '-', v.Str)
	case Integer:
		return AppendHeader(dst, ':', v.Int)
	case Bulk:
		return AppendBulk(dst, v.Str)
	case Double:
		return appendDouble(dst, three, v.Float)
	case Verbatim:
		if !three {
			return AppendBulk(dst, v.Str)
		}
		dst = AppendHeader(dst, '=', int64(len(v.Str)+4))
		dst = append(dst, "txt:"...)
		dst = append(dst, v.Str...)
		return append(dst, "\r\n"...)
	case Fields:
		if three {
			dst = AppendHeader(dst, '%', v.Int/2)
		} else {
			dst = AppendHeader(dst, '*', v.Int)
		}
		return append(dst, v.Str...)
	}
	return appendElems(dst, proto, v)
}

// appendElems appends the kinds that hold other values.
func appendElems(dst []byte, proto int, v *Value) []byte {
	dst = AppendOpening(dst, proto, v.Kind, len(v.Elems))
	for i := range v.Elems {
		if e := &v.Elems[i]; e.Kind == Bulk { // nearly all are
			dst = AppendBulk(dst, e.Str)
		} else {
			dst = appendValue(dst, proto, e)
		}
	}
	return dst
}

// AppendOpening appends what stands before the n elements of an Array, a Map
// (keys and values counted), a Set or a Push.
func AppendOpening(dst []byte, proto int, kind Kind, n int) []byte {
	sign := byte('*')
	if proto == 3 {
		switch kind {
		case Map:
			sign, n = '%', n/2
		case Set:
			sign = '~'
		case Push:
			sign = '>'
		}
	}
	return AppendHeader(dst, sign, int64(n))
}

// AppendHeader appends one line that is a type byte and a number: the start
// of a bulk string or collection, or a whole integer.
func AppendHeader(dst []byte, kind byte, n int64) []byte {
	if 0 <= n && n <= 9 {
		return append(dst, kind, byte('0'+n), '\r', '\n')
	}
	if 10 <= n && n <= 99 {
		return append(dst, kind, byte('0'+n/10), byte('0'+n%10), '\r', '\n')
	}
	dst = append(dst, kind)
	dst = strconv.AppendInt(dst, n, 10)
	return append(dst, '\r', '\n')
}

// AppendBulk appends s as a bulk string.
func AppendBulk[T string | []byte](dst []byte, s T) []byte {
	dst = AppendHeader(dst, '$', int64(len(s)))
	dst = append(dst, s...)
	return append(dst, '\r', '\n')
}

// AppendCommand appends a request in multibulk form. Without args it appends
// nothing.
func AppendCommand(dst []byte, args ...string) []byte {
	if len(args) == 0 {
		return dst
	}
	dst = AppendHeader(dst, '*', int64(len(args)))
	for _, a := range args {
		dst = AppendBulk(dst, a)
	}
	return dst
}

func appendLine(dst []byte, kind byte, s string) []byte {
	dst = append(dst, kind)
	dst = append(dst, cleanError(s)...)
	return append(dst, '\r', '\n')
}

func appendDouble(dst []byte, three bool, f float64) []byte {
	var room [32]byte
	var text []byte
	switch {
	case math.IsInf(f, 1):
		text = append(room[:0], "inf"...)
	case math.IsInf(f, -1):
		text = append(room[:0], "-inf"...)
	case math.IsNaN(f):
		text = append(room[:0], "nan"...)
	case f == 0 || (math.Abs(f) >= 1e-5 && math.Abs(f) < 1e17):
		text = strconv.AppendFloat(room[:0], f, 'f', -1, 64)
	default:
		text = strconv.AppendFloat(room[:0], f, 'e', -1, 64)
	}
	if !three {
		return AppendBulk(dst, text)
	}
	dst = append(dst, ',')
	dst = append(dst, text...)
	return append(dst, '\r', '\n')
}
