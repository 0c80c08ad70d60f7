package link

import (
	"fmt"
	"net"
	"testing"
	"time"
)

// BenchmarkPing is one PING on every link and its answer; the far ends run in
// the same process and cost more than half of it. Budget: no allocation, 20 µs
// per link (November 2026, two shared cores).
func BenchmarkPing(b *testing.B) {
	for _, n := range []int{1, 10, 100, 1000} {
		b.Run(fmt.Sprintf("links=%d", n), func(b *testing.B) {
			ln, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				b.Fatal(err)
			}
			defer ln.Close()
			go func() {
				for {
					c, err := ln.Accept()
					if err != nil {
						return
					}
					go pong(c)
				}
			}()
			events := 0
			s, err := New(Options{Sink: func(Event) { events++ }})
			if err != nil {
				b.Fatal(err)
			}
			defer s.Close()
			for id := range uint64(n) {
				s.Dial(DialOptions{Link: id + 1, IP: "127.0.0.1", Port: ln.Addr().(*net.TCPAddr).Port, Timeout: time.Minute})
			}
			for events < n {
				s.Wait(time.Now().Add(time.Minute))
				s.Tell()
			}
			ping := [][]string{{"PING"}}
			b.ReportAllocs()
			for b.Loop() {
				for id := range uint64(n) {
					s.Send(id+1, 1, ping)
				}
				s.Flush()
				for want := events + n; events < want; {
					s.Wait(time.Now().Add(time.Minute))
					s.Tell()
				}
			}
		})
	}
}

// pong answers whatever comes.
func pong(c net.Conn) {
	defer c.Close()
	buf, reply := make([]byte, 256), []byte("+PONG\r\n")
	for {
		if _, err := c.Read(buf); err != nil {
			return
		}
		if _, err := c.Write(reply); err != nil {
			return
		}
	}
}
