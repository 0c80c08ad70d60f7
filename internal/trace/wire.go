package trace

import (
	"fmt"
	"math"
	"unsafe"

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

// keptReply is how many bytes of a reply to a client are kept; of a longer one
// there is a checksum.
const keptReply = 4 << 10

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
	kindSlept
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
	kindDiskSick
)

// How the head of a resp.Value is put together: its kind, and which fields
// are set.
const (
	kindMask  = 1<<4 - 1
	hasInt    = 1 << 4
	hasStr    = 1 << 5
	hasFloat  = 1 << 6
	hasElems  = 1 << 7
	kindCut   = kindMask     // of a reply that is not kept: Int is its checksum
	kindDelta = kindMask - 1 // of a report: see encoder.report
)

const _ = uint(kindDelta - 1 - resp.Fields) // these two are no kinds of package resp

// encoder appends msgpack to b: integers and strings one after the other, and
// for what is rare, structs as the library writes them.
type encoder struct {
	b       []byte
	written *written // nil: every text is written in full
	last    sentinel.Stamp

	lib     *codec.Encoder
	scratch []byte
}

func newEncoder(w *written) *encoder {
	e := &encoder{written: w}
	e.lib = codec.NewEncoderBytes(&e.scratch, handle)
	return e
}

func (e *encoder) uint(n uint64) { e.b = appendUint(e.b, n) }
func (e *encoder) int(n int64)   { e.b = appendInt(e.b, n) }

func (e *encoder) bool(v bool) {
	n := byte(0)
	if v {
		n = 1
	}
	e.b = append(e.b, n)
}

// bytes appends a text.
func (e *encoder) bytes(b []byte) { e.text(unsafe.String(unsafe.SliceData(b), len(b))) }

// put appends v, which must be a pointer to something of this file or of
// package sentinel: for these it cannot fail.
func (e *encoder) put(v any) {
	e.scratch = e.scratch[:0]
	e.lib.ResetBytes(&e.scratch)
	e.lib.MustEncode(v)
	e.b = append(e.b, e.scratch...)
}

// record appends one step. died, if not empty, is the panic in which it ended.
func (e *encoder) record(at sentinel.Stamp, in sentinel.Input, es []sentinel.Effect, died string, mask *masker) {
	e.b = append(e.b, byte(kindOf(in)))
	e.int(int64(at.Mono - e.last.Mono))
	e.int(at.Wall - e.last.Wall)
	e.int(int64(at.Zone - e.last.Zone))
	e.last = at
	e.input(in, mask)
	if died != "" {
		e.int(-1)
		e.b = appendString(e.b, died)
		return
	}
	e.uint(uint64(len(es)))
	e.effects(es, mask)
}

// input appends what an input holds, masked, and nothing for a Tick.
func (e *encoder) input(in sentinel.Input, mask *masker) {
	switch in := in.(type) {
	case nil, sentinel.Tick:
	case sentinel.Answer:
		e.answer(in.Tag, &in.Value)
	case sentinel.Hello:
		e.uint(uint64(in.Link))
		e.bool(in.Failed)
		e.bool(in.Payload != nil)
		if in.Payload != nil {
			e.bytes(in.Payload)
		}
	case sentinel.Request:
		e.uint(uint64(in.ID))
		e.text(in.Client)
		args := mask.args(in.Args)
		e.uint(uint64(len(args)))
		for _, a := range args {
			e.bytes(a)
		}
		e.uint(uint64(len(in.NotExecutable)))
		for _, path := range in.NotExecutable {
			e.text(path)
		}
	default:
		e.rare(in)
	}
}

// rare appends what one of the other inputs holds.
func (e *encoder) rare(in sentinel.Input) {
	switch in := in.(type) {
	case sentinel.LinkUp:
		e.put(&in)
	case sentinel.LinkDown:
		e.put(&in)
	case sentinel.Resolved:
		e.put(&in)
	case sentinel.Persisted:
		e.put(&in)
	case sentinel.ScriptUp:
		e.put(&in)
	case sentinel.ScriptDone:
		e.put(&in)
	case sentinel.Slept:
		e.put(&in)
	default:
		panic(fmt.Sprintf("no such input: %T", in))
	}
}

