package sentinel

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"gosentinel/replication"
)

// sickness gives the DiskSick among effects, in order.
func sickness(es []Effect) (all []DiskSick) {
	for _, e := range es {
		if s, ok := e.Action.(DiskSick); ok {
			all = append(all, s)
		}
	}
	return all
}

// A write that is under way for more than a second makes the disk sick, in time,
// and well again when it returns, at once; two slow ones in a row do not.
//
// Rule: R-8.
func TestWriteThatDoesNotReturn(t *testing.T) {
	r := newRig(t, around(watched("mm", "10.0.0.1", 6379, 2), 1, 1))
	r.hear(helloOf(0, 5, "10.0.0.1,6379", 0)) // a newer epoch: written
	require.Empty(t, sickness(r.wait(900*time.Millisecond)))
	r.do("sentinel", "set", "mm", "parallel-syncs", "3") // will be written after that
	require.Empty(t, sickness(r.step(Persisted{Seq: 1, Took: 900 * time.Millisecond})))
	require.Empty(t, sickness(r.wait(sickAfter)))
	require.Equal(t, r.now.Mono+1, r.c.diskDue())
	require.LessOrEqual(t, r.c.NextDeadline(), r.c.diskDue())
	require.Equal(t, []DiskSick{{On: true, Silent: true}}, sickness(r.wait(time.Millisecond)))
	require.Empty(t, sickness(r.wait(time.Minute)))
	require.Equal(t, []DiskSick{{}}, sickness(r.step(Persisted{Seq: 2, Took: time.Minute})))
	require.Empty(t, sickness(r.wait(time.Minute)), "nothing is written")
}

// A disk that fails under strict-durability settles nothing either, but it
// answers, and so do we; its answer to the retry makes it well.
//
// Rule: E-43, R-8.
func TestStrictDiskThatFailsForLong(t *testing.T) {
	boot := around(watched("mm", "10.0.0.1", 6379, 2), 1, 1)
	boot.StrictDurability = true
	r := newRig(t, boot)
	r.hear(helloOf(0, 5, "10.0.0.1,6379", 0))
	require.Empty(t, sickness(r.step(Persisted{Seq: 1, Reason: "No space left on device"})))
	require.Equal(t, []DiskSick{{On: true}}, sickness(r.wait(sickAfter+time.Millisecond)))
	require.Equal(t, []DiskSick{{On: true}}, sickness(r.step(Persisted{Seq: 1, Reason: "No space left on device"})))
	require.Equal(t, []DiskSick{{}}, sickness(r.step(Persisted{Seq: 1})))
}

// While we ourselves were stopped the write may have returned.
//
// Rule: R-18.
func TestStallIsNoSickDisk(t *testing.T) {
	r := newRig(t, around(watched("mm", "10.0.0.1", 6379, 2), 1, 1))
	r.hear(helloOf(0, 5, "10.0.0.1,6379", 0))
	r.now.Mono += 10 * time.Second
	require.Empty(t, sickness(r.step(Tick{})))
	require.Empty(t, sickness(r.step(Persisted{Seq: 1, Took: 10 * time.Millisecond})))
}

// A connection that is renewed while the disk hangs does not keep its old socket
// until the write returns; what was to leave on it before is given up, all else
// stays in its order.
//
// Rule: E-40.
func TestHangupDoesNotWaitForASickDisk(t *testing.T) {
	send := func(link LinkID, word string) *Send { return &Send{Link: link, Cmds: [][]string{{word}}} }
	var box Outbox
	require.Empty(t, box.Push([]Effect{
		{1, send(1, "a")}, {1, send(2, "b")}, {1, Hangup{1}}, {1, send(3, "c")},
	}), "a hangup follows what was sent before it")
	require.Equal(t, []Action{Hangup{1}, DiskSick{On: true}}, box.Push([]Effect{{0, DiskSick{On: true}}}))
	require.Equal(t, []Action{Hangup{3}}, box.Push([]Effect{{0, Hangup{3}}}))
	require.Equal(t, 1, box.Len())
	box.Push([]Effect{{0, DiskSick{}}})
	require.Equal(t, []Action{send(2, "b")}, box.Release(1, true))
	require.Equal(t, []Action{Hangup{2}}, box.Push([]Effect{{1, Hangup{2}}}))

	r := newRig(t, around(watched("mm", "10.0.0.1", 6379, 2), 1, 1))
	m := r.c.masters[0]
	r.hear(helloOf(0, 5, "10.0.0.1,6379", 0))
	hangups := func(es []Effect) (held, now int) {
		for _, e := range es {
			if _, ok := e.Action.(Hangup); ok && e.After > 0 {
				held++
			} else if ok {
				now++
			}
		}
		return held, now
	}
	renew := func() (held, now int) {
		r.step(Tick{})
		r.c.closeLink(m.link)
		return hangups(r.step(Tick{}))
	}
	r.c.touch(m.link)
	r.wait(10 * time.Millisecond)
	held, now := renew()
	require.Equal(t, [2]int{2, 0}, [2]int{held, now})
	r.wait(2 * time.Second)
	held, now = renew()
	require.Equal(t, [2]int{0, 2}, [2]int{held, now})
}

