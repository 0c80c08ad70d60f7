package sentinel

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"
	"time"

	"gosentinel/conf"
	"gosentinel/internal/ordered"
	"gosentinel/internal/resp"
	"gosentinel/quorum"
	"gosentinel/replication"
)

const helloChannel = "__sentinel__:hello"

// helloMessage is a hello as it came, its fields checked.
//
// Rule: B-401, B-422.
type helloMessage struct {
	ip           string
	port         int
	runID        string
	epoch        quorum.Epoch
	master       string
	masterIP     string
	masterPort   int
	masterConfig quorum.Epoch
}

// maxHello is far more bytes than a hello has: two hosts, the name of a master
// and a run id of their greatest lengths, and numbers.
const maxHello = 2048

// parseHello reads a payload; why says what is wrong with it, "" for nothing.
func parseHello(payload string) (h helloMessage, why string) {
	if len(payload) > maxHello {
		return h, "it is too long"
	}
	var f [8]string
	rest := payload
	for i := range f {
		var more bool
		f[i], rest, more = strings.Cut(rest, ",")
		if more != (i < 7) {
			return h, "it has not 8 fields"
		}
	}
	var ok bool
	h.ip, h.runID, h.master, h.masterIP = f[0], f[2], f[4], f[5]
	if h.ip == "" || h.masterIP == "" {
		return h, "an address is empty"
	}
	if h.port, ok = cleanPort(f[1]); !ok {
		return h, "its port is " + badPort(f[1])
	}
	if h.masterPort, ok = cleanPort(f[6]); !ok {
		return h, "the master's port is " + badPort(f[6])
	}
	if !conf.ValidRunID(h.runID) {
		return h, "its run id is not one"
	}
	if h.epoch, ok = cleanEpoch(f[3]); !ok {
		return h, "its current epoch is not one"
	}
	if h.masterConfig, ok = cleanEpoch(f[7]); !ok {
		return h, "its config epoch is not one"
	}
	return h, ""
}

func cleanPort(s string) (int, bool) {
	n, ok := cleanEpoch(s)
	return int(n), ok && n >= 1 && n <= 65535
}

// badPort says what is wrong with a port that is not one.
func badPort(s string) string {
	if s == "0" {
		return "0"
	}
	return "not one"
}

func cleanEpoch(s string) (quorum.Epoch, bool) {
	if s == "" || s[0] == '+' {
		return 0, false
	}
	n, err := strconv.ParseUint(s, 10, 64)
	return quorum.Epoch(n), err == nil
}

// helloFromLink takes what came on a Pub/Sub connection.
//
// Rule: B-115, B-117.
func (c *Core) helloFromLink(in Hello) {
	cn := c.conns[in.Link]
	if cn == nil {
		return
	}
	if in.Failed {
		c.hearSubscription(cn, &in)
		// So that it is shown as disconnected for as long as it refuses, as in the original (B-115).
		c.closeConn(cn)
		return
	}
	cn.heardAt = c.now.Mono
	if in.Payload == nil {
		c.hearSubscription(cn, &in)
	} else {
		c.receiveHello(in.Payload, cn.link.users[0])
	}
}

// receiveHello takes a hello, from the channel of an instance or, from nil, by
// PUBLISH.
//
// Rule: B-420 to B-422, R-19.
func (c *Core) receiveHello(raw []byte, from *instance) {
	if c.heardBefore(raw) {
		return
	}
	payload := string(raw)
	h, why := parseHello(payload)
	if why != "" {
		c.dropHello(&h, from, why)
		return
	}
	if h.runID == c.myID {
		return
	}
	m := c.byName[h.master]
	if m == nil {
		return
	}
	if quorum.Absurd(c.epoch, h.epoch) || quorum.Absurd(max(c.epoch, m.configEpoch), h.masterConfig) {
		c.dropHello(&h, from, "its epoch jumps too far ahead")
		return
	}
	// Whoever says so, known or not: it tells of epochs in which our former life may have voted
	// (E-45).
	c.votingSuspended.hear(c.now.Mono, max(h.epoch, h.masterConfig))
	p := c.introduce(m, h, from)
	if p != nil && p.repeats(raw) {
		p.heardAt = c.now.Mono
		return
	}
	// Of anybody, as in B-431; a configuration only of who is a peer (B-432).
	c.hearEpoch(h.epoch, m)
	if p != nil {
		c.goodHello(m, &h)
		p.heardAt = c.now.Mono
		p.hello = payload
		if p.claim.port != 0 {
			p.hello = "" // it is to be looked at again
		}
		c.hearConfiguration(m, p, h, from)
	}
}

