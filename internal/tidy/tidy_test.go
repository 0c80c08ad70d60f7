package tidy

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// The repository itself. Rule: S2.1, S2.4, S2.9.
func TestRepository(t *testing.T) {
	tree, err := Load(filepath.Join("..", ".."))
	require.NoError(t, err)
	require.NotEmpty(t, tree.Go)
	unfinished, err := tree.Unfinished()
	require.NoError(t, err)
	law, err := tree.Law()
	require.NoError(t, err)
	links, err := tree.Links()
	require.NoError(t, err)
	named, err := tree.Named()
	require.NoError(t, err)
	decisions, err := tree.Decisions()
	require.NoError(t, err)
	for _, rule := range []struct {
		name  string
		found []string
	}{
		{"imports are those of the table", tree.Imports()},
		{"pure packages are pure", tree.Purity()},
		{"files and functions are short", tree.Lengths()},
		{"nothing is left unfinished", unfinished},
		{"no test sleeps", tree.Sleeps()},
		{"all is formatted", tree.Formats()},
		{"all testdata is used", tree.Testdata()},
		{"rules that are cited are defined, and the defined are tested", law},
		{"links lead somewhere", links},
		{"pages name what is there", named},
		{"decisions have their form, and name all modules", decisions},
		{"names are those of the field", tree.Banned()},
	} {
		t.Run(rule.name, func(t *testing.T) {
			require.Empty(t, rule.found, strings.Join(rule.found, "\n"))
		})
	}
}
