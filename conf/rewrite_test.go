package conf

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// rewritten loads a file and gives its first rewrite up to the marker, and what
// follows it.
func rewritten(t *testing.T, file string, change func(*State)) (kept, appended string) {
	t.Helper()
	cfg, err := load(file)
	require.NoError(t, err)
	if change != nil {
		change(&cfg.State)
	}
	kept, appended, _ = strings.Cut(string(Rewrite([]byte(file), cfg.Values, nil, cfg.State)), marker+"\n")
	return kept, appended
}

const monitor = "sentinel monitor m 127.0.0.1 1 1\n"

// Rule: C-92: known-slave slots are reused as known-replica, as 7.2 does.
func TestRewriteKnownSlave(t *testing.T) {
	kept, appended := rewritten(t, monitor+"SENTINEL known-slave m 10.0.0.2 1\n# c\nsentinel known-replica m 10.0.0.3 1\n", nil)
	require.Equal(t, monitor+"sentinel known-replica m 10.0.0.2 1\n# c\nsentinel known-replica m 10.0.0.3 1\n\n", kept)
	require.NotContains(t, appended, "10.0.0")
}

// Rule: C-128, B-1209.
func TestRewriteRebootSpelling(t *testing.T) {
	two := monitor + "sentinel monitor n 127.0.0.2 1 1\n"
	kept, appended := rewritten(t, two+"sentinel primary-reboot-down-after-period m 5\n", func(s *State) {
		s.Masters[1].RebootDownAfter = 7e6
	})
	require.Equal(t, two+"sentinel primary-reboot-down-after-period m 5\n\n", kept)
	require.Contains(t, appended, "sentinel primary-reboot-down-after-period n 7\n")
	_, appended = rewritten(t, monitor, func(s *State) { s.Masters[0].RebootDownAfter = 7e6 })
	require.Contains(t, appended, "sentinel master-reboot-down-after-period m 7\n")
	kept, _ = rewritten(t, monitor+"sentinel master-reboot-down-after-period m 5\n# c\n", func(s *State) {
		s.Masters[0].RebootDownAfter = 0
	})
	require.Equal(t, monitor+"\n# c\n\n", kept)
}

// Rule: C-100, C-102: what would not read back is escaped, nothing else.
func TestRewriteEscapes(t *testing.T) {
	for _, tc := range []struct{ value, want string }{
		{"plain", "plain"},
		{"", `""`},
		{"a b", `"a b"`},
		{`a"b`, `"a\"b"`},
		{"it's", `"it's"`},
		{`back\slash`, `back\slash`},
		{"tab\t", `"tab\t"`},
		{"\x01", `"\x01"`},
		{"\x7f", `"\x7f"`},
		{"pässword", "pässword"},
		{"pä ss", `"p\xc3\xa4 ss"`},
	} {
		secret := NewSecret(tc.value)
		_, appended := rewritten(t, monitor, func(s *State) { s.Masters[0].AuthPass = &secret })
		require.Contains(t, appended, "sentinel auth-pass m "+tc.want+"\n")
		cfg, err := load(monitor + appended)
		require.NoError(t, err)
		require.Equal(t, tc.value, cfg.State.Masters[0].AuthPass.Reveal())
	}
}

// Rule: C-93: hand edits of managed lines revert, others and comments stay.
func TestRewriteStartsFromTheDisk(t *testing.T) {
	cfg, err := load(monitor)
	require.NoError(t, err)
	edited := "# mine\nsentinel monitor m 9.9.9.9 9 9\nsentinel monitor other 9.9.9.9 9 9\nsentinel newer-thing 1\nrename-command ping p\nbogus x\n\"x\n"
	kept, _, _ := strings.Cut(string(Rewrite([]byte(edited), cfg.Values, nil, cfg.State)), marker)
	require.Equal(t, "# mine\n"+monitor+"\nsentinel newer-thing 1\nrename-command ping p\n# ??? bogus x\n# ??? \"x\n\n", kept)
	empty := string(Rewrite(nil, cfg.Values, nil, cfg.State))
	require.True(t, strings.HasPrefix(empty, marker+"\nport 26379\ndir \"/srv/s1\"\nprotected-mode no\n"), empty)
}

// Rule: C-93: the last master's lines go too.
func TestRewriteAfterRemove(t *testing.T) {
	kept, appended := rewritten(t, monitor+"sentinel down-after-milliseconds m 5\n# c\n", func(s *State) { s.Masters = nil })
	require.Equal(t, "\n# c\n\n", kept)
	require.NotContains(t, appended, " m ")
}

