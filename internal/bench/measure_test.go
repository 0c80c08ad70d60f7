package main

import (
	"testing"

	"github.com/stretchr/testify/require"

	"gosentinel/internal/testbed"
)

func TestQuantile(t *testing.T) {
	var v []float64
	for i := 20; i >= 1; i-- {
		v = append(v, float64(i))
	}
	require.EqualValues(t, 10, quantile(v, 50))
	require.EqualValues(t, 19, quantile(v, 95))
	require.EqualValues(t, 20, quantile(v, 100))
	require.EqualValues(t, 1, quantile(v, 1))
	require.EqualValues(t, 3, quantile([]float64{3}, 50))
	require.EqualValues(t, 20, v[0], "the samples keep their order")
}

func TestSlope(t *testing.T) {
	require.InDelta(t, 2, slope([]float64{1, 2, 4}, []float64{5, 7, 11}), 1e-9)
	require.InDelta(t, 0.5, slope([]float64{0, 1, 2}, []float64{0, 1, 1}), 1e-9)
}

func TestBend(t *testing.T) {
	for _, tc := range []struct {
		name string
		x, y []float64
		want float64
		ok   bool
	}{
		{"straight", []float64{1, 3, 10}, []float64{5, 7, 14}, 1, true},
		{"steeper at the end", []float64{1, 2, 3, 4}, []float64{1, 2, 3, 7}, 4, true},
		{"one step", []float64{1, 2}, []float64{1, 2}, 0, false},
		{"flat before", []float64{1, 2, 3}, []float64{1, 1, 2}, 0, false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			b, ok := bend(tc.x, tc.y)
			require.Equal(t, tc.ok, ok)
			if ok {
				require.InDelta(t, tc.want, b, 1e-9)
			}
		})
	}
}

func TestFormat(t *testing.T) {
	for want, v := range map[string]float64{
		"1.87M": 1_871_000, "117k": 117_300, "9999": 9_999, "353": 353.4, "26.1": 26.12, "1.0": 1, "0.25": 0.249, "0.0": 0,
		"-0.30": -0.3, "-12.0": -12,
	} {
		require.Equal(t, want, milliseconds.format(v))
	}
}

func filled(m measure, original, ours []float64) *measure {
	m.sides[testbed.Original].samples, m.sides[testbed.Ours].samples = original, ours
	return &m
}

func TestVerdicts(t *testing.T) {
	long := []float64{1, 1, 1, 1, 1, 1, 1, 1, 1, 99} // p95 is the last
	for _, tc := range []struct {
		name           string
		unit           unit
		budget         budget
		original, ours []float64
		want           verdict
	}{
		{"no budget", seconds, budget{}, []float64{1}, []float64{2}, unjudged},
		{"no figure", seconds, budget{median: 1}, []float64{1}, nil, unjudged},
		{"median at the budget", seconds, budget{median: 2}, nil, []float64{1, 2, 9}, kept},
		{"median beyond it", seconds, budget{median: 2}, nil, []float64{3}, missed},
		{"p95 within its own", seconds, budget{median: 2, p95: 99}, nil, long, kept},
		{"p95 beyond it", seconds, budget{median: 2, p95: 98}, nil, long, missed},
		{"more queries than the original", perSecond, budget{asOriginal: true}, []float64{5}, []float64{6}, kept},
		{"as many", perSecond, budget{asOriginal: true}, []float64{5}, []float64{5}, kept},
		{"fewer", perSecond, budget{asOriginal: true}, []float64{6}, []float64{5}, missed},
		{"no original to compare with", perSecond, budget{asOriginal: true}, nil, []float64{5}, unjudged},
	} {
		t.Run(tc.name, func(t *testing.T) {
			require.Equal(t, tc.want, filled(measure{unit: tc.unit, budget: tc.budget}, tc.original, tc.ours).verdict())
		})
	}
}

func TestGain(t *testing.T) {
	require.EqualValues(t, 4, filled(measure{unit: seconds}, []float64{8}, []float64{2}).gain())
	require.EqualValues(t, 2, filled(measure{unit: perSecond}, []float64{4}, []float64{8}).gain())
	require.Zero(t, filled(measure{unit: seconds}, []float64{8}, []float64{-1}).gain(), "it was over before down-after")
	require.Zero(t, filled(measure{unit: seconds}, nil, []float64{1}).gain())
}

// The text is what redis-benchmark 7.0.15 prints.
func TestParseLoad(t *testing.T) {
	const head = `"test","rps","avg_latency_ms","min_latency_ms","p50_latency_ms","p95_latency_ms","p99_latency_ms","max_latency_ms"` + "\n"
	l, err := parseLoad(head + `"PING","117370.89","0.222","0.088","0.207","0.319","0.527","1.271"` + "\n")
	require.NoError(t, err)
	require.Equal(t, load{117370.89, 0.207, 0.527}, l)

	for name, text := range map[string]string{
		"nothing":       "",
		"one line":      head,
		"no number":     head + `"PING","x","0.222","0.088","0.207","0.319","0.527","1.271"` + "\n",
		"other columns": "\"test\",\"rps\"\n\"PING\",\"117370.89\"\n",
		"an error":      "Could not connect to Redis at 127.0.0.1:1: Connection refused\n",
	} {
		_, err := parseLoad(text)
		require.Error(t, err, name)
	}
}
