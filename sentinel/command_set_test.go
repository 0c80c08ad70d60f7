package sentinel

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"gosentinel/conf"
	"gosentinel/internal/resp"
)

const notSaved = "-ERR Failed to save config file. Check server logs."

// Rule: K-2.10, K-2.0, K-2.17.
func TestSetOptions(t *testing.T) {
	for _, tc := range []struct {
		name string
		args []string
		sets string // payload of +set after the master's description
		got  func(m *master) any
		want any
	}{
		{"down-after", []string{"Down-After-milliseconds", "5000"}, "Down-After-milliseconds 5000", func(m *master) any { return m.downAfter }, 5 * time.Second},
		{"failover-timeout", []string{"failover-timeout", "1"}, "failover-timeout 1", func(m *master) any { return m.failoverTimeout }, time.Millisecond},
		{"parallel-syncs", []string{"parallel-syncs", "3"}, "parallel-syncs 3", func(m *master) any { return m.parallelSyncs }, 3},
		{"quorum", []string{"QUORUM", "2147483647"}, "QUORUM 2147483647", func(m *master) any { return m.quorum }, 2147483647},
		{"reboot period", []string{"master-reboot-down-after-period", "0"}, "master-reboot-down-after-period 0", func(m *master) any { return m.rebootDownAfter }, time.Duration(0)},
		{"reboot period, Valkey's name", []string{"primary-reboot-down-after-period", "7"}, "primary-reboot-down-after-period 7", func(m *master) any { return m.rebootDownAfter }, 7 * time.Millisecond},
		{"password", []string{"auth-pass", "s3cret"}, "auth-pass ******", func(m *master) any { return m.authPass.Reveal() }, "s3cret"},
		{"no password", []string{"auth-pass", ""}, "auth-pass ******", func(m *master) any { return m.authPass }, (*conf.Secret)(nil)},
		{"user", []string{"auth-user", "bob"}, "auth-user bob", func(m *master) any { return *m.authUser }, "bob"},
		{"no user", []string{"auth-user", ""}, "auth-user ", func(m *master) any { return m.authUser }, (*string)(nil)},
		{"rename", []string{"rename-command", "Config", "X"}, "rename-command Config X", func(m *master) any { return m.renames }, []conf.Rename{{Old: "Config", New: "X"}}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			r := newRig(t, watched("mm", "10.0.0.1", 6379, 2))
			got := told(r.do(append([]string{"sentinel", "set", "mm"}, tc.args...)...))
			require.Equal(t, []string{
				"persist",
				"# +set master mm 10.0.0.1 6379 " + tc.sets + " *",
				"reply +OK or " + notSaved + " *",
			}, got)
			require.Equal(t, tc.want, tc.got(r.c.byName["mm"]))
		})
	}
}

