//go:build invariants || race

package invariant

// Enabled says whether costly checks run: with the build tag invariants, and
// under the race detector.
const Enabled = true
