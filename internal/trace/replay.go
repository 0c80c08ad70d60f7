package trace

import (
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
// Recorded is nil if the effects were too large to keep; Count is how many
// there were.
type Difference struct {
	Moment   Moment // with the effects of the replay
	Recorded []sentinel.Effect
	Count    int
	Died     string // the recorded core panicked with this
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
	core   *sentinel.Core
	es     *encoder
	number int
	over   error
}

// Open begins the replay of a file: it makes the core in the state in which
// the file begins. The error is ErrNotTrace, ErrCut, ErrCorrupt, that of r, or
// says that the file needs another version.
func Open(r io.Reader) (p *Player, err error) {
	p = &Player{es: newEncoder()}
	if p.frames, err = newFrameReader(r); err != nil {
		return nil, err
	}
	body, err := p.frames.next()
	if err == io.EOF {
		err = ErrCut
	}
	if err != nil {
		return nil, err
	}
	h := &p.Header
	if err := newDecoder(body).get(h); err != nil {
		return nil, fmt.Errorf("%w: %v", ErrCorrupt, err)
	}
	if h.Format != format {
		return nil, fmt.Errorf("%w: its format is %d", ErrNotTrace, h.Format)
	}
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
	return p, nil
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
	body, err := p.frames.next()
	if err != nil {
		return Moment{}, err
	}
	head, in, tail, err := readRecord(body)
	if err != nil {
		return Moment{}, err
	}
	since := head.At.Mono - p.Header.At.Mono
	if p.Limit != 0 && since > p.Limit {
		return Moment{}, io.EOF
	}
	p.number++
	m := Moment{Number: p.number, Since: since, At: head.At, Input: in}
	if (in == nil) != (p.number == 1 && p.Header.Segment == 0) {
		return m, fmt.Errorf("%w: a start that is none", ErrCorrupt)
	}
	m.Effects, m.Died = p.step(head.At, in)
	p.es.reset()
	p.es.effects(m.Effects, nil)
	if checksum(p.es.b) == tail.Digest && len(m.Effects) == tail.Count && (m.Died != "") == (tail.Died != "") {
		return m, nil
	}
	d := &Difference{Moment: m, Count: tail.Count, Died: tail.Died}
	if tail.Effects != nil {
		d.Recorded, err = readEffects(tail.Effects)
		if err != nil {
			return m, fmt.Errorf("%w: %v", ErrCorrupt, err)
		}
	}
	return m, d
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
