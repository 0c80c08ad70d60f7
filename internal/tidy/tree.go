package tidy

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// File is one Go source file.
type File struct {
	Path   string // from the repository's root, with slashes
	Text   []byte
	Syntax *ast.File
}

// Package is the folder that a file is in, "" for the root.
func (f *File) Package() string {
	i := strings.LastIndexByte(f.Path, '/')
	if i < 0 {
		return ""
	}
	return f.Path[:i]
}

// IsTest reports whether the file is compiled for tests only.
func (f *File) IsTest() bool { return strings.HasSuffix(f.Path, "_test.go") }

// Tree is a repository: its Go files parsed, and the paths of all its files.
type Tree struct {
	Set   *token.FileSet
	Go    []*File
	Paths []string
	Root  string
}

// skipped are folders that hold nothing of ours.
var skipped = []string{".git", "bin", "node_modules"}

// Load reads the repository at root.
func Load(root string) (*Tree, error) {
	t := &Tree{Set: token.NewFileSet(), Root: root}
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			if path != root && slices.Contains(skipped, d.Name()) {
				return fs.SkipDir
			}
			return nil
		}
		rel, err := filepath.Rel(root, path)
		if err != nil {
			return err
		}
		return t.add(filepath.ToSlash(rel), path)
	})
	return t, err
}

func (t *Tree) add(rel, path string) error {
	t.Paths = append(t.Paths, rel)
	if !strings.HasSuffix(rel, ".go") {
		return nil
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	return t.parse(rel, text)
}

// parse adds a Go file of that text.
func (t *Tree) parse(rel string, text []byte) error {
	syntax, err := parser.ParseFile(t.Set, rel, text, parser.ParseComments|parser.SkipObjectResolution)
	if err != nil {
		return err
	}
	t.Go = append(t.Go, &File{Path: rel, Text: text, Syntax: syntax})
	return nil
}

// at is a finding: where, and what.
func (t *Tree) at(n ast.Node, format string, args ...any) string {
	p := t.Set.Position(n.Pos())
	return fmt.Sprintf("%s:%d: %s", p.Filename, p.Line, fmt.Sprintf(format, args...))
}

// lines is how many lines a node spans.
func (t *Tree) lines(n ast.Node) int {
	return t.Set.Position(n.End()).Line - t.Set.Position(n.Pos()).Line + 1
}
