package sentinel

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"gosentinel/internal/resp"
	"gosentinel/replication"
)

// The fields of a master, as redis-sentinel 7.0.15 lists them.
const masterFields = "name ip port runid flags link-pending-commands link-refcount last-ping-sent last-ok-ping-reply last-ping-reply down-after-milliseconds info-refresh role-reported role-reported-time config-epoch num-slaves num-other-sentinels quorum failover-timeout parallel-syncs"

// Rule: K-2.1.
func TestMasterFields(t *testing.T) {
	r := newRig(t, around(watched("mm", "10.0.0.1", 6379, 2), 2, 1))
	r.wait(time.Millisecond) // connections are opened in the first step
	keys, v := pairs(t, r.ask("sentinel", "MASTER", "mm"))
	require.Equal(t, strings.Fields(masterFields), keys)
	require.Equal(t, "mm", v["name"])
	require.Equal(t, "10.0.0.1", v["ip"])
	require.Equal(t, "6379", v["port"])
	require.Equal(t, "", v["runid"])
	require.Equal(t, "master", v["flags"])
	require.Equal(t, "1", v["link-refcount"])
	require.Equal(t, "30000", v["down-after-milliseconds"])
	require.Equal(t, "0", v["info-refresh"])
	require.Equal(t, "master", v["role-reported"])
	require.Equal(t, "0", v["config-epoch"])
	require.Equal(t, "2", v["num-slaves"])
	require.Equal(t, "1", v["num-other-sentinels"])
	require.Equal(t, "2", v["quorum"])
	require.Equal(t, "180000", v["failover-timeout"])
	require.Equal(t, "1", v["parallel-syncs"])

	m := r.c.byName["mm"]
	m.notifyScript, m.reconfigScript = "/n", "/r"
	keys, v = pairs(t, r.ask("sentinel", "primary", "mm"))
	require.Equal(t, strings.Fields(masterFields+" notification-script client-reconfig-script"), keys)
	require.Equal(t, "/r", v["client-reconfig-script"])
}

// Rule: K-2.1.
func TestMasterFieldsWhenDownAndFailingOver(t *testing.T) {
	r := newRig(t, around(watched("mm", "10.0.0.1", 6379, 2), 1, 0))
	m := r.c.byName["mm"]
	m.sdown, m.sdownSince = true, r.now.Mono-3*time.Second
	m.odown, m.odownSince = true, r.now.Mono-2*time.Second
	m.failover.state, m.failover.kind = stateSelectSlave, byHand
	m.rebooted = true
	keys, v := pairs(t, r.c.rowOf(m))
	require.Equal(t, strings.Fields("name ip port runid flags link-pending-commands link-refcount failover-state last-ping-sent last-ok-ping-reply last-ping-reply s-down-time o-down-time down-after-milliseconds"), keys[:14])
	require.Equal(t, "s_down,o_down,master,disconnected,failover_in_progress,force_failover,master_reboot", v["flags"])
	require.Equal(t, "select_slave", v["failover-state"])
	require.Equal(t, "3000", v["s-down-time"])
	require.Equal(t, "2000", v["o-down-time"])
}

// rowOf describes m without a step, so that nothing is judged anew.
func (c *Core) rowOf(m *master) resp.Value {
	l := c.printer()
	l.master(m)
	return l.maps()[0]
}

func (c *Core) infoText() string { return string(c.infoSection(nil, c.now.Mono)) }

