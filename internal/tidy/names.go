package tidy

import (
	"fmt"
	"go/ast"
	"path"
	"regexp"
	"slices"
	"strings"
)

// The pages that lead through the code name what is there. Those of what was,
// and of what users see, do not.
var (
	guides  = []string{"docs/architecture.md", "CONTRIBUTING.md"} // functions and types, too
	history = []string{"CHANGELOG.md"}
)

var (
	fenced     = regexp.MustCompile("(?ms)^```.*?^```$")
	quotedWord = regexp.MustCompile("`([^`\n]+)`")
	filePath   = regexp.MustCompile(`^[\w./*-]+\.(go|txt|md|svg)$`)
	goName     = regexp.MustCompile(`^\w+(\.\w+)+$`)
	camelName  = regexp.MustCompile(`^[A-Za-z][a-z]+[A-Z]\w*$`)
)

// names is what Go files declare.
type names struct {
	all      map[string]bool            // at the top, methods and fields
	packages map[string]map[string]bool // at the top, by the last part of the package's path
	types    map[string]map[string]bool // methods and fields, by type
}

func (n *names) put(of map[string]map[string]bool, key, name string) {
	if of[key] == nil {
		of[key] = map[string]bool{}
	}
	of[key][name], n.all[name] = true, true
}

// declared are the names of all Go files, tests included.
func (t *Tree) declared() *names {
	n := &names{map[string]bool{}, map[string]map[string]bool{}, map[string]map[string]bool{}}
	for _, f := range t.Go {
		pkg := path.Base(f.Package())
		for _, d := range f.Syntax.Decls {
			switch d := d.(type) {
			case *ast.FuncDecl:
				if d.Recv == nil {
					n.put(n.packages, pkg, d.Name.Name)
				} else {
					n.put(n.types, receiver(d.Recv.List[0].Type), d.Name.Name)
				}
			case *ast.GenDecl:
				for _, s := range d.Specs {
					n.spec(pkg, s)
				}
			}
		}
	}
	return n
}

func (n *names) spec(pkg string, s ast.Spec) {
	switch s := s.(type) {
	case *ast.ValueSpec:
		for _, id := range s.Names {
			n.put(n.packages, pkg, id.Name)
		}
	case *ast.TypeSpec:
		n.put(n.packages, pkg, s.Name.Name)
		n.put(n.types, s.Name.Name, s.Name.Name)
		var list *ast.FieldList
		switch t := s.Type.(type) {
		case *ast.StructType:
			list = t.Fields
		case *ast.InterfaceType:
			list = t.Methods
		default:
			return
		}
		for _, field := range list.List {
			for _, id := range field.Names {
				n.put(n.types, s.Name.Name, id.Name)
			}
		}
	}
}

func receiver(x ast.Expr) string {
	for {
		switch y := x.(type) {
		case *ast.StarExpr:
			x = y.X
		case *ast.IndexExpr:
			x = y.X
		case *ast.Ident:
			return y.Name
		default:
			return ""
		}
	}
}

// has reports whether a name as pages spell it may be there: package.Name,
// Type.member, package.Type.member. What begins with neither a package nor a type
// of ours is somebody else's.
func (n *names) has(word string) bool {
	if !strings.Contains(word, ".") {
		return !camelName.MatchString(word) || n.all[word]
	}
	first, rest, _ := strings.Cut(word, ".")
	within, isPackage := n.packages[first]
	if isPackage {
		if name, member, deeper := strings.Cut(rest, "."); within[name] && (!deeper || n.types[name][member]) {
			return true
		}
	}
	members, isType := n.types[first]
	return members[rest] || !isPackage && !isType
}

// Named gives what pages name in backquotes and is not there: files, by path, by
// the end of it or as a pattern, and on the guides functions and types.
func (t *Tree) Named() (found []string, err error) {
	declared := t.declared()
	for _, p := range t.Paths {
		if !strings.HasSuffix(p, ".md") || slices.Contains(history, p) {
			continue
		}
		text, err := t.read(p)
		if err != nil {
			return nil, err
		}
		for _, m := range quotedWord.FindAllStringSubmatch(fenced.ReplaceAllString(text, ""), -1) {
			word, guide := m[1], slices.Contains(guides, p)
			switch {
			case filePath.MatchString(word):
				if !t.hasFile(word) {
					found = append(found, fmt.Sprintf("%s: no such file: %s", p, word))
				}
			case guide && (goName.MatchString(word) || camelName.MatchString(word)) && !declared.has(word):
				found = append(found, fmt.Sprintf("%s: nothing is called %s", p, word))
			}
		}
	}
	return found, nil
}

// hasFile reports whether a file has this path, or one that ends so; a star
// stands for anything but a slash.
func (t *Tree) hasFile(word string) bool {
	parts := strings.Count(word, "/") + 1
	return slices.ContainsFunc(t.Paths, func(p string) bool {
		all := strings.Split(p, "/")
		ok, err := path.Match(word, strings.Join(all[max(0, len(all)-parts):], "/"))
		return err == nil && ok
	})
}
