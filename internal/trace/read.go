package trace

import (
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/hashicorp/go-msgpack/v2/codec"

	"gosentinel/internal/resp"
	"gosentinel/sentinel"
)

// maxDepth is how deep the collections of a value may be nested: more than any
// reply that a link takes.
const maxDepth = 32

// record is one step as it was recorded.
type record struct {
	at      sentinel.Stamp
	in      sentinel.Input // nil for the start of the core
	effects []sentinel.Effect
	died    string // the core panicked with this
}

// decoder reads what an encoder has written. After its first error it reads
// nothing but zeros.
type decoder struct {
	lib  *codec.Decoder
	size int // bytes to read
	seen *seen
	last sentinel.Stamp
	err  error
}

// newDecoder makes a decoder that has nothing to read yet.
func newDecoder(s *seen) *decoder {
	return &decoder{lib: codec.NewDecoderBytes([]byte{}, handle), seen: s}
}

// open has the decoder read b from now on.
func (d *decoder) open(b []byte) {
	d.lib.ResetBytes(b)
	d.size = len(b)
}

// more reports whether there is something left to read.
func (d *decoder) more() bool { return d.err == nil && d.lib.NumBytesRead() < d.size }

func (d *decoder) fail(err error) {
	if d.err == nil {
		d.err = err
	}
}

// get reads into v, a pointer.
func (d *decoder) get(v any) {
	if d.err == nil {
		d.err = d.lib.Decode(v)
	}
}

func (d *decoder) uint() (n uint64) {
	d.get(&n)
	return n
}

func (d *decoder) int() (n int64) {
	d.get(&n)
	return n
}

func (d *decoder) string() (s string) {
	d.get(&s)
	return s
}

func (d *decoder) bool() bool { return d.uint() != 0 }

// each calls read as often as the number says that comes next.
func (d *decoder) each(read func()) {
	for n := d.uint(); n > 0 && d.err == nil; n-- {
		read()
	}
}

// record reads one step.
func (d *decoder) record() (r record, err error) {
	kind := inputKind(d.uint())
	d.last.Mono += time.Duration(d.int())
	d.last.Wall += d.int()
	d.last.Zone += int(d.int())
	r.at = d.last
	r.in = d.input(kind)
	if n := d.int(); n >= 0 {
		r.effects = d.effects(n)
	} else {
		r.died = d.string()
	}
	if d.err != nil {
		return r, fmt.Errorf("%w: %v", ErrCorrupt, d.err)
	}
	return r, nil
}

// input reads what an input of kind holds.
func (d *decoder) input(kind inputKind) sentinel.Input {
	switch kind {
	case kindStart:
		return nil
	case kindTick:
		return sentinel.Tick{}
	case kindLinkUp:
		return read[sentinel.LinkUp](d)
	case kindLinkDown:
		return read[sentinel.LinkDown](d)
	case kindAnswer:
		return d.answer()
	case kindHello:
		in := sentinel.Hello{Link: sentinel.LinkID(d.uint()), Failed: d.bool()}
		if d.bool() {
			in.Payload = []byte(d.text())
		}
		return in
	case kindRequest:
		in := sentinel.Request{ID: sentinel.ReqID(d.uint()), Client: d.text()}
		d.each(func() { in.Args = append(in.Args, []byte(d.text())) })
		d.each(func() { in.NotExecutable = append(in.NotExecutable, d.text()) })
		return in
	case kindResolved:
		return read[sentinel.Resolved](d)
	case kindPersisted:
		return read[sentinel.Persisted](d)
	case kindScriptUp:
		return read[sentinel.ScriptUp](d)
	case kindScriptDone:
		return read[sentinel.ScriptDone](d)
	case kindSlept:
		return read[sentinel.Slept](d)
	}
	d.fail(fmt.Errorf("input of kind %d", kind))
	return nil
}

func (d *decoder) answer() sentinel.Answer {
	in := sentinel.Answer{Tag: sentinel.Tag(d.uint())}
	head := d.uint()
	if head != kindDelta {
		in.Value = d.value(head, 0)
		return in
	}
	kept := d.seen.of(in.Tag)
	*kept = d.report(*kept)
	in.Value = resp.Str(*kept)
	return in
}

func read[T any](d *decoder) (v T) {
	d.get(&v)
	return v
}

// effects reads n effects.
func (d *decoder) effects(n int64) (es []sentinel.Effect) {
	for ; n > 0 && d.err == nil; n-- {
		after := sentinel.Seq(d.uint())
		es = append(es, sentinel.Effect{After: after, Action: d.action(actionKind(d.uint()))})
	}
	return es
}

func (d *decoder) action(kind actionKind) sentinel.Action {
	switch kind {
	case kindPersist:
		return read[sentinel.Persist](d)
	case kindDial:
		return read[sentinel.Dial](d)
	case kindHangup:
		return read[sentinel.Hangup](d)
	case kindSend:
		a := &sentinel.Send{Link: sentinel.LinkID(d.uint()), Tag: sentinel.Tag(d.uint()), Secret: d.bool()}
		d.each(func() {
			var words []string
			d.each(func() { words = append(words, d.text()) })
			a.Cmds = append(a.Cmds, words)
		})
		return a
	case kindRespond:
		return sentinel.Respond{ID: sentinel.ReqID(d.uint()), Value: d.value(d.uint(), 0), IfNotSaved: d.value(d.uint(), 0)}
	case kindEmit:
		return read[sentinel.Emit](d)
	case kindShow:
		return read[sentinel.Show](d)
	case kindSetLogLevel:
		return read[sentinel.SetLogLevel](d)
	case kindRunScript:
		return read[sentinel.RunScript](d)
	case kindKillJob:
		return read[sentinel.KillJob](d)
	case kindResolve:
		return read[sentinel.Resolve](d)
	case kindExit:
		return read[sentinel.Exit](d)
	case kindDiskSick:
		return read[sentinel.DiskSick](d)
	}
	d.fail(fmt.Errorf("action of kind %d", kind))
	return nil
}

var errValue = errors.New("a reply that is none")

// value reads what follows the head of a value.
func (d *decoder) value(head uint64, depth int) resp.Value {
	v := resp.Value{Kind: resp.Kind(head & kindMask)}
	if head > math.MaxUint8 || v.Kind == kindDelta || depth > maxDepth {
		d.fail(errValue)
		return resp.Value{}
	}
	if head&hasInt != 0 {
		v.Int = d.int()
	}
	if head&hasStr != 0 {
		v.Str = d.text()
	}
	if head&hasFloat != 0 {
		v.Float = math.Float64frombits(d.uint())
	}
	if head&hasElems != 0 {
		v.Elems = []resp.Value{}
		d.each(func() { v.Elems = append(v.Elems, d.value(d.uint(), depth+1)) })
	}
	return v
}
