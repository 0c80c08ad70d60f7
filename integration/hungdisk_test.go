package integration

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"gosentinel/integration/fixture"
	"gosentinel/internal/testbed"
)

// hungFile hangs the fsyncs of a Sentinel while it is in the directory of its
// configuration.
const hungFile = "hung"

// hungPatience is less than a voter is bound at most in these tests, and far
// more than a busy machine needs.
const (
	hungElection = "60000" // election-timeout: half of it binds a voter
	hungPatience = 20 * time.Second
)

// withHungDisk builds our daemon so that hungFile works, and has the original's
// fsync replaced.
func withHungDisk(t *testing.T, kind testbed.Kind) testbed.Programs {
	dir, with := t.TempDir(), fixture.Programs
	if kind == testbed.Original {
		fixture.NeedsOriginal(t)
		gcc, err := exec.LookPath("gcc")
		if err != nil {
			t.Skip("the original's disk cannot be hung without gcc")
		}
		source, lib := filepath.Join(dir, "hung.c"), filepath.Join(dir, "hung.so")
		require.NoError(t, os.WriteFile(source, []byte(`
#include <sys/syscall.h>
#include <unistd.h>
int fsync(int fd) {
	while (access("`+hungFile+`", F_OK) == 0) usleep(2000);
	return syscall(SYS_fsync, fd);
}
`), 0o644))
		out, err := exec.Command(gcc, "-shared", "-fPIC", "-o", lib, source).CombinedOutput()
		require.NoError(t, err, "%s", out)
		t.Setenv("LD_PRELOAD", lib)
		return with
	}
	path, err := filepath.Abs("../internal/daemon/disk.go")
	require.NoError(t, err)
	text, err := os.ReadFile(path)
	require.NoError(t, err)
	hung := string(text)
	for _, change := range [][2]string{
		{"import (\n", "import (\n\t\"path/filepath\"\n\t\"time\"\n"},
		{"a diskFile that is not nil\n\t}\n\treturn f, nil\n", "a diskFile that is not nil\n\t}\n\treturn hungDiskFile{f, filepath.Dir(name)}, nil\n"},
		{"err = d.Sync()\n", "err = hungDiskFile{d, name}.Sync()\n"},
	} {
		require.Equal(t, 1, strings.Count(hung, change[0]), "disk.go has %q", change[0])
		hung = strings.Replace(hung, change[0], change[1], 1)
	}
	hung += fmt.Sprintf(`
type hungDiskFile struct {
	*os.File
	dir string
}

func (f hungDiskFile) Sync() error {
	for {
		if _, err := os.Stat(filepath.Join(f.dir, %q)); err != nil {
			return f.File.Sync()
		}
		time.Sleep(2 * time.Millisecond)
	}
}
`, hungFile)
	changed, file := filepath.Join(dir, "disk.go"), filepath.Join(dir, "overlay.json")
	require.NoError(t, os.WriteFile(changed, []byte(hung), 0o644))
	overlay, err := json.Marshal(map[string]map[string]string{"Replace": {path: changed}})
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(file, overlay, 0o644))
	with.Ours = filepath.Join(dir, "redis-sentinel")
	out, err := exec.Command("go", "build", "-overlay", file, "-o", with.Ours, "gosentinel/cmd/redis-sentinel").CombinedOutput()
	require.NoError(t, err, "%s", out)
	return with
}

// The disk of the Sentinel that is placed best hangs when the master dies: the
// others fail over without waiting for the end of its vote, it looks stuck to
// clients and peers as the original does, and is well as soon as its write
// returns. But ours tells its subscribers of the new master at once, since that
// is durable at who announces it.
//
// Rule: R-8, E-14, E-17, E-40.
func TestHungDisk(t *testing.T) {
	for _, kind := range []testbed.Kind{testbed.Ours, testbed.Original} {
		t.Run(kind.String(), func(t *testing.T) {
			bed := fixture.BedOf(t, withHungDisk(t, kind))
			c := fixture.Cluster(t, bed, testbed.ClusterOptions{Kinds: []testbed.Kind{kind, kind, kind}})
			first, id := bestPlaced(t, c)
			for _, s := range c.Sentinels {
				if kind == testbed.Ours {
					require.Equal(t, "OK", must(s.Do("SENTINEL", "DEBUG", "election-timeout", hungElection)).Str)
				}
			}
			others := slices.DeleteFunc(slices.Clone(c.Sentinels), func(s *testbed.Sentinel) bool { return s == first })
			file := filepath.Join(filepath.Dir(first.Conf), hungFile)
			require.NoError(t, os.WriteFile(file, nil, 0o644))
			old := must(c.Master())
			begin := time.Now()
			old.Kill()

			next := ""
			require.NoError(t, testbed.Until(hungPatience, func() error {
				for _, s := range others {
					at, err := s.Master(c.Name)
					if err != nil || at == old.Addr() {
						return fmt.Errorf("%s names %s: %v", s.Name, at, err)
					}
					next = at
				}
				return nil
			}))
			require.NoError(t, testbed.Until(hungPatience, func() error { return looksStuck(first, c.Name) }))
			for _, s := range others {
				require.NoError(t, testbed.Until(hungPatience, func() error { return seesDown(s, c.Name, id) }))
			}
			if kind == testbed.Ours {
				require.NoError(t, testbed.Until(hungPatience, func() error {
					if len(c.Events.Named(begin, first.Name, "+switch-master")) == 0 {
						return fmt.Errorf("%s has not told of the new master", first.Name)
					}
					return nil
				}))
			}
			require.NotContains(t, must(first.Line("sentinel monitor")), portOf(must(c.At(next))), "its file cannot be written")

			require.NoError(t, os.Remove(file))
			require.NoError(t, testbed.Until(hungPatience, func() error { return first.Names(c.Name, next) }))
			require.NoError(t, testbed.Until(hungPatience, func() error {
				if line, err := first.Line("sentinel monitor"); err != nil || !strings.Contains(line, portOf(must(c.At(next)))) {
					return fmt.Errorf("its file has %q: %v", line, err)
				}
				return nil
			}))
			require.NoError(t, old.Up())
			require.NoError(t, c.Settle(time.Minute))
		})
	}
}

// bestPlaced is the Sentinel with the smallest run id, which stands first.
func bestPlaced(t *testing.T, c *testbed.Cluster) (first *testbed.Sentinel, id string) {
	t.Helper()
	for _, s := range c.Sentinels {
		mine := must(s.Do("SENTINEL", "MYID")).Str
		if first == nil || mine < id {
			first, id = s, mine
		}
	}
	return first, id
}

// looksStuck reports whether neither PING nor the question for the master gets an
// answer.
func looksStuck(s *testbed.Sentinel, name string) error {
	for _, cmd := range [][]string{{"PING"}, {"SENTINEL", "GET-MASTER-ADDR-BY-NAME", name}} {
		c, err := testbed.DialTimeout(s.Addr(), s.Pass, 300*time.Millisecond)
		if err != nil {
			continue
		}
		v, err := c.Do(cmd...)
		c.Close()
		if err == nil {
			return fmt.Errorf("%s answers %v", cmd[0], v)
		}
	}
	return nil
}

// seesDown reports whether s shows the Sentinel with this run id as s_down.
func seesDown(s *testbed.Sentinel, name, id string) error {
	v, err := s.Do("SENTINEL", "SENTINELS", name)
	if err != nil {
		return err
	}
	for _, e := range v.Elems {
		f := testbed.Fields(e)
		if f["runid"] == id && strings.Contains(f["flags"], "s_down") {
			return nil
		}
	}
	return fmt.Errorf("%s sees %s up", s.Name, id)
}
