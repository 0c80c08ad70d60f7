package daemon

import (
	"bytes"
	"io"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"gosentinel/sentinel"
)

// patience is how long a test waits for what must happen.
const patience = 30 * time.Second

// newTestSink is a sink that the test closes.
func newTestSink(t *testing.T, out io.Writer) *logSink {
	s := newLogSink(4711, out)
	t.Cleanup(func() { s.close(patience) })
	return s
}

// messages strips the prefix of log lines, all but the level.
func messages(log string) []string {
	prefix := regexp.MustCompile(`^[0-9]+:X [0-9]{2} [A-Z][a-z]{2} [0-9]{4} [0-9:]{8}\.[0-9]{3} `)
	var out []string
	for line := range strings.Lines(log) {
		out = append(out, prefix.ReplaceAllString(strings.TrimSuffix(line, "\n"), ""))
	}
	return out
}

// Rule: C-113, B-902.
func TestLogLine(t *testing.T) {
	at := time.Date(2026, time.November, 2, 9, 13, 33, 981_400_000, time.FixedZone("x", 3600))
	require.Equal(t, "21469:X 02 Nov 2026 09:13:33.981 # +monitor master mymaster 127.0.0.1 43010 quorum 2\n",
		string(appendLine(nil, "21469", at, levelWarning, "+monitor master mymaster 127.0.0.1 43010 quorum 2")))
	for level, mark := range map[sentinel.Level]byte{
		sentinel.LevelDebug: '.', sentinel.LevelVerbose: '-', sentinel.LevelNotice: '*', sentinel.LevelWarning: '#',
	} {
		require.Equal(t, string(mark), string(levelMark(eventLevel(level))))
		require.Equal(t, eventLevel(level), markLevel(mark))
	}
}

// Rule: C-113: a message is cut, and stays one line.
func TestLogMessageIsBounded(t *testing.T) {
	var out bytes.Buffer
	s := newTestSink(t, &out)
	s.logger().Info(strings.Repeat("x", 1022) + "yz")
	s.logger().Info("a\nb", "key", "not shown")
	s.flush(patience)
	require.Equal(t, []string{"* " + strings.Repeat("x", 1022) + "y", "* a b"}, messages(out.String()))
}

// Whoever chose a part of a message, it is one line that gives a terminal no
// orders.
//
// Rule: C-113.
func TestControlBytesDoNotReachTheLog(t *testing.T) {
	var out bytes.Buffer
	s := newTestSink(t, &out)
	for _, tc := range []struct{ message, want string }{
		{"plain text, \"quoted\" \\", "plain text, \"quoted\" \\"},
		{"a\x1b[31mb\rc\td\x00e\x7f", "a\\x1b[31mb\\x0dc\td\\x00e\\x7f"},
		{"a\r\nb", `a\x0d b`},
		{"Größe, ß, 日本, \xa0\xff", "Größe, ß, 日本, \xa0\xff"},
		{"csi \u009b of UTF-8, \x9b of Latin-1", `csi \xc2\x9b of UTF-8, \x9b of Latin-1`},
		{"torn \xc2", "torn \xc2"},
	} {
		out.Reset()
		s.logger().Info(tc.message)
		s.flush(patience)
		require.Equal(t, []string{"* " + tc.want}, messages(out.String()))
	}
	out.Reset()
	s.logger().Info(strings.Repeat("\x1b", 5000))
	s.flush(patience)
	require.Len(t, messages(out.String())[0], len("* ")+messageLimit)
}

// Rule: C-115.
func TestLogLevels(t *testing.T) {
	for _, tc := range []struct {
		level string
		want  []string
	}{
		{"debug", []string{". d", "- v", "* n", "# w"}},
		{"verbose", []string{"- v", "* n", "# w"}},
		{"notice", []string{"* n", "# w"}},
		{"WARNING", []string{"# w"}},
		{"nothing", nil},
	} {
		t.Run(tc.level, func(t *testing.T) {
			var out bytes.Buffer
			s := newTestSink(t, &out)
			require.True(t, s.setLevel(tc.level))
			require.False(t, s.setLevel("loud"))
			log := s.logger()
			log.Debug("d")
			log.Log(t.Context(), levelVerbose, "v")
			log.Info("n")
			log.Warn("w")
			s.flush(patience)
			require.Equal(t, tc.want, messages(out.String()))
		})
	}
}

