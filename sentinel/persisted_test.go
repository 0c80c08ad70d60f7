package sentinel

import (
	"testing"

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
	r.wait(amnesiaSpan - 1)
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
