package acl

import (
	"errors"
	"fmt"
	"strings"
)

// maxProblemBytes bounds the text of what is wrong with an ACL file; what
// comes after it is not told.
const maxProblemBytes = 64 << 10

// Load replaces all users by those of an ACL file; path is only for errors. On
// an error, whose text is that of ACL LOAD without `ERR `, nothing changes.
// After a success all sessions of users other than `default` must be closed.
//
// Rule: K-6.4, C-83.
func (us *Users) Load(path string, text []byte) error {
	var users []*User
	var problems strings.Builder
	seen := make(map[string]bool)
	number := 0
	for line := range strings.SplitSeq(string(text), "\n") {
		number++
		line = strings.Trim(line, " \t\r\n")
		if line == "" || problems.Len() > maxProblemBytes {
			continue
		}
		at := fmt.Sprintf("%s:%d", path, number)
		words := strings.Split(line, " ")
		switch {
		case words[0] != "user" || len(words) < 2:
			problems.WriteString(at + " should start with user keyword followed by the username. ")
		case hasBlank(words[1]):
			fmt.Fprintf(&problems, "'%s: username '%s' contains invalid characters. ", at, words[1])
		case seen[words[1]]:
			fmt.Fprintf(&problems, "WARNING: Duplicate user '%s' found on line %d. ", words[1], number)
		default:
			seen[words[1]] = true
			u, wrong := us.parse(at, words[1], words[2:])
			problems.WriteString(wrong)
			users = append(users, u)
		}
	}
	if problems.Len() > 0 {
		return errors.New(problems.String() + "WARNING: ACL errors detected, no change to the previously active ACL rules was performed")
	}
	us.replace(users)
	return nil
}

// parse makes a user of one line and tells what is wrong with it: every rule
// that names something unknown, and the first that is bad otherwise.
func (us *Users) parse(at, name string, rules []string) (u *User, problems string) {
	u = newUser(name, us.allChannels)
	for i := range rules {
		rules[i] = strings.Trim(rules[i], "\t\r\n")
	}
	merged, err := mergeSelectors(rules)
	if err != nil {
		return u, at + ": " + err.Error() + " "
	}
	told := false
	for _, rule := range merged {
		err := u.apply(us.table, rule, us.allChannels)
		switch {
		case err == ErrUnknown:
			problems += fmt.Sprintf("%s: Error in applying operation '%s': %v. ", at, rule, err)
		case err != nil && !told:
			problems += fmt.Sprintf("%s: %v. ", at, err)
			told = true
		}
		if len(problems) > maxProblemBytes {
			break
		}
	}
	return u, problems
}
