package soak

import (
	"flag"
	"os"
	"testing"
	"time"

	"gosentinel/integration/fixture"
)

var (
	minutes = flag.Float64("minutes", 1, "how long to go on")
	seed    = flag.Uint64("seed", uint64(time.Now().UnixNano()), "of the choice of faults")
)

func TestMain(m *testing.M) {
	flag.Parse()
	// With a fixed percentage what a daemon holds is seen, rather than how far it
	// lets its heap grow between collections: under the race detector the
	// difference is 100 MB.
	os.Setenv("GOGC", "100")
	os.Exit(fixture.Main(m, "-race"))
}
