package listener

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"gosentinel/internal/resp"
)

const (
	unauthorized = "-NOAUTH Authentication required.\r\n"
	wrongPass    = "-WRONGPASS invalid username-password pair or user is disabled.\r\n"
)

// Rule: K-1.2 and K-1.3: lookup and arity come before authentication, that before permissions.
func TestOrderOfChecks(t *testing.T) {
	w := start(t, func(o *Options) { o.Users.SetRequirePass("secret") })
	u := w.dial()
	u.ask("foo", "-ERR unknown command 'foo', with args beginning with: \r\n")
	u.ask("SENTINEL", "-ERR wrong number of arguments for 'sentinel' command\r\n")
	u.ask("SENTINEL foo", "-ERR unknown subcommand 'foo'. Try SENTINEL HELP.\r\n")
	u.ask("PING a b", unauthorized)
	u.ask("SENTINEL MASTERS", unauthorized)
	u.ask("AUTH nope", wrongPass)
	u.ask("AUTH a b c", "-ERR syntax error\r\n")
	u.ask("AUTH default secret", "+OK\r\n")
	u.ask("PING", "+PONG\r\n")
	u.ask("ACL SETUSER bob on >pw +auth +ping +subscribe +psubscribe +sentinel|masters +client|id &chan*", "+OK\r\n")
	u.ask("AUTH bob pw", "+OK\r\n")
	u.ask("ROLE", "-NOPERM User bob has no permissions to run the 'role' command\r\n")
	u.ask("SENTINEL myid", "-NOPERM User bob has no permissions to run the 'sentinel|myid' command\r\n")
	u.ask("SENTINEL MASTERS", "*0\r\n")
	u.ask("SUBSCRIBE chan1 other", "-NOPERM No permissions to access a channel\r\n")
	u.ask("PSUBSCRIBE *", "-NOPERM No permissions to access a channel\r\n")
	u.ask("SUBSCRIBE chan1", "*3\r\n$9\r\nsubscribe\r\n$5\r\nchan1\r\n:1\r\n")
	u.ask("ROLE", "-NOPERM User bob has no permissions to run the 'role' command\r\n")
	u.ask("CLIENT ID", "-ERR Can't execute 'client|id': only (P|S)SUBSCRIBE / (P|S)UNSUBSCRIBE / PING / QUIT / RESET are allowed in this context\r\n")

	admin := w.dial()
	admin.ask("AUTH secret", "+OK\r\n")
	stats := admin.bulk("INFO stats")
	require.Contains(t, stats, "acl_access_denied_auth:1\r\nacl_access_denied_cmd:3\r\nacl_access_denied_key:0\r\nacl_access_denied_channel:2\r\n")
	log := admin.reply("ACL LOG")
	require.Len(t, log.Elems, 5)
	newest := log.Elems[0]
	require.Len(t, newest.Elems, 20)
	require.Equal(t, []resp.Value{resp.Str("count"), resp.Int(2), resp.Str("reason"), resp.Str("command"), resp.Str("context"), resp.Str("toplevel"),
		resp.Str("object"), resp.Str("role"), resp.Str("username"), resp.Str("bob")}, newest.Elems[:10])
	require.Equal(t, "client-info", newest.Elems[12].Str)
	require.Contains(t, newest.Elems[13].Str, "cmd=")
	require.Equal(t, "AUTH", log.Elems[4].Elems[7].Str)
	require.Equal(t, "default", log.Elems[4].Elems[9].Str)
	admin.ask("ACL LOG RESET", "+OK\r\n")
	admin.ask("ACL LOG", "*0\r\n")
	admin.ask("ACL LOG x", "-ERR value is not an integer or out of range\r\n")
}

// Rule: K-6.2.
func TestAuthWithoutPassword(t *testing.T) {
	u := start(t).dial()
	u.ask("AUTH x", "-ERR AUTH <password> called without any password configured for the default user. Are you sure your configuration is correct?\r\n")
	u.ask("AUTH default anything", "+OK\r\n")
	u.ask("AUTH nobody x", wrongPass)
	u.ask("ACL WHOAMI", "$7\r\ndefault\r\n")
}

