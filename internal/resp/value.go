package resp

// Kind is the logical type of a Value. How it looks on the wire depends on the
// protocol version of the connection (commands.md, section 0).
type Kind uint8

// The zero Kind is Null: `$-1` in RESP2, `_` in RESP3.
const (
	Null      Kind = iota
	NullArray      // `*-1` in RESP2, `_` in RESP3
	Simple         // +text
	Error          // -text; Str holds the text without the dash ("ERR ...")
	Integer        // :n
	Bulk           // $len
	Array          // *n
	Map            // %n; Elems alternate key, value; flat array in RESP2
	Set            // ~n; array in RESP2
	Push           // >n; array in RESP2
	Double         // ,d; bulk in RESP2
	Verbatim       // =len txt:; bulk in RESP2
	None           // nothing at all is sent (CLIENT REPLY, SHUTDOWN)
	Fields         // a Map of bulk strings only, encoded: see AppendBulk and Unfold
)

// Value is one RESP value, read from or to be written to a connection. The
// zero Value is Null. Values are immutable once handed on.
type Value struct {
	Kind  Kind
	Int   int64   // Integer; for Fields how many keys and values there are
	Float float64 // Double
	Str   string  // Simple, Error, Bulk, Verbatim; for Fields keys and values in turn, encoded
	Elems []Value // Array, Set, Push; for Map keys and values in turn
}

// OK is the status reply of a command that has nothing to tell.
var OK = Value{Kind: Simple, Str: "OK"}

// Str makes a bulk string.
func Str(s string) Value { return Value{Kind: Bulk, Str: s} }

// Int makes an integer.
func Int(n int64) Value { return Value{Kind: Integer, Int: n} }

// Status makes a simple string.
func Status(s string) Value { return Value{Kind: Simple, Str: s} }

// Err makes an error reply from its text without the dash; bytes that would
// end the line early become blanks, and text ends at a NUL (commands.md, 0).
func Err(text string) Value { return Value{Kind: Error, Str: cleanError(text)} }

// List makes an array.
func List(elems ...Value) Value { return Value{Kind: Array, Elems: elems} }

// Pairs makes a map from keys and values in turn.
func Pairs(elems ...Value) Value { return Value{Kind: Map, Elems: elems} }

// Size is about how many bytes v takes in either form, never more than it does;
// the count ends when it has passed enough.
func (v *Value) Size(enough int) int {
	size := len(v.Str) + 2
	for i := range v.Elems {
		if size > enough {
			break
		}
		size += v.Elems[i].Size(enough - size)
	}
	return size
}

// Unfold gives Fields as the Map that they stand for, and any other v as it is.
// What is no Fields at all, read from a damaged file, becomes its text.
func (v Value) Unfold() Value {
	if v.Kind != Fields {
		return v
	}
	wire := Append(nil, 3, v)
	m, _, err := Decode(wire, Limits{Depth: 1, Elems: len(wire), Bulk: len(wire), Total: len(wire)})
	if err != nil {
		return Str(v.Str)
	}
	return m
}

// cleanError replaces CR and LF by blanks and cuts at the first NUL.
func cleanError(s string) string {
	clean := true
	for i := 0; i < len(s); i++ {
		if s[i] == '\r' || s[i] == '\n' || s[i] == 0 {
			clean = false
			break
		}
	}
	if clean {
		return s
	}
	b := []byte(s)
	for i, c := range b {
		switch c {
		case '\r', '\n':
			b[i] = ' '
		case 0:
			return string(b[:i])
		}
	}
	return string(b)
}
