package sim

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"gosentinel/conf"
	"gosentinel/internal/resp"
	"gosentinel/internal/rng"
	"gosentinel/sentinel"
)

func TestQueueKeepsOrder(t *testing.T) {
	r := rng.New(1)
	var q queue
	for range 2000 {
		q.push(time.Duration(r.IntN(50)), nil, 0)
	}
	last := event{at: -1}
	for range 2000 {
		e := q.pop()
		require.True(t, last.before(&e), "%v %v", last, e)
		last = e
	}
	require.Empty(t, q.heap)
}

// linkCase is what happens on a link from n to m, and what n notes of it.
type linkCase struct {
	name string
	do   func(w *World, n *Node, m *Instance)
	want string
}

func (tc linkCase) run(t *testing.T) {
	w, n, m, _ := testWorld()
	n.notes()
	tc.do(w, n, m)
	require.Equal(t, tc.want, n.notes())
}

// connect dials and waits until the connection is on its way.
func connect(w *World, n *Node, m *Instance) {
	n.does(dialTo(1, m, false))
	w.Run(10 * time.Millisecond)
}

func TestLink(t *testing.T) {
	for _, tc := range []linkCase{
		{"commands wait for the connection and are answered in order", func(w *World, n *Node, m *Instance) {
			n.does(dialTo(1, m, false), sends(1, 7, "CLIENT SETNAME x", "PING"), sends(1, 8, "ECHO"))
			w.Run(time.Second)
		}, "12ms up 1\n14ms answer 7 PONG\n14ms answer 8 ERR unknown command 'ECHO', with args beginning with: "},
		{"nobody listens: refused after a round trip", func(w *World, n *Node, m *Instance) {
			m.Crash()
			n.does(dialTo(1, m, false))
			w.Run(time.Second)
		}, "12ms down 1 refused=true connection refused"},
		{"a host without power is silent till the timeout", func(w *World, n *Node, m *Instance) {
			w.HostDown(m.addr.IP)
			n.does(dialTo(1, m, false))
			w.Run(5 * time.Second)
		}, "3.01s down 1 refused=false connection timed out"},
		{"a process that dies resets its connections", func(w *World, n *Node, m *Instance) {
			connect(w, n, m)
			m.Crash()
			w.Run(time.Second)
		}, "12ms up 1\n21ms down 1 refused=false closed by the other side"},
		{"a host that dies does not, but its next life does", func(w *World, n *Node, m *Instance) {
			connect(w, n, m)
			w.HostDown(m.addr.IP)
			n.does(sends(1, 7, "PING"))
			w.Run(980 * time.Millisecond)
			require.Equal(t, "12ms up 1", n.notes())
			w.HostUp(m.addr.IP)
			w.Run(2 * time.Second)
			require.Contains(t, n.notes(), "down 1 refused=false connection reset")
		}, ""},
	} {
		t.Run(tc.name, tc.run)
	}
}

func TestCutLink(t *testing.T) {
	for _, tc := range []linkCase{
		{"a cut holds data back and TCP brings it after it", func(w *World, n *Node, m *Instance) {
			connect(w, n, m)
			w.Cut(n.addr.IP, m.addr.IP)
			n.does(sends(1, 7, "PING"))
			w.Run(980 * time.Millisecond)
			require.Equal(t, "12ms up 1", n.notes())
			w.HealAll()
			w.Run(2 * time.Second)
			require.Contains(t, n.notes(), "answer 7 PONG")
		}, ""},
		{"a cut one way lets the other way pass", func(w *World, n *Node, m *Instance) {
			connect(w, n, m)
			n.does(sends(1, 7, "PING"))
			w.Cut(n.addr.IP, m.addr.IP)
			n.does(sends(1, 8, "PING"))
			w.Run(time.Second)
		}, "12ms up 1\n22ms answer 7 PONG"},
		{"no connect passes a cut of either way", func(w *World, n *Node, m *Instance) {
			w.Cut(m.addr.IP, n.addr.IP)
			n.does(dialTo(1, m, false))
			w.Run(5 * time.Second)
		}, "3.01s down 1 refused=false connection timed out"},
		{"a stopped process accepts and answers when it goes on", func(w *World, n *Node, m *Instance) {
			m.Pause()
			n.does(dialTo(1, m, false), sends(1, 7, "PING"))
			w.Run(990 * time.Millisecond)
			require.Equal(t, "12ms up 1", n.notes())
			m.Resume()
			w.Run(time.Second)
		}, "1.001s answer 7 PONG"},
		{"after a hangup nothing is heard, and what was sent arrives", func(w *World, n *Node, m *Instance) {
			connect(w, n, m)
			n.does(sends(1, 7, "SET k 5"), sentinel.Hangup{Link: 1})
			w.Run(time.Second)
			require.Equal(t, []uint64{5}, m.Writes())
		}, "12ms up 1"},
		{"a broken link is told at once", func(w *World, n *Node, m *Instance) {
			connect(w, n, m)
			w.Break(n.addr.IP, m.addr.IP)
			w.Run(time.Second)
		}, "12ms up 1\n20ms down 1 refused=false connection reset"},
	} {
		t.Run(tc.name, tc.run)
	}
}

