package conf

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// loadFiles reads files, the main one among them, with arguments and stdin.
func loadFiles(files map[string]string, stdin string, args ...string) (*Config, error) {
	host := newMemHost(files)
	a := ParseArgs(args)
	in := Input{Args: a, Stdin: []byte(stdin)}
	if a.HasFile {
		in.File = a.File
	}
	return Load(host, Checks{Command: hasCommand}, in)
}

// requireFatal checks a rejected line.
func requireFatal(t *testing.T, err error, line int, text, message string) {
	t.Helper()
	var fatal *FatalError
	require.ErrorAs(t, err, &fatal)
	require.Equal(t, FatalError{line, text, message}, *fatal)
}

// Rule: C-22, R-2, B-1101.
func TestFatalBlock(t *testing.T) {
	_, err := load("port 1\n  sentinel monitor mm 127.0.0.1 42001 0  \n")
	require.Equal(t, `
*** FATAL CONFIG FILE ERROR (Redis 7.2.4) ***
Reading the configuration file, at line 2
>>> 'sentinel monitor mm 127.0.0.1 42001 0'
Quorum must be 1 or greater.
`, err.(*FatalError).Block())
	_, err = load("logfile /nope/x\n")
	require.Equal(t, `
*** FATAL CONFIG FILE ERROR (Redis 7.2.4) ***
Can't open the log file: No such file or directory
`, err.(*FatalError).Block())
}

// Rule: C-1, C-2, C-3, C-39.
func TestTextIsFileThenStdinThenOptions(t *testing.T) {
	files := map[string]string{mainFile: "hz 20\ntimeout 3", "/two": "hz 20\ntimeout 4\n"}
	cfg, err := loadFiles(files, "00\nhz 30\n", mainFile, "--hz", "40", "-")
	require.NoError(t, err)
	require.Equal(t, 300*time.Second, cfg.Settings.Timeout) // file and stdin fuse
	require.Equal(t, 40, cfg.Settings.Hz)
	require.Equal(t, []LogLine{{Level: '*', Text: "Reading config from stdin"}}, cfg.Log)

	_, err = loadFiles(files, "", "/two", "--hz", "x")
	requireFatal(t, err, 4, `hz "x"`, msgInt)
	_, err = loadFiles(files, "", "--hz", "x")
	requireFatal(t, err, 2, `hz "x"`, msgInt)
	_, err = loadFiles(files, "hz 1\nhz x\n", "-")
	requireFatal(t, err, 2, "hz x", msgInt)
}

// Rule: C-34, C-36, R-12, docs/architecture.md, settings of our own.
func TestParseArgs(t *testing.T) {
	for _, tc := range []struct {
		name string
		args []string
		want Args
	}{
		{"nothing", nil, Args{}},
		{"file with blanks", []string{" a.conf\t"}, Args{File: "a.conf", HasFile: true}},
		{"stdin alone", []string{"-"}, Args{Stdin: true}},
		{"stdin last, though a value is due", []string{"f", "--hz", "-"}, Args{File: "f", HasFile: true, Stdin: true, Text: "hz "}},
		{"a dash in between is a value", []string{"f", "--hz", "-", "1"}, Args{File: "f", HasFile: true, Text: `hz "-" "1" `}},
		{"several options", []string{"f", "--hz", "1", "--port", "2"}, Args{File: "f", HasFile: true, Text: "hz \"1\" \nport \"2\" "}},
		{"two words in one", []string{"f", "--hz 1", "--port", "2"}, Args{File: "f", HasFile: true, Text: "hz 1 \nport \"2\" "}},
		{"a value may begin with dashes", []string{"f", "--syslog-ident", "--foo"}, Args{File: "f", HasFile: true, Text: `syslog-ident "--foo" `}},
		{"bare --sentinel", []string{"f", "--sentinel", "--hz", "1"}, Args{File: "f", HasFile: true, Text: "sentinel \nhz \"1\" "}},
		{"bare --save", []string{"f", "--save"}, Args{File: "f", HasFile: true, Text: `save "" `}},
		{"unparsable option", []string{"f", `--hz "`, "--port"}, Args{File: "f", HasFile: true, Text: "hz \" \nport "}},
		{"a setting of our own", []string{"f", "--gosentinel-strict-durability", "yes", "--hz", "1"},
			Args{File: "f", HasFile: true, Text: "#gosentinel strict-durability \"yes\" \nhz \"1\" "}},
	} {
		t.Run(tc.name, func(t *testing.T) { require.Equal(t, tc.want, ParseArgs(tc.args)) })
	}
}

