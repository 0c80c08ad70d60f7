package clients

import (
	"flag"
	"os"
	"os/exec"
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

// need skips the test for want of something. The words `skipped for want of`
// make CI fail.
func need(t *testing.T, ok bool, thing string) {
	t.Helper()
	if !ok {
		t.Skipf("skipped for want of %s", thing)
	}
}

// program is the path of a program, without which the test is skipped.
func program(t *testing.T, name string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	need(t, err == nil, name)
	return path
}

// newBed makes a Bed that is closed when the test ends; if the test failed,
// its logs are printed first.
func newBed(t *testing.T) *testbed.Bed {
	t.Helper()
	need(t, programs.Redis != "", "redis-server")
	bed, err := testbed.New(programs)
	require.NoError(t, err)
	t.Cleanup(func() {
		if t.Failed() {
			t.Log("\n" + bed.Logs(3000))
		}
		require.NoError(t, bed.Close())
	})
	return bed
}

// newCluster makes a settled cluster in a Bed; its events are printed if the
// test fails.
func newCluster(t *testing.T, bed *testbed.Bed, o testbed.ClusterOptions) *testbed.Cluster {
	t.Helper()
	begin := time.Now()
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

// start runs a program until the Bed is closed.
func start(t *testing.T, bed *testbed.Bed, name string, argv ...string) *testbed.Process {
	t.Helper()
	p, err := bed.Program(name, argv...)
	require.NoError(t, err)
	return p
}

// until waits for a condition with a deadline.
func until(t *testing.T, patience time.Duration, ok func() error) {
	t.Helper()
	require.NoError(t, testbed.Until(patience, ok))
}
