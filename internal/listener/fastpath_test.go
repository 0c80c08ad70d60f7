package listener

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"gosentinel/internal/resp"
)

// Rule: S2.2: what a look at the core answers needs neither redcon nor the loop,
// alone or in a pipeline.
func TestLooksNeedNoLoop(t *testing.T) {
	w := start(t)
	w.loop.looks.Store(true)
	u := w.dial()
	const role = "*2\r\n$8\r\nsentinel\r\n*0\r\n"
	for range 3 {
		u.ask("SENTINEL MASTERS", "*0\r\n")
		u.ask("SENTINEL MYID", bulkText("myid"))
		u.ask("ROLE", role)
		u.ask("INFO sentinel", bulkText("# Sentinel\r\nsentinel_masters:0\r\n"))
		require.Len(t, strings.Split(u.bulk("INFO"), "\r\n\r\n"), 5)
		u.ask("PING\r\nSENTINEL MASTERS\r\nROLE\r\nSENTINEL CKQUORUM x\r\nPING", "+PONG\r\n*0\r\n"+role+bulkText("ckquorum")+"+PONG\r\n")
	}
	require.Empty(t, w.loop.sizes())
	commands := w.s.stats.commands.Load()
	u.ask("ROLE", role)
	eventually(t, func() bool { return w.s.stats.commands.Load() == commands+1 }, "not counted")
	require.Contains(t, u.reply("CLIENT INFO").Str, " cmd=client|info ")

	w.loop.looks.Store(false)
	u.ask("SENTINEL MASTERS\r\nROLE\r\nINFO sentinel", "*0\r\n"+role+bulkText("# Sentinel\r\nsentinel_masters:0\r\n"))
	require.NotEmpty(t, w.loop.sizes(), "what nobody may look at goes to the loop")
}

// What is not a plain question and answer goes to the loop although a look would
// be answered, and so does all that changes something.
func TestWhatIsNoLook(t *testing.T) {
	for name, lines := range map[string][2]string{
		"a change":          {"SENTINEL RESET x", bulkText("reset")},
		"a hello":           {"PUBLISH a b", ":1\r\n"},
		"CLIENT REPLY":      {"CLIENT REPLY SKIP\r\nROLE\r\nPING", "+PONG\r\n"},
		"a subscriber":      {"HELLO 3\r\nSUBSCRIBE a\r\nSENTINEL MYID", ""},
		"behind the loop's": {"SENTINEL RESET x\r\nSENTINEL MYID", bulkText("reset") + bulkText("myid")},
	} {
		w := start(t)
		w.loop.looks.Store(true)
		u := w.dial()
		u.send(lines[0] + "\r\n")
		if want := lines[1]; want != "" {
			u.expect(want)
		} else {
			u.read() // of HELLO
			require.Equal(t, resp.Push, u.read().Kind)
			require.Equal(t, "myid", u.read().Str)
		}
		require.NotEmpty(t, w.loop.sizes(), name)
	}
}

// Rule: K-1.3: who may not ask may not look, and an error counts as one.
func TestLooksAreChecked(t *testing.T) {
	w := start(t)
	w.loop.looks.Store(true)
	admin, u := w.dial(), w.dial()
	admin.ask("ACL SETUSER bob on nopass +@all -sentinel|masters", "+OK\r\n")
	u.ask("SENTINEL MASTERS", "*0\r\n")
	u.ask("AUTH bob x", "+OK\r\n")
	u.ask("SENTINEL MYID", bulkText("myid"))
	u.ask("SENTINEL MASTERS", "-NOPERM User bob has no permissions to run the 'sentinel|masters' command\r\n")
	admin.ask("ACL SETUSER default >secret", "+OK\r\n")
	w.dial().ask("SENTINEL MASTERS", "-NOAUTH Authentication required.\r\n")

	errors := w.s.stats.errors.Load()
	w.loop.errs.Store(true)
	u.ask("SENTINEL MASTER x", "-ERR No such master with that name\r\n")
	require.Equal(t, errors+1, w.s.stats.errors.Load())
}

// A client that does not read what it has asked for gets no more made than one
// read's worth, and keeps nobody waiting.
func TestLooksAreNotPiledUp(t *testing.T) {
	w := start(t)
	w.loop.looks.Store(true)
	w.loop.pad.Store(1 << 10)
	u := w.dial()
	u.ask("PING", "+PONG\r\n")
	c := w.s.all()[0]
	pending := func() int64 {
		c.mu.Lock()
		defer c.mu.Unlock()
		return c.output.pending
	}
	go func() {
		for range 64 { // 64 MB of answers
			if _, err := u.conn.Write([]byte(strings.Repeat("SENTINEL MYID\r\n", 1000))); err != nil {
				return
			}
		}
	}()
	eventually(t, func() bool { return pending() > roomWanted }, "it reads nothing")
	w.dial().ask("PING", "+PONG\r\n")
	require.Less(t, pending(), int64(roomWanted+2*flushSize))
	u.conn.Close()
}
