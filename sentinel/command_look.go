package sentinel

import "gosentinel/internal/resp"

// What one Look may have to go through: who has the core in hand meanwhile keeps
// a step waiting.
const (
	lookRows  = 64   // instances that are listed
	lookLines = 1000 // masters that have a line or a name only
)

// looks are SENTINEL's subcommands that change nothing and that Look answers,
// with their arity.
var looks = [...]struct {
	name  string
	words int
	what  lookAt
}{
	{"masters", 2, atMasters}, {"primaries", 2, atMasters},
	{"master", 3, atMaster}, {"primary", 3, atMaster},
	{"replicas", 3, atReplicas}, {"slaves", 3, atReplicas},
	{"sentinels", 3, atPeers}, {"ckquorum", 3, atQuorum}, {"myid", 2, atID},
}

type lookAt uint8

const (
	atMasters lookAt = iota
	atMaster
	atReplicas
	atPeers
	atQuorum
	atID
)

// Look answers a Request that changes nothing, without a step: it appends the
// reply to dst, in a connection's protocol version (2 or 3), and gives that. It
// reports false, and gives dst as it was, if the request has to be stepped: it
// is none that Look knows, its answer is long, or it would show what is not on
// disk yet or what a late tick may change. now must not be before that of the
// last Step.
//
// Look writes to nothing but dst. Any number of callers may look at the same
// time, but not while one of the other methods runs.
//
// Rule: K-2.1, K-3, K-4, E-40.
func (c *Core) Look(dst []byte, now Stamp, args [][]byte, proto int) ([]byte, bool) {
	if c.seq > c.durableSeq || c.dying || now.Mono-c.lastTick > tickEvery+stallMin {
		return dst, false
	}
	t := table{text: dst, proto: proto}
	l := printer{&t, c, max(now.Mono, c.now.Mono)}
	if !l.look(args) {
		return dst, false
	}
	return t.text, true
}

func (l printer) look(args [][]byte) bool {
	short := len(l.c.masters) <= lookLines
	switch {
	case len(args) == 0:
	case isWord(args[0], "info"):
		if short {
			l.section()
		}
		return short
	case isWord(args[0], "role"):
		if short {
			l.value(l.c.roleReply())
		}
		return short
	case isWord(args[0], "sentinel") && len(args) > 1:
		for i := range looks {
			if k := &looks[i]; len(args) == k.words && isWord(args[1], k.name) {
				return l.lookAt(k.what, args)
			}
		}
	}
	return false
}

func (l printer) lookAt(what lookAt, args [][]byte) bool {
	switch what {
	case atMasters:
		if !l.list(len(l.c.masters)) {
			return false
		}
		l.masters()
		return true
	case atID:
		l.value(resp.Str(l.c.myID))
		return true
	}
	m := l.c.byName[string(args[2])]
	if m == nil {
		l.value(resp.Err(textNoMaster))
		return true
	}
	switch what {
	case atMaster:
		l.master(m)
	case atReplicas:
		if !l.list(m.announced()) {
			return false
		}
		l.replicas(m)
	case atPeers:
		if !l.list(len(m.peers)) {
			return false
		}
		l.peers(m)
	case atQuorum:
		l.value(l.c.quorumReply(m))
	}
	return true
}

// value makes v the reply.
func (l printer) value(v resp.Value) { l.text = resp.Append(l.text, l.proto, v) }

// list begins a reply of n rows, unless these are too many.
func (l printer) list(n int) bool {
	if n > lookRows {
		return false
	}
	l.text = resp.AppendHeader(l.text, '*', int64(n))
	return true
}

// announced is how many replicas want to be known.
func (m *master) announced() (n int) {
	for _, r := range m.replicas {
		if r.info.Announced {
			n++
		}
	}
	return n
}

// section makes the sentinel section of INFO the reply. It is written where it
// stays, behind room for the header, whose length is known then.
func (l printer) section() {
	const room = len("$2147483647\r\n")
	var header [room]byte
	start := len(l.text)
	l.text = append(l.text, header[:]...)
	l.text = l.c.infoSection(l.text, l.at)
	size := len(l.text) - start - room
	head := resp.AppendHeader(header[:0], '$', int64(size))
	copy(l.text[start:], head)
	copy(l.text[start+len(head):], l.text[start+room:])
	l.text = append(l.text[:start+len(head)+size], '\r', '\n')
}
