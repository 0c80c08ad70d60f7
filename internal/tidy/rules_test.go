package tidy

import (
	"go/token"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// Each rule finds what it is there to find, and leaves alone what is allowed.
//
// Rule: S2.1, S2.4, S2.9.
func TestRules(t *testing.T) {
	long := strings.Repeat("\tx++\n", 68)
	for _, tc := range []struct {
		name string
		path string
		text string
		rule func(*Tree) []string
		want []string // line numbers and words of the findings
	}{
		{"a row missing", "internal/nowhere/a.go", "package a\n", (*Tree).Imports,
			[]string{":1: package internal/nowhere has no row"}},
		{"siblings", "quorum/a.go", "package quorum\nimport _ \"gosentinel/replication\"\n", (*Tree).Imports,
			[]string{":2: quorum may not import gosentinel/replication"}},
		{"a net in a pure package", "conf/a.go", "package conf\nimport _ \"net\"\n", (*Tree).Imports,
			[]string{":2: conf may not import net"}},
		{"a pure import", "conf/a.go", "package conf\nimport (\n_ \"net/netip\"\n_ \"gosentinel/internal/acl\"\n)\n", (*Tree).Imports, nil},
		{"redcon at the front door", "internal/listener/a.go", "package listener\nimport _ \"github.com/tidwall/redcon\"\n", (*Tree).Imports, nil},
		{"redcon elsewhere", "internal/daemon/a.go", "package daemon\nimport _ \"github.com/tidwall/redcon\"\n", (*Tree).Imports,
			[]string{":2: internal/daemon may not import github.com/tidwall/redcon"}},
		{"testify in a test", "conf/a_test.go", "package conf\nimport _ \"github.com/stretchr/testify/require\"\n", (*Tree).Imports, nil},
		{"testify in the product", "conf/a.go", "package conf\nimport _ \"github.com/stretchr/testify/require\"\n", (*Tree).Imports,
			[]string{":2: conf may not import github.com/stretchr/testify/require"}},

		{"goroutine", "sentinel/a.go", "package a\nfunc f() {\n\tgo f()\n}\n", (*Tree).Purity, []string{":3: a pure package has no goroutines"}},
		{"channel and select", "sentinel/a.go", "package a\nfunc f(c chan int) {\n\tselect {}\n}\n", (*Tree).Purity,
			[]string{":2: a pure package has no channels", ":3: a pure package has no select"}},
		{"clock", "sentinel/a.go", "package a\nimport \"time\"\nvar x = time.Now()\nvar y = time.Second\n", (*Tree).Purity,
			[]string{":3: a pure package has no time.Now"}},
		{"global", "sentinel/a.go", "package a\nvar n, m = 0, map[int]int{}\nfunc f(k int) {\n\tn++\n\tm[1] = k\n\tk = n\n}\n", (*Tree).Purity,
			[]string{":4: a pure package has no changing", ":5: a pure package has no changing"}},
		{"map", "sentinel/a.go", "package a\nfunc f(m map[int]int, s []int) (n int) {\n\tfor range m {\n\t}\n\tfor range s {\n\t}\n\tfor _, x := range m { // order does not matter\n\t\tn += x\n\t}\n\treturn n\n}\n",
			(*Tree).Purity, []string{":3: a pure package has no ranges over a map"}},
		{"elsewhere all is free", "internal/link/a.go", "package a\nfunc f() {\n\tgo f()\n}\n", (*Tree).Purity, nil},

		{"long file", "conf/a.go", "package a\n" + strings.Repeat("\n", 600), (*Tree).Lengths, []string{":1: 601 lines"}},
		{"long function", "conf/a.go", "package a\nfunc f(x int) {\n" + long + "}\n", (*Tree).Lengths, []string{":2: f has 70 lines"}},
		{"function at the limit", "conf/a.go", "package a\nfunc f(x int) {\n" + long[:len(long)-5] + "}\n", (*Tree).Lengths, nil},
		{"flat dispatch", "conf/a.go", "package a\nfunc f(x int) {\n\tswitch x {\n" + strings.Repeat("\tcase 1:\n\t\tx++\n", 50) + "\t}\n}\n", (*Tree).Lengths, nil},
		{"table", "conf/a.go", "package a\nfunc f() []int {\n\treturn []int{\n" + strings.Repeat("\t\t1,\n", 80) + "\t}\n}\n", (*Tree).Lengths, nil},
		{"table of functions", "conf/a.go", "package a\nfunc f() []any {\n\treturn []any{\n" + strings.Repeat("\t\t1,\n", 80) + "\t\tfunc() {},\n\t}\n}\n",
			(*Tree).Lengths, []string{":2: f has 85 lines"}},
		{"switch with a body", "conf/a.go", "package a\nfunc f(x int) {\n\tswitch x {\n\tcase 1:\n" + long + "\t}\n}\n", (*Tree).Lengths,
			[]string{":2: f has 73 lines"}},

		{"sleep", "conf/a_test.go", "package a\nimport \"time\"\nfunc f() {\n\ttime.Sleep(1)\n}\n", (*Tree).Sleeps, []string{":4: a test waits"}},
		{"sleep of virtual time", "conf/a_test.go", "package a\nimport (\n\"testing/synctest\"\n\"time\"\n)\nfunc f() {\n\ttime.Sleep(1)\n}\n", (*Tree).Sleeps, nil},
		{"format", "conf/a.go", "package a\nvar  x = 1\n", (*Tree).Formats, []string{":1: not as gofmt"}},
		{"formatted", "conf/a.go", "package a\n\nvar x = 1\n", (*Tree).Formats, nil},
	} {
		t.Run(tc.name, func(t *testing.T) {
			tree := &Tree{Set: token.NewFileSet()}
			require.NoError(t, tree.parse(tc.path, []byte(tc.text)))
			found := tc.rule(tree)
			require.Len(t, found, len(tc.want), "%v", found)
			for i, w := range tc.want {
				require.True(t, strings.HasPrefix(found[i], tc.path+w), "%s: want %s", found[i], w)
			}
		})
	}
}

// Rule: S2.9, every file of testdata is used.
func TestTestdataIsNamed(t *testing.T) {
	for _, tc := range []struct {
		name, test, file string
		want             bool
	}{
		{"by path", `"testdata/a.txt"`, "a.txt", true},
		{"by name", `"a.txt"`, "a.txt", true},
		{"by pattern", `"testdata/*.txt"`, "a.txt", true},
		{"by folder", `"testdata/sub"`, "sub/a.txt", true},
		{"not at all", `"b.txt"`, "a.txt", false},
		{"by another folder", `"testdata/su"`, "sub/a.txt", false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			tree := &Tree{Set: token.NewFileSet(), Paths: []string{"conf/testdata/" + tc.file}}
			require.NoError(t, tree.parse("conf/a_test.go", []byte("package a\nvar x = "+tc.test+"\n")))
			require.Equal(t, tc.want, len(tree.Testdata()) == 0)
		})
	}
}

// Rule: S2.9, no leftovers.
func TestUnfinishedWordsAreFound(t *testing.T) {
	root := t.TempDir()
	text := "fine\n# TO" + "DO later\nTO" + "DOS\n"
	require.NoError(t, os.WriteFile(filepath.Join(root, "Makefile"), []byte(text), 0o600))
	tree, err := Load(root)
	require.NoError(t, err)
	found, err := tree.Unfinished()
	require.NoError(t, err)
	require.Equal(t, []string{"Makefile:2: TO" + "DO"}, found)
}