// Rule: docs/architecture.md, settings of our own.
func TestOwnSettings(t *testing.T) {
	file := "#gosentinel STRICT-durability yes\n# gosentinel strict-durability maybe\n#gosentinels x\n#gosentinel later \"a b\" c\n"
	files := map[string]string{mainFile: file}
	cfg, err := loadFiles(files, "", mainFile)
	require.NoError(t, err)
	require.True(t, cfg.State.StrictDurability)
	require.Equal(t, []LogLine{{Level: '#', Text: "Unknown setting '#gosentinel later' is ignored", Ours: true}}, cfg.Log)

	cfg, err = loadFiles(files, "", mainFile, "--gosentinel-strict-durability", "no")
	require.NoError(t, err)
	require.False(t, cfg.State.StrictDurability, "the command line wins")
	again := string(Rewrite([]byte(file), cfg.Values, nil, cfg.State))
	require.True(t, strings.HasPrefix(again, file), "kept in place, and the option is not written")

	cfg, err = loadFiles(files, "", mainFile, "--gosentinel-trace", "/var/log/sentinel.trace", "--gosentinel-trace-size", "8mb")
	require.NoError(t, err)
	require.Equal(t, "/var/log/sentinel.trace", cfg.State.TraceFile)
	require.EqualValues(t, 8<<20, cfg.State.TraceSize)

	for _, tc := range []struct{ line, message string }{
		{"#gosentinel strict-durability maybe", msgBool},
		{"#gosentinel strict-durability", msgArgCount},
		{"#gosentinel trace", msgArgCount},
		{"#gosentinel trace-size 1k", "argument must be between 1048576 and 1099511627776 inclusive"},
		{"#gosentinel trace-size 1x", "argument must be between 1048576 and 1099511627776 inclusive"},
		{"#gosentinel trace-size", msgArgCount},
		{"#gosentinel strict-durability yes no", msgArgCount},
		{`#gosentinel strict-durability "yes`, msgUnbalanced},
	} {
		_, err = load("\n" + tc.line)
		requireFatal(t, err, 2, tc.line, tc.message)
	}
}

// Rule: C-4, C-5, C-8, C-10, C-18.
func TestOddBytes(t *testing.T) {
	_, err := load("hz 1\n# a\x00b\n")
	requireFatal(t, err, 2, "# a\x00b", msgCharacter)
	_, err = load(`pidfile "a\x00"`)
	requireFatal(t, err, 1, `pidfile "a\x00"`, msgCharacter)
	_, err = load("\ufeffport 1")
	requireFatal(t, err, 1, "\ufeffport 1", msgBadDirective)
	cfg, err := load(" \t# x\n\v\f\nhz 33")
	require.NoError(t, err)
	require.Equal(t, 33, cfg.Settings.Hz)
	got := string(Rewrite([]byte("hz 33\n\v\f\n\nhz 1"), cfg.Values, nil, cfg.State))
	require.True(t, strings.HasPrefix(got, "hz 33\n\n"+marker), got)
}

// Rule: C-24, C-25, C-28, C-30.
func TestInclude(t *testing.T) {
	files := map[string]string{
		mainFile:       "hz 20\ninclude /a\ntimeout 9\ndir /etc/redis\ninclude b\n",
		"/a":           "hz 30\ntimeout 8\nlogfile /log\n",
		"/etc/redis/b": "tcp-backlog 7\nsentinel monitor m 10.0.0.1 1 1",
	}
	host := newMemHost(files)
	cfg, err := Load(host, Checks{}, Input{File: mainFile})
	require.NoError(t, err)
	require.Equal(t, 30, cfg.Settings.Hz)
	require.Equal(t, 9*time.Second, cfg.Settings.Timeout)
	require.Equal(t, 7, cfg.Settings.TCPBacklog)
	require.Equal(t, "/etc/redis", cfg.Settings.Dir)
	require.Len(t, cfg.State.Masters, 1)
	require.Equal(t, []string{"log /log", "chdir /etc/redis", "log /log", "log /log"}, host.calls)
	got := string(Rewrite([]byte(files[mainFile]), cfg.Values, nil, cfg.State))
	require.Contains(t, got, "\ninclude /a\n")
	require.Contains(t, got, "\ntcp-backlog 7\n")
	require.Contains(t, got, "\nsentinel monitor m 10.0.0.1 1 1\n")
}

