package acl

import (
	"bytes"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"gosentinel/internal/command"
)

// Rule: K-6.4, K-1.2 step 5, K-5: what the original's ACL DRYRUN says.
func TestCheck(t *testing.T) {
	table := command.NewTable()
	for _, tc := range []struct {
		rules, request string
		why            Reason
		arg            int
	}{
		{"", "ping", ReasonCommand, 0},
		{"", "auth x", ReasonNone, 0},
		{"", "hello 3", ReasonNone, 0},
		{"+ping", "ping", ReasonNone, 0},
		{"+sentinel", "sentinel masters", ReasonNone, 0},
		{"+sentinel;-sentinel|masters", "sentinel masters", ReasonCommand, 0},
		{"+sentinel|masters", "sentinel masters", ReasonNone, 0},
		{"+sentinel|masters", "sentinel myid", ReasonCommand, 0},
		{"+@slow;-@admin", "acl help", ReasonNone, 0},
		{"+@slow;-@admin", "sentinel help", ReasonCommand, 0},
		{"+@connection", "client id", ReasonNone, 0},
		{"+@connection", "command count", ReasonNone, 0},
		{"+@connection", "acl whoami", ReasonCommand, 0},
		{"+@all;-@dangerous", "info", ReasonCommand, 0},
		{"+ping|a", "ping A", ReasonNone, 0},
		{"+ping|a", "ping b", ReasonCommand, 0},
		{"+ping|a", "ping", ReasonCommand, 0},
		{"+ping|a;-ping", "ping a", ReasonCommand, 0},
		{"+ping;-ping;+ping|a", "ping a", ReasonNone, 0},
		{"+ping|a;-@all", "ping a", ReasonCommand, 0},

		{"+@all", "subscribe a", ReasonChannel, 1},
		{"+@all;&a", "subscribe a b", ReasonChannel, 2},
		{"+@all;&a*", "subscribe ab abc", ReasonNone, 0},
		{"+@all;&a*", "psubscribe a*", ReasonNone, 0},
		{"+@all;&a*", "psubscribe ab", ReasonChannel, 1},
		{"+@all;&*", "psubscribe zz", ReasonNone, 0},
		{"+@all;&A", "subscribe a", ReasonChannel, 1},
		{"+@all;&a", "publish a message", ReasonNone, 0},
		{"+@all;&m", "publish a m", ReasonChannel, 1},
		{"+@all", "unsubscribe a", ReasonNone, 0},
		{"+@all", "punsubscribe a", ReasonNone, 0},
		{"+@all", "ping a", ReasonNone, 0},

		{"(+ping)", "ping", ReasonNone, 0},
		{"&a;(+subscribe)", "subscribe a", ReasonChannel, 1},
		{"&a;+publish;(+subscribe;&d*)", "subscribe d", ReasonNone, 0},
		{"&a;+publish;(+subscribe;&d*)", "publish d x", ReasonChannel, 1},
		{"+subscribe;&a;(+subscribe;&b)", "subscribe a b", ReasonChannel, 2},
		{"(+subscribe;&a);(+subscribe;&a;&b)", "subscribe a b c", ReasonChannel, 3},
		{"(+subscribe);(+publish;&a)", "subscribe a", ReasonChannel, 1},
	} {
		u := with(t, tc.rules)
		args := bytes.Fields([]byte(tc.request))
		c, err := table.Lookup(args)
		require.NoError(t, err, tc.request)
		why, arg := u.Check(c, args)
		require.Equal(t, tc.why, why, "%s: %s", tc.rules, tc.request)
		require.Equal(t, tc.arg, arg, "%s: %s", tc.rules, tc.request)
	}
}

// Another spelling has the permission of its original, whichever of the two a
// rule names.
//
// Rule: K-2.17.
func TestAliasesHaveThePermissionOfTheirOriginals(t *testing.T) {
	table := command.NewTable()
	for _, pair := range []struct{ original, alias, args string }{
		{"masters", "primaries", ""},
		{"master", "primary", " mm"},
		{"get-master-addr-by-name", "get-primary-addr-by-name", " mm"},
		{"is-master-down-by-addr", "is-primary-down-by-addr", " 127.0.0.1 1 1 *"},
	} {
		for _, tc := range []struct {
			rules   string // of <name>, for either spelling
			allowed bool
		}{
			{"+sentinel|<name>", true},
			{"+@all;-sentinel|<name>", false},
			{"+@all;-sentinel|<NAME>", false},
			{"+sentinel;-sentinel|<name>", false},
			{"+@admin;-sentinel|<name>;+sentinel|<name>", true},
			{"+sentinel|<name>;-sentinel", false},
			{"+sentinel|<name>;-@dangerous", false},
			{"+@all;-sentinel|<name>;+@admin", true},
			{"(+sentinel|<name>)", true},
			{"+ping;(+@all;-sentinel|<name>)", false},
			{"+sentinel|myid", false},
			{"+@all", true},
			{"", false},
		} {
			for _, ruled := range []string{pair.original, pair.alias} {
				rules := strings.NewReplacer("<name>", ruled, "<NAME>", strings.ToUpper(ruled)).Replace(tc.rules)
				u := with(t, rules)
				for _, asked := range []string{pair.original, pair.alias} {
					args := bytes.Fields([]byte("sentinel " + asked + pair.args))
					c, err := table.Lookup(args)
					require.NoError(t, err)
					why, _ := u.Check(c, args)
					require.Equal(t, tc.allowed, why == ReasonNone, "%s: %s", rules, asked)
				}
			}
		}
	}
}

