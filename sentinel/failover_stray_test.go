package sentinel

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// A replica that follows the master by another name is left alone: the master
// lists it, or is known under that name too. So is any replica where most others
// announce another address. Rule: R-24.
func TestNobodyRepointsByAnAlias(t *testing.T) {
	for _, tc := range []struct {
		name     string
		listed   bool   // by the master, since
		at       string // what the replica follows
		peers    int    // that announce that
		repoints bool
	}{
		{"a stranger", false, "10.0.7.7", 0, true},
		{"the master lists it", true, "10.0.7.7", 0, false},
		{"another name of the master", false, "10.0.0.9", 0, false},
		{"most announce that address", false, "10.0.7.7", 2, false},
		{"one announces that address", false, "10.0.7.7", 1, true},
	} {
		t.Run(tc.name, func(t *testing.T) {
			boot := around(watched("mm", "10.0.0.1", 6379, 2), 1, 2)
			boot.Masters = append(boot.Masters, watched("alias", "10.0.0.9", 6379, 2).Masters...)
			w := newWires(t, boot)
			m, alias := w.c.byName["mm"], w.c.byName["alias"]
			m.failoverTimeout = time.Second
			w.pass(tickEvery)
			for _, port := range []int{7000, 26379, 26380} {
				w.up(port, false)
				w.pong(port)
			}
			w.put(LinkUp{Link: m.link.cmd.id, Local: "10.9.9.9"})
			w.put(LinkUp{Link: alias.link.cmd.id, Local: "10.9.9.9"})
			alias.runID, m.runID = peerID(3), peerID(3)
			for k := range 2 {
				at := "10.0.0.1"
				if k < tc.peers {
					at = tc.at
				}
				w.do("PUBLISH", helloChannel, helloOf(k, 0, at+",6379", 0))
			}
			info := func(i *instance, text string) {
				i.readInfo(text)
				i.infoAt = w.now.Mono
				w.c.learn(i)
			}
			r := m.replicas[0]
			info(&r.instance, "role:slave\r\nmaster_host:"+tc.at+"\r\nmaster_port:6379\r\nmaster_link_status:up\r\n")
			w.now.Mono += 2 * time.Second
			w.c.now = w.now
			master := "run_id:" + peerID(3) + "\r\nrole:master\r\n"
			if tc.listed {
				master += "slave0:ip=10.0.0.2,port=7000,state=online,offset=0,lag=0\r\n"
			}
			info(&m.instance, master)
			w.c.considerRole(m, r)
			require.Equal(t, tc.repoints, r.demotedAt == w.now.Mono)
		})
	}
}
