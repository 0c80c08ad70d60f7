package sentinel

import (
	"fmt"
	"strings"
	"time"

	"gosentinel/internal/resp"
)

// topic is what is wrong with an instance.
type topic uint8

const (
	topicConnect   topic = iota // it ends command connections
	topicSubscribe              // it ends Pub/Sub connections
	topicState                  // it is in a state in which it does not serve
	topicCommand                // it refuses a command
	topicHello                  // a Sentinel's hello cannot be used
	topicAddress                // it names another address as the master
	topicKind                   // it is no Redis server
)

// Limits of complaints.
const (
	complaintEvery = time.Minute // the least time between two lines about one thing
	complaintsKept = 16          // of one instance
	manyCutOff     = 3           // connections in a row that end before anything is answered are no accident
	maxWords       = 200         // bytes of what an instance said that are told
)

// complaint is one thing that is wrong, or was.
type complaint struct {
	about topic
	word  string        // what sets two of a topic apart: a command, a run id, the name of a master
	lasts bool          // it is not over
	since time.Duration // when it began last
	told  time.Duration // when the log was last told; never
	spoke bool          // the log knows of it, and is to hear of its end
}

// complaints are what is wrong with an instance, as the log was told: each
// thing once, again at most once in complaintEvery while it lasts, and when it
// is over. They are lines of the log and never events. The zero value is none.
//
// Rule: B-930, W-32, R-19.
type complaints []complaint

// find is the complaint of that topic and word, nil if there never was one.
func (l complaints) find(about topic, word string) *complaint {
	for k := range l {
		if l[k].about == about && l[k].word == word {
			return &l[k]
		}
	}
	return nil
}

// begin notes that something is wrong, or still is, and reports whether the log
// is to be told.
func (l *complaints) begin(now time.Duration, about topic, word string) bool {
	x := l.find(about, word)
	if x == nil {
		x = l.room(now)
		if x == nil {
			return false
		}
		*x = complaint{about: about, word: word, told: never}
	}
	if !x.lasts {
		x.lasts, x.since, x.spoke = true, now, false
	}
	if now-x.told < complaintEvery {
		return false
	}
	x.told, x.spoke = now, true
	return true
}

// room is a place for a new complaint: that of the one told longest ago if
// there are too many, unless the log was told of all within the last minute.
func (l *complaints) room(now time.Duration) *complaint {
	if len(*l) < complaintsKept {
		*l = append(*l, complaint{})
		return &(*l)[len(*l)-1]
	}
	oldest := &(*l)[0]
	for k := range *l {
		if x := &(*l)[k]; x.told < oldest.told {
			oldest = x
		}
	}
	if now-oldest.told < complaintEvery {
		return nil
	}
	return oldest
}

// end notes that something is right, and reports for how long it was not if the
// log is to be told.
func (l complaints) end(now time.Duration, about topic, word string) (lasted time.Duration, tell bool) {
	x := l.find(about, word)
	if x == nil || !x.lasts {
		return 0, false
	}
	x.lasts = false
	return now - x.since, x.spoke
}

// complain tells the log that something is wrong with the instance behind l, if
// it is to be told.
//
// Rule: W-32.
func (c *Core) complain(l *link, about topic, word, format string, args ...any) {
	if l.complaints.begin(c.now.Mono, about, word) {
		c.logLine(LevelWarning, l.users[0].describe(c)+" "+fmt.Sprintf(format, args...))
	}
}

// appease tells the log that something is right again, if it has heard that it
// was not.
func (c *Core) appease(l *link, about topic, word, text string) {
	if len(l.complaints) == 0 {
		return
	}
	if lasted, tell := l.complaints.end(c.now.Mono, about, word); tell {
		c.logLine(LevelWarning, fmt.Sprintf("%s %s, after %d s", l.users[0].describe(c), text, lasted/time.Second))
	}
}

// command is the original name of what was sent, where a refusal is told.
func (k sendKind) command() string {
	switch k {
	case sendPing:
		return "PING"
	case sendInfo, sendKindQuestion:
		return "INFO"
	case sendHello:
		return "PUBLISH"
	case sendAsk, sendIdentity, sendListQuestion:
		return "SENTINEL"
	case sendAuth:
		return "AUTH"
	case sendName:
		return "CLIENT"
	}
	return ""
}

