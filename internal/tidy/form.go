package tidy

import (
	"bytes"
	"fmt"
	"go/ast"
	"go/format"
	"go/token"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// Limits of S2.4.
const (
	maxFileLines     = 600
	maxFunctionLines = 70
	// maxCaseLines is how long a case may be for its switch to count as a
	// flat dispatch.
	maxCaseLines = 8
)

// Lengths reports files and functions that are too long. A flat dispatch
// switch is not counted, nor a table without functions in it: both are lists.
func (t *Tree) Lengths() (found []string) {
	for _, f := range t.Go {
		if n := bytes.Count(f.Text, []byte("\n")); n > maxFileLines {
			found = append(found, fmt.Sprintf("%s:1: %d lines, at most %d", f.Path, n, maxFileLines))
		}
		for _, d := range f.Syntax.Decls {
			fn, ok := d.(*ast.FuncDecl)
			if !ok {
				continue
			}
			n := t.lines(fn) - t.listed(fn)
			if n >= maxFunctionLines {
				found = append(found, t.at(fn, "%s has %d lines, under %d", fn.Name.Name, n, maxFunctionLines))
			}
		}
	}
	return found
}

// listed is how many lines of a function are lists that do not count.
func (t *Tree) listed(fn *ast.FuncDecl) (n int) {
	ast.Inspect(fn, func(x ast.Node) bool {
		switch x := x.(type) {
		case *ast.SwitchStmt:
			if t.flat(x.Body) {
				n += t.lines(x)
				return false
			}
		case *ast.TypeSwitchStmt:
			if t.flat(x.Body) {
				n += t.lines(x)
				return false
			}
		case *ast.CompositeLit:
			if !holdsFunction(x) {
				n += t.lines(x) - 1
				return false
			}
		}
		return true
	})
	return n
}

func holdsFunction(x ast.Node) (holds bool) {
	ast.Inspect(x, func(n ast.Node) bool {
		_, ok := n.(*ast.FuncLit)
		holds = holds || ok
		return !holds
	})
	return holds
}

func (t *Tree) flat(body *ast.BlockStmt) bool {
	for _, c := range body.List {
		if t.lines(c) > maxCaseLines {
			return false
		}
	}
	return true
}

// unfinished are words that say a file is not done. They are put together here
// so that this file does not hold them.
var unfinished = regexp.MustCompile(`\b(` + strings.Join([]string{"TO" + "DO", "FIX" + "ME", "X" + "XX"}, "|") + `)\b`)

// Unfinished reports lines that say they are not done, in any text file.
func (t *Tree) Unfinished() (found []string, err error) {
	for _, p := range t.Paths {
		if strings.Contains(p, "testdata/") {
			continue // outside data may say what it likes
		}
		text, err := os.ReadFile(filepath.Join(t.Root, filepath.FromSlash(p)))
		if err != nil {
			return nil, err
		}
		for i, line := range bytes.Split(text, []byte("\n")) {
			if w := unfinished.Find(line); w != nil {
				found = append(found, fmt.Sprintf("%s:%d: %s", p, i+1, w))
			}
		}
	}
	return found, nil
}

// Sleeps reports tests that sleep instead of waiting for a condition. Under
// testing/synctest a sleep moves virtual time, and costs none.
func (t *Tree) Sleeps() (found []string) {
	for _, f := range t.Go {
		virtual := slices.ContainsFunc(f.Syntax.Imports, func(i *ast.ImportSpec) bool { return i.Path.Value == `"testing/synctest"` })
		if !f.IsTest() || virtual {
			continue
		}
		ast.Inspect(f.Syntax, func(n ast.Node) bool {
			if s, ok := n.(*ast.SelectorExpr); ok && s.Sel.Name == "Sleep" {
				if x, ok := s.X.(*ast.Ident); ok && x.Name == "time" {
					found = append(found, t.at(s, "a test waits for a condition, it does not sleep"))
				}
			}
			return true
		})
	}
	return found
}

// Formats reports files that gofmt would change.
func (t *Tree) Formats() (found []string) {
	for _, f := range t.Go {
		want, err := format.Source(f.Text)
		if err != nil || !bytes.Equal(want, f.Text) {
			found = append(found, f.Path+":1: not as gofmt has it")
		}
	}
	return found
}

// Testdata reports files below a testdata folder that no test of the package
// names: by its path, its name, a pattern, or a folder above it. What a fuzz
// test keeps belongs to the function that its folder is named for.
func (t *Tree) Testdata() (found []string) {
	words := make(map[string][]string) // by package: strings and Fuzz functions of its tests
	for _, f := range t.Go {
		if !f.IsTest() {
			continue
		}
		ast.Inspect(f.Syntax, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.BasicLit:
				if s, err := strconv.Unquote(n.Value); n.Kind == token.STRING && err == nil {
					words[f.Package()] = append(words[f.Package()], s)
				}
			case *ast.FuncDecl:
				words[f.Package()] = append(words[f.Package()], "testdata/fuzz/"+n.Name.Name)
			}
			return true
		})
	}
	for _, p := range t.Paths {
		if strings.HasPrefix(p, "testdata/") {
			p = "./" + p
		}
		i := strings.Index(p, "/testdata/")
		if i >= 0 && !named(p[i+1:], words[p[:i]]) {
			found = append(found, p+":1: no test names it")
		}
	}
	return found
}

// named reports whether one of the words means the file.
func named(file string, words []string) bool {
	for _, w := range words {
		w = strings.TrimSuffix(w, "/")
		if w == file || w == path.Base(file) || w != "" && strings.HasPrefix(file, w+"/") && strings.HasPrefix(w, "testdata") {
			return true
		}
		if ok, err := path.Match(w, file); err == nil && ok && strings.HasPrefix(w, "testdata") {
			return true
		}
	}
	return false
}
