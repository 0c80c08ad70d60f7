package daemon

import (
	"context"
	"fmt"

	"gosentinel/internal/link"
	"gosentinel/sentinel"
)

// carryOut does what the core asks of the world, in order. Nothing here waits
// for anything.
func (n *node) carryOut(actions []sentinel.Action) {
	for _, a := range actions {
		if n.exited {
			return
		}
		n.act(a)
	}
}

func (n *node) act(a sentinel.Action) {
	switch a := a.(type) {
	case *sentinel.Send:
		n.links.Send(uint64(a.Link), uint64(a.Tag), a.Cmds)
	case sentinel.Persist:
		n.dirt.newest = max(n.dirt.newest, a.Seq)
	case sentinel.Dial:
		ip := a.Addr.IP
		if ip == "" {
			ip = a.Addr.Host
		}
		n.links.Dial(link.DialOptions{
			Link: uint64(a.Link), IP: ip, Port: a.Addr.Port, Timeout: a.Timeout, PubSub: a.PubSub,
		})
	case sentinel.Hangup:
		n.links.Hangup(uint64(a.Link))
	case sentinel.Respond:
		n.frontend.Respond(uint64(a.ID), a.Value)
	case sentinel.Emit:
		n.emit(a.Event)
	case sentinel.Show:
		n.frontend.Show(a.Master, a.Host, a.Port, a.Gone)
	case sentinel.DiskSick:
		n.frontend.Silence(a.Silent)
	case sentinel.SetLogLevel:
		n.setLogLevel(a.Level)
	case sentinel.RunScript:
		n.scripts.run(a.Job, a.Argv)
	case sentinel.KillJob:
		n.scripts.kill(a.Job)
	case sentinel.Resolve:
		n.resolver.ask(a.Host)
	case sentinel.Exit:
		n.exited = true
		n.exit(a.Code)
	default:
		panic(fmt.Sprintf("no such action: %T", a))
	}
}

// emit tells an event: to the log and, unless it is for the log only or of the
// debug level, to who subscribed to it, whatever the log level is. A warning
// makes clients yield for a while, but not one of the start, +monitor, nor a
// line for the log, which may be about what somebody sends us.
//
// Rule: B-901, C-115.
func (n *node) emit(e sentinel.Event) {
	level := eventLevel(e.Level)
	if n.log.Enabled(context.Background(), level) {
		n.log.Log(context.Background(), level, e.Line())
	}
	if started := n.ready == nil; started && e.Level == sentinel.LevelWarning && !e.LogOnly {
		n.calmAt = n.clock.now().Mono + eventful
	}
	if !e.LogOnly && e.Level != sentinel.LevelDebug {
		n.frontend.Publish(e.Name, e.Payload)
	}
}