// hearWords looks for errors in a reply on cn, whatever else it means: an
// instance that answers with errors looks as if it were dead, and nothing else
// says why it does.
//
// Rule: B-931, W-32.
func (c *Core) hearWords(cn *conn, k sendKind, v *resp.Value) {
	l := cn.link
	cn.answered, cn.cutOff = true, 0
	if v.Kind != resp.Error {
		if len(l.complaints) > 0 {
			c.hearNoWords(cn, k, v)
		}
		return
	}
	if word := k.command(); word != "" {
		c.refused(cn, word, v.Str)
	}
}

// refused tells what the error of a command means.
func (c *Core) refused(cn *conn, command, words string) {
	l := cn.link
	text := c.words(l, words)
	switch code, _, _ := strings.Cut(words, " "); {
	case code == "DENIED" || strings.HasPrefix(words, "ERR max number of clients"):
		c.complain(l, cn.topic(), "", "refuses %s: %s", cn.called(), text)
	case code == "NOAUTH" || code == "LOADING" || code == "MASTERDOWN" || code == "BUSY":
		c.complain(l, topicState, code, "answers %s with an error: %s", command, text)
	default:
		c.complain(l, topicCommand, command, "answers %s with an error: %s", command, text)
	}
}

// hearNoWords tells what is over with a reply that is no error.
func (c *Core) hearNoWords(cn *conn, k sendKind, v *resp.Value) {
	l := cn.link
	c.accepted(cn)
	if word := k.command(); word != "" {
		c.appease(l, topicCommand, word, "no longer answers "+word+" with an error")
	}
	if k == sendPing && v.Kind == resp.Simple && strings.HasPrefix(v.Str, "PONG") {
		for k := range l.complaints {
			if x := &l.complaints[k]; x.about == topicState {
				c.appease(l, topicState, x.word, "no longer answers with the error "+x.word)
			}
		}
	}
}

// accepted tells that connections are accepted again.
func (c *Core) accepted(cn *conn) {
	c.appease(cn.link, cn.topic(), "", "accepts "+cn.called()+" again")
}

// hearSubscription takes what a SUBSCRIBE came to.
func (c *Core) hearSubscription(cn *conn, in *Hello) {
	cn.answered, cn.cutOff = true, 0
	switch {
	case !in.Failed:
		c.accepted(cn)
		c.appease(cn.link, topicCommand, "SUBSCRIBE", "no longer answers SUBSCRIBE with an error")
	case len(in.Payload) > 0:
		c.refused(cn, "SUBSCRIBE", string(in.Payload))
	}
}

// handshake is how the reason of a connection begins that TLS has prevented.
const handshake = "TLS"

// hearEnd takes the reason why a connection has ended. One that nobody listens
// to is no more than that. One that ends before anything is answered may have been
// killed with the clients of an instance that is told its role, but not as often
// as that.
func (c *Core) hearEnd(cn *conn, reason string) {
	l := cn.link
	switch {
	case cn.state == connOpening && strings.Contains(reason, handshake):
		c.complain(l, cn.topic(), "", "refuses %s: %s", cn.called(), plain(reason))
	case cn.state == connUp && !cn.answered && reason != "":
		if cn.cutOff = min(cn.cutOff+1, manyCutOff); cn.cutOff == manyCutOff {
			c.complain(l, cn.topic(), "", "ends %s before it answers: %s", cn.called(), plain(reason))
		}
	}
}

func (cn *conn) topic() topic {
	if cn.pubsub {
		return topicSubscribe
	}
	return topicConnect
}

func (cn *conn) called() string {
	if cn.pubsub {
		return "Pub/Sub connections"
	}
	return "connections"
}

// words are those of an error of the instance behind l, fit for the log: a
// server that does not know a command repeats its arguments, and AUTH has a
// password.
func (c *Core) words(l *link, text string) string {
	text, _, _ = strings.Cut(text, ", with args beginning with")
	if cred := c.credentials(l.users[0]); len(cred) > 0 {
		if pass := cred[len(cred)-1]; pass != "" {
			text = strings.ReplaceAll(text, pass, "***")
		}
	}
	return plain(text)
}

// plain is a text from outside as the log may have it: short, and of characters
// that move no cursor.
func plain(text string) string {
	text = text[:min(len(text), maxWords)]
	return strings.Map(func(r rune) rune {
		if r < ' ' || r > '~' {
			return '?'
		}
		return r
	}, text)
}
