package conf

import (
	"errors"
	"io/fs"
	"slices"
	"strings"
)

// What a state file says of a master of the main file that is watched no more,
// and of an option of such a master that is unset: comments to others, so that
// the rest loads anywhere.
const (
	ownRemoved = "removed" // #gosentinel removed <master>
	ownUnset   = "unset"   // #gosentinel unset <master> <option>
)

// optional are the options of a master that no line can say to be unset.
// Renamed commands and instances need none: a `monitor` line of the state file
// drops those of the main file.
var optional = []struct {
	name  string
	isSet func(*Master) bool
	unset func(*Master)
}{
	{"auth-pass", func(m *Master) bool { return m.AuthPass != nil }, func(m *Master) { m.AuthPass = nil }},
	{"auth-user", func(m *Master) bool { return m.AuthUser != nil }, func(m *Master) { m.AuthUser = nil }},
	{"notification-script", func(m *Master) bool { return m.NotificationScript != "" }, func(m *Master) { m.NotificationScript = "" }},
	{"client-reconfig-script", func(m *Master) bool { return m.ClientReconfigScript != "" }, func(m *Master) { m.ClientReconfigScript = "" }},
}

// stateFile reads the file that `sentinel state-config-file` names, if it
// exists, and applies its `sentinel` lines over those of the main file.
// Nothing else but comments may be in it. State.StateFile becomes absolute.
//
// Rule: R-23.
func (l *loader) stateFile() error {
	name := l.cfg.State.StateFile
	if name == "" {
		return nil
	}
	if !strings.HasPrefix(name, "/") {
		name = strings.TrimSuffix(l.host.Getwd(), "/") + "/" + name
	}
	l.cfg.State.StateFile = name
	l.cfg.State.Main = mainMasters(l.cfg.State.Masters)
	text, err := l.host.ReadState(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return &OpenError{name, err}
	}
	n := 0
	for raw := range strings.SplitSeq(string(text), "\n") {
		n++
		stripped := strings.Trim(raw, blanks)
		if message := l.stateLine(n, stripped); message != "" {
			return &FatalError{n, stripped, message}
		}
	}
	return l.applySentinel(true)
}

func (l *loader) stateLine(n int, stripped string) string {
	if words, ok := takesBack(stripped); ok {
		return l.takeBack(words)
	}
	if stripped != "" && stripped[0] != '#' {
		words, ok := splitWords(stripped)
		if ok && len(words) > 0 && lower(words[0]) != "sentinel" {
			return msgBadDirective
		}
	}
	message, _ := l.line(n, stripped) // only an include fails otherwise
	return message
}

// mainMasters notes what there is to take back.
func mainMasters(masters []*Master) []MainMaster {
	list := make([]MainMaster, 0, len(masters))
	for _, m := range masters {
		mm := MainMaster{Name: m.Name}
		for _, o := range optional {
			if o.isSet(m) {
				mm.Sets = append(mm.Sets, o.name)
			}
		}
		list = append(list, mm)
	}
	return list
}

// takesBack gives the words of a line that takes back what the main file says.
func takesBack(stripped string) (words []string, ok bool) {
	if !isOwn(stripped) {
		return nil, false
	}
	words, ok = splitWords(stripped[len(ownPrefix):])
	if !ok || len(words) == 0 {
		return nil, false
	}
	words[0] = lower(words[0])
	return words, words[0] == ownRemoved || words[0] == ownUnset
}

// takeBack applies such a line. A master that the main file has no more is no
// error.
//
// Rule: R-23.
func (l *loader) takeBack(words []string) string {
	if words[0] == ownRemoved && len(words) != 2 || words[0] == ownUnset && len(words) != 3 {
		return msgArgCount
	}
	m := l.masters[words[1]]
	if words[0] == ownRemoved {
		if m != nil {
			delete(l.masters, m.Name)
			l.cfg.State.Masters = slices.DeleteFunc(l.cfg.State.Masters, func(x *Master) bool { return x == m.Master })
		}
		return ""
	}
	for _, o := range optional {
		if o.name == lower(words[2]) {
			if m != nil {
				o.unset(m.Master)
			}
			return ""
		}
	}
	return msgUnrecognized
}

// takenBack places the lines that take back what the main file says.
//
// Rule: R-23.
func (r *rewriter) takenBack(s *State) {
	removed, unset := slotKey{ownPrefix, ownRemoved}, slotKey{ownPrefix, ownUnset}
	r.done(removed)
	r.done(unset)
	for _, mm := range s.Main {
		k := slices.IndexFunc(s.Masters, func(m *Master) bool { return m.Name == mm.Name })
		if k < 0 {
			r.place(removed, ownPrefix+" "+ownRemoved+" "+mm.Name, true)
			continue
		}
		for _, o := range optional {
			if slices.Contains(mm.Sets, o.name) && !o.isSet(s.Masters[k]) {
				r.place(unset, ownPrefix+" "+ownUnset+" "+mm.Name+" "+o.name, true)
			}
		}
	}
}
