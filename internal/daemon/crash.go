package daemon

import (
	"fmt"
	"log/slog"
	"runtime/debug"
	"strings"

	"gosentinel/internal/resp"
	"gosentinel/sentinel"
)

const (
	// crashInputs is how many inputs are kept for the log of a crash.
	crashInputs = 128

	// crashText is how many bytes of a text are kept of each.
	crashText = 400

	// crashElems is how many elements of a collection are kept.
	crashElems = 16
)

// crashRing keeps the last inputs, so that a dying daemon can tell them. The
// zero ring is empty.
//
// Rule: S2.10.
type crashRing struct {
	inputs [crashInputs]crashInput
	next   int
}

type crashInput struct {
	at   sentinel.Stamp
	in   sentinel.Input
	text []byte // the payload of a Hello; instead of in, if that is nil; its memory is used again
}

// add keeps an input. What is large is cut, so that the ring stays small.
func (r *crashRing) add(at sentinel.Stamp, in sentinel.Input) {
	switch v := in.(type) {
	case sentinel.Tick:
		return // there would be nothing else in it
	case sentinel.Answer:
		if isLarge(v.Value) {
			v.Value = cutValue(v.Value)
			in = v
		}
	case sentinel.Hello:
		slot := r.slot(at)
		slot.in, slot.text = in, append(slot.text[:0], v.Payload[:min(len(v.Payload), crashText)]...) // its bytes are the link's again soon
		return
	case sentinel.Request:
		slot := r.slot(at)
		slot.in, slot.text = nil, appendRequest(slot.text[:0], v) // its bytes are the listener's again once it is answered
		return
	}
	r.slot(at).in = in
}

// slot is where the next input goes.
func (r *crashRing) slot(at sentinel.Stamp) *crashInput {
	slot := &r.inputs[r.next%crashInputs]
	slot.at = at
	r.next++
	return slot
}

// write logs the inputs, oldest first.
func (r *crashRing) write(log *slog.Logger) {
	for i := max(0, r.next-crashInputs); i < r.next; i++ {
		slot := &r.inputs[i%crashInputs]
		text := strings.ToValidUTF8(string(slot.text), "?")
		if hello, ok := slot.in.(sentinel.Hello); ok {
			hello.Payload = slot.text
			text = describe(hello)
		} else if slot.in != nil {
			text = describe(slot.in)
		}
		log.Warn(fmt.Sprintf("input %d at %v: %s", i, slot.at.Mono, text))
	}
}

// describe is the text of an input.
func describe(in sentinel.Input) string {
	name := strings.TrimPrefix(fmt.Sprintf("%T", in), "sentinel.")
	switch v := in.(type) {
	case sentinel.Hello:
		return fmt.Sprintf("%s link=%d failed=%t %q", name, v.Link, v.Failed, v.Payload)
	case sentinel.Answer:
		return fmt.Sprintf("%s tag=%d %s", name, v.Tag, describeValue(v.Value))
	}
	return fmt.Sprintf("%s%+v", name, in)
}

func describeValue(v resp.Value) string {
	switch {
	case len(v.Elems) > 0:
		texts := make([]string, len(v.Elems))
		for i, e := range v.Elems {
			texts[i] = describeValue(e)
		}
		return "[" + strings.Join(texts, " ") + "]"
	case v.Kind == resp.Integer:
		return fmt.Sprint(v.Int)
	}
	return fmt.Sprintf("%q", v.Str)
}

// isLarge reports whether v is too much to keep as it is. No plain reply is.
func isLarge(v resp.Value) bool { return len(v.Str) > crashText || len(v.Elems) > 0 }

// cutValue is what is kept of a reply.
func cutValue(v resp.Value) resp.Value {
	v.Str = cutText(v.Str)
	elems := v.Elems[:min(len(v.Elems), crashElems)]
	v.Elems = make([]resp.Value, len(elems))
	for i, e := range elems {
		e.Str, e.Elems = cutText(e.Str), nil
		v.Elems[i] = e
	}
	return v
}

// appendRequest writes what is kept of a command. No secret can be among its
// first three words.
func appendRequest(text []byte, r sentinel.Request) []byte {
	text = append(text, "Request"...)
	for i, arg := range r.Args {
		if i == 3 {
			text = append(text, " ..."...)
			break
		}
		text = append(text, ' ')
		text = append(text, arg[:min(len(arg), crashText)]...)
	}
	return text
}

func cutText(s string) string {
	if len(s) <= crashText {
		return s
	}
	return strings.Clone(s[:crashText]) + "..."
}

// died logs why the loop died, and after what.
func (r *crashRing) died(log *slog.Logger, reason any) {
	log.Warn(fmt.Sprintf("gosentinel %s crashed: %v", Version, reason))
	for line := range strings.Lines(string(debug.Stack())) {
		log.Warn(strings.TrimRight(line, "\n"))
	}
	log.Warn("The last inputs, oldest first:")
	r.write(log)
}
