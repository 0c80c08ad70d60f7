package partition

import (
	"flag"
	"fmt"
	"os"
	"os/exec"
	"testing"

	"gosentinel/integration/fixture"
)

var all = flag.Bool("all", false, "run every schedule and print the table")

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
	return fixture.Main(m)
}
