package trace

import (
	"errors"
	"fmt"
	"io"
	"math"

	"github.com/hashicorp/go-msgpack/v2/codec"

	"gosentinel/conf"
	"gosentinel/internal/resp"
	"gosentinel/sentinel"
)

// handle is how msgpack is written: structs as arrays of their fields, strings
// and bytes apart.
var handle = newHandle()

func newHandle() *codec.MsgpackHandle {
	h := &codec.MsgpackHandle{WriteExt: true}
	h.StructToArray = true
	return h
}

// maxDepth is how deep the collections of a value may be nested: more than any
// reply that a link takes.
const maxDepth = 32

// Header is how a trace begins.
type Header struct {
	Format  int
	Version string // of the program that recorded
	Segment int    // 0 for the first file of a process, 1 for the next
	Why     string // why this file was begun
	Seed    uint64
	At      sentinel.Stamp // when the core was made, or the state taken
	Boot    conf.State     // without secrets; unused if there is a State
	Secrets []string       // their masks
	State   []byte         // nil: the records go on from the making of the core
}

// recordHead begins every record.
type recordHead struct {
	Kind inputKind
	At   sentinel.Stamp
}

// recordTail ends every record.
type recordTail struct {
	Digest  uint32 // of the effects
	Count   int    // how many there are
	Effects []byte // nil if they are too large to keep
	Died    string // the core panicked with this
}

// inputKind is the type of an input, or the start of the core. Numbers are
// part of the format.
type inputKind uint8

const (
	kindStart inputKind = iota
	kindTick
	kindLinkUp
	kindLinkDown
	kindAnswer
	kindHello
	kindRequest
	kindResolved
	kindPersisted
	kindScriptUp
	kindScriptDone
)

// actionKind is the type of an action. Numbers are part of the format.
type actionKind uint8

const (
	kindPersist actionKind = iota
	kindDial
	kindHangup
	kindSend
	kindRespond
	kindEmit
	kindShow
	kindSetLogLevel
	kindRunScript
	kindKillJob
	kindResolve
	kindExit
)

// node is one value of a resp.Value: its elements are the Elems nodes that
// follow it, with theirs.
type node struct {
	Kind  resp.Kind
	Elems int
	Int   int64
	Float uint64 // its bits
	Str   string
}

type answer struct {
	Tag   sentinel.Tag
	Value []node
}

type respond struct {
	ID                sentinel.ReqID
	Value, IfNotSaved []node
}

type effectHead struct {
	After sentinel.Seq
	Kind  actionKind
}

// encoder appends msgpack to its bytes.
type encoder struct {
	b    []byte
	enc  *codec.Encoder
	head effectHead
	a, r []node // room for values
}

func newEncoder() *encoder {
	e := &encoder{}
	e.enc = codec.NewEncoderBytes(&e.b, handle)
	return e
}

// reset begins anew with n bytes kept free.
func (e *encoder) reset() {
	e.b = e.b[:0]
	e.enc.ResetBytes(&e.b)
}

// put appends v, which must be a pointer to something of this file or of
// package sentinel: for these it cannot fail.
func (e *encoder) put(v any) { e.enc.MustEncode(v) }

// input appends what an input holds, and nothing for a Tick.
func (e *encoder) input(in sentinel.Input) {
	switch in := in.(type) {
	case nil, sentinel.Tick:
	case sentinel.LinkUp:
		e.put(&in)
	case sentinel.LinkDown:
		e.put(&in)
	case sentinel.Answer:
		e.a = flatten(e.a[:0], &in.Value)
		e.put(&answer{in.Tag, e.a})
	case sentinel.Hello:
		e.put(&in)
	case sentinel.Request:
		e.put(&in)
	case sentinel.Resolved:
		e.put(&in)
	case sentinel.Persisted:
		e.put(&in)
	case sentinel.ScriptUp:
		e.put(&in)
	case sentinel.ScriptDone:
		e.put(&in)
	default:
		panic(fmt.Sprintf("no such input: %T", in))
	}
}

func kindOf(in sentinel.Input) inputKind {
	switch in.(type) {
	case sentinel.Tick:
		return kindTick
	case sentinel.LinkUp:
		return kindLinkUp
	case sentinel.LinkDown:
		return kindLinkDown
	case sentinel.Answer:
		return kindAnswer
	case sentinel.Hello:
		return kindHello
	case sentinel.Request:
		return kindRequest
	case sentinel.Resolved:
		return kindResolved
	case sentinel.Persisted:
		return kindPersisted
	case sentinel.ScriptUp:
		return kindScriptUp
	case sentinel.ScriptDone:
		return kindScriptDone
	}
	return kindStart
}

// effects appends effects, masked.
func (e *encoder) effects(es []sentinel.Effect, mask *masker) {
	for i := range es {
		e.effect(es[i].After, mask.action(es[i].Action))
	}
}

func (e *encoder) effect(after sentinel.Seq, a sentinel.Action) {
	switch a := a.(type) {
	case sentinel.Persist:
		e.action(after, kindPersist, &a)
	case sentinel.Dial:
		e.action(after, kindDial, &a)
	case sentinel.Hangup:
		e.action(after, kindHangup, &a)
	case *sentinel.Send:
		e.action(after, kindSend, a)
	case sentinel.Respond:
		e.a, e.r = flatten(e.a[:0], &a.Value), flatten(e.r[:0], &a.IfNotSaved)
		e.action(after, kindRespond, &respond{a.ID, e.a, e.r})
	case sentinel.Emit:
		e.action(after, kindEmit, &a)
	case sentinel.Show:
		e.action(after, kindShow, &a)
	case sentinel.SetLogLevel:
		e.action(after, kindSetLogLevel, &a)
	case sentinel.RunScript:
		e.action(after, kindRunScript, &a)
	case sentinel.KillJob:
		e.action(after, kindKillJob, &a)
	case sentinel.Resolve:
		e.action(after, kindResolve, &a)
	case sentinel.Exit:
		e.action(after, kindExit, &a)
	default:
		panic(fmt.Sprintf("no such action: %T", a))
	}
}

