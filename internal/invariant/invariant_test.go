package invariant

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestThat(t *testing.T) {
	require.NotPanics(t, func() { That(true, "E-31", "never shown") })
	require.PanicsWithError(t, "invariant E-31: 1 vote of 2", func() { That(false, "E-31", "%d vote of %d", 1, 2) })
	require.PanicsWithValue(t, Violation{Rule: "E-31", Text: "x"}, func() { That(false, "E-31", "x") })
}
