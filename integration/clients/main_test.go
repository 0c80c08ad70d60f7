package clients

import (
	"flag"
	"os"
	"os/exec"
	"testing"

	"github.com/stretchr/testify/require"

	"gosentinel/integration/fixture"
	"gosentinel/internal/testbed"
)

func TestMain(m *testing.M) {
	flag.Parse()
	os.Exit(fixture.Main(m))
}

// program is the path of a program, without which the test is skipped.
func program(t *testing.T, name string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	fixture.Needs(t, err == nil, name)
	return path
}

// start runs a program until the Bed is closed.
func start(t *testing.T, bed *testbed.Bed, name string, argv ...string) *testbed.Process {
	t.Helper()
	p, err := bed.Program(name, argv...)
	require.NoError(t, err)
	return p
}
