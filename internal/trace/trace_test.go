package trace

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"gosentinel/conf"
	"gosentinel/internal/resp"
	"gosentinel/internal/scenario"
	"gosentinel/internal/sim"
	"gosentinel/sentinel"
)

// everyInput has one input of each type and each odd value.
var everyInput = []sentinel.Input{
	sentinel.Tick{},
	sentinel.LinkUp{Link: 1<<64 - 1, Local: "10.0.0.1"},
	sentinel.LinkDown{Link: 2, Refused: true, Reason: "connection refused"},
	sentinel.Slept{For: time.Hour},
	sentinel.LinkDown{Link: 2, Reason: "Too many open files", Ours: true},
	sentinel.Answer{Tag: 1<<63 + 5, Value: resp.Str("PONG\x00\xff")},
	sentinel.Answer{Tag: 7},
	sentinel.Answer{Tag: 7, Value: resp.Value{Kind: resp.NullArray}},
	sentinel.Answer{Tag: 7, Value: resp.Value{Kind: resp.Double, Float: -0.5}},
	sentinel.Answer{Tag: 8, Value: resp.List(resp.Int(-1), resp.List(), resp.Err("ERR x"), resp.Pairs(resp.Str("a"), resp.OK))},
	sentinel.Hello{Link: 3, Payload: []byte("a,b")},
	sentinel.Hello{Link: 3, Payload: []byte{}},
	sentinel.Hello{Link: 3},
	sentinel.Hello{Link: 3, Failed: true},
	sentinel.Request{ID: 4, Client: "c", Args: [][]byte{[]byte("SENTINEL"), {0, 255}, {}}, NotExecutable: []string{"/x"}},
	sentinel.Resolved{Host: "h", IPs: []string{"10.0.0.1", "::1"}},
	sentinel.Resolved{Host: "h", Reason: "no such host"},
	sentinel.Persisted{Seq: 9, Took: time.Second, Reason: "No space left on device"},
	sentinel.ScriptUp{Job: 5, PID: 77},
	sentinel.ScriptDone{Job: 5, Code: -1, Signal: 9},
}

// recordsComeBack has records written and read, and cut anywhere.
func recordsComeBack(t *testing.T, recs ...record) {
	e := newEncoder(newWritten())
	for _, r := range recs {
		e.record(r.at, r.in, r.effects, r.died, nil)
	}
	d := newDecoder(&seen{})
	d.open(e.b)
	for _, want := range recs {
		require.True(t, d.more())
		got, err := d.record()
		require.NoError(t, err)
		require.Equal(t, want, got)
	}
	require.False(t, d.more())
	for n := range e.b {
		d := newDecoder(&seen{})
		d.open(e.b[:n])
		whole := 0
		for d.more() {
			if _, err := d.record(); err != nil {
				require.ErrorIs(t, err, ErrCorrupt, "cut at %d", n)
				break
			}
			whole++
		}
		require.Less(t, whole, len(recs))
	}
}

// An input comes back as it was, for the first time and again.
//
// Rule: S2.7.
func TestInputsComeBack(t *testing.T) {
	for _, in := range everyInput {
		t.Run(InputText(in), func(t *testing.T) {
			at := sentinel.Stamp{Mono: time.Hour, Wall: -5, Zone: -3600}
			earlier := sentinel.Stamp{Mono: time.Second, Wall: 1 << 50, Zone: 7200}
			recordsComeBack(t, record{at: at, in: in}, record{at: earlier, in: in, died: "x"})
		})
	}
}

