package command

func authCommand() *Command {
	return &Command{
		Name: "auth", Arity: -2, Flags: NoScript | Loading | Stale | Fast | NoAuth | AllowBusy, Categories: CatFast | CatConnection,
		Docs: Docs{
			Summary: "Logs the connection in.", Since: "1.0.0", Group: "connection",
			Complexity: "O(N), N being the number of passwords of the user.",
			History:    []Change{{"6.0.0", "Takes a user name and a password."}},
			Arguments:  []Argument{str("username", optional).from("6.0.0"), str("password")},
		},
	}
}

func helloCommand() *Command {
	return &Command{
		Name: "hello", Arity: -1, Flags: NoScript | Loading | Stale | Fast | NoAuth | AllowBusy, Categories: CatFast | CatConnection,
		Docs: Docs{
			Summary: "Chooses the protocol, logs in and names the connection.", Since: "6.0.0", Group: "connection", Complexity: "O(1)",
			History: []Change{{"6.2.0", "Without a version it only describes the connection."}},
			Arguments: []Argument{group("arguments",
				integer("protover"),
				group("auth", str("username"), str("password")).after("AUTH").may(optional),
				str("clientname").after("SETNAME").may(optional),
			).may(optional)},
		},
	}
}

func infoCommand() *Command {
	return &Command{
		Name: "info", Arity: -1, Flags: atAnyTime, Categories: CatSlow | CatDangerous,
		Tips: []string{"nondeterministic_output", "request_policy:all_shards", "response_policy:special"},
		Docs: Docs{
			Summary: "Describes the server and its counters.", Since: "1.0.0", Group: "server", Complexity: "O(1)",
			History:   []Change{{"7.0.0", "Takes several sections."}},
			Arguments: []Argument{str("section", optional, multiple)},
		},
	}
}

func pingCommand() *Command {
	return &Command{
		Name: "ping", Arity: -1, Flags: Fast, Categories: CatFast | CatConnection,
		Tips: []string{"request_policy:all_shards", "response_policy:all_succeeded"},
		Docs: Docs{
			Summary: "Answers, to show that the server lives.", Since: "1.0.0", Group: "connection", Complexity: "O(1)",
			Arguments: []Argument{str("message", optional)},
		},
	}
}

func psubscribeCommand() *Command {
	return &Command{
		Name: "psubscribe", Arity: -2, Flags: PubSub | outsideScript, Categories: CatPubSub | CatSlow,
		Docs: Docs{
			Summary: "Listens to all channels that match a pattern.", Since: "2.0.0", Group: "pubsub",
			Complexity: "O(N), N being the number of patterns the client has already.",
			Arguments:  []Argument{glob("pattern", multiple)},
		},
	}
}

func publishCommand() *Command {
	return &Command{
		Name: "publish", Arity: 3, Flags: PubSub | Loading | Stale | Fast, Categories: CatPubSub | CatFast,
		Docs: Docs{
			Summary: "Takes the hello message of another Sentinel.", Since: "2.0.0", Group: "pubsub", Complexity: "O(1)",
			Arguments: []Argument{str("channel"), str("message")},
		},
	}
}

func punsubscribeCommand() *Command {
	return &Command{
		Name: "punsubscribe", Arity: -1, Flags: PubSub | outsideScript, Categories: CatPubSub | CatSlow,
		Docs: Docs{
			Summary: "Gives up patterns, or all of them.", Since: "2.0.0", Group: "pubsub", Complexity: "O(N), N being the number of patterns.",
			Arguments: []Argument{glob("pattern", optional, multiple)},
		},
	}
}

func roleCommand() *Command {
	return &Command{
		Name: "role", Arity: 1, Flags: NoScript | Loading | Stale | Fast, Categories: CatAdmin | CatFast | CatDangerous,
		Docs: Docs{Summary: "Tells that this is a Sentinel, and the masters it watches.", Since: "2.8.12", Group: "server", Complexity: "O(1)"},
	}
}

