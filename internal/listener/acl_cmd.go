package listener

import (
	"crypto/rand"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"syscall"
	"time"

	"gosentinel/internal/acl"
	"gosentinel/internal/command"
	"gosentinel/internal/resp"
)

// aclLogLines is how many entries ACL LOG gives unasked.
const aclLogLines = 10

// aclHandlers are the subcommands of ACL.
//
// Rule: K-6.4.
func aclHandlers() map[string]handler {
	return map[string]handler{
		"acl|whoami":  func(c *client, _ *command.Command, _ [][]byte) { c.say(resp.Str(c.user.Load().name)) },
		"acl|users":   aclUsers,
		"acl|list":    aclList,
		"acl|getuser": aclGetUser,
		"acl|cat":     aclCat,
		"acl|genpass": aclGenPass,
		"acl|setuser": aclSetUser,
		"acl|deluser": aclDelUser,
		"acl|dryrun":  aclDryRun,
		"acl|log":     aclLogCommand,
		"acl|save":    aclSave,
		"acl|load":    aclLoad,
	}
}

func strs(list []string) resp.Value {
	elems := make([]resp.Value, len(list))
	for i, s := range list {
		elems[i] = resp.Str(s)
	}
	return resp.Value{Kind: resp.Array, Elems: elems}
}

func aclUsers(c *client, _ *command.Command, _ [][]byte) {
	c.s.usersMu.RLock()
	v := strs(c.s.o.Users.Names())
	c.s.usersMu.RUnlock()
	c.say(v)
}

func aclList(c *client, _ *command.Command, _ [][]byte) {
	c.s.usersMu.RLock()
	users := c.s.o.Users.Snapshot()
	c.s.usersMu.RUnlock()
	p := c.long(0)
	defer p.end()
	p.open(resp.Array, len(users))
	for i := range users {
		if line := resp.Str(users[i].Line()); !p.add(&line) {
			return
		}
	}
}

func aclGetUser(c *client, _ *command.Command, args [][]byte) {
	c.s.usersMu.RLock()
	user := c.s.o.Users.User(string(args[2]))
	var info acl.Info
	if user != nil {
		info = user.Info()
	}
	c.s.usersMu.RUnlock()
	if user == nil {
		c.say(resp.Value{})
		return
	}
	flags := strs(info.Flags)
	flags.Kind = resp.Set
	selectors := resp.List()
	for _, sel := range info.Selectors {
		selectors.Elems = append(selectors.Elems, resp.Pairs(
			resp.Str("commands"), resp.Str(sel.Commands), resp.Str("keys"), resp.Str(sel.Keys), resp.Str("channels"), resp.Str(sel.Channels)))
	}
	c.say(resp.Pairs(
		resp.Str("flags"), flags,
		resp.Str("passwords"), strs(info.Passwords),
		resp.Str("commands"), resp.Str(info.Commands),
		resp.Str("keys"), resp.Str(info.Keys),
		resp.Str("channels"), resp.Str(info.Channels),
		resp.Str("selectors"), selectors,
	))
}

func aclCat(c *client, _ *command.Command, args [][]byte) {
	switch len(args) {
	case 2:
		c.say(strs(command.CategoryNames()))
	case 3:
		cat, ok := command.ParseCategory(string(args[2]))
		if !ok {
			c.say(resp.Err("ERR Unknown category '" + string(args[2]) + "'"))
			return
		}
		var names []string
		for _, cmd := range c.s.o.Table.All() {
			if cmd.Categories&cat != 0 {
				names = append(names, cmd.FullName)
			}
		}
		c.say(strs(names))
	default:
		c.say(resp.Err(command.WrongShapeText(args)))
	}
}

func aclGenPass(c *client, _ *command.Command, args [][]byte) {
	bits := int64(acl.DefaultGenPassBits)
	if len(args) > 3 {
		c.say(resp.Err(command.WrongShapeText(args)))
		return
	}
	if len(args) == 3 {
		var ok bool
		if bits, ok = resp.ParseInt(args[2]); !ok {
			c.say(notInteger())
			return
		}
		if bits < 1 || bits > acl.MaxGenPassBits {
			c.say(resp.Err(acl.GenPassRangeText))
			return
		}
	}
	random := make([]byte, acl.GenPassBytes(int(bits)))
	_, _ = rand.Read(random) // never fails
	c.say(resp.Str(acl.GenPass(int(bits), random)))
}

func aclSetUser(c *client, _ *command.Command, args [][]byte) {
	rules := make([]string, 0, len(args)-3)
	for _, a := range args[3:] {
		rules = append(rules, string(a))
	}
	c.s.usersMu.Lock()
	change, err := c.s.o.Users.SetUser(string(args[2]), rules)
	var barred []*client
	if err == nil {
		c.s.usersChanged()
		if !change.Created {
			barred = c.s.listeningBeyond(change.User)
		}
	}
	c.s.usersMu.Unlock()
	if err != nil {
		c.say(resp.Err("ERR " + err.Error()))
		return
	}
	for _, other := range barred {
		c.end(other)
	}
	c.say(resp.OK)
}

// orphans lists the clients whose user is no longer one. The caller holds
// usersMu.
//
// Rule: K-6.4.
func (s *Server) orphans() []*client {
	return slices.DeleteFunc(s.all(), func(c *client) bool { return !c.user.Load().gone(s.o.Users) })
}

// gone tells whether the user has been deleted, or replaced by another of its
// name. The caller holds usersMu.
func (l *login) gone(users *acl.Users) bool { return users.User(l.name) != l.User }

