package tidy

import (
	"os"
	"path/filepath"
	"regexp"
	"testing"

	"github.com/stretchr/testify/require"
)

// numbered makes rule numbers of B_1 and the like, which would else be citations
// here.
func numbered(text string) string {
	return regexp.MustCompile(`\b([BEK])_(\d)`).ReplaceAllString(text, "$1-$2")
}

// write makes a repository of these files.
func write(t *testing.T, files map[string]string) *Tree {
	t.Helper()
	root := t.TempDir()
	for p, text := range files {
		path := filepath.Join(root, p)
		require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o700))
		require.NoError(t, os.WriteFile(path, []byte(numbered(text)), 0o600))
	}
	tree, err := Load(root)
	require.NoError(t, err)
	return tree
}

// What is cited is defined, and what is defined is shown by a test, or there is a
// reason why not.
func TestTheLawIsWhole(t *testing.T) {
	tree := write(t, map[string]string{
		"docs/spec/a.md":              "* **B_1** a rule\n* **B_2** another\n| E_5 | in a row |\n**B_9** with parts: **B_9b**\n",
		"docs/spec/commands.md":       "### 2.3 A section\n",
		"docs/rules-without-tests.md": "| B_2 | why |\n",
		"a.go":                        "package a\n\n// Rule: B_1, B_7, E_5.2.\n",
		"a_test.go":                   "package a\n\n// Rule: B_1, K_2.3, B_9b.\n",
		"testdata/x.txt":              "# Rules: E_4 to E_5\n",
	})
	found, err := tree.Law()
	require.NoError(t, err)
	require.Equal(t, []string{numbered("a.go: no page defines B_7"), numbered("testdata/x.txt: no page defines E_4")}, found)

	found, err = write(t, map[string]string{"docs/spec/a.md": "**B_1** and **B_2**", "a_test.go": "package a // B_1"}).Law()
	require.NoError(t, err)
	require.Equal(t, []string{numbered("B_2: no test cites it, and docs/rules-without-tests.md does not say why")}, found)
}

// A link leads to a page, and to a heading of it.
func TestLinksLeadSomewhere(t *testing.T) {
	tree := write(t, map[string]string{
		"README.md": "[a](docs/a.md) [b](docs/b.md) [c](docs/a.md#what-is-there) [d](docs/a.md#nothing) [e](#top) [f](https://x.example/y)\n# Top\n" +
			"[g](docs/a.md#again-1) [h](docs/a.md#comment) [i][j]\n\n[j]: docs/c.md\n```\n[k](docs/d.md)\n```\n",
		"docs/a.md": "# A\n\n## What is there?\n\n[up](../README.md)\n\n## Again\n\n## Again\n\n```\n# comment\n```\n",
	})
	found, err := tree.Links()
	require.NoError(t, err)
	require.Equal(t, []string{"README.md: no such file: docs/b.md", "README.md: no such heading: docs/a.md#nothing",
		"README.md: no such heading: docs/a.md#comment", "README.md: no such file: docs/c.md"}, found)
}

// Rule: S2.12, a decision has a status, a context, a decision and its consequences.
func TestDecisionsHaveTheirForm(t *testing.T) {
	form := " A title\n\nStatus: accepted.\n\n## Context\n\na\n\n## Decision\n\nexample/a, example/b\n\n## Consequences\n\nb\n"
	tree := write(t, map[string]string{
		"docs/adr/0001-dependencies.md": "# 0001" + form,
		"docs/adr/0002-b.md":            "# 0003" + form,
		"docs/adr/0004-c.md":            "# 0004 A title\n\nStatus: accepted.\n\n## Context\n\n## Decision\n",
		"go.mod":                        "module x\n\nrequire (\n\tgithub.com/example/a v1.0.0\n\tb.dev/example/b/v2 v2.0.0\n\tgithub.com/example/c v1.0.0\n\tgithub.com/example/d v1.0.0 // indirect\n)\n",
	})
	found, err := tree.Decisions()
	require.NoError(t, err)
	require.Equal(t, []string{
		"docs/adr/0002-b.md: its title has another number",
		"docs/adr/0004-c.md: not title, status, context, decision, consequences",
		"docs/adr/0001-dependencies.md: it does not name example/c",
	}, found)
}

// What a page that leads through the code names is there.
func TestPagesNameWhatIsThere(t *testing.T) {
	tree := write(t, map[string]string{
		"sentinel/elect.go":       "package sentinel\n\ntype Core struct{ epoch int }\n\nfunc (c *Core) stand() {}\n\ntype peer interface{ dead() bool }\n\nconst tickEvery = 1\n",
		"internal/link/a.go":      "package link\n\ntype link struct{}\n\nfunc (l *link) read() {}\n\nfunc New() {}\n",
		"sentinel/testdata/a.txt": "",
		"CONTRIBUTING.md": "`Core.stand` `sentinel.Core.epoch` `peer.dead` `tickEvery` `link.read` `link.New` `time.Now` `stand` `testdata/*.txt`\n" +
			"`Core.sit` `sentinel.Core.sit` `tockEvery` `link.write` `sit_*.go`\n```\n`Core.fenced`\n```\n",
		"docs/adr/1.md": "`elect.go` `internal/elect.go` `Core.sit`\n",
		"CHANGELOG.md":  "`gone.go`\n",
	})
	found, err := tree.Named()
	require.NoError(t, err)
	require.Equal(t, []string{
		"CONTRIBUTING.md: nothing is called Core.sit", "CONTRIBUTING.md: nothing is called sentinel.Core.sit",
		"CONTRIBUTING.md: nothing is called tockEvery", "CONTRIBUTING.md: nothing is called link.write",
		"CONTRIBUTING.md: no such file: sit_*.go", "docs/adr/1.md: no such file: internal/elect.go",
	}, found)
}

func TestBannedNamesAreFound(t *testing.T) {
	tree := write(t, map[string]string{"a.go": "package a\n\nfunc recant() {}\n"})
	require.Equal(t, []string{"a.go:3: recant: say withdrawUnwrittenVotes"}, tree.Banned())
}

// The figures of the structure, of a small tree and of this one, which are logged.
func TestFigures(t *testing.T) {
	tree := write(t, map[string]string{
		"go.mod":            "module x\n\nrequire (\n\ta.example/b v1.0.0\n)\n",
		"sentinel/a.go":     "package sentinel\n\nfunc a() {\n\t// why\n\tinvariant.That(true)\n\n\tb()\n}\n",
		"internal/sim/b.go": "package sim\n",
	})
	f, err := tree.Figures()
	require.NoError(t, err)
	require.Equal(t, Figures{Files: 1, Lines: 6, Inside: 1, Code: 2, Assertions: 1, Modules: 1}, f)

	tree, err = Load(filepath.Join("..", ".."))
	require.NoError(t, err)
	f, err = tree.Figures()
	require.NoError(t, err)
	t.Log(f)
}
