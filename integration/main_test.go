package integration

import (
	"flag"
	"os"
	"testing"

	"gosentinel/integration/fixture"
)

func TestMain(m *testing.M) {
	flag.Parse()
	os.Exit(fixture.Main(m))
}