func TestEffectsComeBack(t *testing.T) {
	es := []sentinel.Effect{
		{Action: sentinel.Persist{Seq: 3}},
		{After: 3, Action: sentinel.Dial{Link: 1, Timeout: time.Second, PubSub: true}},
		{Action: sentinel.Hangup{Link: 1}},
		{Action: &sentinel.Send{Link: 1, Tag: 2, Cmds: [][]string{{"A"}, {"B", "c"}}, Secret: true}},
		{Action: &sentinel.Send{Link: 1, Tag: 3, Cmds: [][]string{{"PUBLISH", "PUBLISH", strings.Repeat("x", 2*maxText)}}}},
		{Action: sentinel.Respond{ID: 1, Value: resp.Pairs(resp.Str("k"), resp.Int(2)), IfNotSaved: resp.Err("ERR")}},
		{Action: sentinel.Emit{Event: sentinel.Event{Name: "+x", Payload: "y", Level: sentinel.LevelWarning, LogOnly: true}}},
		{Action: sentinel.Show{Master: "m", Host: "h", Port: 1, Gone: true}},
		{Action: sentinel.SetLogLevel{Level: "debug"}},
		{Action: sentinel.RunScript{Job: 1, Argv: []string{"/x", "y"}}},
		{Action: sentinel.KillJob{Job: 1}},
		{Action: sentinel.Resolve{Host: "h"}},
		{Action: sentinel.Exit{Code: 99}},
		{Action: sentinel.DiskSick{On: true, Silent: true}},
	}
	recordsComeBack(t, record{in: sentinel.Tick{}, effects: es}, record{in: sentinel.Tick{}, effects: es})
}

// recorded drives simulated Sentinels with recorders around their cores.
type recorded struct {
	dir   string
	size  int64
	files []string
	recs  []*Recorder
}

func (d *recorded) make(t testing.TB) sim.MakeCore {
	return func(now sentinel.Stamp, boot conf.State, seed uint64) (sim.Core, error) {
		core, err := sentinel.New(now, boot, seed)
		require.NoError(t, err)
		path := filepath.Join(d.dir, fmt.Sprintf("%d.trace", len(d.files)))
		r := NewRecorder(core, now, boot, seed, Options{Path: path, Size: d.size, Version: "test", Log: func(text string) { t.Error(text) }})
		d.files, d.recs = append(d.files, path), append(d.recs, r)
		return r, nil
	}
}

func (d *recorded) close() {
	for _, r := range d.recs {
		r.Close()
	}
}

// failover is a world of three recorded Sentinels of which the master dies and
// comes back; instances have a password.
func failover(t testing.TB, d *recorded, seed uint64) *sim.World {
	w := sim.New(sim.Options{Seed: seed, Jitter: time.Millisecond})
	master := sim.Addr{IP: "10.0.0.1", Port: 6379}
	w.AddInstance(sim.InstanceOptions{Addr: master, Group: "m"})
	w.AddInstance(sim.InstanceOptions{Addr: sim.Addr{IP: "10.0.0.2", Port: 6379}, Group: "m", Master: master})
	w.AddInstance(sim.InstanceOptions{Addr: sim.Addr{IP: "10.0.0.3", Port: 6379}, Group: "m", Master: master})
	pass := conf.NewSecret("hush-instances")
	for i := range 3 {
		w.AddSentinel(sim.SentinelOptions{
			Name: fmt.Sprintf("s%d", i+1), Addr: sim.Addr{IP: fmt.Sprintf("10.0.1.%d", i+1), Port: 26379}, Make: d.make(t),
			Boot: conf.State{
				Port: 26379, LogLevel: "notice",
				Masters: []*conf.Master{{
					Name: "m", Addr: conf.Endpoint{Host: master.IP, Port: master.Port}, Quorum: 2, AuthPass: &pass,
					DownAfter: time.Second, FailoverTimeout: 10 * time.Second, ParallelSyncs: 1,
					Renames: []conf.Rename{{Old: "AUTH", New: "letmein"}},
				}},
			},
		})
	}
	w.Run(20 * time.Second)
	w.Instance(master).Crash()
	w.Run(20 * time.Second)
	w.HealFaults()
	w.Run(20 * time.Second)
	return w
}

// replay plays a file to its end.
func replay(t testing.TB, path string) (p *Player, last Moment, events []string) {
	f, err := os.Open(path)
	require.NoError(t, err)
	defer f.Close()
	p, err = Open(f)
	require.NoError(t, err)
	for {
		m, err := p.Next()
		if err == io.EOF {
			return p, last, events
		}
		if d := (*Difference)(nil); errors.As(err, &d) {
			for _, e := range d.Recorded {
				t.Log("recorded: " + EffectText(e))
			}
			for _, e := range d.Moment.Effects {
				t.Log("replayed: " + EffectText(e))
			}
		}
		require.NoError(t, err, "%s: %s", path, InputText(m.Input))
		last = m
		for _, e := range m.Effects {
			if a, ok := e.Action.(sentinel.Emit); ok {
				events = append(events, a.Event.Name)
			}
		}
	}
}

