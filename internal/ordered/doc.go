// Package ordered has a map that is walked in the order of its keys only, so
// that no effect can depend on the random order of a Go map.
package ordered
