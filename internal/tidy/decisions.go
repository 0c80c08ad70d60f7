package tidy

import (
	"fmt"
	"path"
	"regexp"
	"strings"
)

const (
	decisionFolder   = "docs/adr/"
	dependenciesPage = decisionFolder + "0001-dependencies.md"
)

var (
	decisionForm = regexp.MustCompile(`(?s)^# (\d{4}) [^\n]+\n\nStatus: [^\n]+\n.*\n## Context\n.*\n## Decision\n.*\n## Consequences\n`)
	required     = regexp.MustCompile(`(?m)^\t(?:[\w.]+/)?(\S+) v\S+$`) // without the host, where the path has more
	majorVersion = regexp.MustCompile(`/v\d+$`)
)

// Decisions gives the pages of decisions that have not the form of all, and the
// modules that go.mod requires for ours and that the page of dependencies does
// not name.
//
// Rule: S2.12.
func (t *Tree) Decisions() (found []string, err error) {
	for _, p := range t.Paths {
		if !strings.HasPrefix(p, decisionFolder) {
			continue
		}
		text, err := t.read(p)
		if err != nil {
			return nil, err
		}
		m := decisionForm.FindStringSubmatch(text)
		if m == nil {
			found = append(found, p+": not title, status, context, decision, consequences")
		} else if !strings.HasPrefix(path.Base(p), m[1]+"-") {
			found = append(found, p+": its title has another number")
		}
	}
	mod, err := t.read("go.mod")
	if err != nil {
		return nil, err
	}
	page, err := t.read(dependenciesPage)
	if err != nil {
		return nil, err
	}
	for _, m := range required.FindAllStringSubmatch(mod, -1) {
		if name := majorVersion.ReplaceAllString(m[1], ""); !strings.Contains(page, name) {
			found = append(found, fmt.Sprintf("%s: it does not name %s", dependenciesPage, name))
		}
	}
	return found, nil
}
