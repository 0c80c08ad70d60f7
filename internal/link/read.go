package link

import (
	"io"
	"syscall"
	"time"

	"gosentinel/internal/resp"
)

// limits bound a reply. INFO may be large; a collection never is: the longest
// is that of EXEC.
var limits = resp.Limits{Depth: 4, Elems: 1024, Bulk: 4 << 20, Total: 4<<20 + 1<<10}

// read is the owner once the connection is established.
func (l *link) read() {
	var err error
	if l.raw != nil {
		// One call serves the whole life of the link: it waits inside, and
		// while it waits the link holds no buffer.
		err = l.raw.Read(l.readAll)
	} else {
		l.readTLS()
	}
	if l.err != nil {
		err = l.err
	}
	l.in.skip(len(l.in.b))
	l.end(err)
}

// readAll takes what the socket has. It reports whether the link is over;
// false waits for more.
func (l *link) readAll(fd uintptr) bool {
	for {
		l.in.grow(inBlocks)
		b := l.in.b
		n, err := syscall.Read(int(fd), b[len(b):cap(b)])
		switch {
		case err == syscall.EINTR:
			continue
		case err == syscall.EAGAIN:
			if len(b) == 0 {
				l.in.skip(0)
			}
			return false
		case err != nil:
			l.err = err
			return true
		case n == 0:
			l.err = io.EOF
			return true
		}
		l.in.b = b[:len(b)+n]
		if !l.consume() {
			return true
		}
	}
}

// readTLS does the same where only the connection knows what the socket has. It
// keeps a buffer of its own, a small one, beside those of the TLS connection.
func (l *link) readTLS() {
	var small [1 << 10]byte
	for {
		n, err := l.conn.Read(small[:])
		if n > 0 {
			l.in.take(inBlocks)
			l.in.b = append(l.in.b, small[:n]...)
			if !l.consume() {
				return
			}
		}
		if err != nil {
			l.err = err
			return
		}
	}
}

// consume handles the whole replies at the head of in. It reports false when
// the link is over.
func (l *link) consume() bool {
	if len(l.in.b) < l.want {
		return true
	}
	l.want = 0
	done := 0
	for done < len(l.in.b) {
		v, n, err := resp.Decode(l.in.b[done:], limits)
		if err == resp.ErrShort {
			l.want = n
			break
		}
		if err != nil {
			l.malformed(err.Error())
			return false
		}
		done += n
		if !l.handle(v) {
			return false
		}
	}
	l.in.skip(done)
	return true
}

// handle tells of one reply. It reports false when the link is over.
func (l *link) handle(v resp.Value) bool {
	if v.Kind == resp.Push && !l.pubsub {
		return true
	}
	message, isMessage := helloOf(v)
	isMessage = isMessage && l.pubsub
	l.mu.Lock()
	tag, known := uint64(0), true
	if !isMessage {
		tag, known = l.unanswered.pop()
	}
	quiet, fault, graceEnd := l.hungUp, l.fault, l.graceEnd
	l.mu.Unlock()
	switch {
	case fault != "":
		return false
	case quiet:
		return time.Now().Before(graceEnd)
	case !known:
		l.malformed("unexpected reply")
		return false
	case isMessage:
		l.shared.sink(Event{Link: l.id, Kind: Message, Payload: message})
	case tag == tagSubscribe && isSubscribe(v):
		l.shared.sink(Event{Link: l.id, Kind: Subscribed})
	case tag == tagSubscribe:
		l.shared.sink(Event{Link: l.id, Kind: NotSubscribed})
	case tag != 0:
		l.shared.sink(Event{Link: l.id, Kind: Answer, Tag: tag, Value: v})
	}
	return true
}

// malformed drops the link because of what it sent, and counts it.
func (l *link) malformed(reason string) {
	l.shared.malformed.Add(1)
	l.drop(reason)
}

// helloOf is the payload of a message on the hello channel.
func helloOf(v resp.Value) (payload []byte, ok bool) {
	if len(v.Elems) != 3 || v.Elems[0].Str != "message" || v.Elems[1].Str != helloChannel {
		return nil, false
	}
	return []byte(v.Elems[2].Str), true
}

// isSubscribe reports whether v confirms the subscription.
func isSubscribe(v resp.Value) bool {
	return len(v.Elems) == 3 && v.Elems[0].Str == "subscribe" && v.Elems[1].Str == helloChannel
}