func dump(t testing.TB, c interface{ Dump(io.Writer) error }) string {
	var b bytes.Buffer
	require.NoError(t, c.Dump(&b))
	return b.String()
}

// A failover replays exactly: the same effects at each step, and the same
// state at the end.
//
// Rule: docs/architecture.md, recordings.
func TestFailoverReplays(t *testing.T) {
	d := &recorded{dir: t.TempDir()}
	failover(t, d, 1)
	d.close()
	switched := 0
	for i, path := range d.files {
		p, last, events := replay(t, path)
		require.Greater(t, last.Number, 1000)
		require.Equal(t, dump(t, d.recs[i]), dump(t, p.Core()))
		switched += strings.Count(strings.Join(events, " "), "+switch-master")
	}
	require.Equal(t, 3, switched)
}

// secretive is a Sentinel with every secret there is, after it has been given
// more of them by commands.
func secretive(t testing.TB, path string, size int64) *Recorder {
	pass := conf.NewSecret("hush-instances")
	boot := conf.State{
		MyID: strings.Repeat("a", 40), RequirePass: conf.NewSecret("hush-require"), SentinelPass: conf.NewSecret("hush-peers"),
		Masters: []*conf.Master{{
			Name: "n", Addr: conf.Endpoint{Host: "10.0.0.9", Port: 6379}, Quorum: 1, AuthPass: &pass,
			DownAfter: time.Second, FailoverTimeout: time.Second, Renames: []conf.Rename{{Old: "AUTH", New: "letmein"}},
			Sentinels: []conf.Peer{{Addr: conf.Endpoint{Host: "10.0.0.8", Port: 26379}, RunID: strings.Repeat("b", 40)}},
		}},
	}
	core, err := sentinel.New(sentinel.Stamp{}, boot, 1)
	require.NoError(t, err)
	r := NewRecorder(core, sentinel.Stamp{}, boot, 1, Options{Path: path, Size: size})
	r.Start()
	now := time.Duration(0)
	for i, words := range []string{
		"SENTINEL MONITOR m 10.0.0.1 6379 1",
		"sentinel Set m quorum 2 Auth-Pass hush-1 auth-user hello",
		"SENTINEL SET m auth-pas hush-2 hush-3",
		"SENTINEL SET m auth-pass",
		"SENTINEL SET m auth-pass hush-6 quorum x",
		"SENTINEL CONFIG SET sentinel-user u Sentinel-Pass hush-4",
		"SENTINEL CONFIG SET sentinel-pass hush-4",
		"SENTINEL CONFIG SET sentinel-passs hush-5",
		"SENTINEL CONFIG GET *",
		"SENTINEL MASTERS",
	} {
		q := sentinel.Request{ID: sentinel.ReqID(i + 1)}
		for _, w := range strings.Fields(words) {
			q.Args = append(q.Args, []byte(w))
		}
		r.Step(sentinel.Stamp{Mono: now}, q)
		for range 20 { // reconnects, with AUTH
			now += 100 * time.Millisecond
			r.Step(sentinel.Stamp{Mono: now}, sentinel.Tick{})
		}
	}
	return r
}

// No secret is in a file, whatever it was part of, nor in the state that a file
// begins with.
//
// Rule: S2.7, docs/architecture.md, recordings.
func TestSecretsAreMasked(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x")
	r := secretive(t, path, 0)
	state, err := saveState(r.core, r.mask)
	require.NoError(t, err)
	require.NotContains(t, string(state), "hush-")
	bare, err := saveState(r.core, nil)
	require.NoError(t, err)
	require.Contains(t, string(bare), "hush-4")
	r.Close()
	replay(t, path)
	data, err := os.ReadFile(path)
	require.NoError(t, err)
	require.NotContains(t, string(data), "hush-")
	for _, word := range []string{"letmein", "AUTH", "auth-pas", "sentinel-passs", "hello", "***"} {
		require.Contains(t, string(data), word)
	}
}

