package acl

import (
	"slices"
	"strings"
)

// Limits of the log. The original scans as many of the newest entries for one
// to merge with, and merges for as long.
const (
	DefaultLogLen = 128    // acllog-max-len
	mergeScan     = 10     // entries
	mergeForMS    = 60_000 // milliseconds
	maxLogText    = 1024   // bytes kept of a name that the client chose; ours
)

// Entry is one entry of ACL LOG.
type Entry struct {
	ID         uint64 // from 0, never used again
	Count      int64
	Reason     Reason
	Context    string // `toplevel`
	Object     string // command, channel, or `AUTH` or `HELLO` as typed
	User       string
	ClientInfo string // as CLIENT LIST shows the client, at the last refusal
	CreatedMS  int64  // Unix milliseconds
	UpdatedMS  int64  // Unix milliseconds
}

// AgeSeconds is the `age-seconds` of the entry: since its last refusal.
func (e *Entry) AgeSeconds(nowMS int64) float64 { return float64(nowMS-e.UpdatedMS) / 1000 }

// Log is the log of refusals, newest first. The zero Log keeps nothing.
type Log struct {
	capacity int
	nextID   uint64
	entries  []*Entry // oldest first
}

// NewLog makes a log of at most capacity entries (acllog-max-len).
func NewLog(capacity int) *Log { return &Log{capacity: capacity} }

// Add records a refusal. One with the same reason, object and user as a recent
// entry, within 60 s, raises the count of that entry, which is the newest then.
//
// Rule: K-6.4.
func (l *Log) Add(nowMS int64, why Reason, object, user, clientInfo string) {
	object, user = cut(object), cut(user)
	for i := len(l.entries) - 1; i >= max(0, len(l.entries)-mergeScan); i-- {
		e := l.entries[i]
		if e.Reason == why && e.Object == object && e.User == user && nowMS-e.UpdatedMS <= mergeForMS {
			e.Count++
			e.UpdatedMS, e.ClientInfo = nowMS, clientInfo
			l.entries = append(slices.Delete(l.entries, i, i+1), e)
			return
		}
	}
	l.entries = append(l.entries, &Entry{
		ID: l.nextID, Count: 1, Reason: why, Context: "toplevel", Object: object, User: user,
		ClientInfo: clientInfo, CreatedMS: nowMS, UpdatedMS: nowMS,
	})
	l.nextID++
	if extra := len(l.entries) - max(0, l.capacity); extra > 0 {
		l.entries = slices.Delete(l.entries, 0, extra)
	}
}

// cut copies up to maxLogText bytes of s.
func cut(s string) string { return strings.Clone(s[:min(len(s), maxLogText)]) }

// Reset empties the log; ids go on.
func (l *Log) Reset() { l.entries = nil }

// Entries gives the newest limit entries, newest first; limit may be above
// what there is, and gives nothing if it is not positive. The entries are copies.
func (l *Log) Entries(limit int64) []Entry {
	n := int(min(max(limit, 0), int64(len(l.entries))))
	out := make([]Entry, 0, n)
	for _, e := range slices.Backward(l.entries) {
		if len(out) == n {
			break
		}
		out = append(out, *e)
	}
	return out
}
