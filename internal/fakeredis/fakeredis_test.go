package fakeredis

import (
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"gosentinel/internal/resp"
	"gosentinel/internal/testbed"
)

// trio is a master and two replicas.
func trio(t *testing.T, password string) (*Fleet, [3]*Instance) {
	t.Helper()
	bed, err := testbed.New(testbed.Programs{})
	require.NoError(t, err)
	f := &Fleet{}
	t.Cleanup(func() {
		require.NoError(t, f.Close())
		require.NoError(t, bed.Close())
	})
	var is [3]*Instance
	master := ""
	for k := range is {
		addr := fmt.Sprintf("127.0.0.1:%d", bed.Port())
		is[k], err = f.Start(Options{Addr: addr, Master: master, Password: password})
		require.NoError(t, err)
		if k == 0 {
			master = addr
		}
	}
	return f, is
}

func dial(t *testing.T, i *Instance, password string) *testbed.Client {
	t.Helper()
	c, err := testbed.Dial(i.Addr(), password)
	require.NoError(t, err)
	t.Cleanup(func() { c.Close() })
	return c
}

// do gives the reply as one text.
func do(t *testing.T, c *testbed.Client, line string) string {
	t.Helper()
	v, err := c.Do(strings.Fields(line)...)
	if e, ok := err.(testbed.ReplyError); ok {
		return "-" + string(e)
	}
	require.NoError(t, err)
	return text(v)
}

func text(v resp.Value) string {
	switch v.Kind {
	case resp.Integer:
		return fmt.Sprint(":", v.Int)
	case resp.Array:
		var parts []string
		for _, e := range v.Elems {
			parts = append(parts, text(e))
		}
		return "[" + strings.Join(parts, " ") + "]"
	case resp.Null:
		return "nil"
	case resp.Error:
		return "-" + v.Str
	}
	return v.Str
}

// The replies are those of redis-server 7.0.15, which answers the same lines
// in the same way.
func TestCommands(t *testing.T) {
	lines := []struct{ line, want string }{
		{"PING", "PONG"},
		{"NOPE", "-ERR unknown command 'NOPE'"},
		{"GET", "-ERR wrong number of arguments for 'get' command"},
		{"GET a", "nil"},
		{"SET a 1", "OK"},
		{"GET a", "1"},
		{"AUTH x", "-ERR AUTH <password> called without any password configured for the default user. Are you sure your configuration is correct?"},
		{"CLIENT SETNAME me", "OK"},
		{"CLIENT GETNAME", "me"},
		{"PUBLISH ch hello", ":0"},
		{"CLIENT KILL TYPE pubsub", ":0"},
		{"CLIENT KILL TYPE odd", "-ERR Unknown client type 'odd'"},
		{"EXEC", "-ERR EXEC without MULTI"},
		{"MULTI", "OK"},
		{"MULTI", "-ERR MULTI calls can not be nested"},
		{"SLAVEOF NO ONE", "QUEUED"},
		{"CONFIG REWRITE", "QUEUED"},
		{"CLIENT KILL TYPE pubsub", "QUEUED"},
		{"EXEC", "[OK OK :0]"},
		{"MULTI", "OK"},
		{"GET", "-ERR wrong number of arguments for 'get' command"},
		{"EXEC", "-EXECABORT Transaction discarded because of previous errors."},
		{"MULTI", "OK"},
		{"PING", "QUEUED"},
		{"DISCARD", "OK"},
		{"DISCARD", "-ERR DISCARD without MULTI"},
		{"SLAVEOF localhost x", "-ERR Invalid master port"},
		{"CONFIG SET replica-priority 7", "OK"},
		{"SUBSCRIBE a", "[subscribe a :1]"},
		{"PING", "[pong ]"},
	}
	run := func(t *testing.T, c *testbed.Client) {
		for _, l := range lines {
			got := do(t, c, l.line)
			// Redis goes on to quote the arguments, blanks and all.
			got, _, _ = strings.Cut(got, ", with args beginning with:")
			require.Equal(t, l.want, got, l.line)
		}
	}
	t.Run("ours", func(t *testing.T) {
		_, is := trio(t, "")
		run(t, dial(t, is[0], ""))
	})
	t.Run("redis-server", func(t *testing.T) {
		programs := testbed.Find("")
		if programs.Redis == "" {
			t.Skip("skipped for want of redis-server")
		}
		bed, err := testbed.New(programs)
		require.NoError(t, err)
		defer bed.Close()
		r, err := bed.Redis("redis", testbed.RedisOptions{})
		require.NoError(t, err)
		c, err := r.Dial()
		require.NoError(t, err)
		defer c.Close()
		run(t, c)
	})
}

