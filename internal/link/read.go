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
	l.in = nil
	l.end(err)
}

// readAll takes what the socket has. It reports whether the link is over;
// false waits for more. A block is held only while bytes are read and decoded:
// thousands of links that wait, for the rest of a reply or for room in the
// Sink's queue, hold none.
func (l *link) readAll(fd uintptr) bool {
	for {
		block := inBlocks.pool.Get().(*block)
		n, err := syscall.Read(int(fd), block.data[:inBlocks.size])
		var got replies
		if n > 0 {
			got = l.decode(block.data[:n])
		}
		inBlocks.pool.Put(block)
		switch {
		case err == syscall.EINTR:
			continue
		case err == syscall.EAGAIN:
			return false
		case err != nil:
			l.err = err
			return true
		case n == 0:
			l.err = io.EOF
			return true
		case !l.handleAll(got):
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
		if n > 0 && !l.handleAll(l.decode(small[:n])) {
			return
		}
		if err != nil {
			l.err = err
			return
		}
	}
}

// replies are what one read brought: mostly one, which costs no slice.
type replies struct {
	first resp.Value
	more  []resp.Value
	n     int
	err   error // what is wrong with the bytes behind them
}

// decode takes the whole replies out of what was left and b behind it, and
// keeps the rest. No reply aliases b.
func (l *link) decode(b []byte) (got replies) {
	if len(l.in) > 0 {
		l.in = append(l.in, b...)
		if len(l.in) < l.want {
			return got
		}
		b = l.in
	}
	l.want = 0
	for len(b) > 0 {
		v, n, err := resp.Decode(b, limits)
		if err == resp.ErrShort {
			l.want = n
			break
		}
		if err != nil {
			got.err = err
			return got
		}
		if got.n == 0 {
			got.first = v
		} else {
			got.more = append(got.more, v)
		}
		got.n++
		b = b[n:]
	}
	if len(b) == 0 {
		l.in = nil
	} else {
		l.in = append(l.in[:0], b...)
	}
	return got
}

// handleAll tells of replies, in order. It reports false when the link is over.
func (l *link) handleAll(got replies) bool {
	if got.n > 0 && !l.handle(got.first) {
		return false
	}
	for _, v := range got.more {
		if !l.handle(v) {
			return false
		}
	}
	if got.err != nil {
		l.malformed(got.err.Error())
		return false
	}
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
