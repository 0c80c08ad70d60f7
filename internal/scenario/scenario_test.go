package scenario

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

const small = `cluster sentinels=1 quorum=1 down-after=1s known
master m1 10.0.0.1:6379
replica m1 10.0.0.2:6379
`

// Rule: S2.9.
func TestRunWritesWhatHappens(t *testing.T) {
	text := small + `run for=30s show=none
crash 10.0.0.1:6379
run until=+switch-master max=60s show=+sdown,+switch-master
----
old output, which is dropped

# The next block.
dump instances
----
`
	want := small + `run for=30s show=none
crash 10.0.0.1:6379
run until=+switch-master max=60s show=+sdown,+switch-master
----
s1 +31.000s +sdown master m1 10.0.0.1 6379
s1 +31.003s +switch-master m1 10.0.0.1 6379 10.0.0.2 6379

# The next block.
dump instances
----
10.0.0.1:6379 down master offset=0
10.0.0.2:6379 master offset=0
`
	res, err := Run(text, Options{})
	require.NoError(t, err)
	require.Equal(t, want, res.Text)
	again, err := Run(res.Text, Options{})
	require.NoError(t, err)
	require.Equal(t, want, again.Text, "a transcript gives itself")
}

func TestErrorsNameTheLine(t *testing.T) {
	for _, tc := range []struct{ name, text, want string }{
		{"no cluster", "run for=1s\n----\n", "line 1: run for=1s: the file must begin with cluster"},
		{"an unknown command", small + "explode s1\n----\n", "line 4: explode s1: unknown command; there are break clock cluster"},
		{"an unknown option", small + "run for=1s colour=red\n----\n", "line 4: run for=1s colour=red: unknown option colour="},
		{"an option given twice", small + "run for=1s for=2s\n----\n", "for= is given twice"},
		{"not a duration", small + "run for=1\n----\n", "for=1 is not a duration"},
		{"not a number", "cluster sentinels=x\n----\n", "sentinels=x is not a number"},
		{"not an address", "cluster\nmaster m1 here\n----\n", "here is not an address IP:PORT"},
		{"nothing to wait for", small + "run show=none\n----\n", "for= or until= is needed"},
		{"nobody of that name", small + "crash s9\n----\n", "nobody is called s9"},
		{"no Sentinel of that name", small + "run until=+sdown node=s9\n----\n", "no Sentinel s9"},
		{"too few words", small + "cut s1\n----\n", "wrong number of words"},
		{"no master of that name", small + "replica m9 10.0.0.3:6379\n----\n", "no master m9"},
		{"a master twice", small + "master m1 10.0.0.3:6379\n----\n", "master m1 is there already"},
		{"set-up too late", small + "run for=1s\nreplica m1 10.0.0.3:6379\n----\n", "line 5: replica m1 10.0.0.3:6379: the world is made already"},
		{"a disk that cannot be", small + "disk s1 burns\n----\n", "a disk can be ok, fail, stall, lie or torn"},
		{"a command after the last dashes", small + "run for=1s\n", "line 1: a command after the last ----"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			_, err := Run(tc.text, Options{})
			require.ErrorContains(t, err, tc.want)
		})
	}
}

func TestUntilGivesUp(t *testing.T) {
	res, err := Run(small+"run until=+switch-master max=5s show=none\n----\n", Options{})
	require.NoError(t, err)
	require.Contains(t, res.Text, "\n(no +switch-master within 5s)\n")
}

func TestSettle(t *testing.T) {
	res, err := Run(small+"run for=30s show=none\ncrash 10.0.0.1:6379 s1\nrun for=10s\nsettle\n----\n", Options{})
	require.NoError(t, err)
	require.Contains(t, res.Text, "settled after ")
	slow := strings.Replace(small, "known", "latency=200ms known", 1)
	res, err = Run(slow+"run for=30s show=none\ncrash 10.0.0.1:6379\nrun for=10s show=none\nsettle max=20ms\n----\n", Options{})
	require.NoError(t, err)
	require.Contains(t, res.Text, "(not settled within 20ms: ")
}

func TestCrashPoints(t *testing.T) {
	text := small + "run for=30s show=none\ncrash 10.0.0.1:6379\nrun for=10s\n----\n"
	points, err := CrashPoints(text)
	require.NoError(t, err)
	require.GreaterOrEqual(t, len(points), 4, "the vote and the promotion, before and after each")
	for _, p := range points {
		broken, err := RunCrashPoint(text, p)
		require.NoError(t, err)
		require.Empty(t, broken, "%+v", p)
	}
	points, err = CrashPoints(noCrashPoints + "\n" + text)
	require.NoError(t, err)
	require.Empty(t, points)
}

func TestNamesAndScriptsBeforeTheWorld(t *testing.T) {
	text := strings.Replace(small, "master m1 10.0.0.1:6379", "dns one 10.0.0.1\nscript /notify code=2\nsentinel s1 hostnames\nmaster m1 10.0.0.1:6379 host=one notify=/notify", 1)
	res, err := Run(text+"run for=5s show=none\ncmd s1 SENTINEL GET-MASTER-ADDR-BY-NAME m1\n----\n", Options{})
	require.NoError(t, err)
	require.Contains(t, res.Text, "> [one 6379]")
}
