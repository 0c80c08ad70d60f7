package acl

// DefaultLogLen is the default of acllog-max-len.
const DefaultLogLen = 128

// Entry is one entry of ACL LOG.
type Entry struct {
	ID         uint64 // from 0, never used again
	Count      int64
	Reason     Reason
	Context    string // `toplevel`
	Object     string // command, channel, or `AUTH` or `HELLO`
	User       string
	ClientInfo string // as CLIENT LIST shows the client
	CreatedMS  int64  // Unix milliseconds
	UpdatedMS  int64  // Unix milliseconds
}

// AgeSeconds is the `age-seconds` of the entry.
func (e *Entry) AgeSeconds(nowMS int64) float64 { return 0 }

// Log is the log of refusals, newest first. The zero Log keeps nothing.
type Log struct {
	capacity int
	nextID   uint64
	entries  []*Entry
}

// NewLog makes a log of at most capacity entries (acllog-max-len).
func NewLog(capacity int) *Log { return &Log{capacity: capacity} }

// Add records a refusal. One with the same reason, context, object and user
// within 60 s raises the count of the entry there is.
//
// Rule: K-6.4.
func (l *Log) Add(nowMS int64, why Reason, object, user, clientInfo string) {}

// Reset empties the log; ids go on.
func (l *Log) Reset() {}

// Entries gives the newest limit entries, newest first; limit may be above
// what there is. The entries are copies.
func (l *Log) Entries(limit int64) []Entry { return nil }
