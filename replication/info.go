package replication

import (
	"strconv"
	"strings"
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
	Syncing    bool // it is being sent a snapshot
	// LinkDown is master_link_down_since_seconds; -1 s means never linked.
	LinkDown     time.Duration
	Priority     int   // 100 when not reported
	Offset       int64 // slave_repl_offset, bytes
	MasterOffset int64 // master_repl_offset, bytes
	Announced    bool  // true when not reported
	Replicas     []Reported
	ReplID       string
	ReplID2      string
	Cluster      bool // it is a node of a Redis Cluster
	Empty        bool // it tells of its keys, and has none
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
	var in Info
	in.Read(string(text))
	return in
}

// Read is ParseInfo into in, which holds an earlier reply of the same instance:
// what has not changed costs no memory.
func (in *Info) Read(text string) {
	old := *in
	*in = Info{Priority: defaultPriority, Announced: true, Replicas: old.Replicas[:0]}
	for len(text) > 0 {
		var line string
		if i := strings.IndexByte(text, '\n'); i >= 0 {
			line, text = text[:i], text[i+1:]
		} else {
			line, text = text, ""
		}
		if line == "" {
			continue
		}
		switch line[0] { // of the few keys that matter
		case '#':
			if strings.HasPrefix(line, "# Keyspace") {
				in.Empty = true
			}
		case 'd': // a data base that has keys
			if strings.HasPrefix(line, "db") && strings.Contains(line, ":keys=") {
				in.Empty = false
			}
		case 'r', 'm', 's':
			if key, value, ok := strings.Cut(strings.TrimSuffix(line, "\r"), ":"); ok {
				in.read(key, value, &old)
			}
		}
	}
}

// maxText is how long a text of a reply may be, in bytes: a host name, or a
// replication id. A longer one is none of these.
const maxText = 255

func (in *Info) read(key, value string, old *Info) {
	if len(value) > maxText && !strings.HasPrefix(key, "slave") {
		return
	}
	switch key {
	case "run_id":
		if len(value) >= 40 {
			in.RunID = kept(value[:40], old.RunID)
		}
	case "redis_mode":
		in.Cluster = value == "cluster"
	case "role":
		switch value {
		case "master":
			in.Role = Master
		case "slave":
			in.Role = Replica
		}
	case "master_host":
		in.MasterHost = kept(value, old.MasterHost)
	case "master_port":
		in.MasterPort = int(number(value))
	case "master_sync_in_progress":
		in.Syncing = value == "1"
	case "master_link_status":
		in.LinkUp = value == "up"
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
		in.ReplID = kept(value, old.ReplID)
	case "master_replid2":
		in.ReplID2 = kept(value, old.ReplID2)
	default:
		if len(key) > 5 && key[:5] == "slave" && isDigits(key[5:]) && len(in.Replicas) < MaxReported {
			n := len(in.Replicas)
			host := ""
			if n < len(old.Replicas) {
				host = old.Replicas[n].Host
			}
			if r, ok := reported(value); ok {
				r.Host = kept(r.Host, host)
				in.Replicas = append(in.Replicas, r)
			}
		}
	}
}

// noReplID is master_replid2 of an instance that was never promoted.
const noReplID = "0000000000000000000000000000000000000000"

// kept is a string equal to s that is no part of a longer one: old, if that is.
func kept(s, old string) string {
	switch s {
	case old:
		return old
	case noReplID:
		return noReplID
	}
	return strings.Clone(s)
}

// rdbChannel marks the second connection of a replica that is listed already:
// servers that send the snapshot on a connection of its own list both.
//
// Rule: R-14 (redis #14728).
const rdbChannel = "type=rdb-channel"

// reported reads `ip=<h>,port=<p>,…` or the old `<h>,<p>,<state>`.
func reported(value string) (Reported, bool) {
	var r Reported
	first, rest, ok := strings.Cut(value, ",")
	if !ok {
		return r, false
	}
	if host, isNew := strings.CutPrefix(first, "ip="); isNew {
		r.Host = host
		for len(rest) > 0 {
			var field string
			field, rest, _ = strings.Cut(rest, ",")
			if port, is := strings.CutPrefix(field, "port="); is {
				r.Port = int(number(port))
			}
			if field == rdbChannel {
				return r, false
			}
		}
	} else {
		port, _, _ := strings.Cut(rest, ",")
		r.Host, r.Port = first, int(number(port))
	}
	return r, r.Host != "" && len(r.Host) <= maxText && r.Port >= 0 && r.Port <= 65535
}

const maxSeconds = int64(1) << 31

// number reads a decimal; anything else is 0, as is what does not fit.
func number(s string) int64 {
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil {
		return 0
	}
	return n
}

func clamp(n, lo, hi int64) int64 { return max(lo, min(hi, n)) }

func isDigits(s string) bool {
	for i := 0; i < len(s); i++ {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return len(s) > 0
}
