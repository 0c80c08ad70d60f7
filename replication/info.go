package replication

import (
	"bytes"
	"strconv"
	"time"
)

// Role is what an instance says it is. The zero Role is Unknown.
type Role uint8

// Roles of INFO's `role` line.
const (
	Unknown Role = iota
	Master
	Replica
)

// String is the word of the original's status replies and events.
func (r Role) String() string {
	return [...]string{"unknown", "master", "slave"}[r]
}

// MaxReported is how many replicas of one INFO are looked at; a Redis server
// with more is beyond anything seen, an endless list is an attack.
const MaxReported = 1024

// Info is what the lines of an INFO reply say that matter to a Sentinel.
// Absent lines leave the zero value.
//
// Rule: behaviour.md 5.2.
type Info struct {
	RunID      string // 40 bytes, else ""
	Role       Role
	MasterHost string // replicas only, as reported
	MasterPort int
	LinkUp     bool
	// LinkDown is master_link_down_since_seconds; -1 s means never linked.
	LinkDown     time.Duration
	Priority     int   // 100 when not reported
	Offset       int64 // slave_repl_offset, bytes
	MasterOffset int64 // master_repl_offset, bytes
	Announced    bool  // true when not reported
	Replicas     []Reported
	ReplID       string
	ReplID2      string
	// Own is gosentinel_version, which only Sentinels of our kind report.
	Own string
}

// Reported is a replica as its master lists it.
type Reported struct {
	Host string
	Port int
}

const defaultPriority = 100

// ParseInfo reads an INFO reply. It cannot fail: what it does not understand
// it ignores. The cost is that of the text, and nothing of text is kept.
func ParseInfo(text []byte) Info {
	in := Info{Priority: defaultPriority, Announced: true}
	for len(text) > 0 {
		line := text
		if i := bytes.IndexByte(text, '\n'); i >= 0 {
			line, text = text[:i], text[i+1:]
		} else {
			text = nil
		}
		line = bytes.TrimSuffix(line, []byte{'\r'})
		colon := bytes.IndexByte(line, ':')
		if colon <= 0 {
			continue
		}
		in.read(line[:colon], line[colon+1:])
	}
	return in
}

func (in *Info) read(key, value []byte) {
	switch string(key) {
	case "run_id":
		if len(value) >= 40 {
			in.RunID = string(value[:40])
		}
	case "role":
		switch string(value) {
		case "master":
			in.Role = Master
		case "slave":
			in.Role = Replica
		}
	case "master_host":
		in.MasterHost = string(value)
	case "master_port":
		in.MasterPort = int(number(value))
	case "master_link_status":
		in.LinkUp = string(value) == "up"
	case "master_link_down_since_seconds":
		in.LinkDown = time.Duration(clamp(number(value), -1, maxSeconds)) * time.Second
	case "slave_priority":
		in.Priority = int(number(value))
	case "slave_repl_offset":
		in.Offset = number(value)
	case "master_repl_offset":
		in.MasterOffset = number(value)
	case "replica_announced":
		in.Announced = number(value) != 0
	case "master_replid":
		in.ReplID = string(value)
	case "master_replid2":
		in.ReplID2 = string(value)
	case "gosentinel_version":
		in.Own = string(value)
	default:
		if len(key) > 5 && string(key[:5]) == "slave" && isDigits(key[5:]) && len(in.Replicas) < MaxReported {
			if r, ok := reported(value); ok {
				in.Replicas = append(in.Replicas, r)
			}
		}
	}
}

// rdbChannel marks the second connection of a replica that is listed already:
// servers that send the snapshot on a connection of its own list both.
//
// Rule: R-14 (redis #14728).
var rdbChannel = []byte("type=rdb-channel")

// reported reads `ip=<h>,port=<p>,…` or the old `<h>,<p>,<state>`.
func reported(value []byte) (Reported, bool) {
	var r Reported
	first, rest, ok := bytes.Cut(value, []byte{','})
	if !ok {
		return r, false
	}
	if host, isNew := bytes.CutPrefix(first, []byte("ip=")); isNew {
		r.Host = string(host)
		for len(rest) > 0 {
			var field []byte
			field, rest, _ = bytes.Cut(rest, []byte{','})
			if port, is := bytes.CutPrefix(field, []byte("port=")); is {
				r.Port = int(number(port))
			}
			if bytes.Equal(field, rdbChannel) {
				return r, false
			}
		}
	} else {
		port, _, _ := bytes.Cut(rest, []byte{','})
		r.Host, r.Port = string(first), int(number(port))
	}
	return r, r.Host != "" && r.Port >= 0 && r.Port <= 65535
}

const maxSeconds = int64(1) << 31

// number reads a decimal; anything else is 0, as is what does not fit.
func number(b []byte) int64 {
	n, err := strconv.ParseInt(string(b), 10, 64)
	if err != nil {
		return 0
	}
	return n
}

func clamp(n, lo, hi int64) int64 { return max(lo, min(hi, n)) }

func isDigits(b []byte) bool {
	for _, c := range b {
		if c < '0' || c > '9' {
			return false
		}
	}
	return len(b) > 0
}