// A verdict may be remembered only where it is the same for all arguments.
//
// Rule: K-1.2 step 5.
func TestByCommandAlone(t *testing.T) {
	table := command.NewTable()
	for _, tc := range []struct {
		rules, command string
		want           bool
	}{
		{"", "ping", true},
		{"+@all", "info", true},
		{"+info|server", "info", false},
		{"+info|server", "ping", true},
		{"+info|server;+info", "info", true},
		{"+info|server;-info", "info", true},
		{"+info|server;+@all", "info", true},
		{"(+info|server)", "info", false},
		{"+info;(+info|server)", "info", false},
		{"+sentinel|masters", "sentinel|masters", true},
		{"+@all", "publish", false},
		{"+@all;&*", "subscribe", false},
	} {
		require.Equal(t, tc.want, with(t, tc.rules).ByCommandAlone(table.Original(tc.command)), "%s: %s", tc.rules, tc.command)
	}
}

// Rule: K-6.4, rules know commands by their original names.
func TestRenamedCommands(t *testing.T) {
	table := command.NewTable()
	require.NoError(t, table.Rename("ping", "pong2"))
	us := New(table, false)
	_, err := us.SetUser("x", []string{"+ping"})
	require.NoError(t, err)
	_, err = us.SetUser("x", []string{"+pong2"})
	require.ErrorIs(t, err, ErrUnknown)
	denied, err := us.DryRun("x", [][]byte{[]byte("pong2")})
	require.NoError(t, err)
	require.Empty(t, denied)
}

// Rule: K-1.3, K-9.
func TestDeniedText(t *testing.T) {
	u := with(t, "")
	c := command.NewTable().Find("sentinel|masters")
	require.Equal(t, "NOPERM User x has no permissions to run the 'sentinel|masters' command", DeniedText(u, c, ReasonCommand))
	require.Equal(t, "NOPERM No permissions to access a channel", DeniedText(u, c, ReasonChannel))
}

// Checks run for every request, so they must not make garbage.
func TestCheckAllocatesNothing(t *testing.T) {
	u := with(t, "+@all;-role;&a*;&+switch-*;(+role);(+ping|x)")
	table := command.NewTable()
	for _, request := range []string{"ping", "role", "subscribe abc +switch-master", "subscribe zzz"} {
		args := bytes.Fields([]byte(request))
		c, err := table.Lookup(args)
		require.NoError(t, err)
		require.Zero(t, testing.AllocsPerRun(100, func() { u.Check(c, args) }), request)
	}
}

// Rule: K-6.4, which sessions end when a user loses channels.
func TestMayListen(t *testing.T) {
	for _, tc := range []struct {
		rules              string
		channels, patterns string
		want               bool
	}{
		{"resetchannels;&a", "a", "", true},
		{"resetchannels;&a", "a b", "", false},
		{"resetchannels;&ab", "ab", "", true},
		{"resetchannels;&ab;&*b", "", "a*", false},
		{"resetchannels;(&a);(&b)", "a b", "", true},
		{"resetchannels;(&*)", "", "*", true},
		{"resetchannels;&a", "", "*", false},
		{"resetchannels", "", "", true},
		{"resetchannels", "a", "", false},
	} {
		us := fresh()
		_, err := us.SetUser("n", []string{"on", "nopass", "+@all", "allchannels"})
		require.NoError(t, err)
		session := us.User("n")
		require.True(t, session.MayListen(strings.Fields(tc.channels), strings.Fields(tc.patterns)))
		_, err = us.SetUser("n", strings.Split(tc.rules, ";"))
		require.NoError(t, err)
		require.Equal(t, tc.want, session.MayListen(strings.Fields(tc.channels), strings.Fields(tc.patterns)), tc.rules)
	}
}

// The budget is some tens of nanoseconds, for every request asks.
func BenchmarkCheck(b *testing.B) {
	us := fresh()
	change, err := us.SetUser("x", []string{"+@all", "-role", "&+switch-master", "(+role)"})
	require.NoError(b, err)
	args := bytes.Fields([]byte("sentinel get-master-addr-by-name mymaster"))
	c, err := command.NewTable().Lookup(args)
	require.NoError(b, err)
	b.ReportAllocs()
	for b.Loop() {
		change.User.Check(c, args)
	}
}
