package daemon

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"gosentinel/internal/link"
	"gosentinel/internal/resp"
	"gosentinel/replication"
	"gosentinel/sentinel"
)

// Rule: S2.8: a Tick when it is due, not before and not twice.
func TestTicksWhenDue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, &testCore{deadline: 30 * time.Millisecond}, nil)
		w.start(t)
		time.Sleep(300 * time.Millisecond)
		synctest.Wait()
		require.Equal(t, []time.Duration{30e6, 130e6, 230e6}, w.core.ticks)
		w.stop()
		require.NoError(t, <-w.ended)
		require.GreaterOrEqual(t, w.front.beats, 4, "one for each turn")
		require.False(t, w.Submit(nil), "after the end")
	})
}

// What waits when the loop turns is handled before a Tick that is due as well,
// in the order in which it came.
func TestInputsComeBeforeTheTick(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		core := &testCore{deadline: 50 * time.Millisecond}
		var order []string
		core.step = func(_ sentinel.Stamp, in sentinel.Input) []sentinel.Effect {
			order = append(order, describe(in))
			if l, ok := in.(sentinel.LinkDown); ok && l.Link == 1 {
				time.Sleep(time.Second) // a slow step
			}
			return nil
		}
		w := newWorld(t, core, nil)
		w.start(t)
		w.front.happen(link.Event{Link: 1, Kind: link.Down})
		synctest.Wait()
		for id := range uint64(3) {
			w.front.happen(link.Event{Link: id + 2, Kind: link.Down})
		}
		time.Sleep(1010 * time.Millisecond)
		synctest.Wait()
		require.Equal(t, []string{
			"LinkDown{Link:1 Refused:false Reason: Ours:false}", "Tick{}",
			"LinkDown{Link:2 Refused:false Reason: Ours:false}", "LinkDown{Link:3 Refused:false Reason: Ours:false}",
			"LinkDown{Link:4 Refused:false Reason: Ours:false}",
		}, order)
	})
}

// Events of links become inputs.
func TestEventsOfLinks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, &testCore{}, nil)
		w.start(t)
		for _, ev := range []link.Event{
			{Link: 1, Kind: link.Up, Text: "127.0.0.1"},
			{Link: 1, Kind: link.Answer, Tag: 5, Value: resp.OK},
			{Link: 1, Kind: link.Subscribed},
			{Link: 1, Kind: link.Message, Payload: []byte{}},
			{Link: 1, Kind: link.NotSubscribed},
			{Link: 1, Kind: link.Down, Refused: true, Text: "Connection refused"},
		} {
			w.front.happen(ev)
		}
		synctest.Wait()
		require.Equal(t, []sentinel.Input{
			sentinel.LinkUp{Link: 1, Local: "127.0.0.1"},
			sentinel.Answer{Tag: 5, Value: resp.OK},
			sentinel.Hello{Link: 1},
			sentinel.Hello{Link: 1, Payload: []byte{}},
			sentinel.Hello{Link: 1, Failed: true},
			sentinel.LinkDown{Link: 1, Refused: true, Reason: "Connection refused"},
		}, w.core.seen())
	})
}

// Rule: B-901, C-115, B-1103: the effects of the start, each as it is meant.
func TestEffectsOfTheStart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		core := &testCore{}
		for _, a := range []sentinel.Action{
			sentinel.Emit{Event: sentinel.Event{Name: "+monitor", Payload: "master m", Level: sentinel.LevelWarning}},
			sentinel.Emit{Event: sentinel.Event{Payload: "Sentinel ID is x", Level: sentinel.LevelNotice, LogOnly: true}},
			sentinel.Emit{Event: sentinel.Event{Name: "-cmd-link", Payload: "x", Level: sentinel.LevelDebug}},
			sentinel.Emit{Event: sentinel.Event{Name: "+fix", Payload: "x", Level: sentinel.LevelVerbose}},
			sentinel.Show{Master: "m", Host: "10.0.0.1", Port: 6379},
			sentinel.Show{Master: "n", Gone: true},
			sentinel.Dial{Link: 1, Addr: replication.Addr{Host: "h", IP: "10.0.0.1", Port: 1}, Timeout: 5, PubSub: true},
			sentinel.Dial{Link: 2, Addr: replication.Addr{Host: "10.0.0.2", Port: 2}, Timeout: 5},
			&sentinel.Send{Link: 1, Tag: 7, Cmds: [][]string{{"PING"}}},
			sentinel.Hangup{Link: 1},
			sentinel.Respond{ID: 9, Value: resp.Str("v")},
			sentinel.SetLogLevel{Level: "debug"},
			sentinel.KillJob{Job: 5},
		} {
			core.start = append(core.start, sentinel.Effect{Action: a})
		}
		w := newWorld(t, core, nil)
		w.start(t)
		require.Equal(t, []string{"# +monitor master m", "* Sentinel ID is x", ". -cmd-link x", "- +fix x"}, w.log.take())
		require.Equal(t, []string{
			"publish +monitor: master m", "publish +fix: x",
			"show m 10.0.0.1 6379 false", "show n  0 true",
			"dial {Link:1 IP:10.0.0.1 Port:1 Timeout:5ns PubSub:true}",
			"dial {Link:2 IP:10.0.0.2 Port:2 Timeout:5ns PubSub:false}",
			"send 1 7 [[PING]]", "hangup 1", "respond 9 v",
		}, w.front.take())
		require.Equal(t, "debug", w.level)
		require.True(t, w.ready)
	})
}