// Rule: K-2.10, R-3.
func TestSetRefuses(t *testing.T) {
	for _, tc := range []struct{ args, want string }{
		{"foo 1", "-ERR Unknown option or number of arguments for SENTINEL SET 'foo'"},
		{"rename-command a", "-ERR Unknown option or number of arguments for SENTINEL SET 'rename-command'"},
		{"Quorum 0", "-ERR Invalid argument '0' for SENTINEL SET 'Quorum'"},
		{"quorum 4294967296", "-ERR Invalid argument '4294967296' for SENTINEL SET 'quorum'"},
		{"quorum 2147483648", "-ERR Invalid argument '2147483648' for SENTINEL SET 'quorum'"},
		{"parallel-syncs x", "-ERR Invalid argument 'x' for SENTINEL SET 'parallel-syncs'"},
		{"parallel-syncs 01", "-ERR Invalid argument '01' for SENTINEL SET 'parallel-syncs'"},
		{"down-after-milliseconds 0", "-ERR Invalid argument '0' for SENTINEL SET 'down-after-milliseconds'"},
		{"down-after-milliseconds 9223372036854775807", "-ERR Invalid argument '9223372036854775807' for SENTINEL SET 'down-after-milliseconds'"},
		{"failover-timeout -1", "-ERR Invalid argument '-1' for SENTINEL SET 'failover-timeout'"},
		{"master-reboot-down-after-period -1", "-ERR Invalid argument '-1' for SENTINEL SET 'master-reboot-down-after-period'"},
		{"rename-command ~ ~", "-ERR Invalid argument '' for SENTINEL SET 'rename-command'"},
		{"rename-command a ~", "-ERR Invalid argument '' for SENTINEL SET 'rename-command'"},
		{"rename-command ~ b", "-ERR Invalid argument '' for SENTINEL SET 'rename-command'"},
		{"auth-pass a\nsentinel", "-ERR Invalid character in value."},
		{"rename-command a b\nc", "-ERR Invalid character in value."},
		{"notification-script ~", "-" + textScriptsDenied},
		{"client-reconfig-script /bin/true", "-" + textScriptsDenied},
	} {
		t.Run(tc.args, func(t *testing.T) {
			r := newRig(t, watched("mm", "10.0.0.1", 6379, 2))
			before, _ := r.c.Durable()
			args := strings.Split(tc.args, " ")
			for i, a := range args {
				if a == "~" {
					args[i] = ""
				}
			}
			require.Equal(t, []string{"reply " + tc.want}, told(r.do(append([]string{"sentinel", "set", "mm"}, args...)...)))
			after, _ := r.c.Durable()
			require.Equal(t, before, after)
		})
	}
}

// Rule: K-2.10, not atomic.
func TestSetKeepsWhatCameBeforeABadOption(t *testing.T) {
	r := newRig(t, watched("mm", "10.0.0.1", 6379, 2))
	require.Equal(t, []string{
		"persist",
		"# +set master mm 10.0.0.1 6379 quorum 3 *",
		"# +set master mm 10.0.0.1 6379 quorum 4 *",
		"reply -ERR Invalid argument '0' for SENTINEL SET 'failover-timeout' *",
	}, told(r.do("sentinel", "set", "mm", "quorum", "3", "quorum", "4", "failover-timeout", "0", "parallel-syncs", "9")))
	require.Equal(t, 4, r.c.byName["mm"].quorum)
	require.Equal(t, 1, r.c.byName["mm"].parallelSyncs)
}

// Rule: K-2.10, B-920.
func TestSetScript(t *testing.T) {
	st := watched("mm", "10.0.0.1", 6379, 2)
	st.DenyScriptsReconfig = false
	r := newRig(t, st)
	in := request(1, "SENTINEL", "Set", "mm", "notification-script", "/nope", "client-reconfig-script", "/r", "notification-script", "")
	require.Equal(t, []string{"/nope", "/r"}, ScriptPaths(in.Args))
	in.NotExecutable = []string{"/nope"}
	require.Equal(t, []string{"reply -ERR Notification script seems non existing or non executable"}, told(r.step(in)))
	in = request(2, "sentinel", "set", "mm", "client-reconfig-script", "/nope")
	in.NotExecutable = []string{"/nope"}
	require.Equal(t, []string{"reply -ERR Client reconfiguration script seems non existing or non executable"}, told(r.step(in)))

	require.Equal(t, []string{
		"persist",
		"# +set master mm 10.0.0.1 6379 notification-script /n *",
		"reply +OK or " + notSaved + " *",
		"run 1 /n|+set|master mm 10.0.0.1 6379 notification-script /n *",
	}, told(r.do("sentinel", "set", "mm", "notification-script", "/n")), "a new script hears of its own coming")
	require.Equal(t, "+OK", r.line("sentinel", "set", "mm", "notification-script", ""))
	require.Empty(t, r.c.byName["mm"].notifyScript)
}

func TestScriptPathsOfOtherRequests(t *testing.T) {
	for _, args := range []string{"", "sentinel", "info", "sentinel set mm notification-script", "sentinel get mm notification-script /x", "sentinel set mm foo notification-script /x"} {
		require.Nil(t, ScriptPaths(request(1, strings.Fields(args)...).Args), args)
	}
}

