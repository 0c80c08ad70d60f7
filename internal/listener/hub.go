package listener

import (
	"maps"
	"slices"
	"sync"

	"gosentinel/internal/command"
	"gosentinel/internal/resp"
)

// How much of channels' names patterns are matched with.
const (
	maxChannel = 128 // bytes; the events' names are far shorter
	maxHeard   = 256 // channels whose patterns are remembered
)

// What the hub takes before it gives its subscribers up.
const (
	maxQueued      = 1 << 16 // messages
	maxQueuedBytes = 64 << 20
)

// hub brings messages to subscribers. Publish only queues; one goroutine
// matches channels and patterns, puts messages into the clients' queues and
// writes what their sockets take. A client that does not read delays nobody.
type hub struct {
	s    *Server
	wake chan struct{}

	mu      sync.Mutex // guards the queue and the counts
	queue   []event
	bytes   int
	count   uint64     // events queued since the start
	done    uint64     // events put into the clients' queues
	settled *sync.Cond // done grew

	topics   sync.RWMutex // guards what follows
	channels map[string]map[*client]struct{}
	patterns map[string]*topic
	heard    map[string]map[string]*topic // the patterns that match each channel that was published to
	names    []string                     // of heard, in the order in which they came

	dirty []*client // to be pumped; the hub's goroutine's own
}

// topic is a pattern with those who subscribed to it.
type topic struct {
	match *command.Matcher
	subs  map[*client]struct{}
}

type event struct{ channel, payload string }

// message is one event as its subscribers of one channel or pattern get it,
// encoded once per protocol.
type message struct {
	value resp.Value
	forms [2][]byte
}

// form gives the message as protocol proto has it.
func (m *message) form(proto int) []byte {
	at := &m.forms[proto-2]
	if *at == nil {
		*at = resp.Append(nil, proto, m.value)
	}
	return *at
}

func (h *hub) init(s *Server) {
	h.s = s
	h.wake = make(chan struct{}, 1)
	h.settled = sync.NewCond(&h.mu)
	h.channels = make(map[string]map[*client]struct{})
	h.patterns = make(map[string]*topic)
	h.heard = make(map[string]map[string]*topic)
}

// Publish sends a message to all who subscribed to channel, or to a pattern
// that matches it.
//
// Rule: K-5.
func (s *Server) Publish(channel, payload string) {
	h := &s.hub
	h.mu.Lock()
	h.queue = append(h.queue, event{channel, payload})
	h.bytes += len(channel) + len(payload)
	h.count++
	h.mu.Unlock()
	notify(h.wake)
}

// published is how many events there have been.
func (h *hub) published() uint64 {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.count
}

// await waits until that many events are in the clients' queues.
func (h *hub) await(count uint64) {
	h.mu.Lock()
	for h.done < count {
		h.settled.Wait()
	}
	h.mu.Unlock()
}

// catchUp waits until what was published so far is in the clients' queues. A
// subscriber's reply comes after the events of all that was answered before
// its request, as if one thread did everything.
//
// Rule: K-5.
func (h *hub) catchUp() { h.await(h.published()) }

// run is the hub's goroutine.
func (h *hub) run() {
	defer h.s.wg.Done()
	for {
		select {
		case <-h.wake:
		case <-h.s.closed:
			h.finish()
			return
		}
		h.mu.Lock()
		events, tooMany := h.queue, len(h.queue) > maxQueued || h.bytes > maxQueuedBytes
		h.queue, h.bytes = nil, 0
		h.mu.Unlock()
		if tooMany {
			h.giveUp()
		}
		for _, ev := range events {
			h.deliver(ev)
		}
		h.mu.Lock()
		// Before the sockets are written: who waits needs them in the queues, ahead of its reply.
		h.done += uint64(len(events))
		h.settled.Broadcast()
		h.mu.Unlock()
		h.pump()
	}
}

// finish releases whoever waits, at the end.
func (h *hub) finish() {
	h.mu.Lock()
	h.done = ^uint64(0)
	h.settled.Broadcast()
	h.mu.Unlock()
}

// giveUp drops all subscribers: they could only be told too late, and learn
// from the closed connection that they missed something.
func (h *hub) giveUp() {
	for _, c := range h.s.all() {
		c.mu.Lock()
		subscribed := c.subs.count() > 0
		c.mu.Unlock()
		if subscribed {
			c.drop()
		}
	}
}

// deliver puts an event into the queues of its subscribers: those of the
// channel first, then those of patterns. What patterns match a channel is known
// but for its first event: who subscribes finds out for himself (joinPattern), so
// that the patterns of one, however many, delay the events of nobody else.
func (h *hub) deliver(ev event) {
	h.topics.RLock()
	defer h.topics.RUnlock()
	if subs := h.channels[ev.channel]; len(subs) > 0 {
		h.push(subs, &message{value: pushOf(resp.Str("message"), resp.Str(ev.channel), resp.Str(ev.payload))})
	}
	matching, known := h.heard[ev.channel]
	if !known {
		// Finding the patterns adds to what is known, which needs the lock alone.
		h.topics.RUnlock()
		matching = h.hear(ev.channel)
		h.topics.RLock()
	}
	for pattern, t := range matching {
		h.push(t.subs, &message{value: pushOf(resp.Str("pmessage"), resp.Str(pattern), resp.Str(ev.channel), resp.Str(ev.payload))})
	}
}

