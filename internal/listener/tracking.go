package listener

import (
	"slices"
	"strings"

	"gosentinel/internal/command"
	"gosentinel/internal/resp"
)

// maxPrefixes bounds what one client may name in CLIENT TRACKING.
const maxPrefixes = 1024

// tracking is what CLIENT TRACKING asked for. It has no effect, since there are
// no keys. Guarded by client.mu; the connection's goroutine alone writes.
//
// Rule: K-6.5, R-11.
type tracking struct {
	on, bcast, optin, optout, noloop, caching bool
	redirect                                  int64
	prefixes                                  []string
}

func clientTracking(c *client, _ *command.Command, args [][]byte) {
	var next tracking
	for i := 3; i < len(args); i++ {
		more := i+1 < len(args)
		switch {
		case is(args[i], "redirect") && more:
			i++
			id, ok := resp.ParseInt(args[i])
			switch {
			case !ok:
				c.say(notInteger())
				return
			case c.s.client(id) == nil:
				c.say(resp.Err("ERR The client ID you want redirect to does not exist"))
				return
			}
			next.redirect = id
		case is(args[i], "bcast"):
			next.bcast = true
		case is(args[i], "optin"):
			next.optin = true
		case is(args[i], "optout"):
			next.optout = true
		case is(args[i], "noloop"):
			next.noloop = true
		case is(args[i], "prefix") && more && len(next.prefixes) < maxPrefixes:
			i++
			next.prefixes = append(next.prefixes, string(args[i]))
		default:
			c.say(syntaxError())
			return
		}
	}
	switch {
	case is(args[2], "off"):
		next = tracking{}
	case is(args[2], "on"):
		if text := next.merge(&c.tracking); text != "" {
			c.say(resp.Err(text))
			return
		}
		next.on = true
	default:
		c.say(syntaxError())
		return
	}
	c.s.stats.tracking.Add(count(next.on) - count(c.tracking.on))
	c.mu.Lock()
	c.tracking = next
	c.mu.Unlock()
	c.say(resp.OK)
}

// merge adds what old holds, and says why the two, or the options in
// themselves, do not go together.
func (t *tracking) merge(old *tracking) string {
	switch {
	case !t.bcast && len(t.prefixes) > 0:
		return "ERR PREFIX option requires BCAST mode to be enabled"
	case old.on && old.bcast != t.bcast:
		return "ERR You can't switch BCAST mode on/off before disabling tracking for this client, and then re-enabling it with a different mode."
	case t.bcast && (t.optin || t.optout):
		return "ERR OPTIN and OPTOUT are not compatible with BCAST"
	case t.optin && t.optout:
		return "ERR You can't specify both OPTIN mode and OPTOUT mode"
	case t.optin && old.optout, t.optout && old.optin:
		return "ERR You can't switch OPTIN/OPTOUT mode before disabling tracking for this client, and then re-enabling it with a different mode."
	case len(old.prefixes)+len(t.prefixes) > maxPrefixes:
		return "ERR syntax error"
	}
	for i, p := range t.prefixes {
		for _, q := range old.prefixes {
			if overlap(p, q) {
				return "ERR Prefix '" + p + "' overlaps with an existing prefix '" + q + "'. Prefixes for a single client must not overlap."
			}
		}
		for _, q := range t.prefixes[i+1:] {
			if overlap(p, q) {
				return "ERR Prefix '" + p + "' overlaps with another provided prefix '" + q + "'. Prefixes for a single client must not overlap."
			}
		}
	}
	if t.bcast && len(t.prefixes) == 0 && !slices.Contains(old.prefixes, "") {
		t.prefixes = []string{""} // everything
	}
	t.prefixes = append(append([]string(nil), old.prefixes...), t.prefixes...)
	slices.Sort(t.prefixes)
	return ""
}

func overlap(a, b string) bool { return strings.HasPrefix(a, b) || strings.HasPrefix(b, a) }

func count(b bool) int64 {
	if b {
		return 1
	}
	return 0
}

func clientTrackingInfo(c *client, _ *command.Command, _ [][]byte) {
	t, flags := &c.tracking, []resp.Value{}
	for _, f := range []struct {
		set  bool
		name string
	}{
		{!t.on, "off"}, {t.on, "on"}, {t.bcast, "bcast"},
		{t.optin, "optin"}, {t.optin && t.caching, "caching-yes"},
		{t.optout, "optout"}, {t.optout && t.caching, "caching-no"}, {t.noloop, "noloop"},
	} {
		if f.set {
			flags = append(flags, resp.Str(f.name))
		}
	}
	var prefixes []resp.Value
	for _, p := range t.prefixes {
		prefixes = append(prefixes, resp.Str(p))
	}
	c.say(resp.Pairs(
		resp.Str("flags"), resp.Value{Kind: resp.Set, Elems: flags},
		resp.Str("redirect"), resp.Int(t.redir()),
		resp.Str("prefixes"), resp.List(prefixes...),
	))
}

// redir is the client that is told instead: 0 for nobody else, -1 without
// tracking.
func (t *tracking) redir() int64 {
	if !t.on {
		return -1
	}
	return t.redirect
}

func clientGetRedir(c *client, _ *command.Command, _ [][]byte) { c.say(resp.Int(c.tracking.redir())) }

func clientCaching(c *client, _ *command.Command, args [][]byte) {
	t := &c.tracking
	switch {
	case !t.on:
		c.say(resp.Err("ERR CLIENT CACHING can be called only when the client is in tracking mode with OPTIN or OPTOUT mode enabled"))
		return
	case is(args[2], "yes"):
		if !t.optin {
			c.say(resp.Err("ERR CLIENT CACHING YES is only valid when tracking is enabled in OPTIN mode."))
			return
		}
	case is(args[2], "no"):
		if !t.optout {
			c.say(resp.Err("ERR CLIENT CACHING NO is only valid when tracking is enabled in OPTOUT mode."))
			return
		}
	default:
		c.say(syntaxError())
		return
	}
	c.mu.Lock()
	t.caching = true
	c.mu.Unlock()
	c.say(resp.OK)
}

// forgetCaching ends what CLIENT CACHING said of the next command: it is over
// with any but those of CLIENT.
func (t *tracking) forgetCaching(c *client) {
	if t.caching {
		c.mu.Lock()
		t.caching = false
		c.mu.Unlock()
	}
}
