package sentinel

import (
	"fmt"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"gosentinel/internal/resp"
)

// BenchmarkStep is one input to a crowd at rest of 10 to 100,000 instances:
// what the core costs is measured, the inputs are made beforehand. Budget of
// ping: 1 µs, no allocation.
func BenchmarkStep(b *testing.B) {
	for _, n := range []int{10, 100, 1000, 10_000, 100_000} {
		b.Run(fmt.Sprintf("instances=%d", n), func(b *testing.B) {
			f := newCrowd(b, n/3, 0, true)
			f.run(3 * time.Second)
			f.mail, f.next = nil, 0
			for _, bc := range []struct {
				input string
				next  func(f *crowd) func() // makes what steps once
			}{
				{"tick", tickStep},
				{"ping", pingStep},
				{"info-same", infoStep("", "")},
				{"info-irrelevant", infoStep("uptime_in_seconds:1000", "uptime_in_seconds:1001")},
				{"info-changed", infoStep("slave_repl_offset:1000", "slave_repl_offset:1001")},
				{"hello-same", helloStep(peerID(1), 1)},
				{"hello-changed", helloStep(peerID(1), 2)},
				{"hello-own", helloStep(testID, 1)},
			} {
				b.Run(bc.input, func(b *testing.B) {
					f.tb = b
					step := bc.next(f)
					b.ReportAllocs()
					for b.Loop() {
						step()
					}
				})
			}
		})
	}
}

// someReplica is one in the middle.
func (f *crowd) someReplica() *replica { return f.c.masters[len(f.c.masters)/2].replicas[0] }

// tickStep is a Tick when nothing is due.
func tickStep(f *crowd) func() { return func() { f.c.Step(f.now, Tick{}) } }

// pingStep is a PING that goes out and its PONG.
func pingStep(f *crowd) func() {
	l := f.someReplica().link
	l.waits = false
	l.cmd.pending.clear()
	var pong Answer
	var in Input
	return func() {
		l.lastPing = never
		f.c.touch(l)
		for _, e := range f.c.Step(f.now, Tick{}) {
			if a, ok := e.Action.(*Send); ok && a.Link == l.cmd.id && a.Tag != pong.Tag {
				pong = Answer{Tag: a.Tag, Value: resp.Status("PONG")}
				in = pong
			}
		}
		f.c.Step(f.now, in)
	}
}

// infoStep is an INFO reply that differs from the one before in one line.
func infoStep(line, other string) func(f *crowd) func() {
	return func(f *crowd) func() {
		r := f.someReplica()
		text := f.info(*f.sites[r.link.cmd.id])
		require.Contains(f.tb, text, line)
		var ins []Input
		for _, text := range []string{strings.Clone(text), strings.Replace(text, line, other, 1)} {
			ins = append(ins, Answer{Tag: makeTag(r.link.cmd.id, tagMask), Value: resp.Str(text)})
		}
		k := 0
		return func() {
			r.link.cmd.pending.clear()
			r.link.cmd.pending.push(pending{tag: makeTag(r.link.cmd.id, tagMask), is: sendInfo, inst: &r.instance})
			f.c.Step(f.now, ins[k%len(ins)])
			k++
		}
	}
}

// helloStep is a hello on a Pub/Sub connection: a peer's that comes again, one
// that differs from the one before, or our own as the instance passes it on.
func helloStep(from string, epochs int) func(f *crowd) func() {
	return func(f *crowd) func() {
		r := f.someReplica()
		m := r.of
		var ins []Input
		for k := range epochs {
			ins = append(ins, Hello{Link: r.link.pub.id, Payload: []byte(fmt.Sprintf("10.255.0.1,26379,%s,%d,%s,%s,6379,0",
				from, int(f.c.epoch)+k, m.name, m.addr.IP))})
		}
		k := 0
		return func() {
			f.c.Step(f.now, ins[k%len(ins)])
			k++
		}
	}
}

// BenchmarkIdleSecond is one second of an idle Sentinel with all that happens
// in it. sends/s are commands, moments/s steps that sent any.
func BenchmarkIdleSecond(b *testing.B) {
	for _, bc := range []struct{ masters, peers int }{{1000, 0}, {300, 2}, {3000, 0}} {
		b.Run(fmt.Sprintf("masters=%d/peers=%d", bc.masters, bc.peers), func(b *testing.B) {
			f := newCrowd(b, bc.masters, bc.peers, true)
			f.run(15 * time.Second)
			f.count = counts{}
			b.ReportAllocs()
			seconds := 0
			for b.Loop() {
				f.run(time.Second)
				seconds++
			}
			per := func(n int, unit string) { b.ReportMetric(float64(n)/float64(seconds), unit) }
			per(f.count.pings, "pings/s")
			per(f.count.infos, "infos/s")
			per(f.count.hellos, "hellos/s")
			per(f.count.sends, "sends/s")
			per(f.count.packets, "packets/s")
			per(f.count.ticks, "ticks/s")
			per(f.count.steps, "steps/s")
		})
	}
}

// BenchmarkMemory is what a master of two replicas costs on the heap, INFO
// texts included, whose bytes are reported beside it.
func BenchmarkMemory(b *testing.B) {
	for range b.N {
		const n = 1000
		heap := func() uint64 {
			var s runtime.MemStats
			runtime.GC()
			runtime.GC()
			runtime.ReadMemStats(&s)
			return s.HeapAlloc
		}
		realInfo(b)
		f := newCrowd(b, n, 1, false)
		f.run(13 * time.Second)
		c := f.c
		texts := 0
		for _, m := range c.masters {
			m.eachInstance(func(i *instance) { texts += len(i.infoText) })
		}
		*f = crowd{}
		full := heap()
		runtime.KeepAlive(c)
		c = nil
		b.ReportMetric(float64(full-heap())/n, "B/master")
		b.ReportMetric(float64(texts)/n, "infoB/master")
	}
}