// The core decides by whether a password changed: masks tell that, and no
// more.
func TestMasks(t *testing.T) {
	k := newMasker()
	require.Empty(t, k.text(""))
	require.Equal(t, k.text("a"), k.text("a"))
	require.NotEqual(t, k.text("a"), k.text("b"))
	require.NotEqual(t, k.text("a"), newMasker().text("a"))
	require.True(t, strings.HasPrefix(k.text("a"), "***"))
	require.True(t, strings.HasSuffix(k.text("a\nb"), "\n"))
	require.Equal(t, "a", (*masker)(nil).text("a"))
}

// A rotated file begins with the state of the core, and goes on exactly.
func TestRotatedFilesReplay(t *testing.T) {
	d := &recorded{dir: t.TempDir(), size: MinSize}
	failover(t, d, 3).Run(3 * time.Minute)
	d.close()
	for i, path := range d.files {
		p, _, _ := replay(t, path)
		require.Greater(t, p.Header.Segment, 1)
		require.Equal(t, dump(t, d.recs[i]), dump(t, p.Core()))
		before, last, _ := replay(t, path+".1")
		require.Equal(t, p.Header.Segment-1, before.Header.Segment)
		require.Equal(t, p.Header.At.Mono, before.Header.At.Mono+last.Since, "no gap between the files")
		left, err := filepath.Glob(path + "*")
		require.NoError(t, err)
		require.Len(t, left, 2)
		info, err := os.Stat(path + ".1")
		require.NoError(t, err)
		require.Less(t, info.Size(), int64(3*MinSize))
		require.EqualValues(t, 0o600, info.Mode())
	}
}

// twin steps a core and one restored from its state with the same inputs.
type twin struct {
	t       testing.TB
	c, copy *sentinel.Core
	steps   int
	es, ec  *encoder
}

func (w *twin) Start() []sentinel.Effect            { return w.c.Start() }
func (w *twin) NextDeadline() time.Duration         { return w.c.NextDeadline() }
func (w *twin) Durable() (conf.State, sentinel.Seq) { return w.c.Durable() }
func (w *twin) Dump(to io.Writer) error             { return w.c.Dump(to) }
func (w *twin) encode(e *encoder, es []sentinel.Effect) []byte {
	e.b = e.b[:0]
	e.effects(es, nil)
	return e.b
}

func (w *twin) Step(now sentinel.Stamp, in sentinel.Input) []sentinel.Effect {
	if w.steps%397 == 0 {
		state, err := saveState(w.c, nil)
		require.NoError(w.t, err)
		w.copy, err = restoreState(state)
		require.NoError(w.t, err)
		require.Equal(w.t, dump(w.t, w.c), dump(w.t, w.copy))
	}
	w.steps++
	es := w.c.Step(now, in)
	if w.copy != nil {
		require.Equal(w.t, w.encode(w.es, es), w.encode(w.ec, w.copy.Step(now, in)), InputText(in))
	}
	return es
}

// A core restored from its state goes on exactly as the one it was taken of,
// at any moment of every transcript.
//
// Rule: S2.8.
func TestStateIsWhole(t *testing.T) {
	paths, err := filepath.Glob("../../sentinel/testdata/*.txt")
	require.NoError(t, err)
	require.NotEmpty(t, paths)
	for _, path := range paths {
		t.Run(filepath.Base(path), func(t *testing.T) {
			t.Parallel()
			text, err := os.ReadFile(path)
			require.NoError(t, err)
			_, err = scenario.Run(string(text), scenario.Options{Make: func(now sentinel.Stamp, boot conf.State, seed uint64) (sim.Core, error) {
				c, err := sentinel.New(now, boot, seed)
				return &twin{t: t, c: c, es: newEncoder(nil), ec: newEncoder(nil)}, err
			}})
			require.NoError(t, err)
		})
	}
}
