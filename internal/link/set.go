package link

import (
	"container/heap"
	"crypto/tls"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"

	"gosentinel/internal/epoll"
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
	// readSize is what one read takes at most: two INFO replies of usual size.
	readSize = 16 << 10
	// readTurn is what is read of one link before others get their turn.
	readTurn = 8 * readSize
)

// helloChannel is the channel that instances announce Sentinels on.
const helloChannel = "__sentinel__:hello"

// Kind says what an Event tells.
type Kind uint8

const (
	// Up: the connection is established; Text is the IP of its own end.
	Up Kind = iota + 1
	// Down: the connection is gone or could not be made; Text is why, Refused
	// whether the connect was refused, Ours whether we could not even try. The
	// last event of its link.
	Down
	// Answer: Value is the last reply of the Send of Tag.
	Answer
	// Message: Payload is a message on the hello channel.
	Message
	// Subscribed: the far end confirmed the subscription.
	Subscribed
	// NotSubscribed: the far end answered SUBSCRIBE with an error, the words of
	// which are Payload.
	NotSubscribed
)

// Event is something that happened on a link. What is valid depends on Kind.
type Event struct {
	Link    uint64
	Kind    Kind
	Refused bool
	Ours    bool
	Tag     uint64
	Text    string
	Payload []byte // valid until the Sink returns
	Value   resp.Value
}

// Sink takes the events of all links, for one link in order. It is called by
// Tell and may call every method of the Set but Wait and Tell.
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
	// nil means plain TCP. If it returns nil the connection fails. It is
	// called from goroutines of its own.
	TLS func() *tls.Config
	// FileLimit gives how many descriptors the process may have, 0 if that is
	// not known: the last of them are left to files. nil: no limit is known.
	//
	// Rule: C-76.
	FileLimit func() int
}

// spareFiles is how many descriptors no link takes: for writing the
// configuration, for scripts and names.
//
// Rule: C-76.
const spareFiles = 8

// DialOptions name one connection to make.
type DialOptions struct {
	Link    uint64 // its name; never used before, not 0
	IP      string // an IP address; a host name is not looked up, it fails
	Port    int
	Timeout time.Duration // for connecting and TLS together
	PubSub  bool          // for SUBSCRIBE: what arrives are messages
}

// Set is all outgoing connections. Its methods must be called from one
// goroutine, but for Wake and Malformed, and none but Wait ever waits.
type Set struct {
	sink      Sink
	tls       func() *tls.Config
	fileLimit func() int
	source    netip.AddrPort // not valid: any
	sourceErr error          // why no connection can be made at all
	malformed atomic.Uint64

	poller     poller
	links      map[uint64]*link // those of which events are wanted
	sockets    []*link          // by descriptor
	generation uint32           // of the last socket
	dirty      []*link          // those that Flush has to look at
	unread     []*link          // those whose socket has more to read
	ended      []ending         // those whose Down is to be told
	timed      timed            // those that end by themselves
	buffers    buffers
	in         [readSize]byte
	found      []unix.EpollEvent // by Wait, for Tell

	mu   sync.Mutex
	mail []notice // what happened to TLS connections
}

// ending is a link that is over, and why.
type ending struct {
	link    *link
	reason  string
	refused bool
	ours    bool
}

// New makes an empty Set. An error says which system call failed. Close ends it.
func New(o Options) (*Set, error) {
	s := &Set{sink: o.Sink, tls: o.TLS, fileLimit: o.FileLimit, links: make(map[uint64]*link)}
	if o.Source != "" {
		ip, err := netip.ParseAddr(o.Source)
		s.source, s.sourceErr = netip.AddrPortFrom(ip, 0), err
	}
	if err := s.poller.open(); err != nil {
		s.poller.close()
		return nil, err
	}
	return s, nil
}

// Wait waits until something happens on a link, until the moment until, or for
// a Wake since the last Wait. It may return early. Tell must follow.
func (s *Set) Wait(until time.Time) {
	if len(s.timed) > 0 && s.timed[0].endsAt.Before(until) {
		until = s.timed[0].endsAt
	}
	// Edge-triggered: nobody will tell again of what was left unread.
	busy := len(s.unread)+len(s.ended) > 0
	s.found = s.poller.wait(until, busy)
}

// Tell tells the Sink what happened up to the end of the last Wait.
func (s *Set) Tell() {
	// Those first that waited for their turn since the last time.
	s.readOn()
	for i := range s.found {
		tag := epoll.Tag(&s.found[i])
		// The number may belong to another connection since the event was taken.
		if l := s.socket(int(uint32(tag))); l != nil && l.generation == uint32(tag>>32) {
			l.ready(s.found[i].Events)
		}
	}
	s.found = nil
	s.readMail()
	// Behind the reads: what came in time must not be found overdue.
	s.expire()
	// Last, since Down is the last event of a link.
	s.tellEnded()
}

