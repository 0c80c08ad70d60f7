package sentinel

import (
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"gosentinel/conf"
	"gosentinel/internal/resp"
)

// oneFile is a conf.Host with a config file and nothing else.
type oneFile struct{ text []byte }

func (h oneFile) ReadFile(name string) ([]byte, error) {
	if name != "/s.conf" {
		return nil, fs.ErrNotExist
	}
	return h.text, nil
}
func (oneFile) ReadState(string) ([]byte, error) { return nil, fs.ErrNotExist }
func (oneFile) Glob(string) []string             { return nil }
func (oneFile) Chdir(string) error               { return nil }
func (oneFile) Getwd() string                    { return "/" }
func (oneFile) Executable(string) bool           { return true }
func (oneFile) TryLog(string) error              { return errors.New("no") }

// loadText reads a file; warned tells of a line that no command would make.
func loadText(text []byte) (st conf.State, warned bool, err error) {
	cfg, err := conf.Load(oneFile{text}, conf.Checks{}, conf.Input{File: "/s.conf"})
	for _, line := range cfg.Log {
		warned = warned || strings.HasPrefix(line.Text, "WARNING: no other Sentinel can read")
	}
	return cfg.State, warned, err
}

// settable is a value that both a command and a line of the file set.
type settable struct {
	name    string
	command func(value string) []string
	line    func(quoted string) string
	// fileOnly tells of a value that a file may have, since originals load it,
	// and no command makes.
	fileOnly func(value string) bool
}

func option(name string) settable {
	return settable{
		name:    "set " + name,
		command: func(v string) []string { return []string{"sentinel", "set", "mm", name, v} },
		line:    func(q string) string { return "sentinel " + name + " mm " + q },
	}
}

func global(name string) settable {
	return settable{
		name:    "config set " + name,
		command: func(v string) []string { return []string{"sentinel", "config", "set", name, v} },
		line:    func(q string) string { return "sentinel " + name + " " + q },
	}
}

// allSettable are all values that a command writes to the file.
func allSettable() []settable {
	list := []settable{{
		name:    "monitor: name",
		command: func(v string) []string { return []string{"sentinel", "monitor", v, "10.0.0.9", "6379", "2"} },
		line:    func(q string) string { return "sentinel monitor " + q + " 10.0.0.9 6379 2" },
	}, {
		name:    "monitor: host",
		command: func(v string) []string { return []string{"sentinel", "monitor", "m2", v, "6379", "2"} },
		line:    func(q string) string { return "sentinel monitor m2 " + q + " 6379 2" },
	}, {
		name:    "monitor: port",
		command: func(v string) []string { return []string{"sentinel", "monitor", "m2", "10.0.0.9", v, "2"} },
		line:    func(q string) string { return "sentinel monitor m2 10.0.0.9 " + q + " 2" },
	}, {
		name:    "monitor: quorum",
		command: func(v string) []string { return []string{"sentinel", "monitor", "m2", "10.0.0.9", "6379", v} },
		line:    func(q string) string { return "sentinel monitor m2 10.0.0.9 6379 " + q },
	}, {
		name:     "set rename-command: from",
		command:  func(v string) []string { return []string{"sentinel", "set", "mm", "rename-command", v, "other word"} },
		line:     func(q string) string { return "sentinel rename-command mm " + q + ` "other word"` },
		fileOnly: func(v string) bool { return v == "" },
	}, {
		name:     "set rename-command: to",
		command:  func(v string) []string { return []string{"sentinel", "set", "mm", "rename-command", "CONFIG", v} },
		line:     func(q string) string { return "sentinel rename-command mm CONFIG " + q },
		fileOnly: func(v string) bool { return v == "" },
	}}
	for i := range setOptions {
		if o := &setOptions[i]; o.values == 1 && o.name != "quorum" { // that one is in the line of monitor
			s := option(o.name)
			switch o.name {
			case "parallel-syncs":
				s.fileOnly = func(v string) bool { return strings.Trim(v, "+0") == "" || v[0] == '-' }
			case "down-after-milliseconds", "failover-timeout", "master-reboot-down-after-period", "primary-reboot-down-after-period":
				s.fileOnly = func(v string) bool {
					n, err := strconv.ParseInt(v, 10, 64)
					return err == nil && n > conf.MaxNumber
				}
			}
			list = append(list, s)
		}
	}
	for i := range settings {
		if s := &settings[i]; s.name != "loglevel" { // a general directive
			list = append(list, global(s.name))
		}
	}
	return list
}

