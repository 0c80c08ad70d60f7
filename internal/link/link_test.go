package link

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"gosentinel/internal/resp"
)

// patience bounds every wait of these tests.
const patience = 30 * time.Second

// server is a far end: handle runs for each connection that it accepts.
func server(t *testing.T, handle func(c net.Conn)) (port int) {
	return serverOn(t, "127.0.0.1:0", handle)
}

func serverOn(t *testing.T, addr string, handle func(c net.Conn)) (port int) {
	ln, err := net.Listen("tcp", addr)
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(context.Background())
	go func() {
		for {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			context.AfterFunc(ctx, func() { c.Close() })
			go handle(c)
		}
	}()
	t.Cleanup(func() {
		cancel()
		ln.Close()
	})
	return ln.Addr().(*net.TCPAddr).Port
}

// answering is a far end that answers each request with the next of replies,
// and after the last with nothing.
func answering(t *testing.T, replies ...string) (port int) {
	return server(t, func(c net.Conn) {
		r := bufio.NewReader(c)
		for _, reply := range replies {
			if _, err := readRequest(r); err != nil {
				return
			}
			if _, err := io.WriteString(c, reply); err != nil {
				return
			}
		}
		io.Copy(io.Discard, r)
	})
}

// silent is a far end that accepts and does nothing more.
func silent(t *testing.T) (port int) { return server(t, func(net.Conn) {}) }

// full is a far end that answers no attempt to connect: its queue is full.
func full(t *testing.T) (port int) {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	require.NoError(t, err)
	t.Cleanup(func() { unix.Close(fd) })
	require.NoError(t, unix.Bind(fd, &unix.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}))
	require.NoError(t, unix.Listen(fd, 0))
	sa, err := unix.Getsockname(fd)
	require.NoError(t, err)
	port = sa.(*unix.SockaddrInet4).Port
	for range 100 {
		c, err := net.DialTimeout("tcp", fmt.Sprintf("127.0.0.1:%d", port), 100*time.Millisecond)
		if err != nil {
			return port
		}
		t.Cleanup(func() { c.Close() })
	}
	t.Fatal("the queue does not fill")
	return 0
}

// readRequest reads one request in multibulk form.
func readRequest(r *bufio.Reader) (words []string, err error) {
	n, err := readLength(r, '*')
	for range n {
		size, err := readLength(r, '$')
		if err != nil {
			return nil, err
		}
		word := make([]byte, size+2)
		if _, err := io.ReadFull(r, word); err != nil {
			return nil, err
		}
		words = append(words, string(word[:size]))
	}
	return words, err
}

func readLength(r *bufio.Reader, kind byte) (int, error) {
	line, err := r.ReadString('\n')
	if err != nil {
		return 0, err
	}
	if line[0] != kind {
		return 0, errors.New("not a request: " + line)
	}
	return strconv.Atoi(strings.TrimSpace(line[1:]))
}

// bed is a Set with a queue of its events.
type bed struct {
	*Set
	t      *testing.T
	events []Event
}

func newBed(t *testing.T, o Options) *bed {
	b := &bed{t: t}
	o.Sink = func(ev Event) {
		kept := ev
		kept.Payload = bytes.Clone(ev.Payload)
		b.events = append(b.events, kept)
	}
	var err error
	b.Set, err = New(o)
	require.NoError(t, err)
	t.Cleanup(b.Close)
	return b
}

func (b *bed) dial(id uint64, port int, pubsub bool) {
	b.Dial(DialOptions{Link: id, IP: "127.0.0.1", Port: port, Timeout: patience, PubSub: pubsub})
}

// wait turns the Set until done holds.
func (b *bed) wait(done func() bool) {
	b.t.Helper()
	deadline := time.Now().Add(patience)
	for !done() {
		if !time.Now().Before(deadline) {
			b.t.Fatal("it does not happen")
		}
		b.Wait(deadline)
		b.Tell()
		b.Flush()
	}
}

// next is the next event.
func (b *bed) next() Event {
	b.t.Helper()
	b.wait(func() bool { return len(b.events) > 0 })
	ev := b.events[0]
	b.events = b.events[1:]
	return ev
}

// await turns the Set until something is received.
func await[T any](b *bed, from <-chan T) (got T) {
	b.t.Helper()
	received := make(chan T, 1)
	go func() {
		received <- <-from
		b.Wake()
	}()
	b.wait(func() bool {
		select {
		case got = <-received:
			return true
		default:
			return false
		}
	})
	return got
}

// up waits for a link of that name to be established.
func (b *bed) up(id uint64) {
	b.t.Helper()
	ev := b.next()
	require.Equal(b.t, Event{Link: id, Kind: Up, Text: ev.Text}, ev)
}