// Rule: K-6.3 in the form of 7.2: a failing HELLO changes nothing.
func TestHello(t *testing.T) {
	w := start(t, func(o *Options) { o.Users.SetRequirePass("secret") })
	u := w.dial()
	needs := "-NOAUTH HELLO must be called with the client already authenticated, otherwise the HELLO <proto> AUTH <user> <pass> option can be used to authenticate the client and select the RESP protocol version at the same time\r\n"
	for _, tc := range []struct{ line, want string }{
		{"HELLO", needs},
		{"HELLO 3 SETNAME a", needs},
		{"HELLO x", "-ERR Protocol version is not an integer or out of range\r\n"},
		{"HELLO 4", "-NOPROTO unsupported protocol version\r\n"},
		{"HELLO 3 AUTH a", "-ERR Syntax error in HELLO option 'AUTH'\r\n"},
		{"HELLO 3 setname", "-ERR Syntax error in HELLO option 'setname'\r\n"},
		{"HELLO 3 FOO", "-ERR Syntax error in HELLO option 'FOO'\r\n"},
		{`HELLO 3 AUTH default secret SETNAME "a b"`, "-ERR Client names cannot contain spaces, newlines or special characters.\r\n"},
		{"HELLO 3 AUTH default secret AUTH default nope", wrongPass},
		{"PING", unauthorized},
	} {
		u.ask(tc.line, tc.want)
	}
	v := u.reply("HELLO 3 AUTH default nope AUTH default secret SETNAME one SETNAME two")
	require.Equal(t, resp.Map, v.Kind)
	require.Equal(t, "two", u.bulk("CLIENT GETNAME"))
	require.Equal(t, resp.Array, u.reply("HELLO 2").Kind)
	require.Equal(t, resp.Map, u.reply("HELLO 3").Kind)
	require.Equal(t, resp.Map, u.reply("HELLO").Kind, "without arguments nothing changes")
}

// Rule: K-6.1: later changes of default do not take authentication away.
func TestAuthenticationLasts(t *testing.T) {
	w := start(t)
	old, admin := w.dial(), w.dial()
	old.ask("PING", "+PONG\r\n")
	admin.ask("ACL SETUSER default resetpass >new", "+OK\r\n")
	old.ask("PING", "+PONG\r\n")
	w.dial().ask("PING", unauthorized)
	admin.ask("ACL SETUSER default -ping", "+OK\r\n")
	old.ask("PING", "-NOPERM User default has no permissions to run the 'ping' command\r\n")
}

// A session that an AUTH or HELLO begins while its user is deleted, or replaced
// by ACL LOAD, ends: no request runs for a user that is none. The moment between
// the right password and the user's end is made by hand.
//
// Rule: K-6.4.
func TestNoSessionOfADeletedUserLasts(t *testing.T) {
	path := filepath.Join(t.TempDir(), "users.acl")
	require.NoError(t, os.WriteFile(path, []byte("user bob on nopass +@all ~* &*\n"), 0o600))
	for _, tc := range []struct{ name, end string }{
		{"DELUSER", "ACL DELUSER bob"},
		{"DELUSER and SETUSER", "ACL DELUSER bob\r\nACL SETUSER bob on nopass +@all"},
		{"LOAD", "ACL LOAD"},
	} {
		for _, request := range []string{"PING", "ACL WHOAMI", "ROLE", "SUBSCRIBE a", "SENTINEL GET-MASTER-ADDR-BY-NAME mm", "ACL SETUSER default off"} {
			t.Run(tc.name+" "+request, func(t *testing.T) {
				w := start(t, func(o *Options) { o.ACLFile = path })
				u := w.dial()
				u.ask("PING", "+PONG\r\n")
				c, admin := w.only(), w.dial()
				admin.ask("ACL SETUSER bob on nopass +@all &*", "+OK\r\n")
				w.s.usersMu.RLock()
				bob := loginOf(w.s.o.Users.Authenticate([]byte("bob"), nil))
				w.s.usersMu.RUnlock()
				for _, line := range strings.Split(tc.end, "\r\n") {
					admin.reply(line)
				}
				c.user.Store(bob)
				u.send(request + "\r\n")
				u.closed()
				admin.ask("ACL WHOAMI", "$7\r\ndefault\r\n")
			})
		}
	}
}

