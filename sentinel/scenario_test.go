package sentinel_test

import (
	"flag"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"gosentinel/internal/scenario"
)

var rewrite = flag.Bool("rewrite", false, "write the output of this run into the transcripts")

// The transcripts name the rules that they show.
func TestScenarios(t *testing.T) {
	paths, err := filepath.Glob("testdata/*.txt")
	require.NoError(t, err)
	require.NotEmpty(t, paths)
	for _, path := range paths {
		t.Run(filepath.Base(path), func(t *testing.T) {
			t.Parallel()
			text, err := os.ReadFile(path)
			require.NoError(t, err)
			res, err := scenario.Run(string(text), scenario.Options{})
			require.NoError(t, err)
			if *rewrite {
				require.NoError(t, os.WriteFile(path, []byte(res.Text), 0o644))
				return
			}
			require.Equal(t, string(text), res.Text)
		})
	}
}
