package sentinel

import (
	"fmt"
	"testing"
	"time"

	"gosentinel/internal/resp"
)

// BenchmarkMasters is SENTINEL MASTERS with its encoding.
func BenchmarkMasters(b *testing.B) {
	for _, n := range []int{1, 10, 100, 1000} {
		b.Run(fmt.Sprintf("masters=%d", n), func(b *testing.B) {
			st := watchedNone()
			for i := range n {
				m := *watched(fmt.Sprint("m", i), "10.0.0.1", 6379, 2).Masters[0]
				st.Masters = append(st.Masters, &m)
			}
			c, err := New(Stamp{Mono: time.Hour}, st, 1)
			if err != nil {
				b.Fatal(err)
			}
			c.Start()
			in := request(1, "sentinel", "masters")
			var buf []byte
			b.ReportAllocs()
			for b.Loop() {
				for _, e := range c.Step(Stamp{Mono: time.Hour}, in) {
					if a, ok := e.Action.(Respond); ok {
						buf = resp.Append(buf[:0], 2, a.Value)
					}
				}
			}
		})
	}
}
