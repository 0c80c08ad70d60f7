package sentinel

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"gosentinel/conf"
	"gosentinel/internal/resp"
)

// crowd is a core amid masters of two replicas each that answer everything a
// moment later, on virtual time.
type crowd struct {
	tb    testing.TB
	c     *Core
	now   Stamp
	disk  bool // writes return at once
	sites map[LinkID]*site
	byKey map[site]*site
	pubs  map[site]LinkID // the Pub/Sub connection to each
	mail  []letter        // on its way to the core, the oldest first
	next  int             // in mail
	pings []Input         // the answer to a PING by link
	peers int
	infos bool // INFO changes in lines that do not matter
	brief bool // INFO holds nothing else
	count counts
	wrote map[LinkID]int // in which step, the count of them, a link was last written to
}

// counts are of what happened: packets are the links written to, step by step.
type counts struct{ pings, infos, hellos, sends, packets, steps, ticks int }

// site is an instance: the master (part 0) or a replica (1, 2) of a group, or
// a peer (group -1).
type site struct{ group, part int }

type letter struct {
	at time.Duration
	in Input
}

// crowdRTT is how long an answer takes.
const crowdRTT = 200 * time.Microsecond

// newCrowd makes a core that watches so many masters, with so many peers.
func newCrowd(tb testing.TB, masters, peers int, known bool) *crowd {
	tb.Helper()
	f := &crowd{
		tb: tb, now: Stamp{Mono: time.Hour, Wall: 1_700_000_000_000}, disk: true,
		sites: map[LinkID]*site{}, byKey: map[site]*site{}, pubs: map[site]LinkID{}, wrote: map[LinkID]int{}, peers: peers,
	}
	boot := conf.State{MyID: testID, Port: 26379, LogLevel: "notice", DenyScriptsReconfig: true}
	boot.Masters = make([]*conf.Master, masters)
	for g := range masters {
		m := &conf.Master{
			Name: fmt.Sprintf("master-%06d", g), Addr: conf.Endpoint{Host: groupIP(g, 0), Port: 6379}, Quorum: 2,
			DownAfter: 5 * time.Second, FailoverTimeout: conf.DefaultFailoverTimeout, ParallelSyncs: 1, HasLeaderEpoch: true,
		}
		for part := 1; known && part <= 2; part++ {
			m.Replicas = append(m.Replicas, conf.Endpoint{Host: groupIP(g, part), Port: 6379})
		}
		for p := range peers {
			m.Sentinels = append(m.Sentinels, conf.Peer{Addr: conf.Endpoint{Host: "127.0.0.1", Port: 26380 + p}, RunID: peerID(p)})
		}
		boot.Masters[g] = m
	}
	c, err := New(f.now, boot, 1)
	require.NoError(tb, err)
	f.c = c
	f.take(c.Start())
	return f
}

// groupIP is the address of a part of a group.
func groupIP(group, part int) string {
	return fmt.Sprintf("10.%d.%d.%d", group>>14&0xff, group>>6&0xff, group&0x3f<<2|part)
}

// siteOf finds who lives at an address.
func (f *crowd) siteOf(ip string, port int) *site {
	key := site{-1, port - 26380}
	if port == 6379 {
		var a, b, c int
		_, err := fmt.Sscanf(ip, "10.%d.%d.%d", &a, &b, &c)
		require.NoError(f.tb, err)
		key = site{a<<14 | b<<6 | c>>2, c & 3}
	}
	if f.byKey[key] == nil {
		f.byKey[key] = &key
	}
	return f.byKey[key]
}

// take carries effects out.
func (f *crowd) take(es []Effect) {
	for _, e := range es {
		switch a := e.Action.(type) {
		case Dial:
			f.sites[a.Link] = f.siteOf(a.Addr.IP, a.Addr.Port)
			f.post(LinkUp{Link: a.Link, Local: "10.255.0.1"})
		case *Send:
			f.count.sends++
			if f.wrote[a.Link] != f.count.steps {
				f.count.packets++
				f.wrote[a.Link] = f.count.steps
			}
			f.answer(f.sites[a.Link], a)
		case Persist:
			if f.disk {
				f.c.Durable()
				f.post(Persisted{Seq: a.Seq})
			}
		case Hangup:
			delete(f.sites, a.Link)
		}
	}
}

func (f *crowd) post(in Input) { f.mail = append(f.mail, letter{f.now.Mono + crowdRTT, in}) }

