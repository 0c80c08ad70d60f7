package ordered

import (
	"cmp"
	"iter"
	"slices"
)

// Map is a map walked in ascending order of its keys. The zero Map is empty
// and ready for use. One caller at a time. Lookups cost O(1); adding and
// deleting move up to Len keys.
type Map[K cmp.Ordered, V any] struct {
	keys []K // ascending
	vals map[K]V
}

// Len is the number of keys.
func (m *Map[K, V]) Len() int { return len(m.keys) }

// Get returns the value of k, and whether there is one.
func (m *Map[K, V]) Get(k K) (V, bool) {
	v, ok := m.vals[k]
	return v, ok
}

// Has reports whether k has a value.
func (m *Map[K, V]) Has(k K) bool {
	_, ok := m.vals[k]
	return ok
}

// Set gives k the value v, in place of the one it may have.
func (m *Map[K, V]) Set(k K, v V) {
	if m.vals == nil {
		m.vals = make(map[K]V)
	}
	if _, ok := m.vals[k]; !ok {
		i, _ := slices.BinarySearch(m.keys, k)
		m.keys = slices.Insert(m.keys, i, k)
	}
	m.vals[k] = v
}

// Delete removes k and reports whether it was there.
func (m *Map[K, V]) Delete(k K) bool {
	if _, ok := m.vals[k]; !ok {
		return false
	}
	delete(m.vals, k)
	i, _ := slices.BinarySearch(m.keys, k)
	m.keys = slices.Delete(m.keys, i, i+1)
	return true
}

// Clear removes all keys.
func (m *Map[K, V]) Clear() {
	clear(m.keys)
	m.keys = m.keys[:0]
	clear(m.vals)
}

// At returns the i-th key and its value, from 0 to Len-1, in ascending order.
func (m *Map[K, V]) At(i int) (K, V) {
	k := m.keys[i]
	return k, m.vals[k]
}

// All walks keys and values in ascending order of the keys. The map may be
// changed meanwhile: a key is seen if it is there when its turn comes.
func (m *Map[K, V]) All() iter.Seq2[K, V] {
	return func(yield func(K, V) bool) {
		for i := 0; i < len(m.keys); {
			k := m.keys[i]
			if !yield(k, m.vals[k]) {
				return
			}
			if i < len(m.keys) && m.keys[i] == k {
				i++
				continue
			}
			at, found := slices.BinarySearch(m.keys, k)
			if found {
				at++
			}
			i = at
		}
	}
}

// Keys walks the keys in ascending order, as All does.
func (m *Map[K, V]) Keys() iter.Seq[K] {
	return func(yield func(K) bool) {
		for k := range m.All() {
			if !yield(k) {
				return
			}
		}
	}
}

// Values walks the values in ascending order of their keys, as All does.
func (m *Map[K, V]) Values() iter.Seq[V] {
	return func(yield func(V) bool) {
		for _, v := range m.All() {
			if !yield(v) {
				return
			}
		}
	}
}
