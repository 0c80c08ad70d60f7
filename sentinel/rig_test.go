package sentinel

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"gosentinel/conf"
	"gosentinel/internal/resp"
)

// rig drives one Core by hand, on virtual time.
type rig struct {
	t    *testing.T
	c    *Core
	now  Stamp
	last ReqID
}

const testID = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

// newRig starts a Core from boot, with testID if that has no run id.
func newRig(t *testing.T, boot conf.State) *rig {
	t.Helper()
	r := &rig{t: t, now: Stamp{Mono: time.Hour, Wall: 1_700_000_000_000}}
	if boot.MyID == "" {
		boot.MyID = testID
	}
	c, err := New(r.now, boot, 1)
	require.NoError(t, err)
	r.c = c
	c.diskProven = true // nothing waits for the probe
	c.Start()
	return r
}

// watched is a State with one master as the file would give it.
func watched(name, host string, port, quorum int) conf.State {
	return conf.State{MyID: testID, LogLevel: "notice", DenyScriptsReconfig: true, Masters: []*conf.Master{
		{
			Name: name, Addr: conf.Endpoint{Host: host, Port: port}, Quorum: quorum,
			DownAfter: conf.DefaultDownAfter, FailoverTimeout: conf.DefaultFailoverTimeout,
			ParallelSyncs: 1, HasLeaderEpoch: true,
		},
	}}
}

// around gives the first master of st replicas and peers on consecutive ports.
func around(st conf.State, replicas, peers int) conf.State {
	m := st.Masters[0]
	for i := range replicas {
		m.Replicas = append(m.Replicas, conf.Endpoint{Host: "10.0.0.2", Port: 7000 + i})
	}
	for i := range peers {
		m.Sentinels = append(m.Sentinels, conf.Peer{
			Addr: conf.Endpoint{Host: "10.0.0.3", Port: 26379 + i}, RunID: peerID(i),
		})
	}
	return st
}

func peerID(i int) string { return strings.Repeat(string(rune('b'+i)), 40) }

func (r *rig) step(in Input) []Effect {
	defer r.c.Check()
	look := r.look(in)
	es := slices.Clone(r.c.Step(r.now, in))
	look(es)
	requireNames(r.t, r.c)
	return es
}

// look has Look answer what is about to be stepped, and gives what compares that
// with the reply of the step.
func (r *rig) look(in Input) (compare func([]Effect)) {
	request, ok := in.(Request)
	if !ok {
		return func([]Effect) {}
	}
	const before = "what was there"
	var looked [4][]byte
	for proto := 2; proto <= 3; proto++ {
		if reply, ok := r.c.Look([]byte(before), r.now, request.Args, proto); ok {
			looked[proto] = reply
		} else {
			require.Equal(r.t, before, string(reply))
		}
	}
	return func(es []Effect) {
		for _, e := range es {
			reply, ok := e.Action.(Respond)
			for proto := 2; ok && reply.ID == request.ID && proto <= 3; proto++ {
				if looked[proto] != nil {
					require.Equal(r.t, string(resp.Append([]byte(before), proto, reply.Value)), string(looked[proto]), "%q", request.Args)
					require.Zero(r.t, e.After, "%q", request.Args)
				}
			}
		}
	}
}

// requireNames checks that host names are borne by the instances that are known
// by them, and by nobody else.
func requireNames(t *testing.T, c *Core) {
	t.Helper()
	bearers := 0
	for _, n := range c.names.known {
		for k, i := range n.instances {
			require.True(t, i.boundName == n && i.bearsAt == k, "%s bears another name", i.name)
		}
		bearers += len(n.instances)
	}
	for _, m := range c.masters {
		m.eachInstance(func(i *instance) {
			if n := c.names.known[strings.ToLower(i.addr.Host)]; n != nil && !isLiteral(i.addr.Host) {
				require.True(t, i.boundName == n, "%s does not bear its name", i.name)
				bearers--
			}
		})
	}
	require.Zero(t, bearers, "names are borne by instances that are gone")
	idle := 0
	for n := c.names.idle.newer; n != &c.names.idle; n = n.newer {
		require.True(t, c.names.known[n.host] == n && len(n.instances) == 0 && n.newer.older == n, "%s is no idle name", n.host)
		idle++
	}
	require.Equal(t, idle, c.names.idles)
	for _, n := range c.names.known {
		require.Equal(t, len(n.instances) > 0, n.older == nil, "%s", n.host)
	}
}

