package integration

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"gosentinel/integration/fixture"
)

var (
	configs    = flag.Int("configs", 120, "how many configuration files to start the original and ours with")
	configSeed = flag.Uint64("config-seed", 0, "the seed of the configuration files at random; 0: one of the moment")
)

// Both are started with the same files and arguments: first those whose effect
// on the original is recorded, as many as fit, then files put together at
// random of their lines. Exit status, stderr, the last line of the log if it
// gives up, and the rewritten file are the same, but for the table of
// differences.
//
// Rule: C-1 to C-28, C-31, C-36, C-37, C-46, C-50, C-52 to C-61, C-92 to C-105, R-3.
func TestStartsAgainstTheOriginal(t *testing.T) {
	fixture.NeedsOriginal(t)
	s := *configSeed
	if s == 0 {
		s = uint64(time.Now().UnixNano())
	}
	fmt.Fprintf(os.Stderr, "configuration files at random: -config-seed %d\n", s)
	content, err := os.ReadFile(oracleFile)
	require.NoError(t, err)
	var all oracleCases
	require.NoError(t, json.Unmarshal(content, &all))
	rows := readDifferences(t, "testdata/startup-differences.txt")
	rnd := rand.New(rand.NewPCG(s, 0))
	cases := append(recorded(rnd, all, *configs/2), // and some that chance has found
		oracleCase{In: "sentinel monitor m 127.0.0.1 0 1\nsentinel known-slave m 127.2 0\n"},
		oracleCase{In: "sentinel announce-ip \"a b\"\nsentinel auth-user m u\n"}, oracleCase{In: "user \"\"\n"},
		oracleCase{In: "sentinel monitor m 127.0.0.1. 0 1\nsentinel monitor m 127.0.0.1 0 1\nsentinel resolve-hostnames yes\n"})
	files := newFiles(all, rnd)
	for len(cases) < *configs {
		cases = append(cases, files.next())
	}
	var applying sync.Mutex // rows note that they matched
	t.Run("files", func(t *testing.T) {
		for i, c := range cases {
			t.Run(fmt.Sprint(i), func(t *testing.T) {
				t.Parallel()
				o := &op{text: c.In + strings.Join(c.Args, " ")}
				want := startUp(t, fixture.Programs.Original, c, all.Files)
				applying.Lock()
				want = rows.apply(o, want, talk{})
				applying.Unlock()
				is := startUp(t, fixture.Programs.Ours, c, all.Files)
				if want != is {
					t.Errorf("-config-seed %d\n%q %q\n%s", s, c.In, c.Args, lineDiff(want, is))
				}
			})
		}
	})
	fmt.Printf("%d configuration files compared, seed %d\n", len(cases), s)
	if *configs >= 2000 {
		require.Empty(t, rows.unused(), "these rows of the table of differences match nothing")
	}
}

// recorded are n of the recorded cases, or all of them, without those that
// conf compares as intended differences.
func recorded(rnd *rand.Rand, all oracleCases, n int) (some []oracleCase) {
	for _, i := range rnd.Perm(len(all.Cases)) {
		if c := all.Cases[i]; len(some) < n && c.Differs == "" && usable(c.In+"\n"+strings.Join(c.Args, "\n")) {
			some = append(some, c)
		}
	}
	return some
}

// unusable are directives that would make the two disturb each other or their
// surroundings, or whose place in the order of the start has changed (2.4).
var unusable = regexp.MustCompile(`(?im)^["' \t-]*(port|tls-port|bind|unixsocket|daemonize|supervised|syslog-enabled|oom-score-adj|maxclients|pidfile|dir|tls-replication|tls-cluster|cluster-enabled|replicaof|slaveof|appendonly|aclfile|maxmemory|activedefrag|locale-collate|socket-mark-id|server_cpulist|logfile|always-show-logo|set-proc-title|loglevel)\b`)

// misread are numbers of sentinel lines that the original misreads and ours
// refuses, which conf compares one by one, and masters that go down
// while we look.
var misread = regexp.MustCompile(`(?im)^["' \t]*sentinel["' \t]+(monitor\s+\S+\s+\S+\s+\S*[^0-9\s"-]|(monitor|known-\w+)\s+\S+\s+\S+\s+\S+\s+\S*[^0-9\s"-]|` +
	`known-\w+\s+\S+\s+\S+\s+\S*[^0-9\s"-]|announce-port\s+\S*[^0-9\s"-]|current-epoch\s+\S*[^0-9\s"]|` +
	`(parallel-syncs|\w+-epoch|\w+-timeout|\S+-milliseconds|\S+-period)\s+\S+\s+\S*[^0-9\s"-]|down-after-milliseconds\s+\S+\s+\d{1,4}\s*$|` +
	`(monitor|known-\w+|announce-port|parallel-syncs|\w+-timeout|\S+-milliseconds|\S+-period)\s.*["\s]\d{10,})`)

func usable(text string) bool {
	return !unusable.MatchString(text) && !misread.MatchString(text) && !knownTwice(text)
}

// knownTwice tells of a file that may list an instance twice: the original
// refuses it, ours does not, which conf compares.
func knownTwice(text string) bool {
	for _, sub := range []string{"known-replica", "known-slave", "known-sentinel"} {
		if strings.Count(strings.ToLower(text), sub) > 1 || sub != "known-sentinel" && strings.Count(strings.ToLower(text), "known-") > 1 {
			return true
		}
	}
	return false
}

// files puts configuration files together at random.
type files struct {
	*rand.Rand
	lines []string
	words []string
}