// Rule: K-2.1.
func TestReplicaFields(t *testing.T) {
	r := newRig(t, around(watched("mm", "10.0.0.1", 6379, 2), 2, 0))
	m := r.c.byName["mm"]
	r.wait(time.Millisecond) // connections are opened in the first step
	list := r.ask("sentinel", "replicas", "mm")
	require.Equal(t, resp.Array, list.Kind)
	require.Len(t, list.Elems, 2)
	keys, v := pairs(t, list.Elems[0])
	require.Equal(t, strings.Fields("name ip port runid flags link-pending-commands link-refcount last-ping-sent last-ok-ping-reply last-ping-reply down-after-milliseconds info-refresh role-reported role-reported-time master-link-down-time master-link-status master-host master-port slave-priority slave-repl-offset replica-announced"), keys)
	require.Equal(t, "10.0.0.2:7000", v["name"])
	require.Equal(t, "slave", v["flags"])
	require.Equal(t, "slave", v["role-reported"])
	require.Equal(t, "err", v["master-link-status"])
	require.Equal(t, "?", v["master-host"])
	require.Equal(t, "0", v["master-port"])
	require.Equal(t, "100", v["slave-priority"])
	require.Equal(t, "1", v["replica-announced"])

	m.replicas[0].info = replication.ParseInfo([]byte("role:slave\r\nmaster_host:10.0.0.1\r\nmaster_port:6379\r\nmaster_link_status:down\r\nmaster_link_down_since_seconds:-1\r\nslave_repl_offset:42\r\nslave_priority:7\r\n"))
	m.replicas[0].promoted, m.replicas[0].reconf = true, reconfInProgress
	m.replicas[1].info.Announced = false
	list = r.ask("sentinel", "SLAVES", "mm")
	require.Len(t, list.Elems, 1, "one that does not want to be announced is hidden")
	_, v = pairs(t, list.Elems[0])
	require.Equal(t, "slave,promoted,reconf_inprog", v["flags"])
	require.Equal(t, "-1000", v["master-link-down-time"])
	require.Equal(t, "10.0.0.1", v["master-host"])
	require.Equal(t, "42", v["slave-repl-offset"])
	require.Equal(t, "7", v["slave-priority"])
	require.Equal(t, "2", valueOf(t, r.ask("sentinel", "master", "mm"), "num-slaves"), "hidden ones count")
}

func valueOf(t *testing.T, v resp.Value, key string) string {
	t.Helper()
	_, values := pairs(t, v)
	require.Contains(t, values, key)
	return values[key]
}

// Rule: K-2.1, B-121, B-320.
func TestSentinelFields(t *testing.T) {
	st := around(watched("mm", "10.0.0.1", 6379, 2), 0, 1)
	other := *st.Masters[0]
	other.Name, other.Addr.Port = "m2", 6380
	st.Masters = append(st.Masters, &other)
	r := newRig(t, st)
	r.wait(1500 * time.Millisecond)
	keys, v := pairs(t, r.ask("sentinel", "sentinels", "m2").Elems[0])
	require.Equal(t, strings.Fields("name ip port runid flags link-pending-commands link-refcount last-ping-sent last-ok-ping-reply last-ping-reply down-after-milliseconds last-hello-message voted-leader voted-leader-epoch"), keys)
	require.Equal(t, peerID(0), v["name"])
	require.Equal(t, peerID(0), v["runid"])
	require.Equal(t, "sentinel", v["flags"])
	require.Equal(t, "2", v["link-refcount"])
	require.Equal(t, "1500", v["last-hello-message"])
	require.Equal(t, "?", v["voted-leader"])
	require.Equal(t, "0", v["voted-leader-epoch"])

	p := r.c.byName["m2"].peers[0]
	p.leader, p.leaderEpoch, p.opinionDown, p.answeredAt = "x", 1<<63+5, true, r.now.Mono
	_, v = pairs(t, r.ask("sentinel", "sentinels", "m2").Elems[0])
	require.Equal(t, "sentinel,master_down", v["flags"])
	require.Equal(t, "x", v["voted-leader"])
	require.Equal(t, "9223372036854775813", v["voted-leader-epoch"])
	p.answeredAt -= 5001 * time.Millisecond
	_, v = pairs(t, r.ask("sentinel", "sentinels", "m2").Elems[0])
	require.Equal(t, "sentinel", v["flags"], "an old answer counts no more")
	require.Equal(t, "?", v["voted-leader"])
}

