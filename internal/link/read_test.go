package link

import (
	"fmt"
	"io"
	"net"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"gosentinel/internal/resp"
)

// told is a link that is open and the events that it tells.
func told(t *testing.T, pubsub bool) (*link, *[]Event) {
	var events []Event
	s, err := New(Options{Sink: func(ev Event) {
		kept := ev
		if ev.Payload != nil {
			kept.Payload = []byte(string(ev.Payload))
		}
		events = append(events, kept)
	}})
	require.NoError(t, err)
	t.Cleanup(s.Close)
	l := &link{set: s, id: 1, phase: open, pubsub: pubsub}
	for tag := range uint64(100) {
		l.unanswered.push(tag + 1)
	}
	return l, &events
}

// Thousands of links wait: for the rest of a reply they hold what came of it,
// else nothing.
func TestLinkHoldsOnlyTheBeginningOfAReply(t *testing.T) {
	l, events := told(t, false)
	l.take([]byte("+PONG\r\n$5\r\nhe"))
	require.Equal(t, []Event{{Link: 1, Kind: Answer, Tag: 1, Value: resp.Status("PONG")}}, *events)
	require.Equal(t, "$5\r\nhe", string(l.in))
	require.LessOrEqual(t, cap(l.in), 16)

	l.take([]byte("l"))
	require.Len(t, *events, 1)
	l.take([]byte("lo\r\n:1\r\n:2\r\n"))
	require.Equal(t, resp.Str("hello"), (*events)[1].Value)
	require.Equal(t, resp.Int(2), (*events)[3].Value)
	require.Nil(t, l.in)

	l.take([]byte(":3\r\n?"))
	require.Equal(t, resp.Int(3), (*events)[4].Value, "what came before the nonsense counts")
	require.Equal(t, over, l.phase)
	require.EqualValues(t, 1, l.set.Malformed())
}

// What a pubsub link brings is the same in whatever pieces it comes, and
// whether it is read by the short way for messages or by the decoder.
func TestMessagesInPieces(t *testing.T) {
	long := strings.Repeat("x", 300)
	wire := ""
	var want []Event
	for _, payload := range []string{"", "a", "\r\n$5\r\n", long} {
		wire += fmt.Sprintf("%s%d\r\n%s\r\n", messageHead, len(payload), payload)
		want = append(want, Event{Link: 1, Kind: Message, Payload: []byte(payload)})
	}
	wire += fmt.Sprintf(">3\r\n+message\r\n+%s\r\n+b\r\n", helloChannel)
	want = append(want, Event{Link: 1, Kind: Message, Payload: []byte("b")})
	wire += "+OK\r\n"
	want = append(want, Event{Link: 1, Kind: Answer, Tag: 1, Value: resp.OK})
	for size := 1; size <= len(wire); size += 1 + size/3 {
		l, events := told(t, true)
		for rest := wire; rest != ""; {
			n := min(size, len(rest))
			l.take([]byte(rest[:n]))
			rest = rest[n:]
		}
		require.Equal(t, want, *events, "in pieces of %d", size)
		require.Nil(t, l.in)
	}
}

// A message whose length lies is malformed, as any reply.
func TestMessagesOfWrongLength(t *testing.T) {
	for _, tail := range []string{"2\r\nabc\r\n", "x\r\n", "-2\r\n", "99999999999999999999\r\n", "4194305\r\n"} {
		l, events := told(t, true)
		l.take([]byte(messageHead + tail))
		require.Equal(t, over, l.phase, tail)
		require.Empty(t, *events)
	}
}

// One far end that sends without end does not keep the others from their turn.
func TestEveryLinkGetsItsTurn(t *testing.T) {
	b := newBed(t, Options{})
	flood := strings.Repeat("+OK\r\n", 64<<10)
	b.dial(1, server(t, func(c net.Conn) {
		c.Read(make([]byte, 1)) // not before there is something to answer
		for {
			if _, err := io.WriteString(c, flood); err != nil {
				return
			}
		}
	}), false)
	b.up(1)
	for range maxUnanswered {
		b.Send(1, 0, [][]string{{"PING"}})
	}
	b.dial(2, answering(t, "+OK\r\n"), false)
	b.Send(2, 5, [][]string{{"PING"}})
	l, down := b.links[1], false
	b.wait(func() bool {
		for l.phase == open && l.unanswered.n < maxUnanswered {
			l.unanswered.push(0) // it never ends
		}
		for _, ev := range b.events {
			down = down || ev.Kind == Down
		}
		return len(b.events) > 0 && b.events[len(b.events)-1].Kind == Answer
	})
	require.False(t, down)
}

// The wait ends at its moment, early enough for a failover, and by Wake from
// any goroutine however often it is called.
func TestWaitEnds(t *testing.T) {
	b := newBed(t, Options{})
	for _, d := range []time.Duration{-time.Second, 0, 300 * time.Microsecond, 20 * time.Millisecond} {
		until := time.Now().Add(d)
		b.Wait(until)
		b.Tell()
		require.False(t, time.Now().Before(until), "%v", d)
	}
	for range 1000 {
		woken := make(chan struct{})
		go func() {
			b.Wake()
			b.Wake()
			close(woken)
		}()
		b.Wait(time.Now().Add(patience))
		b.Tell()
		<-woken
		b.Wait(time.Now()) // a second one may be left
		b.Tell()
	}
}

// What is there of a reply is not decoded again for each byte that trickles in:
// the values would be made anew each time.
func TestATrickledReplyIsDecodedOnce(t *testing.T) {
	reply := resp.Append(nil, 2, resp.List(slices.Repeat([]resp.Value{resp.Int(1)}, limits.Elems)...))
	l, events := told(t, false)
	l.take(reply[:len(reply)/2])
	at := len(reply) / 2
	made := testing.AllocsPerRun(1000, func() {
		l.take(reply[at : at+1])
		at++
	})
	require.Less(t, made, 1.0)
	require.Empty(t, *events)
	l.take(reply[at:])
	require.Len(t, *events, 1)
}

// What an instance that means harm costs, a byte at a time: a reply of as many
// values as a reply may have.
func BenchmarkTrickledReply(b *testing.B) {
	reply := resp.Append(nil, 2, resp.List(slices.Repeat([]resp.Value{resp.Int(1)}, limits.Elems)...))
	for b.Loop() {
		l := &link{phase: open, set: &Set{sink: func(Event) {}}}
		l.unanswered.push(1)
		for i := range reply {
			l.take(reply[i : i+1])
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(len(reply)), "ns/byte")
}
