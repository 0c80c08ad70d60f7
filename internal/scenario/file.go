package scenario

import (
	"fmt"
	"strings"
)

// block is some commands and the output that they had.
type block struct {
	lines []string // commands, comments and blank lines, as they stand
	first int      // line number of the first of them
	ended bool     // there was a line of dashes
}

const dashes = "----"

// parse splits a transcript into blocks; old output is dropped.
func parse(text string) []block {
	var out []block
	cur := block{first: 1}
	lines := strings.Split(strings.TrimRight(text, "\n"), "\n")
	for i := 0; i < len(lines); i++ {
		if lines[i] != dashes {
			cur.lines = append(cur.lines, lines[i])
			continue
		}
		for i++; i < len(lines) && lines[i] != ""; i++ {
		}
		cur.ended = true
		out = append(out, cur)
		cur = block{first: i + 2}
	}
	if len(cur.lines) > 0 {
		out = append(out, cur)
	}
	return out
}

// command is one line taken apart.
type command struct {
	name string
	args []string          // words without =
	opts map[string]string // key=value
	used map[string]bool
	err  error // of the first value that could not be read
}

func parseCommand(line string) *command {
	words := strings.Fields(line)
	c := &command{name: words[0], opts: map[string]string{}, used: map[string]bool{}}
	for _, w := range words[1:] {
		k, v, ok := strings.Cut(w, "=")
		if !ok || c.name == "cmd" {
			c.args = append(c.args, w)
			continue
		}
		if _, twice := c.opts[k]; twice && c.err == nil {
			c.err = fmt.Errorf("%s= is given twice", k)
		}
		c.opts[k] = v
	}
	return c
}