// Rule: C-83, C-95, C-96.
func TestRewriteUsers(t *testing.T) {
	file := "# u\nuser old on\nhz 10\n"
	cfg, err := load(file)
	require.NoError(t, err)
	users := []string{"user default on", "user Zoe off", "user al off", "user evil \nport 1"}
	got := string(Rewrite([]byte(file), cfg.Values, users, State{DenyScriptsReconfig: true}))
	require.Equal(t, "# u\nuser Zoe off\nhz 10\n\n"+marker+"\nport 26379\ndir \"/srv/s1\"\nprotected-mode no\n"+
		"latency-tracking-info-percentiles 50 99 99.9\nuser al off\nuser default on\nsentinel current-epoch 0\n", got)
	v, err := cfg.Values.With("aclfile", "users.acl")
	require.NoError(t, err)
	got = string(Rewrite([]byte(file), v, users, State{DenyScriptsReconfig: true}))
	require.NotContains(t, got, "user ")
}

// Rule: C-85, C-99, 5 (loglevel).
func TestRewriteChangedValues(t *testing.T) {
	file := "supervised auto\nloglevel notice\n"
	cfg, err := load(file)
	require.NoError(t, err)
	v, err := cfg.Values.With("supervised", "systemd")
	require.NoError(t, err)
	v, err = v.With("PIDFILE", "/var/run/redis.pid")
	require.NoError(t, err)
	cfg.State.LogLevel = "nothing"
	got := string(Rewrite([]byte(file), v, nil, cfg.State))
	require.True(t, strings.HasPrefix(got, "supervised systemd\nloglevel nothing\n"), got)
	require.Contains(t, got, "pidfile \"/var/run/redis.pid\"\n")
	require.Equal(t, file+"\n", string(Rewrite([]byte(file), cfg.Values, nil, State{LogLevel: "notice", DenyScriptsReconfig: true}))[:len(file)+1])

	_, err = v.With("nope", "1")
	require.EqualError(t, err, msgBadDirective)
	_, err = v.With("hz", "x")
	require.EqualError(t, err, msgInt)
}

// Rule: section 9, row 9: the top of memory stays readable.
func TestRewriteUnsignedMemory(t *testing.T) {
	kept, _ := rewritten(t, "maxmemory 18446744073709551615\n", nil)
	require.Equal(t, "maxmemory 18446744073709551615\n\n", kept)
}

const stateFile = "/srv/s1/state"

func loadWithState(main, state string) (*Config, error) {
	return loadFiles(map[string]string{mainFile: main, stateFile: state}, "", mainFile)
}

// Rule: R-23.
func TestStateFileWins(t *testing.T) {
	id := strings.Repeat("1", runIDLen)
	main := lines("sentinel state-config-file state", "sentinel monitor m 10.0.0.1 1 1", "sentinel down-after-milliseconds m 7",
		"sentinel known-replica m 10.0.0.2 1", "sentinel known-sentinel m 10.0.0.5 1 abc", "sentinel rename-command m a b",
		"sentinel monitor only 10.0.1.1 1 1", "sentinel known-replica only 10.0.1.2 1", "sentinel announce-ip 1.1.1.1")
	state := lines("# c", "sentinel myid "+id, "sentinel monitor m 10.0.0.2 1 2", "sentinel known-replica m 10.0.0.1 1",
		"sentinel monitor new 10.0.2.1 1 1", "sentinel announce-ip \"\"", "sentinel current-epoch 4", "#gosentinel strict-durability yes")
	cfg, err := loadWithState(main, state)
	require.NoError(t, err)
	s := cfg.State
	require.Equal(t, stateFile, s.StateFile)
	require.Equal(t, id, s.MyID)
	require.Equal(t, uint64(4), s.CurrentEpoch)
	require.Empty(t, s.AnnounceIP)
	require.True(t, s.StrictDurability)
	require.Len(t, s.Masters, 3)
	m := s.Masters[0]
	require.Equal(t, Endpoint{"10.0.0.2", 1}, m.Addr)
	require.Equal(t, 2, m.Quorum)
	require.Equal(t, int64(7), m.DownAfter.Milliseconds())
	require.Equal(t, []Endpoint{{"10.0.0.1", 1}}, m.Replicas)
	require.Empty(t, m.Sentinels)
	require.Len(t, s.Masters[1].Replicas, 1)

	written := string(Rewrite([]byte(state), cfg.Values, []string{defaultUser}, s))
	for _, line := range strings.Split(strings.TrimSpace(written), "\n") {
		require.Regexp(t, "^(#|sentinel |$)", line)
	}
	again, err := loadWithState(main, written)
	require.NoError(t, err)
	for _, m := range s.Masters {
		m.HasLeaderEpoch = true
	}
	require.Equal(t, s, again.State)
}

