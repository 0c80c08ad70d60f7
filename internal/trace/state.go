package trace

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"reflect"
	"unsafe"

	"gosentinel/conf"
	"gosentinel/sentinel"
)

// The state of a core is a graph of structs. It is written as its regions:
// each is a variable that a pointer leads to and that is no part of a larger
// one; the first is the Core. A pointer is the number of a region and the
// offset in it. Nothing here knows any field of the core, so none can be
// forgotten; what it cannot write exactly (functions, channels, slices that
// share memory) is an error, which a test would show.

// layout is the table of all types that the state of a core is made of.
type layout struct {
	types []reflect.Type
	index map[reflect.Type]int
	leads map[reflect.Type][]int // of structs: the fields in which there are pointers, slices or maps
	print uint32                 // fingerprint: equal for equal layouts only
}

var (
	coreType   = reflect.TypeFor[sentinel.Core]()
	secretType = reflect.TypeFor[conf.Secret]()
	coreLayout = newLayout(coreType)
)

func newLayout(root reflect.Type) *layout {
	l := &layout{index: map[reflect.Type]int{}, leads: map[reflect.Type][]int{}}
	l.add(root)
	for _, t := range l.types {
		l.leadsOn(t)
	}
	text := []byte{}
	for _, t := range l.types {
		text = fmt.Appendf(text, "%s %d %s\n", t, t.Size(), t.Kind())
		for i := 0; t.Kind() == reflect.Struct && i < t.NumField(); i++ {
			f := t.Field(i)
			text = fmt.Appendf(text, "  %s %s %d\n", f.Name, f.Type, f.Offset)
		}
	}
	l.print = checksum(text)
	return l
}

func (l *layout) add(t reflect.Type) {
	if _, ok := l.index[t]; ok {
		return
	}
	l.index[t] = len(l.types)
	l.types = append(l.types, t)
	switch t.Kind() {
	case reflect.Pointer, reflect.Slice, reflect.Array:
		l.add(t.Elem())
	case reflect.Map:
		l.add(t.Key())
		l.add(t.Elem())
	case reflect.Struct:
		for i := range t.NumField() {
			l.add(t.Field(i).Type)
		}
	}
}

// leadsOn reports whether there are pointers, slices or maps in a t.
func (l *layout) leadsOn(t reflect.Type) bool {
	switch t.Kind() {
	case reflect.Pointer, reflect.Interface, reflect.Slice, reflect.Map:
		return true
	case reflect.Array:
		return l.leadsOn(t.Elem())
	case reflect.Struct:
		fields, known := l.leads[t]
		if known || t == secretType {
			return len(fields) > 0
		}
		for i := range t.NumField() {
			if l.leadsOn(t.Field(i).Type) {
				fields = append(fields, i)
			}
		}
		l.leads[t] = fields
		return len(fields) > 0
	}
	return false
}

// saveState is the state of c, masked, and restoreState's argument. c must be
// between two steps.
func saveState(c *sentinel.Core, mask *masker) ([]byte, error) {
	out, err := saveGraph(coreLayout, reflect.ValueOf(c), mask)
	if err != nil {
		return nil, fmt.Errorf("save the state of the core: %w", err)
	}
	return out, nil
}

// saveGraph writes what root, a pointer, leads to.
func saveGraph(l *layout, root reflect.Value, mask *masker) ([]byte, error) {
	s := saver{mask: mask, layout: l}
	if err := s.explore(root); err != nil {
		return nil, err
	}
	s.out = binary.LittleEndian.AppendUint32(s.out, l.print)
	s.uint(uint64(len(s.regions)))
	for _, r := range s.regions {
		s.uint(uint64(l.index[r.typ]))
	}
	for _, r := range s.regions {
		if err := s.write(reflect.NewAt(r.typ, r.at).Elem()); err != nil {
			return nil, err
		}
	}
	return s.out, nil
}

func (s *saver) uint(n uint64)   { s.out = binary.AppendUvarint(s.out, n) }
func (s *saver) string(t string) { s.uint(uint64(len(t))); s.out = append(s.out, t...) }
func (s *saver) length(n int)    { s.uint(uint64(n) + 1) } // 0 stands for nil

