package integration

import (
	"flag"
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"gosentinel/internal/testbed"
)

var binary = flag.String("sentinel", "", "run this binary instead of building our own")

// programs are what the tests run; set by TestMain.
var programs testbed.Programs

func TestMain(m *testing.M) {
	flag.Parse()
	os.Exit(testbed.WithDaemon(*binary, func(found testbed.Programs) int {
		programs = found
		return m.Run()
	}))
}

// needs skips the test unless the program is there. The words `skipped for
// want of` make CI fail.
func needs(t testing.TB, program, path string) {
	t.Helper()
	if path == "" {
		t.Skipf("skipped for want of %s", program)
	}
}

func needsRedis(t testing.TB)    { needs(t, "redis-server", programs.Redis) }
func needsOriginal(t testing.TB) { needs(t, "redis-sentinel (the original)", programs.Original) }

// newBed makes a Bed that is closed when the test ends; if the test failed,
// its logs are printed first.
func newBed(t testing.TB) *testbed.Bed {
	t.Helper()
	needsRedis(t)
	bed, err := testbed.New(programs)
	require.NoError(t, err)
	t.Cleanup(func() {
		if t.Failed() {
			t.Log("\n" + bed.Logs(6000))
		}
		require.NoError(t, bed.Close())
	})
	return bed
}

// newCluster makes a settled cluster; its events are printed if the test fails.
func newCluster(t *testing.T, o testbed.ClusterOptions) *testbed.Cluster {
	t.Helper()
	begin := time.Now()
	bed := newBed(t)
	c, err := bed.Cluster(o)
	t.Cleanup(func() {
		c.Events.Close()
		if t.Failed() {
			t.Log("\n" + c.Events.Text(begin))
		}
	})
	require.NoError(t, err)
	return c
}

// until waits for a condition with a deadline.
func until(t *testing.T, patience time.Duration, ok func() error) {
	t.Helper()
	require.NoError(t, testbed.Until(patience, ok))
}
