package daemon

import (
	"context"
	"io"
	"log/slog"
	"os"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"gosentinel/sentinel"
)

// The levels of log lines, as slog numbers. Info is the original's notice,
// Warn its warning; verbose lies between debug and notice.
const (
	levelDebug   = slog.LevelDebug
	levelVerbose = slog.Level(-2)
	levelNotice  = slog.LevelInfo
	levelWarning = slog.LevelWarn
	levelNothing = slog.Level(100) // `loglevel nothing`: above every line
)

const (
	// messageLimit is how many bytes of a message are kept.
	//
	// Rule: C-113.
	messageLimit = 1023

	// logQueueBytes bounds the lines that wait for a slow disk or a full pipe;
	// lines past it are counted and dropped, so that a stuck log never stops
	// the Sentinel.
	logQueueBytes = 4 << 20

	// logFileMode is the mode of a new log file, before the umask.
	//
	// Rule: C-114.
	logFileMode = 0o666
)

// eventLevel is the log level of an event's level.
func eventLevel(l sentinel.Level) slog.Level {
	switch l {
	case sentinel.LevelDebug:
		return levelDebug
	case sentinel.LevelVerbose:
		return levelVerbose
	case sentinel.LevelNotice:
		return levelNotice
	default:
		return levelWarning
	}
}

// parseLevel reads a loglevel as the directive spells it, in any case.
func parseLevel(name string) (l slog.Level, ok bool) {
	switch strings.ToLower(name) {
	case "debug":
		return levelDebug, true
	case "verbose":
		return levelVerbose, true
	case "notice":
		return levelNotice, true
	case "warning":
		return levelWarning, true
	case "nothing":
		return levelNothing, true
	default:
		return 0, false
	}
}

// logSink is where log lines go: one line of C-113 each to stdout or the log
// file, and the bare message to syslog if that is on. A goroutine of its own
// writes them, in order; logging itself never waits for a disk or a pipe. It is
// safe for concurrent use.
//
// Rule: C-113 to C-115, C-117.
type logSink struct {
	pid    string
	level  atomic.Int64
	stdout io.Writer

	mu      sync.Mutex
	changed sync.Cond // the queue, the writer's state or the targets changed
	file    string    // "" is stdout
	trusted owners    // whose log files may be appended to
	lines   []byte    // not yet taken by the writer
	sys     []sysMessage
	syslog  *sysWriter // nil is off
	dropped int        // lines lost since the writer last took some
	busy    bool       // the writer is writing what it took
	closed  bool
	done    chan struct{} // closed when the writer has ended
}

// newLogSink starts a sink that writes to stdout at level notice. pid is the
// number at the head of each line.
func newLogSink(pid int, stdout io.Writer) *logSink {
	s := &logSink{pid: strconv.Itoa(pid), stdout: stdout, done: make(chan struct{})}
	s.changed.L = &s.mu
	s.level.Store(int64(levelNotice))
	go s.write()
	return s
}

// logger gives the sink the shape that the rest of the program logs through.
func (s *logSink) logger() *slog.Logger { return slog.New(lineHandler{s}) }

// setLevel changes the lowest level that is printed; it reports whether name
// is one.
func (s *logSink) setLevel(name string) bool {
	l, ok := parseLevel(name)
	if ok {
		s.level.Store(int64(l))
	}
	return ok
}

// setTrusted says whose files are taken for log files of ours; it comes before
// the first setFile.
func (s *logSink) setTrusted(trusted owners) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.trusted = trusted
}

// openLog opens a log file to append to it, and creates it.
//
// Rule: C-114, R-26.
func openLog(path string, trusted owners) (*os.File, error) {
	return openOurs(path, os.O_WRONLY|os.O_APPEND|os.O_CREATE, logFileMode, trusted)
}

// setFile sends the lines that follow to path, or to stdout if it is empty.
// Lines logged before still go where they belong.
func (s *logSink) setFile(path string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if path == s.file {
		return
	}
	for len(s.lines) > 0 || s.busy {
		s.changed.Wait()
	}
	s.file = path
}

// setSyslog has messages sent to w as well, or no longer if w is nil.
func (s *logSink) setSyslog(w *sysWriter) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for len(s.sys) > 0 || s.busy {
		s.changed.Wait()
	}
	s.syslog = w
}

// enabled reports whether lines of level l are printed.
func (s *logSink) enabled(l slog.Level) bool {
	return int64(l) >= s.level.Load() && s.level.Load() != int64(levelNothing)
}

