package daemon

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

// fakeFile writes a one-line file; "" gives the path of a missing one.
func fakeFile(t *testing.T, line string) string {
	path := filepath.Join(t.TempDir(), "f")
	if line != "" {
		require.NoError(t, os.WriteFile(path, []byte(line+"\n"), 0o600))
	}
	return path
}

// Rule: C-43.
func TestCheckSystem(t *testing.T) {
	const fine = "[slow-clocksource]...OK\n[xen-clocksource]...OK\n[overcommit]...OK\n[THP]...OK\n"
	for _, tc := range []struct {
		name                     string
		clock, overcommit, pages string
		cost                     float64
		status                   int
		want                     string
	}{
		{"all well", "tsc", "1", "always [madvise] never", 0.01, 0, fine},
		{"nothing to look at", "", "", "", -1, 0, "[slow-clocksource]...skipped\n[xen-clocksource]...skipped\n[overcommit]...skipped\n[THP]...skipped\n"},
		{"all wrong", "xen", "0", "[always] madvise never", 0.7, 1, "[slow-clocksource]...WARNING:\n" + slowClockText +
			"\n[xen-clocksource]...WARNING:\n" + xenClockText + "\n[overcommit]...WARNING:\n" + overcommitText + "\n[THP]...WARNING:\n" + hugePagesText + "\n"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			var out bytes.Buffer
			status := checkSystem(system{
				overcommit:  fakeFile(t, tc.overcommit),
				hugePages:   fakeFile(t, tc.pages),
				clockSource: fakeFile(t, tc.clock),
				clockCost:   func() float64 { return tc.cost },
			}, &out)
			require.Equal(t, tc.status, status)
			require.Equal(t, tc.want, out.String())
		})
	}
}

// Rule: C-40, C-41, C-42, C-44, R-2.
func TestInformationOptions(t *testing.T) {
	for _, tc := range []struct {
		name           string
		args           []string
		status         int
		stdout, stderr string // patterns
	}{
		{"-v", []string{"-v"}, 0, `^Redis server v=7\.2\.4 sha=00000000:0 malloc=go bits=64 build=[0-9a-f]+ gosentinel=0\.1\.0\n$`, `^$`},
		{"--version, more is ignored", []string{"--version", "x"}, 0, `^Redis server v=7\.2\.4 `, `^$`},
		{"-h", []string{"-h"}, 1, `^$`, `^Usage: (.*\n)+.*--sentinel\n$`},
		{"--help", []string{"--help"}, 1, `^$`, `^Usage: `},
		{"--test-memory alone", []string{"--test-memory"}, 1, `^$`, `^Please specify the amount of memory to test in megabytes\.\nExample: \./redis-server --test-memory 4096\n\n$`},
		{"--test-memory and too much", []string{"--test-memory", "1", "2"}, 1, `^$`, `^Please specify the amount`},
		{"--test-memory and no number", []string{"--test-memory", "abc"}, 1, `^$`, `^Please specify the amount`},
		{"--test-memory 1", []string{"--test-memory", "1"}, 0, `Your memory passed this test\.\n$`, `^$`},
		{"--test-memory more than there can be", []string{"--test-memory", "4000000000"}, 1, `^$`, `^Unable to allocate 4000000000 megabytes: Cannot allocate memory\n$`},
	} {
		t.Run(tc.name, func(t *testing.T) {
			var out, errs bytes.Buffer
			status, ok := informed(tc.args, &out, &errs)
			require.True(t, ok)
			require.Equal(t, tc.status, status)
			require.Regexp(t, tc.stdout, out.String())
			require.Regexp(t, tc.stderr, errs.String())
		})
	}
	for _, args := range [][]string{{}, {"s.conf", "-v"}, {"--port", "1"}, {"--VERSION"}, {"-V"}} {
		_, ok := informed(args, nil, nil)
		require.Falsef(t, ok, "%q", args)
	}
}

// Rule: C-42: a bit that does not keep its value is found.
func TestMemoryErrorIsFound(t *testing.T) {
	words := make([]uint64, 1000)
	for pass := range uint64(memoryPasses) {
		require.Equal(t, -1, firstBadWord(words, pass))
	}
	require.NotEqual(t, memoryPattern(7, 2), memoryPattern(7, 3))
}

// Rule: C-76.
func TestFileLimit(t *testing.T) {
	for _, tc := range []struct {
		name      string
		soft      uint64
		hard      uint64
		root      bool // may raise the hard limit
		allowed   int
		ok        bool
		log       []string
		wantLimit uint64
	}{
		{"enough", 20000, 20000, false, 10000, true, nil, 20000},
		{"just enough, in the one that Go holds back", 10031, 10032, false, 10000, true, nil, 10032},
		{"raised by root", 1023, 1024, true, 10000, true,
			[]string{"* Increased maximum number of open files to 10032 (it was originally set to 1024)."}, 10032},
		{"hard limit too low", 999, 1000, false, 968, true, []string{
			"# You requested maxclients of 10000 requiring at least 10032 max file descriptors.",
			"# Server can't set maximum open files to 10032 because of OS error: Operation not permitted.",
			"# Current maximum open files is 1000. maxclients has been reduced to 968 to compensate for low ulimit. If you need higher maxclients increase 'ulimit -n'.",
		}, 1000},
		{"far too low", 31, 32, false, 0, false, []string{
			"# Your current 'ulimit -n' of 32 is not enough for the server to start. Please increase your open file limit to at least 10032. Exiting.",
		}, 32},
	} {
		t.Run(tc.name, func(t *testing.T) {
			now := unix.Rlimit{Cur: tc.soft, Max: tc.hard}
			limit := func(want *unix.Rlimit) (unix.Rlimit, error) {
				was := now
				if want == nil {
					return was, nil
				}
				if want.Max > now.Max && !tc.root {
					return was, unix.EPERM
				}
				now = *want
				return was, nil
			}
			var out bytes.Buffer
			s := newTestSink(t, &out)
			allowed, ok := raiseFileLimit(10000, limit, s.logger())
			s.flush(patience)
			require.Equal(t, tc.allowed, allowed)
			require.Equal(t, tc.ok, ok)
			require.Equal(t, tc.log, messages(out.String()))
			require.Equal(t, tc.wantLimit, now.Cur)
		})
	}
}

