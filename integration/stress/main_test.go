package stress

import (
	"cmp"
	"flag"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"gosentinel/integration/fixture"
)

var full = flag.Bool("full", false, "the full numbers, more rounds")

func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == askerWord {
		if err := serveAskers(os.Args[2:], os.Stdin, os.Stdout); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	flag.Parse()
	os.Exit(fixture.Main(m))
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

// atMost judges a figure. Only the full run does: what CI asserts must hold
// whatever else the machine has to do.
func atMost[T cmp.Ordered](t *testing.T, got, most T, what string) {
	t.Helper()
	if *full {
		require.LessOrEqual(t, got, most, what)
	}
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