// The file is opened for every message, so that renaming it is all that log
// rotation needs; one that cannot be opened loses its messages, silently.
//
// Rule: C-114.
func TestLogFileRotates(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "s.log")
	var out bytes.Buffer
	s := newTestSink(t, &out)
	log := s.logger()
	log.Info("to stdout")
	s.setFile(path)
	log.Info("one")
	s.flush(patience)
	require.NoError(t, os.Rename(path, path+".1"))
	log.Info("two")
	s.flush(patience)
	s.setFile(filepath.Join(dir, "missing", "s.log"))
	log.Info("lost")
	s.setFile(path)
	log.Info("three")
	s.flush(patience)

	require.Equal(t, []string{"* to stdout"}, messages(out.String()))
	require.Equal(t, []string{"* one"}, messages(readFile(t, path+".1")))
	require.Equal(t, []string{"* two", "* three"}, messages(readFile(t, path)))
}

func readFile(t *testing.T, path string) string {
	t.Helper()
	data, err := os.ReadFile(path)
	require.NoError(t, err)
	return string(data)
}

// gate is a writer that waits until it is opened.
type gate struct {
	open   chan struct{}
	inside chan struct{} // closed by the first Write
	once   sync.Once
	buf    bytes.Buffer
}

func (g *gate) Write(p []byte) (int, error) {
	g.once.Do(func() { close(g.inside) })
	<-g.open
	return g.buf.Write(p)
}

// A writer that is stuck stops nobody who logs: what waits is bounded, what
// does not fit is counted.
func TestLogNeverBlocks(t *testing.T) {
	g := &gate{open: make(chan struct{}), inside: make(chan struct{})}
	s := newTestSink(t, g)
	log := s.logger()
	log.Info("first")
	<-g.inside
	message := strings.Repeat("x", 1000)
	const sent = 2 * logQueueBytes / 1000
	for range sent {
		log.Info(message)
	}
	s.mu.Lock()
	waiting, dropped := len(s.lines), s.dropped
	s.mu.Unlock()
	require.LessOrEqual(t, waiting, logQueueBytes+2048)
	require.Positive(t, dropped)
	s.flush(time.Millisecond) // does not wait for ever

	close(g.open)
	s.flush(patience)
	lines := messages(g.buf.String())
	require.Equal(t, "* first", lines[0])
	require.Regexp(t, `^# \d+ log lines were dropped`, lines[len(lines)-1])
	require.Len(t, lines, 1+sent-dropped+1)
}

// Rule: C-113: lines of several goroutines stay whole, and those of each in order.
func TestLogKeepsOrder(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s.log")
	s := newTestSink(t, io.Discard)
	s.setFile(path)
	var wg sync.WaitGroup
	for g := range 4 {
		wg.Go(func() {
			log := s.logger()
			for i := range 200 {
				log.Info(string(rune('a'+g)) + strings.Repeat("x", i))
			}
		})
	}
	wg.Wait()
	s.flush(patience)
	next := map[byte]int{}
	for _, m := range messages(readFile(t, path)) {
		require.Equal(t, strings.Repeat("x", next[m[2]]), m[3:])
		next[m[2]]++
	}
	require.Equal(t, map[byte]int{'a': 200, 'b': 200, 'c': 200, 'd': 200}, next)
}

// Rule: C-117.
func TestSyslog(t *testing.T) {
	path := filepath.Join(t.TempDir(), "log")
	daemon, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
	require.NoError(t, err)
	defer daemon.Close()
	require.NoError(t, daemon.SetReadDeadline(time.Now().Add(patience)))
	receive := func() string {
		buf := make([]byte, 2048)
		n, err := daemon.Read(buf)
		require.NoError(t, err)
		return string(buf[:n])
	}
	var out bytes.Buffer
	s := newTestSink(t, &out)
	log := s.logger()
	s.setLevel("debug")

	early := newSysWriter("redis-sentinel", "user", 0)
	early.path = path
	s.setSyslog(early)
	log.Warn("early")
	require.Regexp(t, `^<12>[A-Z][a-z]{2} [ 123]\d \d\d:\d\d:\d\d redis-sentinel: early$`, receive())

	w := newSysWriter("redis", "LOCAL3", 99)
	w.path = path
	s.setSyslog(w)
	log.Debug("d")
	log.Log(t.Context(), levelVerbose, "v")
	log.Info("n")
	log.Warn("w")
	s.raw("1:signal-handler (1) not for syslog")
	for i, want := range []string{"d", "v", "n", "w"} {
		require.Regexp(t, `^<`+[]string{"159", "158", "157", "156"}[i]+`>.{15} redis\[99\]: `+want+`$`, receive())
	}
	s.flush(patience)
	require.Equal(t, []string{"# early", ". d", "- v", "* n", "# w", "1:signal-handler (1) not for syslog"}, messages(out.String()))

	// A daemon that is gone is harmless.
	require.NoError(t, daemon.Close())
	log.Info("alone")
	s.flush(patience)
	require.Contains(t, out.String(), "* alone\n")
}
