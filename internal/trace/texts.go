package trace

import (
	"errors"
	"hash/maphash"
	"strings"

	"gosentinel/sentinel"
)

const (
	// textSlots is how many texts are remembered: those of the hellos of some
	// hundred masters.
	textSlots = 1 << 13
	// minText and maxText are the lengths of texts that are remembered, in
	// bytes.
	minText, maxText = 4, 1 << 10

	// reportSlots is how many long replies are remembered, one of a link.
	reportSlots = 1 << 12
	// minReport is the length from which a bulk string is one, in bytes: INFO
	// is, which is new every time and yet nearly the same.
	minReport = 256
	// stride and step are how many bytes of two reports are compared at once.
	stride, step = 64, 8
)

// written is what the writer of a file remembers of it, so that a text that
// comes again is written as a number. A text is known by its hash alone, of 64
// bits with a random seed: to look at the text itself would cost more than to
// write it again.
type written struct {
	seed   maphash.Seed
	hashes [textSlots]uint64
	reports
}

func newWritten() *written { return &written{seed: maphash.MakeSeed()} }

// forget begins a new file.
func (w *written) forget() {
	clear(w.hashes[:])
	clear(w.reports[:])
}

// seen is what the reader remembers. Where a text is kept is the writer's
// choice.
type seen struct {
	texts [textSlots]string
	reports
}

// reports are the last reports of links. Links may share a place: what is there
// is a help, never an assumption.
type reports [reportSlots]string

// of is where the last report of the link of tag is kept.
func (r *reports) of(tag sentinel.Tag) *string { return &r[tag.Link()%reportSlots] }

// text appends a text: 0 and the text; 2 n + 2 and the text, which is n from
// now on; or 2 n + 1, for the text that is n.
func (e *encoder) text(s string) {
	if e.written == nil || len(s) < minText || len(s) > maxText {
		e.b = appendString(append(e.b, 0), s)
		return
	}
	hash := max(1, maphash.String(e.written.seed, s)) // 0 is no text
	n := hash % textSlots
	if e.written.hashes[n] == hash {
		e.uint(2*n + 1)
		return
	}
	e.written.hashes[n] = hash
	e.uint(2*n + 2)
	e.b = appendString(e.b, s)
}

var errText = errors.New("a text that is not there")

// text reads what encoder.text has written.
func (d *decoder) text() string {
	code := d.uint()
	if code == 0 {
		return d.string()
	}
	n := (code - 1) / 2
	if n >= textSlots {
		d.fail(errText)
		return ""
	}
	if code%2 == 0 {
		d.seen.texts[n] = d.string()
	}
	return d.seen.texts[n]
}

// report appends text by what it shares with old, line by line: its length;
// then in turn how much of old is kept, how much is left out, and what stands
// there instead, until text is complete.
func (e *encoder) report(old, text string) {
	e.uint(uint64(len(text)))
	for text != "" {
		same := shared(old, text)
		e.uint(uint64(same))
		old, text = old[same:], text[same:]
		if text == "" {
			return
		}
		out, in := lineLen(old), lineLen(text)
		if old == "" {
			in = len(text)
		}
		e.uint(uint64(out))
		e.b = appendString(e.b, text[:in])
		old, text = old[out:], text[in:]
	}
}

// shared is how many bytes a and b have in common at their beginnings.
func shared(a, b string) int {
	most := min(len(a), len(b))
	n := 0
	for n+stride <= most && a[n:n+stride] == b[n:n+stride] {
		n += stride
	}
	for n+step <= most && a[n:n+step] == b[n:n+step] {
		n += step
	}
	for n < most && a[n] == b[n] {
		n++
	}
	return n
}

// lineLen is the length of the first line of s with its end.
func lineLen(s string) int {
	if n := strings.IndexByte(s, '\n'); n >= 0 {
		return n + 1
	}
	return len(s)
}

// report reads what encoder.report has written.
func (d *decoder) report(old string) string {
	size := d.uint()
	var b strings.Builder
	for d.err == nil && uint64(b.Len()) < size {
		b.WriteString(d.take(&old))
		if uint64(b.Len()) < size {
			d.take(&old)
			b.WriteString(d.string())
		}
	}
	if uint64(b.Len()) != size {
		d.fail(errText)
	}
	return b.String()
}

// take reads a length and takes so much off the beginning of s.
func (d *decoder) take(s *string) string {
	n := d.uint()
	if n > uint64(len(*s)) {
		d.fail(errText)
		return ""
	}
	taken := (*s)[:n]
	*s = (*s)[n:]
	return taken
}
