package integration

import (
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// difference is one intended difference: where a request matches, the text of
// the original's answer, changed so, is the text of ours. It is applied in any
// case: ours must differ.
type difference struct {
	name     string // with the rule that wants it
	why      string
	request  *regexp.Regexp
	original *regexp.Regexp
	ours     string
	used     bool
}

type differences []*difference

// readDifferences reads the table of intended differences.
func readDifferences(t testing.TB, path string) (all differences) {
	content, err := os.ReadFile(path)
	require.NoError(t, err)
	var d *difference
	for i, line := range strings.Split(string(content), "\n") {
		if strings.HasPrefix(line, "#") || strings.TrimSpace(line) == "" {
			continue
		}
		if line[0] != ' ' {
			d = &difference{name: line}
			all = append(all, d)
			continue
		}
		key, value, ok := strings.Cut(line[2:], ": ")
		require.True(t, ok, "line %d", i+1)
		switch key {
		case "why":
			d.why = value
		case "request":
			d.request, err = regexp.Compile("(?i)" + value)
		case "original":
			d.original, err = regexp.Compile("(?m)" + value)
		case "ours":
			d.ours = lineFeeds.Replace(value)
		default:
			err = fmt.Errorf("unknown key %q", key)
		}
		require.NoError(t, err, "line %d", i+1)
	}
	for _, d := range all {
		require.NotEmpty(t, d.why, d.name)
		require.NotNil(t, d.request, d.name)
		require.NotNil(t, d.original, d.name)
	}
	return all
}

// lineFeeds reads \n as a line feed; \r\n stands for what a value shows.
var lineFeeds = strings.NewReplacer(`\r\n`, `\r\n`, `\n`, "\n")

// apply turns the original's answer into the one that ours must give.
// In a row, <set> and <map> are the signs that these have in the protocol,
// {user} is the user of the connection and {subject} the one that ACL DRYRUN
// asks about.
func (all differences) apply(o *op, text string, at talk) string {
	if *alone {
		return text
	}
	set, pairs, subject := "*", "*", ""
	if at.resp3 {
		set, pairs = "~", "%"
	}
	if len(o.reqs) > 0 && len(o.reqs[0]) > 2 {
		subject = o.reqs[0][2]
	}
	words := strings.NewReplacer("<set>", set, "<map>", pairs, "{user}", at.user, "{subject}", subject)
	for _, d := range all {
		if !d.request.MatchString(o.text) {
			continue
		}
		changed := d.original.ReplaceAllString(text, words.Replace(d.ours))
		if changed != text {
			d.used = true
		}
		text = changed
	}
	return text
}

// unused are the rows that have never matched.
func (all differences) unused() (names []string) {
	for _, d := range all {
		if !d.used {
			names = append(names, d.name)
		}
	}
	return names
}

// step runs one step on both sides and reports how they differ, "" if not.
func (p *pair) step(o *op, rows differences) string {
	var want, is []heard
	done := make(chan struct{})
	go func() {
		want = p.want.run(o)
		close(done)
	}()
	is = p.is.run(o)
	<-done
	a := rows.apply(o, p.want.canonical(o, want), p.want.state(o))
	b := p.is.canonical(o, is)
	if a == b {
		return ""
	}
	return lineDiff(a, b)
}

// lineDiff shows the lines in which two texts differ, with two lines before
// each place.
func lineDiff(want, is string) string {
	a, b := strings.Split(want, "\n"), strings.Split(is, "\n")
	common := make([][]int16, len(a)+1) // length of what the rests have in common
	for i := range common {
		common[i] = make([]int16, len(b)+1)
	}
	for i := len(a) - 1; i >= 0; i-- {
		for j := len(b) - 1; j >= 0; j-- {
			common[i][j] = max(common[i+1][j], common[i][j+1])
			if a[i] == b[j] {
				common[i][j] = common[i+1][j+1] + 1
			}
		}
	}
	var s strings.Builder
	shown := 0
	for i, j := 0, 0; i < len(a) || j < len(b); {
		switch {
		case i < len(a) && j < len(b) && a[i] == b[j]:
			i, j = i+1, j+1
			continue
		case j == len(b) || i < len(a) && common[i+1][j] >= common[i][j+1]:
			if i >= shown {
				for _, l := range a[max(shown, i-2):i] {
					s.WriteString("    " + l + "\n")
				}
			}
			s.WriteString("  - " + a[i] + "\n")
			i++
			shown = i
		default:
			if i > shown {
				for _, l := range a[max(shown, i-2):i] {
					s.WriteString("    " + l + "\n")
				}
				shown = i
			}
			s.WriteString("  + " + b[j] + "\n")
			j++
		}
	}
	return s.String()
}