// heardBefore looks, without making anything of its bytes, for the hellos that
// nearly all are: our own, which come back from every instance, and those that
// repeat the last one of their sender, by which nothing but its time is learnt.
func (c *Core) heardBefore(payload []byte) bool {
	id, name := helloNames(payload)
	if string(id) == c.myID {
		c.hearOwn(payload)
		return true
	}
	m := c.byName[string(name)]
	// While it listens for epochs every hello is to be read in full (E-45).
	if m == nil || c.now.Mono < c.votingSuspended.until {
		return false
	}
	for _, p := range m.peers {
		if p.runID != string(id) {
			continue
		}
		if !p.repeats(payload) {
			return false
		}
		p.heardAt, p.link.namedAt = c.now.Mono, c.now.Mono
		// E-4 asks who has agreed of late, and a repetition agrees again.
		if p.said.addr.Same(m.addr) {
			p.agreedAt = c.now.Mono
		}
		return true
	}
	return false
}

// repeats reports whether a payload is p's last hello, by which nothing is to be
// done still.
func (p *peer) repeats(payload []byte) bool {
	return p.hello == string(payload) && p.awaits == nil && p.said.epoch == p.of.configEpoch && p.said.addr.Same(p.of.current())
}

// helloNames are the fields of a hello that say who sends it about which
// master: the third and the fifth.
func helloNames(payload []byte) (id, master []byte) {
	rest := payload
	for k := range 5 {
		at := bytes.IndexByte(rest, ',')
		if at < 0 {
			return nil, nil
		}
		switch k {
		case 2:
			id = rest[:at]
		case 4:
			master = rest[:at]
		}
		rest = rest[at+1:]
	}
	return id, master
}

// hearConfiguration takes what a peer says of the master: a newer
// configuration wins, an older one is answered with ours.
//
// Rule: B-432 to B-435, E-20, election.md 3.5.
func (c *Core) hearConfiguration(m *master, p *peer, h helloMessage, from *instance) {
	// What it said before is out of date, even if its name resolves only now.
	p.awaits = nil
	if !isLiteral(h.masterIP) && !c.names.has(h.masterIP) && !p.names.take(c.now.Mono, time.Second, nameBurst) {
		p.hello = ""
		return // its sender says it again
	}
	addr, ok := c.address(h.masterIP, h.masterPort)
	if !ok {
		return
	}
	// Resolved first: an epoch taken without its address would leave us at the old one for good
	// (B-435).
	if addr.IP == "" && !addr.Same(m.current()) {
		if n := c.names.known[strings.ToLower(h.masterIP)]; n != nil {
			p.awaits = n
			n.waiting.Set(m.name+" "+p.runID, p)
		}
		return
	}
	p.said = configuration{addr, h.masterConfig}
	if addr.Same(m.addr) {
		p.agreedAt = c.now.Mono
	}
	switch {
	case h.masterConfig > m.configEpoch:
		// p.said differs from our configuration, so its repetition will not be taken for one.
		if !m.told.take(c.now.Mono, time.Second, configBurst) {
			return // its sender says it again
		}
		c.adoptHeard()
		c.adoptEpoch(h.masterConfig, m) // else no attempt could win: its epoch would be older than the configuration
		if addr.Same(m.addr) {
			c.confirmSwitch(m, p, h)
			return
		}
		c.observeSwitch(m, p, addr, h)
	case h.masterConfig < m.configEpoch:
		c.answerHello(m, p, from)
	case addr.Same(m.current()):
		p.disputeAt = never
		c.appease(p.link, topicAddress, m.name, "agrees on the address of "+m.name)
		c.confirmedByPeer(m)
	case m.current().IP != "": // else it may be the same under another name
		c.hearDispute(m, p)
	}
}

