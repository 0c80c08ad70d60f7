package tidy

import (
	"fmt"
	"go/ast"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

const (
	lawFolder    = "docs/spec/"
	untestedPage = "docs/rules-without-tests.md"
)

var (
	boldRule    = regexp.MustCompile(`\*\*([A-Z]{1,2}-\d+[a-z]?)\b`)
	rowRule     = regexp.MustCompile(`^\|\s*\**([A-Z]{1,2}-\d+[a-z]?)\b`)
	commandRule = regexp.MustCompile(`^#{2,4} (\d+(?:\.\d+)?)\.? `)
	citation    = regexp.MustCompile(`\b([BCEKRWSIL]-\d+)(\.\d+)?[a-z]?\b`)
	span        = regexp.MustCompile(`\b([BCEKRWSIL])-(\d+)\s*(?:\.\.|–|to)\s*(?:[A-Z]-)?(\d+)\b`)
	pageLink    = regexp.MustCompile(`(?m)\]\(([^)\s]+)\)|^\[[^\]\n]+\]:\s+(\S+)`)
	headingLine = regexp.MustCompile(`(?m)^#{1,6} (.+)$`)
)

// law is the numbers that the pages of the law define.
//
// A rule is a bold number, or one that begins a row of a table; the numbered
// headings of commands.md are the rules K-1.1, K-2.3 and so on.
func (t *Tree) law() (map[string]bool, error) {
	defined := map[string]bool{}
	for _, p := range t.Paths {
		if !strings.HasPrefix(p, lawFolder) || !strings.HasSuffix(p, ".md") {
			continue
		}
		text, err := t.read(p)
		if err != nil {
			return nil, err
		}
		for line := range strings.Lines(text) {
			for _, m := range boldRule.FindAllStringSubmatch(line, -1) {
				defined[m[1]] = true
			}
			if m := rowRule.FindStringSubmatch(line); m != nil {
				defined[m[1]] = true
			}
			if m := commandRule.FindStringSubmatch(line); m != nil && path.Base(p) == "commands.md" {
				defined["K-"+m[1]] = true
			}
		}
	}
	return defined, nil
}

func (t *Tree) read(p string) (string, error) {
	text, err := os.ReadFile(filepath.Join(t.Root, filepath.FromSlash(p)))
	return string(text), err
}

// cites reports whether rule numbers in a file are citations, and whether they
// are those of a test.
func cites(p string) (any, test bool) {
	test = strings.HasSuffix(p, "_test.go") || strings.Contains(p, "testdata/") && strings.HasSuffix(p, ".txt")
	return test || strings.HasSuffix(p, ".go") || strings.HasSuffix(p, ".md"), test
}

// between are the rules that a text cites as a range, `E-10 to E-37`: numbers in
// it need not all exist.
func between(text string) (rules []string) {
	for _, m := range span.FindAllStringSubmatch(text, -1) {
		var from, to int
		fmt.Sscan(m[2], &from)
		fmt.Sscan(m[3], &to)
		for k := from; k <= min(to, from+60); k++ {
			rules = append(rules, fmt.Sprintf("%s-%d", m[1], k))
		}
	}
	return rules
}

// inLaw reports whether a citation, which may name a part of a rule such as
// E-20.7 or B-430b, is of a rule that is defined.
func inLaw(defined map[string]bool, rule string) bool {
	whole := citation.FindStringSubmatch(rule)
	return defined[rule] || defined[strings.TrimRight(rule, "abcdefghijklmnopqrstuvwxyz")] || whole != nil && defined[whole[1]]
}

// Law gives the rules that are cited and defined nowhere, and those that are
// defined and neither cited by a test nor explained on the page of those
// without one.
func (t *Tree) Law() (found []string, err error) {
	defined, err := t.law()
	if err != nil {
		return nil, err
	}
	tested := map[string]bool{}
	for _, p := range t.Paths {
		cited, test := cites(p)
		if !cited {
			continue
		}
		text, err := t.read(p)
		if err != nil {
			return nil, err
		}
		counts := test || p == untestedPage
		for _, rule := range citation.FindAllString(text, -1) {
			if line := p + ": no page defines " + rule; !inLaw(defined, rule) && !slices.Contains(found, line) {
				found = append(found, line)
			}
			if counts {
				tested[rule], tested[strings.TrimRight(rule, "abcdefghijklmnopqrstuvwxyz")] = true, true
			}
		}
		for _, rule := range between(text) {
			tested[rule] = tested[rule] || counts
		}
	}
	for rule := range defined {
		if !tested[rule] {
			found = append(found, rule+": no test cites it, and "+untestedPage+" does not say why")
		}
	}
	slices.Sort(found)
	return found, nil
}

// Links gives the links of pages that lead to no file, or to no heading.
func (t *Tree) Links() (found []string, err error) {
	for _, p := range t.Paths {
		if !strings.HasSuffix(p, ".md") {
			continue
		}
		text, err := t.read(p)
		if err != nil {
			return nil, err
		}
		for _, m := range pageLink.FindAllStringSubmatch(fenced.ReplaceAllString(text, ""), -1) {
			link := m[1] + m[2]
			if strings.Contains(link, "://") || strings.HasPrefix(link, "mailto:") {
				continue
			}
			to, anchor, _ := strings.Cut(link, "#")
			target := path.Join(path.Dir(p), to)
			if to == "" {
				target = p
			}
			if _, err := os.Stat(filepath.Join(t.Root, filepath.FromSlash(target))); err != nil {
				found = append(found, fmt.Sprintf("%s: no such file: %s", p, link))
				continue
			}
			if anchor == "" {
				continue
			}
			page, err := t.read(target)
			if err != nil {
				return nil, err
			}
			if !slices.Contains(anchors(page), anchor) {
				found = append(found, fmt.Sprintf("%s: no such heading: %s", p, link))
			}
		}
	}
	return found, nil
}

// anchors are the names by which the headings of a page can be linked to. Of
// headings that are the same the second ends in -1, and so on.
func anchors(page string) (names []string) {
	times := map[string]int{}
	for _, m := range headingLine.FindAllStringSubmatch(fenced.ReplaceAllString(page, ""), -1) {
		name := strings.Map(func(r rune) rune {
			switch {
			case r == ' ':
				return '-'
			case r == '-' || r == '_' || r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r > 127:
				return r
			}
			return -1
		}, strings.ToLower(m[1]))
		if times[name]++; times[name] > 1 {
			name = fmt.Sprintf("%s-%d", name, times[name]-1)
		}
		names = append(names, name)
	}
	return names
}

// banned are names that a reader would have to learn, and those of the field
// that stand in their place.
var banned = map[string]string{
	"deafTo": "voteReplyGate", "recant": "withdrawUnwrittenVotes", "christen": "bindName", "unname": "unbindName",
	"notePedigree": "snapshotReplIDs", "carriedOn": "promotedByDeadLeader", "takeAlong": "sendAhead",
	"horizon": "sendAheadUntil", "bornAt": "discoverySince", "amnesia": "votingSuspended",
	"payOwed": "sendAsyncReplies", "layDown": "release", "reclaim": "acquire", "passOn": "queueForLoop",
	"BindEnd": "LockEnd", "SelfBound": "SelfLocked", "BootBind": "BootLock", "strayed": "unconfirmedPromotion",
}

// Banned gives the declarations that use a banned name.
func (t *Tree) Banned() (found []string) {
	for _, f := range t.Go {
		ast.Inspect(f.Syntax, func(n ast.Node) bool {
			id, is := n.(*ast.Ident)
			if better, bad := "", false; is {
				if better, bad = banned[id.Name]; bad {
					found = append(found, t.at(id, "%s: say %s", id.Name, better))
				}
			}
			return true
		})
	}
	return found
}