func TestHelloGoesToAllSubscribersOfMasterAndReplicas(t *testing.T) {
	w, n, m, r := testWorld()
	n.does(dialTo(1, m, true), sends(1, 0, "SUBSCRIBE "+helloChannel),
		dialTo(2, r, true), sends(2, 0, "SUBSCRIBE "+helloChannel), dialTo(3, m, false), dialTo(4, r, false))
	w.Run(20 * time.Millisecond)
	require.Equal(t, "12ms up 1\n12ms up 2\n12ms up 3\n12ms up 4\n14ms hello false\n14ms hello false", n.notes())
	n.does(sends(3, 1, "PUBLISH "+helloChannel+" a"))
	w.Run(20 * time.Millisecond)
	require.Equal(t, "32ms hello afalse\n32ms answer 1 \n33ms hello afalse", n.notes(), "the master's reach the replica's")
	n.does(sends(4, 1, "PUBLISH "+helloChannel+" b"))
	w.Run(20 * time.Millisecond)
	require.Equal(t, "52ms hello bfalse\n52ms answer 1 ", n.notes(), "the replica's reach its own only")
}

func TestRefusedSubscribe(t *testing.T) {
	w, n, m, _ := testWorld()
	m.SetPassword("x")
	n.does(dialTo(1, m, true), sends(1, 0, "AUTH y", "CLIENT SETNAME z", "SUBSCRIBE "+helloChannel))
	w.Run(20 * time.Millisecond)
	require.Equal(t, "12ms up 1\n14ms hello NOAUTH Authentication required.true", n.notes())
}

// Rule: B-713.
func TestPromotionTransaction(t *testing.T) {
	w, n, m, r := testWorld()
	n.does(dialTo(1, r, false), dialTo(2, r, false), dialTo(3, r, true), sends(3, 0, "SUBSCRIBE "+helloChannel))
	w.Run(20 * time.Millisecond)
	n.notes()
	n.does(sends(1, 7, "MULTI", "SLAVEOF NO ONE", "CONFIG REWRITE", "CLIENT KILL TYPE normal", "CLIENT KILL TYPE pubsub", "EXEC", "INFO"))
	w.Run(20 * time.Millisecond)
	notes := n.notes()
	require.Contains(t, notes, "answer 7 # Server")
	require.Contains(t, notes, "role:master")
	require.Contains(t, notes, "down 2 ")
	require.Contains(t, notes, "down 3 ")
	require.NotContains(t, notes, "down 1 ")
	require.True(t, r.IsMaster())
	require.True(t, m.IsMaster())
	r.Crash()
	r.Start(false)
	require.True(t, r.IsMaster(), "the role was rewritten")
}

func TestTransactionIsAllOrNothing(t *testing.T) {
	w, n, _, r := testWorld()
	n.does(dialTo(1, r, false), sends(1, 7, "MULTI", "SLAVEOF NO ONE", "NONSENSE", "EXEC"))
	w.Run(20 * time.Millisecond)
	require.Contains(t, n.notes(), "answer 7 EXECABORT")
	require.False(t, r.IsMaster())
}