// Rule: B-1103, C-118: what the start tells waits for the write of a new run
// id, and so does the call of ready.
func TestStartWaitsForItsWrite(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		core := &testCore{}
		core.start = []sentinel.Effect{core.change(),
			{After: 1, Action: sentinel.Emit{Event: sentinel.Event{Payload: "Sentinel ID is x", Level: sentinel.LevelNotice, LogOnly: true}}}}
		w := newWorld(t, core, nil)
		free := make(chan struct{})
		w.disk.failBy(func(op, _ string) error {
			if op == "syncdir" {
				<-free
			}
			return nil
		})
		w.start(t)
		require.Empty(t, w.log.take())
		require.False(t, w.ready)
		close(free)
		synctest.Wait()
		require.Equal(t, []string{
			". Rewritten config file (" + testConf + ") successfully",
			"* Sentinel new configuration saved on disk", "* Sentinel ID is x",
		}, w.log.take())
		require.True(t, w.ready)
		require.Contains(t, w.disk.content(testConf), "sentinel myid aaaa")
	})
}

// Rule: E-40, W-23, C-111: a hundred votes cast together cost two writes at
// most, and none is seen before it is on disk; meanwhile the loop turns.
func TestGroupCommit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		core := &testCore{}
		voting(core)
		w := newWorld(t, core, nil)
		w.start(t)
		w.disk.failBy(func(op, _ string) error {
			if op == "sync" {
				time.Sleep(300 * time.Millisecond)
			}
			return nil
		})
		probes := w.disk.count("sync")
		var clients sync.WaitGroup
		for id := range 100 {
			clients.Go(func() { w.request(id+1, "VOTE") })
		}
		clients.Wait()
		synctest.Wait()
		require.Empty(t, w.front.take())
		time.Sleep(301 * time.Millisecond)
		first := len(w.front.take())
		require.NotZero(t, first)
		time.Sleep(301 * time.Millisecond)
		require.Equal(t, 100, first+len(w.front.take()))
		require.LessOrEqual(t, w.disk.count("sync")-probes, 2)
		require.Contains(t, w.disk.content(testConf), "sentinel current-epoch 100\n")
		require.GreaterOrEqual(t, core.ticked(), 6)
		for _, in := range core.seen() {
			if p, ok := in.(sentinel.Persisted); ok {
				require.Equal(t, 300*time.Millisecond, p.Took)
			}
		}
	})
}

// Rule: R-8, E-43, B-1003, C-89, C-109: a save that failed releases what waited
// for it, tells so, and is repeated until it succeeds.
func TestFailedSave(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		core := &testCore{}
		voting(core)
		w := newWorld(t, core, nil)
		w.start(t)
		w.disk.failBy(failing("write", syscall.ENOSPC))
		w.request(1, "VOTE")
		w.request(2, "SET")
		synctest.Wait()
		require.Equal(t, []string{"respond 1 yes", "respond 2 not saved"}, w.front.take())
		require.Equal(t, "# WARNING: Sentinel was not able to save the new configuration on disk!!!: No space left on device",
			w.log.take()[1])
		last := func() sentinel.Persisted {
			seen := core.seen()
			return seen[len(seen)-1].(sentinel.Persisted)
		}
		require.Equal(t, "No space left on device", last().Reason)

		time.Sleep(time.Second)
		failed := w.disk.count("create")
		require.Greater(t, failed, 3, "tried again")
		require.Less(t, failed, 10, "but not all the time")
		w.disk.failBy(nil)
		time.Sleep(time.Minute)
		require.Equal(t, sentinel.Persisted{Seq: 2}, last())
		require.Contains(t, w.disk.content(testConf), "sentinel current-epoch 2\n")
		require.Contains(t, w.log.take(), "* Sentinel new configuration saved on disk")
		require.Empty(t, w.front.take())
		done := w.disk.count("create")
		time.Sleep(time.Hour)
		require.Equal(t, done, w.disk.count("create"), "no writes without need")
	})
}