// Rule: B-110, commands wait in the queue until the connection is there; B-124,
// the words go out as given. Only the last reply of a Send comes back.
func TestAnswersCarryTheTagOfTheirSend(t *testing.T) {
	var got [][]string
	served := make(chan struct{})
	port := server(t, func(c net.Conn) {
		r := bufio.NewReader(c)
		for range 5 {
			words, err := readRequest(r)
			if err != nil {
				return
			}
			got = append(got, words)
		}
		close(served)
		io.WriteString(c, "-ERR no password\r\n+OK\r\n+QUEUED\r\n*1\r\n+OK\r\n$3\r\nabc\r\n")
	})
	b := newBed(t, Options{})
	b.dial(7, port, false)
	b.Send(7, 0, [][]string{{"AUTH", "x"}})
	b.Send(7, 1, [][]string{{"MULTI"}, {"x-slaveof", "NO", "ONE"}, {"EXEC"}})
	b.Send(7, 2, [][]string{{"INFO"}})
	b.Flush()
	require.Equal(t, Event{Link: 7, Kind: Up, Text: "127.0.0.1"}, b.next())
	require.Equal(t, Event{Link: 7, Kind: Answer, Tag: 1, Value: resp.List(resp.OK)}, b.next())
	require.Equal(t, Event{Link: 7, Kind: Answer, Tag: 2, Value: resp.Str("abc")}, b.next())
	await(b, served)
	require.Equal(t, [][]string{{"AUTH", "x"}, {"MULTI"}, {"x-slaveof", "NO", "ONE"}, {"EXEC"}, {"INFO"}}, got)
}

// Rule: B-110, E-1: a refused connect is told from others.
func TestFailedDials(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	closed := ln.Addr().(*net.TCPAddr).Port
	require.NoError(t, ln.Close())
	for _, tc := range []struct {
		name    string
		dial    DialOptions
		source  string
		refused bool
		ours    bool
		reason  string
	}{
		{"nobody listens", DialOptions{IP: "127.0.0.1", Port: closed, Timeout: patience}, "", true, false, "Connection refused"},
		{"no answer", DialOptions{IP: "127.0.0.1", Port: full(t), Timeout: 20 * time.Millisecond}, "", false, false, "Connection timed out"},
		{"a name is not looked up", DialOptions{IP: "localhost", Port: closed, Timeout: patience}, "", false, false,
			`ParseAddr("localhost"): unable to parse IP`},
		{"source is no address", DialOptions{IP: "127.0.0.1", Port: closed, Timeout: patience}, "x", false, false,
			`ParseAddr("x"): unable to parse IP`},
		{"source is not ours", DialOptions{IP: "127.0.0.1", Port: closed, Timeout: patience}, "192.0.2.1", false, true,
			"Cannot assign requested address"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			b := newBed(t, Options{Source: tc.source})
			tc.dial.Link = 3
			b.Dial(tc.dial)
			b.Send(3, 1, [][]string{{"PING"}})
			b.Flush()
			require.Equal(t, Event{Link: 3, Kind: Down, Refused: tc.refused, Ours: tc.ours, Text: tc.reason}, b.next())
			b.Send(3, 2, [][]string{{"PING"}}) // to nobody
			b.Hangup(3)
		})
	}
}

// Rule: B-112.
func TestSourceAddress(t *testing.T) {
	from := make(chan string, 1)
	port := server(t, func(c net.Conn) { from <- c.RemoteAddr().(*net.TCPAddr).IP.String() })
	b := newBed(t, Options{Source: "127.0.0.9"})
	b.dial(1, port, false)
	require.Equal(t, Event{Link: 1, Kind: Up, Text: "127.0.0.9"}, b.next())
	require.Equal(t, "127.0.0.9", await(b, from))
}

// Rule: B-110, what is not RESP, or answers nothing, ends the link and is counted.
func TestMalformedRepliesDropTheLink(t *testing.T) {
	for _, tc := range []struct{ name, reply, reason string }{
		{"text", "HTTP/1.1 400 Bad Request\r\n\r\n", "malformed reply"},
		{"bare line feed", "+OK\n", "malformed reply"},
		{"length is no number", "$x\r\n", "malformed reply"},
		{"bulk too large", "$4194305\r\n", "reply exceeds a limit"},
		{"array too large", "*8193\r\n", "reply exceeds a limit"},
		{"too deep", strings.Repeat("*1\r\n", 9), "reply exceeds a limit"},
		{"two for one", "+OK\r\n+OK\r\n", "unexpected reply"},
		{"a message, not subscribed", "+OK\r\n*3\r\n$7\r\nmessage\r\n$18\r\n__sentinel__:hello\r\n$1\r\nx\r\n", "unexpected reply"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			b := newBed(t, Options{})
			b.dial(1, answering(t, tc.reply), false)
			b.Send(1, 0, [][]string{{"PING"}})
			b.Flush()
			b.up(1)
			require.Equal(t, Event{Link: 1, Kind: Down, Text: tc.reason}, b.next())
			require.EqualValues(t, 1, b.Malformed())
		})
	}
}

