package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"gosentinel/internal/daemon"
)

// invoke runs the program in process.
func invoke(args ...string) (status int, stdout, stderr string) {
	var out, errs bytes.Buffer
	status = run(append([]string{"redis-sentinel"}, args...), daemon.Streams{In: strings.NewReader(""), Out: &out, Err: &errs})
	return status, out.String(), errs.String()
}

// A first argument that is a sub-command's name and not an existing file is
// that sub-command; everything else is the drop-in invocation.
//
// Rule: R-12, C-40, C-41.
func TestInvocation(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir)
	missing := filepath.Join(dir, "missing.conf")
	for _, tc := range []struct {
		name           string
		args           []string
		status         int
		stdout, stderr string // what each begins with or, for a log line, holds
	}{
		{"sub-command", []string{"version"}, 0, "gosentinel " + daemon.Version, ""},
		{"sub-command with too much", []string{"version", "x"}, 1, "", "Error: "},
		{"information option", []string{"--version"}, 0, "Redis server v=7.2.4 ", ""},
		{"help goes to stderr", []string{"--help"}, 1, "", "Usage: "},
		{"help is no sub-command", []string{"help"}, 1, "Fatal error, can't open config file '" + dir + "/help': No such file or directory", ""},
		{"completion is no sub-command", []string{"completion"}, 1, "can't open config file '" + dir + "/completion'", ""},
		{"cobra's hidden completion is none", []string{"__complete", ""}, 1, "can't open config file '" + dir + "/__complete'", ""},
		{"a later word is no sub-command", []string{missing, "version"}, 1, "can't open config file '" + missing, ""},
		{"nor is one after an option", []string{"--port", "version"}, 1, "", "\n*** FATAL CONFIG FILE ERROR (Redis 7.2.4) ***\nReading the configuration file, at line 2\n>>> 'port \"version\"'\n"},
		{"--version is information only at first", []string{missing, "--version"}, 1, "can't open config file", ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			status, stdout, stderr := invoke(tc.args...)
			require.Equal(t, tc.status, status)
			require.Contains(t, stdout, tc.stdout)
			require.Truef(t, strings.HasPrefix(stderr, tc.stderr), "stderr: %q", stderr)
			if tc.stderr == "" {
				require.Empty(t, stderr)
			}
			if tc.stdout == "" {
				require.Empty(t, stdout)
			}
		})
	}
}

// Under any name, with --sentinel or without, the program is a Sentinel.
//
// Rule: C-33, R-12.
func TestAlwaysASentinel(t *testing.T) {
	t.Chdir(t.TempDir())
	for _, args := range [][]string{{"redis-sentinel"}, {"/usr/bin/gosentinel"}, {"redis-server", "--port", "1"}, {"x", "--port", "1", "--sentinel"}} {
		var out, errs bytes.Buffer
		require.Equal(t, 1, run(args, daemon.Streams{In: strings.NewReader(""), Out: &out, Err: &errs}))
		require.Contains(t, out.String(), "Sentinel needs config file on disk to save state. Exiting...", args)
		require.Empty(t, errs.String())
	}
}

// Rule: R-12.
func TestFileWins(t *testing.T) {
	t.Chdir(t.TempDir())
	require.NoError(t, os.WriteFile("version", []byte("no-such-directive 1\n"), 0o600))
	status, stdout, stderr := invoke("version")
	require.Equal(t, 1, status)
	require.Empty(t, stdout)
	require.Contains(t, stderr, ">>> 'no-such-directive 1'\nBad directive or wrong number of arguments\n")
}
