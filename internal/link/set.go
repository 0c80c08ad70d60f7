package link

import (
	"context"
	"crypto/tls"
	"net/netip"
	"sync/atomic"
	"time"

	"gosentinel/internal/resp"
)

// Limits of one link. A healthy link has a handful of commands on their way;
// a peer that is shared by thousands of masters has two for each at most.
const (
	maxUnanswered  = 1 << 15 // commands sent or queued that have no reply yet
	maxQueuedBytes = 4 << 20 // commands that the socket did not take yet

	// maxDirty is how many links may wait for Flush: each holds a buffer.
	maxDirty = 64

	// hangupGrace is how long a link that was hung up may take to deliver
	// what was sent on it: many round trips, and soon enough forgotten.
	hangupGrace = time.Second
)

// helloChannel is the channel that instances announce Sentinels on.
const helloChannel = "__sentinel__:hello"

// Kind says what an Event tells.
type Kind uint8

const (
	// Up: the connection is established; Text is the IP of its own end.
	Up Kind = iota + 1
	// Down: the connection is gone or could not be made; Text is why, Refused
	// whether the connect was refused. The last event of its link.
	Down
	// Answer: Value is the last reply of the Send of Tag.
	Answer
	// Message: Payload is a message on the hello channel.
	Message
	// Subscribed: the far end confirmed the subscription.
	Subscribed
	// NotSubscribed: the far end answered SUBSCRIBE with an error.
	NotSubscribed
)

// Event is something that happened on a link. What is valid depends on Kind.
type Event struct {
	Link    uint64
	Kind    Kind
	Refused bool
	Tag     uint64
	Text    string
	Payload []byte
	Value   resp.Value
}

// Sink takes the events of all links. It is called from the goroutines of the
// links, for one link in order; while it blocks, that link is not read.
type Sink func(Event)

// Options say how a Set dials.
type Options struct {
	// Sink is where events go; it must be set.
	Sink Sink
	// Source is the IP that connections go out from; "" leaves it to the
	// system.
	//
	// Rule: B-112.
	Source string
	// TLS gives the configuration of each new connection (see VerifyChain);
	// nil means plain TCP. If it returns nil the connection fails.
	TLS func() *tls.Config
}

// DialOptions name one connection to make.
type DialOptions struct {
	Link    uint64 // its name; never used before, not 0
	IP      string // an IP address; a host name is not looked up, it fails
	Port    int
	Timeout time.Duration // for connecting and TLS together
	PubSub  bool          // for SUBSCRIBE: what arrives are messages
}

// Set is all outgoing connections. Its methods must be called from one
// goroutine, but for Malformed, and never block.
type Set struct {
	shared *shared
	links  map[uint64]*link // those of which events are wanted
	dirty  []*link          // those that Flush has to look at
}

// shared is what links know of their Set. It is immutable but for the count.
type shared struct {
	sink      Sink
	tls       func() *tls.Config
	source    netip.AddrPort // not valid: any
	sourceErr error          // why no connection can be made at all
	malformed atomic.Uint64
}

// failure is an error whose text goes into a log line of the original as it is.
type failure string

// Error is the text.
func (f failure) Error() string { return string(f) }

// errNoTLS says that the TLS context is missing.
//
// Rule: B-123.
const errNoTLS = failure("Failed to initialize TLS")

// New makes an empty Set.
func New(o Options) *Set {
	sh := &shared{sink: o.Sink, tls: o.TLS}
	if o.Source != "" {
		ip, err := netip.ParseAddr(o.Source)
		sh.source, sh.sourceErr = netip.AddrPortFrom(ip, 0), err
	}
	return &Set{shared: sh, links: make(map[uint64]*link)}
}

// Dial starts a connection. Up or Down follows.
func (s *Set) Dial(o DialOptions) {
	ctx, cancel := context.WithTimeout(context.Background(), o.Timeout)
	l := &link{shared: s.shared, id: o.Link, pubsub: o.PubSub, cancel: cancel}
	s.links[o.Link] = l
	go l.open(ctx, o)
}

// Send queues commands on a link, to be written by the next Flush at the latest
// or as soon as the connection is established. Their last reply comes back as an Answer
// unless tag is 0. On a link that is not there it does nothing; past the limits
// it drops the link.
func (s *Set) Send(id, tag uint64, cmds [][]string) {
	l := s.links[id]
	if l != nil && l.send(tag, cmds) {
		s.dirty = append(s.dirty, l)
	}
	if len(s.dirty) >= maxDirty {
		s.Flush()
	}
}

// Flush writes what was sent since the last Flush, as far as the sockets take
// it; the rest follows in the background.
func (s *Set) Flush() {
	for i, l := range s.dirty {
		l.flush()
		s.dirty[i] = nil
	}
	s.dirty = s.dirty[:0]
}

// Hangup closes a link after delivering what was sent on it, for which it gets
// a second at most. No event of the link passes Accept any more.
func (s *Set) Hangup(id uint64) {
	l := s.links[id]
	if l == nil {
		return
	}
	delete(s.links, id)
	l.hangup()
}

// Accept reports whether an event is still wanted: not one of a link that was
// hung up after the event happened. Whoever takes events out of the Sink's
// queue must ask it for each, in order.
func (s *Set) Accept(ev Event) bool {
	_, ok := s.links[ev.Link]
	if ok && ev.Kind == Down {
		delete(s.links, ev.Link)
	}
	return ok
}

// Close drops all links at once; no event passes Accept any more.
func (s *Set) Close() {
	for id, l := range s.links {
		delete(s.links, id)
		l.quit()
	}
}

// Malformed is how many links were dropped because what they sent is not RESP,
// too large, or answers nothing that was asked. It may be called from any
// goroutine.
func (s *Set) Malformed() uint64 { return s.shared.malformed.Load() }
