package sentinel

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// A start that cannot write its file may have lost votes: it listens for 5 s,
// then votes only above what it heard of. Rule: E-45, S-2.
func TestStartWithoutAWritableFile(t *testing.T) {
	r := newRig(t, watched("mm", "10.0.0.1", 6379, 2))
	r.step(Persisted{Reason: "Read-only file system"})
	vote := func(epoch string) string {
		return r.line("sentinel", "is-master-down-by-addr", "10.0.0.1", "6379", epoch, peerID(0))
	}
	const none = "*3\r\n:0\r\n$1\r\n*\r\n:0"
	require.Equal(t, none, vote("3"))
	r.wait(suspensionSpan - 1)
	require.Equal(t, none, vote("5"))
	r.wait(1)
	require.Equal(t, none, vote("5"), "an epoch heard of while it listened")
	require.Equal(t, "*3\r\n:0\r\n$40\r\n"+peerID(0)+"\r\n:6", vote("6"))
}

// A save that fails later has lost no vote. Rule: E-43, R-8.
func TestALaterFailureDoesNotSilence(t *testing.T) {
	r := newRig(t, watched("mm", "10.0.0.1", 6379, 2))
	r.step(Persisted{Seq: 1, Reason: "No space left on device"})
	require.Contains(t, r.line("sentinel", "is-master-down-by-addr", "10.0.0.1", "6379", "3", peerID(0)), peerID(0))
}

// The answer to a vote request that came before anything was known of the disk
// is given when the write of the vote returns, well or not. Rule: E-40, R-8.
func TestTheFirstVoteWaitsForItsWrite(t *testing.T) {
	for _, reason := range []string{"", "No space left on device"} {
		r := newRig(t, watched("mm", "10.0.0.1", 6379, 2))
		r.c.diskProven = false
		ask := func(epoch, id string) []string {
			return answers(r.do("sentinel", "is-master-down-by-addr", "10.0.0.1", "6379", epoch, id))
		}
		require.Empty(t, ask("3", peerID(0)))
		first := r.c.seq
		require.Empty(t, ask("4", peerID(1)))
		require.Empty(t, answers(r.step(Persisted{Seq: first - 1})), "a write begun before the vote")
		require.Equal(t, []string{"*3\r\n:0\r\n$40\r\n" + peerID(0) + "\r\n:3"}, answers(r.step(Persisted{Seq: first, Reason: reason})))
		require.Equal(t, []string{"*3\r\n:0\r\n$40\r\n" + peerID(1) + "\r\n:4"}, answers(r.step(Persisted{Seq: r.c.seq, Reason: reason})))
	}
}

// A disk that hangs may tell late that the file cannot be written. The votes
// cast till then are taken back, those for ourselves too: the former life may
// have voted for others. Rule: E-45, S-2.
func TestVotesFromBeforeTheProbeFailedAreTakenBack(t *testing.T) {
	const none = "*3\r\n:0\r\n$1\r\n*\r\n:3"
	r := newRig(t, watched("mm", "10.0.0.1", 6379, 2))
	r.c.diskProven = false
	ask := []string{"sentinel", "is-master-down-by-addr", "10.0.0.1", "6379", "3", peerID(0)}
	require.Empty(t, answers(r.do(ask...)))
	require.Empty(t, answers(r.do(ask...)))
	require.Equal(t, []string{none, none}, answers(r.step(Persisted{Reason: "Input/output error"})))
	r.step(Persisted{Seq: r.c.seq, Reason: "Input/output error"})
	require.Equal(t, none, r.line(ask...))
	require.Empty(t, r.c.deferredReplies)

	r = newRig(t, watched("mm", "10.0.0.1", 6379, 1))
	r.c.diskProven = false
	r.wait(31 * time.Second)
	m := r.c.byName["mm"]
	require.Equal(t, stateWaitStart, m.failover.state)
	require.Contains(t, strings.Join(told(r.step(Persisted{Reason: "Input/output error"})), "\n"), "-failover-abort-not-elected")
	require.NotContains(t, strings.Join(told(r.step(Persisted{Seq: r.c.seq, Reason: "Input/output error"})), "\n"), "+elected-leader")
	require.NotContains(t, strings.Join(told(r.wait(suspensionSpan-1)), "\n"), "+try-failover")
	require.Contains(t, strings.Join(told(r.wait(time.Second)), "\n"), "+try-failover")
}

// answers are the replies among es, on the wire.
func answers(es []Effect) (out []string) {
	for _, e := range es {
		if a, ok := e.Action.(Respond); ok {
			out = append(out, wire(a.Value))
		}
	}
	return out
}
