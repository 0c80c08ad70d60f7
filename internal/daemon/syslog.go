package daemon

import (
	"fmt"
	"log/slog"
	"net"
	"strings"
	"time"
)

// syslogSocket is where the system's log daemon listens.
const syslogSocket = "/dev/log"

// syslogWait bounds one message to a syslog daemon that does not read.
const syslogWait = 100 * time.Millisecond

// sysMessage is one message on its way to syslog.
type sysMessage struct {
	when  time.Time
	level slog.Level
	text  string
}

// sysWriter sends messages to syslog. A missing daemon is harmless: each batch
// tries again to reach it.
//
// Rule: C-117.
type sysWriter struct {
	path     string // socket
	ident    string
	pid      int // 0: not shown
	facility int // 1 is user, 16 is local0
	conn     net.Conn
}

// newSysWriter makes a writer for a syslog-ident and syslog-facility.
func newSysWriter(ident, facility string, pid int) *sysWriter {
	return &sysWriter{path: syslogSocket, ident: ident, pid: pid, facility: facilityCode(facility)}
}

// facilityCode is syslog's number of a facility name: user or local0 to local7.
func facilityCode(name string) int {
	name = strings.ToLower(name)
	if digit, ok := strings.CutPrefix(name, "local"); ok && len(digit) == 1 {
		return 16 + int(digit[0]-'0')
	}
	return 1
}

// write sends a batch. Only the log's writer calls it.
func (w *sysWriter) write(batch []sysMessage) {
	for _, m := range batch {
		if w.conn == nil {
			conn, err := net.Dial("unixgram", w.path)
			if err != nil {
				return
			}
			w.conn = conn
		}
		_ = w.conn.SetWriteDeadline(time.Now().Add(syslogWait))
		if _, err := w.conn.Write([]byte(w.packet(m))); err != nil {
			_ = w.conn.Close()
			w.conn = nil
			return
		}
	}
}

// packet is a message as the local syslog daemon reads it.
func (w *sysWriter) packet(m sysMessage) string {
	tag := w.ident
	if w.pid != 0 {
		tag = fmt.Sprintf("%s[%d]", w.ident, w.pid)
	}
	return fmt.Sprintf("<%d>%s %s: %s", w.facility<<3|severity(m.level), m.when.Format(time.Stamp), tag, m.text)
}

// severity is syslog's priority of a level.
func severity(l slog.Level) int {
	switch {
	case l >= levelWarning:
		return 4
	case l >= levelNotice:
		return 5
	case l >= levelVerbose:
		return 6
	default:
		return 7
	}
}
