package link

import (
	"context"
	"errors"
	"io"
	"net"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"gosentinel/internal/resp"
)

// tagSubscribe stands for the SUBSCRIBE of a pubsub link among the unanswered.
const tagSubscribe = ^uint64(0)

// phase is how far a link is.
type phase uint8

const (
	dialing phase = iota
	open
	over // nothing is sent or written any more
)

// transport moves the bytes of a link. Nothing in it waits.
type transport interface {
	// write takes what there is room for; EAGAIN says that there is none, and
	// that link.write is called when there is some.
	write(b []byte) (int, unix.Errno)
	// closeWrite tells the far end that nothing follows what was written.
	closeWrite()
	// close ends the connection, however far it is.
	close()
}

// link is one connection.
type link struct {
	set        *Set
	id         uint64
	transport  transport // nil: there is no connection, nor an attempt
	generation uint32    // of the socket
	phase      phase
	pubsub     bool
	hungUp     bool // nobody wants to hear of it any more
	dirty      bool // in Set.dirty
	unread     bool // in Set.unread

	out        []byte // not written yet; nil if there is nothing
	unanswered ring
	in         []byte       // the beginning of a reply; nil between replies
	want       int          // bytes that in must hold for another try to decode
	part       resp.Partial // how far in has been followed

	endsAt time.Time // when it ends by itself, if it is in Set.timed
	place  int       // in Set.timed, from 1; 0 = not there
}

// ready takes what epoll tells of the socket.
func (l *link) ready(events uint32) {
	// Writable, or an error, is how a connect that did not wait ends.
	if l.phase == dialing {
		if events&(unix.EPOLLOUT|unix.EPOLLERR|unix.EPOLLHUP) == 0 {
			return
		}
		fd := l.transport.(socket)
		if err := fd.connected(); err != nil {
			l.end(err)
			return
		}
		// Before the write: what the Sink sends upon Up goes out with what has been queued.
		l.established(fd.localIP())
	}
	// Room first: what is read next may be answered at once.
	if events&unix.EPOLLOUT != 0 {
		l.write()
	}
	// One that waits for its turn is read then: it must not get two.
	if !l.unread && events&(unix.EPOLLIN|unix.EPOLLRDHUP|unix.EPOLLHUP|unix.EPOLLERR) != 0 {
		l.read(events&(unix.EPOLLRDHUP|unix.EPOLLHUP|unix.EPOLLERR) != 0)
	}
}

// established says that the connection is there.
func (l *link) established(localIP string) {
	l.phase = open
	if l.hungUp {
		l.closeSoon()
		return
	}
	l.set.endless(l)
	l.set.sink(Event{Link: l.id, Kind: Up, Text: localIP})
}

// queue takes commands.
func (l *link) queue(tag uint64, cmds [][]string) {
	if len(cmds) == 0 {
		return
	}
	if l.out == nil {
		l.out = l.set.buffers.get()
	}
	for i, cmd := range cmds {
		l.out = resp.AppendCommand(l.out, cmd...)
		switch {
		// SUBSCRIBE is confirmed by a message, not by a reply: it needs a mark of its own.
		case l.pubsub && len(cmd) == 2 && cmd[1] == helloChannel:
			l.unanswered.push(tagSubscribe)
		case i == len(cmds)-1:
			l.unanswered.push(tag)
		default:
			l.unanswered.push(0)
		}
	}
	switch {
	case l.unanswered.n > maxUnanswered:
		l.drop("too many unanswered commands")
	// An instance that reads nothing must not grow our memory: it is dialled anew.
	case len(l.out) > maxQueuedBytes:
		l.drop("too many commands queued")
	case l.phase == open && !l.dirty:
		l.dirty = true
		l.set.dirty = append(l.set.dirty, l)
	}
}

// write writes what is queued, as far as there is room.
func (l *link) write() {
	if l.phase != open || len(l.out) == 0 {
		return
	}
	done := 0
	for done < len(l.out) {
		n, errno := l.transport.write(l.out[done:])
		// epoll tells when there is room again; edge-triggered, so it is told once.
		if errno == unix.EAGAIN {
			l.out = l.out[:copy(l.out, l.out[done:])]
			return
		}
		if errno != 0 {
			l.end(errno)
			return
		}
		done += n
	}
	l.set.buffers.put(l.out)
	l.out = nil
	// Only behind the last byte: the far end answers that by closing.
	if l.hungUp {
		l.transport.closeWrite()
	}
}

// hangup has the link closed once what is queued is delivered.
func (l *link) hangup() {
	l.hungUp = true
	switch {
	case l.phase == open:
		l.closeSoon()
	case l.phase == dialing && len(l.out) == 0:
		l.end(nil)
	case l.phase == dialing:
		l.set.endAt(l, time.Now().Add(hangupGrace))
	}
}

// closeSoon delivers what is queued and says that no more will follow; the far
// end then closes, or the grace ends. Until then the link is read on: closing
// with bytes unread would take back what the far end has not read.
func (l *link) closeSoon() {
	if l.place == 0 {
		l.set.endAt(l, time.Now().Add(hangupGrace))
	}
	if len(l.out) == 0 {
		l.transport.closeWrite()
		return
	}
	l.write()
}

// drop ends the link for a reason of our own.
func (l *link) drop(reason string) { l.end(failure(reason)) }

// malformed drops the link because of what it sent, and counts it.
func (l *link) malformed(reason string) {
	l.set.malformed.Add(1)
	l.drop(reason)
}

// end is the last act: the link is over because of err, which is told soon.
func (l *link) end(err error) {
	if l.phase == over {
		return
	}
	refused := l.phase == dialing && errors.Is(err, unix.ECONNREFUSED)
	ours := l.phase == dialing && isOurs(err)
	l.phase = over
	s := l.set
	// The descriptor's number may be used again at once: whatever knows it forgets.
	s.endless(l)
	if fd, ok := l.transport.(socket); ok {
		s.sockets[fd] = nil
	}
	if l.transport != nil {
		l.transport.close()
	}
	if l.out != nil {
		s.buffers.put(l.out)
	}
	l.out, l.in, l.unanswered = nil, nil, ring{}
	if !l.hungUp {
		// Told later: the Sink itself may be who ended it, and is not called within a call.
		s.ended = append(s.ended, ending{l, Reason(err), refused, ours})
	}
}

// isOurs reports whether an attempt to connect failed for what we lack, a
// descriptor, memory, a port or a certificate: it says nothing about the far
// end.
func isOurs(err error) bool {
	for _, lacking := range []error{
		unix.EMFILE, unix.ENFILE, unix.ENOBUFS, unix.ENOMEM, unix.ENOSPC, unix.EADDRNOTAVAIL, unix.EADDRINUSE, unix.EAGAIN, errNoTLS,
	} {
		if errors.Is(err, lacking) {
			return true
		}
	}
	return false
}

// failure is an error whose text goes into a log line as it is.
type failure string

// Error is the text.
func (f failure) Error() string { return string(f) }

// Reason is the text of err for a log line, as strerror(3) would put it.
func Reason(err error) string {
	var no syscall.Errno
	var timeout net.Error
	switch {
	case err == nil || errors.Is(err, io.EOF):
		return "Server closed the connection"
	case errors.As(err, &no):
		text := []byte(no.Error())
		if text[0] >= 'a' && text[0] <= 'z' {
			text[0] -= 'a' - 'A'
		}
		return string(text)
	case errors.As(err, &timeout) && timeout.Timeout(), errors.Is(err, context.DeadlineExceeded):
		return "Connection timed out"
	}
	return err.Error()
}