// Rule: K-2.10.
func TestSetRenameReplacesAndEnds(t *testing.T) {
	r := newRig(t, watched("mm", "10.0.0.1", 6379, 2))
	m := r.c.byName["mm"]
	require.Equal(t, "+OK", r.line("sentinel", "set", "mm", "rename-command", "Config", "FOO"))
	st, _ := r.c.Durable()
	require.Equal(t, "+OK", r.line("sentinel", "set", "mm", "rename-command", "info", "x", "rename-command", "config", "FOO2"))
	require.Equal(t, []conf.Rename{{Old: "info", New: "x"}, {Old: "config", New: "FOO2"}}, m.renames)
	require.Equal(t, []conf.Rename{{Old: "Config", New: "FOO"}}, st.Masters[0].Renames, "a state handed on never changes")
	require.Equal(t, "FOO2", m.rename("CONFIG"))
	require.Equal(t, "+OK", r.line("sentinel", "set", "mm", "rename-command", "config", "CONFIG"))
	require.Equal(t, []conf.Rename{{Old: "info", New: "x"}}, m.renames)
}

// Rule: B-120.
func TestNewCredentialsCloseLinks(t *testing.T) {
	st := around(watched("mm", "10.0.0.1", 6379, 2), 1, 1)
	hangups := func(es []Effect) (n int) {
		for _, e := range es {
			if _, ok := e.Action.(Hangup); ok {
				n++
			}
		}
		return n
	}
	r := newRig(t, st)
	r.wait(time.Millisecond)
	require.Equal(t, 4, hangups(r.do("sentinel", "set", "mm", "auth-pass", "x")), "two each of master and replica")
	r.wait(2 * time.Second)
	require.Equal(t, 4, hangups(r.do("sentinel", "set", "mm", "auth-user", "u")))
	r.wait(2 * time.Second)
	es := r.do("sentinel", "config", "set", "sentinel-pass", "x")
	require.Equal(t, 1, hangups(es), "that of the peer")
	require.IsType(t, Respond{}, es[1].Action, "after the reply")
	require.IsType(t, Hangup{}, es[2].Action)
	r.wait(2 * time.Second)
	require.Zero(t, hangups(r.do("sentinel", "config", "set", "sentinel-pass", "x", "announce-port", "1")), "nothing new")
}

// Rule: B-103.
func TestDownAfterHoldsForAllAroundTheMaster(t *testing.T) {
	r := newRig(t, around(watched("mm", "10.0.0.1", 6379, 2), 1, 1))
	require.Equal(t, "+OK", r.line("sentinel", "set", "mm", "down-after-milliseconds", "700"))
	require.Equal(t, "700", valueOf(t, r.ask("sentinel", "replicas", "mm").Elems[0], "down-after-milliseconds"))
	require.Equal(t, "700", valueOf(t, r.ask("sentinel", "sentinels", "mm").Elems[0], "down-after-milliseconds"))
}

// Rule: K-2.11, C-87.
func TestConfigGet(t *testing.T) {
	st := watchedNone()
	st.LogLevel, st.AnnounceIP, st.AnnouncePort = "Verbose", "1.2.3.4", 7
	st.SentinelUser, st.SentinelPass = "u", conf.NewSecret("p")
	r := newRig(t, st)
	keys, v := pairs(t, r.ask("sentinel", "config", "get", "*"))
	require.Equal(t, []string{"resolve-hostnames", "announce-hostnames", "announce-ip", "announce-port", "sentinel-user", "sentinel-pass", "loglevel"}, keys)
	require.Equal(t, map[string]string{"resolve-hostnames": "no", "announce-hostnames": "no", "announce-ip": "1.2.3.4",
		"announce-port": "7", "sentinel-user": "u", "sentinel-pass": "p", "loglevel": "verbose"}, v)
	keys, _ = pairs(t, r.ask("sentinel", "config", "GET", "LOG*", "announce-?p", "*port", "ANNOUNCE-*"))
	require.Equal(t, []string{"loglevel", "announce-ip", "announce-port", "announce-hostnames"}, keys)
	require.Equal(t, "*0", r.line("sentinel", "config", "get", "nosuch"))
}