// What is said of an older configuration of ours, never told before, is not told
// behind the address that a peer announces: clients would go back.
//
// Rule: E-40, B-730.
func TestOwnSwitchIsNotToldBehindANewerOne(t *testing.T) {
	event := func(name, payload string) Emit { return Emit{Event{Name: name, Payload: payload}} }
	var box Outbox
	box.Push([]Effect{
		{1, Show{Master: "m", Host: "b"}}, {1, Show{Master: "n", Host: "b"}},
		{1, event("+switch-master", "m a 1 b 1")}, {1, event("+switch-master", "mm a 1 b 1")}, {1, event("+failover-end", "m a 1 b 1")},
	})
	box.Push([]Effect{{0, event("+switch-master", "m a 1 c 1")}, {0, Show{Master: "m", Host: "c"}}})
	require.Equal(t, []Action{
		Show{Master: "n", Host: "b"}, event("+switch-master", "mm a 1 b 1"), event("+failover-end", "m a 1 b 1"),
	}, box.Release(1, true))
	require.Empty(t, box.secret)
}

// An observer tells clients of a new master before its own write returns: the
// address is durable at the peer that announces it. Its hellos and its replies
// wait, as all that a leader tells of its own switch does. If that is superseded
// while it is being written, clients are sent from where they are.
//
// Rule: E-40, S-6, B-432.
func TestObserverDoesNotWaitForItsDisk(t *testing.T) {
	r := newRig(t, around(watched("mm", "10.0.0.1", 6379, 2), 2, 1))
	m := r.c.masters[0]
	out := told(r.step(request(1, "PUBLISH", helloChannel, helloOf(0, 3, "10.0.0.2,7000", 3))))
	require.Contains(t, out, "show mm 10.0.0.2 7000")
	require.Contains(t, out, "# +switch-master mm 10.0.0.1 6379 10.0.0.2 7000")
	require.Contains(t, told(r.do("sentinel", "get-master-addr-by-name", "mm")), "reply *2\r\n$8\r\n10.0.0.2\r\n$4\r\n7000 *")
	r.step(Persisted{Seq: r.c.seq})

	own := replication.Addr{Host: "10.0.0.2", IP: "10.0.0.2", Port: 7001}
	switchOver := func() []Effect {
		r.c.epoch++
		m.configEpoch = r.c.epoch
		r.c.changeMaster(m)
		r.c.show(m)
		r.c.saySwitch(m, r.c.text(m.addr), r.c.text(own))
		r.c.switchMaster(m, own, "")
		return r.step(Tick{})
	}
	out = told(switchOver())
	require.Contains(t, out, "# +switch-master mm 10.0.0.2 7000 10.0.0.2 7001 *")
	require.Contains(t, out, "show mm 10.0.0.2 7001 *")
	out = told(r.step(request(1, "PUBLISH", helloChannel, helloOf(0, 9, "10.0.0.2,7001", 9))))
	require.Contains(t, out, "# +switch-master mm 10.0.0.2 7000 10.0.0.2 7001", "it is durable at a peer now")
	require.Contains(t, out, "show mm 10.0.0.2 7001")
	out = told(r.step(request(1, "PUBLISH", helloChannel, helloOf(0, 10, "10.0.0.1,6379", 10))))
	require.Contains(t, out, "# +switch-master mm 10.0.0.2 7001 10.0.0.1 6379")
	r.step(Persisted{Seq: r.c.seq})

	switchOver()
	out = told(r.step(request(1, "PUBLISH", helloChannel, helloOf(0, 20, "10.0.0.2,7000", 20))))
	require.Contains(t, out, "# +switch-master mm 10.0.0.1 6379 10.0.0.2 7000", "nobody has heard of the switch before it")
	r.step(Persisted{Seq: r.c.seq})

	// A switch that promotes nobody is as secret, though it is shown with its event.
	r.c.epoch++
	m.configEpoch = r.c.epoch
	r.c.changeMaster(m)
	r.c.saySwitch(m, r.c.text(m.addr), r.c.text(own))
	r.c.switchMaster(m, own, "")
	r.step(Tick{})
	out = told(r.step(request(1, "PUBLISH", helloChannel, helloOf(0, 30, "10.0.0.1,6379", 30))))
	require.Contains(t, out, "# +switch-master mm 10.0.0.2 7000 10.0.0.1 6379")
}
