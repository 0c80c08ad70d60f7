package tidy

import (
	"fmt"
	"go/ast"
	"os"
	"path/filepath"
	"strings"
)

// product are the folders of what users run; the rest is tests and tools.
var product = []string{"cmd/", "conf/", "quorum/", "replication/", "sentinel/",
	"internal/acl/", "internal/command/", "internal/daemon/", "internal/epoll/", "internal/invariant/", "internal/link/",
	"internal/listener/", "internal/ordered/", "internal/resp/", "internal/rng/", "internal/trace/"}

// Figures are those of the structure: how large the product is, how much of it
// is explained where it stands, and what it checks of itself.
type Figures struct {
	Files, Lines int // of the product, tests left out; lines without blank ones
	Inside       int // comment lines inside its functions
	Code         int // other lines inside them that are not blank
	Assertions   int // calls of invariant.That
	Modules      int // that go.mod requires, tests and tools included
}

// String is one line for each.
func (f Figures) String() string {
	return fmt.Sprintf("files %d, lines %d, comment lines inside functions %d (%.1f of 100 code lines), assertions %d, modules required %d",
		f.Files, f.Lines, f.Inside, 100*float64(f.Inside)/float64(max(1, f.Code)), f.Assertions, f.Modules)
}

// Figures counts.
func (t *Tree) Figures() (f Figures, err error) {
	for _, file := range t.Go {
		if !isProduct(file.Path) || file.IsTest() {
			continue
		}
		f.Files++
		lines := strings.Split(string(file.Text), "\n")
		for _, line := range lines {
			if strings.TrimSpace(line) != "" {
				f.Lines++
			}
		}
		ast.Inspect(file.Syntax, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.FuncDecl:
				t.countInside(n, lines, &f)
			case *ast.SelectorExpr:
				if x, ok := n.X.(*ast.Ident); ok && x.Name == "invariant" && n.Sel.Name == "That" {
					f.Assertions++
				}
			}
			return true
		})
	}
	text, err := os.ReadFile(filepath.Join(t.Root, "go.mod"))
	for line := range strings.Lines(string(text)) {
		if strings.HasPrefix(line, "\t") && strings.Contains(line, " v") {
			f.Modules++
		}
	}
	return f, err
}

func isProduct(p string) bool {
	for _, folder := range product {
		if strings.HasPrefix(p, folder) {
			return true
		}
	}
	return false
}

// countInside counts the lines between the braces of a function.
func (t *Tree) countInside(fn *ast.FuncDecl, lines []string, f *Figures) {
	if fn.Body == nil {
		return
	}
	from, to := t.Set.Position(fn.Body.Lbrace).Line, t.Set.Position(fn.Body.Rbrace).Line
	for k := from; k < to-1; k++ {
		switch line := strings.TrimSpace(lines[k]); {
		case line == "":
		case strings.HasPrefix(line, "//"):
			f.Inside++
		default:
			f.Code++
		}
	}
}
