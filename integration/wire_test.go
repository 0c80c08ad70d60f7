package integration

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// node is one value as it stood on the wire. It is read by a parser of its own
// here, so that what we compare does not pass through the code under test.
type node struct {
	kind  byte   // the first byte: + - : $ * % ~ > , = _ and ! for what is no reply
	text  string // of a leaf; the count of an aggregate
	elems []node
}

// errShort says that the value is not complete yet.
var errShort = errors.New("short")

// parseWire reads one value from the front of b and returns how long it is.
func parseWire(b []byte) (node, int, error) {
	end := bytes.Index(b, []byte("\r\n"))
	if end < 0 {
		return node{}, 0, errShort
	}
	if end == 0 {
		return node{}, 0, fmt.Errorf("an empty line")
	}
	n := node{kind: b[0], text: string(b[1:end])}
	at := end + 2
	switch n.kind {
	case '+', '-', ':', ',', '_', '#', '(':
		return n, at, nil
	case '$', '=':
		size, err := strconv.Atoi(n.text)
		if err != nil || size < -1 || n.kind == '=' && size < 4 {
			return n, 0, fmt.Errorf("bad length %q", n.text)
		}
		if size == -1 {
			return node{kind: '_', text: "$-1"}, at, nil
		}
		if len(b) < at+size+2 {
			return n, 0, errShort
		}
		if string(b[at+size:at+size+2]) != "\r\n" {
			return n, 0, fmt.Errorf("bulk of %d bytes does not end there", size)
		}
		n.text = string(b[at : at+size])
		return n, at + size + 2, nil
	case '*', '%', '~', '>':
		count, err := strconv.Atoi(n.text)
		if err != nil || count < -1 {
			return n, 0, fmt.Errorf("bad count %q", n.text)
		}
		if count == -1 {
			return node{kind: '_', text: "*-1"}, at, nil
		}
		if n.kind == '%' {
			count *= 2
		}
		for range count {
			e, size, err := parseWire(b[at:])
			if err != nil {
				return n, 0, err
			}
			n.elems = append(n.elems, e)
			at += size
		}
		return n, at, nil
	}
	return n, 0, fmt.Errorf("unknown type %q", n.kind)
}

// render is the text form of values, without loss: one line for each value,
// elements indented, bulk strings quoted, those of several lines as a block.
func render(all []node) string {
	var b strings.Builder
	for _, n := range all {
		n.render(&b, "")
	}
	return b.String()
}

func (n node) String() string { return render([]node{n}) }

func (n node) render(b *strings.Builder, indent string) {
	b.WriteString(indent)
	switch n.kind {
	case '$', '=':
		if lines := strings.SplitAfter(n.text, "\n"); len(lines) > 1 {
			fmt.Fprintf(b, "%c|\n", n.kind)
			for _, l := range lines {
				if l != "" {
					fmt.Fprintf(b, "%s| %s\n", indent, unquoted(l))
				}
			}
			return
		}
		fmt.Fprintf(b, "%c%q\n", n.kind, n.text)
	case '*', '%', '~', '>':
		fmt.Fprintf(b, "%c\n", n.kind) // the count is that of the elements, or parseWire had failed
		for _, e := range n.elems {
			e.render(b, indent+"  ")
		}
	default:
		fmt.Fprintf(b, "%c%s\n", n.kind, unquoted(n.text))
	}
}

func unquoted(s string) string {
	s = strconv.Quote(s)
	return strings.ReplaceAll(s[1:len(s)-1], `\"`, `"`)
}

// walk calls f for every node, parents first; f may change it.
func walk(all []node, f func(*node)) {
	for i := range all {
		f(&all[i])
		walk(all[i].elems, f)
	}
}

// sortElems sorts groups of size elements (1, or 2 for the pairs of a map) by
// their text.
func sortElems(elems []node, size int) {
	if len(elems)%size != 0 {
		return
	}
	var groups []string
	index := make(map[string][]node)
	for g := range slices.Chunk(elems, size) {
		text := render(g)
		groups = append(groups, text)
		index[text] = slices.Clone(g)
	}
	slices.Sort(groups)
	for i, text := range groups {
		copy(elems[i*size:], index[text])
	}
}
