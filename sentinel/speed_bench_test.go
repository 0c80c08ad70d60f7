package sentinel

import (
	"fmt"
	"runtime"
	"strings"
	"testing"
	"time"

	"gosentinel/internal/resp"
)

// sizes calls f with crowds at rest of 10 to 100,000 instances.
func sizes(b *testing.B, f func(b *testing.B, f *crowd)) {
	for _, n := range []int{10, 100, 1000, 10_000, 100_000} {
		b.Run(fmt.Sprintf("instances=%d", n), func(b *testing.B) {
			fl := rested(b, n/3)
			b.ReportAllocs()
			f(b, fl)
		})
	}
}

var crowds = map[int]*crowd{}

// rested is a crowd that has run for a while; it is made once.
func rested(b *testing.B, masters int) *crowd {
	if crowds[masters] == nil {
		f := newCrowd(b, masters, 0, true)
		f.run(3 * time.Second)
		f.mail, f.next = nil, 0
		clear(crowds) // one is enough to hold
		crowds[masters] = f
	}
	f := crowds[masters]
	f.tb = b
	return f
}

// someReplica is one in the middle.
func (f *crowd) someReplica() *replica { return f.c.masters[len(f.c.masters)/2].replicas[0] }

// BenchmarkTick is a Tick when nothing is due.
func BenchmarkTick(b *testing.B) {
	sizes(b, func(b *testing.B, f *crowd) {
		for b.Loop() {
			f.c.Step(f.now, Tick{})
		}
	})
}

// BenchmarkPing is a PING that goes out and its PONG. The inputs are made
// beforehand: what the core costs is measured. Budget: 1 µs, no allocation.
func BenchmarkPing(b *testing.B) {
	sizes(b, func(b *testing.B, f *crowd) {
		l := f.someReplica().link
		l.waits = false
		l.cmd.pending.clear()
		var pong Answer
		var in Input
		for b.Loop() {
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
	})
}

// infoBench answers INFO with texts in turn.
func infoBench(b *testing.B, texts func(text string) []string) {
	sizes(b, func(b *testing.B, f *crowd) {
		r := f.someReplica()
		key := f.sites[r.link.cmd.id]
		var ins []Input
		for _, text := range texts(f.info(*key)) {
			ins = append(ins, Answer{Tag: makeTag(r.link.cmd.id, tagMask), Value: resp.Str(text)})
		}
		for k := 0; b.Loop(); k++ {
			r.link.cmd.pending.clear()
			r.link.cmd.pending.push(pending{tag: makeTag(r.link.cmd.id, tagMask), is: sendInfo, inst: &r.instance})
			f.c.Step(f.now, ins[k%len(ins)])
		}
	})
}

// BenchmarkInfoSame is an INFO reply equal to the one before.
func BenchmarkInfoSame(b *testing.B) {
	infoBench(b, func(text string) []string { return []string{strings.Clone(text), strings.Clone(text)} })
}

// BenchmarkInfoIrrelevant is one that differs in a line that does not matter.
func BenchmarkInfoIrrelevant(b *testing.B) {
	infoBench(b, func(text string) []string {
		return []string{text, strings.Replace(text, "uptime_in_seconds:1000", "uptime_in_seconds:1001", 1)}
	})
}

// BenchmarkInfoChanged is one that differs in a line that matters.
func BenchmarkInfoChanged(b *testing.B) {
	infoBench(b, func(text string) []string {
		return []string{text, strings.Replace(text, "slave_repl_offset:1000", "slave_repl_offset:1001", 1)}
	})
}

// helloBench lets hellos come in turn on a Pub/Sub connection.
func helloBench(b *testing.B, from string, epochs int) {
	sizes(b, func(b *testing.B, f *crowd) {
		r := f.someReplica()
		m := r.of
		var ins []Input
		for k := range epochs {
			ins = append(ins, Hello{Link: r.link.pub.id, Payload: []byte(fmt.Sprintf("10.255.0.1,26379,%s,%d,%s,%s,6379,0",
				from, int(f.c.epoch)+k, m.name, m.addr.IP))})
		}
		for k := 0; b.Loop(); k++ {
			f.c.Step(f.now, ins[k%len(ins)])
		}
	})
}

// BenchmarkHelloSame is a peer's hello that comes again.
func BenchmarkHelloSame(b *testing.B) { helloBench(b, peerID(1), 1) }

// BenchmarkHelloChanged is one that differs from the one before.
func BenchmarkHelloChanged(b *testing.B) { helloBench(b, peerID(1), 2) }

// BenchmarkHelloOwn is our own hello as the instance passes it on.
func BenchmarkHelloOwn(b *testing.B) { helloBench(b, testID, 1) }

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
		clear(crowds)
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