func TestPasswordIsAsked(t *testing.T) {
	_, is := trio(t, "secret")
	c := dial(t, is[0], "")
	require.Equal(t, "-NOAUTH Authentication required.", do(t, c, "PING"))
	require.Equal(t, "-WRONGPASS invalid username-password pair or user is disabled.", do(t, c, "AUTH wrong"))
	require.Equal(t, "OK", do(t, c, "AUTH default secret"))
	require.Equal(t, "PONG", do(t, c, "PING"))
}

func TestInfoIsAsARealOne(t *testing.T) {
	_, is := trio(t, "")
	master, err := dial(t, is[0], "").Do("INFO")
	require.NoError(t, err)
	require.Greater(t, len(master.Str), 4700)
	require.NotContains(t, master.Str, "{")
	f := testbed.InfoFields(master.Str)
	require.Equal(t, "master", f["role"])
	require.Equal(t, "2", f["connected_slaves"])
	require.Len(t, f["run_id"], 40)
	_, port := split(is[1].Addr())
	require.Equal(t, "ip=127.0.0.1,port="+port+",state=online,offset=0,lag=0", f["slave0"])

	replica, err := dial(t, is[1], "").Do("INFO", "replication")
	require.NoError(t, err)
	require.True(t, strings.HasPrefix(replica.Str, "# Replication\r\nrole:slave\r\n"))
	f = testbed.InfoFields(replica.Str)
	require.Equal(t, "up", f["master_link_status"])
	require.Equal(t, is[0].Addr(), f["master_host"]+":"+f["master_port"])
	require.Equal(t, "100", f["slave_priority"])
}

func TestMessagesReachTheSubscribersOfReplicas(t *testing.T) {
	_, is := trio(t, "")
	var subscribers []*testbed.Client
	for _, i := range is {
		c := dial(t, i, "")
		require.Equal(t, "[subscribe ch :1]", do(t, c, "SUBSCRIBE ch"))
		subscribers = append(subscribers, c)
	}
	require.Equal(t, ":1", do(t, dial(t, is[2], ""), "PUBLISH ch below"))
	require.Equal(t, ":1", do(t, dial(t, is[0], ""), "PUBLISH ch all"))
	for k, want := range [][]string{{"all"}, {"all"}, {"below", "all"}} {
		for _, w := range want {
			v, err := subscribers[k].Receive()
			require.NoError(t, err)
			require.Equal(t, "[message ch "+w+"]", text(v))
		}
	}
}

func TestWritesAreReplicated(t *testing.T) {
	_, is := trio(t, "")
	m, r := dial(t, is[0], ""), dial(t, is[1], "")
	require.Equal(t, "OK", do(t, m, "SET k v"))
	require.Equal(t, "v", do(t, r, "GET k"))
	require.Equal(t, "-READONLY You can't write against a read only replica.", do(t, r, "SET k w"))
}