// Rule: K-2.11, C-88, C-87, R-3.
func TestConfigSetRefuses(t *testing.T) {
	for _, tc := range []struct{ args, want string }{
		{"get", "-ERR wrong number of arguments for 'sentinel|config' command"},
		{"set k", "-" + textOnlyConfig},
		{"foo bar", "-" + textOnlyConfig},
		{"a b c", "-" + textOnlyConfig},
		{"set nosuch 1", "-ERR Invalid argument 'nosuch' to SENTINEL CONFIG SET"},
		{"set a b c", "-ERR Invalid argument 'a' to SENTINEL CONFIG SET"},
		{"set Announce-port 70000", "-ERR Invalid value '70000' to SENTINEL CONFIG SET 'Announce-port'"},
		{"set announce-port 0x", "-ERR Invalid value '0x' to SENTINEL CONFIG SET 'announce-port'"},
		{"set resolve-hostnames maybe", "-ERR Invalid value 'maybe' to SENTINEL CONFIG SET 'resolve-hostnames'"},
		{"set loglevel loud", "-ERR Invalid value 'loud' to SENTINEL CONFIG SET 'loglevel'"},
		{"set announce-port 1 announce-ip", "-ERR Missing argument 'announce-ip' value"},
		{"set announce-port 1 ANNOUNCE-PORT 2", "-ERR Duplicate argument 'ANNOUNCE-PORT' to SENTINEL CONFIG SET"},
		{"set announce-port 1 announce-port", "-ERR Duplicate argument 'announce-port' to SENTINEL CONFIG SET"},
		{"set announce-port 1 resolve-hostnames x nosuch y", "-ERR Invalid value 'x' to SENTINEL CONFIG SET 'resolve-hostnames'"},
		{"set announce-port 1 announce-ip a\nb", "-ERR Invalid character in value."},
	} {
		t.Run(tc.args, func(t *testing.T) {
			r := newRig(t, watchedNone())
			args := append([]string{"sentinel", "config"}, strings.Split(tc.args, " ")...)
			require.Equal(t, []string{"reply " + tc.want}, told(r.do(args...)))
			require.Zero(t, r.c.announcePort, "nothing of it is applied")
		})
	}
}

// Rule: K-2.11, C-88, B-1110.
func TestConfigSet(t *testing.T) {
	r := newRig(t, watched("mm", "10.0.0.1", 6379, 2))
	require.Equal(t, []string{
		"persist", "loglevel debug *", "show mm 10.0.0.1 6379 *", "reply +OK or " + notSaved + " *",
	}, told(r.do("sentinel", "config", "set", "LogLevel", "DEBUG", "announce-hostnames", "YES", "announce-ip", "x", "announce-port", "65535", "sentinel-user", "u", "resolve-hostnames", "yes")))
	st, _ := r.c.Durable()
	require.Equal(t, "debug", st.LogLevel)
	require.Equal(t, "x", st.AnnounceIP)
	require.Equal(t, 65535, st.AnnouncePort)
	require.Equal(t, "u", st.SentinelUser)
	require.True(t, st.AnnounceHostnames)
	require.True(t, st.ResolveHostnames)
	require.Equal(t, "+OK", r.line("sentinel", "config", "set", "announce-ip", "", "announce-port", "0"))
	st, _ = r.c.Durable()
	require.Empty(t, st.AnnounceIP)
	require.Contains(t, r.c.helloPayload(r.c.byName["mm"], "9.9.9.9"), "9.9.9.9,", "an empty announce-ip is none")
}