func (e *encoder) answer(tag sentinel.Tag, v *resp.Value) {
	e.uint(uint64(tag))
	if v.Kind != resp.Bulk || len(v.Str) < minReport || e.written == nil {
		e.value(v)
		return
	}
	e.b = append(e.b, kindDelta)
	kept := e.written.of(tag)
	e.report(*kept, v.Str)
	*kept = v.Str
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
	case sentinel.Slept:
		return kindSlept
	}
	return kindStart
}

// effects appends effects, masked.
func (e *encoder) effects(es []sentinel.Effect, mask *masker) {
	for i := range es {
		e.uint(uint64(es[i].After))
		e.action(es[i].Action, mask)
	}
}

func (e *encoder) action(a sentinel.Action, mask *masker) {
	switch a := a.(type) {
	case *sentinel.Send:
		e.b = append(e.b, byte(kindSend))
		e.uint(uint64(a.Link))
		e.uint(uint64(a.Tag))
		e.bool(a.Secret)
		e.uint(uint64(len(a.Cmds)))
		for _, words := range a.Cmds {
			e.words(words, a.Secret, mask)
		}
	case sentinel.Respond:
		e.b = append(e.b, byte(kindRespond))
		e.uint(uint64(a.ID))
		v := mask.reply(a.Value)
		e.reply(&v)
		e.reply(&a.IfNotSaved)
	case sentinel.Persist:
		e.body(kindPersist, &a)
	case sentinel.Dial:
		e.body(kindDial, &a)
	case sentinel.Hangup:
		e.body(kindHangup, &a)
	case sentinel.Emit:
		e.body(kindEmit, &a)
	case sentinel.Show:
		e.body(kindShow, &a)
	case sentinel.SetLogLevel:
		e.body(kindSetLogLevel, &a)
	case sentinel.RunScript:
		e.body(kindRunScript, &a)
	case sentinel.KillJob:
		e.body(kindKillJob, &a)
	case sentinel.Resolve:
		e.body(kindResolve, &a)
	case sentinel.Exit:
		e.body(kindExit, &a)
	case sentinel.DiskSick:
		e.body(kindDiskSick, &a)
	default:
		panic(fmt.Sprintf("no such action: %T", a))
	}
}

func (e *encoder) body(kind actionKind, a any) {
	e.b = append(e.b, byte(kind))
	e.put(a)
}

// words appends a command; of a secret one the last word is masked.
func (e *encoder) words(words []string, secret bool, mask *masker) {
	e.uint(uint64(len(words)))
	for i, w := range words {
		if secret && i == len(words)-1 {
			w = mask.text(w)
		}
		e.text(w)
	}
}

// reply appends a value, or its checksum if it is long.
func (e *encoder) reply(v *resp.Value) {
	from, w := len(e.b), e.written
	e.written = nil // the checksum must tell the text, not where it is kept
	e.value(v)
	e.written = w
	if long := e.b[from:]; len(long) > keptReply {
		sum := checksum(long)
		e.b = e.b[:from]
		e.value(&resp.Value{Kind: kindCut, Int: int64(sum)})
	}
}

func (e *encoder) value(v *resp.Value) {
	head := uint64(v.Kind)
	if v.Int != 0 {
		head |= hasInt
	}
	if v.Str != "" {
		head |= hasStr
	}
	bits := math.Float64bits(v.Float)
	if bits != 0 {
		head |= hasFloat
	}
	if v.Elems != nil {
		head |= hasElems
	}
	e.uint(head)
	if v.Int != 0 {
		e.int(v.Int)
	}
	if v.Str != "" {
		e.text(v.Str)
	}
	if bits != 0 {
		e.uint(bits)
	}
	if v.Elems == nil {
		return
	}
	e.uint(uint64(len(v.Elems)))
	for i := range v.Elems {
		e.value(&v.Elems[i])
	}
}