// Rule: B-110.
func TestTheFarEndCloses(t *testing.T) {
	b := newBed(t, Options{})
	b.dial(1, server(t, func(c net.Conn) {
		io.WriteString(c, "-ERR max number of clients reached\r\n")
		c.Close()
	}), false)
	b.Send(1, 0, [][]string{{"PING"}})
	b.up(1)
	ev := b.next()
	require.Equal(t, Down, ev.Kind)
	require.Contains(t, []string{"Server closed the connection", "Connection reset by peer", "Broken pipe"}, ev.Text)
	require.False(t, ev.Refused)
	require.Zero(t, b.Malformed())
}

// A reply may come in any pieces.
func TestRepliesInPieces(t *testing.T) {
	info := strings.Repeat("x", 3*readSize)
	wire := resp.Append(nil, 2, resp.Str(info))
	b := newBed(t, Options{})
	b.dial(1, server(t, func(c net.Conn) {
		c.Write([]byte("+PO"))
		for i := range 40 {
			c.Write([]byte("NG\r\n+PONG\r\n*1\r\n:5\r\n")[min(i, 18):min(i+1, 18)])
		}
		c.Write([]byte("\n"))
		for len(wire) > 0 {
			n := min(1000, len(wire))
			c.Write(wire[:n])
			wire = wire[n:]
		}
	}), false)
	for tag := range uint64(4) {
		b.Send(1, tag+1, [][]string{{"PING"}})
	}
	b.Flush()
	b.up(1)
	for tag, want := range []resp.Value{resp.Status("PONG"), resp.Status("PONG"), resp.List(resp.Int(5)), resp.Str(info)} {
		require.Equal(t, Event{Link: 1, Kind: Answer, Tag: uint64(tag) + 1, Value: want}, b.next())
	}
}

// Rule: B-115, S2.7: an instance that does not read, or does not answer, is
// dropped at the limit, and delays neither the caller nor other links.
func TestStuckInstances(t *testing.T) {
	for _, tc := range []struct {
		name   string
		handle func(c net.Conn)
		size   int // of each command
		least  int // commands that must fit
		reason string
	}{
		{"never reads", func(net.Conn) {}, 10_000, maxQueuedBytes / 10_100, "too many commands queued"},
		{"never answers", func(c net.Conn) { io.Copy(io.Discard, c) }, 1, maxUnanswered, "too many unanswered commands"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			b := newBed(t, Options{})
			b.dial(1, server(t, tc.handle), false)
			b.up(1)
			b.dial(2, answering(t, "+OK\r\n", "+OK\r\n"), false)
			b.up(2)
			word := strings.Repeat("x", tc.size)
			sent := 0
			for b.links[1].phase != over {
				b.Send(1, 0, [][]string{{word}})
				b.Flush()
				if sent++; sent == tc.least {
					b.Send(2, 5, [][]string{{"PING"}})
					b.Flush()
					require.Equal(t, Event{Link: 2, Kind: Answer, Tag: 5, Value: resp.OK}, b.next())
				}
				require.Less(t, sent, 1<<20)
			}
			require.GreaterOrEqual(t, sent, tc.least)
			require.Equal(t, Event{Link: 1, Kind: Down, Text: tc.reason}, b.next())
			b.Send(2, 6, [][]string{{"PING"}})
			b.Flush()
			require.Equal(t, Event{Link: 2, Kind: Answer, Tag: 6, Value: resp.OK}, b.next())
			require.Zero(t, b.Malformed())
		})
	}
}

// The queue of a link that waits for its connection is bounded too.
func TestQueueBeforeTheConnection(t *testing.T) {
	b := newBed(t, Options{Sink: nil})
	b.dial(1, silent(t), false)
	for range maxUnanswered + 1 {
		b.Send(1, 0, [][]string{{"PING"}})
	}
	for {
		if ev := b.next(); ev.Kind == Down {
			require.Equal(t, Event{Link: 1, Kind: Down, Text: "too many unanswered commands"}, ev)
			return
		}
	}
}