// quoteAll escapes every byte.
func quoteAll(v string) string {
	var b strings.Builder
	b.WriteByte('"')
	for i := range len(v) {
		fmt.Fprintf(&b, `\x%02x`, v[i])
	}
	b.WriteByte('"')
	return b.String()
}

// unusual tells of a number as a command does not read it and a file does:
// with a plus sign or zeros in front.
func unusual(v string) bool {
	digits := strings.TrimLeft(v, "+-")
	return digits != "" && strings.Trim(digits, "0123456789") == "" && (v[0] == '+' || len(digits) > 1 && digits[0] == '0' || v == "-0")
}

// check sets a value by its command. What is accepted is in the file, and that
// loads to the same state; what is refused changes nothing, and no file has it
// but by the list of exceptions.
func (s *settable) check(t *testing.T, value string) (accepted bool) {
	t.Helper()
	st := around(watched("mm", "10.0.0.1", 6379, 2), 1, 1)
	st.MyID, st.DenyScriptsReconfig = testID, false
	head := conf.Rewrite(nil, conf.Values{}, nil, st)
	r := newRig(t, st)
	before, _ := r.c.Durable()
	in := Request{ID: 1}
	for _, w := range s.command(value) {
		in.Args = append(in.Args, []byte(w))
	}
	es := append(r.step(in), r.wait(3*time.Second)...)
	for _, e := range es {
		if a, ok := e.Action.(Respond); ok && a.ID == 1 {
			accepted = a.Value.Kind != resp.Error
		}
	}
	after, _ := r.c.Durable()
	text := conf.Rewrite(head, conf.Values{}, nil, after)
	back, warned, err := loadText(text)
	require.NoError(t, err, "%s %q: what is written does not load:\n%s", s.name, value, text)
	require.False(t, warned, "%s %q", s.name, value)
	require.Equal(t, string(conf.Rewrite(nil, conf.Values{}, nil, after)), string(conf.Rewrite(nil, conf.Values{}, nil, back)),
		"%s %q loads as something else", s.name, value)
	if !accepted {
		require.Equal(t, before, after, "%s %q: refused, and yet changed", s.name, value)
	}

	// The other way round.
	text = append(text, s.line(quoteAll(value))+"\n"...)
	if accepted {
		text = append(head, s.line(quoteAll(value))+"\n"...)
	}
	_, warned, err = loadText(text)
	loads := err == nil && !warned
	if unusual(value) || s.fileOnly != nil && s.fileOnly(value) {
		return accepted
	}
	require.Equal(t, accepted, loads, "%s %q: by the command (true: accepted), by the file (%v)", s.name, value, err)
	return accepted
}