// Design, section 5: hellos go out at once on every change.
func TestNewAnnouncementIsTold(t *testing.T) {
	r := newRig(t, watched("mm", "10.0.0.1", 6379, 2))
	r.wait(time.Millisecond)
	r.step(LinkUp{Link: r.c.byName["mm"].link.cmd.id, Local: "10.0.0.9"})
	r.step(Answer{Tag: r.hello(), Value: resp.Int(1)})
	hellos := func(es []Effect) (out []string) {
		for _, e := range es {
			if s, ok := e.Action.(*Send); ok && s.Cmds[0][0] == "PUBLISH" {
				out = append(out, s.Cmds[0][2])
			}
		}
		return out
	}
	require.Empty(t, hellos(r.do("sentinel", "config", "set", "loglevel", "debug")))
	got := hellos(r.do("sentinel", "config", "set", "announce-ip", "1.2.3.4"))
	require.Equal(t, []string{"1.2.3.4,0," + testID + ",0,mm,10.0.0.1,6379,0"}, got)
}

// hello is the tag of the hello that is on its way to the first master.
func (r *rig) hello() Tag {
	for _, p := range r.c.masters[0].link.cmd.pending.all() {
		if p.is == sendHello {
			return p.tag
		}
	}
	require.Fail(r.t, "no hello is on its way")
	return 0
}

// Rule: K-2.12.
func TestDebug(t *testing.T) {
	r := newRig(t, watchedNone())
	keys, v := pairs(t, r.ask("sentinel", "debug"))
	require.Equal(t, strings.Fields("INFO-PERIOD PING-PERIOD ASK-PERIOD PUBLISH-PERIOD DEFAULT-DOWN-AFTER DEFAULT-FAILOVER-TIMEOUT TILT-TRIGGER TILT-PERIOD SLAVE-RECONF-TIMEOUT MIN-LINK-RECONNECT-PERIOD ELECTION-TIMEOUT SCRIPT-MAX-RUNTIME SCRIPT-RETRY-DELAY"), keys)
	require.Equal(t, []string{"10000", "1000", "180000"}, []string{v["INFO-PERIOD"], v["ASK-PERIOD"], v["DEFAULT-FAILOVER-TIMEOUT"]})
	require.Equal(t, []string{"reply +OK"}, told(r.do("sentinel", "debug", "info-PERIOD", "5", "default-down-after", "77")), "nothing is saved")
	require.Equal(t, "5", valueOf(t, r.ask("sentinel", "debug"), "INFO-PERIOD"))
	require.Equal(t, "+OK", r.line("sentinel", "monitor", "mm", "10.0.0.1", "6379", "1"))
	require.Equal(t, "77", valueOf(t, r.ask("sentinel", "master", "mm"), "down-after-milliseconds"))
	for _, tc := range []struct{ args, want string }{
		{"foo", "-ERR Unknown option or number of arguments for SENTINEL DEBUG 'foo'"},
		{"INFO-period", "-ERR Unknown option or number of arguments for SENTINEL DEBUG 'INFO-period'"},
		{"INFO-period 0", "-ERR Invalid argument '0' for SENTINEL DEBUG 'INFO-period'"},
		{"info-period 2147483648", "-ERR Invalid argument '2147483648' for SENTINEL DEBUG 'info-period'"},
		{"info-period 010", "-ERR Invalid argument '010' for SENTINEL DEBUG 'info-period'"},
		{"ping-period 9 info-period x", "-ERR Invalid argument 'x' for SENTINEL DEBUG 'info-period'"},
	} {
		require.Equal(t, tc.want, r.line(append([]string{"sentinel", "debug"}, strings.Fields(tc.args)...)...))
	}
	require.Equal(t, "9", valueOf(t, r.ask("sentinel", "debug"), "PING-PERIOD"), "earlier pairs stay")
}

// Rule: K-0, user text in an error stops at NUL and has no line ends.
func TestErrorsRepeatInputSafely(t *testing.T) {
	r := newRig(t, watched("mm", "10.0.0.1", 6379, 2))
	require.Equal(t, "-ERR Unknown option or number of arguments for SENTINEL SET 'a  b'", r.line("sentinel", "set", "mm", "a\r\nb\x00c", "1"))
	require.Equal(t, resp.Error, r.ask("sentinel", "config", "set", "a\x00\nb", "1").Kind)
}
