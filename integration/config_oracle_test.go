package integration

import (
	"bufio"
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

var record = flag.Bool("record", false, "rewrite what the original says in conf/testdata/oracle.json")

// oracleFile holds configurations with what the original makes of them. The
// tests of conf compare ours with it; this test compares the original.
const oracleFile = "../conf/testdata/oracle.json"

// oracleCase is one configuration: a file (after oracleHead), arguments, and
// perhaps files to include.
type oracleCase struct {
	In    string   `json:"in"`
	Args  []string `json:"args,omitempty"`
	Files bool     `json:"files,omitempty"`
	// Differs says why ours differs; what follows is then ours.
	Differs string `json:"differs,omitempty"`
	oracleResult
}

// oracleResult is a rejected line, another way to stop, or a rewritten file.
type oracleResult struct {
	Line    int      `json:"line,omitempty"`
	Text    string   `json:"text,omitempty"`
	Message string   `json:"message,omitempty"`
	Stopped string   `json:"stopped,omitempty"` // the last log line
	Out     []string `json:"out,omitempty"`
}

type oracleCases struct {
	Files map[string]string `json:"files"`
	Cases []oracleCase      `json:"cases"`
}

const oracleHead = "port 0\nunixsocket s.sock\n"

// Rule: C-22, C-26, C-27, C-31, C-36, C-52, C-92 to C-105, and the tables 1.5,
// 1.8, 3.2 and 4.3: the recorded results are those of the original.
func TestConfigOfTheOriginal(t *testing.T) {
	original, err := exec.LookPath("redis-sentinel")
	if err != nil {
		t.Skip("redis-sentinel is not installed")
	}
	content, err := os.ReadFile(oracleFile)
	require.NoError(t, err)
	var all oracleCases
	require.NoError(t, json.Unmarshal(content, &all))
	t.Run("cases", func(t *testing.T) {
		for i := range all.Cases {
			c := &all.Cases[i]
			t.Run(fmt.Sprint(i), func(t *testing.T) {
				t.Parallel()
				t.Logf("%q %q", c.In, c.Args)
				got := runOriginal(t, original, c, all.Files)
				switch {
				case c.Differs != "":
					require.NotEqual(t, c.oracleResult, got, "the original does not differ")
				case *record:
					c.oracleResult = got
				default:
					require.Equal(t, c.oracleResult, got)
				}
			})
		}
	})
	if *record {
		var b bytes.Buffer
		enc := json.NewEncoder(&b)
		enc.SetEscapeHTML(false)
		enc.SetIndent("", " ")
		require.NoError(t, enc.Encode(all))
		require.NoError(t, os.WriteFile(oracleFile, b.Bytes(), 0o644))
	}
}

// runOriginal starts the original until it has written its file, or given up.
func runOriginal(t *testing.T, program string, c *oracleCase, files map[string]string) oracleResult {
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
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	stdout, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	giveUp := time.AfterFunc(30*time.Second, func() { cmd.Process.Kill() })
	defer giveUp.Stop()
	var id, last string
	for lines := bufio.NewScanner(stdout); lines.Scan(); {
		last = lines.Text()
		if _, found, ok := strings.Cut(last, "Sentinel ID is "); ok {
			id = found
			require.NoError(t, cmd.Process.Signal(syscall.SIGTERM))
		}
	}
	err = cmd.Wait()
	if id == "" {
		require.Error(t, err)
		return oracleFailure(stderr.String(), last, dir)
	}
	require.NoError(t, err)
	text, err := os.ReadFile(path)
	require.NoError(t, err)
	return oracleResult{Out: normalLines(string(text), dir, id)}
}

// oracleFailure reads the block of C-22, or else the last log line.
func oracleFailure(stderr, last, dir string) oracleResult {
	lines := strings.Split(strings.TrimSuffix(stderr, "\n"), "\n")
	if len(lines) < 3 || lines[0] != "" {
		_, message, _ := strings.Cut(last, " # ")
		return oracleResult{Stopped: strings.ReplaceAll(message, dir, "DIR")}
	}
	r := oracleResult{Message: lines[len(lines)-1]}
	if n, err := fmt.Sscanf(lines[2], "Reading the configuration file, at line %d", &r.Line); n == 1 && err == nil {
		text := strings.Join(lines[3:len(lines)-1], "\n")
		r.Text = strings.TrimSuffix(strings.TrimPrefix(text, ">>> '"), "'")
	}
	return r
}

// normalLines is a rewritten file with the directory and the id replaced, and
// with lines sorted whose order the original leaves to chance: those after the
// marker (C-96), and all if there are several masters, peers or renames (C-60,
// C-105).
func normalLines(text, dir, id string) []string {
	text = strings.NewReplacer(dir, "DIR", id, "ID").Replace(text)
	lines := strings.Split(text, "\n")
	from := slices.Index(lines, "# Generated by CONFIG REWRITE") + 1
	for _, chance := range []string{"monitor", "known-sentinel", "rename-command"} {
		if strings.Count(text, "\nsentinel "+chance+" ") > 1 {
			from = 0
		}
	}
	slices.Sort(lines[from:])
	return lines
}