// answer replies as the instance at s would.
func (f *crowd) answer(s *site, a *Send) {
	switch a.Cmds[0][0] {
	case "PING":
		f.count.pings++
		for uint64(len(f.pings)) <= uint64(a.Link) {
			f.pings = append(f.pings, nil)
		}
		pong := Answer{Tag: a.Tag, Value: resp.Status("PONG")}
		if old, ok := f.pings[a.Link].(Answer); !ok || old.Tag != a.Tag {
			f.pings[a.Link] = pong
		}
		f.post(f.pings[a.Link])
	case "INFO":
		f.count.infos++
		f.post(Answer{Tag: a.Tag, Value: resp.Str(f.info(*s))})
	case "PUBLISH":
		f.count.hellos++
		f.post(Answer{Tag: a.Tag, Value: resp.Int(1)})
		f.spread(*s, a.Cmds[0][2])
	case "SUBSCRIBE":
		f.pubs[*s] = a.Link
		f.post(Hello{Link: a.Link})
	default:
		if s.group < 0 && len(a.Cmds[0]) == 2 && a.Cmds[0][1] == "MYID" {
			f.post(Answer{Tag: a.Tag, Value: resp.Str(peerID(s.part))})
		} else if a.Tag != 0 {
			f.post(Answer{Tag: a.Tag, Value: resp.OK})
		}
	}
}

// spread delivers our hello to who subscribed at s, and those of the peers,
// who publish as often as we do. What a master is told its replicas hear too.
func (f *crowd) spread(s site, hello string) {
	if s.group < 0 {
		return
	}
	last := s.part
	if s.part == 0 {
		last = 2
	}
	for part := s.part; part <= last; part++ {
		id, ok := f.pubs[site{s.group, part}]
		if !ok {
			continue
		}
		f.post(Hello{Link: id, Payload: []byte(hello)})
		for p := range f.peers {
			text := fmt.Sprintf("127.0.0.1,%d,%s,0,master-%06d,%s,6379,0", 26380+p, peerID(p), s.group, groupIP(s.group, 0))
			f.post(Hello{Link: id, Payload: []byte(text)})
		}
	}
}

// info is what the instance at s answers to INFO now.
func (f *crowd) info(s site) string {
	if s.group < 0 {
		return "# Server\r\ngosentinel_version:1\r\n"
	}
	role := "role:master\r\nconnected_slaves:2\r\n"
	if s.part > 0 {
		role = "role:slave\r\nmaster_host:" + groupIP(s.group, 0) + "\r\nmaster_port:6379\r\nmaster_link_status:up\r\n" +
			"slave_repl_offset:1000\r\nslave_priority:100\r\nreplica_announced:1\r\nconnected_slaves:0\r\n"
	} else {
		for part := 1; part <= 2; part++ {
			role += fmt.Sprintf("slave%d:ip=%s,port=6379,state=online,offset=1000,lag=0\r\n", part-1, groupIP(s.group, part))
		}
	}
	if f.brief {
		return fmt.Sprintf("run_id:%039d%d\r\n", s.group, s.part) + role
	}
	uptime := "1000"
	if f.infos {
		uptime = fmt.Sprint(1000 + int64(f.now.Mono/time.Second))
	}
	return strings.NewReplacer("\n", "\r\n", "{run_id}", fmt.Sprintf("%039d%d", s.group, s.part), "{port}", "6379",
		"{uptime}", uptime, "{clients}", "3", "{role}\n", role, "{replid}", fmt.Sprintf("%040d", s.group),
		"{replid2}", strings.Repeat("0", 40), "{offset}", "1000").Replace(realInfo(f.tb))
}

var realInfoText string

// realInfo is what a redis-server answers to INFO, with names in braces.
func realInfo(tb testing.TB) string {
	if realInfoText == "" {
		text, err := os.ReadFile("../internal/fakeredis/info.txt")
		require.NoError(tb, err)
		realInfoText = string(text)
	}
	return realInfoText
}

// run lets d pass.
func (f *crowd) run(d time.Duration) {
	for end := f.now.Mono + d; ; {
		tick := max(f.c.NextDeadline(), f.now.Mono)
		if f.next < len(f.mail) && f.mail[f.next].at <= tick {
			l := f.mail[f.next]
			if l.at > end {
				break
			}
			f.mail[f.next].in = nil
			f.next++
			if f.next == len(f.mail) {
				f.mail, f.next = f.mail[:0], 0
			} else if f.next > 1<<12 && f.next > len(f.mail)/2 {
				f.mail = f.mail[:copy(f.mail, f.mail[f.next:])]
				f.next = 0
			}
			f.step(l.at, l.in)
			continue
		}
		if tick > end {
			break
		}
		f.count.ticks++
		f.step(max(tick, f.now.Mono+1), Tick{})
	}
}

func (f *crowd) step(at time.Duration, in Input) {
	f.count.steps++
	f.now.Mono = at
	f.take(f.c.Step(f.now, in))
}

// TestCrowdIsWell: the instrument itself; a crowd at rest is discovered, and
// nobody is down.
func TestCrowdIsWell(t *testing.T) {
	f := newCrowd(t, 20, 2, false)
	f.run(30 * time.Second)
	for _, m := range f.c.masters {
		require.Len(t, m.replicas, 2)
		m.eachInstance(func(i *instance) {
			require.False(t, i.sdown)
			require.True(t, i.connected())
		})
	}
}
