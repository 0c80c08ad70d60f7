package acl

import (
	"bytes"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"gosentinel/internal/command"
)

// sha256 of `a`, `b` and `p`, by sha256sum.
const (
	hashA = "ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb"
	hashB = "3e23e8160039594a33894f6564e1b1348bbd7a0088d42c4acb73eeaed59c009d"
	hashP = "148de9c5a7a44d19e56cd9ae1a554bf67847afb0c58f6e12fa29ac7ddfca9940"
)

// fresh is a set with nobody but `default`.
func fresh() *Users { return New(command.NewTable(), false) }

// with is a user made by rules, which are split at `;`.
func with(t *testing.T, rules string) *User {
	t.Helper()
	change, err := fresh().SetUser("x", strings.Split(rules, ";"))
	require.NoError(t, err)
	return change.User
}

// Rule: K-6.4, C-98, R-7: the text of users, as the original shows it but for
// command rules, which are kept in the 7.2.4 way.
func TestDescription(t *testing.T) {
	for _, tc := range []struct{ rules, want string }{
		{"", "off resetchannels -@all"},
		{"ON;NoPass;+PING;+@ALL", "on nopass resetchannels +@all"},
		{"on;off", "off resetchannels -@all"},
		{"%R~a;%W~a", "off ~a resetchannels -@all"},
		{"%R~a;%W~b;~c;%WR~d;%rw~e", "off %R~a %W~b ~c ~d ~e resetchannels -@all"},
		{"%RW~*;~a", "off ~* ~a resetchannels -@all"},
		{"~a;~b;~*;~*", "off ~* resetchannels -@all"},
		{"~*;resetkeys;~a;~a", "off ~a resetchannels -@all"},
		{"~", "off ~ resetchannels -@all"},
		{"%R", "off %R~ resetchannels -@all"},
		{"&a;&a;&*;&*", "off &* -@all"},
		{"&*;resetchannels;&a;&b", "off resetchannels &a &b -@all"},
		{"&", "off resetchannels & -@all"},
		{"allkeys;allchannels;allcommands", "off ~* &* +@all"},
		{">a;>a;>b;<a", "off #" + hashB + " resetchannels -@all"},
		{"#" + hashA + ";!" + hashA, "off resetchannels -@all"},
		{">p;#" + hashP, "off #" + hashP + " resetchannels -@all"},
		{"nopass;>a", "off #" + hashA + " resetchannels -@all"},
		{">a;nopass", "off nopass resetchannels -@all"},
		{"nopass;resetpass", "off resetchannels -@all"},
		{"reset", "off sanitize-payload resetchannels -@all"},
		{">p;on;~*;+@all;&*;(+ping);reset", "off sanitize-payload resetchannels -@all"},
		{"skip-sanitize-payload", "off skip-sanitize-payload resetchannels -@all"},
		{"(+publish;+role;(+ping;~a)", "off resetchannels -@all (~a resetchannels -@all +ping)"},
		{"skip-sanitize-payload;sanitize-payload", "off sanitize-payload resetchannels -@all"},
		{"on;sanitize-payload;>p;~*;+@all;-ping;+sentinel|masters", "on sanitize-payload #" + hashP + " ~* resetchannels +@all -ping +sentinel|masters"},

		{"()", "off resetchannels -@all (resetchannels -@all)"},
		{"(;)", "off resetchannels -@all (resetchannels -@all)"},
		{"(+ping;~a)", "off resetchannels -@all (~a resetchannels -@all +ping)"},
		{"(+ping;;~a)", "off resetchannels -@all (~a resetchannels -@all +ping)"},
		{"( +ping   ~b  )", "off resetchannels -@all (~b resetchannels -@all +ping)"},
		{`(+ping "~b" '~c')`, "off resetchannels -@all (~b ~c resetchannels -@all +ping)"},
		{"(+ping);(+ping);(&x)", "off resetchannels -@all (resetchannels -@all +ping) (resetchannels -@all +ping) (resetchannels &x -@all)"},
		{"(~* &* +@all)", "off resetchannels -@all (~* &* +@all)"},
		{"(+ping);(+role);clearselectors", "off resetchannels -@all"},

		{"+@all;-shutdown;+SENTINEL|Masters;+Ping", "off resetchannels +@all -shutdown +sentinel|masters +ping"},
		{"+sentinel|masters;+sentinel", "off resetchannels -@all +sentinel"},
		{"+sentinel;-sentinel|masters;+sentinel|masters", "off resetchannels -@all +sentinel +sentinel|masters"},
		{"+ping;-ping", "off resetchannels -@all -ping"},
		{"+@slow;-@slow", "off resetchannels -@all -@slow"},
		{"+ping;+@fast;+ping", "off resetchannels -@all +@fast +ping"},
		{"+ping|x;+ping|y", "off resetchannels -@all +ping|x +ping|y"},
		{"+ping|X;+ping|x", "off resetchannels -@all +ping|x"},
		{"+ping|x;+ping", "off resetchannels -@all +ping"},
		{"-client|id", "off resetchannels -@all -client|id"},
		{"+role;+@all;-@all", "off resetchannels -@all"},
		{"+@Admin", "off resetchannels -@all +@admin"},
		{"+sentinel|primary;+sentinel|primaries", "off resetchannels -@all +sentinel|master +sentinel|masters"},
		{"+sentinel;-sentinel|masters;+sentinel|PRIMARIES", "off resetchannels -@all +sentinel +sentinel|masters"},
	} {
		require.Equal(t, tc.want, with(t, tc.rules).Description(), tc.rules)
	}
}