func shutdownCommand() *Command {
	return &Command{
		Name: "shutdown", Arity: -1, Flags: adminOnly | NoMulti | AllowBusy, Categories: catAdmin,
		Docs: Docs{
			Summary: "Stops the server.", Since: "1.0.0", Group: "server", Complexity: "O(1), as a Sentinel has no data to save.",
			History: []Change{{"7.0.0", "Takes `NOW`, `FORCE` and `ABORT`."}},
			Arguments: []Argument{
				choice("save-selector", word("nosave", "NOSAVE"), word("save", "SAVE")).may(optional),
				word("now", "NOW", optional).from("7.0.0"),
				word("force", "FORCE", optional).from("7.0.0"),
				word("abort", "ABORT", optional).from("7.0.0"),
			},
		},
	}
}

func subscribeCommand() *Command {
	return &Command{
		Name: "subscribe", Arity: -2, Flags: PubSub | outsideScript, Categories: CatPubSub | CatSlow,
		Docs: Docs{
			Summary: "Listens to channels.", Since: "2.0.0", Group: "pubsub", Complexity: "O(N), N being the number of channels given.",
			Arguments: []Argument{str("channel", multiple)},
		},
	}
}

func unsubscribeCommand() *Command {
	return &Command{
		Name: "unsubscribe", Arity: -1, Flags: PubSub | outsideScript, Categories: CatPubSub | CatSlow,
		Docs: Docs{
			Summary: "Gives up channels, or all of them.", Since: "2.0.0", Group: "pubsub", Complexity: "O(N), N being the number of channels given up.",
			Arguments: []Argument{str("channel", optional, multiple)},
		},
	}
}

func commandCommand() *Command {
	anyOrder := []string{"nondeterministic_output_order"}
	full := []Argument{str("command"), str("arg", optional, multiple)}
	return &Command{
		Name: "command", Arity: -1, Flags: atAnyTime, Categories: catConnection, Tips: anyOrder,
		Docs: Docs{Summary: "Describes all commands.", Since: "2.8.13", Group: "server", Complexity: "O(N), N being the number of commands."},
		Subcommands: []*Command{
			commandSub("count", 2, nil, Docs{Summary: "Counts the commands.", Since: "2.8.13", Complexity: "O(1)"}),
			commandSub("docs", -2, anyOrder, Docs{
				Summary: "Documents commands.", Since: "7.0.0", Complexity: "O(N), N being the number of commands asked for.",
				Arguments: []Argument{str("command-name", optional, multiple)},
			}),
			commandSub("getkeys", -3, nil, Docs{
				Summary: "Gives the keys of a full command.", Since: "2.8.13", Complexity: "O(N), N being the number of its arguments.",
				Arguments: full,
			}),
			commandSub("getkeysandflags", -3, nil, Docs{
				Summary: "Gives the keys of a full command and how it uses them.", Since: "7.0.0",
				Complexity: "O(N), N being the number of its arguments.",
				Arguments:  full,
			}),
			commandSub("help", 2, nil, Docs{Summary: "Explains the subcommands.", Since: "5.0.0", Complexity: "O(1)"}),
			commandSub("info", -2, anyOrder, Docs{
				Summary: "Describes some commands, or all.", Since: "2.8.13", Complexity: "O(N), N being the number of commands asked for.",
				History:   []Change{{"7.0.0", "Without a name it describes all commands."}},
				Arguments: []Argument{str("command-name", optional, multiple)},
			}),
			commandSub("list", -2, anyOrder, Docs{
				Summary: "Lists the names of commands.", Since: "7.0.0", Complexity: "O(N), N being the number of commands.",
				Arguments: []Argument{choice("filterby",
					str("module-name").after("MODULE"),
					str("category").after("ACLCAT"),
					glob("pattern").after("PATTERN"),
				).after("FILTERBY").may(optional)},
			}),
		},
	}
}

// commandSub is a subcommand of COMMAND.
func commandSub(name string, arity int, tips []string, docs Docs) *Command {
	docs.Group = "server"
	return &Command{Name: name, Arity: arity, Flags: atAnyTime, Categories: catConnection, Tips: tips, Docs: docs}
}