func (e *encoder) action(after sentinel.Seq, kind actionKind, body any) {
	e.head = effectHead{after, kind}
	e.put(&e.head)
	e.put(body)
}

// flatten appends the nodes of v.
func flatten(to []node, v *resp.Value) []node {
	to = append(to, node{v.Kind, len(v.Elems), v.Int, math.Float64bits(v.Float), v.Str})
	for i := range v.Elems {
		to = flatten(to, &v.Elems[i])
	}
	return to
}

// unflatten takes the first value of nodes and gives the rest.
func unflatten(nodes []node, depth int) (resp.Value, []node, error) {
	if len(nodes) == 0 || depth > maxDepth {
		return resp.Value{}, nil, errValue
	}
	n, rest := nodes[0], nodes[1:]
	v := resp.Value{Kind: n.Kind, Int: n.Int, Float: math.Float64frombits(n.Float), Str: n.Str}
	if n.Elems < 0 || n.Elems > len(rest) {
		return v, nil, errValue
	}
	if n.Elems > 0 {
		v.Elems = make([]resp.Value, n.Elems)
	}
	var err error
	for i := range v.Elems {
		if v.Elems[i], rest, err = unflatten(rest, depth+1); err != nil {
			return v, nil, err
		}
	}
	return v, rest, nil
}

var errValue = errors.New("a reply that is none")

func wholeValue(nodes []node) (resp.Value, error) {
	v, rest, err := unflatten(nodes, 0)
	if err == nil && len(rest) > 0 {
		err = errValue
	}
	return v, err
}

// decoder reads what an encoder has written.
type decoder struct{ dec *codec.Decoder }

func newDecoder(b []byte) decoder { return decoder{codec.NewDecoderBytes(b, handle)} }

// get reads into v, a pointer.
func (d decoder) get(v any) error { return d.dec.Decode(v) }

// more reports whether bytes are left.
func (d decoder) more(b []byte) bool { return d.dec.NumBytesRead() < len(b) }

// input reads what an input of kind holds.
func (d decoder) input(kind inputKind) (sentinel.Input, error) {
	switch kind {
	case kindStart:
		return nil, nil
	case kindTick:
		return sentinel.Tick{}, nil
	case kindLinkUp:
		return read[sentinel.LinkUp](d)
	case kindLinkDown:
		return read[sentinel.LinkDown](d)
	case kindAnswer:
		var a answer
		if err := d.get(&a); err != nil {
			return nil, err
		}
		v, err := wholeValue(a.Value)
		return sentinel.Answer{Tag: a.Tag, Value: v}, err
	case kindHello:
		return read[sentinel.Hello](d)
	case kindRequest:
		return read[sentinel.Request](d)
	case kindResolved:
		return read[sentinel.Resolved](d)
	case kindPersisted:
		return read[sentinel.Persisted](d)
	case kindScriptUp:
		return read[sentinel.ScriptUp](d)
	case kindScriptDone:
		return read[sentinel.ScriptDone](d)
	}
	return nil, fmt.Errorf("input of kind %d", kind)
}

func read[T any](d decoder) (v T, err error) {
	err = d.get(&v)
	return v, err
}

// readEffects reads effects to the end of b.
func readEffects(b []byte) (es []sentinel.Effect, err error) {
	d := newDecoder(b)
	for d.more(b) {
		var head effectHead
		if err := d.get(&head); err != nil {
			return nil, err
		}
		a, err := d.action(head.Kind)
		if err != nil {
			return nil, err
		}
		es = append(es, sentinel.Effect{After: head.After, Action: a})
	}
	return es, nil
}

func (d decoder) action(kind actionKind) (sentinel.Action, error) {
	switch kind {
	case kindPersist:
		return read[sentinel.Persist](d)
	case kindDial:
		return read[sentinel.Dial](d)
	case kindHangup:
		return read[sentinel.Hangup](d)
	case kindSend:
		a := new(sentinel.Send)
		return a, d.get(a)
	case kindRespond:
		var r respond
		if err := d.get(&r); err != nil {
			return nil, err
		}
		v, err := wholeValue(r.Value)
		ifNot, err2 := wholeValue(r.IfNotSaved)
		return sentinel.Respond{ID: r.ID, Value: v, IfNotSaved: ifNot}, errors.Join(err, err2)
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
	}
	return nil, fmt.Errorf("action of kind %d", kind)
}

// readRecord reads one record.
func readRecord(b []byte) (head recordHead, in sentinel.Input, tail recordTail, err error) {
	d := newDecoder(b)
	if err = d.get(&head); err == nil {
		if in, err = d.input(head.Kind); err == nil {
			err = d.get(&tail)
		}
	}
	if err == nil && d.more(b) {
		err = io.ErrUnexpectedEOF
	}
	if err != nil {
		err = fmt.Errorf("%w: %v", ErrCorrupt, err)
	}
	return head, in, tail, err
}
