package acl

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"gosentinel/internal/command"
)

const noChange = "WARNING: ACL errors detected, no change to the previously active ACL rules was performed"

// Rule: K-6.4, C-83: the errors of an ACL file. Nothing changes.
func TestLoadErrors(t *testing.T) {
	for _, tc := range []struct{ text, want string }{
		{"#c\n", "u.acl:1 should start with user keyword followed by the username. "},
		{" \n\t\n user bob on \r\n\n#c", "u.acl:5 should start with user keyword followed by the username. "},
		{"USER bob on\n", "u.acl:1 should start with user keyword followed by the username. "},
		{"user \n", "u.acl:1 should start with user keyword followed by the username. "},
		{"user bob on\nuser bob off\n", "WARNING: Duplicate user 'bob' found on line 2. "},
		{"user bob on\t+ping\n", "u.acl:1: Syntax error. "},
		{"user b\tb on\n", "'u.acl:1: username 'b\tb' contains invalid characters. "},
		{"user bob foo bar\n", "u.acl:1: Syntax error. "},
		{"user bob on +client|id|x ++ #zz\n", "u.acl:1: Allowing first-arg of a subcommand is not supported. " +
			"u.acl:1: Error in applying operation '++': Unknown command or category name in ACL. "},
		{"user bob foo\nuser al +foo +bar\nuser\nuser al on +bar\nuser x ~* ~a <p\nuser y (+ping ~a) (+foo)\n",
			"u.acl:1: Syntax error. u.acl:2: Error in applying operation '+foo': Unknown command or category name in ACL. " +
				"u.acl:2: Error in applying operation '+bar': Unknown command or category name in ACL. " +
				"u.acl:3 should start with user keyword followed by the username. WARNING: Duplicate user 'al' found on line 4. " +
				"u.acl:5: " + ErrAllKeys.Error() + ". u.acl:6: Error in applying operation '(+foo)': Unknown command or category name in ACL. "},
		{"user bob on (+ping ~a\n", "u.acl:1: Unmatched parenthesis in acl selector starting at '(+ping'. "},
		{"user data +get\n", "u.acl:1: Error in applying operation '+get': Unknown command or category name in ACL. "},
	} {
		us := fresh()
		_, err := us.SetUser("old", []string{"on"})
		require.NoError(t, err)
		before := us.Lines()
		require.EqualError(t, us.Load("u.acl", []byte(tc.text)), tc.want+noChange)
		require.Equal(t, before, us.Lines())
	}
	require.Equal(t, "Error loading ACLs, opening file 'u.acl': No such file or directory", OpenText("u.acl", "No such file or directory"))
}

// Rule: K-6.4, ACL LOAD replaces all users.
func TestLoad(t *testing.T) {
	const fresh = "user default on nopass ~* &* +@all"
	for _, tc := range []struct {
		text string
		want []string
	}{
		{"", []string{fresh}},
		{"\n \r\n", []string{fresh}},
		{"user bob  on   +ping\n", []string{"user bob on resetchannels -@all +ping", fresh}},
		{"user bob on +ping", []string{"user bob on resetchannels -@all +ping", fresh}},
		{"user bob\r\n", []string{"user bob off resetchannels -@all", fresh}},
		{"user \"bob\" on ~\"a\n", []string{`user "bob" on ~"a resetchannels -@all`, fresh}},
		{"user bob on (~a  +ping) +role\nuser z ( +ping )\n", []string{"user bob on resetchannels -@all +role (~a resetchannels -@all +ping)", fresh,
			"user z off resetchannels -@all (resetchannels -@all +ping)"}},
		{"user default on +ping\n", []string{"user default on resetchannels -@all +ping"}},
	} {
		us := New(command.NewTable(), false)
		us.SetRequirePass("p")
		_, err := us.SetUser("old", []string{"on"})
		require.NoError(t, err)
		session := us.User(DefaultUser)
		require.NoError(t, us.Load("u.acl", []byte(tc.text)), tc.text)
		require.Equal(t, tc.want, us.Lines(), tc.text)
		require.Same(t, session, us.User(DefaultUser), "sessions of default go on")

		again := New(command.NewTable(), false)
		require.NoError(t, again.Load("u.acl", []byte(strings.Join(us.Lines(), "\n")+"\n")))
		require.Equal(t, tc.want, again.Lines(), "what ACL SAVE writes loads as it was")
	}
}

// The text of a hopeless file stays small.
func TestLoadErrorIsBounded(t *testing.T) {
	err := fresh().Load("u.acl", []byte(strings.Repeat("nonsense\n", 100_000)))
	require.Error(t, err)
	require.Less(t, len(err.Error()), 2*maxProblemBytes)
	err = fresh().Load("u.acl", []byte("user x "+strings.Repeat("+foo ", 100_000)))
	require.Error(t, err)
	require.Less(t, len(err.Error()), 2*maxProblemBytes)
}

// declare makes Declarations of lines, words split at blanks.
func declare(lines ...string) (*Declarations, error) {
	var d Declarations
	for _, line := range lines {
		if err := d.Add(strings.Fields(line)); err != nil {
			return nil, err
		}
	}
	return &d, nil
}

// Rule: C-80, a new user begins with the channels that acl-pubsub-default gives.
func TestDeclareChannels(t *testing.T) {
	d := Declarations{AllChannels: true}
	require.EqualError(t, d.Add(strings.Fields("user bob on &a")), "Error in user declaration 'bob': "+ErrAllChannels.Error())
	require.NoError(t, d.Add(strings.Fields("user bob on resetchannels &a")))
	d.AllChannels = false
	require.NoError(t, d.Add(strings.Fields("user al on &a")))
}

