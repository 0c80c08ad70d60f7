package sentinel

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"gosentinel/internal/resp"
	"gosentinel/replication"
)

// hear gives a rig a hello and returns the events told.
func (r *rig) hear(payload string) (events []string) {
	for _, e := range r.step(request(1, "PUBLISH", helloChannel, payload)) {
		if a, ok := e.Action.(Emit); ok && !a.Event.LogOnly {
			events = append(events, a.Event.Line())
		}
	}
	return events
}

func helloOf(i int, epoch uint64, addr string, config uint64) string {
	return fmt.Sprintf("10.0.0.3,%d,%s,%d,mm,%s,%d", 26379+i, peerID(i), epoch, addr, config)
}

// What is not exactly a hello is dropped and changes nothing.
//
// Rule: B-401, B-420, B-421, B-422, R-19, W-29.
func TestBadHellos(t *testing.T) {
	id := peerID(0)
	for _, payload := range []string{
		"", ",", strings.Repeat(",", 6), strings.Repeat(",", 7), strings.Repeat(",", 8), strings.Repeat("x", 4096),
		"10.0.0.3,26379," + id + ",0,mm,10.0.0.1,6379",
		"10.0.0.3,26379," + id + ",0,mm,10.0.0.1,6379,0,0",
		"10.0.0.3,0," + id + ",0,mm,10.0.0.1,6379,0",
		"10.0.0.3,abc," + id + ",0,mm,10.0.0.1,6379,0",
		"10.0.0.3,70000," + id + ",0,mm,10.0.0.1,6379,0",
		"10.0.0.3,26379,short,0,mm,10.0.0.1,6379,0",
		"10.0.0.3,26379," + id[1:] + ",0,mm,10.0.0.1,6379,0",
		"10.0.0.3,26379," + id + "a,0,mm,10.0.0.1,6379,0",
		"10.0.0.3,26379," + id[1:] + " ,0,mm,10.0.0.1,6379,0",
		"10.0.0.3,26379," + id[1:] + "\x00,0,mm,10.0.0.1,6379,0",
		"10.0.0.3,26379," + id[1:] + "\x7f,0,mm,10.0.0.1,6379,0",
		"10.0.0.3,26379," + id[1:] + "\",0,mm,10.0.0.1,6379,0",
		"10.0.0.3,26379," + id[1:] + "',0,mm,10.0.0.1,6379,0",
		"10.0.0.3,26379," + id + ",-1,mm,10.0.0.1,6379,0",
		"10.0.0.3,26379," + id + ",+1,mm,10.0.0.1,6379,0",
		"10.0.0.3,26379," + id + ", 1,mm,10.0.0.1,6379,0",
		"10.0.0.3,26379," + id + ",18446744073709551615,mm,10.0.0.1,6379,0",
		"10.0.0.3,26379," + id + ",4294967297,mm,10.0.0.1,6379,0",
		"10.0.0.3,26379," + id + ",0,mm,10.0.0.1,6379,4294967297",
		"10.0.0.3,26379," + id + ",0,mm,,6379,0",
		",26379," + id + ",0,mm,10.0.0.1,6379,0",
		"10.0.0.3,26379," + id + ",5,nosuch,10.0.0.1,6379,0",
		"10.0.0.3,26379," + testID + ",5,mm,10.0.0.1,6379,0",
	} {
		r := newRig(t, watched("mm", "10.0.0.1", 6379, 2))
		require.Empty(t, r.hear(payload), payload)
		require.Empty(t, r.c.masters[0].peers, payload)
		require.Zero(t, r.c.epoch, payload)
	}
}

// Complaints about bad hellos do not flood the log, nor remember without end.
//
// Rule: R-19.
func TestComplaintsAreFew(t *testing.T) {
	r := newRig(t, watched("mm", "10.0.0.1", 6379, 2))
	lines := 0
	for range 1000 {
		for _, e := range r.do("PUBLISH", helloChannel, "junk") {
			if a, ok := e.Action.(Emit); ok && a.Event.LogOnly {
				lines++
			}
		}
	}
	require.Equal(t, 1, lines)
	require.Equal(t, uint64(1000), r.c.badHello.dropped)
}