// listeningBeyond lists the user's clients that hold subscriptions that it may
// not have (any more). The caller holds usersMu.
func (s *Server) listeningBeyond(user *acl.User) []*client {
	var list []*client
	for _, c := range s.all() {
		if c.user.Load().User != user {
			continue
		}
		var channels, patterns []string
		c.mu.Lock()
		for name := range c.subs.channels {
			channels = append(channels, name)
		}
		for name := range c.subs.patterns {
			patterns = append(patterns, name)
		}
		c.mu.Unlock()
		if !user.MayListen(channels, patterns) {
			list = append(list, c)
		}
	}
	return list
}

func aclDelUser(c *client, _ *command.Command, args [][]byte) {
	names := make([]string, 0, len(args)-2)
	for _, a := range args[2:] {
		names = append(names, string(a))
	}
	c.s.usersMu.Lock()
	gone, err := c.s.o.Users.DelUser(names)
	var orphans []*client
	if err == nil && len(gone) > 0 {
		c.s.usersChanged()
		orphans = c.s.orphans()
	}
	c.s.usersMu.Unlock()
	if err != nil {
		c.say(resp.Err("ERR " + err.Error()))
		return
	}
	for _, other := range orphans {
		c.end(other)
	}
	c.say(resp.Int(int64(len(gone))))
}

func aclDryRun(c *client, _ *command.Command, args [][]byte) {
	c.s.usersMu.RLock()
	denied, err := c.s.o.Users.DryRun(string(args[2]), args[3:])
	c.s.usersMu.RUnlock()
	switch {
	case err != nil:
		c.say(resp.Err("ERR " + err.Error()))
	case denied != "":
		c.say(resp.Str(denied))
	default:
		c.say(resp.OK)
	}
}

func aclLogCommand(c *client, _ *command.Command, args [][]byte) {
	limit := int64(aclLogLines)
	switch {
	case len(args) > 3:
		c.say(resp.Err(command.WrongShapeText(args)))
		return
	case len(args) == 3 && is(args[2], "reset"):
		c.s.usersMu.Lock()
		c.s.aclLog.Reset()
		c.s.usersMu.Unlock()
		c.say(resp.OK)
		return
	case len(args) == 3:
		var ok bool
		if limit, ok = resp.ParseInt(args[2]); !ok {
			c.say(notInteger())
			return
		}
	}
	c.s.usersMu.RLock()
	entries := c.s.aclLog.Entries(max(limit, 0))
	c.s.usersMu.RUnlock()
	now := time.Now().UnixMilli()
	p := c.long(0)
	defer p.end()
	p.open(resp.Array, len(entries))
	for i := range entries {
		e := &entries[i]
		entry := resp.Pairs(
			resp.Str("count"), resp.Int(e.Count),
			resp.Str("reason"), resp.Str(string(e.Reason)),
			resp.Str("context"), resp.Str(e.Context),
			resp.Str("object"), resp.Str(e.Object),
			resp.Str("username"), resp.Str(e.User),
			resp.Str("age-seconds"), resp.Value{Kind: resp.Double, Float: e.AgeSeconds(now)},
			resp.Str("client-info"), resp.Str(e.ClientInfo),
			resp.Str("entry-id"), resp.Int(int64(e.ID)),
			resp.Str("timestamp-created"), resp.Int(e.CreatedMS),
			resp.Str("timestamp-last-updated"), resp.Int(e.UpdatedMS),
		)
		if !p.add(&entry) {
			return
		}
	}
}

func aclSave(c *client, _ *command.Command, _ [][]byte) {
	if c.s.o.ACLFile == "" {
		c.say(resp.Err(acl.NoFileText))
		return
	}
	var text []byte
	c.s.usersMu.RLock()
	for _, line := range c.s.o.Users.Lines() {
		text = append(append(text, line...), '\n')
	}
	c.s.usersMu.RUnlock()
	if err := writeFile(c.s.o.ACLFile, text); err != nil {
		c.s.log.Warn("Writing the ACL file: " + err.Error())
		c.say(resp.Err("ERR There was an error trying to save the ACLs. Please check the server logs for more information"))
		return
	}
	c.say(resp.OK)
}

// writeFile replaces a file so that it is the old or the new one, whatever
// happens.
func writeFile(path string, text []byte) error {
	f, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".tmp-")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name())
	if info, err := os.Stat(path); err == nil {
		_ = f.Chmod(info.Mode().Perm())
	}
	_, err = f.Write(text)
	err = errors.Join(err, f.Sync(), f.Close())
	if err != nil {
		return err
	}
	if err := os.Rename(f.Name(), path); err != nil {
		return err
	}
	if dir, err := os.Open(filepath.Dir(path)); err == nil {
		_ = dir.Sync()
		dir.Close()
	}
	return nil
}

func aclLoad(c *client, _ *command.Command, _ [][]byte) {
	path := c.s.o.ACLFile
	if path == "" {
		c.say(resp.Err(acl.NoFileText))
		return
	}
	text, err := os.ReadFile(path)
	if err != nil {
		reason := err.Error()
		var errno syscall.Errno
		if errors.As(err, &errno) {
			reason = errnoText(errno)
		}
		c.say(resp.Err("ERR " + acl.OpenText(path, reason)))
		return
	}
	var orphans []*client
	c.s.usersMu.Lock()
	if err = c.s.o.Users.Load(path, text); err == nil {
		c.s.usersChanged()
		orphans = c.s.orphans() // all but those of `default`
	}
	c.s.usersMu.Unlock()
	if err != nil {
		c.say(resp.Err("ERR " + err.Error()))
		return
	}
	c.say(resp.OK)
	for _, other := range orphans {
		c.end(other)
	}
}
