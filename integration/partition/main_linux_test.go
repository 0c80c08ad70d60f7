package partition

import (
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"gosentinel/internal/testbed"
)

var (
	binary = flag.String("sentinel", "", "run this binary instead of building our own")
	all    = flag.Bool("all", false, "run every schedule and print the table")
)

// programs are what the tests run; set by TestMain.
var programs testbed.Programs

// missing says what the tests lack, "" for nothing.
var missing string

func TestMain(m *testing.M) {
	flag.Parse()
	if os.Getenv(insideVariable) != "" {
		os.Exit(run(m))
	}
	if _, err := exec.LookPath("ip"); err != nil {
		missing = "the command ip"
		os.Exit(m.Run())
	}
	code, err := again()
	if err != nil { // it could not be started
		missing = fmt.Sprintf("namespaces (%v)", err)
		code = m.Run()
	}
	os.Exit(code)
}

func run(m *testing.M) int {
	if err := settleIn(); err != nil {
		missing = fmt.Sprintf("namespaces (%v)", err)
		return m.Run()
	}
	path := *binary
	if path == "" {
		dir, err := os.MkdirTemp("", "gosentinel-bin-")
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		defer os.RemoveAll(dir)
		path = filepath.Join(dir, "redis-sentinel")
		build := exec.Command("go", "build", "-o", path, "gosentinel/cmd/redis-sentinel")
		if out, err := build.CombinedOutput(); err != nil {
			fmt.Fprintf(os.Stderr, "build the daemon: %v\n%s", err, out)
			return 1
		}
	}
	programs = testbed.Find(path)
	switch {
	case programs.Redis == "":
		missing = "redis-server"
	case programs.Original == "":
		missing = "redis-sentinel (the original)"
	}
	return m.Run()
}