// Rule: B-430, B-433: a new id, a known one at a new address, a new one at the
// address of another.
func TestPeersComeAndMove(t *testing.T) {
	r := newRig(t, watched("mm", "10.0.0.1", 6379, 2))
	at := "@ mm 10.0.0.1 6379"
	require.Equal(t, []string{"+sentinel sentinel " + peerID(0) + " 10.0.0.3 26379 " + at}, r.hear(helloOf(0, 0, "10.0.0.1,6379", 0)))
	r.wait(time.Second)
	require.Empty(t, r.hear(helloOf(0, 0, "10.0.0.1,6379", 0)))
	p := r.c.masters[0].peers[0]
	require.Equal(t, r.now.Mono, p.heardAt, "a repetition is a sign of life")

	moved := strings.Replace(helloOf(0, 0, "10.0.0.1,6379", 0), "26379", "30000", 1)
	require.Equal(t, []string{"+sentinel-address-switch master mm 10.0.0.1 6379 ip 10.0.0.3 port 30000 for " + peerID(0)}, r.hear(moved))
	require.Equal(t, 30000, p.addr.Port)

	taken := strings.Replace(moved, peerID(0), peerID(1), 1)
	require.Equal(t, []string{
		"+sentinel-invalid-addr sentinel " + peerID(0) + " 10.0.0.3 30000 " + at,
		"+sentinel sentinel " + peerID(1) + " 10.0.0.3 30000 " + at,
	}, r.hear(taken))
	require.Len(t, r.c.masters[0].peers, 1)
}

// A peer known under several masters moves everywhere. Rule: B-430.
func TestAPeerMovesUnderAllMasters(t *testing.T) {
	boot := around(watched("mm", "10.0.0.1", 6379, 2), 0, 1)
	boot.Masters = append(boot.Masters, around(watched("m2", "10.0.0.1", 6380, 2), 0, 1).Masters...)
	r := newRig(t, boot)
	ofM2 := strings.Replace(helloOf(0, 0, "10.0.0.1,6380", 0), ",mm,", ",m2,", 1)
	require.Empty(t, r.hear(ofM2))
	moved := strings.Replace(helloOf(0, 0, "10.0.0.1,6379", 0), "26379", "30000", 1)
	require.Equal(t, []string{
		"+sentinel-address-switch master mm 10.0.0.1 6379 ip 10.0.0.3 port 30000 for " + peerID(0),
		"+sentinel-address-update sentinel " + peerID(0) + " 10.0.0.3 30000 @ mm 10.0.0.1 6379 1 additional matching instances",
	}, r.hear(moved))
	require.Equal(t, 30000, r.c.masters[1].peers[0].addr.Port)
	require.Len(t, r.hear(ofM2), 2, "what it said of m2 before is no repetition now")
	require.Equal(t, 26379, r.c.masters[1].peers[0].addr.Port)
}

// Epochs are adopted even from a sender that cannot be a peer; only a higher
// config epoch changes the master. Rule: B-431, B-432, B-434, S-5.
func TestConfigurationByHello(t *testing.T) {
	r := newRig(t, around(watched("mm", "10.0.0.1", 6379, 2), 1, 1))
	m := r.c.masters[0]
	require.Equal(t, []string{"+new-epoch 3"}, r.hear(strings.Replace(helloOf(1, 3, "10.0.0.9,6379", 3), "10.0.0.3,", "no.literal,", 1)))
	require.Len(t, m.peers, 1, "a host name makes no peer while names are not resolved")
	require.Equal(t, uint64(0), uint64(m.configEpoch))

	require.Empty(t, r.hear(helloOf(0, 2, "10.0.0.9,6379", 0)), "an equal config epoch with another address")
	require.Equal(t, "10.0.0.1", m.addr.IP)
	require.Equal(t, []string{
		"+config-update-from sentinel " + peerID(0) + " 10.0.0.3 26379 @ mm 10.0.0.1 6379",
		"+switch-master mm 10.0.0.1 6379 10.0.0.2 7000",
		"+slave slave 10.0.0.1:6379 10.0.0.1 6379 @ mm 10.0.0.2 7000",
	}, r.hear(helloOf(0, 3, "10.0.0.2,7000", 3)))
	require.Empty(t, r.hear(helloOf(0, 3, "10.0.0.1,6379", 2)), "a lower one")
	require.Equal(t, "10.0.0.2", m.addr.IP)

	es := r.step(request(1, "PUBLISH", helloChannel, helloOf(0, 3, "10.0.0.2,7000", 4)))
	require.Equal(t, Persist{Seq: r.c.seq}, es[0].Action, "a raised config epoch is written, W-30")
	require.Equal(t, uint64(4), uint64(m.configEpoch))
	require.Equal(t, uint64(4), uint64(r.c.epoch), "no configuration is newer than the current epoch, or no attempt could win")
}

