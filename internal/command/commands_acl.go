package command

func aclCommand() *Command {
	return &Command{
		Name: "acl", Arity: -2, Categories: CatSlow,
		Docs: Docs{Summary: "Holds the commands for users and their permissions.", Since: "6.0.0", Group: "server", Complexity: "That of the subcommand."},
		Subcommands: []*Command{
			aclRead("cat", -2, Docs{
				Summary: "Lists the command categories, or the commands of one category.", Since: "6.0.0",
				Complexity: "O(1), as the commands and categories never change.",
				Arguments:  []Argument{str("category", optional)},
			}),
			aclWrite("deluser", -3, toAllNodes(), Docs{
				Summary: "Deletes users and closes their connections.", Since: "6.0.0", Complexity: "O(1) amortized for a user of usual size.",
				Arguments: []Argument{str("username", multiple)},
			}),
			aclWrite("dryrun", -4, nil, Docs{
				Summary: "Tells whether a user could run a command, without running it.", Since: "7.0.0", Complexity: "O(1).",
				Arguments: []Argument{str("username"), str("command"), str("arg", optional, multiple)},
			}),
			aclRead("genpass", -2, Docs{
				Summary: "Makes a random password that is hard to guess.", Since: "6.0.0", Complexity: "O(1)",
				Arguments: []Argument{integer("bits", optional)},
			}),
			aclWrite("getuser", 3, nil, Docs{
				Summary: "Shows what one user may do.", Since: "6.0.0",
				Complexity: "O(N), N being the passwords, command rules and patterns of the user.",
				History: []Change{
					{"6.2.0", "Shows patterns of Pub/Sub channels."},
					{"7.0.0", "Shows selectors, and key and channel patterns as rules rather than lists."},
				},
				Arguments: []Argument{str("username")},
			}),
			{
				Name: "help", Arity: 2, Flags: atAnyTime, Categories: CatSlow,
				Docs: Docs{Summary: "Explains the subcommands.", Since: "6.0.0", Group: "server", Complexity: "O(1)"},
			},
			aclWrite("list", 2, nil, Docs{
				Summary: "Lists all users as an ACL file would hold them.", Since: "6.0.0", Complexity: "O(N), N being the number of users.",
			}),
			aclWrite("load", 2, nil, Docs{
				Summary: "Replaces all users by those of the ACL file.", Since: "6.0.0", Complexity: "O(N), N being the number of users.",
			}),
			aclWrite("log", -2, nil, Docs{
				Summary: "Lists the latest refusals, or forgets them.", Since: "6.0.0", Complexity: "O(N), N being the number of entries shown.",
				History:   []Change{{"7.2.0", "Entries carry an id and the times of their creation and last change."}},
				Arguments: []Argument{choice("operation", integer("count"), word("reset", "RESET")).may(optional)},
			}),
			aclWrite("save", 2, toAllNodes(), Docs{
				Summary: "Writes all users to the ACL file.", Since: "6.0.0", Complexity: "O(N), N being the number of users.",
			}),
			aclWrite("setuser", -3, toAllNodes(), Docs{
				Summary: "Makes a user, or changes what it may do.", Since: "6.0.0", Complexity: "O(N), N being the number of rules given.",
				History: []Change{
					{"6.2.0", "Takes patterns of Pub/Sub channels."},
					{"7.0.0", "Takes selectors and permissions per key."},
				},
				Arguments: []Argument{str("username"), str("rule", optional, multiple)},
			}),
			aclWrite("users", 2, nil, Docs{
				Summary: "Lists the names of all users.", Since: "6.0.0", Complexity: "O(N), N being the number of users.",
			}),
			aclRead("whoami", 2, Docs{
				Summary: "Names the user of this connection.", Since: "6.0.0", Complexity: "O(1)",
			}),
		},
	}
}

// aclRead is a subcommand of ACL that any user may be given.
func aclRead(name string, arity int, docs Docs) *Command {
	docs.Group = "server"
	return &Command{Name: name, Arity: arity, Flags: outsideScript, Categories: CatSlow, Docs: docs}
}

// aclWrite is a subcommand of ACL for administrators.
func aclWrite(name string, arity int, tips []string, docs Docs) *Command {
	docs.Group = "server"
	return &Command{Name: name, Arity: arity, Flags: adminOnly, Categories: catAdmin, Tips: tips, Docs: docs}
}

// toAllNodes are the tips of what a cluster client sends to every node.
func toAllNodes() []string {
	return []string{"request_policy:all_nodes", "response_policy:all_succeeded"}
}