// Rule: R-8, E-43: with strict-durability what waits goes on waiting, but for
// commands that say so when they could not be saved.
func TestStrictDurability(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		core := &testCore{}
		voting(core)
		w := newWorld(t, core, func(o *nodeOptions) { o.StrictDurability = true })
		w.start(t)
		w.disk.failBy(failing("write", syscall.ENOSPC))
		w.request(1, "VOTE")
		w.request(2, "SET")
		time.Sleep(time.Minute)
		require.Equal(t, []string{"respond 2 not saved"}, w.front.take())
		w.disk.failBy(nil)
		time.Sleep(2 * time.Minute)
		require.Equal(t, []string{"respond 1 yes"}, w.front.take())
	})
}

// Rule: E-43: a write that does not return releases nothing, and stops nothing.
func TestHangingDisk(t *testing.T) {
	for _, strict := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			core := &testCore{}
			voting(core)
			w := newWorld(t, core, func(o *nodeOptions) { o.StrictDurability = strict })
			w.start(t)
			free := make(chan struct{})
			w.disk.failBy(func(op, _ string) error {
				if op == "sync" {
					<-free
				}
				return nil
			})
			w.request(1, "VOTE")
			time.Sleep(time.Hour)
			require.Empty(t, w.front.take())
			require.Greater(t, core.ticked(), 3600)
			close(free)
			synctest.Wait()
			require.Equal(t, []string{"respond 1 yes"}, w.front.take())
		})
	}
}

// Replies that wait for a write are bounded: with enough of them nothing more is
// asked for until it has returned, and the loop turns meanwhile. Rule: K-8.3.
func TestRepliesThatWaitForAWriteAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		core, handled := &testCore{}, 0
		core.step = func(_ sentinel.Stamp, in sentinel.Input) []sentinel.Effect {
			r, ok := in.(sentinel.Request)
			if !ok {
				return nil
			}
			handled++
			return []sentinel.Effect{core.change(), {After: core.seq, Action: sentinel.Respond{ID: r.ID, Value: resp.Str(strings.Repeat("x", 100<<10))}}}
		}
		w := newWorld(t, core, nil)
		w.start(t)
		free := make(chan struct{})
		w.disk.failBy(func(op, _ string) error {
			if op == "sync" {
				<-free
			}
			return nil
		})
		for id := range 100 {
			w.request(id+1, "LONG")
		}
		time.Sleep(time.Hour)
		require.Equal(t, 11, handled, "a megabyte")
		require.Greater(t, core.ticked(), 3600)
		close(free)
		synctest.Wait()
		require.Equal(t, 100, handled)
		require.Len(t, w.front.take(), 100)
	})
}

// Rule: E-45: a start that could not write its file tells the core, once it can
// it tells so; a start that can tells nothing. C-91: the file is not touched.
func TestProbeAtStart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, &testCore{}, nil)
		w.disk.failBy(failing("create", syscall.ENOSPC))
		w.start(t)
		require.Equal(t, []sentinel.Input{sentinel.Persisted{Reason: "No space left on device"}}, w.core.seen())
		require.True(t, w.ready)
		w.disk.failBy(nil)
		time.Sleep(time.Minute)
		require.Equal(t, sentinel.Persisted{}, w.core.seen()[len(w.core.seen())-1])
		require.Equal(t, "port 1\n", w.disk.content(testConf))
		n := len(w.core.seen())
		time.Sleep(time.Hour)
		require.Len(t, w.core.seen(), n)
	})
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, &testCore{}, nil)
		w.start(t)
		require.Empty(t, w.core.seen())
		require.Equal(t, "port 1\n", w.disk.content(testConf))
	})
}

// Rule: R-23, C-92: with a state file the main file is never touched; else the
// rewrite starts from the file on disk now.
func TestWhatIsRewritten(t *testing.T) {
	for _, state := range []string{"", "/d/state.conf"} {
		synctest.Test(t, func(t *testing.T) {
			core := &testCore{}
			voting(core)
			w := newWorld(t, core, func(o *nodeOptions) {
				o.StateFile = state
				o.Users = func() []string { return []string{"user default on nopass ~* &* +@all"} }
			})
			w.start(t)
			w.disk.write(testConf, "# edited\nport 1\n")
			w.request(1, "VOTE")
			synctest.Wait()
			main := w.disk.content(testConf)
			if state == "" {
				require.Contains(t, main, "# edited\n")
				require.Contains(t, main, "\nuser default on nopass")
				require.Contains(t, main, "sentinel current-epoch 1\n")
				return
			}
			require.Equal(t, "# edited\nport 1\n", main)
			require.Contains(t, w.disk.content(state), "sentinel current-epoch 1\n")
		})
	}
}

