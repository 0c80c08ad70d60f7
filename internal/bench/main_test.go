package main

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestQuantile(t *testing.T) {
	var v []time.Duration
	for i := 20; i >= 1; i-- {
		v = append(v, time.Duration(i))
	}
	require.EqualValues(t, 10, quantile(v, 50))
	require.EqualValues(t, 19, quantile(v, 95))
	require.EqualValues(t, 20, quantile(v, 100))
	require.EqualValues(t, 3, quantile([]time.Duration{3}, 50))
}