// However AUTH, HELLO and what ends sessions meet: afterwards every session is
// that of a user that there is.
//
// Rule: K-6.4.
func TestAuthMeetsTheEndOfItsUser(t *testing.T) {
	path := filepath.Join(t.TempDir(), "users.acl")
	require.NoError(t, os.WriteFile(path, []byte("user bob on nopass +@all ~* &*\n"), 0o600))
	w := start(t, func(o *Options) { o.ACLFile = path })
	admin := w.dial()
	for i := range 300 {
		admin.reply("ACL SETUSER bob on nopass +@all")
		u := w.dial()
		u.ask("PING", "+PONG\r\n")
		u.send([]string{"AUTH bob x\r\n", "HELLO 3 AUTH bob x\r\n"}[i%2])
		admin.reply([]string{"ACL DELUSER bob", "ACL LOAD", "ACL DELUSER bob"}[i%3])
		admin.reply("PING")
		w.s.usersMu.Lock()
		for _, c := range w.s.orphans() {
			require.True(t, c.killed.Load())
		}
		w.s.usersMu.Unlock()
		u.conn.Close()
	}
}

// A subscription that is made while its channel is taken from the user does not
// last.
//
// Rule: K-6.4.
func TestNoSubscriptionBeyondTheUserLasts(t *testing.T) {
	for _, line := range []string{"SUBSCRIBE a", "PSUBSCRIBE a*"} {
		w := start(t)
		admin, u := w.dial(), w.dial()
		admin.ask("ACL SETUSER bob on nopass +@all", "+OK\r\n")
		u.ask("AUTH bob x", "+OK\r\n")
		eventually(t, func() bool { return w.s.connected() == 2 }, "not both")
		c := w.s.all()[1]
		eventually(t, c.reading.acquireForReactor, "it does not rest")
		args := bytes.Fields([]byte(line))
		cmd, err := w.s.o.Table.Lookup(args)
		require.NoError(t, err)
		subscribeCommand(c, cmd, args) // its permission was looked at before SETUSER
		c.reading.handOver()
		eventually(t, func() bool { return w.s.connected() == 1 }, "it is still there")
		channels, patterns := w.s.hub.sizes()
		require.Zero(t, channels+patterns)
	}
}

// Rule: K-6.4: who is closed when users change.
func TestUsersChange(t *testing.T) {
	w := start(t)
	admin := w.dial()
	admin.ask("ACL SETUSER bob on nopass +@all &*", "+OK\r\n")
	login := func(lines ...string) *user {
		u := w.dial()
		u.ask("AUTH bob x", "+OK\r\n")
		for _, line := range lines {
			u.reply(line)
		}
		return u
	}
	listening, patterned, quiet := login("SUBSCRIBE a"), login("PSUBSCRIBE a*"), login()
	admin.ask("ACL SETUSER bob resetchannels &a", "+OK\r\n")
	patterned.closed()
	listening.ask("PING", "*2\r\n$4\r\npong\r\n$0\r\n\r\n")
	admin.ask("ACL SETUSER bob off", "+OK\r\n")
	quiet.ask("PING", "+PONG\r\n")
	admin.ask("ACL SETUSER bob badrule", "-ERR Error in ACL SETUSER modifier 'badrule': Syntax error\r\n")
	admin.ask(`ACL SETUSER "a b"`, "-ERR Usernames can't contain spaces or null characters\r\n")
	admin.ask("ACL DELUSER default", "-ERR The 'default' user cannot be removed\r\n")
	admin.ask("ACL DELUSER bob nobody", ":1\r\n")
	listening.closed()
	quiet.closed()
	admin.ask("ACL SETUSER me on nopass +@all", "+OK\r\n")
	admin.ask("AUTH me x", "+OK\r\n")
	admin.send("ACL DELUSER me\r\nPING\r\n")
	admin.expect(":1\r\n")
	admin.closed()
}

