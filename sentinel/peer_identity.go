package sentinel

import (
	"fmt"
	"strings"
	"time"

	"gosentinel/conf"
	"gosentinel/internal/resp"
)

// A hello proves nothing: whoever may publish can name any run id at any
// address, ours included. So the process behind each new link to a peer is
// asked for its run id, ahead of all else that is asked there, and what it
// says of masters counts for that run id only.

// proof is what the process behind a link to a peer says of its run id.
type proof uint8

const (
	proofNone    proof = iota // it has not been asked, or has not answered yet
	proofGiven                // that of the hellos
	proofDenied               // an error: it cannot or may not tell
	proofRefuted              // another, or ours, or it is no Sentinel
)

// String is the word of dumps.
func (p proof) String() string {
	return [...]string{"none", "given", "denied", "refuted"}[p]
}

// mute reports whether whoever answers at p's address has no vote and no opinion
// as p. Where nobody tells who is there, one address has one vote for each
// master: that of the peer whose connection was the last to be refused an id.
//
// Rule: E-6, B-430.
func (p *peer) mute() bool {
	switch p.link.proof {
	case proofRefuted:
		return true
	case proofDenied:
		// Two names at one address that both cannot tell may be one process, which has one vote.
		for _, o := range p.of.peers {
			if o.link.proof == proofDenied && o.link.judgedOn > p.link.judgedOn && o.addr.Same(p.addr) {
				return true
			}
		}
	}
	return false
}

// silence forgets what whoever answers at p's address has said of the master.
//
// Rule: E-6.
func (p *peer) silence() {
	p.opinionDown, p.answered = false, false
	p.voteReply = voteReply{asked: never, sentAt: never, withheldSince: never, retryAt: never}
}

// counts reports whether p is one of the voters. A name that was refuted at
// the only address that it ever had has never been a Sentinel, as far as
// anybody can know, and counts no more than if nobody had invented it. One that
// may be true goes on counting, so that no hello lowers the majority.
//
// Rule: E-6, W-28.
func (p *peer) counts() bool { return p.link.proof != proofRefuted || p.vouched }

// askIdentity asks who is behind a link to a peer that is up now.
//
// Rule: E-6.
func (c *Core) askIdentity(l *link) {
	l.identified = false
	c.sendNow(&l.cmd, pending{is: sendIdentity, inst: l.users[0]}, []string{"SENTINEL", "MYID"})
}

// identityReply takes the answer.
//
// Rule: E-6.
func (c *Core) identityReply(l *link, v resp.Value) {
	was := l.proof
	l.identified, l.proof, l.judgedOn = true, judgeIdentity(l.users[0].runID, v), l.cmd.id
	for _, i := range l.users {
		p := i.peer
		counted := was != proofRefuted || p.vouched
		// Whatever but a refutation: it may be who it says, so no later one lowers the majority.
		p.vouched = p.vouched || l.proof != proofRefuted
		// Another at its address may have become mute by this answer, or p itself.
		for _, o := range p.of.peers {
			if o.addr.Same(p.addr) && o.mute() {
				o.silence()
			}
		}
		if p.counts() != counted {
			c.changeMaster(i.of) // the file names those that count
		}
		c.touch(&i.of.node)
	}
	c.tellIdentity(l, v, was)
}

// judgeIdentity compares the answer to MYID with the run id of the hellos.
func judgeIdentity(runID string, v resp.Value) proof {
	switch {
	case v.Kind == resp.Error && !strings.HasPrefix(v.Str, "ERR unknown command"): // a Redis server knows no SENTINEL at all
		return proofDenied
	case (v.Kind == resp.Bulk || v.Kind == resp.Simple) && v.Str == runID:
		return proofGiven
	}
	return proofRefuted
}

// tellIdentity warns of a peer that is somebody else, at most once a minute,
// and when that is over.
//
// Rule: E-6, W-32.
func (c *Core) tellIdentity(l *link, v resp.Value, was proof) {
	i := l.users[0]
	if l.proof != proofRefuted {
		if was == proofRefuted && l.accusedAt != never {
			l.accusedAt = never
			c.logLine(LevelNotice, i.describe(c)+" answers by its own run id again: its vote counts")
		}
		return
	}
	if l.accusedAt != never && c.now.Mono-l.accusedAt < time.Minute {
		return
	}
	l.accusedAt = c.now.Mono
	who := "something that is no Sentinel"
	switch {
	case v.Str == c.myID:
		who = "this Sentinel itself"
	case conf.ValidRunID(v.Str):
		who = "Sentinel " + v.Str
	}
	c.logLine(LevelWarning, fmt.Sprintf("%s has no vote: %s answers there", i.describe(c), who))
}

// unanswered reports whether nobody has answered on l for long enough to say
// that the peer is not known to be anybody else.
func (l *link) unanswered(c *Core) bool {
	return l.proof == proofNone && l.waits && c.now.Mono-l.pendingSince >= c.params.pingPeriod
}

// proven reports whether the process at p's address is p, as it has shown on
// the connection that stands.
func (p *peer) proven() bool {
	return p.connected() && p.link.identified && p.link.proof == proofGiven && !p.sdown
}
