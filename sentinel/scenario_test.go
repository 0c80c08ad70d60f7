package sentinel_test

import (
	"flag"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"gosentinel/internal/scenario"
	"gosentinel/internal/sim"
)

var (
	rewrite   = flag.Bool("rewrite", false, "write the output of this run into the transcripts")
	allPoints = flag.Bool("crashpoints", false, "kill at every write of every transcript, not at some")
)

// scenarios calls f for each transcript.
func scenarios(t *testing.T, f func(t *testing.T, path, text string)) {
	paths, err := filepath.Glob("testdata/*.txt")
	require.NoError(t, err)
	require.NotEmpty(t, paths)
	for _, path := range paths {
		t.Run(filepath.Base(path), func(t *testing.T) {
			t.Parallel()
			text, err := os.ReadFile(path)
			require.NoError(t, err)
			f(t, path, string(text))
		})
	}
}

// The transcripts name the rules that they show.
func TestScenarios(t *testing.T) {
	scenarios(t, func(t *testing.T, path, text string) {
		res, err := scenario.Run(text, scenario.Options{})
		require.NoError(t, err)
		if *rewrite {
			require.NoError(t, os.WriteFile(path, []byte(res.Text), 0o644))
			return
		}
		require.Equal(t, text, res.Text)
	})
}

// somePoints is how many crash points of a transcript are tried unless all are
// asked for.
const somePoints = 6

// Every transcript again, killing a Sentinel just before or after one of its
// writes: no rule is broken, and in the end all agree.
//
// Rule: S-2, S-5, E-41, E-44, I-2, I-4, I-11.
func TestCrashPoints(t *testing.T) {
	scenarios(t, func(t *testing.T, _, text string) {
		points, err := scenario.CrashPoints(text)
		require.NoError(t, err)
		for _, p := range pickPoints(points) {
			broken, err := scenario.RunCrashPoint(text, p)
			require.NoError(t, err)
			require.Empty(t, broken, "%+v", p)
		}
	})
}

// pickPoints takes some points from all over the transcript, or all.
func pickPoints(points []sim.CrashPoint) []sim.CrashPoint {
	if *allPoints || len(points) <= somePoints {
		return points
	}
	out := make([]sim.CrashPoint, 0, somePoints)
	for k := range somePoints {
		out = append(out, points[k*len(points)/somePoints])
	}
	return out
}
