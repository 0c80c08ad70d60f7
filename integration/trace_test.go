package integration

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"gosentinel/integration/fixture"
	"gosentinel/internal/testbed"
)

// A failover of real processes that was recorded replays exactly, in every
// Sentinel, whether it ended well or was killed; and the recording holds no
// password.
//
// Rule: docs/architecture.md, recordings, S2.7, R-12.
func TestRecordedFailoverReplays(t *testing.T) {
	t.Parallel()
	c := fixture.Cluster(t, fixture.Bed(t), testbed.ClusterOptions{Lines: []string{
		"#gosentinel trace sentinel.trace",
		"sentinel auth-pass mm hush-instances",
	}})
	old := must(c.Master())
	old.Kill()
	must(c.Agree(old, 20*time.Second))
	require.NoError(t, old.Up())
	require.NoError(t, c.Settle(30*time.Second))
	for _, words := range []string{
		"SENTINEL SET mm auth-pass hush-again", "SENTINEL CONFIG SET sentinel-pass hush-peers",
		"SENTINEL CONFIG GET *", "SENTINEL MASTERS", "SENTINEL CKQUORUM mm", "INFO", "ROLE",
	} {
		for _, s := range c.Sentinels {
			_, err := s.Do(strings.Fields(words)...)
			require.NoError(t, err)
		}
	}
	leaders := 0
	for i, s := range c.Sentinels {
		if i == 0 {
			s.Kill()
		} else {
			s.Signal(syscall.SIGTERM)
			fixture.Until(t, 30*time.Second, func() error {
				if s.Running() {
					return errors.New(s.Name + " is still running")
				}
				return nil
			})
		}
		path := filepath.Join(filepath.Dir(s.Conf), "sentinel.trace")
		data, err := os.ReadFile(path)
		require.NoError(t, err)
		require.NotContains(t, string(data), "hush-")
		out, err := exec.Command(fixture.Programs.Ours, "replay", path, "--until", "+switch-master", "--explain", "--dump").CombinedOutput()
		require.NoError(t, err, "%s", out)
		require.Contains(t, string(out), "our vote of epoch ")
		out, err = exec.Command(fixture.Programs.Ours, "replay", path).CombinedOutput()
		require.NotContains(t, string(out), "DIFFERENT")
		if i > 0 || !strings.Contains(string(out), "ends in the middle of a record") {
			require.NoError(t, err, "%s", out)
		}
		require.Contains(t, string(out), "+switch-master mm ")
		leaders += strings.Count(string(out), "+elected-leader master mm ")
	}
	require.Equal(t, 1, leaders)
}
