package conf

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

// ParseArgs turns the arguments, without the program's name and without
// sub-commands and information options, into configuration text. It cannot
// fail: what is wrong shows when the text is read.
//
// Rule: C-34, C-36, C-37, R-12; design.md section 6 for --gosentinel-<name>.
func ParseArgs(args []string) Args { return Args{} }
