package integration

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"gosentinel/integration/fixture"
	"gosentinel/internal/testbed"
)

// Where everybody can make names (`/tmp`), another user plants what a start
// looks for beside sentinel.conf: it starts on the file that it was given, saves
// it, and runs, follows and waits for nothing that was planted.
//
// Rule.
func TestPlantedFiles(t *testing.T) {
	t.Parallel()
	if os.Geteuid() != 0 {
		t.Skip("only root can give files away")
	}
	const nobody = 65534
	for _, tc := range []struct {
		name string
		make func(t *testing.T, name, evil string)
	}{
		{"file", func(t *testing.T, name, evil string) {
			require.NoError(t, os.WriteFile(name, []byte(evil), 0o644))
		}},
		{"link", func(t *testing.T, name, evil string) {
			require.NoError(t, os.WriteFile(name+".target", []byte(evil), 0o644))
			require.NoError(t, os.Lchown(name+".target", nobody, nobody))
			require.NoError(t, os.Symlink(name+".target", name))
		}},
		{"pipe", func(t *testing.T, name, _ string) { require.NoError(t, syscall.Mkfifo(name, 0o666)) }},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			bed := fixture.Bed(t)
			s, err := bed.PrepareSentinel("sentinel", testbed.SentinelOptions{
				Port:  bed.Port(),
				Lines: []string{"pidfile pid", "sentinel monitor mm 127.0.0.1 0 1"},
			})
			require.NoError(t, err)
			dir := filepath.Dir(s.Conf)
			require.NoError(t, os.Chmod(dir, 0o777|os.ModeSticky))
			evil := filepath.Join(dir, "evil.sh")
			require.NoError(t, os.WriteFile(evil, []byte("#!/bin/sh\n"), 0o755))
			for _, name := range []string{s.Conf + ".gosentinel-copy", filepath.Join(dir, "pid")} {
				tc.make(t, name, readText(t, s.Conf)+"sentinel notification-script mm "+evil+"\n")
				require.NoError(t, os.Lchown(name, nobody, nobody))
			}
			require.NoError(t, s.Up())
			_, err = s.Do("SENTINEL", "SET", "mm", "quorum", "3")
			require.NoError(t, err)
			m, err := s.State("mm")
			require.NoError(t, err)
			require.NotContains(t, m, "notification-script")
			text := readText(t, s.Conf)
			require.Contains(t, text, "sentinel monitor mm 127.0.0.1 0 3\n")
			require.NotContains(t, text, "evil")
			if tc.name != "pipe" {
				require.Contains(t, readText(t, filepath.Join(dir, "pid")), "notification-script", "not written through")
			}
		})
	}
	t.Run("state file", func(t *testing.T) {
		t.Parallel()
		bed := fixture.Bed(t)
		s, err := bed.PrepareSentinel("sentinel", testbed.SentinelOptions{
			Port:  bed.Port(),
			Lines: []string{"sentinel monitor mm 127.0.0.1 0 1", "sentinel state-config-file state"},
		})
		require.NoError(t, err)
		require.NoError(t, os.Chmod(filepath.Dir(s.Conf), 0o777|os.ModeSticky))
		require.NoError(t, os.WriteFile(stateFile(s), []byte("sentinel notification-script mm /bin/true\n"), 0o644))
		require.NoError(t, os.Chown(stateFile(s), nobody, nobody))
		require.Error(t, s.Up())
		require.Contains(t, readText(t, s.Log), "Fatal error, can't open config file '"+stateFile(s)+"': it belongs to another user")
	})
}
