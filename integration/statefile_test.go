package integration

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"gosentinel/integration/fixture"
	"gosentinel/internal/testbed"
)

// stateFile is the path of a Sentinel's state file called `state`, in its dir.
func stateFile(s *testbed.Sentinel) string { return filepath.Join(filepath.Dir(s.Conf), "state") }

func readText(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	require.NoError(t, err)
	return string(text)
}

// With a state file the main file is never written, and need not be writable:
// not by root either, since it is mounted read-only. What the Sentinel learns
// is in the state file alone, whose lines win after a restart.
//
// Rule: R-23.
func TestStateFile(t *testing.T) {
	t.Parallel()
	bed := fixture.Bed(t)
	master, err := bed.Redis("redis1", testbed.RedisOptions{})
	require.NoError(t, err)
	replica, err := bed.Redis("redis2", testbed.RedisOptions{Master: master})
	require.NoError(t, err)
	port := bed.Port()
	s, err := bed.Sentinel("sentinel", testbed.SentinelOptions{
		Port:    port,
		Wrapper: privately(t, readOnly(filepath.Join(bed.Dir, "sentinel", "sentinel.conf"))),
		Lines: []string{
			"# kept as it is",
			"sentinel state-config-file state",
			"sentinel monitor mm 127.0.0.1 " + portOf(master) + " 1",
			"sentinel down-after-milliseconds mm 1000",
		}})
	require.NoError(t, err)
	main := readText(t, s.Conf)
	before, err := os.Stat(s.Conf)
	require.NoError(t, err)
	events := &testbed.Events{}
	t.Cleanup(events.Close)
	require.NoError(t, events.Follow(s))

	fixture.Until(t, 30*time.Second, func() error { return s.Sees("mm", 1, 0) })
	_, err = s.Do("SENTINEL", "SET", "mm", "failover-timeout", "12345")
	require.NoError(t, err)
	_, err = s.Do("SENTINEL", "MONITOR", "other", "127.0.0.1", portOf(replica), "2")
	require.NoError(t, err)
	fixture.Until(t, 20*time.Second, func() error { // the first one may still be too young
		_, err := s.Do("SENTINEL", "FAILOVER", "mm")
		return err
	})
	fixture.Until(t, 20*time.Second, func() error { return s.Names("mm", replica.Addr()) })
	fixture.Until(t, 20*time.Second, func() error { return master.Follows(replica.Addr()) })
	fixture.Until(t, 20*time.Second, func() error { return s.Sees("mm", 1, 0) })
	id, err := s.Do("SENTINEL", "MYID")
	require.NoError(t, err)

	require.Equal(t, main, readText(t, s.Conf), "the main file is untouched")
	after, err := os.Stat(s.Conf)
	require.NoError(t, err)
	require.Equal(t, before.ModTime(), after.ModTime())
	state := readText(t, stateFile(s))
	for line := range strings.SplitSeq(strings.TrimSuffix(state, "\n"), "\n") {
		require.Regexp(t, `^(sentinel |#|$)`, line, "only sentinel lines")
		require.NotContains(t, line, "state-config-file")
	}
	require.Contains(t, state, "sentinel monitor mm 127.0.0.1 "+portOf(replica)+" 1\n")
	require.Contains(t, state, "sentinel failover-timeout mm 12345\n")
	require.Contains(t, state, "sentinel myid "+id.Str+"\n")

	restartOnState(t, s, main, id.Str, replica)
}

// restartOnState restarts a Sentinel whose state file has a newer master than
// its main file, and another master too.
func restartOnState(t *testing.T, s *testbed.Sentinel, main, id string, replica *testbed.Redis) {
	t.Helper()
	// All of it is there, and the main file's address is not.
	want := know(t, s, "mm")
	s.Kill()
	require.NoError(t, s.Up())
	require.Equal(t, want, know(t, s, "mm"))
	require.Equal(t, replica.Addr(), want.Master)
	require.NoError(t, s.Names("other", replica.Addr()))
	m, err := s.State("mm")
	require.NoError(t, err)
	require.Equal(t, "12345", m["failover-timeout"])
	require.Equal(t, "1000", m["down-after-milliseconds"], "of the main file")
	fixture.Until(t, 30*time.Second, func() error { return s.Sees("mm", 1, 0) })

	// Gone again, it stays gone: the state file says so or is without it.
	_, err = s.Do("SENTINEL", "REMOVE", "other")
	require.NoError(t, err)
	s.Kill()
	require.NoError(t, s.Up())
	v, err := s.Do("SENTINEL", "MASTERS")
	require.NoError(t, err)
	require.Len(t, v.Elems, 1)
	require.Equal(t, main, readText(t, s.Conf))

	// Without the state file it is a new Sentinel with the main file's master.
	s.Kill()
	require.NoError(t, os.Remove(stateFile(s)))
	require.NoError(t, s.Up())
	now, err := s.Do("SENTINEL", "MYID")
	require.NoError(t, err)
	require.NotEqual(t, id, now.Str)
	require.FileExists(t, stateFile(s))
	require.Equal(t, main, readText(t, s.Conf))
}