// Rule: C-78, C-79.
func TestLimitWarnings(t *testing.T) {
	var out bytes.Buffer
	s := newTestSink(t, &out)
	path := fakeFile(t, "128")
	warnOfBacklog(128, path, s.logger())
	warnOfBacklog(511, path, s.logger())
	warnOfBacklog(511, fakeFile(t, ""), s.logger())
	warnOfMaxMemory(0, s.logger())
	warnOfMaxMemory(1048575, s.logger())
	warnOfMaxMemory(1048576, s.logger())
	s.flush(patience)
	require.Equal(t, []string{
		"# WARNING: The TCP backlog setting of 511 cannot be enforced because /proc/sys/net/core/somaxconn is set to the lower value of 128.",
		"# WARNING: You specified a maxmemory value that is less than 1MB (current value is 1048575 bytes). Are you sure this is what you really want?",
	}, messages(out.String()))
}

func TestCPUList(t *testing.T) {
	for list, want := range map[string][]int{
		"0":          {0},
		"0,2":        {0, 2},
		"1-3":        {1, 2, 3},
		"0-7:3,9":    {0, 3, 6, 9},
		"1023":       {1023},
		"":           nil,
		"a":          nil,
		"3-1":        nil,
		"-1":         nil,
		"1,":         nil,
		"0-3:0":      nil,
		"1:2":        nil,
		"1024":       nil,
		"0-99999999": nil,
	} {
		set, ok := parseCPUList(list)
		require.Equalf(t, want != nil, ok, "%q", list)
		require.Equalf(t, len(want), set.Count(), "%q", list)
		for _, cpu := range want {
			require.Truef(t, set.IsSet(cpu), "%q: %d", list, cpu)
		}
	}
}

func TestOOMScore(t *testing.T) {
	for _, tc := range []struct {
		mode  string
		value int
		want  string
	}{
		{"no", 100, "300\n"},
		{"relative", 100, "400"},
		{"relative", 800, "1000"},
		{"absolute", 100, "100"},
		{"absolute", -2000, "-1000"},
	} {
		path := fakeFile(t, "300")
		setOOMScore(tc.mode, tc.value, path, newTestSink(t, &bytes.Buffer{}).logger())
		require.Equal(t, tc.want, readFile(t, path)[:len(tc.want)])
	}
}

// Rule: C-118: an invalid locale-collate ends the start.
func TestLocaleNames(t *testing.T) {
	for _, name := range []string{"", "C", "POSIX", "C.UTF-8", "en_US.utf8", "de_DE@euro", "de_DE.ISO-8859-15@euro", "ast_ES"} {
		require.Truef(t, validLocale(name), "%q", name)
	}
	for _, name := range []string{"nosuchlocale", "en_USA", "en_US.", ".utf8", "@x", "e", "../x", "en US"} {
		require.Falsef(t, validLocale(name), "%q", name)
	}
}

// Rule: C-34.
func TestAbsolutePath(t *testing.T) {
	for _, tc := range []struct{ dir, path, want string }{
		{"/a/b", "s.conf", "/a/b/s.conf"},
		{"/a/b", "./s.conf", "/a/b/./s.conf"},
		{"/a/b", "../s.conf", "/a/s.conf"},
		{"/a/b", "../../../s.conf", "/s.conf"},
		{"/a/b", "x/../s.conf", "/a/b/x/../s.conf"},
		{"/a/b", "/x/s.conf", "/x/s.conf"},
		{"/", "s.conf", "/s.conf"},
	} {
		require.Equal(t, tc.want, absolutePath(tc.dir, tc.path))
	}
}

// Rule: C-24, C-27, C-28: errors have the text of strerror(3) alone.
func TestHostErrors(t *testing.T) {
	dir := t.TempDir()
	host := osHost{}
	_, err := host.ReadFile(filepath.Join(dir, "x"))
	require.EqualError(t, err, "No such file or directory")
	require.ErrorIs(t, err, os.ErrNotExist)
	data, err := host.ReadFile(dir)
	require.NoError(t, err)
	require.Empty(t, data)
	require.EqualError(t, host.Chdir(filepath.Join(dir, "x")), "No such file or directory")
	require.EqualError(t, host.TryLog(dir), "Is a directory")
	require.NoError(t, host.TryLog(filepath.Join(dir, "log")))
	require.FileExists(t, filepath.Join(dir, "log"))
	require.False(t, host.Executable(filepath.Join(dir, "log")))
	require.Equal(t, []string{dir + "/a", dir + "/b"}, func() []string {
		for _, name := range []string{"b", "a"} {
			require.NoError(t, os.WriteFile(filepath.Join(dir, name), nil, 0o700))
		}
		return host.Glob(dir + "/[ab]")
	}())
	require.True(t, host.Executable(dir+"/a"))
	require.Empty(t, host.Glob(dir+"/[a"))
}
