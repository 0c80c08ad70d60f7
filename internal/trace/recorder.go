package trace

import (
	"fmt"
	"io"
	"time"

	"gosentinel/conf"
	"gosentinel/sentinel"
)

const (
	// DefaultSize is how many bytes of records one file holds by default.
	DefaultSize = 64 << 20
	// MinSize is the smallest size that is taken.
	MinSize = 64 << 10

	// keptEffects is how many bytes of effects are kept of one step besides
	// their digest: enough for all but the long replies.
	keptEffects = 4 << 10
)

// Options say how to record. Path must be set.
type Options struct {
	// Path is the file that is written; when it is full it becomes Path.1, and
	// the one that has this name is lost.
	Path string
	// Size is how many bytes of records a file holds, besides the state that it
	// begins with; 0 is DefaultSize.
	Size int64
	// Version is that of the program.
	Version string
	// Log tells the operator that the recording is interrupted or goes on; nil
	// tells nobody. It is called on any goroutine.
	Log func(text string)
}

// Recorder is a core that records what it is given and what it answers. Its
// methods are those of the core, for its one caller, but for Close. Nothing in
// it waits for the disk: a goroutine of its own writes, and if it falls behind,
// what happens meanwhile is not recorded, and a new file is begun with the
// state of the core as it is then.
//
// Rule: design.md section 7, S2.10.
type Recorder struct {
	core *sentinel.Core
	opt  Options
	mask *masker
	w    *writer

	now    sentinel.Stamp // of the last step
	header Header
	broken bool  // something was not recorded since the last header
	room   int64 // bytes of records that still fit into the file

	rec   *encoder
	es    *encoder
	head  recordHead
	frame []byte
}

// NewRecorder begins to record core, which sentinel.New has just made with now,
// boot and seed.
func NewRecorder(core *sentinel.Core, now sentinel.Stamp, boot conf.State, seed uint64, o Options) *Recorder {
	if o.Size == 0 {
		o.Size = DefaultSize
	}
	o.Size = max(o.Size, MinSize)
	r := &Recorder{
		core: core, opt: o, mask: newMasker(), w: newWriter(o.Path, o.Log), now: now,
		rec: newEncoder(), es: newEncoder(),
	}
	bare, secrets := r.mask.boot(boot)
	r.header = Header{Format: format, Version: o.Version, Why: "start", Seed: seed, At: now, Boot: bare, Secrets: secrets}
	r.begin()
	return r
}

// Start is the core's.
func (r *Recorder) Start() []sentinel.Effect {
	es := r.core.Start()
	r.note(r.now, nil, es, "")
	return es
}

// Step is the core's. A panic of the core passes through; what led to it is on
// disk by then.
func (r *Recorder) Step(now sentinel.Stamp, in sentinel.Input) []sentinel.Effect {
	done := false
	defer func() {
		if !done {
			r.died(now, in, recover())
		}
	}()
	if r.broken || r.room <= 0 {
		r.next()
	}
	es := r.core.Step(now, in)
	r.now = now
	r.note(now, in, es, "")
	done = true
	return es
}

// NextDeadline is the core's.
func (r *Recorder) NextDeadline() time.Duration { return r.core.NextDeadline() }

// Durable is the core's.
func (r *Recorder) Durable() (conf.State, sentinel.Seq) { return r.core.Durable() }

// Dump is the core's.
func (r *Recorder) Dump(w io.Writer) error { return r.core.Dump(w) }

// Close writes what waits to be written, for two seconds at most. It may be
// called on any goroutine, more than once; what comes later is not recorded.
func (r *Recorder) Close() { r.w.close() }

func (r *Recorder) died(now sentinel.Stamp, in sentinel.Input, reason any) {
	r.note(now, in, nil, fmt.Sprint(reason))
	r.Close()
	panic(reason)
}

// note records one step.
func (r *Recorder) note(now sentinel.Stamp, in sentinel.Input, es []sentinel.Effect, died string) {
	if r.broken {
		return
	}
	r.es.reset()
	r.es.effects(es, r.mask)
	tail := recordTail{Digest: checksum(r.es.b), Count: len(es), Effects: r.es.b, Died: died}
	if len(r.es.b) > keptEffects {
		tail.Effects = nil
	}
	r.rec.reset()
	r.head = recordHead{kindOf(in), now}
	r.rec.put(&r.head)
	r.rec.input(r.mask.input(in))
	r.rec.put(&tail)
	r.room -= int64(frameHead + len(r.rec.b))
	if !r.w.put(r.seal(r.rec.b)) {
		r.broken = true
	}
}

// next begins a new file if the writer can take it.
func (r *Recorder) next() {
	if !r.w.ready() {
		return
	}
	state, err := saveState(r.core, r.mask)
	if err != nil {
		r.w.give(err)
		r.broken = true
		return
	}
	why := "the one before is full"
	if r.broken {
		why = "the recording was interrupted"
	}
	r.header = Header{
		Format: format, Version: r.opt.Version, Segment: r.header.Segment + 1, Why: why, At: r.now, State: state,
	}
	r.begin()
}

// begin begins a file with the header.
func (r *Recorder) begin() {
	r.rec.reset()
	r.rec.put(&r.header)
	r.header.State = nil
	r.w.begin(r.seal(r.rec.b))
	r.broken, r.room = false, r.opt.Size
}

// seal makes a frame, valid until the next call.
func (r *Recorder) seal(body []byte) []byte {
	r.frame = append(r.frame[:0], make([]byte, frameHead)...)
	r.frame = append(r.frame, body...)
	sealFrame(r.frame)
	return r.frame
}
