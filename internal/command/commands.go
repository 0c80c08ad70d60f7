package command

// commands builds the table, top level in order of name.
func commands() []*Command {
	return nil
}