// Rule: C-27: what was read before tells the caller where to log.
func TestIncludeMissing(t *testing.T) {
	cfg, err := load("logfile /log\ninclude /none\n")
	var open *OpenError
	require.ErrorAs(t, err, &open)
	require.EqualError(t, err, "Fatal error, can't open config file '/none': No such file or directory")
	require.Equal(t, "/log", cfg.Settings.LogFile)
	_, err = loadFiles(map[string]string{}, "", "/nothing")
	require.EqualError(t, err, "Fatal error, can't open config file '/nothing': No such file or directory")
	_, err = loadFiles(map[string]string{"/i": "unreadable", mainFile: "include /i*"}, "", mainFile)
	require.EqualError(t, err, "Fatal error, can't open config file '/i': Permission denied")
}

// Rule: C-29.
func TestIncludeLoop(t *testing.T) {
	_, err := load("include " + mainFile)
	requireFatal(t, err, 1, "include "+mainFile, msgInclude)
	// No loop, but each file doubles the work.
	files := map[string]string{mainFile: "include /0\ninclude /0\n"}
	for i := range maxIncludeDepth - 4 {
		files[fmt.Sprintf("/%d", i)] = strings.Repeat(fmt.Sprintf("include /%d\n", i+1), 2)
	}
	files[fmt.Sprintf("/%d", maxIncludeDepth-4)] = ""
	host := newMemHost(files)
	_, err = Load(host, Checks{}, Input{File: mainFile})
	var fatal *FatalError
	require.ErrorAs(t, err, &fatal)
	require.Equal(t, msgInclude, fatal.Message)
}

// Rule: C-23, C-52, B-1101.
func TestSentinelLinesComeLast(t *testing.T) {
	_, err := load("sentinel monitor m 127.0.0.1 1 0\nhz x\n")
	requireFatal(t, err, 2, "hz x", msgInt)
	_, err = load("sentinel bogus\nsentinel monitor m 127.0.0.1 1 0\nsentinel myid short\n")
	requireFatal(t, err, 3, "sentinel myid short", msgMyID)
	_, err = load("sentinel bogus\nsentinel monitor m 127.0.0.1 1 0\n")
	requireFatal(t, err, 2, "sentinel monitor m 127.0.0.1 1 0", msgQuorum)
	cfg, err := load("sentinel auth-pass m x\nsentinel monitor m a.example 1 1\nsentinel resolve-hostnames yes\n")
	require.NoError(t, err)
	require.Equal(t, "x", cfg.State.Masters[0].AuthPass.Reveal())
	require.Equal(t, Endpoint{"a.example", 1}, cfg.State.Masters[0].Addr)
}

// Rule: C-56, R-3, R-10.
func TestHosts(t *testing.T) {
	for _, tc := range []struct {
		host, want string // want "" = refused
	}{
		{"127.1", "127.0.0.1"},
		{"a.example", "a.example"},
		{"300.1.1.1", "300.1.1.1"}, // no literal, so a name
		{`""`, ""},
		{`"a b"`, ""},
		{"a,b", ""},
		{strings.Repeat("a", MaxHost+1), ""},
	} {
		cfg, err := load("sentinel resolve-hostnames yes\nsentinel monitor m " + tc.host + " 1 1\n")
		if tc.want == "" {
			require.ErrorContains(t, err, msgHost, tc.host)
			require.Equal(t, byte('#'), cfg.Log[0].Level)
			require.Contains(t, cfg.Log[0].Text, "Failed to resolve hostname '")
			continue
		}
		require.NoError(t, err, tc.host)
		require.Equal(t, tc.want, cfg.State.Masters[0].Addr.Host)
	}
}

// A literal IP keeps its text where texts are announced; its replicas are told
// apart by what is announced.
//
// Rule: C-57, C-103, B-1121.
func TestTextsOfLiterals(t *testing.T) {
	text := "sentinel monitor m 127.1 0 1\nsentinel known-replica m 127.2 0\nsentinel known-replica m 127.0.0.2 0\n"
	cfg, err := load(text)
	require.NoError(t, err)
	require.Equal(t, []Endpoint{{"127.0.0.2", 0}}, cfg.State.Masters[0].Replicas)
	cfg, err = load(text + "sentinel announce-hostnames yes\n")
	require.NoError(t, err)
	require.Equal(t, "127.1", cfg.State.Masters[0].Addr.Host)
	require.Equal(t, []Endpoint{{"127.2", 0}, {"127.0.0.2", 0}}, cfg.State.Masters[0].Replicas)
}

