package daemon

import (
	"errors"
	"log/slog"
	"os"

	"gosentinel/conf"
	"gosentinel/internal/acl"
	"gosentinel/internal/command"
)

// commandTable is the commands under the names that rename-command gives them.
// Whether they can have them was checked when the lines were read.
//
// Rule: C-84.
func commandTable(renames []conf.Rename) (*command.Table, error) {
	table := command.NewTable()
	for _, r := range renames {
		if err := table.Rename(r.Old, r.New); err != nil {
			return nil, abort{"rename-command " + r.Old + ": " + err.Error()}
		}
	}
	return table, nil
}

// loadUsers makes the users of the configuration: requirepass, then the
// `user` lines or the ACL file at path aclFile. An error is an abort.
//
// Rule: C-80, C-82, C-83.
func loadUsers(cfg *conf.Config, aclFile string, table *command.Table, log *slog.Logger) (*acl.Users, error) {
	users := acl.New(table, cfg.Settings.ACLPubSubAll)
	if password := cfg.Settings.RequirePass.Reveal(); password != "" {
		users.SetRequirePass(password)
	}
	if aclFile != "" && cfg.Users.Len() > 0 {
		return nil, abort{acl.ConflictText}
	}
	if aclFile != "" {
		return users, loadUserFile(users, cfg.Settings.ACLFile, aclFile)
	}
	notices, err := users.Apply(cfg.Users)
	for _, line := range notices {
		log.Info(line)
	}
	if err != nil {
		return nil, abortOf(err)
	}
	return users, nil
}

// loadUserFile reads the ACL file at path; shown is its name for errors.
func loadUserFile(users *acl.Users, shown, path string) error {
	text, err := os.ReadFile(path)
	if err != nil {
		return abort{acl.AbortText(acl.OpenText(shown, errnoText(err)))}
	}
	if err := users.Load(shown, text); err != nil {
		return abort{acl.AbortText(err.Error())}
	}
	return nil
}

// abortOf ends the start with the log lines of an error of the users.
func abortOf(err error) error {
	var lines *acl.LoadError
	if errors.As(err, &lines) {
		return abort(lines.Lines)
	}
	return abort{err.Error()}
}
