package listener

import (
	"time"

	"gosentinel/internal/command"
	"gosentinel/internal/resp"
)

// clientHandlers are the subcommands of CLIENT.
//
// Rule: K-6.5.
func clientHandlers() map[string]handler {
	return map[string]handler{
		"client|id":           func(c *client, _ *command.Command, _ [][]byte) { c.say(resp.Int(int64(c.id))) },
		"client|getname":      clientGetName,
		"client|setname":      clientSetName,
		"client|setinfo":      clientSetInfo,
		"client|info":         clientInfo,
		"client|list":         clientList,
		"client|kill":         clientKill,
		"client|no-evict":     clientNoEvict,
		"client|reply":        clientReply,
		"client|pause":        clientPause,
		"client|unpause":      clientUnpause,
		"client|unblock":      clientUnblock,
		"client|tracking":     clientTracking,
		"client|trackinginfo": clientTrackingInfo,
		"client|getredir":     clientGetRedir,
		"client|caching":      clientCaching,
	}
}

func clientGetName(c *client, _ *command.Command, _ [][]byte) {
	if c.info.name == "" {
		c.say(resp.Value{})
		return
	}
	c.say(resp.Str(c.info.name))
}

func clientSetName(c *client, _ *command.Command, args [][]byte) {
	if text := badName(args[2]); text != "" {
		c.say(resp.Err(text))
		return
	}
	c.mu.Lock()
	c.info.name = string(args[2])
	c.mu.Unlock()
	c.say(resp.OK)
}

func clientSetInfo(c *client, _ *command.Command, args [][]byte) {
	var at *string
	switch {
	case is(args[2], "lib-name"):
		at = &c.info.libName
	case is(args[2], "lib-ver"):
		at = &c.info.libVer
	default:
		c.say(resp.Err("ERR Unrecognized option '" + string(args[2]) + "'"))
		return
	}
	if len(args[3]) > maxName {
		c.say(resp.Err("ERR " + string(args[2]) + " is at most 1024 bytes long."))
		return
	}
	if !printable(args[3]) {
		c.say(resp.Err("ERR " + string(args[2]) + " cannot contain spaces, newlines or special characters."))
		return
	}
	c.mu.Lock()
	*at = string(args[3])
	c.mu.Unlock()
	c.say(resp.OK)
}

func clientNoEvict(c *client, _ *command.Command, args [][]byte) {
	switch {
	case is(args[2], "on"):
		c.noEvict.Store(true)
	case is(args[2], "off"):
		c.noEvict.Store(false)
	default:
		c.say(syntaxError())
		return
	}
	c.say(resp.OK)
}

func clientReply(c *client, _ *command.Command, args [][]byte) {
	switch {
	case is(args[2], "on"):
		c.muted, c.skip = false, 0
		c.say(resp.OK)
	case is(args[2], "off"):
		c.muted = true
	case is(args[2], "skip"):
		if !c.muted {
			c.skip = 2 // this command and the next
		}
	default:
		c.say(syntaxError())
	}
}

func clientPause(c *client, _ *command.Command, args [][]byte) {
	all := true
	switch {
	case len(args) > 4:
		c.say(resp.Err(command.WrongShapeText(args)))
		return
	case len(args) == 4 && is(args[3], "write"):
		all = false
	case len(args) == 4 && !is(args[3], "all"):
		c.say(resp.Err("ERR CLIENT PAUSE mode must be WRITE or ALL"))
		return
	}
	ms, ok := resp.ParseInt(args[2])
	switch {
	case !ok:
		c.say(resp.Err("ERR timeout is not an integer or out of range"))
		return
	case ms < 0:
		c.say(resp.Err("ERR timeout is negative"))
		return
	}
	c.s.pause.start(c.s.uptime(), time.Duration(min(ms, maxPause.Milliseconds()))*time.Millisecond, all)
	c.say(resp.OK)
}

func clientUnpause(c *client, _ *command.Command, _ [][]byte) {
	c.s.pause.stop()
	c.say(resp.OK)
}

// clientUnblock finds nobody: no command of a Sentinel blocks.
func clientUnblock(c *client, _ *command.Command, args [][]byte) {
	switch {
	case len(args) > 4:
		c.say(resp.Err(command.WrongShapeText(args)))
		return
	case len(args) == 4 && !is(args[3], "timeout") && !is(args[3], "error"):
		c.say(resp.Err("ERR CLIENT UNBLOCK reason should be TIMEOUT or ERROR"))
		return
	}
	if _, ok := resp.ParseInt(args[2]); !ok {
		c.say(notInteger())
		return
	}
	c.say(resp.Int(0))
}