func newFiles(all oracleCases, rnd *rand.Rand) *files {
	f := &files{Rand: rnd}
	for _, c := range all.Cases {
		if c.Differs != "" {
			continue
		}
		for line := range strings.SplitSeq(c.In, "\n") {
			if line != "" && usable(line) && !slices.Contains(f.lines, line) {
				f.lines = append(f.lines, line)
				for w := range strings.FieldsSeq(line) {
					if !slices.Contains(f.words, w) {
						f.words = append(f.words, w)
					}
				}
			}
		}
	}
	return f
}

// next is a file of a few lines: as they stand in the recorded cases, with
// other blanks and quotes, in another case, or with a word of another line.
func (f *files) next() oracleCase {
	for {
		var lines []string
		if f.IntN(2) == 0 {
			lines = append(lines, "sentinel monitor m 127.0.0.1 0 1")
		}
		for range 1 + f.IntN(5) {
			lines = append(lines, f.change(f.lines[f.IntN(len(f.lines))]))
		}
		f.Shuffle(len(lines), func(i, j int) { lines[i], lines[j] = lines[j], lines[i] })
		c := oracleCase{In: strings.Join(lines, "\n") + "\n", Files: true}
		if usable(c.In) && !strings.Contains(c.In, "\x00") && !strings.Contains(c.In, `\x00`) {
			return c
		}
	}
}

func (f *files) change(line string) string {
	words := strings.Fields(line)
	if len(words) == 0 {
		return line
	}
	switch f.IntN(12) {
	case 0:
		return "  " + strings.ReplaceAll(line, " ", " \t ") + " \r"
	case 1:
		words[f.IntN(len(words))] = f.words[f.IntN(len(f.words))]
		return strings.Join(words, " ")
	case 2:
		i := f.IntN(len(words))
		words[i] = `"` + words[i] + `"`
		return strings.Join(words, " ")
	case 3:
		words[0] = strings.ToUpper(words[0])
		return strings.Join(words, " ")
	case 4:
		return strings.Join(words[:len(words)-1], " ")
	case 5:
		return line + " " + f.words[f.IntN(len(f.words))]
	}
	return line
}

// startUp runs a program on a file until it listens and has an id, then ends
// it, or until it gives up, and tells what it left: exit status, stderr, the
// last message of the log if it gave up, the file.
func startUp(t *testing.T, program string, c oracleCase, files map[string]string) string {
	dir, err := filepath.EvalSymlinks(t.TempDir())
	require.NoError(t, err)
	if c.Files {
		for name, text := range files {
			path := filepath.Join(dir, name)
			require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
			require.NoError(t, os.WriteFile(path, []byte(text), 0o644))
		}
	}
	path := filepath.Join(dir, "s.conf")
	require.NoError(t, os.WriteFile(path, []byte(oracleHead+c.In), 0o644))
	cmd := exec.Command(program, append([]string{"s.conf"}, c.Args...)...)
	cmd.Dir = dir
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	require.NoError(t, cmd.Start())
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	signalled := waitListening(cmd, path, filepath.Join(dir, "s.sock"), ended)

	var b strings.Builder
	fmt.Fprintf(&b, "exit %d\n", cmd.ProcessState.ExitCode())
	text := strings.ReplaceAll(stderr.String(), dir, "DIR")
	for _, l := range strings.Split(text, "\n") {
		if !strings.Contains(l, "signal-handler") && l != "" {
			b.WriteString("stderr " + l + "\n")
		}
	}
	if !signalled {
		lines := strings.Split(strings.TrimSpace(stdout.String()), "\n")
		_, message, _ := strings.Cut(lines[len(lines)-1], " # ")
		b.WriteString("stopped " + strings.ReplaceAll(message, dir, "DIR") + "\n")
	}
	rewritten, err := os.ReadFile(path)
	require.NoError(t, err)
	id := "no id"
	if m := ownID.FindStringSubmatch(string(rewritten)); m != nil && !strings.Contains(c.In, m[1]) {
		id = m[1]
	}
	for _, l := range normalLines(string(rewritten), dir, id) {
		l = aclRules.ReplaceAllString(l, "<rules>")
		if !strings.Contains(strings.ToLower(c.In), "leader-epoch") {
			l = leaderEpoch.ReplaceAllString(l, "$1<epoch>")
		}
		b.WriteString("file " + l + "\n")
	}
	return b.String()
}

// leaderEpoch is a line that ours writes with the current epoch if there was
// none, the original with 0 (E-21).
var leaderEpoch = regexp.MustCompile(`^(sentinel leader-epoch \S+ )\d+`)

var ownID = regexp.MustCompile(`(?m)^sentinel myid (\w{40})$`)

// waitListening waits until the program listens and has saved its id, then
// ends it with SIGTERM; false if it ended by itself.
func waitListening(cmd *exec.Cmd, path, socket string, ended chan error) bool {
	deadline := time.NewTimer(30 * time.Second)
	defer deadline.Stop()
	poll := time.NewTicker(3 * time.Millisecond)
	defer poll.Stop()
	for signalled := false; ; {
		select {
		case <-ended:
			return signalled
		case <-deadline.C:
			_ = cmd.Process.Kill()
			<-ended
			return false
		case <-poll.C:
		}
		if text, err := os.ReadFile(path); signalled || err != nil || !ownID.Match(text) {
			continue
		}
		if conn, err := net.Dial("unix", socket); err == nil {
			conn.Close()
			signalled = cmd.Process.Signal(syscall.SIGTERM) == nil
		}
	}
}
