package listener

import "testing"

// While the daemon is silent nothing that is asked is answered, be it by the
// listener or by the loop, but subscribers hear what is published. All is
// answered when that ends, in order.
//
// Rule: R-8.
func TestSilence(t *testing.T) {
	w := start(t)
	w.s.Show("mm", "10.0.0.1", 6379, false)
	asker, viewer, master, listens := w.dial(), w.dial(), w.dial(), w.dial()
	asker.ask("PING", "+PONG\r\n")
	listens.ask("SUBSCRIBE c", "*3\r\n$9\r\nsubscribe\r\n$1\r\nc\r\n:1\r\n")
	w.s.Silence(true)
	asker.send("PING 1\r\nPING 2\r\n")
	viewer.send("SENTINEL GET-MASTER-ADDR-BY-NAME mm\r\n")
	master.send("SENTINEL MASTERS\r\n")
	eventually(t, func() bool { return w.s.stats.blocked.Load() == 3 }, "somebody is answered")
	w.loop.do(func() { w.s.Publish("c", "x") })
	listens.expect("*3\r\n$7\r\nmessage\r\n$1\r\nc\r\n$1\r\nx\r\n")
	w.s.Show("mm", "10.0.0.2", 6379, false)

	gone := w.dial()
	gone.send("PING\r\n")
	eventually(t, func() bool { return w.s.stats.blocked.Load() == 4 }, "somebody is answered")
	gone.conn.Close()
	eventually(t, func() bool { return w.s.connected() == 4 }, "the client remains")

	w.s.Silence(false)
	asker.expect("$1\r\n1\r\n$1\r\n2\r\n")
	viewer.expect("*2\r\n$8\r\n10.0.0.2\r\n$4\r\n6379\r\n")
	master.expect("*0\r\n")
	asker.ask("PING", "+PONG\r\n")
}
