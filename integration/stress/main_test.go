package stress

import (
	"flag"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"gosentinel/internal/testbed"
)

var (
	binary = flag.String("sentinel", "", "run this binary instead of building our own")
	full   = flag.Bool("full", false, "the full numbers, more rounds")
)

// programs are what the tests run; set by TestMain.
var programs testbed.Programs

func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == askerWord {
		if err := serveAskers(os.Args[2:], os.Stdin, os.Stdout); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	flag.Parse()
	os.Exit(testbed.WithDaemon(*binary, func(found testbed.Programs) int {
		programs = found
		return m.Run()
	}))
}

// newBed is a Bed that ends with the test.
func newBed(t *testing.T, programs testbed.Programs) *testbed.Bed {
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

// needsRedis skips a test that runs redis-server where there is none.
func needsRedis(t *testing.T) {
	if programs.Redis == "" {
		t.Skip("skipped for want of redis-server")
	}
}

// short is a number for CI, or the full one.
func short(ci, issue int) int {
	if *full {
		return issue
	}
	return ci
}

// say prints a figure, whether or not the test is verbose.
func say(t *testing.T, format string, args ...any) {
	fmt.Printf("%s: %s\n", t.Name(), fmt.Sprintf(format, args...))
}

// quantile is the value that percent of the sorted ds do not exceed.
func quantile(ds []time.Duration, percent int) time.Duration {
	return ds[min(len(ds)-1, len(ds)*percent/100)]
}

func median(ds []time.Duration) time.Duration {
	return quantile(slices.Sorted(slices.Values(ds)), 50)
}

// ms are times in milliseconds.
func ms(ds ...time.Duration) string {
	texts := make([]string, len(ds))
	for i, d := range ds {
		texts[i] = strconv.FormatFloat(float64(d.Microseconds())/1000, 'f', 1, 64)
	}
	return strings.Join(texts, " ")
}
