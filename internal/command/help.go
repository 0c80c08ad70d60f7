package command

// Help gives the lines of `<container> HELP`, each a simple string; typed is
// the command word of the request. Nil if the command has no HELP.
//
// Rule: K-2.16, appendix A.
func Help(container *Command, typed string) []string {
	return nil
}
