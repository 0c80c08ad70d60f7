// Package acl holds the users of a Sentinel: their rules, passwords and
// selectors, what each may do, the texts in which users are shown and kept in
// files, and the log of refusals. Pure, and not safe for use by several
// goroutines at a time: whoever owns a Users (the listener) guards it. Checks
// (User.Check, Users.Authenticate, ...) only read; SetUser, DelUser, Load and
// the other changes write.
package acl
