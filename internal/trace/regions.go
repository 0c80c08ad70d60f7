package trace

import (
	"cmp"
	"fmt"
	"reflect"
	"slices"
	"sort"
	"unsafe"
)

// saver writes a graph.
type saver struct {
	mask    *masker
	layout  *layout
	out     []byte
	regions []region // by address, but for the first
	sorted  []sortedRegion

	found   []region // all that pointers lead to
	arrays  []region // of slices
	seen    map[target]bool
	holders map[unsafe.Pointer]unsafe.Pointer // slices and maps by the variable that holds them
	maps    map[unsafe.Pointer]bool
}

// region is a variable; n is how many in a row, 1 but for arrays of slices.
type region struct {
	at  unsafe.Pointer
	typ reflect.Type
	n   int
}

func (r region) start() uintptr { return uintptr(r.at) }
func (r region) end() uintptr   { return uintptr(r.at) + r.typ.Size()*uintptr(r.n) }

type sortedRegion struct {
	start, end uintptr
	number     int
}

type target struct {
	at  unsafe.Pointer
	typ reflect.Type
}

// explore finds the regions of what root points to.
func (s *saver) explore(root reflect.Value) error {
	s.seen, s.holders, s.maps = map[target]bool{}, map[unsafe.Pointer]unsafe.Pointer{}, map[unsafe.Pointer]bool{}
	if err := s.visit(root); err != nil {
		return err
	}
	for i := 0; i < len(s.found); i++ {
		r := s.found[i]
		if err := s.visit(reflect.NewAt(r.typ, r.at).Elem()); err != nil {
			return err
		}
	}
	return s.settle()
}

// visit notes where v leads to.
func (s *saver) visit(v reflect.Value) error {
	t := v.Type()
	switch t.Kind() {
	case reflect.Pointer:
		if k := (target{v.UnsafePointer(), t.Elem()}); !v.IsNil() && !s.seen[k] {
			s.seen[k] = true
			s.found = append(s.found, region{k.at, k.typ, 1})
		}
	case reflect.Interface:
		if v.IsNil() {
			return nil
		}
		if v.Elem().Kind() != reflect.Pointer {
			return fmt.Errorf("an interface holds a %s", v.Elem().Type())
		}
		return s.visit(v.Elem())
	case reflect.Struct:
		for _, i := range s.layout.leads[t] {
			if err := s.visit(v.Field(i)); err != nil {
				return err
			}
		}
	case reflect.Array:
		return s.visitElems(v)
	case reflect.Slice:
		if v.Len() == 0 || s.known(v) {
			return nil
		}
		s.arrays = append(s.arrays, region{v.UnsafePointer(), t.Elem(), v.Len()})
		return s.visitElems(v)
	case reflect.Map:
		if v.IsNil() || s.known(v) {
			return nil
		}
		if s.maps[v.UnsafePointer()] {
			return fmt.Errorf("two variables hold one %s", t)
		}
		s.maps[v.UnsafePointer()] = true
		for it := v.MapRange(); it.Next(); {
			if err := s.visit(it.Key()); err != nil {
				return err
			}
			if err := s.visit(it.Value()); err != nil {
				return err
			}
		}
	}
	return nil
}

func (s *saver) visitElems(v reflect.Value) error {
	if !s.layout.leadsOn(v.Type().Elem()) {
		return nil
	}
	for i := range v.Len() {
		if err := s.visit(v.Index(i)); err != nil {
			return err
		}
	}
	return nil
}

// known reports whether the variable that holds the slice or map v was visited
// before, as a part of another.
func (s *saver) known(v reflect.Value) bool {
	if !v.CanAddr() {
		return false // in a map, which is visited once
	}
	holder := unsafe.Pointer(v.UnsafeAddr())
	_, ok := s.holders[holder]
	s.holders[holder] = v.UnsafePointer()
	return ok
}

// settle leaves of what was found only what is no part of something larger,
// and makes sure that no slice shares memory with anything.
func (s *saver) settle() error {
	root := s.found[0]
	all := append(slices.Clone(s.found), s.arrays...)
	isArray := func(r region) int { return r.n - 1 }
	slices.SortFunc(all, func(a, b region) int {
		return cmp.Or(cmp.Compare(a.start(), b.start()), cmp.Compare(b.end(), a.end()), cmp.Compare(isArray(a), isArray(b)))
	})
	arrays := make(map[target]int, len(s.arrays))
	for _, a := range s.arrays {
		arrays[target{a.at, a.typ}]++
	}
	s.regions = append(s.regions, root)
	s.sorted = s.sorted[:0]
	for _, r := range all {
		shared := arrays[target{r.at, r.typ}] > 0
		if last := len(s.sorted) - 1; last >= 0 && r.start() < s.sorted[last].end {
			outer := s.regions[max(0, s.sorted[last].number)]
			if s.sorted[last].number < 0 || shared || r.end() > s.sorted[last].end ||
				!holds(outer.typ, r.start()-outer.start(), r.typ) {
				return fmt.Errorf("a %s shares memory", r.typ)
			}
			continue
		}
		number := -1 // an array
		switch {
		case r == root:
			number = 0
		case !shared:
			number = len(s.regions)
			s.regions = append(s.regions, r)
		}
		s.sorted = append(s.sorted, sortedRegion{r.start(), r.end(), number})
	}
	return nil
}

// find is the number of the region in which an address lies.
func (s *saver) find(at uintptr) (number int, offset uintptr, ok bool) {
	i := sort.Search(len(s.sorted), func(i int) bool { return s.sorted[i].end > at })
	if i == len(s.sorted) || at < s.sorted[i].start || s.sorted[i].number < 0 {
		return 0, 0, false
	}
	return s.sorted[i].number, at - s.sorted[i].start, true
}
