package trace

import (
	"fmt"
	"io"
	"sync"
	"time"

	"gosentinel/conf"
	"gosentinel/sentinel"
)

const (
	// DefaultSize is how many bytes of records one file holds by default.
	DefaultSize = 64 << 20
	// MinSize is the smallest size that is taken.
	MinSize = 64 << 10

	// blockSize is from how many bytes on records are handed to the writer. Of a
	// Sentinel to which nothing happens they wait for that no longer than
	// gather, from an event on no longer than hurry, and then for the next step:
	// what a crash of the machine or a SIGKILL can cost.
	blockSize = 64 << 10
	gather    = 500 * time.Millisecond
	hurry     = 50 * time.Millisecond

	// spareSize is the most memory that is kept for the next records.
	spareSize = 1 << 20
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
// methods are those of the core, for its one caller, but for Look and Close. Nothing in
// it waits for the disk: records gather in a block, a goroutine of its own
// writes the blocks, and if it falls behind, what happens meanwhile is not
// recorded, and a new file is begun with the state of the core as it is then.
//
// Rule: docs/architecture.md, recordings, S2.10.
type Recorder struct {
	core *sentinel.Core
	opt  Options
	mask *masker
	w    *writer

	now    sentinel.Stamp // of the last step
	header Header
	broken bool  // something was not recorded since the last header
	room   int64 // bytes of records that still fit into the file

	mu    sync.Mutex    // over block, for Close
	block *encoder      // a frame whose head is still free, and records
	due   time.Duration // when it is handed over at the latest
}

// NewRecorder begins to record core, which sentinel.New has just made with now,
// boot and seed.
func NewRecorder(core *sentinel.Core, now sentinel.Stamp, boot conf.State, seed uint64, o Options) *Recorder {
	if o.Size == 0 {
		o.Size = DefaultSize
	}
	o.Size = max(o.Size, MinSize)
	r := &Recorder{
		core: core, opt: o, mask: newMasker(), w: newWriter(o.Path, o.Log), now: now, block: newBlock(),
	}
	bare, secrets := r.mask.boot(boot)
	r.header = Header{Format: format, Version: o.Version, Why: "start", Seed: seed, At: now, Boot: bare, Secrets: secrets}
	r.begin()
	return r
}

func newBlock() *encoder {
	e := newEncoder(newWritten())
	e.b = make([]byte, frameHead, blockSize+blockSize/4)
	return e
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

// Connections is the core's.
func (r *Recorder) Connections() int { return r.core.Connections() }

// Look is the core's. It changes nothing and is no input: it is not recorded.
func (r *Recorder) Look(dst []byte, now sentinel.Stamp, args [][]byte, proto int) ([]byte, bool) {
	return r.core.Look(dst, now, args, proto)
}

// Durable is the core's.
func (r *Recorder) Durable() (conf.State, sentinel.Seq) { return r.core.Durable() }

// Dump is the core's.
func (r *Recorder) Dump(w io.Writer) error { return r.core.Dump(w) }

// Close writes what waits to be written, for two seconds at most. It may be
// called on any goroutine, more than once; what comes later is not recorded.
func (r *Recorder) Close() {
	r.mu.Lock()
	r.handOver()
	r.mu.Unlock()
	r.w.close()
}

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
	r.mu.Lock()
	defer r.mu.Unlock()
	from := len(r.block.b)
	if from == frameHead {
		r.due = now.Mono + gather
	}
	if tells(es) {
		r.due = min(r.due, now.Mono+hurry)
	}
	r.block.record(now, in, es, died, r.mask)
	r.room -= int64(len(r.block.b) - from)
	if len(r.block.b) >= blockSize || now.Mono >= r.due {
		r.broken = !r.handOver()
	}
}

// tells reports whether an event is among effects.
func tells(es []sentinel.Effect) bool {
	for i := range es {
		if _, ok := es[i].Action.(sentinel.Emit); ok {
			return true
		}
	}
	return false
}

// handOver gives the writer what was recorded; false if it does not take it.
// The caller holds mu.
func (r *Recorder) handOver() bool {
	if len(r.block.b) == frameHead {
		return true
	}
	sealFrame(r.block.b)
	ok := r.w.put(r.block.b)
	if cap(r.block.b) > spareSize {
		r.block.b = make([]byte, frameHead, blockSize)
	}
	r.block.b = r.block.b[:frameHead]
	return ok
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

// begin ends the file before, if there is one, and begins one with the header.
func (r *Recorder) begin() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.broken = !r.handOver(); r.broken {
		return
	}
	e := newEncoder(nil)
	e.b = make([]byte, frameHead)
	e.put(&r.header)
	r.header.State = nil
	sealFrame(e.b)
	r.w.begin(e.b)
	r.room = r.opt.Size
	r.block.written.forget()
	r.block.last = r.header.At
}