// Rule: R-23: the state file wins also where it says the default.
func TestStateFileDefaultsWin(t *testing.T) {
	main := lines("sentinel state-config-file state", "sentinel monitor m 10.0.0.1 1 1",
		"sentinel down-after-milliseconds m 7", "sentinel resolve-hostnames yes", "sentinel announce-port 7")
	cfg, err := loadWithState(main, "")
	require.NoError(t, err)
	cfg.State.Masters[0].DownAfter = DefaultDownAfter
	cfg.State.ResolveHostnames, cfg.State.AnnouncePort = false, 0
	again, err := loadWithState(main, string(Rewrite(nil, cfg.Values, nil, cfg.State)))
	require.NoError(t, err)
	require.Equal(t, DefaultDownAfter, again.State.Masters[0].DownAfter)
	require.False(t, again.State.ResolveHostnames)
	require.Zero(t, again.State.AnnouncePort)
}

// What the main file says can be unset for good, and a master of it removed,
// until it is monitored again.
//
// Rule: R-23.
func TestStateFileTakesBack(t *testing.T) {
	main := lines("sentinel state-config-file state", "sentinel monitor m 10.0.0.1 1 1", "sentinel auth-pass m x", "sentinel auth-user m u",
		"sentinel notification-script m /bin/true", "sentinel client-reconfig-script m /bin/true", "sentinel rename-command m a b",
		"sentinel monitor gone 10.0.0.2 1 1", "sentinel auth-pass gone y", "sentinel announce-ip 1.1.1.1", "sentinel announce-port 7",
		"sentinel sentinel-user u", "sentinel sentinel-pass p")
	cfg, err := loadWithState(main, "")
	require.NoError(t, err)
	s := cfg.State
	m, gone := s.Masters[0], s.Masters[1]
	m.AuthPass, m.AuthUser, m.NotificationScript, m.ClientReconfigScript, m.Renames = nil, nil, "", "", nil
	m.HasLeaderEpoch = true
	s.AnnounceIP, s.AnnouncePort, s.SentinelUser, s.SentinelPass = "", 0, "", Secret{}
	s.Masters = s.Masters[:1]
	written := string(Rewrite(nil, cfg.Values, nil, s))
	require.Contains(t, written, "\n#gosentinel removed gone\n")
	for _, o := range optional {
		require.Contains(t, written, "\n#gosentinel unset m "+o.name+"\n")
	}
	cfg, err = loadWithState(main, written)
	require.NoError(t, err)
	require.Equal(t, s, cfg.State)
	require.Equal(t, strings.TrimSpace(written), strings.TrimSpace(string(Rewrite([]byte(written), cfg.Values, nil, cfg.State))), "kept")

	// Set again and monitored again; the main file's option of the latter stays unset.
	pass := NewSecret("z")
	cfg.State.Masters[0].AuthPass = &pass
	gone.AuthPass, gone.HasLeaderEpoch = nil, true
	cfg.State.Masters = append(cfg.State.Masters, gone)
	written = string(Rewrite([]byte(written), cfg.Values, nil, cfg.State))
	require.NotContains(t, written, "removed")
	require.NotContains(t, written, "unset m auth-pass")
	require.Contains(t, written, "\n#gosentinel unset gone auth-pass\n")
	again, err := loadWithState(main, written)
	require.NoError(t, err)
	require.Equal(t, cfg.State, again.State)

	// The main file has the last word on what it watches.
	short := lines("sentinel state-config-file state", "sentinel monitor m 10.0.0.1 1 1")
	old := "#gosentinel removed gone\n#GOSENTINEL removed x\n#gosentinel REMOVED m\n"
	cfg, err = loadWithState(short, old)
	require.NoError(t, err)
	require.Empty(t, cfg.State.Masters)
	require.True(t, strings.HasPrefix(string(Rewrite([]byte(old), cfg.Values, nil, cfg.State)), "#gosentinel removed m\n#GOSENTINEL removed x\n\n# Generated"))
}

// Rule: R-23.
func TestStateFileErrors(t *testing.T) {
	main := "sentinel state-config-file state\n"
	_, err := loadFiles(map[string]string{mainFile: main}, "", mainFile)
	require.NoError(t, err, "it need not exist yet")
	_, err = loadWithState(main, "unreadable")
	require.EqualError(t, err, "Fatal error, can't open config file '/srv/s1/state': Permission denied")
	for _, tc := range []struct{ state, text, message string }{
		{"\nhz 5\n", "hz 5", msgBadDirective},
		{"\n\"x", "\"x", msgUnbalanced},
		{"\nsentinel state-config-file x", "sentinel state-config-file x", msgUnrecognized},
		{monitor + monitor, strings.TrimSpace(monitor), msgMasterTwice},
		{"\n#gosentinel removed", "#gosentinel removed", msgArgCount},
		{"\n#gosentinel unset m", "#gosentinel unset m", msgArgCount},
		{monitor + "#gosentinel unset m quorum", "#gosentinel unset m quorum", msgUnrecognized},
	} {
		_, err = loadWithState(main, tc.state)
		requireFatal(t, err, 2, tc.text, tc.message)
	}
	kept, _ := rewritten(t, "# no state file yet\nhz 9\n", nil)
	require.Equal(t, "# no state file yet\nhz 9\n\n", kept)
}
