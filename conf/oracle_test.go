package conf

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// oracleCase is a configuration and what the original made of it. The results
// were recorded by the test of the same name in integration, which also tells
// what the fields mean.
type oracleCase struct {
	In      string
	Args    []string
	Files   bool
	Differs string
	Line    int
	Text    string
	Message string
	Stopped string
	Out     []string
}

type oracleCases struct {
	Files map[string]string
	Cases []oracleCase
}

func readOracle(t testing.TB) oracleCases {
	content, err := os.ReadFile("testdata/oracle.json")
	require.NoError(t, err)
	var all oracleCases
	require.NoError(t, json.Unmarshal(content, &all))
	return all
}

const oracleHead = "port 0\nunixsocket s.sock\n"

// Rule: C-3, C-22, C-26, C-27, C-31, C-36, C-37, C-52, C-58, C-92 to C-105, R-3, and
// the tables 1.5, 1.8, 3.2 and 4.3.
func TestAgainstTheOriginal(t *testing.T) {
	all := readOracle(t)
	for i, c := range all.Cases {
		t.Run(fmt.Sprint(i), func(t *testing.T) {
			t.Logf("%q %q", c.In, c.Args)
			host := newMemHost(map[string]string{"/DIR/s.conf": oracleHead + c.In, "/etc/passwd": ""})
			host.cwd = "/DIR"
			host.dirs = []string{"/DIR", "/DIR/sub", "/tmp"}
			host.exec = []string{"/bin/true", "/tmp"}
			if c.Files {
				for name, text := range all.Files {
					host.files["/DIR/"+name] = text
				}
			}
			args := ParseArgs(append([]string{"s.conf"}, c.Args...))
			cfg, err := Load(host, Checks{Command: hasCommand}, Input{File: "/DIR/s.conf", Args: args})
			c.require(t, cfg, err)
		})
	}
}

func (c *oracleCase) require(t *testing.T, cfg *Config, err error) {
	var fatal *FatalError
	switch {
	case c.Message != "":
		require.ErrorAs(t, err, &fatal)
		require.Equal(t, FatalError{c.Line, c.Text, c.Message}, *fatal)
		return
	case c.Stopped != "":
		var open *OpenError
		if errors.As(err, &open) {
			require.Equal(t, c.Stopped, err.Error())
			return
		}
		require.NoError(t, err)
		require.NotContains(t, c.Stopped, "config file")
		return
	}
	require.NoError(t, err)
	var users []string
	for _, line := range c.Out {
		if strings.HasPrefix(line, "user ") {
			users = append(users, line)
		}
	}
	cfg.State.MyID = strings.Repeat("a", 40)
	old := oracleHead + c.In
	got := string(Rewrite([]byte(old), cfg.Values, users, cfg.State))
	require.Equal(t, strings.Join(c.Out, "\n"), strings.Join(normalLines(got, cfg.State.MyID), "\n"))
}

// normalLines is as in integration.
func normalLines(text, id string) []string {
	text = strings.NewReplacer(`"/DIR`, `"DIR`, id, "ID").Replace(text)
	lines := strings.Split(text, "\n")
	from := slices.Index(lines, marker) + 1
	for _, chance := range []string{"monitor", "known-sentinel", "rename-command"} {
		if strings.Count(text, "\nsentinel "+chance+" ") > 1 {
			from = 0
		}
	}
	slices.Sort(lines[from:])
	return lines
}
