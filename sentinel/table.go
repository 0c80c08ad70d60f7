package sentinel

import (
	"strconv"

	"gosentinel/internal/invariant"
	"gosentinel/internal/resp"
	"gosentinel/quorum"
)

// table collects the fields of many instances as they go over the wire: a
// listing of any length costs three allocations, and the collector has next to
// nothing to look into. The zero table is ready for use, and again after maps.
type table struct {
	text   []byte
	fields int64 // keys and values of the row in hand
	rows   []row
	// proto, if not 0, is that of a connection: the text is a reply to it, each
	// row with its header, and rows is not used.
	proto int
	head  int // where the header of the row in hand is
}

// row is where a row ends in the text, and how many keys and values it has.
type row struct {
	end    int
	fields int64
}

// tableKept is how much text a table keeps room for, in bytes.
const tableKept = 1 << 20

func (t *table) str(key, value string) {
	t.text = resp.AppendBulk(resp.AppendBulk(t.text, key), value)
	t.fields += 2
}

func (t *table) num(key string, n int64) {
	var digits [20]byte
	t.bytes(key, strconv.AppendInt(digits[:0], n, 10))
}

func (t *table) epoch(key string, e quorum.Epoch) {
	var digits [20]byte
	t.bytes(key, strconv.AppendUint(digits[:0], uint64(e), 10))
}

func (t *table) bytes(key string, value []byte) {
	t.text = resp.AppendBulk(resp.AppendBulk(t.text, key), value)
	t.fields += 2
}

// startRow begins a row. How many fields it will have is put in by endRow.
func (t *table) startRow() {
	t.fields, t.head = 0, len(t.text)
	switch t.proto {
	case 0:
	case 3:
		t.text = append(t.text, "%00\r\n"...)
	default:
		t.text = append(t.text, "*00\r\n"...)
	}
}

func (t *table) endRow() {
	n := t.fields
	switch t.proto {
	case 0:
		t.rows = append(t.rows, row{len(t.text), n})
		return
	case 3:
		n /= 2
	}
	invariant.That(10 <= n && n <= 99, "K-2.1", "a row with a header for %d", n)
	t.text[t.head+1], t.text[t.head+2] = byte('0'+n/10), byte('0'+n%10)
}

// maps gives the rows, each a map.
func (t *table) maps() []resp.Value {
	text, start := string(t.text), 0
	out := make([]resp.Value, len(t.rows))
	for i, r := range t.rows {
		out[i] = resp.Value{Kind: resp.Fields, Int: r.fields, Str: text[start:r.end]}
		start = r.end
	}
	if cap(t.text) > tableKept {
		*t = table{}
	}
	t.text, t.rows = t.text[:0], t.rows[:0]
	return out
}