// Rule: C-80, `user` lines as they are read.
func TestDeclareErrors(t *testing.T) {
	for _, tc := range []struct{ line, want string }{
		{"user bob foo", "Error in user declaration 'user': Syntax error"},
		{"USER bob foo", "Error in user declaration 'user': Syntax error"},
		{"user bob on <p", "Error in user declaration 'bob': The password you are trying to remove from the user does not exist"},
		{"user bob on >p off foo", "Error in user declaration '>p': Syntax error"},
		{"user bob ~* ~a", "Error in user declaration 'bob': " + ErrAllKeys.Error()},
		{"user bob on +client|id|x", "Error in user declaration 'bob': Allowing first-arg of a subcommand is not supported"},
		{"user bob on (+ping", "Error in user declaration 'bob': Wrong format"},
		{"user bob (+ping ~a) foo", "Error in user declaration 'bob': Syntax error"},
		{"user al off", "Error in user declaration 'al': Duplicate user found. A user can only be defined once in config files"},
	} {
		d, err := declare("user al on")
		require.NoError(t, err)
		require.EqualError(t, d.Add(strings.Fields(tc.line)), tc.want)
		require.Equal(t, 1, d.Len())
	}
	_, err := declare("user bob on +foo -@bar (+get)")
	require.NoError(t, err, "unknown names are left for Apply")
}

// Rule: C-80, C-82: `user` lines at the end of the start.
func TestApply(t *testing.T) {
	const critical = "Critical error while loading ACLs. Exiting."
	for _, tc := range []struct {
		lines   []string
		want    []string
		notices []string
		fatal   []string
	}{
		{lines: nil, want: []string{"user default on #" + hashP + " ~* &* +@all"}},
		{lines: []string{"user bob on >a +@all -ping", "user default on nopass ~* &* +@all"},
			want: []string{"user bob on #" + hashA + " resetchannels +@all -ping", "user default on nopass sanitize-payload ~* &* +@all"}},
		{lines: []string{"user default on -@all +ping"}, want: []string{"user default on sanitize-payload resetchannels -@all +ping"}},
		{lines: []string{"user default on #" + hashP + " ~* &* +@all"}, want: []string{"user default on sanitize-payload #" + hashP + " ~* &* +@all"}},
		{lines: []string{"user bob"}, want: []string{"user bob off resetchannels -@all", "user default on #" + hashP + " ~* &* +@all"},
			notices: []string{"The user 'bob' is disabled (there is no 'on' modifier in the user description). Make sure this is not a configuration error."}},
		{lines: []string{"user bob on +@foo +bar"},
			fatal: []string{"Error loading ACL rule '+@foo' for the user named 'bob': Unknown command or category name in ACL", critical}},
		{lines: []string{"user bob on (+ping ~a) (+foo)"},
			fatal: []string{"Error loading ACL rule '(+foo)' for the user named 'bob': Unknown command or category name in ACL", critical}},
	} {
		d, err := declare(tc.lines...)
		require.NoError(t, err)
		us := fresh()
		us.SetRequirePass("p")
		notices, err := us.Apply(d)
		if tc.fatal != nil {
			var fatal *LoadError
			require.ErrorAs(t, err, &fatal)
			require.Equal(t, tc.fatal, fatal.Lines)
			continue
		}
		require.NoError(t, err)
		require.Equal(t, tc.want, us.Lines())
		require.Equal(t, tc.notices, notices)
	}

	var d Declarations
	require.NoError(t, d.Add([]string{"user", "a b", "on"}))
	_, err := fresh().Apply(&d)
	require.Equal(t, &LoadError{[]string{"Spaces not allowed in ACL usernames", critical}}, err)
}

// Rule: K-6.4. No rule list may crash, and what is accepted must be shown in a
// form that gives the same user again.
func FuzzRules(f *testing.F) {
	for _, seed := range []string{"on >p ~* &a* +@all -ping (+role ~a) (&b)", "%RW~x +ping|a reset (", "((x)) +client|kill|id", `(~"a b") #00 !x <p`} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		us := fresh()
		change, err := us.SetUser("x", strings.Split(text, "\x1f"))
		if err != nil {
			require.Len(t, us.Names(), 1)
			return
		}
		line := change.User.Description()
		require.NotContains(t, line, "\n")
		again, err := us.SetUser("y", strings.Split(line, " "))
		require.NoError(t, err, line)
		require.Equal(t, line, again.User.Description())
		require.Equal(t, change.User.root.allowed, again.User.root.allowed)
		require.NoError(t, fresh().Load("u.acl", []byte(strings.Join(us.Lines(), "\n"))))
	})
}

// Rule: C-83. No file may crash, and what loads is written in a form that
// loads again.
func FuzzLoad(f *testing.F) {
	f.Add("user bob on >p ~* &a* +@all -ping (+role ~a)\n\n user al\r\nuser default nopass")
	f.Add("#\nuser \"x\" +foo (+ping\nuser bob\nuser bob")
	f.Fuzz(func(t *testing.T, text string) {
		us := fresh()
		if us.Load("u.acl", []byte(text)) != nil {
			require.Equal(t, fresh().Lines(), us.Lines())
			return
		}
		again := fresh()
		require.NoError(t, again.Load("u.acl", []byte(strings.Join(us.Lines(), "\n"))))
		require.Equal(t, us.Lines(), again.Lines())
	})
}
