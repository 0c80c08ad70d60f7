package trace

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"gosentinel/conf"
	"gosentinel/internal/resp"
	"gosentinel/sentinel"
)

// recording is the bytes of a short file; later says of one that begins with a
// state.
func recording(t testing.TB, later bool) []byte {
	path := filepath.Join(t.TempDir(), "x")
	r := secretive(t, path, 0)
	if later {
		r.room = 0
		for i := range 30 {
			r.Step(sentinel.Stamp{Mono: time.Minute + time.Duration(i)*100*time.Millisecond}, sentinel.Tick{})
		}
	}
	for i := range 3 {
		at := sentinel.Stamp{Mono: 2*time.Minute + time.Duration(i)}
		r.Step(at, sentinel.Hello{Link: 1, Payload: []byte("10.0.0.8,26379,a,0,m,10.0.0.1,6379,0")})
		r.Step(at, sentinel.Answer{Tag: 1 << 20, Value: resp.Str(fmt.Sprintf("%d\r\n%s%d\r\n", i, strings.Repeat("x:y\r\n", minReport), i))})
	}
	r.Close()
	data, err := os.ReadFile(path)
	require.NoError(t, err)
	return data
}

// play replays a file to the end and gives the reason of it.
func play(data []byte) (records int, err error) {
	p, err := Open(bytes.NewReader(data))
	for ; err == nil; records++ {
		_, err = p.Next()
	}
	return records, err
}

// A file that is cut or damaged anywhere gives an error and no panic.
func TestDamage(t *testing.T) {
	for _, later := range []bool{false, true} {
		data := recording(t, later)
		n, err := play(data)
		require.Equal(t, io.EOF, err)
		require.Greater(t, n, 20)
		whole := 0
		for cut := 0; cut < len(data); cut += 1 + cut/50 {
			switch _, err := play(data[:cut]); err {
			case io.EOF:
				whole++ // between two records
			case ErrCut, ErrNotTrace:
			default:
				require.NoError(t, err, "cut at %d", cut)
			}
		}
		require.Less(t, whole, n+1)
		for at := 0; at < len(data); at += 1 + at/50 {
			bad := bytes.Clone(data)
			bad[at] ^= 0x10
			_, err := play(bad)
			require.Error(t, err)
			require.NotEqual(t, io.EOF, err, "byte %d of %d", at, len(data))
		}
	}
}

// A frame that says it is large takes no more memory than is there.
func TestLengthsAreNotBelieved(t *testing.T) {
	frame := binary.LittleEndian.AppendUint32([]byte(mark), maxFrame)
	_, err := play(append(frame, make([]byte, 20)...))
	require.Equal(t, ErrCut, err)
	frame = binary.LittleEndian.AppendUint32([]byte(mark), maxFrame+1)
	_, err = play(append(frame, make([]byte, 20)...))
	require.ErrorIs(t, err, ErrCorrupt)
}

// A file in the form of another version is told from one that is no trace, and
// both versions are named.
func TestOtherFormats(t *testing.T) {
	of := func(version int) []byte {
		e := newEncoder(nil)
		e.b = make([]byte, frameHead)
		e.put(&struct {
			Format int
			Later  []string
		}{version, []string{"x"}})
		sealFrame(e.b)
		return append([]byte(mark), e.b...)
	}
	_, err := play(of(1))
	require.ErrorIs(t, err, ErrFormat)
	require.ErrorContains(t, err, "a trace of another format: 1, and this program replays format 2")
	_, err = play(of(3))
	require.ErrorIs(t, err, ErrFormat)
	_, err = play(of(2))
	require.ErrorIs(t, err, ErrCorrupt)
	_, err = play([]byte("sentinel monitor m 10.0.0.1 6379 1\n"))
	require.Equal(t, ErrNotTrace, err)
}

// reseal gives every frame of a damaged file its right checksum, so that the
// damage gets further.
func reseal(data []byte) []byte {
	data = bytes.Clone(data)
	for rest := data[min(len(data), len(mark)):]; len(rest) >= frameHead; {
		size := int(binary.LittleEndian.Uint32(rest))
		if size > len(rest)-frameHead {
			break
		}
		binary.LittleEndian.PutUint32(rest[4:], checksum(rest[frameHead:frameHead+size]))
		rest = rest[frameHead+size:]
	}
	return data
}