// Rule: K-6.4, C-81, the errors of rules. Nothing changes, though others are
// good.
func TestRuleErrors(t *testing.T) {
	for _, tc := range []struct {
		rules, rule string
		why         error
	}{
		{"(+role;(+role;(+ping)", "(+role (+ping)", ErrSyntax},
		{"foo", "foo", ErrSyntax},
		{"+foo", "+foo", ErrUnknown},
		{"+", "+", ErrUnknown},
		{"-", "-", ErrUnknown},
		{"+@", "+@", ErrUnknown},
		{"-@foo", "-@foo", ErrUnknown},
		{"+all", "+all", ErrUnknown},
		{"+get", "+get", ErrUnknown},
		{"+sentinel|foo", "+sentinel|foo", ErrUnknown},
		{"-ping|x", "-ping|x", ErrUnknown},
		{"+ping|x|y", "+ping|x|y", ErrUnknown},
		{"+|x", "+|x", ErrUnknown},
		{"+@all|x", "+@all|x", ErrUnknown},
		{"+ping|", "+ping|", ErrSyntax},
		{"+client|", "+client|", ErrSyntax},
		{"+client|kill|id", "+client|kill|id", ErrFirstArg},
		{"-client|kill|id", "-client|kill|id", ErrUnknown},
		{"~*;~a", "~a", ErrAllKeys},
		{"allkeys;%R~*", "%R~*", ErrAllKeys},
		{"&*;&a", "&a", ErrAllChannels},
		{"~a b", "~a b", ErrSyntax},
		{"~a\tb", "~a\tb", ErrSyntax},
		{"~a\x00b", "~a\x00b", ErrSyntax},
		{"&a b", "&a b", ErrSyntax},
		{"%~a", "%~a", ErrSyntax},
		{"%", "%", ErrSyntax},
		{"%RX~a", "%RX~a", ErrSyntax},
		{"%RRW~a", "%RRW~a", ErrSyntax},
		{"<a", "<a", ErrNoSuchPassword},
		{">p;nopass;<p", "<p", ErrNoSuchPassword},
		{"!" + hashA, "!" + hashA, ErrNoSuchPassword},
		{"!aa", "!aa", ErrHash},
		{"#" + strings.ToUpper(hashA), "#" + strings.ToUpper(hashA), ErrHash},
		{")", ")", ErrSyntax},
		{"(on)", "(on)", ErrSyntax},
		{"(>a)", "(>a)", ErrSyntax},
		{"(reset)", "(reset)", ErrSyntax},
		{"(+foo)", "(+foo)", ErrUnknown},
		{"((+ping))", "((+ping))", ErrSyntax},
		{"(+ping;(~a);)", "(+ping (~a)", ErrSyntax},
		{"(allkeys ~a)", "(allkeys ~a)", ErrAllKeys},
		{`(~"a b")`, `(~"a b")`, ErrSyntax},
	} {
		us := fresh()
		_, err := us.SetUser("x", []string{"on", "+role"})
		require.NoError(t, err)
		before := us.Lines()
		_, err = us.SetUser("x", strings.Split("nopass;+ping;"+tc.rules, ";"))
		var bad *RuleError
		require.ErrorAs(t, err, &bad, tc.rules)
		require.Equal(t, RuleError{tc.rule, tc.why}, *bad, tc.rules)
		require.EqualError(t, err, "Error in ACL SETUSER modifier '"+tc.rule+"': "+tc.why.Error())
		require.Equal(t, before, us.Lines(), "all rules or none: %s", tc.rules)

		_, err = us.SetUser("y", strings.Split(tc.rules, ";"))
		require.Error(t, err)
		require.Nil(t, us.User("y"))
	}
}

