package daemon

import (
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"gosentinel/sentinel"
)

// scriptBed runs scripts of a temporary directory.
type scriptBed struct {
	*scripts
	t      *testing.T
	dir    string
	inputs chan sentinel.Input
}

func newScriptBed(t *testing.T) *scriptBed {
	b := &scriptBed{t: t, dir: t.TempDir(), inputs: make(chan sentinel.Input, 16)}
	b.scripts = newScripts(func(in sentinel.Input) { b.inputs <- in })
	return b
}

// script writes an executable file.
func (b *scriptBed) script(text string) (path string) {
	path = filepath.Join(b.dir, "script.sh")
	require.NoError(b.t, os.WriteFile(path, []byte("#!/bin/sh\n"+text), 0o755))
	return path
}

// next is the next input.
func (b *scriptBed) next() sentinel.Input {
	b.t.Helper()
	select {
	case in := <-b.inputs:
		return in
	case <-time.After(30 * time.Second):
		b.t.Fatal("the script told nothing")
		return nil
	}
}

// Rule: B-920, B-922: a direct exec with our environment and working directory,
// without our sockets.
func TestScriptEnvironment(t *testing.T) {
	b := newScriptBed(t)
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer ln.Close()
	out := filepath.Join(b.dir, "out")
	t.Setenv("SCRIPT_OUT", out)
	path := b.script(`
for word; do printf '[%s]' "$word" >> "$SCRIPT_OUT"; done
echo >> "$SCRIPT_OUT"
pwd >> "$SCRIPT_OUT"
ls -l /proc/$$/fd | grep -c socket >> "$SCRIPT_OUT"
exit 0
`)
	b.run(1, []string{path, "+odown", "master mm 127.0.0.1 42001 #quorum 1/1"})
	up := b.next().(sentinel.ScriptUp)
	require.EqualValues(t, 1, up.Job)
	require.Positive(t, up.PID)
	require.Equal(t, sentinel.ScriptDone{Job: 1}, b.next())
	text, err := os.ReadFile(out)
	require.NoError(t, err)
	dir, err := os.Getwd()
	require.NoError(t, err)
	require.Equal(t, "[+odown][master mm 127.0.0.1 42001 #quorum 1/1]\n"+dir+"\n0\n", string(text))
}

// Rule: B-924.
func TestScriptEnds(t *testing.T) {
	for _, tc := range []struct {
		name, text string
		want       sentinel.ScriptDone
	}{
		{"done", "exit 0", sentinel.ScriptDone{Job: 4}},
		{"retry", "exit 1", sentinel.ScriptDone{Job: 4, Code: 1}},
		{"failure", "exit 200", sentinel.ScriptDone{Job: 4, Code: 200}},
		{"signal", "kill -TERM $$", sentinel.ScriptDone{Job: 4, Signal: int(syscall.SIGTERM)}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			b := newScriptBed(t)
			b.run(4, []string{b.script(tc.text)})
			require.IsType(t, sentinel.ScriptUp{}, b.next())
			require.Equal(t, tc.want, b.next())
		})
	}
}

// Rule: B-924: what cannot be executed is never started. No PATH is searched.
func TestScriptCannotBeStarted(t *testing.T) {
	b := newScriptBed(t)
	plain := filepath.Join(b.dir, "plain")
	require.NoError(t, os.WriteFile(plain, []byte("text"), 0o644))
	for i, path := range []string{filepath.Join(b.dir, "missing"), plain, b.dir, "sh", "a\x00b", ""} {
		b.run(sentinel.JobID(i), []string{path})
		require.Equal(t, sentinel.ScriptUp{Job: sentinel.JobID(i)}, b.next(), path)
	}
	require.Empty(t, b.jobs)
}

// Rule: B-925.
func TestKillJob(t *testing.T) {
	b := newScriptBed(t)
	path := b.script("trap '' TERM INT; while :; do read x < /dev/zero; done")
	b.run(1, []string{path})
	require.IsType(t, sentinel.ScriptUp{}, b.next())
	b.kill(1)
	require.Equal(t, sentinel.ScriptDone{Job: 1, Signal: int(syscall.SIGKILL)}, b.next())
	b.kill(1) // has ended
	b.kill(9) // never was

	b.run(2, []string{path})
	b.kill(2) // perhaps before it is started
	up := b.next().(sentinel.ScriptUp)
	require.Equal(t, sentinel.ScriptDone{Job: 2, Signal: int(syscall.SIGKILL)}, b.next())
	_, err := os.Stat("/proc/" + strconv.Itoa(up.PID) + "/exe")
	require.Error(t, err, "it is reaped")
}

// Rule: B-922: several scripts run in parallel.
func TestScriptsRunInParallel(t *testing.T) {
	b := newScriptBed(t)
	pipe := filepath.Join(b.dir, "pipe")
	require.NoError(t, syscall.Mkfifo(pipe, 0o600))
	b.run(1, []string{b.script(`read line < "$1"; exit 3`), pipe})
	b.run(2, []string{"/bin/sh", "-c", `echo x > "$0"`, pipe})
	var got []string
	for range 4 {
		got = append(got, describe(b.next()))
	}
	require.Contains(t, strings.Join(got, " "), "ScriptDone{Job:1 Code:3 Signal:0}")
}