// Wake makes Wait return. It may be called from any goroutine.
func (s *Set) Wake() { s.poller.wake() }

// socket is the link of a descriptor.
func (s *Set) socket(fd int) *link {
	if fd < len(s.sockets) {
		return s.sockets[fd]
	}
	return nil
}

// readOn gives those a turn that were not read to the end.
func (s *Set) readOn() {
	if len(s.unread) == 0 {
		return
	}
	again := s.unread
	s.unread = nil
	for _, l := range again {
		l.unread = false
		if l.phase == open {
			l.read(true)
		}
	}
}

// expire ends the links whose time is over.
func (s *Set) expire() {
	for len(s.timed) > 0 && !time.Now().Before(s.timed[0].endsAt) {
		s.timed[0].end(s.timed[0].overdue())
	}
}

// tellEnded tells of links that are over.
func (s *Set) tellEnded() {
	for i := 0; i < len(s.ended); i++ {
		e := s.ended[i]
		// Hung up between its end and now: nobody wants to hear of it any more.
		if e.link.hungUp {
			continue
		}
		delete(s.links, e.link.id)
		s.sink(Event{Link: e.link.id, Kind: Down, Text: e.reason, Refused: e.refused, Ours: e.ours})
	}
	clear(s.ended)
	s.ended = s.ended[:0]
}

// Dial starts a connection. Up or Down follows.
func (s *Set) Dial(o DialOptions) {
	l := &link{set: s, id: o.Link, pubsub: o.PubSub}
	s.links[o.Link] = l
	s.endAt(l, time.Now().Add(o.Timeout))
	l.dial(o)
}

// Send queues commands on a link, to be written by the next Flush at the latest
// or as soon as the connection is established. Their last reply comes back as an Answer
// unless tag is 0. On a link that is not there it does nothing; past the limits
// it drops the link.
func (s *Set) Send(id, tag uint64, cmds [][]string) {
	l := s.links[id]
	if l == nil || l.phase == over {
		return
	}
	l.queue(tag, cmds)
	// So many sockets at once would keep the loop from what comes in meanwhile.
	if len(s.dirty) >= maxDirty {
		s.Flush()
	}
}

// Flush writes what was sent since the last Flush, as far as the sockets take
// it; the rest follows in later calls of Wait.
func (s *Set) Flush() {
	for i, l := range s.dirty {
		l.dirty = false
		l.write()
		s.dirty[i] = nil
	}
	s.dirty = s.dirty[:0]
}

// Hangup closes a link after delivering what was sent on it, for which it gets
// a second at most. No event of the link is told any more.
func (s *Set) Hangup(id uint64) {
	if l := s.links[id]; l != nil {
		delete(s.links, id)
		l.hangup()
	}
}

// Close drops all links at once and ends the Set; nothing is told any more.
func (s *Set) Close() {
	for _, l := range s.links {
		l.hungUp = true
		l.end(nil)
	}
	for len(s.timed) > 0 {
		s.timed[0].end(nil) // was hung up before
	}
	clear(s.links)
	s.poller.close()
}

// Malformed is how many links were dropped because what they sent is not RESP,
// too large, or answers nothing that was asked. It may be called from any
// goroutine.
func (s *Set) Malformed() uint64 { return s.malformed.Load() }

// endAt has a link end at a moment, instead of at any that was set before.
func (s *Set) endAt(l *link, at time.Time) {
	l.endsAt = at
	if l.place > 0 {
		heap.Fix(&s.timed, l.place-1)
	} else {
		heap.Push(&s.timed, l)
	}
}

// endless has a link no longer end by itself.
func (s *Set) endless(l *link) {
	if l.place > 0 {
		heap.Remove(&s.timed, l.place-1)
	}
}

// timed is a heap of links by the moment at which they end.
type timed []*link

// Len, Less, Swap, Push and Pop are those of heap.Interface.
func (h timed) Len() int           { return len(h) }
func (h timed) Less(i, j int) bool { return h[i].endsAt.Before(h[j].endsAt) }
func (h timed) Swap(i, j int) {
	h[i], h[j] = h[j], h[i]
	h[i].place, h[j].place = i+1, j+1
}
func (h *timed) Push(l any) {
	*h = append(*h, l.(*link))
	l.(*link).place = len(*h)
}
func (h *timed) Pop() any {
	last := len(*h) - 1
	l := (*h)[last]
	(*h)[last] = nil
	*h = (*h)[:last]
	l.place = 0
	return l
}
