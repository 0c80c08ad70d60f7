package acl

import (
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"gosentinel/internal/command"
	"gosentinel/internal/testbed"
)

// requests has one request per command of the original, and some with
// channels.
func requests(table *command.Table) [][]string {
	out := [][]string{
		{"ping", "x"}, {"ping", "Y"}, {"role"}, {"publish", "a", "m"}, {"publish", "ab", "m"}, {"subscribe", "a", "b"}, {"subscribe", "ab"},
		{"psubscribe", "a*"}, {"psubscribe", "a", "b*"}, {"unsubscribe", "q"}, {"info", "x"},
	}
	for _, c := range table.All() {
		if len(c.Subcommands) > 0 || c.Docs.Since == "7.2.0" || c.Docs.Since == "8.0.0" {
			continue
		}
		request := strings.Split(c.FullName, "|")
		for len(request) < max(c.Arity, -c.Arity) || strings.HasPrefix(c.Name, "getkeys") && len(request) < 4 { // 7.0 wants 4
			request = append(request, "a")
		}
		out = append(out, request)
	}
	return out
}

// randomRules draws rules of which most are good.
func randomRules(r *rand.Rand, table *command.Table) []string {
	common := strings.Fields("on off nopass resetpass reset >a >b <a ~a ~b* %R~a %W~a ~* resetkeys &a &ab &a* &b* &* resetchannels " +
		"+@all -@all +@admin -@admin +@slow -@slow +@fast -@fast +@pubsub -@pubsub +@connection -@connection -@dangerous +@keyspace " +
		"+sentinel -sentinel +acl -acl +client -client +command -command +ping -ping +ping|x +ping|y +info|x +subscribe +publish +psubscribe " +
		"(+@all) (&a) (+subscribe|a) () clearselectors sanitize-payload skip-sanitize-payload")
	odd := []string{"", "foo", "+foo", "-ping|x", "+client|kill|id", "+client|", "+client|id|", "+ping|", "+foo|", "(", ")", "(+ping", "~a)", "(on)", "(+foo)",
		"%", "%X~a", "+@", "+@foo", "#zz", "!zz", "~a b", "&a b", "+@all|x", "-@all|x", "+sentinel|x", "+|", "-|", "(+publish", "&ab)", `(~a"b")`, "%R~*", "%RW~*", "ALLKEYS", "allchannels"}
	all := table.All()
	var rules []string
	for range 1 + r.IntN(8) {
		switch n := r.IntN(20); {
		case n < 11:
			rules = append(rules, common[r.IntN(len(common))])
		case n < 18:
			c := all[r.IntN(len(all))]
			if c.Docs.Since != "7.2.0" && c.Docs.Since != "8.0.0" {
				rules = append(rules, string("+-"[r.IntN(2)])+c.FullName)
			}
		case n < 19 && r.IntN(3) == 0:
			rules = append(rules, odd[r.IntN(len(odd))])
		}
	}
	return rules
}

// withoutCommands drops what 7.0 words differently: the command rules.
func withoutCommands(line string) string {
	var kept []string
	for _, word := range strings.Split(line, " ") {
		tail := ""
		if strings.HasSuffix(word, ")") {
			word, tail = strings.TrimSuffix(word, ")"), ")"
		}
		head := strings.TrimLeft(word, "(")
		if head != "" && (head[0] == '+' || head[0] == '-') {
			word = strings.TrimSuffix(word, head)
		}
		kept = append(kept, word+tail)
	}
	return strings.Join(strings.Fields(strings.Join(kept, " ")), " ")
}

// Rule: K-6.4, R-1: the same rules give the same error, the same user and the
// same permissions as in the original.
func TestAgainstOriginal(t *testing.T) {
	programs := testbed.Find("")
	if programs.Original == "" {
		t.Skip("skipped for want of redis-sentinel (the original)")
	}
	bed, err := testbed.New(programs)
	require.NoError(t, err)
	defer func() { require.NoError(t, bed.Close()) }()
	s, err := bed.Sentinel("s", testbed.SentinelOptions{Kind: testbed.Original})
	require.NoError(t, err)
	client, err := testbed.Dial("127.0.0.1:"+strconv.Itoa(s.Port), "")
	require.NoError(t, err)
	defer client.Close()

	table := command.NewTable()
	asked := requests(table)
	us := New(table, false)
	r := rand.New(rand.NewPCG(5, 6))
	for round := range 500 {
		if round%5 == 0 {
			_, err = us.DelUser([]string{"x"})
			require.NoError(t, err)
			_, err = client.Do("ACL", "DELUSER", "x")
			require.NoError(t, err)
		}
		rules := randomRules(r, table)
		_, ours := us.SetUser("x", rules)
		_, theirs := client.Do(append([]string{"ACL", "SETUSER", "x"}, rules...)...)
		if ours != nil || theirs != nil {
			require.EqualError(t, theirs, "ERR "+errorText(ours), "%q", rules)
			continue
		}
		reply, err := client.Do("ACL", "LIST")
		require.NoError(t, err)
		lines := testbed.Texts(reply)
		require.Equal(t, withoutCommands(lines[1]), withoutCommands(us.Lines()[1]), "%q", rules)
		for _, request := range asked {
			reply, err := client.Do(append([]string{"ACL", "DRYRUN", "x"}, request...)...)
			require.NoError(t, err, "%q", request)
			args := make([][]byte, len(request))
			for i := range request {
				args[i] = []byte(request[i])
			}
			denied, err := us.DryRun("x", args)
			require.NoError(t, err)
			if denied == "" {
				denied = "OK"
			}
			// The original of 7.0 says `This user` where 7.2 names the user.
			require.Equal(t, reply.Str, strings.Replace(denied, "User x", "This user", 1), "%q: %s: %q", rules, us.User("x").Description(), request)
		}
	}
}

func errorText(err error) string {
	if err == nil {
		return "no error"
	}
	return err.Error()
}