// Rule: C-55, C-61, 3.2.
func TestSentinelState(t *testing.T) {
	id := strings.Repeat("0", runIDLen)
	cfg, err := load(`sentinel myid ` + id + `
sentinel current-epoch 5
sentinel announce-ip 10.9.9.9
sentinel announce-port 7
sentinel sentinel-user su
sentinel sentinel-pass sp
sentinel deny-scripts-reconfig no
sentinel announce-hostnames yes
sentinel monitor m 10.0.0.1 6379 2
sentinel down-after-milliseconds m 5000000000
sentinel parallel-syncs m -1
sentinel notification-script m /bin/true
sentinel auth-user m ""
sentinel config-epoch m 9
sentinel leader-epoch m 8
sentinel known-slave m 10.0.0.2 6379
sentinel known-sentinel m 10.0.0.3 26379 abc
sentinel rename-command m CONFIG ""
sentinel primary-reboot-down-after-period m 10
port 1
tls-port 2
tls-replication yes
requirepass rp
loglevel NOTHING
`)
	require.NoError(t, err)
	empty := ""
	require.Equal(t, State{
		Port: 1, TLSPort: 2, TLSReplication: true, RequirePass: NewSecret("rp"), LogLevel: "nothing",
		MyID: id, CurrentEpoch: 9, AnnounceHostnames: true, AnnounceIP: "10.9.9.9", AnnouncePort: 7,
		SentinelUser: "su", SentinelPass: NewSecret("sp"),
		Masters: []*Master{{
			Name: "m", Addr: Endpoint{"10.0.0.1", 6379}, Quorum: 2,
			DownAfter: 5_000_000 * time.Second, FailoverTimeout: DefaultFailoverTimeout,
			ParallelSyncs: -1, NotificationScript: "/bin/true", AuthUser: &empty,
			RebootDownAfter: 10 * time.Millisecond, Renames: []Rename{{"CONFIG", ""}},
			ConfigEpoch: 9, LeaderEpoch: 8, HasLeaderEpoch: true,
			Replicas:  []Endpoint{{"10.0.0.2", 6379}},
			Sentinels: []Peer{{Endpoint{"10.0.0.3", 26379}, "abc"}},
		}},
	}, cfg.State)
}

// Rule: C-65, C-69, C-74.
func TestSettings(t *testing.T) {
	d := Default().Settings
	require.Equal(t, DefaultPort, d.Port)
	require.False(t, d.ProtectedMode)
	require.Equal(t, []string{"*", "-::*"}, d.Bind)
	require.Equal(t, OutputLimit{32 << 20, 8 << 20, time.Minute}, d.OutputPubSub)
	require.Equal(t, int64(1<<30), d.QueryBufferLimit)
	require.Equal(t, "no", d.OOMScoreAdj)
	require.Equal(t, [3]int{0, 200, 800}, d.OOMScoreAdjValues)
	require.True(t, Default().State.DenyScriptsReconfig)

	cfg, err := load(`bind ""
client-output-buffer-limit normal 1kb 2k 3
maxmemory-clients 7%
oom-score-adj yes
unixsocketperm 770
acl-pubsub-default allchannels
tls-protocols "TLSv1.2 TLSv1.3"
maxmemory 18446744073709551615
rename-command PING ""
user alice on nopass
`)
	require.NoError(t, err)
	s := cfg.Settings
	require.Empty(t, s.Bind)
	require.Equal(t, OutputLimit{1024, 2000, 3 * time.Second}, s.OutputNormal)
	require.Equal(t, int64(-7), s.MaxMemoryClients)
	require.Equal(t, "relative", s.OOMScoreAdj)
	require.Equal(t, uint32(0o770), s.UnixSocketPerm)
	require.True(t, s.ACLPubSubAll)
	require.Equal(t, "TLSv1.2 TLSv1.3", s.TLS.Protocols)
	require.Equal(t, uint64(1<<64-1), s.MaxMemory)
	require.Equal(t, []Rename{{"PING", ""}}, s.Renames)
	require.Equal(t, 1, cfg.Users.Len())
}

