package stress

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"gosentinel/integration/fixture"
	"gosentinel/internal/testbed"
)

// slowFsync is what each fsync of a slow disk takes. A write of the
// configuration is two: of the file and of its directory.
const (
	slowFsync = 200 * time.Millisecond
	slowWrite = 2 * slowFsync
)

// noise is what two failovers on a busy machine may differ by.
const noise = slowFsync

// quietStart is how long a Sentinel that did not know its peers stands for no
// election.
//
// Rule: E-18.
const quietStart = 6 * time.Second

// slowDisk builds our daemon with a disk whose fsyncs take slowFsync, and gives
// the programs with it.
func slowDisk(t *testing.T) testbed.Programs {
	dir := t.TempDir()
	path, err := filepath.Abs("../../internal/daemon/disk.go")
	require.NoError(t, err)
	text, err := os.ReadFile(path)
	require.NoError(t, err)
	slow := string(text)
	for _, change := range [][2]string{
		{"import (\n", "import (\n\t\"time\"\n"},
		{"a diskFile that is not nil\n\t}\n\treturn f, nil\n", "a diskFile that is not nil\n\t}\n\treturn slowFile{f}, nil\n"},
		{"err = d.Sync()\n", "err = slowFile{d}.Sync()\n"},
	} {
		require.Equal(t, 1, strings.Count(slow, change[0]), "disk.go has %q", change[0])
		slow = strings.Replace(slow, change[0], change[1], 1)
	}
	slow += fmt.Sprintf(`
type slowFile struct{ *os.File }

func (f slowFile) Sync() error {
	time.Sleep(%d * time.Millisecond)
	return f.File.Sync()
}
`, slowFsync.Milliseconds())
	changed := filepath.Join(dir, "disk.go")
	require.NoError(t, os.WriteFile(changed, []byte(slow), 0o644))
	overlay, err := json.Marshal(map[string]map[string]string{"Replace": {path: changed}})
	require.NoError(t, err)
	file := filepath.Join(dir, "overlay.json")
	require.NoError(t, os.WriteFile(file, overlay, 0o644))
	with := fixture.Programs
	with.Ours = filepath.Join(dir, "redis-sentinel")
	out, err := exec.Command("go", "build", "-overlay", file, "-o", with.Ours, "gosentinel/cmd/redis-sentinel").CombinedOutput()
	require.NoError(t, err, "%s", out)
	return with
}

// A disk with a slow fsync delays a failover by at most three writes: asking for
// votes waits for none, so that the replica takes writes after one.
//
// Rule: L-6, E-41.
func TestSlowDisk(t *testing.T) {
	fixture.NeedsRedis(t)
	fail := func(with testbed.Programs) testbed.Takeover {
		bed := fixture.BedOf(t, with)
		c, err := bed.Cluster(testbed.ClusterOptions{})
		t.Cleanup(c.Events.Close)
		require.NoError(t, err)
		<-time.After(quietStart)
		m, err := c.Master()
		require.NoError(t, err)
		var replicas []testbed.Target
		for _, r := range c.Others(m) {
			replicas = append(replicas, testbed.Target{Addr: r.Addr()})
		}
		took, err := testbed.Measure(c.Name, m.Addr(), replicas, c.Sentinels, time.Minute, func() error { m.Kill(); return nil })
		require.NoError(t, err)
		return took
	}
	fast, slow := fail(fixture.Programs), fail(slowDisk(t))
	say(t, "writable after %s ms, with a slow disk %s; known to all after %s, with a slow disk %s",
		ms(fast.Writable), ms(slow.Writable), ms(fast.Named), ms(slow.Named))
	atMost(t, slow.Writable-fast.Writable, slowWrite+noise, "until it takes writes")
	atMost(t, slow.Named-fast.Named, 3*slowWrite+noise, "until all name it")
}

// Many failovers at once take a slow disk little longer than one, and no longer
// the more they are: see TestSlowDiskMassFigure of internal/sim.
//
// Rule: L-6, E-40.
func TestSlowDiskMass(t *testing.T) {
	const downAfter = 5 * time.Second
	masters := short(100, 1000)
	fail := func(with testbed.Programs) time.Duration {
		f := newFleet(t, with, masters, 1, downAfter)
		<-time.After(quietStart)
		return f.massFailover(f.masters) - downAfter
	}
	fast, slow := fail(fixture.Programs), fail(slowDisk(t))
	say(t, "%d masters die together: the last replica is promoted %s ms beyond down-after, with a slow disk %s", masters, ms(fast), ms(slow))
	atMost(t, slow-fast, 6*slowWrite+noise, "until the last is promoted")
}
