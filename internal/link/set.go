package link

import (
	"crypto/tls"
	"time"

	"gosentinel/internal/resp"
)

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
// goroutine and never block.
type Set struct{}

// New makes an empty Set.
func New(o Options) *Set { return &Set{} }

// Dial starts a connection. Up or Down follows.
func (s *Set) Dial(o DialOptions) {}

// Send queues commands on a link, to be written by the next Flush or as soon as
// the connection is established. Their last reply comes back as an Answer
// unless tag is 0. On a link that is not there it does nothing.
func (s *Set) Send(id, tag uint64, cmds [][]string) {}

// Flush writes what was sent since the last Flush, as far as the sockets take
// it; the rest follows in the background.
func (s *Set) Flush() {}

// Hangup closes a link after delivering what was sent on it, for which it gets
// a second at most. No event of the link passes Accept any more.
func (s *Set) Hangup(id uint64) {}

// Accept reports whether an event is still wanted: not one of a link that was
// hung up after the event happened. Whoever takes events out of the Sink's
// queue must ask it for each, in order.
func (s *Set) Accept(ev Event) bool { return false }

// Close drops all links at once.
func (s *Set) Close() {}
