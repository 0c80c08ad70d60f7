package daemon

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// fatalStart is a start that ends at once with status 1.
type fatalStart struct {
	name  string
	file  string   // content of s.conf; "-" is no file
	args  []string // %d is the directory, %p a port that is taken
	stdin string
	// as7 says that the original words it the same way, versions aside.
	as7 bool
	// stdout are the last log lines, stderr is all of it; %d and %p as in args.
	stdout []string
	stderr string
}

const minimal = "sentinel monitor mm 127.0.0.1 1 2\n"

func fatalBlock(where, message string) string {
	return "\n*** FATAL CONFIG FILE ERROR (Redis 7.2.4) ***\n" + where + message + "\n"
}

func fatalStarts() []fatalStart {
	const conf, taken = "%d/s.conf", "Warning: Could not create server TCP listening socket 127.0.0.1:%p: bind: Address already in use"
	long := strings.Repeat("x", 120)
	return []fatalStart{
		{"no file", "-", nil, "", true, []string{"# Sentinel needs config file on disk to save state. Exiting..."}, ""},
		{"options only", "-", []string{"--port", "26379"}, "", true, []string{"# Sentinel needs config file on disk to save state. Exiting..."}, ""},
		{"stdin only", "-", []string{"-"}, minimal, false, []string{"* Reading config from stdin", "# Sentinel needs config file on disk to save state. Exiting..."}, ""},
		{"missing file", "-", []string{"x.conf"}, "", true, []string{"# Fatal error, can't open config file '%d/x.conf': No such file or directory"}, ""},
		{"a directory", "-", []string{"."}, "", false, []string{"# Fatal error, can't open config file '%d/.': Is a directory"}, ""},
		{"missing include", "include x.conf\n", []string{conf}, "", true, []string{"# Fatal error, can't open config file 'x.conf': No such file or directory"}, ""},
		{"bad line", "port 1\nbogus 1\n", []string{conf}, "", true, nil, fatalBlock("Reading the configuration file, at line 2\n>>> 'bogus 1'\n", "Bad directive or wrong number of arguments")},
		{"bad line in stdin", "port 1\n", []string{conf, "-"}, "bogus 1\n", false, []string{"* Reading config from stdin"}, fatalBlock("Reading the configuration file, at line 2\n>>> 'bogus 1'\n", "Bad directive or wrong number of arguments")},
		{"bad option", "port 1\n", []string{conf, "--bogus", "1"}, "", true, nil, fatalBlock("Reading the configuration file, at line 3\n>>> 'bogus \"1\"'\n", "Bad directive or wrong number of arguments")},
		{"a bad option wins over the missing file", "-", []string{"--bogus", "1"}, "", true, nil, fatalBlock("Reading the configuration file, at line 2\n>>> 'bogus \"1\"'\n", "Bad directive or wrong number of arguments")},
		{"bad sentinel line", "sentinel monitor mm 127.0.0.1 1 0\n", []string{conf}, "", true, nil, fatalBlock("Reading the configuration file, at line 1\n>>> 'sentinel monitor mm 127.0.0.1 1 0'\n", "Quorum must be 1 or greater.")},
		{"bad dir", "dir /nonexistent\n", []string{conf}, "", true, nil, fatalBlock("Reading the configuration file, at line 1\n>>> 'dir /nonexistent'\n", "No such file or directory")},
		{"bad log file", "logfile /nonexistent/x\n", []string{conf}, "", true, nil, fatalBlock("", "Can't open the log file: No such file or directory")},
		{"-v is no longer an information option", minimal, []string{conf, "-v"}, "", true, nil, fatalBlock("Reading the configuration file, at line 3\n>>> '\"-v\"'\n", "Bad directive or wrong number of arguments")},

		{"port taken", minimal, []string{conf, "--port", "%p", "--bind", "127.0.0.1"}, "", false, []string{"# " + taken, "# Failed listening on port %p (tcp), aborting."}, ""},
		{"optional does not help", minimal, []string{conf, "--port", "%p", "--bind", "-127.0.0.1"}, "", false, []string{"# " + taken, "# Failed listening on port %p (tcp), aborting."}, ""},
		{"only an optional address, not there", minimal, []string{conf, "--port", "%p", "--bind", "-192.0.2.1"}, "", true,
			[]string{"# Warning: Could not create server TCP listening socket 192.0.2.1:%p: bind: Cannot assign requested address", "# Configured to not listen anywhere, exiting."}, ""},
		{"an address, not there", minimal, []string{conf, "--port", "%p", "--bind", "192.0.2.1"}, "", false,
			[]string{"# Warning: Could not create server TCP listening socket 192.0.2.1:%p: bind: Cannot assign requested address", "# Failed listening on port %p (tcp), aborting."}, ""},
		{"no port", minimal, []string{conf, "--port", "0"}, "", true, []string{"# Configured to not listen anywhere, exiting."}, ""},
		{"no address", minimal, []string{conf, "--port", "%p", "--bind", ""}, "", true, []string{"# Configured to not listen anywhere, exiting."}, ""},
		{"socket path too long", minimal, []string{conf, "--port", "0", "--unixsocket", "/" + long}, "", true, []string{"# Failed opening Unix socket: unix socket path too long (121), must be under 108"}, ""},
		{"socket cannot be made", minimal, []string{conf, "--port", "0", "--unixsocket", "/nonexistent/s"}, "", true, []string{"# Failed opening Unix socket: bind: No such file or directory"}, ""},

		{"users in two places", minimal + "user bob on\naclfile x.acl\n", []string{conf, "--port", "0", "--unixsocket", "u.sock"}, "", true, []string{"# Configuring Redis with users defined in redis.conf and at the same setting an ACL file path is invalid. " +
			"This setup is very likely to lead to configuration errors and security holes, please define either an ACL file or declare users directly in your redis.conf, but not both."}, ""},
		{"no ACL file", minimal + "aclfile x.acl\n", []string{conf, "--port", "0", "--unixsocket", "u.sock"}, "", true, []string{"# Aborting Redis startup because of ACL errors: Error loading ACLs, opening file 'x.acl': No such file or directory"}, ""},
		{"unknown command in a user", minimal + "user bob on +bogus\n", []string{conf, "--port", "0", "--unixsocket", "u.sock"}, "", true, []string{"# Error loading ACL rule '+bogus' for the user named 'bob': Unknown command or category name in ACL", "# Critical error while loading ACLs. Exiting."}, ""},
		{"bad rule in a user", "user bob on =x\n", []string{conf}, "", true, nil, fatalBlock("Reading the configuration file, at line 1\n>>> 'user bob on =x'\n", "Error in user declaration 'bob': Syntax error")},

		{"invalid locale", minimal + "locale-collate nosuchlocale\n", []string{conf}, "", false, []string{"* Configuration loaded", "# Failed to configure LOCALE for invalid locale name."}, ""},
		{"TLS without certificate", minimal, []string{conf, "--tls-port", "%p", "--port", "0"}, "", true, []string{"# No tls-cert-file configured!", "# Failed to configure TLS. Check logs for more info."}, ""},
		{"TLS without key", minimal, []string{conf, "--tls-port", "%p", "--tls-cert-file", "x"}, "", true, []string{"# No tls-key-file configured!", "# Failed to configure TLS. Check logs for more info."}, ""},
		{"TLS without CA", minimal, []string{conf, "--tls-replication", "yes", "--port", "0", "--tls-cert-file", "x", "--tls-key-file", "x"}, "", true,
			[]string{"# Either tls-ca-cert-file or tls-ca-cert-dir must be specified when tls-cluster, tls-replication or tls-auth-clients are enabled!", "# Failed to configure TLS. Check logs for more info."}, ""},
		{"TLS with bad versions", minimal, []string{conf, "--tls-port", "%p", "--tls-cert-file", "x", "--tls-key-file", "x", "--tls-ca-cert-file", "x", "--tls-protocols", "SSLv3"}, "", true,
			[]string{"# Invalid tls-protocols specified. Use a combination of 'TLSv1', 'TLSv1.1', 'TLSv1.2' and 'TLSv1.3'.", "# Failed to configure TLS. Check logs for more info."}, ""},
	}
}