// Rule: C-67, C-82, 4.3.
func TestWarnings(t *testing.T) {
	const shadowed = "WARNING: 'requirepass' has no effect: the 'user default' line does not have this password"
	for _, tc := range []struct{ file, want string }{
		{"appendonly yes\nappendonly yes", "WARNING: 'appendonly' has no effect in a Sentinel and is ignored"},
		{"slaveof a 1", "WARNING: 'replicaof' has no effect in a Sentinel and is ignored"},
		{"cluster-enabled yes", "WARNING: 'cluster-enabled' has no effect in a Sentinel and is ignored"},
		{"appendonly no\nreplicaof no one", ""},
		{"requirepass a\nuser default on nopass ~* &* +@all", shadowed},
		{"requirepass a\nuser default on >a nopass ~* &* +@all", shadowed},
		{"requirepass a\nuser default on >a ~* &* +@all", ""},
		{"requirepass a\nuser default on #ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb ~* &* +@all", ""},
		{"requirepass a", ""},
		{"oom-score-adj-values 5 4 6", "The oom-score-adj-values configuration may not work for non-privileged processes! " +
			"Please consult the documentation."},
	} {
		cfg, err := load(tc.file)
		require.NoError(t, err, tc.file)
		var want []LogLine
		if tc.want != "" {
			want = []LogLine{{Level: '#', Text: tc.want, Ours: !strings.HasPrefix(tc.want, "The oom")}} // which is the original's
		}
		require.Equal(t, want, cfg.Log, tc.file)
	}
}

// Rule: C-68.
func TestTitle(t *testing.T) {
	for _, tc := range []struct{ file, want string }{
		{"", "redis-sentinel *:26379 [sentinel]"},
		{"bind 10.0.0.1 ::1\nport 7", "redis-sentinel 10.0.0.1:7 [sentinel]"},
		{"port 0\ntls-port 8", "redis-sentinel *:8 [sentinel]"},
		{"port 0\nunixsocket /s", "redis-sentinel unixsocket:/s [sentinel]"},
		{`proc-title-template " {{{port} {tls-port} {config-file} {unixsocket} "`, "{26379 0 /c"},
	} {
		cfg, err := load(tc.file)
		require.NoError(t, err)
		got, ok := cfg.Settings.Title("redis-sentinel", "/c")
		require.True(t, ok)
		require.Equal(t, tc.want, got)
	}
}

// Rule: C-64, C-85, 4.7.
func TestNamesOfLaterVersions(t *testing.T) {
	file := lines("primaryuser u", "primaryauth p", "server-cpulist 0", "gopher-enabled no", "hide-user-data-from-log yes",
		"max-new-connections-per-cycle 20", "availability-zone \"z\"", "unixsocketgroup \"g\"", "log-format logfmt",
		"repl-diskless-load flush-before-load", "set-max-listpack-entries 9", "locale-collate \"C\"", "cluster-ping-interval 3")
	cfg, err := load(file)
	require.NoError(t, err)
	want := strings.NewReplacer("primaryuser u", `masteruser "u"`, "primaryauth p", `masterauth "p"`,
		"server-cpulist 0", `server_cpulist "0"`).Replace(file)
	got := string(Rewrite([]byte(file), cfg.Values, nil, cfg.State))
	require.True(t, strings.HasPrefix(got, want), got)
	_, err = load("cluster-announce-human-nodename a%")
	requireFatal(t, err, 1, "cluster-announce-human-nodename a%", "Announced human node name contained invalid character")
	_, err = load("max-new-connections-per-cycle 1001")
	requireFatal(t, err, 1, "max-new-connections-per-cycle 1001", "argument must be between 1 and 1000 inclusive")
}

// Rule: C-19.
func TestMasterNamesHaveCase(t *testing.T) {
	_, err := load("sentinel monitor MM 127.0.0.1 1 1\nsentinel auth-pass mm x\n")
	requireFatal(t, err, 2, "sentinel auth-pass mm x", msgNoMaster)
}

// Rule: C-6, C-9, C-20, C-21, C-32, C-53, C-54, C-57, C-59.
func TestLines(t *testing.T) {
	long := strings.Repeat("x", 100_000)
	cfg, err := load("# " + long + "\nsyslog-ident " + long + "\nhz 20\nhz 30\nbind 10.0.0.1\nbind \"127.0.0.1 ::1\"\n" +
		"sentinel monitor m 127.0.0.1 0 1\nsentinel resolve-hostnames yes\n" +
		"sentinel known-replica m localhost 1\nsentinel known-replica m 127.0.0.1 1\n")
	require.NoError(t, err)
	require.Equal(t, long, cfg.Settings.SyslogIdent)
	require.Equal(t, 30, cfg.Settings.Hz)
	require.Equal(t, []string{"127.0.0.1", "::1"}, cfg.Settings.Bind)
	require.Equal(t, []Endpoint{{"localhost", 1}, {"127.0.0.1", 1}}, cfg.State.Masters[0].Replicas,
		"texts are compared: what a name resolves to is not known yet")
	for _, tc := range []struct{ line, message string }{
		{"port 26379 # x", msgArgCount},
		{"maxclients -1", "argument must be between 1 and 4294967295 inclusive"},
		{"sentinel whatever m", msgUnrecognized},
		{"sentinel monitor m 127.0.0.1 1", msgUnrecognized},
		{"sentinel auth-user m x", msgNoMaster},
	} {
		_, err = load(tc.line)
		requireFatal(t, err, 1, tc.line, tc.message)
	}
}