func TestReplication(t *testing.T) {
	w, _, m, r := testWorld()
	m.opt.SyncTakes = 50 * time.Millisecond
	require.True(t, r.Synced())
	require.True(t, m.Write(1))
	require.False(t, r.Write(2), "a replica refuses writes")
	w.Run(10 * time.Millisecond)
	require.Equal(t, []uint64{1}, r.Writes())
	require.EqualValues(t, 1, r.Offset())
	require.Contains(t, r.info(), "master_link_status:up")
	require.Contains(t, m.info(), "slave0:ip=10.0.0.2,port=6379,")

	m.Crash()
	w.Run(3 * time.Second)
	require.Contains(t, r.info(), "master_link_status:down")
	require.Contains(t, r.info(), "master_link_down_since_seconds:2")
	r.Follow("", 0)
	require.True(t, r.Write(3))
	m.Start(false)
	m.Follow(r.addr.IP, r.addr.Port)
	require.Contains(t, m.info(), "master_link_down_since_seconds:-1")
	w.Run(10 * time.Millisecond)
	require.True(t, m.Synced(), "partial: same history")
	require.Equal(t, []uint64{1, 3}, m.Writes())

	m.Crash()
	m.Start(true)
	m.Follow(r.addr.IP, r.addr.Port)
	w.Run(10 * time.Millisecond)
	require.False(t, m.Synced(), "all of it takes its time")
	w.Run(100 * time.Millisecond)
	require.True(t, m.Synced())
	require.Equal(t, []uint64{1, 3}, m.Writes())
}

func TestLoading(t *testing.T) {
	w, n, m, _ := testWorld()
	m.LoadTakes = time.Second
	m.Crash()
	m.Start(false)
	n.does(dialTo(1, m, false), sends(1, 7, "PING"), sends(1, 8, "INFO"))
	w.Run(20 * time.Millisecond)
	notes := n.notes()
	require.Contains(t, notes, "answer 7 LOADING")
	require.Contains(t, notes, "answer 8 # Server")
	w.Run(time.Second)
	n.does(sends(1, 9, "PING"))
	w.Run(20 * time.Millisecond)
	require.Contains(t, n.notes(), "answer 9 PONG")
}

func TestPeersAreServedInOrder(t *testing.T) {
	w, n, _, _ := testWorld()
	p := addFake(w, "s2", "10.0.9.2")
	var open []sentinel.ReqID
	p.core.(*fakeCore).onReq = func(c *fakeCore, q sentinel.Request) []sentinel.Effect {
		c.note("request from %s: %s", q.Client, q.Args[0])
		open = append(open, q.ID)
		return nil
	}
	n.does(sentinel.Dial{Link: 1, Addr: dialTo(1, &Instance{proc: p.proc}, false).Addr, Timeout: time.Second},
		sends(1, 1, "CLIENT SETNAME me", "PING"), sends(1, 2, "SENTINEL a", "ROLE"), sends(1, 3, "PING"), sends(1, 4, "INFO server"))
	w.Run(20 * time.Millisecond)
	require.Equal(t, "12ms up 1\n14ms answer 1 PONG", n.notes())
	require.Equal(t, "13ms request from me: SENTINEL\n13ms request from me: ROLE", p.notes(), "what came at once")
	n.does(sends(1, 5, "SENTINEL b"))
	answer := func(k int) {
		w.Run(20 * time.Millisecond)
		require.Empty(t, n.notes())
		require.Empty(t, p.notes(), "nothing is read before all is answered")
		c := p.core.(*fakeCore)
		c.todo = []sentinel.Effect{{Action: sentinel.Respond{ID: open[k], Value: resp.Status("done")}}}
		p.step(sentinel.Tick{})
	}
	answer(1)
	answer(0)
	w.Run(20 * time.Millisecond)
	require.Equal(t, "70ms request from me: SENTINEL", p.notes())
	notes := n.notes()
	require.True(t, strings.HasPrefix(notes, "71ms answer 2 done\n71ms answer 3 PONG\n71ms answer 4 # Server"), notes)
	require.Contains(t, notes, "gosentinel_version:")
	require.Empty(t, w.Violations())
}

