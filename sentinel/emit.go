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
	payload = payload[:min(len(payload), maxPayload)]
	c.emit(Emit{Event{Name: name, Payload: payload, Level: level}})
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
	addr := m.current()
	c.emit(Show{Master: m.name, Host: addr.Shown(c.announceHostnames), Port: addr.Port})
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