// Rule: K-2.0, K-2.1.
func TestListings(t *testing.T) {
	r := newRig(t, watched("mm", "10.0.0.1", 6379, 2))
	require.Equal(t, "*0", r.line("sentinel", "replicas", "mm"))
	require.Equal(t, "*0", r.line("sentinel", "sentinels", "mm"))
	require.Equal(t, "+OK", r.line("sentinel", "monitor", "m2", "::1", "6380", "1"))
	list := r.ask("SENTINEL", "PRIMARIES")
	require.Len(t, list.Elems, 2)
	require.Equal(t, "mm", valueOf(t, list.Elems[0], "name"))
	require.Equal(t, "m2", valueOf(t, list.Elems[1], "name"), "in the order in which they were added")
	require.Equal(t, "::1", valueOf(t, list.Elems[1], "ip"))
	for _, sub := range []string{"master", "replicas", "slaves", "sentinels", "ckquorum", "failover", "remove"} {
		require.Equal(t, "-ERR No such master with that name", r.line("sentinel", sub, "MM"), sub)
	}
	require.Equal(t, "-ERR No such master with that name", r.line("sentinel", "set", "x", "quorum", "1"))
	empty := newRig(t, watched("mm", "10.0.0.1", 6379, 2))
	require.Equal(t, "+OK", empty.line("sentinel", "remove", "mm"))
	require.Equal(t, "*0", empty.line("sentinel", "masters"))
}

// Rule: K-2.2.
func TestGetMasterAddr(t *testing.T) {
	r := newRig(t, around(watched("mm", "10.0.0.1", 6379, 2), 1, 0))
	require.Equal(t, "*2\r\n$8\r\n10.0.0.1\r\n$4\r\n6379", r.line("sentinel", "get-master-addr-by-name", "mm"))
	require.Equal(t, "*-1", r.line("sentinel", "GET-PRIMARY-ADDR-BY-NAME", "x"))
	m := r.c.byName["mm"]
	m.failover.state, m.failover.promoted = stateWaitPromotion, m.replicas[0]
	require.Equal(t, "10.0.0.1", m.current().IP)
	m.failover.state = stateReconfSlaves
	reply := addrReply(r.c, "mm")
	require.Equal(t, "*2\r\n$8\r\n10.0.0.2\r\n$4\r\n7000", reply, "the promoted replica from reconf_slaves on")
	require.Equal(t, "10.0.0.1", valueOf(t, r.c.rowOf(m), "ip"), "but MASTER shows the old one")
	require.Contains(t, r.c.infoText(), "address=10.0.0.1:6379,")
}

// addrReply asks outside a step, so that the failover does not move on.
func addrReply(c *Core, name string) string {
	c.getMasterAddr(request(1, "sentinel", "get-master-addr-by-name", name))
	a := c.out[len(c.out)-1].Action.(Respond)
	return wire(a.Value)
}

// Rule: K-2.6.
func TestCkQuorum(t *testing.T) {
	const (
		noQuorum = " Not enough available Sentinels to reach the specified quorum for this master"
		noMajor  = " Not enough available Sentinels to reach the majority and authorize a failover"
	)
	for _, tc := range []struct {
		name                string
		quorum, peers, down int
		want                string
	}{
		{"all there", 2, 2, 0, "+OK 3 usable Sentinels. Quorum and failover authorization can be reached"},
		{"alone", 1, 0, 0, "+OK 1 usable Sentinels. Quorum and failover authorization can be reached"},
		{"quorum out of reach", 4, 2, 0, "-NOQUORUM 3 usable Sentinels." + noQuorum},
		{"majority out of reach", 1, 2, 2, "-NOQUORUM 1 usable Sentinels." + noMajor},
		{"both", 3, 3, 2, "-NOQUORUM 2 usable Sentinels." + noQuorum + "." + noMajor},
	} {
		t.Run(tc.name, func(t *testing.T) {
			r := newRig(t, around(watched("mm", "10.0.0.1", 6379, tc.quorum), 0, tc.peers))
			r.wait(31 * time.Second)
			for i, p := range r.c.byName["mm"].peers {
				p.sdown = i < tc.down
			}
			r.c.checkQuorum(request(1, "sentinel", "ckquorum", "mm"))
			a := r.c.out[len(r.c.out)-1].Action.(Respond)
			require.Equal(t, tc.want, wire(a.Value))
		})
	}
}