// Texts, streams and status of starts that fail, and that they write nothing.
//
// Rule: C-22, C-27, C-34, C-39, C-44 to C-46, C-48, C-50, C-69, C-70, C-72, C-73, C-80, C-83, R-1.
func TestFatalStarts(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { _ = taken.Close() }) // after the parallel parts
	port := fmt.Sprint(taken.Addr().(*net.TCPAddr).Port)
	for _, tc := range fatalStarts() {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			fill := strings.NewReplacer("%d", dir, "%p", port)
			if tc.file != "-" {
				require.NoError(t, os.WriteFile(filepath.Join(dir, "s.conf"), []byte(tc.file), 0o600))
			}
			args := make([]string, len(tc.args))
			for i, arg := range tc.args {
				args[i] = fill.Replace(arg)
			}
			want := []string{}
			for _, line := range tc.stdout {
				want = append(want, fill.Replace(line))
			}
			check := func(cmd *exec.Cmd, edit func(string) string) {
				cmd.Stdin = strings.NewReader(tc.stdin)
				c := start(t, cmd)
				require.Equal(t, 1, c.wait())
				got := messages(edit(c.stdout()))
				require.GreaterOrEqual(t, len(got), len(want), got)
				require.Equal(t, want, append([]string{}, got[len(got)-len(want):]...))
				require.Equal(t, tc.stderr, edit(c.errs.String()))
				if tc.file != "-" {
					require.Equal(t, tc.file, readFile(t, filepath.Join(dir, "s.conf")))
				}
			}
			check(ourselves(dir, args...), func(s string) string { return s })
			if tc.as7 {
				check(original(t, dir, args...), func(s string) string { return strings.ReplaceAll(s, "Redis 7.0.15", "Redis 7.2.4") })
			}
		})
	}
}

