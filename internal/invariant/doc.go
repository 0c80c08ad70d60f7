// Package invariant stops the program where it is wrong about itself: it is
// never for data from outside, nor for a world that fails.
package invariant
