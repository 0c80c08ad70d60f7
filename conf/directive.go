package conf

import (
	"math"
	"slices"
	"strings"
)

// kind is how the arguments of a directive are read, and how its line is
// written.
type kind uint8

const (
	kindBool kind = iota
	kindEnum
	kindFlags // one or more words of an enum, their bits added
	kindInt
	kindMem
	kindMemPercent
	kindOctal
	kindText
	kindDir
	kindBind
	kindOutputLimits
	kindOOMValues
	kindNotify
	kindSave
	kindReplicaOf
	kindPercentiles
)

// Bounds of the table. noLimit stands for 2^64-1, the top of unsigned memory.
const (
	minInt32  = math.MinInt32
	maxInt32  = math.MaxInt32
	maxUint32 = math.MaxUint32
	maxInt64  = math.MaxInt64
	noLimit   = -1
)

// directive is one general directive. The table of all of them is data; what a
// kind means is in parse.go and format.go.
type directive struct {
	name    string
	aliases []string
	kind    kind
	lo, hi  int64      // of integers and memory; hi noLimit: none
	def     []string   // default, as the words of a line; nil for text: unset
	words   []enumWord // of enums, in the order of the error text
	later   []enumWord // words that the claimed version does not name
	check   func(text string) string
}

// enumWord is one word of an enum; words of equal bits are the same value.
type enumWord struct {
	word string
	bits int64
}

var shutdownWords = []enumWord{{"default", 0}, {"save", 1}, {"nosave", 2}, {"now", 4}, {"force", 8}}

func boolean(name, def string, aliases ...string) directive {
	return directive{name: name, aliases: aliases, kind: kindBool, def: []string{def}}
}

func integer(name string, lo, hi int64, def string, aliases ...string) directive {
	return directive{name: name, aliases: aliases, kind: kindInt, lo: lo, hi: hi, def: []string{def}}
}

func memory(name string, lo, hi int64, def string, aliases ...string) directive {
	return directive{name: name, aliases: aliases, kind: kindMem, lo: lo, hi: hi, def: []string{def}}
}

func enum(name, def string, words ...string) directive {
	d := directive{name: name, kind: kindEnum, def: []string{def}}
	for i, w := range words {
		d.words = append(d.words, enumWord{w, int64(i)})
	}
	return d
}

func flags(name, def string, words []enumWord) directive {
	return directive{name: name, kind: kindFlags, def: []string{def}, words: words}
}

// text is a string that is unset by default, and by an empty word.
func text(name string, aliases ...string) directive {
	return directive{name: name, aliases: aliases, kind: kindText}
}

// textDefault is a string that always has a value.
func textDefault(name, def string) directive {
	return directive{name: name, kind: kindText, def: []string{def}}
}

// checked is d with a check of its text; the check gives the error message, or
// "" if all is well.
func (d directive) checked(check func(text string) string) directive {
	d.check = check
	return d
}

// multi tells whether the directive takes any number of arguments.
func (d *directive) multi() bool {
	switch d.kind {
	case kindFlags, kindDir, kindBind, kindOutputLimits, kindOOMValues, kindSave, kindReplicaOf, kindPercentiles:
		return true
	}
	return false
}

// table is all general directives by name: the order in which a rewrite
// appends them, but for the first few.
var table = slices.SortedFunc(slices.Values(slices.Concat(tableAToH, tableIToZ, tableLater)),
	func(a, b directive) int { return strings.Compare(a.name, b.name) })

// index finds a directive in table by its name or alias in lower case.
var index = func() map[string]int {
	m := make(map[string]int, 2*len(table))
	for i, d := range table {
		m[d.name] = i
		for _, alias := range d.aliases {
			m[alias] = i
		}
	}
	return m
}()

// appendOrder is the order in which a rewrite places general directives.
//
// Rule: C-96.
var appendOrder = func() []int {
	first := []string{"port", "bind", "dir", "protected-mode", "latency-tracking-info-percentiles"}
	order := make([]int, 0, len(table))
	for _, name := range first {
		order = append(order, index[name])
	}
	for i, d := range table {
		if !slices.Contains(first, d.name) {
			order = append(order, i)
		}
	}
	return order
}()

// fileDefaults are the values that a rewrite compares with: those of a server
// that is not a Sentinel.
//
// Rule: C-65.
var fileDefaults = func() []value {
	vals := make([]value, len(table))
	for i := range table {
		vals[i] = table[i].initial()
	}
	return vals
}()

// sentinelDefaults are the values before the first line is read.
//
// Rule: C-65.
var sentinelDefaults = func() []value {
	vals := slices.Clone(fileDefaults)
	vals[index["port"]].num = DefaultPort
	vals[index["protected-mode"]].num = 0
	return vals
}()

// initial is the value of the default words.
func (d *directive) initial() value {
	var v value
	if d.kind == kindOutputLimits {
		v.limits = defaultOutputLimits
		return v
	}
	if d.def == nil {
		return v
	}
	v, message := d.parse(v, d.def)
	if message != "" {
		panic("conf: default of " + d.name + ": " + message)
	}
	return v
}
