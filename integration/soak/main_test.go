package soak

import (
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"gosentinel/internal/testbed"
)

var (
	binary  = flag.String("sentinel", "", "run this binary instead of building our own with -race")
	minutes = flag.Float64("minutes", 1, "how long to go on")
	seed    = flag.Uint64("seed", uint64(time.Now().UnixNano()), "of the choice of faults")
)

// programs are what the test runs; set by TestMain.
var programs testbed.Programs

func TestMain(m *testing.M) {
	flag.Parse()
	os.Exit(run(m))
}

func run(m *testing.M) int {
	path := *binary
	if path == "" {
		dir, err := os.MkdirTemp("", "gosentinel-bin-")
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		defer os.RemoveAll(dir)
		path = filepath.Join(dir, "redis-sentinel")
		build := exec.Command("go", "build", "-race", "-o", path, "gosentinel/cmd/redis-sentinel")
		if out, err := build.CombinedOutput(); err != nil {
			fmt.Fprintf(os.Stderr, "build the daemon: %v\n%s", err, out)
			return 1
		}
	}
	programs = testbed.Find(path)
	return m.Run()
}
