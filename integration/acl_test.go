package integration

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"gosentinel/integration/fixture"
	"gosentinel/internal/testbed"
)

// guarded are a Sentinel of ours and an original that both watch one master,
// and have the user `u` with the rules of each row in turn.
func guarded(t *testing.T) (ours, original *testbed.Sentinel) {
	t.Helper()
	fixture.NeedsOriginal(t)
	_, ours = watcher(t, testbed.Ours, nil)
	_, original = watcher(t, testbed.Original, nil)
	return ours, original
}

// verdicts asks on one connection as the user `u` and tells which requests are
// refused.
func verdicts(t *testing.T, s *testbed.Sentinel, requests []string) []string {
	t.Helper()
	c, err := s.Dial()
	require.NoError(t, err)
	defer c.Close()
	_, err = c.Do("HELLO", "3", "AUTH", "u", "x")
	require.NoError(t, err)
	said := make([]string, len(requests))
	for i, request := range requests {
		_, err := c.Do(strings.Fields(request)...)
		_, answered := err.(testbed.ReplyError)
		require.True(t, err == nil || answered, "%s: %v", request, err)
		said[i] = "runs:   " + request
		if answered && strings.HasPrefix(err.Error(), "NOPERM") {
			said[i] = "denied: " + request
		}
	}
	return said
}

// orders gives all orders of a list.
func orders(list []string) (all [][]string) {
	if len(list) == 0 {
		return [][]string{nil}
	}
	for i, first := range list {
		rest := append(append([]string{}, list[:i]...), list[i+1:]...)
		for _, order := range orders(rest) {
			all = append(all, append([]string{first}, order...))
		}
	}
	return all
}

// What a user may do with a command depends on its arguments; what was allowed,
// or refused, with some is no verdict on others.
//
// Rule: K-1.2 step 5, K-6.4.
func TestVerdictsDoNotDependOnWhatWasAskedBefore(t *testing.T) {
	t.Parallel()
	ours, original := guarded(t)
	for _, tc := range []struct{ rules, requests string }{
		{"-@all +info|server +shutdown|abort", "SHUTDOWN ABORT;SHUTDOWN NOSAVE SAVE;shutdown;INFO server"},
		{"-@all +info|server +shutdown|abort", "INFO server;INFO;INFO all;INFO SERVER all"},
		{"-@all +info|server +info|cpu", "INFO CPU;INFO stats;INFO server;INFO"},
		{"-@all +info +info|server", "INFO server;INFO all"},
		{"-@all +info|server -info", "INFO server;INFO all"},
		{"+@all -info +info|server", "INFO server;INFO;PING"},
		{"+@all -ping +ping|a", "PING a;PING;PING b;PING A"},
		{"-@all +ping|a +ping|b", "PING a;PING;PING b;PING c"},
		{"-@all (+ping|a) (+info|server)", "PING a;PING;INFO server;INFO"},
		{"-@all +ping|a (+ping)", "PING b;PING a;PING"},
		{"+@all -shutdown (-@all +shutdown|abort)", "SHUTDOWN ABORT;SHUTDOWN NOSAVE SAVE;INFO"},
		{"-@all +sentinel|masters +client|id", "SENTINEL masters;SENTINEL myid;CLIENT id;CLIENT info"},
		{"+@all -sentinel|masters", "SENTINEL masters;SENTINEL master mm;SENTINEL myid;SENTINEL MASTERS"},
		{"+@all -sentinel|slaves", "SENTINEL slaves mm;SENTINEL replicas mm"},
		{"+@all -sentinel|replicas", "SENTINEL slaves mm;SENTINEL replicas mm"},
		{"-@all +sentinel|help +acl|whoami", "SENTINEL help;SENTINEL set mm quorum 1;ACL whoami;ACL list"},
		{"+@all resetchannels &a*", "SUBSCRIBE a;SUBSCRIBE b;PSUBSCRIBE a*;PSUBSCRIBE *"},
		{"+@all resetchannels &a*", "PUBLISH a x;PUBLISH b x;SUBSCRIBE ab;SUBSCRIBE b"},
		{"+@all resetchannels (+@all &b)", "SUBSCRIBE a;SUBSCRIBE b;UNSUBSCRIBE a;PUBLISH a x"},
		{"-@all +subscribe|a resetchannels &a &b", "SUBSCRIBE a;SUBSCRIBE b"},
		{"-@all +publish|a allchannels", "PUBLISH a x;PUBLISH b x"},
		{"+@all resetkeys", "SENTINEL get-master-addr-by-name mm;PING;INFO"},
	} {
		for _, s := range []*testbed.Sentinel{ours, original} {
			_, err := s.Do("ACL", "DELUSER", "u")
			require.NoError(t, err)
			rules, set := strings.Fields(tc.rules), []string{"ACL", "SETUSER", "u", "on", "nopass"}
			for i := 0; i < len(rules); i++ { // a selector is one argument
				rule := rules[i]
				for strings.HasPrefix(rule, "(") && !strings.HasSuffix(rule, ")") {
					i++
					rule += " " + rules[i]
				}
				set = append(set, rule)
			}
			_, err = s.Do(set...)
			require.NoError(t, err, "%s", tc.rules)
		}
		for _, order := range orders(strings.Split(tc.requests, ";")) {
			want := verdicts(t, original, order)
			require.Equal(t, want, verdicts(t, ours, order), "%s", tc.rules)
		}
	}
}

// A denial, or a grant, of a command holds for Valkey's spelling of it. The
// original knows the old spelling only: ours says the same of both.
//
// Rule: K-2.17.
func TestAliasesHaveThePermissionOfTheirOriginals(t *testing.T) {
	t.Parallel()
	ours, original := guarded(t)
	spellings := map[string]string{
		"SENTINEL masters": "SENTINEL primaries", "SENTINEL master mm": "SENTINEL primary mm",
		"SENTINEL get-master-addr-by-name mm":               "SENTINEL get-primary-addr-by-name mm",
		"SENTINEL is-master-down-by-addr 127.0.0.1 1 1 aaa": "SENTINEL is-primary-down-by-addr 127.0.0.1 1 1 aaa",
	}
	for _, rules := range []string{
		"+@all", "-@all", "-@all +sentinel", "+@all -sentinel",
		"+@all -sentinel|masters", "+@all -sentinel|master", "+@all -sentinel|get-master-addr-by-name", "+@all -sentinel|is-master-down-by-addr",
		"-@all +sentinel|masters", "-@all +sentinel|master", "-@all +sentinel|get-master-addr-by-name", "-@all +sentinel|is-master-down-by-addr",
	} {
		for _, s := range []*testbed.Sentinel{ours, original} {
			_, err := s.Do(append([]string{"ACL", "SETUSER", "u", "reset", "on", "nopass"}, strings.Fields(rules)...)...)
			require.NoError(t, err)
		}
		for old, alias := range spellings {
			want := verdicts(t, original, []string{old})[0]
			require.Equal(t, []string{want, strings.Replace(want, old, alias, 1)}, verdicts(t, ours, []string{old, alias}), rules)
			dry, err := ours.Do(append([]string{"ACL", "DRYRUN", "u"}, strings.Fields(alias)...)...)
			require.NoError(t, err)
			require.Equal(t, strings.HasPrefix(want, "runs"), dry.Str == "OK", "%s: %s", rules, dry.Str)
		}
	}
}