// Rule: C-35, C-38, C-96: options are written as if they stood in the file.
func TestOptionsArePersisted(t *testing.T) {
	files := map[string]string{mainFile: "# mine\n"}
	cfg, err := loadFiles(files, "", mainFile, "--zset-max-listpack-value", "1", "--timeout", "5", "--bind", "10.0.0.1", "--hz", "11",
		"--sentinel", "monitor", "m", "10.0.0.2", "1", "1")
	require.NoError(t, err)
	got := string(Rewrite([]byte(files[mainFile]), cfg.Values, []string{defaultUser}, cfg.State))
	require.Equal(t, lines("# mine", "", marker, "port 26379", "bind 10.0.0.1", `dir "/srv/s1"`, "protected-mode no",
		"latency-tracking-info-percentiles 50 99 99.9", "hz 11", "timeout 5", "zset-max-listpack-value 1", defaultUser,
		"sentinel monitor m 10.0.0.2 1 1", "sentinel config-epoch m 0", "sentinel leader-epoch m 0", "sentinel current-epoch 0"), got)
	files[mainFile] = got
	_, err = loadFiles(files, "", mainFile, "--sentinel", "monitor", "m", "10.0.0.2", "1", "1")
	require.ErrorContains(t, err, msgMasterTwice)
	_, err = loadFiles(files, "", "--sentinel", mainFile)
	require.ErrorContains(t, err, msgUnrecognized)
}

// Rule: C-112.
func TestDebianFile(t *testing.T) {
	file := lines("# a comment   ", "protected-mode no", "port 26379", "daemonize yes", "pidfile /run/sentinel/redis-sentinel.pid",
		"logfile /var/log/redis/redis-sentinel.log", "dir /srv/s1", "sentinel monitor mymaster 127.0.0.1 6379 2",
		"sentinel down-after-milliseconds mymaster 30000", "acllog-max-len 128", "sentinel parallel-syncs mymaster 1",
		"sentinel failover-timeout mymaster 180000", "sentinel deny-scripts-reconfig yes", "SENTINEL resolve-hostnames no",
		"SENTINEL announce-hostnames no", "SENTINEL master-reboot-down-after-period mymaster 0")
	cfg, err := loadFiles(map[string]string{mainFile: file}, "", mainFile, "--supervised", "systemd", "--daemonize", "no")
	require.NoError(t, err)
	cfg.State.MyID = peerID
	require.Equal(t, lines("# a comment", "protected-mode no", "port 26379", "daemonize no", `pidfile "/run/sentinel/redis-sentinel.pid"`,
		`logfile "/var/log/redis/redis-sentinel.log"`, `dir "/srv/s1"`, "sentinel monitor mymaster 127.0.0.1 6379 2", "",
		"acllog-max-len 128", "", "sentinel deny-scripts-reconfig yes", "sentinel resolve-hostnames no",
		"sentinel announce-hostnames no", "", marker, "latency-tracking-info-percentiles 50 99 99.9", "supervised systemd",
		defaultUser, "sentinel myid "+peerID, "sentinel config-epoch mymaster 0", "sentinel leader-epoch mymaster 0",
		"sentinel current-epoch 0"), string(Rewrite([]byte(file), cfg.Values, []string{defaultUser}, cfg.State)))
}

// Rule: C-80, a `user` line is checked with the channels that new users have
// where it stands, as observed on the original.
func TestUserChannels(t *testing.T) {
	_, err := load("acl-pubsub-default allchannels\nuser bob on >a ~x* &y* +ping\n")
	requireFatal(t, err, 2, "user bob on >a ~x* &y* +ping", "Error in user declaration '>a': Adding a pattern after the * pattern (or the 'allchannels' flag) is not valid and "+
		"does not have any effect. Try 'resetchannels' to start with an empty list of channels")
	_, err = load("user bob on >a ~x* &y* +ping\nacl-pubsub-default allchannels\n")
	require.NoError(t, err)
}