// What the socket does not take at once is written later, whole and in order.
func TestSlowReaderGetsAll(t *testing.T) {
	const commands = 300
	word := strings.Repeat("x", 10_000)
	start, sums := make(chan struct{}), make(chan int)
	b := newBed(t, Options{})
	b.dial(1, server(t, func(c net.Conn) {
		<-start
		r, sum := bufio.NewReader(c), 0
		for i := range commands {
			words, err := readRequest(r)
			if err == nil && len(words) == 2 && words[1] == word && words[0] == string(rune('a'+i%26)) {
				sum++
			}
		}
		sums <- sum
		io.WriteString(c, strings.Repeat("+OK\r\n", commands))
	}), false)
	b.up(1)
	for i := range commands {
		b.Send(1, uint64(i)+1, [][]string{{string(rune('a' + i%26)), word}})
		b.Flush()
	}
	close(start)
	require.Equal(t, commands, await(b, sums))
	for i := range commands {
		require.Equal(t, Event{Link: 1, Kind: Answer, Tag: uint64(i) + 1, Value: resp.OK}, b.next())
	}
}

// Rule: B-113, B-114, B-115: on a pubsub link AUTH and CLIENT SETNAME may fail,
// SUBSCRIBE may not, whatever word it goes by.
func TestPubSub(t *testing.T) {
	confirm := "*3\r\n$9\r\nsubscribe\r\n$18\r\n__sentinel__:hello\r\n:1\r\n"
	message := "*3\r\n$7\r\nmessage\r\n$18\r\n__sentinel__:hello\r\n$5\r\nhello\r\n"
	for _, tc := range []struct {
		name    string
		replies []string
		want    []Event
	}{
		{"confirmed, then messages", []string{"+OK\r\n", "+OK\r\n", confirm + message + message}, []Event{
			{Kind: Subscribed}, {Kind: Message, Payload: []byte("hello")}, {Kind: Message, Payload: []byte("hello")}}},
		{"errors before it do not matter", []string{"-ERR AUTH\r\n", "-ERR CLIENT\r\n", confirm}, []Event{{Kind: Subscribed}}},
		{"refused", []string{"+OK\r\n", "+OK\r\n", "-NOPERM no\r\n"}, []Event{{Kind: NotSubscribed, Payload: []byte("NOPERM no")}}},
		{"answered by another command", []string{"+OK\r\n", "+OK\r\n", "+OK\r\n"}, []Event{{Kind: NotSubscribed}}},
		{"empty message", []string{"+OK\r\n", "+OK\r\n", confirm + strings.Replace(message, "$5\r\nhello", "$0\r\n", 1)}, []Event{
			{Kind: Subscribed}, {Kind: Message, Payload: []byte{}}}},
		{"unasked", []string{"+OK\r\n", "+OK\r\n", confirm + "+OK\r\n"}, []Event{
			{Kind: Subscribed}, {Kind: Down, Text: "unexpected reply"}}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			b := newBed(t, Options{})
			b.dial(1, answering(t, tc.replies...), true)
			b.Send(1, 0, [][]string{{"AUTH", "x"}, {"CLIENT", "SETNAME", "n"}})
			b.Send(1, 0, [][]string{{"renamed", "__sentinel__:hello"}})
			b.Flush()
			b.up(1)
			for _, want := range tc.want {
				want.Link = 1
				require.Equal(t, want, b.next())
			}
		})
	}
}

// Nothing is allocated for a PING and its answer, and an idle link holds no
// buffer.
func TestPingCostsNothing(t *testing.T) {
	b := newBed(t, Options{})
	b.dial(1, server(t, func(c net.Conn) {
		buf, pong := make([]byte, 1024), []byte("+PONG\r\n")
		for {
			if _, err := c.Read(buf); err != nil {
				return
			}
			if _, err := c.Write(pong); err != nil {
				return
			}
		}
	}), false)
	b.up(1)
	ping := [][]string{{"PING"}}
	answers := 0
	b.sink = func(Event) { answers++ }
	deadline := time.Now().Add(patience)
	round := func() {
		before := answers
		b.Send(1, 1, ping)
		b.Flush()
		for answers == before && time.Now().Before(deadline) {
			b.Wait(deadline)
			b.Tell()
		}
	}
	round()
	require.Zero(t, testing.AllocsPerRun(200, round))
	require.Equal(t, 202, answers)
	require.Nil(t, b.links[1].out)
	require.Nil(t, b.links[1].in)
}

// The last descriptors are left to files: a link does not take them, and that it
// could not be tried says nothing about the far end.
//
// Rule: C-76.
func TestLinksLeaveDescriptorsForFiles(t *testing.T) {
	port := answering(t, "+PONG\r\n")
	next, err := unix.Dup(0)
	require.NoError(t, err)
	require.NoError(t, unix.Close(next))
	for spare, want := range map[int]Kind{0: Down, 100: Up} {
		b := newBed(t, Options{FileLimit: func() int { return next + spareFiles + spare }})
		b.dial(1, port, false)
		ev := b.next()
		require.Equal(t, want, ev.Kind, "%v", ev)
		require.Equal(t, want == Down, ev.Ours)
	}
}
