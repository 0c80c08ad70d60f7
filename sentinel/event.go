package sentinel

// Level is the importance of an event or log line, as `loglevel` names it.
type Level uint8

// Levels from least to most important; the zero Level is LevelDebug.
const (
	LevelDebug Level = iota
	LevelVerbose
	LevelNotice
	LevelWarning
)

// Event is one thing that happened: a log line `<Name> <Payload>` and, unless
// LogOnly, a message on the channel Name. For LogOnly events Name may be
// empty; the line is then the Payload alone.
//
// Rule: B-901.
type Event struct {
	Name    string
	Payload string
	Level   Level
	LogOnly bool
}

// Line is the text of the event's log line.
func (e Event) Line() string {
	if e.Name == "" {
		return e.Payload
	}
	return e.Name + " " + e.Payload
}
