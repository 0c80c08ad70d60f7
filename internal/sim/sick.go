package sim

import (
	"strconv"
	"time"
)

// sickAfter is how long a write may be under way before its Sentinel knows that
// its disk is sick, and a little for its timer.
//
// Rule: E-17.
const sickAfter = time.Second + 200*time.Millisecond

// knowsSick reports whether n must know by now that its disk is sick. While it
// was stopped it could not see that its write did not return.
func (n *Node) knowsSick() bool {
	d := &n.Disk
	return d.busy && !d.probing && !d.behind && !n.opt.Original && n.w.now-max(d.started, n.resumed) > sickAfter
}

// asksForVotes: who cannot settle what it is asking for does not keep its voters
// (I-14).
//
// Rule: E-17.
func (k *checker) asksForVotes(n *Node, args []string) {
	if n.knowsSick() {
		k.fail(n.name, "I-14", "asks for votes in epoch %s while its disk is sick", args[4])
	}
	port, _ := strconv.Atoi(args[3])
	if name := n.masterOf(Addr{k.w.meant(args[2]), port}); name != "" {
		k.of(n, name).stands = asked(args)
	}
}

// answersPing: to its peers a Sentinel with a sick disk is stuck (I-14).
//
// Rule: R-8.
func (k *checker) answersPing(n *Node) {
	if n.knowsSick() {
		k.fail(n.name, "I-14", "answers PING while its disk is sick")
	}
}
