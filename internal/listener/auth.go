package listener

import (
	"bytes"
	"time"

	"gosentinel/internal/acl"
	"gosentinel/internal/command"
	"gosentinel/internal/resp"
)

// Error texts of AUTH and HELLO.
//
// Rule: K-6.2, K-6.3.
const (
	wrongPassText  = "WRONGPASS invalid username-password pair or user is disabled."
	noPassText     = "ERR AUTH <password> called without any password configured for the default user. Are you sure your configuration is correct?"
	badNameText    = "ERR Client names cannot contain spaces, newlines or special characters."
	badVersionText = "ERR Protocol version is not an integer or out of range"
	noProtoText    = "NOPROTO unsupported protocol version"
	helloAuthText  = "NOAUTH HELLO must be called with the client already authenticated, otherwise the HELLO <proto> AUTH <user> <pass> option " +
		"can be used to authenticate the client and select the RESP protocol version at the same time"
)

// login is the user that a client is. The name is kept apart since reading it
// in the User needs Server.usersMu.
type login struct {
	*acl.User
	name string
}

// loginOf makes a login; the caller holds usersMu, or is alone.
func loginOf(user *acl.User) *login { return &login{User: user, name: user.Name()} }

// authCommand answers AUTH.
//
// Rule: K-6.2.
func authCommand(c *client, _ *command.Command, args [][]byte) {
	user := []byte(acl.DefaultUser)
	switch {
	case len(args) > 3:
		c.say(syntaxError())
		return
	case len(args) == 2 && c.s.nopass.Load():
		c.say(resp.Err(noPassText))
		return
	case len(args) == 3:
		user = args[1]
	}
	if !c.authenticate(user, args[len(args)-1], string(args[0])) {
		c.say(resp.Err(wrongPassText))
		return
	}
	c.say(resp.OK)
}

// authenticate makes the client the user of that name, if the password is
// right; if not, it stays who it is and the attempt is logged. It is one step for
// whoever changes users: who ends the sessions of a user finds this one, or the
// user is not found here.
//
// Rule: K-6.4.
func (c *client) authenticate(name, password []byte, object string) bool {
	c.s.usersMu.RLock()
	user := c.s.o.Users.Authenticate(name, password)
	if user != nil {
		c.user.Store(loginOf(user))
		c.authenticated.Store(true)
	}
	c.s.usersMu.RUnlock()
	if user == nil {
		c.s.stats.deniedAuth.Add(1)
		line := c.logLine()
		c.s.usersMu.Lock()
		c.s.aclLog.Add(time.Now().UnixMilli(), acl.ReasonAuth, object, string(name), line)
		c.s.usersMu.Unlock()
		return false
	}
	return true
}

// helloCommand answers HELLO: all options are read first, then applied.
//
// Rule: K-6.3.
func helloCommand(c *client, _ *command.Command, args [][]byte) {
	proto := c.info.proto
	if len(args) > 1 {
		n, ok := resp.ParseInt(args[1])
		switch {
		case !ok:
			c.say(resp.Err(badVersionText))
			return
		case n != 2 && n != 3:
			c.say(resp.Err(noProtoText))
			return
		}
		proto = int(n)
	}
	var login [][]byte
	var name []byte
	var named bool
	for i := 2; i < len(args); i++ {
		switch more := len(args) - 1 - i; {
		case is(args[i], "auth") && more >= 2:
			login = args[i+1 : i+3]
			i += 2
		case is(args[i], "setname") && more >= 1:
			name, named = args[i+1], true
			if text := badName(name); text != "" {
				c.say(resp.Err(text))
				return
			}
			i++
		default:
			c.say(resp.Err("ERR Syntax error in HELLO option '" + string(args[i]) + "'"))
			return
		}
	}
	if login != nil && !c.authenticate(login[0], login[1], string(args[0])) {
		c.say(resp.Err(wrongPassText))
		return
	}
	if !c.mayTalk() {
		c.say(resp.Err(helloAuthText))
		return
	}
	c.mu.Lock()
	if named {
		c.info.name = string(name)
	}
	c.info.proto = proto
	c.mu.Unlock()
	c.say(resp.Pairs(
		resp.Str("server"), resp.Str("redis"),
		resp.Str("version"), resp.Str(c.s.o.Facts.RedisVersion),
		resp.Str("proto"), resp.Int(int64(proto)),
		resp.Str("id"), resp.Int(int64(c.id)),
		resp.Str("mode"), resp.Str("sentinel"),
		resp.Str("modules"), resp.List(),
	))
}

// maxName bounds in bytes what a connection calls itself or its library, which
// CLIENT LIST shows to whoever asks. The original has no such limit.
const maxName = 1 << 10

const longNameText = "ERR Client names are at most 1024 bytes long."

// badName is the error of a name that a connection may not have, "" of others.
func badName(name []byte) string {
	switch {
	case !printable(name):
		return badNameText
	case len(name) > maxName:
		return longNameText
	}
	return ""
}

// printable tells whether all bytes are `!` to `~`, as names must be.
func printable(b []byte) bool {
	return bytes.IndexFunc(b, func(r rune) bool { return r < '!' || r > '~' }) < 0
}
