package tidy

import (
	"fmt"
	"go/ast"
	"go/token"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"gosentinel/internal/command"
)

var (
	pageName = regexp.MustCompile("`([^`]+)`")
	pageTest = regexp.MustCompile(`^([a-z-]+)\.((?:Test|Fuzz)\w*)(?:/([\w-]+))?$`)
)

// page is what a page of tables says.
type page struct {
	names map[string]bool // what stands in backquotes in the first column
	tests []string        // as package.Test or package.Test/transcript
	bare  []string        // rows that name no test
}

// readPage reads the rows of all tables. A row's last column has its tests.
func readPage(text string) page {
	p := page{names: make(map[string]bool)}
	for _, line := range strings.Split(text, "\n") {
		cells := strings.Split(strings.Trim(line, "|"), "|")
		if !strings.HasPrefix(line, "| ") || strings.TrimSpace(cells[len(cells)-1]) == "test" {
			continue
		}
		for _, m := range pageName.FindAllStringSubmatch(cells[0], -1) {
			p.names[m[1]] = true
		}
		found := pageName.FindAllStringSubmatch(cells[len(cells)-1], -1)
		for _, m := range found {
			p.tests = append(p.tests, m[1])
		}
		if len(found) == 0 {
			p.bare = append(p.bare, line)
		}
	}
	return p
}

// testNames are the test functions of the tree as package.Test, and the
// transcripts as sentinel.TestScenarios/name.
func (t *Tree) testNames() map[string]bool {
	names := make(map[string]bool)
	for _, f := range t.Go {
		if !f.IsTest() {
			continue
		}
		for _, d := range f.Syntax.Decls {
			if fn, ok := d.(*ast.FuncDecl); ok && fn.Recv == nil {
				names[path.Base(f.Package())+"."+fn.Name.Name] = true
			}
		}
	}
	for _, p := range t.Paths {
		if name, ok := strings.CutPrefix(p, "sentinel/testdata/"); ok {
			names["sentinel.TestScenarios/"+strings.TrimSuffix(name, ".txt")] = true
		}
	}
	return names
}

// surface is all that the program has and the page must name: commands,
// directives and events, as the page spells them.
func (t *Tree) surface() (names []string) {
	for _, c := range command.NewTable().All() {
		names = append(names, strings.ToUpper(strings.ReplaceAll(c.FullName, "|", " ")))
	}
	for _, f := range t.Go {
		switch {
		case f.IsTest():
		case f.Package() == "conf":
			names = append(names, directives(f.Syntax)...)
		case f.Package() == "sentinel":
			names = append(names, events(f.Syntax)...)
		}
	}
	return names
}

// directives are the names in the tables of package conf.
func directives(f *ast.File) (names []string) {
	prefix := map[string]string{"subDirectives": "sentinel ", "ownSettings": "#gosentinel "}
	ast.Inspect(f, func(n ast.Node) bool {
		v, ok := n.(*ast.ValueSpec)
		if !ok || len(v.Values) != 1 {
			return true
		}
		rows, ok := v.Values[0].(*ast.CompositeLit)
		if before, listed := prefix[v.Names[0].Name]; ok && (listed || strings.HasPrefix(v.Names[0].Name, "table")) {
			for _, row := range rows.Elts {
				if kv, ok := row.(*ast.KeyValueExpr); ok {
					row = kv.Key
				}
				if words := literals(row); len(words) > 0 {
					names = append(names, before+words[0])
				}
			}
		}
		return true
	})
	return names
}

// events are the names of events: all texts that look like one, but for ends
// of other names.
func events(f *ast.File) []string {
	like := regexp.MustCompile(`^[+-][a-z][a-z-]+$`)
	return slices.DeleteFunc(literals(f), func(s string) bool {
		return !like.MatchString(s) || slices.Contains([]string{"-cmd", "-pubsub", "-script"}, s)
	})
}

// literals are the texts in n, in order.
func literals(n ast.Node) (texts []string) {
	ast.Inspect(n, func(n ast.Node) bool {
		if lit, ok := n.(*ast.BasicLit); ok && lit.Kind == token.STRING {
			if s, err := strconv.Unquote(lit.Value); err == nil {
				texts = append(texts, s)
			}
		}
		return true
	})
	return texts
}

// The page of compatibility has a row for all that there is, each row a test,
// and each test exists.
//
// Rule: R-1, K-1.1, C-64, B-901.
func TestCompatibilityPage(t *testing.T) {
	root := filepath.Join("..", "..")
	tree, err := Load(root)
	require.NoError(t, err)
	text, err := os.ReadFile(filepath.Join(root, "docs", "compatibility.md"))
	require.NoError(t, err)
	p := readPage(string(text))
	require.Empty(t, p.bare, "rows without a test")
	surface := tree.surface()
	require.Greater(t, len(surface), 300)
	for _, name := range surface {
		require.True(t, p.names[name], "%s has no row", name)
	}
	known := tree.testNames()
	for _, name := range p.tests {
		require.Regexp(t, pageTest, name)
		require.True(t, known[name], "there is no %s", name)
	}
}

// Rule: S2.9, a check of the repository finds what it is there to find.
func TestPageIsRead(t *testing.T) {
	p := readPage("`x.TestOutside`\n\n| what | test |\n|---|---|\n| `a`, `b` | `conf.TestX`, `sentinel.TestScenarios/y` |\n| c | none |\n")
	require.Equal(t, map[string]bool{"a": true, "b": true}, p.names)
	require.Equal(t, []string{"conf.TestX", "sentinel.TestScenarios/y"}, p.tests)
	require.Equal(t, []string{"| c | none |"}, p.bare)

	tree := &Tree{Set: token.NewFileSet(), Paths: []string{"sentinel/testdata/y.txt"}}
	for name, text := range map[string]string{
		"conf/a.go":            `var tableA = []directive{boolean("x", "no"), {name: "y", def: "z"}, text("u").checked(f("v"))}`,
		"conf/b.go":            `var subDirectives = map[string]int{"monitor": 1}; var other = []string{"q"}`,
		"sentinel/a.go":        `var x = []string{"+sdown", "-cmd", "down", "-1"}`,
		"conf/a_test.go":       `func TestX() {}`,
		"internal/z/a.go":      `var x = "+elsewhere"`,
		"internal/z/b_test.go": `func FuzzY() {}`,
	} {
		require.NoError(t, tree.parse(name, []byte(fmt.Sprintf("package p\n%s\n", text))))
	}
	names := tree.surface()
	require.Contains(t, names, "SENTINEL MASTERS")
	names = names[len(command.NewTable().All()):]
	require.ElementsMatch(t, []string{"x", "y", "u", "sentinel monitor", "+sdown"}, names)
	known := tree.testNames()
	require.Equal(t, map[string]bool{"conf.TestX": true, "z.FuzzY": true, "sentinel.TestScenarios/y": true}, known)
}