// Rule: K-2.13, K-10.
func TestInfoCache(t *testing.T) {
	r := newRig(t, around(watched("m", "10.0.0.1", 6379, 2), 1, 0))
	require.Equal(t, "*0", r.line("sentinel", "info-cache", "x"))
	require.Equal(t, "*2\r\n$1\r\nm\r\n*2\r\n*2\r\n:0\r\n$-1\r\n*2\r\n:0\r\n$-1", r.line("sentinel", "info-cache", "x", "m", "m"))
	m := r.c.byName["m"]
	m.infoText, m.infoAt = "role:master\r\n", r.now.Mono-1500*time.Millisecond
	require.Equal(t, "*2\r\n$1\r\nm\r\n*2\r\n*2\r\n:1500\r\n$13\r\nrole:master\r\n\r\n*2\r\n:0\r\n$-1", r.line("sentinel", "info-cache", "m"),
		"the age of a replica never refreshed is 0, not the time of day")
}

// Rule: K-2.7, K-2.16, K-4.
func TestSmallReplies(t *testing.T) {
	r := newRig(t, watched("mymaster", "10.0.0.1", 6379, 2))
	require.Equal(t, "$40\r\n"+testID, r.line("sentinel", "myid"))
	require.Equal(t, "*2\r\n$8\r\nsentinel\r\n*1\r\n$8\r\nmymaster", r.line("ROLE"))
	require.Equal(t, "*0", r.line("sentinel", "pending-scripts"))
	help := r.ask("sentinel", "help")
	require.Len(t, help.Elems, 49)
	require.Equal(t, "+SENTINEL <subcommand> [<arg> [value] [opt] ...]. Subcommands are:", wire(help.Elems[0]))
	require.Equal(t, "*2\r\n$8\r\nsentinel\r\n*0", newRig(t, watchedNone()).line("role"))
}

// Rule: K-3.
func TestInfoSection(t *testing.T) {
	r := newRig(t, around(watched("mm", "10.0.0.1", 6379, 2), 2, 1))
	require.Equal(t, "+OK", r.line("sentinel", "monitor", "m6", "::1", "6379", "1"))
	want := "# Sentinel\r\nsentinel_masters:2\r\nsentinel_tilt:0\r\nsentinel_tilt_since_seconds:-1\r\n" +
		"sentinel_running_scripts:0\r\nsentinel_scripts_queue_length:0\r\nsentinel_simulate_failure_flags:0\r\n" +
		"master0:name=mm,status=ok,address=10.0.0.1:6379,slaves=2,sentinels=2\r\n" +
		"master1:name=m6,status=ok,address=::1:6379,slaves=0,sentinels=1\r\n"
	v := r.ask("INFO")
	require.Equal(t, resp.Bulk, v.Kind)
	require.Equal(t, want, v.Str)

	mm, m6 := r.c.byName["mm"], r.c.byName["m6"]
	mm.sdown, mm.odown, m6.sdown = true, true, true
	r.c.tilt, r.c.tiltAt = true, r.now.Mono-2900*time.Millisecond
	require.Contains(t, r.c.infoText(), "sentinel_tilt:1\r\nsentinel_tilt_since_seconds:2\r\n")
	require.Contains(t, r.c.infoText(), "name=mm,status=odown,")
	require.Contains(t, r.c.infoText(), "name=m6,status=sdown,")
}

// Rule: R-8.
func TestInfoTellsOfAFailedSave(t *testing.T) {
	r := newRig(t, watched("mm", "10.0.0.1", 6379, 2))
	require.NotContains(t, r.c.infoText(), "save_error")
	r.step(Persisted{Seq: 1, Reason: "No space left on device"})
	require.Contains(t, r.c.infoText(), "\r\ngosentinel_save_error:No space left on device\r\n")
	r.step(Persisted{Seq: 2})
	require.NotContains(t, r.c.infoText(), "save_error")
}