// Rule: K-6.4.
func TestACLCommands(t *testing.T) {
	u := start(t).dial()
	u.ask("ACL SETUSER u on nopass +ping", "+OK\r\n")
	u.ask("ACL DRYRUN u ping", "+OK\r\n")
	u.ask("ACL DRYRUN u role", bulkText("User u has no permissions to run the 'role' command"))
	u.ask("ACL DRYRUN nobody ping", "-ERR User 'nobody' not found\r\n")
	u.ask("ACL DRYRUN u get", "-ERR Command 'get' not found\r\n")
	u.ask("ACL DRYRUN u role x", "-ERR wrong number of arguments for 'role' command\r\n")
	u.ask("ACL CAT nosuch", "-ERR Unknown category 'nosuch'\r\n")
	require.Len(t, u.reply("ACL CAT").Elems, 21)
	pubsub := u.reply("ACL CAT PubSub")
	require.Len(t, pubsub.Elems, 5)
	require.Len(t, u.bulk("ACL GENPASS"), 64)
	require.Len(t, u.bulk("ACL GENPASS 5"), 2)
	require.NotEqual(t, u.bulk("ACL GENPASS"), u.bulk("ACL GENPASS"))
	u.ask("ACL GENPASS x", "-ERR value is not an integer or out of range\r\n")
	for _, bits := range []string{"0", "4097", "-1"} {
		u.ask("ACL GENPASS "+bits, "-ERR ACL GENPASS argument must be the number of bits for the output password, a positive number up to 4096\r\n")
	}
	for _, line := range []string{"ACL SAVE", "ACL LOAD"} {
		require.Contains(t, u.reply(line).Str, "ERR This Redis instance is not configured to use an ACL file.")
	}
	help := u.reply("ACL HELP")
	require.Len(t, help.Elems, 29)
	require.Len(t, u.reply("sentinel help").Elems, 49)
	require.Len(t, u.reply("CLIENT HELP").Elems, 54)
	require.Len(t, u.reply("COMMAND HELP").Elems, 21)
}

// Rule: K-6.4: users in a file of their own.
func TestACLFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "users.acl")
	w := start(t, func(o *Options) { o.ACLFile = path })
	require.Nil(t, w.s.UserLines())
	u := w.dial()
	require.Equal(t, "ERR Error loading ACLs, opening file '"+path+"': No such file or directory", u.reply("ACL LOAD").Str)
	u.ask("ACL SETUSER bob on nopass +@all &*", "+OK\r\n")
	require.NoError(t, os.WriteFile(path, nil, 0o640))
	u.ask("ACL SAVE", "+OK\r\n")
	text, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, "user bob on nopass &* +@all\nuser default on nopass ~* &* +@all\n", string(text))
	info, err := os.Stat(path)
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o640), info.Mode())
	names, err := os.ReadDir(filepath.Dir(path))
	require.NoError(t, err)
	require.Len(t, names, 1, "nothing is left beside it")

	bob := w.dial()
	bob.ask("AUTH bob x", "+OK\r\n")
	require.NoError(t, os.WriteFile(path, []byte("user default on nopass ~* &* +@all -role\nnonsense\n"), 0o640))
	require.True(t, strings.HasSuffix(u.reply("ACL LOAD").Str, "WARNING: ACL errors detected, no change to the previously active ACL rules was performed"))
	bob.ask("PING", "+PONG\r\n")
	require.NoError(t, os.WriteFile(path, []byte("user default on nopass ~* &* +@all -role\n"), 0o640))
	u.ask("ACL LOAD", "+OK\r\n")
	bob.closed()
	u.ask("ROLE", "-NOPERM User default has no permissions to run the 'role' command\r\n")
}

// Rule: C-95, users without a file go into sentinel.conf.
func TestUserLines(t *testing.T) {
	w := start(t)
	w.dial().ask("ACL SETUSER bob on nopass +ping", "+OK\r\n")
	require.Equal(t, []string{"user bob on nopass resetchannels -@all +ping", "user default on nopass ~* &* +@all"}, w.s.UserLines())
}