// Rule: E-40, R-8.
func TestDisk(t *testing.T) {
	for _, tc := range []struct {
		name  string
		set   func(d *Disk)
		crash time.Duration // after the write began; 0 = no crash
		want  string        // events, then notes
		epoch uint64        // in the file at the end
	}{
		{"a good write", func(*Disk) {}, 0, "told persisted 1 ", 9},
		{"a failing write, tried again later and later", func(d *Disk) { d.Failing = true }, 0,
			"told " + strings.Repeat("persisted 1 No space left on device", 4), 0},
		{"a write that hangs", func(d *Disk) { d.Stalled = true }, 0, "", 0},
		{"a crash before the end", func(*Disk) {}, time.Microsecond, "", 0},
		{"a crash before the end, torn", func(d *Disk) { d.Torn = true }, time.Microsecond, "", 9},
		{"a crash after the end", func(*Disk) {}, 2 * time.Millisecond, "told ", 9},
		{"a crash of a disk that lies", func(d *Disk) { d.Lying = true }, 2 * time.Millisecond, "told ", 0},
	} {
		t.Run(tc.name, func(t *testing.T) {
			w, n, _, _ := testWorld()
			told := ""
			w.OnEvent = func(r Record) { told += r.Event.Name + " " }
			tc.set(&n.Disk)
			c := n.core.(*fakeCore)
			c.seq, c.state = 1, conf.State{CurrentEpoch: 9}
			c.todo = []sentinel.Effect{
				{Action: sentinel.Persist{Seq: 1}},
				{After: 1, Action: sentinel.Emit{Event: sentinel.Event{Name: "told"}}},
			}
			n.step(sentinel.Tick{})
			if tc.crash > 0 {
				w.Run(tc.crash)
				n.Crash()
				n.Start()
			}
			w.Run(time.Second)
			for _, s := range strings.Split(n.notes(), "\n") {
				_, note, _ := strings.Cut(s, " ")
				told += note
			}
			require.Equal(t, tc.want, told)
			require.Equal(t, tc.epoch, n.Disk.Saved().CurrentEpoch)
		})
	}
}

func TestCommand(t *testing.T) {
	_, n, _, _ := testWorld()
	n.core.(*fakeCore).onReq = ok
	var got []string
	note := func(v resp.Value) { got = append(got, v.Str) }
	n.Command(note, "PING")
	n.Command(note, "SENTINEL", "MYID")
	require.Equal(t, []string{"PONG", "OK"}, got)
	n.Pause()
	n.Command(note, "PING")
	require.Len(t, got, 2)
	n.Resume()
	require.Len(t, got, 3)
}

func TestScriptsAndNames(t *testing.T) {
	w, n, _, _ := testWorld()
	w.SetScript("/bad", ScriptResult{Missing: true})
	w.SetScript("/hang", ScriptResult{Takes: -1})
	n.does(sentinel.RunScript{Job: 1, Argv: []string{"/good"}}, sentinel.RunScript{Job: 2, Argv: []string{"/bad"}},
		sentinel.RunScript{Job: 3, Argv: []string{"/hang"}}, sentinel.Resolve{Host: "x"})
	w.Run(time.Second)
	n.does(sentinel.KillJob{Job: 3})
	w.Run(time.Second)
	notes := n.notes()
	require.Equal(t, 3, strings.Count(notes, "ScriptUp"))
	require.Equal(t, 2, strings.Count(notes, "ScriptDone"))
	require.Equal(t, 1, strings.Count(notes, "Resolved"))
}

func TestTicksComeByTheDeadline(t *testing.T) {
	w, n, _, _ := testWorld()
	c := n.core.(*fakeCore)
	at := c.now
	w.Run(time.Second)
	require.Greater(t, c.now, at+900*time.Millisecond)
	n.Pause()
	at = c.now
	w.Run(time.Second)
	require.Equal(t, at, c.now)
	n.Resume()
	require.Equal(t, w.Now(), c.now)
}
