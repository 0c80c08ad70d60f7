package trace

import (
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"gosentinel/conf"
	"gosentinel/internal/resp"
	"gosentinel/sentinel"
)

// machine is a core, recorded or not.
type machine interface {
	Start() []sentinel.Effect
	Step(now sentinel.Stamp, in sentinel.Input) []sentinel.Effect
}

// crowd is a core with that many masters of two replicas and two peers each.
func crowd(b *testing.B, masters int) (*sentinel.Core, conf.State) {
	boot := conf.State{MyID: fmt.Sprintf("%040d", 1)}
	for m := range masters {
		f := &conf.Master{
			Name: fmt.Sprintf("m%d", m), Addr: conf.Endpoint{Host: "10.0.0.1", Port: 10000 + m}, Quorum: 2,
			DownAfter: 5 * time.Second, FailoverTimeout: time.Minute, ParallelSyncs: 1, HasLeaderEpoch: true,
		}
		for k := range 2 {
			f.Replicas = append(f.Replicas, conf.Endpoint{Host: fmt.Sprintf("10.0.1.%d", k), Port: 10000 + m})
			f.Sentinels = append(f.Sentinels, conf.Peer{Addr: conf.Endpoint{Host: "10.0.2.1", Port: 26379 + k}, RunID: fmt.Sprintf("%040d", 2+k)})
		}
		boot.Masters = append(boot.Masters, f)
	}
	core, err := sentinel.New(sentinel.Stamp{}, boot, 1)
	require.NoError(b, err)
	return core, boot
}

// benchmarkPings is the daily bread: a PING goes out, its answer comes.
func benchmarkPings(b *testing.B, masters int, on bool) {
	core, boot := crowd(b, masters)
	var m machine = core
	if on {
		r := NewRecorder(core, sentinel.Stamp{}, boot, 1, Options{Path: filepath.Join(b.TempDir(), "x")})
		defer r.Close()
		m = r
	}
	var inputs []sentinel.Input
	take := func(es []sentinel.Effect) {
		for _, e := range es {
			switch a := e.Action.(type) {
			case sentinel.Dial:
				inputs = append(inputs, sentinel.LinkUp{Link: a.Link})
			case *sentinel.Send:
				if a.Tag != 0 {
					inputs = append(inputs, sentinel.Answer{Tag: a.Tag, Value: resp.Status("PONG")})
				}
			}
		}
	}
	now := time.Duration(0)
	take(m.Start())
	b.ReportAllocs()
	steps := 0
	for b.Loop() {
		if len(inputs) == 0 {
			now += 10 * time.Millisecond
			inputs = append(inputs, sentinel.Tick{})
		}
		in := inputs[len(inputs)-1]
		inputs = inputs[:len(inputs)-1]
		take(m.Step(sentinel.Stamp{Mono: now}, in))
		steps++
	}
}
