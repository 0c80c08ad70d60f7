package conf

import "strings"

// Args is what the arguments of the daemon say.
type Args struct {
	// File is the config file as named, blanks stripped; HasFile tells whether
	// there was one. The caller makes it absolute (C-34).
	File    string
	HasFile bool
	// Stdin tells whether standard input is to be read (C-39).
	Stdin bool
	// Text is the options as configuration text.
	Text string
}

// ownOption begins an option that sets a setting of our own.
const ownOption = "gosentinel-"

// ParseArgs turns the arguments, without the program's name and without
// sub-commands and information options, into configuration text. It cannot
// fail: what is wrong shows when the text is read.
//
// Rule: C-34, C-36, C-37, R-12; docs/architecture.md, settings of our own for --gosentinel-<name>.
func ParseArgs(args []string) Args {
	var a Args
	options := args
	if len(args) > 0 && !strings.HasPrefix(args[0], "-") {
		a.File, a.HasFile = strings.Trim(args[0], blanks), true
		options = args[1:]
	}
	var b []byte
	needValue := false
	for i, arg := range options {
		first := i == 0 && !a.HasFile
		last := i == len(options)-1
		switch {
		case arg == "-" && (first || last):
			a.Stdin = true
		case !needValue && strings.HasPrefix(arg, "--"):
			noValue := last || strings.HasPrefix(options[i+1], "--")
			b, needValue = appendOption(b, arg[2:], noValue)
		default:
			b = append(appendQuoted(b, arg), ' ')
			needValue = false
		}
	}
	a.Text = string(b)
	return a
}

// appendOption begins a new line with an option; needValue tells whether the
// next argument is its value, whatever it looks like. noValue: it is the last,
// or another option follows.
func appendOption(b []byte, option string, noValue bool) (text []byte, needValue bool) {
	if len(b) > 0 {
		b = append(b, '\n')
	}
	if name := lower(option); noValue && (name == "save" || name == "sentinel") {
		b = append(b, option...)
		if name == "save" {
			b = append(b, ` ""`...)
		}
		return append(b, ' '), false
	}
	words, ok := splitWords(option)
	if strings.HasPrefix(lower(option), ownOption) {
		option = ownPrefix + " " + option[len(ownOption):]
	}
	b = append(b, option...)
	return append(b, ' '), ok && len(words) <= 1
}
