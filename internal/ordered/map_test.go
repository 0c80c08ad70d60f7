package ordered

import (
	"maps"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"gosentinel/internal/rng"
)

func TestMap(t *testing.T) {
	var m Map[string, int]
	_, ok := m.Get("a")
	require.False(t, ok)
	require.False(t, m.Delete("a"))
	m.Set("b", 2)
	m.Set("c", 3)
	m.Set("a", 1)
	m.Set("b", 20)
	require.Equal(t, 3, m.Len())
	v, ok := m.Get("b")
	require.True(t, ok)
	require.Equal(t, 20, v)
	require.True(t, m.Has("c"))
	require.Equal(t, []string{"a", "b", "c"}, slices.Collect(m.Keys()))
	require.Equal(t, []int{1, 20, 3}, slices.Collect(m.Values()))
	k, v := m.At(2)
	require.Equal(t, "c", k)
	require.Equal(t, 3, v)
	require.True(t, m.Delete("b"))
	require.False(t, m.Has("b"))
	require.Equal(t, []string{"a", "c"}, slices.Collect(m.Keys()))
	m.Clear()
	require.Zero(t, m.Len())
	require.Empty(t, slices.Collect(m.Keys()))
}

func TestWalkStopsWhenAsked(t *testing.T) {
	var m Map[int, bool]
	m.Set(1, true)
	m.Set(2, true)
	n := 0
	for range m.All() {
		n++
		break
	}
	for range m.Keys() {
		n++
		break
	}
	for range m.Values() {
		n++
		break
	}
	require.Equal(t, 3, n)
}

func TestWalkWhileChanging(t *testing.T) {
	for _, tc := range []struct {
		name   string
		change func(m *Map[int, int], k int)
		want   []int
	}{
		{"the key itself goes", func(m *Map[int, int], k int) { m.Delete(k) }, []int{1, 2, 3, 4}},
		{"the next key goes", func(m *Map[int, int], k int) { m.Delete(k + 1) }, []int{1, 3}},
		{"an earlier key comes", func(m *Map[int, int], k int) { m.Set(k-10, 0) }, []int{1, 2, 3, 4}},
		{"a later key comes", func(m *Map[int, int], k int) {
			if k == 2 {
				m.Set(9, 0)
			}
		}, []int{1, 2, 3, 4, 9}},
		{"all go", func(m *Map[int, int], k int) { m.Clear() }, []int{1}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			var m Map[int, int]
			for k := 1; k <= 4; k++ {
				m.Set(k, k)
			}
			var got []int
			for k := range m.All() {
				got = append(got, k)
				tc.change(&m, k)
			}
			require.Equal(t, tc.want, got)
		})
	}
}

func TestAgreesWithPlainMap(t *testing.T) {
	r := rng.New(1)
	var m Map[int, uint64]
	plain := map[int]uint64{}
	for range 5000 {
		k := r.IntN(200)
		if r.Chance(0.4) {
			_, had := plain[k]
			require.Equal(t, had, m.Delete(k))
			delete(plain, k)
			continue
		}
		v := r.Uint64()
		m.Set(k, v)
		plain[k] = v
	}
	require.Equal(t, slices.Sorted(maps.Keys(plain)), slices.Collect(m.Keys()))
	require.Equal(t, plain, maps.Collect(m.All()))
}