// add queues the line of a message.
func (s *logSink) add(t time.Time, l slog.Level, msg string) {
	msg = printable(msg[:min(len(msg), messageLimit)])
	msg = msg[:min(len(msg), messageLimit)]
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.roomFor(len(msg)) {
		return
	}
	s.lines = appendLine(s.lines, s.pid, t, l, msg)
	if s.syslog != nil {
		s.sys = append(s.sys, sysMessage{t, l, msg})
	}
	s.changed.Broadcast()
}

// raw queues a whole line as it stands, for the log file or stdout only.
func (s *logSink) raw(line string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.roomFor(len(line)) {
		return
	}
	s.lines = append(append(s.lines, line...), '\n')
	s.changed.Broadcast()
}

// roomFor reports whether n bytes more may wait, and counts the line as lost
// if not. The caller holds mu.
func (s *logSink) roomFor(n int) bool {
	if s.closed || len(s.lines)+n > logQueueBytes {
		s.dropped++
		return false
	}
	return true
}

// flush waits until every line logged before is written, at most for the
// given time.
func (s *logSink) flush(most time.Duration) {
	expired := false
	timer := time.AfterFunc(most, func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		expired = true
		s.changed.Broadcast()
	})
	defer timer.Stop()
	s.mu.Lock()
	defer s.mu.Unlock()
	for (len(s.lines) > 0 || s.busy) && !expired {
		s.changed.Wait()
	}
}

// close flushes and ends the writer; lines logged afterwards are lost.
func (s *logSink) close(most time.Duration) {
	s.flush(most)
	s.mu.Lock()
	s.closed = true
	s.changed.Broadcast()
	s.mu.Unlock()
}

// write is the writer goroutine: it takes all that waits and writes it at
// once, opening the file anew each time.
func (s *logSink) write() {
	defer close(s.done)
	var spare []byte
	var spareSys []sysMessage
	s.mu.Lock()
	defer s.mu.Unlock()
	for {
		for len(s.lines) == 0 && !s.closed {
			s.changed.Wait()
		}
		if len(s.lines) == 0 {
			return
		}
		if s.dropped > 0 {
			msg := strconv.Itoa(s.dropped) + " log lines were dropped here: the log could not be written fast enough."
			s.lines = appendLine(s.lines, s.pid, time.Now(), levelWarning, msg)
			s.dropped = 0
		}
		lines, sys, file, trusted, syslog := s.lines, s.sys, s.file, s.trusted, s.syslog
		s.lines, s.sys, s.busy = spare[:0], spareSys[:0], true
		s.mu.Unlock()
		s.writeOut(file, trusted, lines)
		if syslog != nil {
			syslog.write(sys)
		}
		s.mu.Lock()
		clear(sys)
		spare, spareSys, s.busy = lines, sys, false
		s.changed.Broadcast()
	}
}

// writeOut appends lines to the file, or to stdout. What cannot be written is
// lost, silently.
//
// Rule: C-114.
func (s *logSink) writeOut(file string, trusted owners, lines []byte) {
	if file == "" {
		_, _ = s.stdout.Write(lines)
		return
	}
	f, err := openLog(file, trusted)
	if err != nil {
		return
	}
	_, _ = f.Write(lines)
	_ = f.Close()
}

// appendLine appends one log line.
//
// Rule: C-113.
func appendLine(b []byte, pid string, t time.Time, l slog.Level, msg string) []byte {
	b = append(b, pid...)
	b = append(b, ":X "...)
	b = t.AppendFormat(b, "02 Jan 2006 15:04:05.000")
	b = append(b, ' ', levelMark(l), ' ')
	b = append(b, msg...)
	return append(b, '\n')
}

// levelMark is the character that shows a level.
func levelMark(l slog.Level) byte {
	switch {
	case l >= levelWarning:
		return '#'
	case l >= levelNotice:
		return '*'
	case l >= levelVerbose:
		return '-'
	default:
		return '.'
	}
}

// markLevel is the level that a character of C-113 shows.
func markLevel(mark byte) slog.Level {
	switch mark {
	case '#':
		return levelWarning
	case '*':
		return levelNotice
	case '-':
		return levelVerbose
	default:
		return levelDebug
	}
}

// lineHandler lets slog print to a sink. The message is the original's text
// and stands alone: attributes are not shown.
type lineHandler struct{ sink *logSink }

func (h lineHandler) Enabled(_ context.Context, l slog.Level) bool { return h.sink.enabled(l) }

func (h lineHandler) Handle(_ context.Context, r slog.Record) error {
	h.sink.add(r.Time, r.Level, r.Message)
	return nil
}

func (h lineHandler) WithAttrs([]slog.Attr) slog.Handler { return h }
func (h lineHandler) WithGroup(string) slog.Handler      { return h }