// FuzzReplay plays what may come as a trace file, its checksums made right.
func FuzzReplay(f *testing.F) {
	f.Add([]byte(mark))
	f.Add(recording(f, false))
	f.Add(recording(f, true))
	f.Fuzz(func(t *testing.T, data []byte) {
		if len(data) > 64<<10 {
			return
		}
		_, _ = play(data)
		_, err := play(reseal(data))
		require.Error(t, err)
	})
}

// A core that panics leaves a trace that ends in the same panic.
//
// Rule: S2.10.
func TestPanicIsRecorded(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x")
	core := new(sentinel.Core) // one that New did not make has no maps
	r := &Recorder{core: core, opt: Options{Size: MinSize}, w: newWriter(path, nil), block: newBlock()}
	r.next()
	q := sentinel.Request{ID: 1}
	for _, word := range strings.Fields("SENTINEL MONITOR m 10.0.0.1 6379 1") {
		q.Args = append(q.Args, []byte(word))
	}
	r.Step(sentinel.Stamp{}, sentinel.Tick{})
	require.PanicsWithError(t, "assignment to entry in nil map", func() { r.Step(sentinel.Stamp{}, q) })
	f, err := os.Open(path)
	require.NoError(t, err)
	defer f.Close()
	p, err := Open(f)
	require.NoError(t, err)
	_, err = p.Next()
	require.NoError(t, err)
	m, err := p.Next()
	require.NoError(t, err)
	require.Contains(t, m.Died, "assignment to entry in nil map")
	_, err = p.Next()
	require.Equal(t, io.EOF, err)
}

// A core that answers otherwise than when it was recorded is found out, and
// both answers are told.
func TestDifference(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x")
	core, err := sentinel.New(sentinel.Stamp{}, conf.State{}, 1)
	require.NoError(t, err)
	r := NewRecorder(core, sentinel.Stamp{}, conf.State{}, 2, Options{Path: path}) // not the seed of the core
	r.Start()
	r.Close()
	f, err := os.Open(path)
	require.NoError(t, err)
	defer f.Close()
	p, err := Open(f)
	require.NoError(t, err)
	_, err = p.Next()
	var d *Difference
	require.ErrorAs(t, err, &d)
	require.Equal(t, 1, d.Moment.Number)
	require.Len(t, d.Recorded, 2)
	require.NotEqual(t, d.Recorded, d.Moment.Effects)
	_, again := p.Next()
	require.Equal(t, err, again)

	text, err := report(ReportOptions{Path: path})
	require.ErrorContains(t, err, "record 1 at +0s: the effects differ")
	require.Contains(t, text, "DIFFERENT at record 1, ")
	require.Regexp(t, `recorded effects: 2\n  Persist \{Seq:1\}\n> Emit Sentinel ID is `, text)
	require.Regexp(t, `replayed effects: 2\n  Persist \{Seq:1\}\n> Emit Sentinel ID is `, text)
	require.Contains(t, text, "disk seq=1 settled=0", "the state is shown unasked")
}

// logged collects what the recorder says.
type logged struct {
	mu    sync.Mutex
	lines []string
}

func (l *logged) add(text string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.lines = append(l.lines, text)
}

// What is recorded is handed to the writer after a while, an event sooner,
// whatever comes of the process.
func TestRecordsDoNotWait(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x")
	core, err := sentinel.New(sentinel.Stamp{}, conf.State{}, 1)
	require.NoError(t, err)
	r := NewRecorder(core, sentinel.Stamp{}, conf.State{}, 1, Options{Path: path})
	defer r.Close()
	r.Start()
	r.handOver()
	written := func(records int) {
		t.Helper()
		require.Eventually(t, func() bool {
			data, _ := os.ReadFile(path)
			n, err := play(data)
			return err == io.EOF && n-1 == records
		}, 30*time.Second, time.Millisecond)
	}
	tick := func(at time.Duration) []sentinel.Effect { return r.Step(sentinel.Stamp{Mono: at}, sentinel.Tick{}) }
	written(1)
	tick(1)
	tick(gather)
	require.Greater(t, len(r.block.b), frameHead)
	tick(gather + 1)
	require.Len(t, r.block.b, frameHead)
	written(4)

	const later = 2 * gather
	tick(later)
	q := sentinel.Request{ID: 1}
	for _, word := range strings.Fields("SENTINEL MONITOR m 10.0.0.1 6379 1") {
		q.Args = append(q.Args, []byte(word))
	}
	require.True(t, tells(r.Step(sentinel.Stamp{Mono: later + 1}, q)))
	tick(later + hurry)
	require.Greater(t, len(r.block.b), frameHead)
	tick(later + 1 + hurry)
	written(8)
}

