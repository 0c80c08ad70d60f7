// Package command is the table of commands that a Sentinel accepts: name,
// arity, flags, categories and documentation of each, look-up with renames,
// the errors of dispatch, the HELP texts, and glob matching. Pure; a Table is
// built once, renamed while the configuration is read, and only read after.
package command