// hear finds the patterns that match a channel, and remembers them.
func (h *hub) hear(channel string) map[string]*topic {
	h.topics.Lock()
	defer h.topics.Unlock()
	matching := make(map[string]*topic)
	for pattern, t := range h.patterns {
		if t.match.Match(channel) {
			matching[pattern] = t
		}
	}
	if len(h.names) < maxHeard {
		h.heard[channel] = matching
		h.names = append(h.names, channel)
	}
	return matching
}

func (h *hub) push(subs map[*client]struct{}, m *message) {
	for c := range subs {
		if c.push(m) {
			h.dirty = append(h.dirty, c)
		}
	}
}

// pump writes to the sockets of those who got something, as far as they take
// it, and drops those over their limit.
func (h *hub) pump() {
	for i, c := range h.dirty {
		h.dirty[i] = nil
		c.mu.Lock()
		o := &c.output
		// First, so that what comes from here on is pumped once more.
		o.dirty = false
		over, mine := o.over, !o.writing && !o.holding && !o.dead && len(o.queue) > 0
		if mine && !over {
			o.writing = true
		}
		c.mu.Unlock()
		switch {
		case over:
			c.drop()
		case mine:
			c.pump()
		}
	}
	h.dirty = h.dirty[:0]
}

func pushOf(elems ...resp.Value) resp.Value { return resp.Value{Kind: resp.Push, Elems: elems} }

// join adds a client to a channel.
func (h *hub) join(name string, c *client) {
	h.topics.Lock()
	defer h.topics.Unlock()
	subs := h.channels[name]
	if subs == nil {
		subs = make(map[*client]struct{}, 1)
		h.channels[name] = subs
	}
	subs[c] = struct{}{}
}

// joinPattern adds a client to a pattern. A new one is matched with the channels
// that are known here, on the client's own goroutine and without a lock.
func (h *hub) joinPattern(name string, c *client) {
	if names, there := h.joinKnown(name, c); !there {
		t := &topic{match: command.Compile(name, maxChannel), subs: map[*client]struct{}{c: {}}}
		var matching []string
		for _, channel := range names {
			if t.match.Match(channel) {
				matching = append(matching, channel)
			}
		}
		h.addTopic(name, t, matching, len(names))
	}
}

// joinKnown adds a client to a pattern if somebody has subscribed to it already,
// and gives the channels to match it with if not.
func (h *hub) joinKnown(name string, c *client) (names []string, there bool) {
	h.topics.Lock()
	defer h.topics.Unlock()
	if t := h.patterns[name]; t != nil {
		t.subs[c] = struct{}{}
		return nil, true
	}
	return h.names, false
}

// addTopic adds a pattern that matches these of the first names.
func (h *hub) addTopic(name string, t *topic, matching []string, names int) {
	h.topics.Lock()
	defer h.topics.Unlock()
	if old := h.patterns[name]; old != nil { // it came meanwhile
		for c := range t.subs {
			old.subs[c] = struct{}{}
		}
		return
	}
	h.patterns[name] = t
	for _, channel := range matching {
		h.heard[channel][name] = t
	}
	// Channels that were first published to while it was matched with the others.
	for _, channel := range h.names[names:] {
		if t.match.Match(channel) {
			h.heard[channel][name] = t
		}
	}
}

// leave takes a client from a channel.
func (h *hub) leave(name string, c *client) {
	h.topics.Lock()
	defer h.topics.Unlock()
	subs := h.channels[name]
	delete(subs, c)
	if len(subs) == 0 {
		delete(h.channels, name)
	}
}

// leavePattern takes a client from a pattern.
func (h *hub) leavePattern(name string, c *client) {
	h.topics.Lock()
	defer h.topics.Unlock()
	t := h.patterns[name]
	if t == nil {
		return
	}
	delete(t.subs, c)
	if len(t.subs) == 0 {
		delete(h.patterns, name)
		for _, matching := range h.heard {
			delete(matching, name)
		}
	}
}

// forget takes a client from everything it subscribed to.
func (h *hub) forget(c *client) {
	c.mu.Lock()
	channels, patterns := slices.Collect(maps.Keys(c.subs.channels)), slices.Collect(maps.Keys(c.subs.patterns))
	c.mu.Unlock()
	for _, name := range channels {
		h.leave(name, c)
	}
	for _, name := range patterns {
		h.leavePattern(name, c)
	}
}

// sizes are the numbers of channels and patterns with subscribers.
func (h *hub) sizes() (channels, patterns int) {
	h.topics.RLock()
	defer h.topics.RUnlock()
	return len(h.channels), len(h.patterns)
}