// wait lets d pass, with ticks as they are due.
func (r *rig) wait(d time.Duration) (all []Effect) {
	for end := r.now.Mono + d; r.now.Mono < end; {
		next := min(end, max(r.c.NextDeadline(), r.now.Mono+1))
		r.now.Wall += int64((next - r.now.Mono) / time.Millisecond)
		r.now.Mono = next
		all = append(all, r.step(Tick{})...)
	}
	return all
}

func request(id ReqID, args ...string) Request {
	in := Request{ID: id}
	for _, a := range args {
		in.Args = append(in.Args, []byte(a))
	}
	return in
}

// do sends a command and gives its effects.
func (r *rig) do(args ...string) []Effect {
	r.last++
	return r.step(request(r.last, args...))
}

// ask sends a command and gives its reply.
func (r *rig) ask(args ...string) resp.Value {
	r.t.Helper()
	for _, e := range r.do(args...) {
		if a, ok := e.Action.(Respond); ok && a.ID == r.last {
			return a.Value
		}
	}
	require.Fail(r.t, "no reply", "%q", args)
	return resp.Value{}
}

// line is ask on the wire of RESP2, without the line end.
func (r *rig) line(args ...string) string {
	r.t.Helper()
	return wire(r.ask(args...))
}

func wire(v resp.Value) string {
	return strings.TrimSuffix(string(resp.Append(nil, 2, v)), "\r\n")
}

// told writes effects as text, one each; links and pings are left out. A *
// marks those that wait for a write.
func told(es []Effect) (out []string) {
	for _, e := range es {
		text := ""
		switch a := e.Action.(type) {
		case Persist:
			text = "persist"
		case Respond:
			text = "reply " + wire(a.Value)
			if a.IfNotSaved.Kind != resp.Null {
				text += " or " + wire(a.IfNotSaved)
			}
		case Emit:
			text = levelMark(a.Event.Level) + " " + a.Event.Line()
		case Show:
			text = fmt.Sprintf("show %s %s %d", a.Master, a.Host, a.Port)
			if a.Gone {
				text = "gone " + a.Master
			}
		case RunScript:
			text = fmt.Sprintf("run %d %s", a.Job, strings.Join(a.Argv, "|"))
		case KillJob:
			text = fmt.Sprintf("kill %d", a.Job)
		case Resolve:
			text = "resolve " + a.Host
		case SetLogLevel:
			text = "loglevel " + a.Level
		case Exit:
			text = fmt.Sprintf("exit %d", a.Code)
		default:
			continue
		}
		if e.After != 0 {
			text += " *"
		}
		out = append(out, text)
	}
	return out
}

func levelMark(l Level) string { return [...]string{".", "-", "*", "#"}[l] }

// pairs is a map reply as a Go map, with its keys in order.
func pairs(t *testing.T, v resp.Value) (keys []string, values map[string]string) {
	t.Helper()
	v = v.Unfold()
	require.Equal(t, resp.Map, v.Kind)
	require.Zero(t, len(v.Elems)%2)
	values = map[string]string{}
	for i := 0; i < len(v.Elems); i += 2 {
		require.Equal(t, resp.Bulk, v.Elems[i].Kind)
		require.Equal(t, resp.Bulk, v.Elems[i+1].Kind, "%s", v.Elems[i].Str)
		keys = append(keys, v.Elems[i].Str)
		values[v.Elems[i].Str] = v.Elems[i+1].Str
	}
	return keys, values
}

func watchedNone() conf.State { return conf.State{MyID: testID, DenyScriptsReconfig: true} }