// Before the configuration is known to be good there is no line in the log but
// the reason why it is not.
//
// Rule: C-22, C-45.
func TestEarlyFailureLogsNothingElse(t *testing.T) {
	dir := t.TempDir()
	c := start(t, ourselves(dir))
	require.Equal(t, 1, c.wait())
	require.Len(t, messages(c.stdout()), 1)
	require.Empty(t, c.errs.String())
}

// Rule: C-46, B-1102.
func TestFileNotWritable(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("needs root, to become someone else")
	}
	dir, path, _ := writeConf(t)
	require.NoError(t, os.Chmod(filepath.Dir(dir), 0o755))
	require.NoError(t, os.Chmod(path, 0o444))
	ours := ourselves(dir, path)
	ours.Env = append(ours.Env, asNobody+"=1")
	c := start(t, ours)
	require.Equal(t, 1, c.wait())
	require.Equal(t, []string{"# Sentinel config file " + path + " is not writable: Permission denied. Exiting..."}, messages(c.stdout()))

	// A state file takes its place; it need not exist.
	state := filepath.Join(dir, "state.conf")
	ours = ourselves(dir, path, "--sentinel", "state-config-file", "s.state", "--port", "0")
	ours.Env = append(ours.Env, asNobody+"=1")
	c = start(t, ours)
	require.Equal(t, 1, c.wait())
	require.Contains(t, c.stdout(), "Configured to not listen anywhere")
	require.NoFileExists(t, state)
}

// The log file gets what is said after its line was read; stderr blocks do not
// go there.
//
// Rule: C-22, C-27.
func TestEarlyLogFile(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "s.conf")
	require.NoError(t, os.WriteFile(path, []byte("logfile s.log\ninclude x.conf\n"), 0o600))
	c := start(t, ourselves(dir, path))
	require.Equal(t, 1, c.wait())
	require.Empty(t, c.stdout())
	require.Equal(t, []string{"# Fatal error, can't open config file 'x.conf': No such file or directory"}, messages(readFile(t, filepath.Join(dir, "s.log"))))
}

// Rule: C-76.
func TestDescriptorsTooFew(t *testing.T) {
	dir, path, _ := writeConf(t)
	ours := ourselves(dir)
	self := ours.Path
	ours.Path, ours.Args = "/bin/sh", []string{"sh", "-c", `ulimit -n 32; exec "$0" "$@"`, self, path, "--maxclients", "1000000000"}
	c := start(t, ours)
	// Even root cannot have more than the system's limit for one process.
	require.Equal(t, 1, c.wait())
	got := messages(c.stdout())
	require.Equal(t, "# Your current 'ulimit -n' of 32 is not enough for the server to start. Please increase your open file limit to at least 1000000032. Exiting.", got[len(got)-1])
}
