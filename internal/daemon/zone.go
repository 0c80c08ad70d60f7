package daemon

import (
	"encoding/binary"
	"os"
	"strings"
	"time"
)

// useZone makes the zone that TZ names the local one where Go alone would not
// understand it: a rule in the manner of POSIX, such as CET-1CEST. Anything that
// is no such rule either is left as Go takes it.
//
// Rule: C-51.
func useZone() {
	name, set := os.LookupEnv("TZ")
	name = strings.TrimPrefix(name, ":")
	if !set || name == "" {
		return
	}
	if _, err := time.LoadLocation(name); err == nil {
		return
	}
	if zone, ok := posixZone(name); ok {
		time.Local = zone
	}
}

// posixZone is the zone of a POSIX rule. Go reads such rules only as the last
// line of a zone file, so a file is made around it: one old change, to UTC, and
// the rule for ever after.
func posixZone(rule string) (*time.Location, bool) {
	if strings.Contains(rule, "\n") || !strings.ContainsAny(rule, "0123456789") {
		return nil, false
	}
	const version = '2'
	header := func(changes uint32) []byte {
		h := append([]byte("TZif"), version)
		h = append(h, make([]byte, 15)...)
		for _, n := range []uint32{0, 0, 0, changes, 1, 4} { // UTC and standard marks, leap seconds, changes, kinds, letters
			h = binary.BigEndian.AppendUint32(h, n)
		}
		return h
	}
	kind := []byte{0, 0, 0, 0, 0, 0, 'U', 'T', 'C', 0}
	data := append(header(0), kind...)
	data = append(data, header(1)...)
	data = binary.BigEndian.AppendUint64(data, 1<<63) // the beginning of time
	data = append(data, 0)
	data = append(data, kind...)
	data = append(data, "\n"+rule+"\n"...)
	zone, err := time.LoadLocationFromTZData(rule, data)
	if err != nil {
		return nil, false
	}
	// A rule that Go does not understand is passed over: the name of the zone
	// is then still that of the change.
	if name, _ := time.Now().In(zone).Zone(); name == "UTC" && !strings.HasPrefix(rule, "UTC") {
		return nil, false
	}
	return zone, true
}
