package main

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

var (
	all   = flag.Bool("all", false, "play all seeds with each defect, not up to the first that shows it")
	seeds = flag.Int("seeds", 400, "how many worlds a defect may take to be found")
)

// edit is a change of one line, or a few, of the core.
type edit struct{ file, from, to string }

// defect is a mistake in the core, and who must find it: a checker in random
// worlds, or a pattern that a transcript then has and else has not.
type defect struct {
	name       string
	rule       string // a pattern for the rules that it breaks
	mixed      bool   // an original takes part
	fresh      bool   // the worlds are hurt while the Sentinels find each other
	first      uint64 // the first seed, near one that shows it; 0 = 1
	test       string // of package sentinel, where a random world shows it too seldom
	transcript string
	shows      string
	edits      []edit
}

// The checkers find every defect that election.md lists, and some more. A core
// with the defect is built from changed copies of its files: nothing of this is
// in the core itself.
//
// Rule: I-1, I-2, I-3, I-4, I-5, I-6, I-7, I-8, I-9, I-10, I-11, I-12, I-13, I-14, I-15, I-16.
func TestDefectsAreFound(t *testing.T) {
	for _, d := range defects {
		t.Run(d.name, func(t *testing.T) {
			t.Parallel()
			if d.test != "" {
				d.inTest(t)
				return
			}
			bin := build(t, d)
			if d.transcript != "" {
				d.inTranscript(t, bin)
				return
			}
			args := []string{"-rule", d.rule, "-seeds", fmt.Sprint(*seeds), "-first", fmt.Sprint(max(d.first, 1))}
			if d.mixed {
				args = append(args, "-mixed")
			}
			if d.fresh {
				args = append(args, "-fresh")
			}
			if !*all {
				args = append(args, "-stop")
			}
			text := output(t, bin, args...)
			t.Log(strings.TrimSpace(text))
			require.NotRegexp(t, `^caught in 0 `, text)
		})
	}
}

func (d defect) inTranscript(t *testing.T, bin string) {
	path := filepath.Join("../../sentinel/testdata", d.transcript)
	good, err := os.ReadFile(path)
	require.NoError(t, err)
	require.NotRegexp(t, d.shows, string(good), "the sound core shows it too")
	text := output(t, bin, "-scenario", path)
	require.Regexp(t, d.shows, text)
	t.Logf("%s: %s", d.transcript, regexp.MustCompile(d.shows).FindString(text))
}

// inTest requires that the defect fails the test that is named for it.
func (d defect) inTest(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	text, err := exec.CommandContext(ctx, "go", "test", "-overlay", overlay(t, d, t.TempDir()), "-run", "^"+d.test+"$", "../../sentinel").CombinedOutput()
	require.Error(t, err)
	require.Contains(t, string(text), "--- FAIL: "+d.test)
}

// build makes this command with a core that has the defect.
func build(t *testing.T, d defect) string {
	dir := t.TempDir()
	bin := filepath.Join(dir, "hunt")
	output(t, "go", "build", "-overlay", overlay(t, d, dir), "-o", bin, ".")
	return bin
}

// overlay writes the changed copies of the core's files to dir, and the list
// that has the go command take them.
func overlay(t *testing.T, d defect, dir string) string {
	replace := map[string]string{}
	for k, e := range d.edits {
		path, err := filepath.Abs(filepath.Join("../..", e.file))
		require.NoError(t, err)
		from := path
		if replace[path] != "" {
			from = replace[path]
		}
		text, err := os.ReadFile(from)
		require.NoError(t, err)
		require.Equal(t, 1, strings.Count(string(text), e.from), "%s is not once in %s", e.from, e.file)
		changed := filepath.Join(dir, fmt.Sprint(k)+filepath.Base(path))
		require.NoError(t, os.WriteFile(changed, []byte(strings.Replace(string(text), e.from, e.to, 1)), 0o644))
		replace[path] = changed
	}
	text, err := json.Marshal(map[string]any{"Replace": replace})
	require.NoError(t, err)
	list := filepath.Join(dir, "overlay.json")
	require.NoError(t, os.WriteFile(list, text, 0o644))
	return list
}

// patience is how long a build, or the worlds of one defect, may take.
const patience = 5 * time.Minute

func output(t *testing.T, name string, args ...string) string {
	var out, errs bytes.Buffer
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Stdout, cmd.Stderr = &out, &errs
	require.NoError(t, cmd.Run(), "%s", &errs)
	return out.String()
}