// answerHello sends our hello to a peer that has an older configuration, and at
// once where it was heard to say so: it may have no connection to us yet. What
// it says then is no older than ours, so that no hello is answered for ever.
//
// Rule: E-20, election.md 3.5.
func (c *Core) answerHello(m *master, p *peer, from *instance) {
	if c.now.Mono-p.helloAt > tickEvery {
		p.helloNow = true
		c.touch(&p.instance)
	}
	if from != nil && from.of == m && c.now.Mono-from.helloAt > tickEvery && m.answers.take(c.now.Mono, time.Second, answerBurst) {
		from.helloNow = true
		c.touch(from)
	}
}

const (
	// answerBurst is how many hellos of an older configuration of a master are
	// answered on the channels of instances at once; then one a second.
	answerBurst = 8
	// nameBurst is how many host names that nobody has told yet a peer may give
	// for a master at once; then one a second. Each is looked up.
	nameBurst = 4
)

// configBurst is how many new configurations of a master are taken from hellos
// at once; then one a second. Each is a write, and may be a switch.
const configBurst = 8

// hearAgain takes what peers said of a master whose name was being looked up.
//
// Rule: B-435.
func (c *Core) hearAgain(n *hostName) {
	waiting := n.waiting
	n.waiting = ordered.Map[string, *peer]{}
	for p := range waiting.Values() {
		if p.awaits != n || p.gone {
			continue // it has said something else since
		}
		if h, why := parseHello(p.hello); why == "" {
			c.hearConfiguration(p.of, p, h, nil)
		}
	}
}

// confirmSwitch takes a newer config epoch for the address that we have. If we
// switched to it ourselves and that is still being written, clients hear of it
// from now: it is durable at the peer.
//
// Rule: B-432, E-40.
func (c *Core) confirmSwitch(m *master, p *peer, h helloMessage) {
	m.configEpoch = h.masterConfig
	// Somebody has led in a later epoch, and to this address: there is nothing left for ours to do.
	c.endAttempt(m)
	c.changeMaster(m)
	if _, secret := c.toldLast(m); secret {
		c.sayNow(LevelWarning, "+config-update-from", p.describe(c), m)
		c.saySwitchHeard(m, c.text(m.addr))
	}
	c.showHeard(m)
}

// observeSwitch follows a configuration that a peer announces. Clients need not
// wait for our own disk to hear of it.
//
// Rule: B-432, E-40.
func (c *Core) observeSwitch(m *master, p *peer, addr replication.Addr, h helloMessage) {
	m.configEpoch = h.masterConfig
	c.changeMaster(m)
	from := c.text(m.addr)
	c.sayNow(LevelWarning, "+config-update-from", p.describe(c), m)
	// Before the switch, whose +slave events come behind +switch-master (B-730).
	c.saySwitchHeard(m, endpointText{h.masterIP, itoa(h.masterPort)})
	c.switchMaster(m, addr, p.runID)
	c.runReconfigScript(m, "observer", from, c.text(addr))
}

// confirmedByPeer lets stray replicas act once a majority confirms our
// configuration.
func (c *Core) confirmedByPeer(m *master) {
	for _, r := range m.replicas {
		if r.stray() {
			c.considerRole(m, r)
		}
	}
}

// tells reports whether what p said last stands: it may have moved on while it
// was silent.
//
// Rule: E-6, W-12.
func (c *Core) tells(p *peer) bool {
	return !p.sdown && !p.mute() && c.now.Mono-p.heardAt <= 3*c.params.publishPeriod
}

// confirmed reports whether a majority of the voters announces the
// configuration that we hold. What a peer said that is silent or down now does
// not count: it may have moved on while we were cut off.
//
// Rule: W-12, R-24.
func (c *Core) confirmed(m *master) bool {
	agree := 1
	for _, p := range m.peers {
		if c.tells(p) && p.said.epoch == m.configEpoch && p.said.addr.Same(m.addr) {
			agree++
		}
	}
	return agree >= quorum.Majority(m.voters())
}