// Rule: K-6.4, selectors that are not closed.
func TestUnmatched(t *testing.T) {
	for _, tc := range []struct{ rules, at string }{
		{"(", "("},
		{"(+ping;~a", "(+ping"},
		{"(+ping)x", "(+ping)x"},
		{"+foo;(+ping ~a", "(+ping ~a"},
		{"(+ping);(", "("},
		{"(+publish;(+ping;+role", "(+ping"},
	} {
		_, err := fresh().SetUser("x", strings.Split(tc.rules, ";"))
		require.EqualError(t, err, "Unmatched parenthesis in acl selector starting at '"+tc.at+"'.")
	}
}

// Rule: R-3, what could not be read back from the file it is kept in is
// refused.
func TestRulesThatWouldCorruptTheFile(t *testing.T) {
	for _, rule := range []string{"+ping|a b", "+ping|a\nb", "+ping|a\x00", `(~a"b)`, `(+ping|"a b")`, `(~"a)`, "(~a) ~b)", `(~"a\"b")`, `(~"a)")`} {
		_, err := fresh().SetUser("x", []string{rule})
		require.ErrorIs(t, err, ErrSyntax, rule)
	}
}

// Rule: K-6.4, names.
func TestUserNames(t *testing.T) {
	us := fresh()
	for _, name := range []string{"a b", "a\nb", "a\tb", "a\x00b", "z\vq"} {
		_, err := us.SetUser(name, nil)
		require.ErrorIs(t, err, ErrUserName, "%q", name)
	}
	require.EqualError(t, ErrUserName, "Usernames can't contain spaces or null characters")
	for _, name := range []string{"z", "A", "é", `a"b`} {
		change, err := us.SetUser(name, nil)
		require.NoError(t, err)
		require.True(t, change.Created)
		require.Equal(t, name, change.User.Name())
	}
	change, err := us.SetUser("z", []string{"on"})
	require.NoError(t, err)
	require.Equal(t, Change{User: us.User("z")}, change)
	require.Equal(t, []string{"A", `a"b`, "default", "z", "é"}, us.Names(), "sorted by bytes")
	require.Equal(t, "user z on resetchannels -@all", us.Lines()[3])
}

// Rule: C-97, C-98, R-7: the untouched default user.
func TestFreshDefault(t *testing.T) {
	us := fresh()
	require.Equal(t, []string{"user default on nopass ~* &* +@all"}, us.Lines())
	require.Equal(t, Info{Flags: []string{"on", "nopass"}, Selector: Selector{Commands: "+@all", Keys: "~*", Channels: "&*"}}, us.User(DefaultUser).Info())
}

// Rule: K-6.4, GETUSER.
func TestInfo(t *testing.T) {
	u := with(t, "+publish;&a*;&b;>a;%R~k;~l;(~*);(+subscribe;&d*)")
	require.Equal(t, Info{
		Flags:     []string{"off"},
		Passwords: []string{hashA},
		Selector:  Selector{Commands: "-@all +publish", Keys: "%R~k ~l", Channels: "&a* &b"},
		Selectors: []Selector{{Commands: "-@all", Keys: "~*"}, {Commands: "-@all +subscribe", Channels: "&d*"}},
	}, u.Info())
}

// Rule: C-98, R-3: what stands in sentinel.conf is read back as it was.
func TestConfLines(t *testing.T) {
	us := fresh()
	_, err := us.SetUser(`a"b`, []string{"on", `~a'b`, `~a\b`, "~\x01", "(~a +ping)"})
	require.NoError(t, err)
	_, err = us.SetUser("", nil)
	require.NoError(t, err)
	require.Equal(t, []string{
		`"" off resetchannels -@all`,
		`"a\"b" on "~a'b" ~a\b "~\x01" resetchannels -@all (~a resetchannels -@all +ping)`,
		"default on nopass ~* &* +@all",
	}, us.ConfLines())
}

// Rule: K-6.4, DELUSER.
func TestDelUser(t *testing.T) {
	us := fresh()
	for _, name := range []string{"a", "b", "c"} {
		_, err := us.SetUser(name, nil)
		require.NoError(t, err)
	}
	a := us.User("a")
	_, err := us.DelUser([]string{"a", "default"})
	require.ErrorIs(t, err, ErrDeleteDefault)
	require.EqualError(t, err, "The 'default' user cannot be removed")
	require.Len(t, us.Names(), 4, "nothing is deleted")
	deleted, err := us.DelUser([]string{"a", "a", "nope", "c"})
	require.NoError(t, err)
	require.Len(t, deleted, 2)
	require.Same(t, a, deleted[0])
	require.Equal(t, []string{"b", "default"}, us.Names())
	require.Nil(t, us.User("a"))
}