// What the main file says can be taken back at run time for good: an option that
// is unset there, a master that is removed. It can be monitored again.
//
// Rule: R-23.
func TestStateFileTakesBack(t *testing.T) {
	t.Parallel()
	bed := fixture.Bed(t)
	s, err := bed.Sentinel("sentinel", testbed.SentinelOptions{
		Port: bed.Port(),
		Lines: []string{
			"sentinel state-config-file state",
			"sentinel deny-scripts-reconfig no",
			"sentinel announce-ip 10.1.1.1",
			"sentinel sentinel-pass secret",
			"sentinel monitor mm 127.0.0.1 0 1",
			"sentinel auth-pass mm secret",
			"sentinel auth-user mm user",
			"sentinel notification-script mm /bin/true",
			"sentinel client-reconfig-script mm /bin/true",
			"sentinel rename-command mm CONFIG other",
			"sentinel monitor gone 127.0.0.1 0 1",
			"sentinel auth-pass gone secret",
		}})
	require.NoError(t, err)
	do := func(words ...string) {
		t.Helper()
		v, err := s.Do(words...)
		require.NoError(t, err)
		require.Equal(t, "OK", v.Str, words)
	}
	do("SENTINEL", "SET", "mm", "auth-pass", "", "auth-user", "", "notification-script", "", "client-reconfig-script", "")
	do("SENTINEL", "SET", "mm", "rename-command", "CONFIG", "CONFIG")
	do("SENTINEL", "CONFIG", "SET", "announce-ip", "")
	do("SENTINEL", "CONFIG", "SET", "sentinel-pass", "")
	do("SENTINEL", "REMOVE", "gone")
	again := func() map[string]string {
		t.Helper()
		s.Kill()
		require.NoError(t, s.Up())
		do("SENTINEL", "FLUSHCONFIG")
		for line := range strings.SplitSeq(readText(t, stateFile(s)), "\n") {
			for _, word := range []string{"secret", "script mm", "auth-user mm user", "rename-command", "10.1.1.1"} {
				require.NotContains(t, line, word)
			}
		}
		m, err := s.State("mm")
		require.NoError(t, err)
		return m
	}
	m := again()
	require.NotContains(t, m, "notification-script")
	require.NotContains(t, m, "client-reconfig-script")
	v, err := s.Do("SENTINEL", "MASTERS")
	require.NoError(t, err)
	require.Len(t, v.Elems, 1)
	again()
	do("SENTINEL", "MONITOR", "gone", "127.0.0.1", "0", "2")
	again()
	gone, err := s.State("gone")
	require.NoError(t, err)
	require.Equal(t, "2", gone["quorum"])
}

// readOnly are the commands of a shell that make a file or a directory
// read-only, for root too.
func readOnly(path string) string {
	return "mount --bind " + path + " " + path + " && mount -o remount,bind,ro " + path + " && "
}

func portOf(r *testbed.Redis) string {
	_, port, _ := strings.Cut(r.Addr(), ":")
	return port
}

// A file that is a bind mount, as containers have it, cannot be replaced. It is
// written in place, be it the main file or the state file, and a restart finds
// it whole. The original fails for good.
//
// Rule: R-5, R-14 (#5226), R-23.
func TestBindMountedFile(t *testing.T) {
	for _, tc := range []struct {
		name, file string
		lines      []string
		fixed      bool // its directory is read-only
	}{
		{"main file", "sentinel.conf", nil, false},
		{"main file, read-only directory", "sentinel.conf", nil, true},
		{"state file", "state", []string{"sentinel state-config-file state"}, false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			bed := fixture.Bed(t)
			master, err := bed.Redis("redis1", testbed.RedisOptions{})
			require.NoError(t, err)
			replica, err := bed.Redis("redis2", testbed.RedisOptions{Master: master})
			require.NoError(t, err)
			dir := filepath.Join(bed.Dir, "sentinel")
			require.NoError(t, os.MkdirAll(dir, 0o755))
			path, volume := filepath.Join(dir, tc.file), filepath.Join(bed.Dir, "volume")
			script := "touch " + path + " && { test -e " + volume + " || cp " + path + " " + volume + "; } && "
			if tc.fixed {
				script += readOnly(dir)
			}
			script += "mount --bind " + volume + " " + path + " && " // hides what is beneath
			s, err := bed.Sentinel("sentinel", testbed.SentinelOptions{Wrapper: privately(t, script),
				Lines: append(tc.lines,
					"sentinel monitor mm 127.0.0.1 "+portOf(master)+" 1",
					"sentinel down-after-milliseconds mm 1000")})
			require.NoError(t, err)
			beneath := readText(t, path)
			fixture.Until(t, 30*time.Second, func() error { return s.Sees("mm", 1, 0) })
			_, err = s.Do("SENTINEL", "FLUSHCONFIG")
			require.NoError(t, err)
			require.Contains(t, readText(t, volume), "sentinel known-replica mm 127.0.0.1 "+portOf(replica)+"\n")
			require.Equal(t, beneath, readText(t, path), "nothing but the mounted file is written")
			require.NotContains(t, s.Tail(1<<20), "was not able to save")

			want := know(t, s, "mm")
			master.Kill()
			replica.Kill()
			s.Kill()
			require.NoError(t, s.Up())
			require.Equal(t, want, know(t, s, "mm"))
			fixture.Until(t, 30*time.Second, func() error { // what a start writes to try it is gone at once
				left, err := filepath.Glob(filepath.Join(dir, tc.file+"*"))
				if err == nil && len(left) != 1 {
					err = fmt.Errorf("files are left: %v", left)
				}
				return err
			})
		})
	}
}