// Rule: C-109: a file that cannot be read gives the last line only.
func TestUnreadableFile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		core := &testCore{}
		voting(core)
		w := newWorld(t, core, nil)
		w.start(t)
		w.disk.failBy(failing("read", syscall.EACCES))
		w.request(1, "VOTE")
		synctest.Wait()
		require.Equal(t, []string{
			"# WARNING: Sentinel was not able to save the new configuration on disk!!!: Permission denied",
		}, w.log.take())
	})
}

// Those who bring inputs wait while the loop is behind, and none is lost.
func TestInboxBoundsWhatWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		free := make(chan struct{})
		core := &testCore{}
		core.step = func(sentinel.Stamp, sentinel.Input) []sentinel.Effect {
			<-free
			return nil
		}
		w := newWorld(t, core, nil)
		w.start(t)
		brought := 0
		go func() {
			for id := range uint64(5 * inboxLimit) {
				w.inbox.put(item{input: sentinel.LinkUp{Link: sentinel.LinkID(id + 1000)}})
				brought++
			}
		}()
		synctest.Wait()
		require.Less(t, brought, 2*inboxLimit+2)
		close(free)
		synctest.Wait()
		require.Equal(t, 5*inboxLimit, brought)
		for i, in := range core.seen() {
			require.Equal(t, sentinel.LinkUp{Link: sentinel.LinkID(i + 1000)}, in)
		}
		require.Len(t, core.seen(), brought)
	})
}

// A command that is not wanted when its turn comes is not handled.
//
// Rule: K-8.3.
func TestUnwantedCommandsAreNotHandled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		core := &testCore{step: func(sentinel.Stamp, sentinel.Input) []sentinel.Effect { return nil }}
		w := newWorld(t, core, nil)
		w.front.unwanted = func(id uint64) bool { return id%2 == 0 }
		w.start(t)
		for id := range 6 {
			w.request(id, "X")
		}
		synctest.Wait()
		var handled []sentinel.ReqID
		for _, in := range core.seen() {
			if r, ok := in.(sentinel.Request); ok {
				handled = append(handled, r.ID)
			}
		}
		require.Equal(t, []sentinel.ReqID{1, 3, 5}, handled)
		w.stop()
		require.NoError(t, <-w.ended)
	})
}

// Whoever waits for room is let go when the node ends.
func TestEndLetsNobodyWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		free := make(chan struct{})
		core := &testCore{step: func(sentinel.Stamp, sentinel.Input) []sentinel.Effect {
			<-free
			return nil
		}}
		w := newWorld(t, core, nil)
		w.start(t)
		refused := make(chan struct{})
		go func() {
			for w.Submit(make([]sentinel.Request, 100)) {
			}
			close(refused)
		}()
		synctest.Wait()
		w.stop()
		close(free)
		require.NoError(t, <-w.ended)
		<-refused
	})
}

// Rule: K-2.15: nothing follows an Exit.
func TestExit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		core := &testCore{step: func(sentinel.Stamp, sentinel.Input) []sentinel.Effect {
			return []sentinel.Effect{{Action: sentinel.Exit{Code: 99}}, {Action: sentinel.Hangup{Link: 1}}}
		}}
		w := newWorld(t, core, nil)
		w.start(t)
		w.request(1, "X")
		w.request(2, "X")
		require.NoError(t, <-w.ended)
		require.Equal(t, []int{99}, w.exits)
		require.Empty(t, w.front.take())
		require.LessOrEqual(t, len(core.seen()), 1)
	})
}

