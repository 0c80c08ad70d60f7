package command

func sentinelCommand() *Command {
	return &Command{
		Name: "sentinel", Arity: -2, Flags: Admin, Categories: catAdmin,
		Docs: Docs{Summary: "Holds the commands of Sentinel.", Since: "2.8.4", Group: "sentinel", Complexity: "That of the subcommand."},
		Subcommands: []*Command{
			sentinelSub("ckquorum", 3, Docs{
				Summary: "Checks that a failover could be agreed on.", Since: "2.8.4", Arguments: masterName(),
			}),
			sentinelSub("config", -4, Docs{
				Summary: "Reads or changes settings of this Sentinel.", Since: "6.2.0", Complexity: "O(1)",
				History: []Change{{"7.2.0", "Takes several parameters in one call."}},
				Arguments: []Argument{choice("action",
					group("set", str("parameter"), str("value")).after("SET").may(multiple),
					str("parameter", multiple).after("GET"),
				)},
			}),
			sentinelSub("debug", -2, Docs{
				Summary: "Lists or changes the periods of this Sentinel.", Since: "7.0.0", Complexity: "O(N), N being the number of parameters.",
				Arguments: []Argument{group("data", str("parameter"), str("value")).may(optional, multiple)},
			}),
			sentinelSub("failover", 3, Docs{
				Summary: "Starts a failover though the master may be well.", Since: "2.8.4", Arguments: masterName(),
			}),
			sentinelSub("flushconfig", 2, Docs{Summary: "Writes the configuration file.", Since: "2.8.4", Complexity: "O(1)"}),
			sentinelSub("get-master-addr-by-name", 3, Docs{
				Summary: "Gives the address of a master.", Since: "2.8.4", Complexity: "O(1)", Arguments: masterName(),
			}),
			sentinelSub("get-primary-addr-by-name", 3, Docs{
				Summary: "Gives the address of a master.", Since: "8.0.0", Complexity: "O(1)", Arguments: []Argument{str("primary-name")},
			}),
			{
				Name: "help", Arity: 2, Flags: atAnyTime, Categories: CatSlow,
				Docs: Docs{Summary: "Explains the subcommands.", Since: "6.2.0", Group: "sentinel", Complexity: "O(1)"},
			},
			sentinelSub("info-cache", -3, Docs{
				Summary: "Gives the latest INFO of masters and their replicas.", Since: "3.2.0", Complexity: "O(N), N being the number of instances.",
				Arguments: []Argument{str("nodename", multiple)},
			}),
			sentinelSub("is-master-down-by-addr", 6, downByAddr("2.8.4")),
			sentinelSub("is-primary-down-by-addr", 6, downByAddr("8.0.0")),
			sentinelSub("master", 3, Docs{
				Summary: "Describes one master.", Since: "2.8.4", Complexity: "O(1)", Arguments: masterName(),
			}),
			sentinelSub("masters", 2, Docs{
				Summary: "Describes all masters.", Since: "2.8.4", Complexity: "O(N), N being the number of masters.",
			}),
			sentinelSub("monitor", 6, Docs{
				Summary: "Starts to watch a master.", Since: "2.8.4", Complexity: "O(1)",
				Arguments: []Argument{str("name"), str("ip"), integer("port"), integer("quorum")},
			}),
			sentinelSub("myid", 2, Docs{Summary: "Gives the run id of this Sentinel.", Since: "6.2.0", Complexity: "O(1)"}),
			sentinelSub("pending-scripts", 2, Docs{Summary: "Describes the scripts that wait or run.", Since: "2.8.4"}),
			sentinelSub("primaries", 2, Docs{
				Summary: "Describes all masters.", Since: "8.0.0", Complexity: "O(N), N being the number of masters.",
			}),
			sentinelSub("primary", 3, Docs{
				Summary: "Describes one master.", Since: "8.0.0", Complexity: "O(1)", Arguments: []Argument{str("primary-name")},
			}),
			sentinelSub("remove", 3, Docs{
				Summary: "Stops watching a master.", Since: "2.8.4", Complexity: "O(1)", Arguments: masterName(),
			}),
			sentinelSub("replicas", 3, Docs{
				Summary: "Describes the replicas of a master.", Since: "5.0.0", Complexity: "O(N), N being the number of replicas.",
				Arguments: masterName(),
			}),
			sentinelSub("reset", 3, Docs{
				Summary: "Forgets what was learnt of the masters that match a pattern.", Since: "2.8.4",
				Complexity: "O(N), N being the number of masters.",
				Arguments:  []Argument{glob("pattern")},
			}),
			sentinelSub("sentinels", 3, Docs{
				Summary: "Describes the other Sentinels that watch a master.", Since: "2.8.4",
				Complexity: "O(N), N being the number of Sentinels.",
				Arguments:  masterName(),
			}),
			sentinelSub("set", -5, Docs{
				Summary: "Changes settings of a master.", Since: "2.8.4", Complexity: "O(1)",
				Arguments: append(masterName(), group("data", str("option"), str("value")).may(multiple)),
			}),
			sentinelSub("simulate-failure", -3, Docs{
				Summary: "Makes this Sentinel crash at a chosen step of a failover.", Since: "3.2.0",
				Arguments: []Argument{choice("mode",
					word("crash-after-election", ""),
					word("crash-after-promotion", ""),
					word("help", ""),
				).may(optional, multiple)},
			}),
			sentinelSub("slaves", 3, Docs{
				Summary: "Describes the replicas of a master.", Since: "2.8.0", Complexity: "O(N), N being the number of replicas.",
				DocFlags: []string{"deprecated"}, DeprecatedSince: "5.0.0", ReplacedBy: "`SENTINEL REPLICAS`",
				Arguments: masterName(),
			}),
		},
	}
}

// aliases gives the full name of the command that each of Valkey's spellings
// stands for.
//
// Rule: K-2.17.
func aliases() map[string]string {
	return map[string]string{
		"sentinel|get-primary-addr-by-name": "sentinel|get-master-addr-by-name",
		"sentinel|is-primary-down-by-addr":  "sentinel|is-master-down-by-addr",
		"sentinel|primaries":                "sentinel|masters",
		"sentinel|primary":                  "sentinel|master",
	}
}

// sentinelSub is a subcommand of SENTINEL.
func sentinelSub(name string, arity int, docs Docs) *Command {
	docs.Group = "sentinel"
	return &Command{Name: name, Arity: arity, Flags: Admin, Categories: catAdmin, Docs: docs}
}

func masterName() []Argument { return []Argument{str("master-name")} }

// downByAddr documents the question that Sentinels ask each other.
func downByAddr(since string) Docs {
	return Docs{
		Summary: "Tells whether this Sentinel sees a master down, and casts its vote.", Since: since, Complexity: "O(1)",
		Arguments: []Argument{str("ip"), integer("port"), integer("current-epoch"), str("runid")},
	}
}