// The end may come from another goroutine at any time.
func TestCloseAtAnyTime(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x")
	core, err := sentinel.New(sentinel.Stamp{}, conf.State{}, 1)
	require.NoError(t, err)
	r := NewRecorder(core, sentinel.Stamp{}, conf.State{}, 1, Options{Path: path})
	r.Start()
	r.Step(sentinel.Stamp{Mono: 1}, sentinel.Tick{})
	closed := make(chan struct{})
	go func() {
		defer close(closed)
		r.Close()
		r.Close()
	}()
	for k := 2; ; k++ {
		r.Step(sentinel.Stamp{Mono: time.Duration(k)}, sentinel.Tick{})
		select {
		case <-closed:
			_, last, _ := replay(t, path)
			require.GreaterOrEqual(t, last.Number, 2)
			return
		default:
		}
	}
}

// No file but a trace is ever replaced.
func TestOtherFilesAreLeftAlone(t *testing.T) {
	for _, name := range []string{"x", "x.1"} {
		dir := t.TempDir()
		path := filepath.Join(dir, name)
		require.NoError(t, os.WriteFile(path, []byte("sentinel monitor m 10.0.0.1 6379 1\n"), 0o644))
		var log logged
		w := newWriter(filepath.Join(dir, "x"), log.add)
		w.begin([]byte("one"))
		w.close()
		text, err := os.ReadFile(path)
		require.NoError(t, err)
		require.Equal(t, "sentinel monitor m 10.0.0.1 6379 1\n", string(text))
		require.Len(t, log.lines, 1)
		require.Contains(t, log.lines[0], "is there already and is no trace")
	}
}

// When the disk is too slow the recording is given up without waiting, said
// once, and begun anew with the state of the core.
func TestSlowDisk(t *testing.T) {
	dir := t.TempDir()
	var log logged
	w := &writer{path: filepath.Join(dir, "x"), log: log.add, wake: make(chan struct{}, 1), urgent: make(chan struct{}), done: make(chan struct{})}
	core, err := sentinel.New(sentinel.Stamp{}, conf.State{}, 1)
	require.NoError(t, err)
	r := &Recorder{core: core, opt: Options{Size: 1 << 40}, mask: newMasker(), w: w, block: newBlock()}
	r.header = Header{Format: format, Secrets: []string{"", ""}, Seed: 1}
	r.begin()
	r.Start()
	r.handOver()
	w.flush()
	long := sentinel.Hello{Payload: []byte(strings.Repeat("x", 1<<20))}
	for range 20 { // nobody writes
		r.Step(sentinel.Stamp{}, long)
	}
	require.True(t, r.broken)
	require.Len(t, log.lines, 1)
	require.Contains(t, log.lines[0], "the disk is too slow")
	require.Zero(t, w.waits)
	w.retry = time.Now() // the pause is over
	r.Step(sentinel.Stamp{Mono: 1}, sentinel.Tick{})
	require.False(t, r.broken)
	r.handOver()
	w.flush()
	require.Len(t, log.lines, 2)
	p, last, _ := replay(t, w.path)
	require.Equal(t, 1, last.Number)
	require.Equal(t, "the recording was interrupted", p.Header.Why)
	_, last, _ = replay(t, w.path+".1")
	require.Equal(t, 1, last.Number)
}

// A failed write is said once and tried again later.
func TestNoDirectory(t *testing.T) {
	var log logged
	w := newWriter(filepath.Join(t.TempDir(), "none", "x"), log.add)
	w.begin([]byte("one"))
	require.Eventually(t, func() bool { return !w.put([]byte("two")) }, 30*time.Second, time.Millisecond)
	w.begin([]byte("three"))
	w.close()
	require.Len(t, log.lines, 1)
	require.Contains(t, log.lines[0], "no such file or directory")
}