// write appends v.
func (s *saver) write(v reflect.Value) error {
	switch t := v.Type(); t.Kind() {
	case reflect.Bool:
		n := uint64(0)
		if v.Bool() {
			n = 1
		}
		s.uint(n)
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		s.out = binary.AppendVarint(s.out, v.Int())
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		s.uint(v.Uint())
	case reflect.Float32, reflect.Float64:
		s.uint(math.Float64bits(v.Float()))
	case reflect.String:
		s.string(v.String())
	case reflect.Struct:
		if t == secretType {
			s.string(s.mask.text(v.Field(0).String()))
			return nil
		}
		for i := range t.NumField() {
			if err := s.write(v.Field(i)); err != nil {
				return err
			}
		}
	case reflect.Array:
		return s.writeElems(v)
	case reflect.Slice:
		if v.IsNil() {
			s.uint(0)
			return nil
		}
		s.length(v.Len())
		return s.writeElems(v)
	case reflect.Map:
		return s.writeMap(v)
	case reflect.Pointer:
		return s.writePointer(v)
	case reflect.Interface:
		if v.IsNil() {
			s.uint(0)
			return nil
		}
		n, ok := s.layout.index[v.Elem().Type().Elem()]
		if !ok {
			return fmt.Errorf("%s is not in the table of types", v.Elem().Type())
		}
		s.length(n)
		return s.writePointer(v.Elem())
	default:
		return fmt.Errorf("a %s cannot be saved", t)
	}
	return nil
}

func (s *saver) writeElems(v reflect.Value) error {
	for i := range v.Len() {
		if err := s.write(v.Index(i)); err != nil {
			return err
		}
	}
	return nil
}

func (s *saver) writeMap(v reflect.Value) error {
	if v.IsNil() {
		s.uint(0)
		return nil
	}
	s.length(v.Len())
	for it := v.MapRange(); it.Next(); {
		if err := errors.Join(s.write(it.Key()), s.write(it.Value())); err != nil {
			return err
		}
	}
	return nil
}

func (s *saver) writePointer(v reflect.Value) error {
	if v.IsNil() {
		s.uint(0)
		return nil
	}
	n, offset, ok := s.find(uintptr(v.UnsafePointer()))
	if !ok {
		return fmt.Errorf("a pointer to %s leads nowhere", v.Type().Elem())
	}
	s.length(n)
	s.uint(uint64(offset))
	return nil
}

// errState says that a saved state is not one.
var errState = errors.New("the saved state is not one")

// allocated is how many bytes the variables of a state may take for each byte
// of its text: a slice that is nil takes 24 in memory and one there.
const allocated = 32

// restoreState makes a core of what saveState gave. It fails for a state that
// a program with other types has saved.
func restoreState(data []byte) (*sentinel.Core, error) {
	root, err := restoreGraph(coreLayout, data)
	if err != nil {
		return nil, err
	}
	return root.Interface().(*sentinel.Core), nil
}

// restoreGraph gives the root of what saveGraph wrote: a pointer to the first
// type of l.
func restoreGraph(l *layout, data []byte) (root reflect.Value, err error) {
	if len(data) < 4 || binary.LittleEndian.Uint32(data) != l.print {
		return root, errors.New("the state was saved by another version, which alone can replay this file")
	}
	r := restorer{layout: l, in: data[4:], room: allocated * len(data)}
	n := r.length(1)
	r.regions = make([]reflect.Value, 0, n)
	for i := range n {
		k := r.uint()
		if r.err != nil || k >= uint64(len(l.types)) || i == 0 && k != 0 {
			return root, errState
		}
		if !r.take(int(l.types[k].Size())) {
			return root, errState
		}
		r.regions = append(r.regions, reflect.New(l.types[k]))
	}
	for _, p := range r.regions {
		r.read(p.Elem())
	}
	if r.err != nil || len(r.in) > 0 || len(r.regions) == 0 {
		return root, errState
	}
	return r.regions[0], nil
}

type restorer struct {
	layout  *layout
	in      []byte
	room    int
	regions []reflect.Value // pointers
	err     error
}

// take takes n bytes from the room for variables.
func (r *restorer) take(n int) bool {
	r.room -= n
	if r.room < 0 {
		r.err = errState
	}
	return r.room >= 0
}

func (r *restorer) uint() uint64 {
	n, size := binary.Uvarint(r.in)
	if size <= 0 {
		r.err, r.in = errState, nil
		return 0
	}
	r.in = r.in[size:]
	return n
}

