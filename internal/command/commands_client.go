package command

func clientCommand() *Command {
	return &Command{
		Name: "client", Arity: -2, Categories: CatSlow,
		Docs: Docs{Summary: "Holds the commands for client connections.", Since: "2.4.0", Group: "connection", Complexity: "That of the subcommand."},
		Subcommands: []*Command{
			clientOwn("caching", 3, nil, Docs{
				Summary: "Tells whether the keys of the next request are tracked.", Since: "6.0.0", Complexity: "O(1)",
				Arguments: []Argument{choice("mode", word("yes", "YES"), word("no", "NO"))},
			}),
			clientOwn("getname", 2, nil, Docs{Summary: "Gives the name of this connection.", Since: "2.6.9", Complexity: "O(1)"}),
			clientOwn("getredir", 2, nil, Docs{
				Summary: "Gives the id of the client that gets the tracking messages of this one.", Since: "6.0.0", Complexity: "O(1)",
			}),
			{
				Name: "help", Arity: 2, Flags: atAnyTime, Categories: catConnection,
				Docs: Docs{Summary: "Explains the subcommands.", Since: "5.0.0", Group: "connection", Complexity: "O(1)"},
			},
			clientOwn("id", 2, nil, Docs{Summary: "Gives the id of this connection.", Since: "5.0.0", Complexity: "O(1)"}),
			clientOwn("info", 2, []string{"nondeterministic_output"}, Docs{
				Summary: "Describes this connection.", Since: "6.2.0", Complexity: "O(1)",
			}),
			clientKill(),
			clientList(),
			clientAdmin("no-evict", 3, nil, Docs{
				Summary: "Tells whether this connection may be evicted.", Since: "7.0.0", Complexity: "O(1)",
				Arguments: []Argument{choice("enabled", word("on", "ON"), word("off", "OFF"))},
			}),
			clientAdmin("pause", -3, nil, Docs{
				Summary: "Holds back the commands of all clients for some time.", Since: "3.0.0", Complexity: "O(1)",
				History: []Change{{"6.2.0", "Takes a mode; WRITE holds back writes only."}},
				Arguments: []Argument{
					integer("timeout"),
					choice("mode", word("write", "WRITE"), word("all", "ALL")).from("6.2.0").may(optional),
				},
			}),
			clientOwn("reply", 3, nil, Docs{
				Summary: "Turns the replies to this connection on or off.", Since: "3.2.0", Complexity: "O(1)",
				Arguments: []Argument{choice("action", word("on", "ON"), word("off", "OFF"), word("skip", "SKIP"))},
			}),
			clientOwn("setinfo", 4, toAllNodes(), Docs{
				Summary: "Tells which client library this connection uses.", Since: "7.2.0", Complexity: "O(1)",
				Arguments: []Argument{choice("attr", str("libname").after("LIB-NAME"), str("libver").after("LIB-VER"))},
			}),
			clientOwn("setname", 3, toAllNodes(), Docs{
				Summary: "Names this connection.", Since: "2.6.9", Complexity: "O(1)",
				Arguments: []Argument{str("connection-name")},
			}),
			clientTracking(),
			clientOwn("trackinginfo", 2, nil, Docs{
				Summary: "Describes the tracking of this connection.", Since: "6.2.0", Complexity: "O(1)",
			}),
			clientAdmin("unblock", -3, nil, Docs{
				Summary: "Wakes a client that waits in a blocking command.", Since: "5.0.0", Complexity: "O(log N), N being the number of connections.",
				Arguments: []Argument{
					integer("client-id"),
					choice("unblock-type", word("timeout", "TIMEOUT"), word("error", "ERROR")).may(optional),
				},
			}),
			clientAdmin("unpause", 2, nil, Docs{
				Summary: "Ends a pause.", Since: "6.2.0", Complexity: "O(N), N being the number of clients held back.",
			}),
		},
	}
}

// clientOwn is a subcommand of CLIENT that touches the caller's connection.
func clientOwn(name string, arity int, tips []string, docs Docs) *Command {
	docs.Group = "connection"
	return &Command{Name: name, Arity: arity, Flags: outsideScript, Categories: catConnection, Tips: tips, Docs: docs}
}

// clientAdmin is a subcommand of CLIENT that touches other connections.
func clientAdmin(name string, arity int, tips []string, docs Docs) *Command {
	docs.Group = "connection"
	return &Command{Name: name, Arity: arity, Flags: adminOnly, Categories: catAdmin | CatConnection, Tips: tips, Docs: docs}
}

func clientKill() *Command {
	old := str("old-format").shown("ip:port")
	old.DeprecatedSince = "2.8.12"
	return clientAdmin("kill", -3, nil, Docs{
		Summary: "Closes connections.", Since: "2.4.0", Complexity: "O(N), N being the number of connections.",
		History: []Change{
			{"2.8.12", "Takes filters."},
			{"2.8.12", "Takes the filter `ID`."},
			{"3.2.0", "The filter `TYPE` knows `master`."},
			{"5.0.0", "The filter `TYPE` knows `replica`; `slave` still works."},
			{"6.2.0", "Takes the filter `LADDR`."},
		},
		Arguments: []Argument{choice("filter",
			old,
			choice("new-format",
				integer("client-id").after("ID").from("2.8.12").may(optional),
				choice("client-type",
					word("normal", "NORMAL"),
					word("master", "MASTER").from("3.2.0"),
					word("slave", "SLAVE"),
					word("replica", "REPLICA").from("5.0.0"),
					word("pubsub", "PUBSUB"),
				).after("TYPE").from("2.8.12").may(optional),
				str("username").after("USER").may(optional),
				str("addr").shown("ip:port").after("ADDR").may(optional),
				str("laddr").shown("ip:port").after("LADDR").from("6.2.0").may(optional),
				choice("skipme", word("yes", "YES"), word("no", "NO")).after("SKIPME").may(optional),
			).may(multiple),
		)},
	})
}

func clientList() *Command {
	return clientAdmin("list", -2, []string{"nondeterministic_output"}, Docs{
		Summary: "Describes the open connections.", Since: "2.4.0", Complexity: "O(N), N being the number of connections.",
		History: []Change{
			{"2.8.12", "Shows the `id` of each client."},
			{"5.0.0", "Takes the filter `TYPE`."},
			{"6.0.0", "Shows the `user`."},
			{"6.2.0", "Shows `argv-mem`, `tot-mem`, `laddr` and `redir`, and takes the filter `ID`."},
			{"7.0.0", "Shows `resp`, `multi-mem`, `rbs` and `rbp`."},
			{"7.0.3", "Shows `ssub`."},
		},
		Arguments: []Argument{
			choice("client-type",
				word("normal", "NORMAL"),
				word("master", "MASTER"),
				word("replica", "REPLICA"),
				word("pubsub", "PUBSUB"),
			).after("TYPE").from("5.0.0").may(optional),
			integer("client-id").after("ID").from("6.2.0").may(optional, multiple),
		},
	})
}

func clientTracking() *Command {
	return clientOwn("tracking", -3, nil, Docs{
		Summary: "Turns the tracking of keys, for a cache of the client's own, on or off.", Since: "6.0.0",
		Complexity: "O(1), more with some options.",
		Arguments: []Argument{
			choice("status", word("on", "ON"), word("off", "OFF")),
			integer("client-id").after("REDIRECT").may(optional),
			str("prefix").after("PREFIX").may(optional, multiple, multipleToken),
			word("bcast", "BCAST", optional),
			word("optin", "OPTIN", optional),
			word("optout", "OPTOUT", optional),
			word("noloop", "NOLOOP", optional),
		},
	})
}
