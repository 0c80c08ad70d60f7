package sentinel

import "strings"

// maxPayload is how many bytes of an event's payload are told: the original's
// buffer of 1024 with its closing NUL.
const maxPayload = 1023

// event tells an event about i: its description, then extra.
//
// Rule: B-901, B-903.
func (c *Core) event(level Level, name string, i *instance, extra string) {
	c.say(level, name, i.describe(c)+extra, i.of)
}

// say tells an event with a payload of its own; m, if not nil, is the master it
// is tied to, whose notification script hears of warnings.
//
// Rule: B-901, B-920.
func (c *Core) say(level Level, name, payload string, m *master) {
	c.emit(occasion(level, name, payload))
	c.notify(level, name, payload, m)
}

// eventNow is event, for what is seen of others, which reveals nothing that must
// be durable first, unless the description of i names the address of a switch of
// ours that is being written. Events of one kind must all come so, or none.
//
// Rule: E-40.
func (c *Core) eventNow(level Level, name string, i *instance, extra string) {
	if i.of.view.seq > c.durableSeq {
		c.event(level, name, i, extra)
		return
	}
	c.sayNow(level, name, i.describe(c)+extra, i.of)
}

// sayNow is say, for what eventNow is for.
func (c *Core) sayNow(level Level, name, payload string, m *master) {
	c.emitNow(occasion(level, name, payload))
	c.notify(level, name, payload, m)
}

func occasion(level Level, name, payload string) Emit {
	return Emit{Event{Name: name, Payload: payload[:min(len(payload), maxPayload)], Level: level}}
}

// notify has m's notification script hear of a warning.
//
// Rule: B-920.
func (c *Core) notify(level Level, name, payload string, m *master) {
	payload = payload[:min(len(payload), maxPayload)]
	if level == LevelWarning && m != nil && m.notifyScript != "" {
		c.runScript(scriptRankOf(name), m.notifyScript, name, payload)
	}
}

// logLine writes a line to the log only.
func (c *Core) logLine(level Level, text string) {
	c.emit(Emit{Event{Payload: text, Level: level, LogOnly: true}})
}

// show tells the View the address that clients are given for m.
//
// Rule: B-402, R-15.
func (c *Core) show(m *master) {
	c.emit(c.shown(m))
	if m.view.seq <= c.durableSeq {
		m.view.from = endpointText{} // that switch is no secret any more
	}
	m.view.seq = c.seq
}

// showHeard is show, for an address that a peer announces: it is durable there.
//
// Rule: E-40.
func (c *Core) showHeard(m *master) {
	c.emitNow(c.shown(m))
	m.view = clientView{}
}

func (c *Core) shown(m *master) Show {
	addr := m.current()
	return Show{Master: m.name, Host: addr.Shown(c.announceHostnames), Port: addr.Port}
}

// clientView is what clients are told of the address of a master.
type clientView struct {
	seq  Seq          // the write that the last Show waits for
	from endpointText // the address before a switch that waits for that write; "" = none
}

// toldLast is the address that clients were told last: not the one of a switch
// of our own that is still being written.
func (c *Core) toldLast(m *master) (last endpointText, secret bool) {
	if m.view.seq > c.durableSeq && m.view.from.host != "" {
		return m.view.from, true
	}
	return c.text(m.addr), false
}

// runReconfigScript tells m's client-reconfig script of a new address.
//
// Rule: B-921.
func (c *Core) runReconfigScript(m *master, role string, from, to endpointText) {
	if m.reconfigScript != "" {
		c.runScript(scriptSwitch, m.reconfigScript, m.name, role, "start", from.host, from.port, to.host, to.port)
	}
}

func equalFold(a, b string) bool { return strings.EqualFold(a, b) }