// sendHello publishes our hello on the command connection of i when it is due,
// by until if it is the periodic one.
//
// Rule: B-401, B-410, B-411, B-503, E-3.
func (c *Core) sendHello(i *instance, until time.Duration) {
	if due := c.helloDue(i); due > c.now.Mono && (due > until || i.helloNext > c.now.Mono) {
		return
	}
	if !i.helloNow {
		i.helloEarly = 0
	}
	cn := &i.link.cmd
	i.helloBusy, i.helloNow = true, false
	word := i.link.word("PUBLISH")
	// It shows epochs and an address, none of which may be lost once somebody has heard of it (S-5).
	c.sendGated(cn, pending{is: sendHello, inst: i}, []string{word, helloChannel, c.helloPayload(i.of, cn.local)})
}

func (c *Core) helloDue(i *instance) time.Duration {
	// With a sick disk it would wait for the write, and be old when it leaves.
	if !i.connected() || i.helloBusy || c.disk.sick {
		return farAway
	}
	if i.helloNow {
		return max(c.now.Mono, i.helloNext)
	}
	return max(c.turn(i.link, i.helloAt+c.params.publishPeriod-i.helloEarly, c.params.publishPeriod), i.helloNext)
}

// helloPort is the port that we announce.
//
// Rule: B-401.
func (c *Core) helloPort() int {
	switch {
	case c.announcePort != 0:
		return c.announcePort
	case c.general.TLSReplication && c.general.TLSPort != 0:
		return c.general.TLSPort
	}
	return c.general.Port
}

// helloPayload is our hello about m; local is our IP on the link it leaves by.
func (c *Core) helloPayload(m *master, local string) string {
	ip, port := c.announceIP, c.helloPort()
	if ip == "" {
		ip = local
	}
	at := m.current()
	b := make([]byte, 0, 192)
	b = append(append(b, ip...), ',')
	b = append(strconv.AppendInt(b, int64(port), 10), ',')
	b = append(append(b, c.myID...), ',')
	b = append(strconv.AppendUint(b, uint64(c.epoch), 10), ',')
	b = append(append(b, m.name...), ',')
	b = append(append(b, at.Shown(c.announceHostnames)...), ',')
	b = append(strconv.AppendInt(b, int64(at.Port), 10), ',')
	return string(strconv.AppendUint(b, uint64(m.configEpoch), 10))
}

func (c *Core) helloAcknowledged(i *instance, v resp.Value) {
	i.helloBusy = false
	if v.Kind == resp.Error {
		i.helloNext = c.now.Mono + time.Second
	} else {
		i.helloAt = c.now.Mono
		if i.kind == kindPeer {
			// Only now does it know us: a list without us is no answer (E-18).
			c.askList(i.peer)
		}
	}
	c.touch(i)
}

// helloAll sends our hello to everybody around m at once.
//
// Rule: B-411.
func (c *Core) helloAll(m *master) {
	m.eachInstance(func(i *instance) {
		i.helloNow = true
		c.touch(i)
	})
}

// badHellos counts the hellos that were dropped.
type badHellos struct {
	dropped uint64
	clients complaints // about those that no instance sent
}

// dropHello counts a bad hello and logs it: at most once a minute for each
// Sentinel of a master, or, of what names neither, for each sender.
//
// Rule: R-19, W-32.
func (c *Core) dropHello(h *helloMessage, from *instance, why string) {
	b := &c.badHello
	b.dropped++
	m := c.byName[h.master]
	list, who, sender := &b.clients, "A hello", "a client"
	if from != nil {
		list, sender = &from.link.complaints, from.describe(c)
	}
	if m != nil && conf.ValidRunID(h.runID) {
		list, who = &m.link.complaints, "The hello of Sentinel "+h.runID+" about "+m.name
	} else {
		// An id that is none, or about no master, must not fill the list with a text that anybody
		// makes up.
		h.runID = ""
	}
	if list.begin(c.now.Mono, topicHello, h.runID) {
		c.logLine(LevelWarning, fmt.Sprintf("%s from %s is dropped: %s (%d dropped so far)", who, sender, why, b.dropped))
	}
}

// goodHello tells the log that a Sentinel whose hellos were dropped says what it
// should.
//
// Rule: W-32.
func (c *Core) goodHello(m *master, h *helloMessage) {
	if lasted, tell := m.link.complaints.end(c.now.Mono, topicHello, h.runID); tell {
		c.logLine(LevelWarning, fmt.Sprintf("The hello of Sentinel %s about %s is no longer dropped, after %d s", h.runID, m.name, lasted/time.Second))
	}
}