// A configuration whose host name has no IP yet is not taken over: no event, no
// epoch; the lookup is begun, and again with a later hello if it fails. Once it
// succeeds the configuration holds at once. Rule: B-435, R-10, W-31.
func TestConfigurationWaitsForItsName(t *testing.T) {
	boot := around(watched("mm", "10.0.0.1", 6379, 2), 1, 1)
	boot.ResolveHostnames = true
	r := newRig(t, boot)
	m := r.c.masters[0]
	payload := helloOf(0, 0, "db7.example,6379", 5)
	require.Empty(t, r.hear(payload))
	require.Equal(t, "10.0.0.1", m.addr.IP)
	require.Zero(t, m.configEpoch)
	r.step(Resolved{Host: "db7.example", Reason: "no such host"})
	require.Zero(t, m.configEpoch)
	r.wait(2 * time.Second)
	again := r.step(request(2, "PUBLISH", helloChannel, payload))
	require.Contains(t, again, Effect{Action: Resolve{Host: "db7.example"}})
	require.Contains(t, told(r.step(Resolved{Host: "db7.example", IPs: []string{"10.0.0.7"}})),
		"# +switch-master mm 10.0.0.1 6379 db7.example 6379")
	require.Equal(t, "10.0.0.7", m.addr.IP)
}

// Rule: B-401, B-1110, C-63: what our hello says, field by field.
func TestHelloPayload(t *testing.T) {
	boot := watched("mm", "10.0.0.1", 6379, 2)
	boot.Port = 26379
	r := newRig(t, boot)
	m := r.c.masters[0]
	tail := "," + testID + ",0,mm,10.0.0.1,6379,0"
	require.Equal(t, "10.9.9.9,26379"+tail, r.c.helloPayload(m, "10.9.9.9"))
	r.c.general.TLSPort = 26380
	require.Equal(t, "10.9.9.9,26379"+tail, r.c.helloPayload(m, "10.9.9.9"))
	r.c.general.TLSReplication = true
	require.Equal(t, "10.9.9.9,26380"+tail, r.c.helloPayload(m, "10.9.9.9"))
	require.Equal(t, "+OK", r.line("SENTINEL", "CONFIG", "SET", "announce-ip", "192.0.2.1", "announce-port", "7"))
	require.Equal(t, "192.0.2.1,7"+tail, r.c.helloPayload(m, "10.9.9.9"))
	require.Equal(t, "+OK", r.line("SENTINEL", "CONFIG", "SET", "announce-ip", ""))
	require.Equal(t, "10.9.9.9,7"+tail, r.c.helloPayload(m, "10.9.9.9"), "an empty announce-ip is none")
}

// Rule: W-29: what a forged stream of hellos can make us remember is bounded.
func TestPeersAreBounded(t *testing.T) {
	r := newRig(t, watched("mm", "10.0.0.1", 6379, 2))
	for i := range maxPeers + 10 {
		r.now.Mono += time.Second
		r.c.now = r.now
		r.c.receiveHello(fmt.Appendf(nil, "10.0.%d.%d,26379,%040x,0,mm,10.0.0.1,6379,0", i/250, 1+i%250, i), nil)
	}
	require.Len(t, r.c.masters[0].peers, maxPeers)
}

