package link

import (
	"bytes"
	"errors"
	"io"

	"golang.org/x/sys/unix"

	"gosentinel/internal/epoll"
	"gosentinel/internal/resp"
)

// limits bound a reply. INFO may be large; the longest collection is the list of
// 128 Sentinels (E-18).
var limits = resp.Limits{Depth: 4, Elems: 8192, Bulk: 4 << 20, Total: 4<<20 + 1<<10}

// messageHead is how every message on the hello channel begins, up to the
// length of its payload.
const messageHead = "*3\r\n$7\r\nmessage\r\n$18\r\n" + helloChannel + "\r\n$"

// read takes what the socket has, up to a turn's worth. Unless toTheEnd is set,
// what comes after a short read is told by another event.
func (l *link) read(toTheEnd bool) {
	in := l.set.in[:]
	for turn := 0; turn < readTurn; {
		n, errno := epoll.Read(uintptr(l.transport.(socket)), in)
		switch {
		case errno == unix.EAGAIN:
			return
		case errno != 0:
			l.end(errno)
			return
		case n == 0:
			l.end(io.EOF)
			return
		}
		l.take(in[:n])
		// A short read has emptied the socket: one more would cost a system call to learn nothing.
		if l.phase == over || n < len(in) && !toTheEnd {
			return
		}
		turn += n
	}
	// The event was for all of it, and does not come again for the rest.
	if !l.unread {
		l.unread = true
		l.set.unread = append(l.set.unread, l)
	}
}

// take decodes bytes from the far end, behind what was left, tells of the whole
// replies in them, and keeps the rest. No more than that is kept: thousands of
// links that wait for the rest of a reply hold only its beginning.
func (l *link) take(b []byte) {
	if l.hungUp {
		return // read so that the far end gets what it was sent
	}
	kept := len(l.in) > 0
	if kept {
		l.in = append(l.in, b...)
		if len(l.in) < l.want {
			return
		}
		// Decoding anew after each byte of a reply that trickles would cost its square.
		if l.want = l.part.Want(l.in, limits); len(l.in) < l.want {
			return
		}
		b = l.in
	}
	for len(b) > 0 {
		n, err := l.next(b)
		if errors.Is(err, resp.ErrShort) {
			// It begins anew: what it followed ended with the reply before.
			l.part = resp.Partial{}
			l.want = l.part.Want(b, limits)
			break
		}
		if err != nil {
			l.malformed(err.Error())
			return
		}
		if l.phase == over || l.hungUp {
			l.in = nil
			return
		}
		b = b[n:]
	}
	switch {
	case len(b) == 0:
		l.in = nil
	case kept:
		l.in = l.in[:copy(l.in, b)]
	default:
		l.in = bytes.Clone(b)
	}
}

// next tells of the reply or message that b begins with and gives its length.
func (l *link) next(b []byte) (n int, err error) {
	if l.pubsub {
		if payload, n, ok := message(b); ok {
			l.set.sink(Event{Link: l.id, Kind: Message, Payload: payload})
			return n, nil
		}
	}
	v, n, err := resp.Decode(b, limits)
	if err != nil {
		return n, err
	}
	return n, l.handle(v)
}

// message is the payload of a whole message on the hello channel at the
// beginning of b, and its length. It lies in b.
func message(b []byte) (payload []byte, n int, ok bool) {
	if len(b) < len(messageHead) || string(b[:len(messageHead)]) != messageHead {
		return nil, 0, false
	}
	size, at := 0, len(messageHead)
	for ; at < len(b) && b[at] >= '0' && b[at] <= '9' && size < limits.Bulk; at++ {
		size = 10*size + int(b[at]-'0')
	}
	end := at + 2 + size
	if end+2 > len(b) || at == len(messageHead) || string(b[at:at+2]) != "\r\n" || string(b[end:end+2]) != "\r\n" {
		return nil, 0, false // whatever it is, the decoder knows
	}
	return b[at+2 : end], end + 2, true
}

// errUnexpected says that nothing was asked that a reply could answer.
const errUnexpected = failure("unexpected reply")

// handle tells of one reply.
func (l *link) handle(v resp.Value) error {
	if v.Kind == resp.Push && !l.pubsub {
		return nil
	}
	if l.pubsub && isHello(v, "message") {
		l.set.sink(Event{Link: l.id, Kind: Message, Payload: []byte(v.Elems[2].Str)})
		return nil
	}
	// Replies come in the order of the commands: the oldest is meant.
	tag, ok := l.unanswered.pop()
	switch {
	case !ok:
		return errUnexpected
	case tag == tagSubscribe && isHello(v, "subscribe"):
		l.set.sink(Event{Link: l.id, Kind: Subscribed})
	case tag == tagSubscribe:
		l.set.sink(Event{Link: l.id, Kind: NotSubscribed, Payload: words(v)})
	case tag != 0:
		l.set.sink(Event{Link: l.id, Kind: Answer, Tag: tag, Value: v})
	}
	return nil
}

// words are those of an error.
func words(v resp.Value) []byte {
	if v.Kind != resp.Error {
		return nil
	}
	return []byte(v.Str)
}

// isHello reports whether v is a message of this kind of the hello channel.
func isHello(v resp.Value, kind string) bool {
	return len(v.Elems) == 3 && v.Elems[0].Str == kind && v.Elems[1].Str == helloChannel
}
