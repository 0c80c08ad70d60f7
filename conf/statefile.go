package conf

import (
	"errors"
	"io/fs"
	"strings"
)

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
	text, err := l.host.ReadFile(name)
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
	if stripped != "" && stripped[0] != '#' {
		words, ok := splitWords(stripped)
		if ok && len(words) > 0 && lower(words[0]) != "sentinel" {
			return msgBadDirective
		}
	}
	message, _ := l.line(n, stripped) // only an include fails otherwise
	return message
}
