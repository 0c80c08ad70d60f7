package tidy

import (
	"errors"
	"go/ast"
	"go/token"
	"go/types"
	"maps"
	"regexp"
	"slices"
)

// impure are the standard packages that a pure package may not import. Of
// package time only the functions in clocks are banned.
var impure = []string{
	"context", "crypto/rand", "log", "log/slog", "math/rand", "math/rand/v2", "net", "os", "os/exec", "os/signal",
	"path/filepath", "runtime", "sync", "sync/atomic", "syscall", "testing", "unsafe",
}

// clocks are the functions of package time that look at the clock or start a
// timer.
var clocks = []string{"Now", "Since", "Until", "Sleep", "After", "AfterFunc", "Tick", "NewTimer", "NewTicker"}

// unordered is the comment, on the line of a range over a map, that says that
// its order reaches no effect.
var unordered = regexp.MustCompile(`^// .*\border\b`)

// Purity reports what a pure package does that it may not: goroutines,
// channels, clocks, changes of package variables, ranges over maps.
func (t *Tree) Purity() (found []string) {
	byDir := make(map[string][]*File)
	for _, f := range t.Go {
		if rooms[f.Package()].pure && !f.IsTest() {
			byDir[f.Package()] = append(byDir[f.Package()], f)
		}
	}
	for _, dir := range slices.Sorted(maps.Keys(byDir)) {
		info := t.resolve(dir, byDir[dir])
		for _, f := range byDir[dir] {
			found = append(found, t.impurities(f, info)...)
		}
	}
	return found
}

// resolve tells what the names in a package stand for, as far as it can be
// known without looking into other packages.
func (t *Tree) resolve(dir string, files []*File) *types.Info {
	info := &types.Info{Uses: make(map[*ast.Ident]types.Object), Types: make(map[ast.Expr]types.TypeAndValue)}
	var syntax []*ast.File
	for _, f := range files {
		syntax = append(syntax, f.Syntax)
	}
	cfg := types.Config{Importer: noImports{}, Error: func(error) {}}
	// The error is the first of those that come of importing nothing.
	_, _ = cfg.Check(module+dir, t.Set, syntax, info)
	return info
}

type noImports struct{}

func (noImports) Import(string) (*types.Package, error) {
	return nil, errors.New("not looked at")
}

func (t *Tree) impurities(f *File, info *types.Info) (found []string) {
	say := func(n ast.Node, what string) { found = append(found, t.at(n, "a pure package has no %s", what)) }
	reasons := make(map[int]bool) // lines that speak of their order
	for _, group := range f.Syntax.Comments {
		for _, c := range group.List {
			if unordered.MatchString(c.Text) {
				reasons[t.Set.Position(c.Pos()).Line] = true
			}
		}
	}
	ast.Inspect(f.Syntax, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.GoStmt:
			say(n, "goroutines")
		case *ast.SelectStmt:
			say(n, "select")
		case *ast.ChanType:
			say(n, "channels")
		case *ast.SelectorExpr:
			if x, ok := n.X.(*ast.Ident); ok && x.Name == "time" && slices.Contains(clocks, n.Sel.Name) {
				say(n, "time."+n.Sel.Name)
			}
		case *ast.AssignStmt:
			if n.Tok != token.DEFINE {
				for _, x := range n.Lhs {
					if global(x, info) {
						say(n, "changing package variables")
					}
				}
			}
		case *ast.IncDecStmt:
			if global(n.X, info) {
				say(n, "changing package variables")
			}
		case *ast.RangeStmt:
			if isMap(n.X, info) && !reasons[t.Set.Position(n.Pos()).Line] {
				say(n, "ranges over a map (or says on that line that its order does not matter)")
			}
		}
		return true
	})
	return found
}

// global reports whether x is, or is inside of, a package variable.
func global(x ast.Expr, info *types.Info) bool {
	for {
		switch y := x.(type) {
		case *ast.SelectorExpr:
			x = y.X
		case *ast.IndexExpr:
			x = y.X
		case *ast.StarExpr:
			x = y.X
		case *ast.ParenExpr:
			x = y.X
		case *ast.Ident:
			v, ok := info.Uses[y].(*types.Var)
			return ok && v.Pkg() != nil && v.Parent() == v.Pkg().Scope()
		default:
			return false
		}
	}
}

func isMap(x ast.Expr, info *types.Info) bool {
	typ := info.Types[x].Type
	if typ == nil {
		return false
	}
	_, ok := typ.Underlying().(*types.Map)
	return ok
}
