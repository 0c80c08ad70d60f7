package tidy

import (
	"path"
	"slices"
	"strconv"
	"strings"
)

const module = "gosentinel/"

// room is what the import table says of a package.
type room struct {
	pure    bool
	own     []string // packages of ours it may import; a pattern of package path
	foreign []string // modules it may import
}

// coreRooms is what the core is made of.
var coreRooms = []string{"conf", "quorum", "replication", "sentinel",
	"internal/acl", "internal/command", "internal/resp", "internal/ordered", "internal/rng", "internal/invariant"}

// rooms is the import table of S2.1. Standard library packages are free but
// for what purity bans.
var rooms = map[string]room{
	"conf":        {pure: true, own: []string{"internal/acl"}},
	"quorum":      {pure: true, own: []string{"internal/invariant"}},
	"replication": {pure: true, own: []string{"internal/invariant"}},
	"sentinel": {pure: true, own: []string{"conf", "quorum", "replication",
		"internal/command", "internal/resp", "internal/ordered", "internal/rng", "internal/invariant"}},

	"internal/resp":      {pure: true},
	"internal/ordered":   {pure: true},
	"internal/rng":       {pure: true},
	"internal/command":   {pure: true},
	"internal/acl":       {pure: true, own: []string{"internal/command"}},
	"internal/invariant": {},

	"internal/sim":      {pure: true, own: coreRooms},
	"internal/scenario": {own: append([]string{"internal/sim"}, coreRooms...)},

	"internal/hunt": {own: []string{"internal/sim", "internal/scenario"}},

	"internal/epoll": {foreign: []string{"golang.org/x/sys"}},
	"internal/link": {own: []string{"internal/acl", "internal/command", "internal/epoll", "internal/resp", "internal/ordered", "internal/rng"},
		foreign: []string{"golang.org/x/sys"}},
	"internal/listener": {own: []string{"internal/acl", "internal/command", "internal/epoll", "internal/resp", "internal/ordered", "internal/rng"},
		foreign: []string{"github.com/tidwall/redcon", "golang.org/x/sys"}},
	"internal/trace": {own: coreRooms, foreign: []string{"github.com/hashicorp/go-msgpack/v2"}},
	"internal/daemon": {own: append([]string{"internal/link", "internal/listener", "internal/trace"}, coreRooms...),
		foreign: []string{"golang.org/x/sys", "github.com/coreos/go-systemd/v22"}},
	"cmd/redis-sentinel": {own: []string{"conf", "internal/*"}, foreign: []string{"github.com/spf13/cobra"}},

	"internal/fakeredis": {own: []string{"internal/resp", "internal/rng"}},
	"internal/testbed":   {own: []string{"internal/resp"}},
	"internal/demo":      {own: []string{"internal/testbed", "internal/fakeredis"}},
	"internal/bench": {own: []string{"internal/fakeredis", "internal/testbed"},
		foreign: []string{"golang.org/x/sys", "gonum.org/v1/plot", "github.com/schollz/progressbar/v3"}},
	"integration":           {},
	"integration/fixture":   {own: []string{"internal/testbed"}, foreign: []string{"github.com/stretchr/testify"}},
	"integration/clients":   {foreign: []string{"github.com/redis/rueidis"}},
	"integration/partition": {foreign: []string{"golang.org/x/sys"}},
	"integration/soak":      {},
	"integration/stress":    {foreign: []string{"golang.org/x/sys"}},
	"internal/tidy":         {own: []string{"internal/command"}}, // its tests: every command has a row in docs
}

// testRooms are what tests of any package may import besides.
var (
	testRooms   = []string{"internal/rng", "internal/invariant", "internal/sim", "internal/scenario", "internal/resp", "internal/testbed", "internal/fakeredis", "integration/fixture"}
	testForeign = []string{"github.com/stretchr/testify", "github.com/redis/go-redis/v9", "github.com/redis/rueidis"}
)

// Imports reports every import that the table does not allow, and every
// package that it does not know.
func (t *Tree) Imports() (found []string) {
	for _, f := range t.Go {
		dir := f.Package()
		r, ok := rooms[dir]
		if !ok {
			found = append(found, f.Path+":1: package "+dir+" has no row in the import table")
			continue
		}
		for _, spec := range f.Syntax.Imports {
			name, err := strconv.Unquote(spec.Path.Value)
			if err == nil && !allowed(f, dir, r, name) {
				found = append(found, t.at(spec, "%s may not import %s", dir, name))
			}
		}
	}
	return found
}

func allowed(f *File, dir string, r room, name string) bool {
	if own, ok := strings.CutPrefix(name, module); ok {
		if f.IsTest() && (own == dir || slices.Contains(testRooms, own)) {
			return true
		}
		return slices.ContainsFunc(r.own, func(pattern string) bool {
			ok, err := path.Match(pattern, own)
			return err == nil && ok
		})
	}
	first, _, _ := strings.Cut(name, "/")
	if !strings.Contains(first, ".") {
		return f.IsTest() || !r.pure || !slices.Contains(impure, name)
	}
	within := func(mod string) bool { return name == mod || strings.HasPrefix(name, mod+"/") }
	return slices.ContainsFunc(r.foreign, within) || f.IsTest() && slices.ContainsFunc(testForeign, within)
}
