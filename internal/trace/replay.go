package trace

import (
	"bytes"
	"fmt"
	"io"
	"runtime/debug"
	"time"

	"gosentinel/sentinel"
)

// Moment is one step of a replay.
type Moment struct {
	Number  int           // of the record, from 1
	Since   time.Duration // monotonic time since the file begins
	At      sentinel.Stamp
	Input   sentinel.Input // nil for the start of the core
	Effects []sentinel.Effect
	// Died, if not empty, is the panic in which the core ended, then as now.
	Died string
}

// Difference says that the core answered otherwise than when it was recorded.
type Difference struct {
	Moment   Moment            // with the effects of the replay
	Recorded []sentinel.Effect // of a long reply, a checksum only
	Died     string            // the recorded core panicked with this
}

// Error tells where.
func (d *Difference) Error() string {
	return fmt.Sprintf("record %d at +%v: the effects differ", d.Moment.Number, d.Moment.Since)
}

// Player replays one file.
type Player struct {
	Header Header
	// Limit, if not 0, is the time since the file begins at which the replay
	// ends: what came later is not replayed.
	Limit time.Duration

	frames *frameReader
	in     *decoder
	core   *sentinel.Core
	plain  [2]*encoder // to compare effects
	number int
	over   error
}

// Open begins the replay of a file: it makes the core in the state in which
// the file begins. The error is ErrNotTrace, ErrFormat, ErrCut, ErrCorrupt,
// that of r, or says that the state needs another version.
func Open(r io.Reader) (p *Player, err error) {
	p = &Player{in: newDecoder(&seen{}), plain: [2]*encoder{newEncoder(nil), newEncoder(nil)}}
	if p.frames, err = newFrameReader(r); err != nil {
		return nil, err
	}
	if p.Header, err = readHeader(p.frames); err != nil {
		return nil, err
	}
	h := &p.Header
	defer func() {
		if reason := recover(); reason != nil {
			p, err = nil, fmt.Errorf("%w: no core can be made of its state: %v", ErrCorrupt, reason)
		}
	}()
	if h.State != nil {
		p.core, err = restoreState(h.State)
		h.State = nil
	} else if !putSecrets(&h.Boot, h.Secrets) {
		err = ErrCorrupt
	} else {
		p.core, err = sentinel.New(h.At, h.Boot, h.Seed)
	}
	if err != nil {
		return nil, err
	}
	p.in.last = h.At
	return p, nil
}

func readHeader(f *frameReader) (h Header, err error) {
	body, err := f.next()
	if err == io.EOF {
		err = ErrCut
	}
	if err != nil {
		return h, err
	}
	var version struct{ Format int } // all headers begin so
	d := newDecoder(nil)
	d.open(body)
	d.get(&version)
	if d.err == nil && version.Format != format {
		return h, fmt.Errorf("%w: %d, and this program replays format %d", ErrFormat, version.Format, format)
	}
	d.open(body)
	d.get(&h)
	if d.err != nil {
		return h, fmt.Errorf("%w: %v", ErrCorrupt, d.err)
	}
	return h, nil
}

// Core is the core as the last record left it. It is not to be stepped.
func (p *Player) Core() *sentinel.Core { return p.core }

// Next replays the next record. The error is io.EOF at the end, a *Difference,
// or what is wrong with the file; after an error there is no next record.
func (p *Player) Next() (Moment, error) {
	if p.over != nil {
		return Moment{}, p.over
	}
	m, err := p.next()
	p.over = err
	if err == nil && m.Died != "" {
		p.over = io.EOF
	}
	return m, err
}

func (p *Player) next() (Moment, error) {
	for !p.in.more() {
		body, err := p.frames.next()
		if err != nil {
			return Moment{}, err
		}
		p.in.open(body)
	}
	r, err := p.in.record()
	if err != nil {
		return Moment{}, err
	}
	since := r.at.Mono - p.Header.At.Mono
	if p.Limit != 0 && since > p.Limit {
		return Moment{}, io.EOF
	}
	p.number++
	m := Moment{Number: p.number, Since: since, At: r.at, Input: r.in}
	if (r.in == nil) != (p.number == 1 && p.Header.Segment == 0) {
		return m, fmt.Errorf("%w: a start that is none", ErrCorrupt)
	}
	m.Effects, m.Died = p.step(r.at, r.in)
	if p.same(r.effects, m.Effects) && (m.Died != "") == (r.died != "") {
		return m, nil
	}
	return m, &Difference{Moment: m, Recorded: r.effects, Died: r.died}
}

// same reports whether effects are the same to the last byte, as far as they
// were kept.
func (p *Player) same(a, b []sentinel.Effect) bool {
	for i, es := range [2][]sentinel.Effect{a, b} {
		p.plain[i].b = p.plain[i].b[:0]
		p.plain[i].effects(es, nil)
	}
	return len(a) == len(b) && bytes.Equal(p.plain[0].b, p.plain[1].b)
}

// step gives the core an input. A panic of the core is a result.
func (p *Player) step(at sentinel.Stamp, in sentinel.Input) (es []sentinel.Effect, died string) {
	defer func() {
		if reason := recover(); reason != nil {
			es, died = nil, fmt.Sprintf("%v\n%s", reason, debug.Stack())
		}
	}()
	if in == nil {
		return p.core.Start(), ""
	}
	return p.core.Step(at, in), ""
}