func FuzzHello(f *testing.F) {
	f.Add(helloOf(0, 1, "10.0.0.1,6379", 1))
	f.Add(helloOf(0, math.MaxUint32, "10.0.0.2,7000", 3))
	f.Add("a,b,c,d,e,f,g,h")
	f.Fuzz(func(t *testing.T, payload string) {
		r := newRig(t, around(watched("mm", "10.0.0.1", 6379, 2), 2, 2))
		before := r.c.epoch
		r.step(Hello{Link: 1, Payload: []byte(payload)})
		r.c.receiveHello([]byte(payload), nil)
		r.wait(time.Second)
		require.GreaterOrEqual(t, r.c.epoch, before)
		require.Equal(t, "mm", r.c.masters[0].name)
	})
}

// Rule: B-501, B-511, B-102, R-10: only the master's INFO makes replicas known,
// a host name only where names are resolved.
func TestReplicasFromInfo(t *testing.T) {
	w := newWires(t, around(watched("mm", "10.0.0.1", 6379, 2), 1, 0))
	w.pass(tickEvery)
	w.up(6379, false)
	w.up(7000, false)
	w.reply(7000, "INFO", resp.Str("role:slave\r\nslave0:ip=10.0.0.8,port=1,state=online\r\n"))
	m := w.c.masters[0]
	require.Len(t, m.replicas, 1)
	w.reply(6379, "INFO", resp.Str("role:master\r\nslave0:ip=10.0.0.2,port=7000,state=online\r\n"+
		"slave1:ip=10.0.0.8,port=0,state=wait_bgsave\r\nslave2:ip=db.example,port=1\r\n"))
	require.Len(t, m.replicas, 2)
	require.Equal(t, "10.0.0.8:0", m.replicas[1].name)
	w.pass(11 * time.Second)
	w.reply(6379, "INFO", resp.Str("role:master\r\n"))
	require.Len(t, m.replicas, 2, "a replica that the master does not list any more stays, B-101")
}

// Rule: B-314, B-101, B-622: a peer that is down stays a voter.
func TestDownPeersStayVoters(t *testing.T) {
	r := newRig(t, down(around(watched("mm", "10.0.0.1", 6379, 2), 0, 2), time.Second))
	r.wait(2 * time.Second)
	m := r.c.masters[0]
	require.True(t, m.peers[0].sdown)
	require.Equal(t, 3, m.voters())
	require.Equal(t, 1, r.c.usable(m))
	r.wait(time.Hour)
	require.Len(t, m.peers, 2)
}

// Rule: S2.7: what a master's INFO can make us remember is bounded.
func TestReplicasAreBounded(t *testing.T) {
	r := newRig(t, watched("mm", "10.0.0.1", 6379, 2))
	m := r.c.masters[0]
	for i := range maxReplicas + 10 {
		r.c.learnReplica(m, replication.Reported{Host: fmt.Sprintf("10.1.%d.%d", i/250, 1+i%250), Port: 6379})
	}
	require.Equal(t, maxReplicas, len(m.replicas))
}

// An INFO that is answered by an error is asked for again each second, and at
// once with the first PONG after another answer, and when an instance is no
// longer down; a user who may not call INFO is not asked more often for that.
//
// Rule: B-503, W-12.
func TestInfoRefusedIsAskedAgain(t *testing.T) {
	w := newWires(t, down(watched("mm", "10.0.0.1", 6379, 1), 10*time.Second))
	w.pass(tickEvery)
	w.up(6379, false)
	asked := func(d time.Duration, ping, info resp.Value) (n int) {
		for end := w.now.Mono + d; w.now.Mono < end; {
			cmds := w.pass(50 * time.Millisecond)
			if w.c.masters[0].link.waits {
				cmds = append(cmds, w.reply(6379, "PING", ping)...)
			}
			if slices.Contains(cmds, "INFO") {
				n++
				w.reply(6379, "INFO", info)
			}
		}
		return n
	}
	pong, busy := resp.Status("PONG"), resp.Err("BUSY Redis is busy running a script.")
	w.reply(6379, "INFO", resp.Err("NOPERM this user has no permissions to run the 'info' command"))
	w.reply(6379, "PING", pong)
	require.InDelta(t, 5, asked(5*time.Second, pong, busy), 1, "refused: each second, each PONG or not")
	asked(2*time.Second, pong, resp.Str("role:master\r\n"))
	require.Zero(t, asked(5*time.Second, busy, busy), "all is known")
	require.Equal(t, 1, asked(1500*time.Millisecond, pong, resp.Str("role:master\r\n")), "at once")
}
