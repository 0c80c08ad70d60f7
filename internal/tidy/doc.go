// Package tidy holds the rules of this repository, as functions that its own
// test runs over the whole tree: which package may import which, what a pure
// package may not do, and how long, how formed and how finished a file must be; that each
// rule that is cited is defined in docs/spec and each that is defined has a test;
// that links lead somewhere, that pages name what is there, and that decisions have their form.
//
// A new package is a new row of the import table.
//
// Rule: S2.1, S2.4, S2.9.
package tidy
