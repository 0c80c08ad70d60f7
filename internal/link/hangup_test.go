package link

import (
	"bytes"
	"errors"
	"io"
	"net"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"gosentinel/internal/resp"
)

// What was sent before Hangup arrives, then the far end sees the end; nothing
// is heard of the link any more.
func TestHangupDelivers(t *testing.T) {
	for _, tc := range []struct {
		name    string
		waitUp  bool
		late    string // what the far end sends after the hangup
		command string
	}{
		{"established", true, "", "a"},
		{"still dialling", false, "", "a"},
		{"replies come after it", true, strings.Repeat("+OK\r\n", 100_000), "a"},
		{"more than the socket takes", true, "", strings.Repeat("a", 3<<20)},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got := make(chan []byte, 1)
			start := make(chan struct{})
			b := newBed(t, Options{})
			b.dial(1, server(t, func(c net.Conn) {
				<-start
				io.WriteString(c, tc.late)
				all, err := io.ReadAll(c)
				if err == nil {
					got <- all
				}
				close(got)
				c.Close()
			}), false)
			if tc.waitUp {
				b.up(1)
			}
			b.Send(1, 5, [][]string{{"MULTI"}, {tc.command}})
			b.Hangup(1)
			b.Send(1, 6, [][]string{{"late"}})
			b.Flush()
			close(start)
			want := string(resp.AppendCommand(resp.AppendCommand(nil, "MULTI"), tc.command))
			require.True(t, want == string(await(b, got)))
			b.dial(2, answering(t), false)
			b.up(2) // and nothing of 1
		})
	}
}

// What happened on a link before its Hangup, and was not told yet, is not
// told any more.
func TestNothingIsToldAfterHangup(t *testing.T) {
	for _, tc := range []struct {
		name    string
		replies string
	}{
		{"a reply", "+OK\r\n"},
		{"more replies", "+OK\r\n+OK\r\n"},
		{"nonsense", "nonsense\r\n"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			answered := make(chan struct{})
			b := newBed(t, Options{})
			b.dial(1, server(t, func(c net.Conn) {
				c.Read(make([]byte, 1))
				io.WriteString(c, tc.replies)
				close(answered)
			}), false)
			b.up(1)
			b.Send(1, 1, [][]string{{"PING"}})
			b.Send(1, 2, [][]string{{"PING"}})
			b.Flush()
			<-answered
			b.Hangup(1)
			b.dial(2, answering(t), false)
			b.up(2)
			require.Empty(t, b.events)
		})
	}
}

// The Sink may hang up the link that it hears of.
func TestHangupWithinTheSink(t *testing.T) {
	s, err := New(Options{})
	require.NoError(t, err)
	t.Cleanup(s.Close)
	told := 0
	s.sink = func(ev Event) {
		told++
		if ev.Kind == Answer {
			s.Hangup(ev.Link)
		}
	}
	s.Dial(DialOptions{Link: 1, IP: "127.0.0.1", Port: answering(t, "+OK\r\n+OK\r\n+OK\r\n"), Timeout: patience})
	for tag := range uint64(3) {
		s.Send(1, tag+1, [][]string{{"PING"}})
	}
	deadline := time.Now().Add(patience)
	for len(s.timed) > 0 || told < 2 {
		require.True(t, time.Now().Before(deadline))
		s.Wait(deadline)
		s.Tell()
		s.Flush()
	}
	require.Equal(t, 2, told, "Up and the first answer")
}

// A link that was hung up ends within the grace even if the far end goes on
// sending for ever and reads nothing.
func TestHangupIsBounded(t *testing.T) {
	start, ended := make(chan struct{}), make(chan error, 1)
	b := newBed(t, Options{})
	b.dial(1, server(t, func(c net.Conn) {
		<-start
		junk := bytes.Repeat([]byte("+OK\r\n"), 1000)
		for {
			if _, err := c.Write(junk); err != nil {
				ended <- err
				return
			}
		}
	}), false)
	b.up(1)
	for range 1000 {
		b.Send(1, 0, [][]string{{strings.Repeat("x", 4000)}})
	}
	b.Hangup(1)
	close(start)
	err := await(b, ended)
	require.True(t, errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE), "%v", err)
}