// Rule: K-6.2.
func TestAuthenticate(t *testing.T) {
	us := fresh()
	for name, rules := range map[string]string{"two": "on >a >b", "off": "off >a", "open": "on nopass", "none": "on"} {
		_, err := us.SetUser(name, strings.Fields(rules))
		require.NoError(t, err)
	}
	for _, tc := range []struct {
		name, password string
		ok             bool
	}{
		{"two", "a", true},
		{"two", "b", true},
		{"two", "c", false},
		{"two", "", false},
		{"two", hashA, false},
		{"off", "a", false},
		{"open", "whatever", true},
		{"none", "", false},
		{"Two", "a", false},
		{"nobody", "a", false},
		{"default", "x", true},
	} {
		u := us.Authenticate([]byte(tc.name), []byte(tc.password))
		require.Equal(t, tc.ok, u != nil, "%s %s", tc.name, tc.password)
		if tc.ok {
			require.Same(t, us.User(tc.name), u)
		}
	}
	require.True(t, us.User("off").Accepts([]byte("a")), "right, though the user is off")
	require.False(t, us.User("off").Enabled())
}

// Rule: C-82, K-6.2: requirepass is the password of default.
func TestRequirePass(t *testing.T) {
	us := fresh()
	us.SetRequirePass("p")
	require.Equal(t, []string{"user default on #" + hashP + " ~* &* +@all"}, us.Lines())
	require.False(t, us.User(DefaultUser).NoPass())
	require.NotNil(t, us.Authenticate([]byte("default"), []byte("p")))
	us.SetRequirePass("a")
	require.Nil(t, us.Authenticate([]byte("default"), []byte("p")))
	us.SetRequirePass("")
	require.Equal(t, fresh().Lines(), us.Lines())
}

// Rule: K-6.4, acl-pubsub-default allchannels.
func TestPubSubDefault(t *testing.T) {
	us := New(command.NewTable(), true)
	for _, tc := range []struct{ rules, want string }{
		{"", "off &* -@all"},
		{"resetchannels;reset", "off sanitize-payload &* -@all"},
		{"resetchannels;&a;(+ping)", "off resetchannels &a -@all (&* -@all +ping)"},
	} {
		_, err := us.DelUser([]string{"x"})
		require.NoError(t, err)
		change, err := us.SetUser("x", strings.Split(tc.rules, ";"))
		require.NoError(t, err)
		require.Equal(t, tc.want, change.User.Description())
	}
}

// Nothing that the outside can fill grows without limit.
func TestLimits(t *testing.T) {
	var keys, channels, passwords, firstArgs, selectors []string
	for i := range MaxRules + 1 {
		n := strings.Repeat("x", i%7) + string(rune('a'+i%26)) + strings.Repeat("y", i/26%100) + strings.Repeat("z", i/2600)
		keys = append(keys, "~"+n)
		channels = append(channels, "&"+n)
		passwords = append(passwords, ">"+n)
		firstArgs = append(firstArgs, "+ping|"+n)
		selectors = append(selectors, "()")
	}
	for _, rules := range [][]string{keys, channels, passwords, firstArgs, selectors} {
		us := fresh()
		_, err := us.SetUser("x", rules)
		require.ErrorIs(t, err, ErrTooMany, rules[0])
		require.Nil(t, us.User("x"))
	}
}

// Rule: K-6.4, K-9, ACL DRYRUN.
func TestDryRun(t *testing.T) {
	us := fresh()
	_, err := us.SetUser("x", []string{"+@all", "-@admin", "&a*", "&b"})
	require.NoError(t, err)
	for _, tc := range []struct{ request, denied, err string }{
		{"ping a b", "", ""},
		{"auth x", "", ""},
		{"publish abc d", "", ""},
		{"Role", "User x has no permissions to run the 'role' command", ""},
		{"sentinel help", "User x has no permissions to run the 'sentinel|help' command", ""},
		{"publish c d", "User x has no permissions to access the 'c' channel", ""},
		{"subscribe abc b c d", "User x has no permissions to access the 'c' channel", ""},
		{"psubscribe b", "", ""},
		{"psubscribe abc", "User x has no permissions to access the 'abc' channel", ""},
		{"unsubscribe zz", "", ""},
		{"foo", "", "Command 'foo' not found"},
		{"client foo", "", "Command 'client' not found"},
		{"client id x", "", "wrong number of arguments for 'client|id' command"},
		{"client", "", "wrong number of arguments for 'client' command"},
	} {
		denied, err := us.DryRun("x", bytes.Fields([]byte(tc.request)))
		require.Equal(t, tc.denied, denied, tc.request)
		if tc.err == "" {
			require.NoError(t, err, tc.request)
		} else {
			require.EqualError(t, err, tc.err)
		}
	}
	_, err = us.DryRun("nou", bytes.Fields([]byte("foo")))
	require.EqualError(t, err, "User 'nou' not found")
}