// A failover, a restart and a return, as the configuration file has it.
func TestRolesChange(t *testing.T) {
	_, is := trio(t, "")
	require.Equal(t, "OK", do(t, dial(t, is[0], ""), "SET k v"))
	require.NoError(t, is[0].Kill())
	require.Zero(t, is[1].Promoted())
	c := dial(t, is[1], "")
	f := testbed.InfoFields(do(t, c, "INFO"))
	require.Equal(t, "down", f["master_link_status"])
	require.Equal(t, "0", f["master_link_down_since_seconds"])

	for _, line := range []string{"MULTI", "SLAVEOF NO ONE", "CONFIG REWRITE", "EXEC"} {
		do(t, c, line)
	}
	require.WithinDuration(t, time.Now(), is[1].Promoted(), time.Minute)
	host, port := split(is[1].Addr())
	require.Equal(t, "OK", do(t, dial(t, is[2], ""), "REPLICAOF "+host+" "+port))
	require.Contains(t, do(t, c, "ROLE"), "[master :")
	require.Equal(t, "OK", do(t, c, "SET k w"))
	require.Equal(t, "w", do(t, dial(t, is[2], ""), "GET k"))

	require.NoError(t, is[0].Restart())
	old := dial(t, is[0], "")
	require.Contains(t, do(t, old, "ROLE"), "[master ", "nobody has told it yet")
	do(t, old, "SLAVEOF "+host+" "+port)
	require.Equal(t, "[slave "+host+" :"+port+" connected", strings.Join(strings.Fields(do(t, old, "ROLE"))[:4], " "))
	require.Equal(t, "w", do(t, old, "GET k"))

	// What was not rewritten is forgotten by a restart.
	require.NoError(t, is[0].Kill())
	require.NoError(t, is[0].Restart())
	require.Empty(t, is[0].Master())
}

func TestCycleOfReplicasLinksNobody(t *testing.T) {
	_, is := trio(t, "")
	host, port := split(is[1].Addr())
	require.Equal(t, "OK", do(t, dial(t, is[0], ""), "SLAVEOF "+host+" "+port))
	require.Contains(t, do(t, dial(t, is[0], ""), "ROLE"), " connect ")
}

func TestClientKillSparesTheCaller(t *testing.T) {
	_, is := trio(t, "")
	sub, other, caller := dial(t, is[0], ""), dial(t, is[0], ""), dial(t, is[0], "")
	do(t, sub, "SUBSCRIBE ch")
	do(t, other, "PING")
	require.Equal(t, ":1", do(t, caller, "CLIENT KILL TYPE normal"))
	_, err := other.Do("PING")
	require.Error(t, err)
	require.Equal(t, ":1", do(t, caller, "CLIENT KILL TYPE pubsub"))
	_, err = sub.Receive()
	require.Error(t, err)
	require.Equal(t, "PONG", do(t, caller, "PING"))
}

func TestFrozenInstanceAnswersAfterThaw(t *testing.T) {
	_, is := trio(t, "")
	c := dial(t, is[0], "")
	is[0].Freeze()
	require.NoError(t, c.Send("PING"))
	c.Timeout = 30 * time.Millisecond
	_, err := c.Receive()
	require.ErrorContains(t, err, "timeout")
	_, err = net.Dial("tcp", is[0].Addr())
	require.NoError(t, err, "the kernel still takes connections")
	is[0].Thaw()
	c.Timeout = 0
	v, err := c.Receive()
	require.NoError(t, err)
	require.Equal(t, "PONG", v.Str)
}

func TestBadRequestsEndTheConnectionOnly(t *testing.T) {
	_, is := trio(t, "")
	for _, bad := range []string{"*1\r\n:1\r\n", "*-5x\r\n", "*1\r\n$9999999999\r\n", strings.Repeat("x", 2<<20)} {
		conn, err := net.Dial("tcp", is[0].Addr())
		require.NoError(t, err)
		conn.SetDeadline(time.Now().Add(30 * time.Second))
		io.WriteString(conn, bad) // it may be closed before all is written
		_, err = io.Copy(io.Discard, conn)
		require.NotErrorIs(t, err, os.ErrDeadlineExceeded)
		conn.Close()
	}
	require.Equal(t, "PONG", do(t, dial(t, is[0], ""), "PING"))
}