// oddValues are those that have made trouble, or could.
var oddValues = []string{
	"", " ", "a b", "a\x00b", "\x00", "a\nb", "\n", "a\rb", "a,b", ",", `a"b`, `"`, "a'b", "a\tb", "a\x7fb", "a\\b", `\`, "\xff\xfe", "ä", "#", "# x",
	"-1", "0", "1", "2", "+1", "01", "-0", "1.5", "5000;", "abc", "2147483647", "2147483648", "4294967297", "9223372036854775807", "9223372036854775808",
	"65535", "65536", "70000", "127.1", "10.0.0.9", "::1", "fe80::1%a,b", "fe80::1%eth0", "a.example", "yes", "no", "YES", "maybe", "mm", "other word", "CONFIG", "config",
	strings.Repeat("a", conf.MaxHost), strings.Repeat("a", conf.MaxHost+1), strings.Repeat("a", conf.MaxMasterName), strings.Repeat("a", conf.MaxMasterName+1),
}

// What run time accepts loads again as what it was, and the other way round.
//
// Rule: R-3, C-18, C-58, C-102.
func TestSettableValuesLoad(t *testing.T) {
	for _, s := range allSettable() {
		t.Run(s.name, func(t *testing.T) {
			accepted := 0
			for _, v := range oddValues {
				if (s.name != "monitor: name" || v != "mm") && s.check(t, v) { // that one exists
					accepted++
				}
			}
			rnd := rand.New(rand.NewPCG(1, uint64(len(s.name))))
			const alphabet = "\x00\n\r\t \"'\\,#-+.:0129aA\x7f\x80\xff"
			for range 150 {
				b := make([]byte, 1+rnd.IntN(6))
				for i := range b {
					b[i] = alphabet[rnd.IntN(len(alphabet))]
				}
				if s.check(t, string(b)) {
					accepted++
				}
			}
			require.NotZero(t, accepted, "nothing was accepted: the test tests nothing")
		})
	}
}

// FuzzSettable is TestSettableValuesLoad for any bytes.
func FuzzSettable(f *testing.F) {
	list := allSettable()
	for k := range list {
		for _, v := range oddValues {
			f.Add(uint8(k), v)
		}
	}
	f.Fuzz(func(t *testing.T, k uint8, value string) {
		s := list[int(k)%len(list)]
		if s.name == "monitor: name" && value == "mm" {
			t.Skip()
		}
		s.check(t, value)
	})
}

// A file with host names does not load once names are not to be resolved, so
// that cannot be set; nor can it be announced again, nor a name be watched that
// was being looked up.
//
// Rule: R-3, C-56.
func TestNamesStayResolvable(t *testing.T) {
	loads := func(r *rig) {
		t.Helper()
		st, _ := r.c.Durable()
		_, _, err := loadText(conf.Rewrite(nil, conf.Values{}, nil, st))
		require.NoError(t, err)
	}
	set := func(r *rig, args ...string) string {
		return r.line(append([]string{"sentinel", "config", "set"}, args...)...)
	}
	const refused = "-ERR Invalid value 'no' to SENTINEL CONFIG SET 'resolve-hostnames'"
	st := watched("mm", "db.example", 6379, 2)
	st.ResolveHostnames, st.AnnounceHostnames = true, true
	r := newRig(t, st)
	require.Equal(t, refused, set(r, "resolve-hostnames", "no"), "no IP is known")
	r.step(Resolved{Host: "db.example", IPs: []string{"10.0.0.1"}})
	require.Equal(t, refused, set(r, "resolve-hostnames", "no"), "names are announced")
	require.True(t, r.c.resolveHostnames)
	loads(r)
	require.Equal(t, "+OK", set(r, "announce-hostnames", "no", "resolve-hostnames", "no"), "both at once")
	loads(r)
	require.Equal(t, "-ERR Invalid value 'yes' to SENTINEL CONFIG SET 'announce-hostnames'", set(r, "announce-hostnames", "yes"))
	loads(r)
	require.Equal(t, "+OK", set(r, "announce-hostnames", "yes", "resolve-hostnames", "yes"))
	loads(r)

	st = watched("mm", "10.0.0.1", 6379, 2)
	st.ResolveHostnames, st.AnnounceHostnames = true, true
	r = newRig(t, st)
	r.do("sentinel", "monitor", "late", "late.example", "6379", "1")
	require.Equal(t, "+OK", set(r, "resolve-hostnames", "no"))
	require.Contains(t, told(r.step(Resolved{Host: "late.example", IPs: []string{"10.0.0.2"}})), "reply -"+textBadAddress+" *")
	loads(r)
}

// The loop is not stopped by one request with thousands of renamed commands,
// and a master does not keep more of them than there are commands.
//
// Rule: K-2.10, B-124.
func TestRenamesAreBounded(t *testing.T) {
	r := newRig(t, watched("mm", "10.0.0.1", 6379, 2))
	rename := func(from, to int) string {
		args := []string{"sentinel", "set", "mm"}
		for i := from; i < to; i++ {
			args = append(args, "rename-command", fmt.Sprintf("cmd%d", i), fmt.Sprintf("word%d", i))
		}
		return r.line(args...)
	}
	require.Equal(t, "-"+textManyOptions, rename(0, 50000))
	require.Empty(t, r.c.byName["mm"].renames, "nothing of it is applied")
	require.Equal(t, "+OK", rename(0, conf.MaxRenames))
	require.Equal(t, "-ERR Invalid argument 'cmd512' for SENTINEL SET 'rename-command'", rename(conf.MaxRenames, conf.MaxRenames+1))
	require.Equal(t, "+OK", rename(0, conf.MaxRenames), "those that there are can be changed")
	require.Len(t, r.c.byName["mm"].renames, conf.MaxRenames)
	require.Equal(t, "word7", r.c.byName["mm"].rename("CMD7"))
	require.Equal(t, "+OK", r.line("sentinel", "set", "mm", "rename-command", "CMD7", "cmd7"))
	require.Equal(t, "CMD7", r.c.byName["mm"].rename("CMD7"))
}
