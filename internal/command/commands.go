package command

// Flags that many commands share.
const (
	atAnyTime     = Loading | Stale
	outsideScript = NoScript | Loading | Stale
	adminOnly     = Admin | NoScript | Loading | Stale
)

// Categories that many commands share.
const (
	catAdmin      = CatAdmin | CatSlow | CatDangerous
	catConnection = CatSlow | CatConnection
)

// Flags of arguments in COMMAND DOCS.
const (
	optional      = "optional"
	multiple      = "multiple"
	multipleToken = "multiple_token"
)

// commands builds the table, top level in order of name.
//
// Rule: K-1.1.
func commands() []*Command {
	return []*Command{
		aclCommand(),
		authCommand(),
		clientCommand(),
		commandCommand(),
		helloCommand(),
		infoCommand(),
		pingCommand(),
		psubscribeCommand(),
		publishCommand(),
		punsubscribeCommand(),
		roleCommand(),
		sentinelCommand(),
		shutdownCommand(),
		subscribeCommand(),
		unsubscribeCommand(),
	}
}

// str describes a text argument.
func str(name string, flags ...string) Argument {
	return Argument{Name: name, Type: String, DisplayText: name, Flags: flags}
}

// integer describes a whole number.
func integer(name string, flags ...string) Argument {
	return Argument{Name: name, Type: Integer, DisplayText: name, Flags: flags}
}

// glob describes a pattern.
func glob(name string, flags ...string) Argument {
	return Argument{Name: name, Type: Pattern, DisplayText: name, Flags: flags}
}

// word describes an argument that is the word token itself.
func word(name, token string, flags ...string) Argument {
	return Argument{Name: name, Type: PureToken, DisplayText: name, Token: token, Flags: flags}
}

// choice describes an argument that is one of others.
func choice(name string, of ...Argument) Argument {
	return Argument{Name: name, Type: OneOf, Arguments: of}
}

// group describes arguments that come together.
func group(name string, of ...Argument) Argument {
	return Argument{Name: name, Type: Block, Arguments: of}
}

// after puts the word token before the argument.
func (a Argument) after(token string) Argument {
	a.Token = token
	return a
}

// from tells the version that brought the argument.
func (a Argument) from(version string) Argument {
	a.Since = version
	return a
}

// may adds flags to the argument.
func (a Argument) may(flags ...string) Argument {
	a.Flags = flags
	return a
}

// shown is the argument with another text for users.
func (a Argument) shown(text string) Argument {
	a.DisplayText = text
	return a
}
