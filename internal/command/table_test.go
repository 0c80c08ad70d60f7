package command

import (
	"bytes"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// words makes a request of a line; a word may not be empty.
func words(line string) [][]byte { return bytes.Fields([]byte(line)) }

// Rule: K-1.1, the fifteen top-level commands.
func TestTopLevelCommands(t *testing.T) {
	want := []string{
		"acl -2 [] [slow]",
		"auth -2 [noscript loading stale fast no_auth allow_busy] [fast connection]",
		"client -2 [] [slow]",
		"command -1 [loading stale] [slow connection]",
		"hello -1 [noscript loading stale fast no_auth allow_busy] [fast connection]",
		"info -1 [loading stale] [slow dangerous]",
		"ping -1 [fast] [fast connection]",
		"psubscribe -2 [pubsub noscript loading stale] [pubsub slow]",
		"publish 3 [pubsub loading stale fast] [pubsub fast]",
		"punsubscribe -1 [pubsub noscript loading stale] [pubsub slow]",
		"role 1 [noscript loading stale fast] [admin fast dangerous]",
		"sentinel -2 [admin] [admin slow dangerous]",
		"shutdown -1 [admin noscript loading stale no_multi allow_busy] [admin slow dangerous]",
		"subscribe -2 [pubsub noscript loading stale] [pubsub slow]",
		"unsubscribe -1 [pubsub noscript loading stale] [pubsub slow]",
	}
	var got []string
	for _, c := range NewTable().Top() {
		got = append(got, describe(c))
	}
	require.Equal(t, want, got)
}

// Rule: K-1.1, the subcommands in their 7.2.4 form; K-2.17, the aliases.
func TestSubcommands(t *testing.T) {
	const (
		read  = " [noscript loading stale] [slow]"
		admin = " [admin noscript loading stale] [admin slow dangerous]"
		own   = " [noscript loading stale] [slow connection]"
		other = " [admin noscript loading stale] [admin slow dangerous connection]"
		help  = " [loading stale] [slow connection]"
		plain = " [loading stale] [slow]"
		watch = " [admin] [admin slow dangerous]"
	)
	table := NewTable()
	for _, tc := range []struct{ parent, names, rest string }{
		{"acl", "cat genpass", "-2" + read},
		{"acl", "whoami", "2" + read},
		{"acl", "help", "2" + plain},
		{"acl", "deluser setuser", "-3" + admin},
		{"acl", "dryrun", "-4" + admin},
		{"acl", "getuser", "3" + admin},
		{"acl", "list load save users", "2" + admin},
		{"acl", "log", "-2" + admin},
		{"client", "getname getredir id info trackinginfo", "2" + own},
		{"client", "caching reply setname", "3" + own},
		{"client", "setinfo", "4" + own},
		{"client", "tracking", "-3" + own},
		{"client", "help", "2" + help},
		{"client", "kill pause unblock", "-3" + other},
		{"client", "list", "-2" + other},
		{"client", "no-evict", "3" + other},
		{"client", "unpause", "2" + other},
		{"command", "count help", "2" + help},
		{"command", "docs info list", "-2" + help},
		{"command", "getkeys getkeysandflags", "-3" + help},
		{"sentinel", "help", "2" + plain},
		{"sentinel", "flushconfig masters primaries myid pending-scripts", "2" + watch},
		{"sentinel", "ckquorum failover get-master-addr-by-name get-primary-addr-by-name master primary remove replicas reset sentinels slaves", "3" + watch},
		{"sentinel", "is-master-down-by-addr is-primary-down-by-addr monitor", "6" + watch},
		{"sentinel", "debug", "-2" + watch},
		{"sentinel", "config", "-4" + watch},
		{"sentinel", "info-cache simulate-failure", "-3" + watch},
		{"sentinel", "set", "-5" + watch},
	} {
		for _, name := range strings.Fields(tc.names) {
			full := tc.parent + "|" + name
			c := table.Find(full)
			require.NotNil(t, c, full)
			require.Equal(t, full+" "+tc.rest, describe(c))
		}
	}
	counts := map[string]int{"acl": 13, "client": 17, "command": 7, "sentinel": 25}
	for _, c := range table.Top() {
		require.Len(t, c.Subcommands, counts[c.Name], c.Name)
	}
}

// Rule: K-1.1, the tips of subcommands in their 7.2.4 form.
func TestTips(t *testing.T) {
	want := map[string]string{
		"client|info": "nondeterministic_output", "client|list": "nondeterministic_output",
		"command": "nondeterministic_output_order", "command|docs": "nondeterministic_output_order",
		"command|info": "nondeterministic_output_order", "command|list": "nondeterministic_output_order",
		"info": "nondeterministic_output request_policy:all_shards response_policy:special",
		"ping": "request_policy:all_shards response_policy:all_succeeded",
	}
	for _, name := range []string{"acl|deluser", "acl|save", "acl|setuser", "client|setinfo", "client|setname"} {
		want[name] = "request_policy:all_nodes response_policy:all_succeeded"
	}
	for _, c := range NewTable().All() {
		require.Equal(t, want[c.FullName], strings.Join(c.Tips, " "), c.FullName)
	}
}

// Rule: K-1.1, C-86, what 7.2.4 does not have either.
func TestUnknownNames(t *testing.T) {
	table := NewTable()
	for _, name := range strings.Fields("quit reset echo select config multi exec monitor time lolwut debug memory module latency slowlog " +
		"wait pubsub ssubscribe spublish sunsubscribe readonly object keys get set") {
		_, err := table.Lookup(words(name + " a b"))
		require.ErrorIs(t, err, ErrUnknownCommand, name)
	}
	for _, line := range []string{"client no-touch on", "client capa x"} {
		_, err := table.Lookup(words(line))
		require.ErrorIs(t, err, ErrUnknownSubcommand, line)
	}
}

// IDs index All, and fit the bit sets made of them.
func TestIDs(t *testing.T) {
	all := NewTable().All()
	require.LessOrEqual(t, len(all), MaxCommands)
	for i, c := range all {
		require.Equal(t, ID(i), c.ID)
		if c.Parent != nil {
			require.Less(t, c.Parent.ID, c.ID)
		}
	}
}

// Rule: K-1.5, every command is documented.
func TestDocs(t *testing.T) {
	for _, c := range NewTable().All() {
		require.NotEmpty(t, c.Docs.Summary, c.FullName)
		require.NotEmpty(t, c.Docs.Since, c.FullName)
		require.NotEmpty(t, c.Docs.Group, c.FullName)
		checkArguments(t, c.FullName, c.Docs.Arguments)
	}
	slaves := NewTable().Find("sentinel|slaves").Docs
	require.Equal(t, []string{"deprecated"}, slaves.DocFlags)
	require.Equal(t, "5.0.0", slaves.DeprecatedSince)
	require.Equal(t, "`SENTINEL REPLICAS`", slaves.ReplacedBy)
	for name, since := range map[string]string{
		"sentinel|masters": "2.8.4", "sentinel|slaves": "2.8.0", "sentinel|info-cache": "3.2.0", "sentinel|simulate-failure": "3.2.0",
		"sentinel|replicas": "5.0.0", "sentinel|config": "6.2.0", "sentinel|help": "6.2.0", "sentinel|myid": "6.2.0",
		"sentinel|debug": "7.0.0", "client|pause": "3.0.0", "client|setinfo": "7.2.0",
	} {
		require.Equal(t, since, NewTable().Find(name).Docs.Since, name)
	}
	for _, name := range []string{"acl|log", "sentinel|config"} {
		require.Len(t, NewTable().Find(name).Docs.History, 1, name)
		require.Equal(t, "7.2.0", NewTable().Find(name).Docs.History[0].Version, name)
	}
}

// checkArguments makes sure that exactly the arguments that hold no others
// have a text for users.
func checkArguments(t *testing.T, of string, arguments []Argument) {
	for _, a := range arguments {
		nested := a.Type == OneOf || a.Type == Block
		require.Equal(t, nested, len(a.Arguments) > 0, "%s %s", of, a.Name)
		require.Equal(t, nested, a.DisplayText == "", "%s %s", of, a.Name)
		checkArguments(t, of, a.Arguments)
	}
}

// Rule: K-1.2, K-1.3, look-up of command and subcommand, then arity.
func TestLookup(t *testing.T) {
	table := NewTable()
	for _, tc := range []struct {
		request string
		name    string
		err     error
	}{
		{"PING", "ping", nil},
		{"sEnTiNeL MaStErS", "sentinel|masters", nil},
		{"command", "command", nil},
		{"COMMAND count", "command|count", nil},
		{"ping a b c", "ping", nil},
		{"GET a", "", ErrUnknownCommand},
		{"sentinel|masters", "", ErrUnknownCommand},
		{"sentinel Foo bar", "", ErrUnknownSubcommand},
		{"command foo", "", ErrUnknownSubcommand},
		{"SENTINEL", "sentinel", ErrArity},
		{"SENTINEL masters x", "sentinel|masters", ErrArity},
		{"ROLE x", "role", ErrArity},
		{"publish a", "publish", ErrArity},
		{"sentinel set m quorum", "sentinel|set", ErrArity},
		{"x" + strings.Repeat("y", 1000), "", ErrUnknownCommand},
	} {
		c, err := table.Lookup(words(tc.request))
		require.ErrorIs(t, err, tc.err, tc.request)
		if tc.name == "" {
			require.Nil(t, c, tc.request)
			continue
		}
		require.Equal(t, tc.name, c.FullName)
	}
	_, err := table.Lookup(nil)
	require.ErrorIs(t, err, ErrUnknownCommand)
	_, err = table.Lookup([][]byte{{}})
	require.ErrorIs(t, err, ErrUnknownCommand)
}

// A look-up is done for every request, so it must not make garbage.
func TestLookupAllocatesNothing(t *testing.T) {
	table, request := NewTable(), words("Sentinel Get-Master-Addr-By-Name mymaster")
	require.Zero(t, testing.AllocsPerRun(100, func() {
		if _, err := table.Lookup(request); err != nil {
			t.Error(err)
		}
	}))
}

// Rule: K-1.3, the exact texts.
func TestErrorText(t *testing.T) {
	table := NewTable()
	long := strings.Repeat("z", 200)
	for _, tc := range []struct{ request, want string }{
		{"GET a", "ERR unknown command 'GET', with args beginning with: 'a' "},
		{"foo", "ERR unknown command 'foo', with args beginning with: "},
		{"foo a bc d", "ERR unknown command 'foo', with args beginning with: 'a' 'bc' 'd' "},
		{long + " a", "ERR unknown command '" + long[:128] + "', with args beginning with: 'a' "},
		{"foo " + long + " x", "ERR unknown command 'foo', with args beginning with: '" + long[:128] + "' "},
		{"foo ab " + long + " x", "ERR unknown command 'foo', with args beginning with: 'ab' '" + long[:123] + "' "},
		{"foo a\x00b", "ERR unknown command 'foo', with args beginning with: 'a' "},
		{"sentinel Foo bar", "ERR unknown subcommand 'Foo'. Try SENTINEL HELP."},
		{"client " + long, "ERR unknown subcommand '" + long[:128] + "'. Try CLIENT HELP."},
		{"COMMAND foo", "ERR unknown subcommand 'foo'. Try COMMAND HELP."},
		{"SENTINEL", "ERR wrong number of arguments for 'sentinel' command"},
		{"SENTINEL MaStErS x", "ERR wrong number of arguments for 'sentinel|masters' command"},
		{"ACL", "ERR wrong number of arguments for 'acl' command"},
		{"ROLE x", "ERR wrong number of arguments for 'role' command"},
	} {
		c, err := table.Lookup(words(tc.request))
		require.Error(t, err, tc.request)
		require.Equal(t, tc.want, ErrorText(words(tc.request), c, err))
	}
	require.Equal(t, "ERR unknown command '', with args beginning with: ", UnknownCommandText([][]byte{{}}))
	require.Equal(t, "ERR unknown subcommand or wrong number of arguments for 'log'. Try ACL HELP.", WrongShapeText(words("acl log RESET x")))
	require.Equal(t, "ERR Can't execute 'sentinel|masters': only (P|S)SUBSCRIBE / (P|S)UNSUBSCRIBE / PING / QUIT / RESET are allowed in this context",
		SubscribedText(table.Find("SENTINEL|MASTERS")))
}

// Rule: C-84, K-1.1, renamed and removed commands.
func TestRename(t *testing.T) {
	table := NewTable()
	require.ErrorIs(t, table.Rename("config", "x"), ErrNoSuchCommand)
	require.ErrorIs(t, table.Rename("PING", "Role"), ErrTargetExists)
	require.NotNil(t, table.Find("ping"), "a refused rename changes nothing")

	require.NoError(t, table.Rename("Ping", "PONG2"))
	require.ErrorIs(t, table.Rename("ping", "x"), ErrNoSuchCommand)
	require.Nil(t, table.Find("ping"))
	c, err := table.Lookup(words("pong2"))
	require.NoError(t, err)
	require.Equal(t, "ping", c.FullName, "the original name stays in replies")
	require.Equal(t, c, table.Original("ping"), "rules know the original name")
	require.Len(t, table.Top(), 15)

	require.NoError(t, table.Rename("sentinel", ""))
	_, err = table.Lookup(words("sentinel masters"))
	require.ErrorIs(t, err, ErrUnknownCommand)
	require.NotNil(t, table.Original("sentinel|masters"))
	require.Len(t, table.Top(), 14)

	require.NoError(t, table.Rename("acl", strings.Repeat("n", 100)))
	_, err = table.Lookup(words(strings.Repeat("N", 100) + " list"))
	require.NoError(t, err, "a name may be long")

	require.NoError(t, table.Rename("role", "ping"), "a name that became free may be taken")
	c, err = table.Lookup(words("ping"))
	require.NoError(t, err)
	require.Equal(t, "role", c.Name)
}

// Rule: K-6.4, the categories of ACL CAT.
func TestCategories(t *testing.T) {
	names := CategoryNames()
	require.Len(t, names, 21)
	require.Equal(t, "keyspace", names[0])
	require.Equal(t, "scripting", names[20])
	for i, name := range names {
		cat, ok := ParseCategory(strings.ToUpper(name))
		require.True(t, ok, name)
		require.Equal(t, Categories(1)<<i, cat)
		require.Equal(t, []string{name}, cat.Names())
	}
	_, ok := ParseCategory("@admin")
	require.False(t, ok)
	_, ok = ParseCategory("all")
	require.False(t, ok)
}

// Rule: K-2.16, appendix A: number of lines, head, foot and usage lines.
func TestHelp(t *testing.T) {
	table := NewTable()
	for _, tc := range []struct {
		name  string
		lines int
		usage []string
	}{
		{"sentinel", 49, []string{"CKQUORUM <master-name>", "CONFIG SET param value [param value ...]", "CONFIG GET <param> [param param param ...]",
			"DEBUG [<param> <value> ...]", "GET-MASTER-ADDR-BY-NAME <master-name>", "FAILOVER <master-name>", "FLUSHCONFIG", "INFO-CACHE <master-name>",
			"IS-MASTER-DOWN-BY-ADDR <ip> <port> <current-epoch> <runid>", "MASTER <master-name>", "MASTERS", "MONITOR <name> <ip> <port> <quorum>",
			"MYID", "PENDING-SCRIPTS", "REMOVE <master-name>", "REPLICAS <master-name>", "RESET <pattern>", "SENTINELS <master-name>",
			"SET <master-name> <option> <value> [<option> <value> ...]", "SIMULATE-FAILURE [CRASH-AFTER-ELECTION] [CRASH-AFTER-PROMOTION] [HELP]", "HELP"}},
		{"acl", 29, []string{"CAT [<category>]", "DELUSER <username> [<username> ...]", "DRYRUN <username> <command> [<arg> ...]", "GETUSER <username>",
			"GENPASS [<bits>]", "LIST", "LOAD", "LOG [<count> | RESET]", "SAVE", "SETUSER <username> <attribute> [<attribute> ...]", "USERS", "WHOAMI", "HELP"}},
		{"client", 54, []string{"CACHING (YES|NO)", "GETREDIR", "GETNAME", "ID", "INFO", "KILL <ip:port>", "KILL <option> <value> [<option> <value> [...]]",
			"LIST [options ...]", "UNPAUSE", "PAUSE <timeout> [WRITE|ALL]", "REPLY (ON|OFF|SKIP)", "SETNAME <name>", "SETINFO <option> <value>",
			"UNBLOCK <clientid> [TIMEOUT|ERROR]", "TRACKING (ON|OFF) [REDIRECT <id>] [BCAST] [PREFIX <prefix> [...]]", "TRACKINGINFO",
			"NO-EVICT (ON|OFF)", "NO-TOUCH (ON|OFF)", "HELP"}},
		{"command", 21, []string{"(no subcommand)", "COUNT", "LIST", "INFO [<command-name> ...]", "DOCS [<command-name> ...]", "GETKEYS <full-command>",
			"GETKEYSANDFLAGS <full-command>", "HELP"}},
	} {
		lines := Help(table.Find(tc.name), strings.ToUpper(tc.name[:1])+tc.name[1:])
		require.Len(t, lines, tc.lines, tc.name)
		require.Equal(t, strings.ToUpper(tc.name)+" <subcommand> [<arg> [value] [opt] ...]. Subcommands are:", lines[0])
		require.Equal(t, "    Print this help.", lines[len(lines)-1])
		var usage []string
		for _, line := range lines[1:] {
			require.NotEmpty(t, line)
			if line[0] != ' ' {
				usage = append(usage, line)
			}
		}
		require.Equal(t, tc.usage, usage)
	}
	require.Nil(t, Help(table.Find("ping"), "ping"))
}

// describe is what COMMAND shows of c, in one line.
func describe(c *Command) string {
	return c.FullName + " " + itoa(c.Arity) + " [" + strings.Join(c.Flags.Names(), " ") + "] [" + strings.Join(c.Categories.Names(), " ") + "]"
}

func itoa(n int) string {
	if n < 0 {
		return "-" + itoa(-n)
	}
	return string(rune('0' + n))
}
