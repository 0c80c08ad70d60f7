package acl

import (
	"strings"

	"gosentinel/internal/command"
)

// mergeSelectors joins the rules of each selector, from the one that begins
// with `(` to the next that ends with `)`, into one. A selector that begins
// inside another takes its place, as in the original: what it grants is less
// than was written, never more.
//
// Rule: K-6.4.
func mergeSelectors(rules []string) ([]string, error) {
	var merged []string
	open := -1 // where the selector begun last begins
	for i, rule := range rules {
		switch {
		case strings.HasPrefix(rule, "(") && !strings.HasSuffix(rule, ")"):
			open = i
		case open < 0:
			merged = append(merged, rule)
		case strings.HasSuffix(rule, ")"):
			merged = append(merged, strings.Join(rules[open:i+1], " "))
			open = -1
		}
	}
	if open >= 0 {
		return nil, &UnmatchedError{rules[open]}
	}
	return merged, nil
}

// applyAll applies merged rules up to the first bad one.
func (u *User) applyAll(table *command.Table, merged []string, allChannels bool) error {
	for _, rule := range merged {
		if err := u.apply(table, rule, allChannels); err != nil {
			return &RuleError{Rule: rule, Reason: err}
		}
	}
	return nil
}

// apply applies one rule. allChannels is acl-pubsub-default.
func (u *User) apply(table *command.Table, rule string, allChannels bool) error {
	switch strings.ToLower(rule) {
	case "":
		return nil
	case "on":
		u.on = true
		return nil
	case "off":
		u.on = false
		return nil
	case "nopass":
		u.noPass, u.passwords = true, nil
		return nil
	case "resetpass":
		u.noPass, u.passwords = false, nil
		return nil
	case "sanitize-payload":
		u.sanitize, u.skipSanitize = true, false
		return nil
	case "skip-sanitize-payload":
		u.sanitize, u.skipSanitize = false, true
		return nil
	case "clearselectors":
		u.selectors = nil
		return nil
	case "reset":
		*u = *newUser(u.name, allChannels)
		u.sanitize = true
		return nil
	}
	switch rule[0] {
	case '>', '<', '#', '!':
		return u.applyPassword(rule[0], rule[1:])
	case '(':
		return u.addSelector(table, rule, allChannels)
	}
	return u.root.apply(table, rule)
}

// addSelector adds the selector `(rules)`. What could not be read back from
// the text of the selector is a syntax error.
func (u *User) addSelector(table *command.Table, rule string, allChannels bool) error {
	words, ok := splitWords(rule[1 : len(rule)-1])
	if !ok {
		return ErrSyntax
	}
	s := selector{allChannels: allChannels}
	for _, word := range words {
		if strings.ContainsAny(word, `"'`) || strings.HasSuffix(word, ")") {
			return ErrSyntax
		}
		if err := s.apply(table, word); err != nil {
			return err
		}
	}
	if len(u.selectors) == MaxRules {
		return ErrTooMany
	}
	u.selectors = append(u.selectors, s)
	return nil
}

// splitWords splits text at white space; a word may be quoted as in
// sentinel.conf, without escapes. False says that its quotes are wrong.
func splitWords(text string) ([]string, bool) {
	const blanks = " \t\n\v\f\r"
	var words []string
	for {
		text = strings.TrimLeft(text, blanks)
		if text == "" {
			return words, true
		}
		var word strings.Builder
		for text != "" && !strings.ContainsRune(blanks, rune(text[0])) {
			if quote := text[0]; quote == '"' || quote == '\'' {
				end := strings.IndexByte(text[1:], quote) + 1
				if end == 0 || len(text) > end+1 && !strings.ContainsRune(blanks, rune(text[end+1])) {
					return nil, false
				}
				if quote == '"' && strings.Contains(text[:end], `\`) {
					return nil, false
				}
				word.WriteString(text[1:end])
				text = text[end+1:]
				continue
			}
			word.WriteByte(text[0])
			text = text[1:]
		}
		words = append(words, word.String())
	}
}