// length reads a number of things that take at least least bytes each.
func (r *restorer) length(least int) int {
	n := r.uint()
	if n > uint64(len(r.in)/least) {
		r.err, r.in = errState, nil
		return 0
	}
	return int(n)
}

func (r *restorer) string() string {
	n := r.length(1)
	text := string(r.in[:n])
	r.in = r.in[n:]
	return text
}

// read fills v, which is addressable.
func (r *restorer) read(v reflect.Value) {
	t := v.Type()
	v = reflect.NewAt(t, unsafe.Pointer(v.UnsafeAddr())).Elem() // unexported fields can be set so
	switch t.Kind() {
	case reflect.Bool:
		v.SetBool(r.uint() != 0)
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		n, size := binary.Varint(r.in)
		if size <= 0 {
			r.err, r.in = errState, nil
			return
		}
		r.in = r.in[size:]
		v.SetInt(n)
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		v.SetUint(r.uint())
	case reflect.Float32, reflect.Float64:
		v.SetFloat(math.Float64frombits(r.uint()))
	case reflect.String:
		v.SetString(r.string())
	case reflect.Struct:
		if t == secretType {
			v.Set(reflect.ValueOf(conf.NewSecret(r.string())))
			return
		}
		for i := range t.NumField() {
			r.read(v.Field(i))
		}
	case reflect.Array:
		for i := range v.Len() {
			r.read(v.Index(i))
		}
	case reflect.Slice:
		r.readSlice(v)
	case reflect.Map:
		r.readMap(v)
	case reflect.Pointer:
		if p, ok := r.pointer(t.Elem()); ok {
			v.Set(p)
		}
	case reflect.Interface:
		r.readInterface(v)
	}
}

func (r *restorer) readSlice(v reflect.Value) {
	n := r.uint()
	if n == 0 || r.err != nil {
		return
	}
	n--
	if n > uint64(len(r.in)) || !r.take(int(n)*int(v.Type().Elem().Size())) {
		r.err = errState
		return
	}
	v.Set(reflect.MakeSlice(v.Type(), int(n), int(n)))
	for i := range v.Len() {
		r.read(v.Index(i))
	}
}

func (r *restorer) readMap(v reflect.Value) {
	n := r.uint()
	if n == 0 || r.err != nil {
		return
	}
	t := v.Type()
	v.Set(reflect.MakeMap(t))
	for range n - 1 {
		key, value := reflect.New(t.Key()).Elem(), reflect.New(t.Elem()).Elem()
		r.read(key)
		r.read(value)
		if r.err != nil {
			return
		}
		v.SetMapIndex(key, value)
	}
}

func (r *restorer) readInterface(v reflect.Value) {
	n := r.uint()
	if n == 0 || r.err != nil {
		return
	}
	if n > uint64(len(r.layout.types)) {
		r.err = errState
		return
	}
	t := r.layout.types[n-1]
	p, ok := r.pointer(t)
	switch {
	case !ok:
	case !p.Type().Implements(v.Type()):
		r.err = errState
	default:
		v.Set(p)
	}
}

// pointer reads a pointer to a t; not ok if it is nil or wrong.
func (r *restorer) pointer(t reflect.Type) (p reflect.Value, ok bool) {
	n := r.uint()
	if n == 0 || r.err != nil {
		return p, false
	}
	offset := r.uint()
	if r.err != nil || n > uint64(len(r.regions)) {
		r.err = errState
		return p, false
	}
	to := r.regions[n-1]
	if offset >= uint64(max(1, to.Type().Elem().Size())) || !holds(to.Type().Elem(), uintptr(offset), t) {
		r.err = errState
		return p, false
	}
	return reflect.NewAt(t, unsafe.Add(to.UnsafePointer(), offset)), true
}

// holds reports whether a variable of type in has one of type t at offset.
func holds(in reflect.Type, offset uintptr, t reflect.Type) bool {
	for {
		if in == t && offset == 0 {
			return true
		}
		switch in.Kind() {
		case reflect.Struct:
			i := in.NumField() - 1
			for i >= 0 && in.Field(i).Offset > offset {
				i--
			}
			if i < 0 {
				return false
			}
			offset -= in.Field(i).Offset
			in = in.Field(i).Type
		case reflect.Array:
			in, offset = in.Elem(), offset%max(1, in.Elem().Size())
		default:
			return false
		}
	}
}