// Rule: S2.10: a dying daemon tells its last inputs, without secrets.
func TestCrash(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		core := &testCore{step: func(_ sentinel.Stamp, in sentinel.Input) []sentinel.Effect {
			if _, ok := in.(sentinel.LinkDown); ok {
				panic("broken")
			}
			return nil
		}}
		w := newWorld(t, core, nil)
		died := make(chan any)
		go func() {
			defer func() { died <- recover() }()
			_ = w.run(context.Background(), nil)
		}()
		w.request(1, "SENTINEL", "SET", "m", "auth-pass", "geheim")
		w.front.happen(link.Event{Link: 1, Kind: link.Answer, Tag: 3, Value: resp.Str(strings.Repeat("x", 1<<20))})
		w.front.happen(link.Event{Link: 1, Kind: link.Answer, Tag: 4, Value: resp.List(resp.Int(7), resp.Str("*"))})
		w.front.happen(link.Event{Link: 1, Kind: link.Message, Payload: []byte("hello\x00")})
		w.front.happen(link.Event{Link: 1, Kind: link.Down, Text: "why"})
		require.Equal(t, "broken", <-died)
		require.Equal(t, []int{2}, w.exits)
		lines := w.log.take()
		require.Equal(t, "# gosentinel "+Version+" crashed: broken", lines[0])
		text := strings.Join(lines, "\n")
		require.Contains(t, text, "loop_test.go")
		require.NotContains(t, text, "geheim")
		require.Less(t, len(text), 20_000)
		last := lines[len(lines)-5:]
		for i, want := range []string{
			"Request SENTINEL SET m ...", "Answer tag=3 \"xxx", "Answer tag=4 [7 \"*\"]",
			`Hello link=1 failed=false "hello\x00"`, "LinkDown{Link:1 Refused:false Reason:why Ours:false}",
		} {
			require.Contains(t, last[i], want)
		}
	})
}

// The ring keeps the last inputs only, and no Ticks.
func TestCrashRingIsBounded(t *testing.T) {
	var r crashRing
	for id := range sentinel.LinkID(1000) {
		r.add(sentinel.Stamp{}, sentinel.LinkDown{Link: id})
		r.add(sentinel.Stamp{}, sentinel.Tick{})
	}
	log := &lineLog{}
	r.write(slog.New(log))
	lines := log.take()
	require.Len(t, lines, crashInputs)
	require.Contains(t, lines[0], "Link:872 ")
	require.Contains(t, lines[crashInputs-1], "Link:999 ")
}

func TestNodeNeedsItsOptions(t *testing.T) {
	_, err := newNode(nodeOptions{})
	require.Error(t, err)
	w := newWorld(t, &testCore{}, nil)
	w.attach(nil)
	require.Error(t, errors.Join(w.run(context.Background(), nil)))
}

// While something happens, clients' commands get a part of the loop's time;
// before, and some time after, all of it. That an instance or a peer was found
// does not count, nor what is told at the start.
func TestClientsYieldWhileSomethingHappens(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const each = 100 * time.Microsecond
		core := &testCore{deadline: time.Hour, start: []sentinel.Effect{
			{Action: sentinel.Emit{Event: sentinel.Event{Name: "+monitor", Level: sentinel.LevelWarning}}},
		}}
		core.step = func(_ sentinel.Stamp, in sentinel.Input) []sentinel.Effect {
			switch in.(type) {
			case sentinel.Request:
				time.Sleep(each)
			case sentinel.LinkDown:
				return []sentinel.Effect{{Action: sentinel.Emit{Event: sentinel.Event{Name: "+sdown", Level: sentinel.LevelWarning}}}}
			case sentinel.LinkUp:
				return []sentinel.Effect{{Action: sentinel.Emit{Event: sentinel.Event{Name: "+slave", Level: sentinel.LevelNotice}}}}
			}
			return nil
		}
		w := newWorld(t, core, nil)
		w.start(t)
		handled := func(in time.Duration) int {
			before := len(core.seen())
			for id := range 900 {
				w.request(id)
			}
			time.Sleep(in)
			synctest.Wait()
			return len(core.seen()) - before
		}
		w.front.happen(link.Event{Link: 1, Kind: link.Up})
		synctest.Wait()
		require.Equal(t, 900, handled(100*time.Millisecond))
		w.front.happen(link.Event{Link: 1, Kind: link.Down})
		synctest.Wait()
		require.InDelta(t, 900/clientPart, handled(900*each), 10)
		time.Sleep(eventful)
		synctest.Wait()
		require.InDelta(t, 900, handled(100*time.Millisecond), 10)
	})
}

// However long a command took, clients are heard again soon.
func TestClientsRestOnlySoLong(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		core := &testCore{deadline: time.Hour}
		core.step = func(sentinel.Stamp, sentinel.Input) []sentinel.Effect {
			time.Sleep(time.Minute)
			return []sentinel.Effect{{Action: sentinel.Emit{Event: sentinel.Event{Name: "+set", Level: sentinel.LevelWarning}}}}
		}
		w := newWorld(t, core, nil)
		w.start(t)
		w.request(1)
		w.request(2)
		time.Sleep(time.Minute + longestRest)
		synctest.Wait()
		require.Len(t, core.seen(), 2)
		time.Sleep(time.Minute)
	})
}
