package trace

import (
	"reflect"
	"testing"

	"github.com/stretchr/testify/require"
)

// graph has everything that a core may be made of, and things it may not.
type graph struct {
	part   inner
	parts  [2]inner
	into   *inner // a part of a graph
	whole  *graph
	shown  shower
	list   []inner
	empty  []int
	byName map[string]*inner
	ints   *int
	number uint64
	floats float64
	text   *string

	first, second map[int]int
	values        any
}

type inner struct {
	flag bool
	n    int32
	self *inner
}

func (*inner) show() {}

type shower interface{ show() }

var graphLayout = newLayout(reflect.TypeFor[graph]())

// Pointers into things, cycles, nil and empty come back as they were.
func TestGraphComesBack(t *testing.T) {
	text, n := "", 7
	g := &graph{ints: &n, text: &text, number: 1<<64 - 1, floats: -0.5, empty: []int{}}
	g.part = inner{true, -3, &g.parts[1]}
	g.parts[1].self = &g.parts[1]
	g.into = &g.part
	g.whole = g
	g.shown = &g.parts[0]
	g.list = []inner{{n: 1, self: &inner{n: 4}}, {self: &g.part}}
	g.byName = map[string]*inner{"a": &g.parts[0], "b": g.list[0].self, "": nil}
	g.first, g.second = map[int]int{1: 2}, map[int]int{}
	data, err := saveGraph(graphLayout, reflect.ValueOf(g), nil)
	require.NoError(t, err)
	root, err := restoreGraph(graphLayout, data)
	require.NoError(t, err)
	got := root.Interface().(*graph)
	require.Equal(t, g, got)
	require.Same(t, &got.part, got.into)
	require.Same(t, got, got.whole)
	require.Same(t, &got.parts[0], got.shown)
	require.Same(t, &got.parts[0], got.byName["a"])
	require.Same(t, got.list[0].self, got.byName["b"])
	require.Same(t, &got.parts[1], got.part.self)
	for cut := range data {
		_, err := restoreGraph(graphLayout, data[:cut])
		require.Error(t, err)
	}
}

// What cannot come back exactly is not saved.
func TestGraphRefuses(t *testing.T) {
	list, shared := []inner{{}, {}}, map[int]int{}
	for name, g := range map[string]*graph{
		"a value in an interface":      {values: 3},
		"a pointer into a slice":       {list: list, into: &list[1]},
		"the same, to its head":        {list: list, into: &list[0]},
		"one map twice":                {first: shared, second: shared},
		"slices that share their room": {list: list, whole: &graph{list: list[:1]}},
	} {
		_, err := saveGraph(graphLayout, reflect.ValueOf(g), nil)
		require.Error(t, err, name)
	}
	_, err := saveGraph(newLayout(reflect.TypeFor[caller]()), reflect.ValueOf(&caller{}), nil)
	require.ErrorContains(t, err, "a func() cannot be saved")
}

type caller struct{ Call func() }

// A state that a program with other types has saved is not read.
func TestOtherTypes(t *testing.T) {
	data, err := saveGraph(graphLayout, reflect.ValueOf(&graph{}), nil)
	require.NoError(t, err)
	_, err = restoreState(data)
	require.ErrorContains(t, err, "another version")
}
