package sentinel

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// A hello with our run id that is none of ours is told once a minute, and its end
// once. Those of ours, from any of our addresses, are not, nor those on their way
// when we change what we announce. Rule: B-932.
func TestAnotherProcessWithOurRunIDIsTold(t *testing.T) {
	boot := watched("mm", "10.0.0.1", 6379, 2)
	boot.Port = 26379
	w := newWires(t, boot)
	w.pass(tickEvery)
	w.up(6379, false) // from 10.9.9.9
	hello := func(ip string, port int) []string {
		es := w.do("PUBLISH", helloChannel, fmt.Sprintf("%s,%d,%s,0,mm,10.0.0.1,6379,0", ip, port, testID))
		var lines []string
		for _, l := range told(es) {
			if l[0] == '#' {
				lines = append(lines, l)
			}
		}
		return lines
	}
	require.Empty(t, hello("10.9.9.9", 26379))
	line := "# Another process announces our run id " + testID + `, at "10.9.9.9" port "26380": it needs another sentinel myid, as both vote as one`
	require.Equal(t, []string{line}, hello("10.9.9.9", 26380))
	for range 29 {
		w.pass(2 * time.Second)
		require.Empty(t, hello("10.8.8.8", 26379))
	}
	w.pass(2 * time.Second)
	require.Len(t, hello("10.8.8.8", 26379), 1)
	require.False(t, w.c.clone.heardAt == never)
	var over []string
	for _, l := range told(w.wait(7 * time.Second)) {
		if l[0] == '#' && l != "" {
			over = append(over, l)
		}
	}
	require.Contains(t, over, "# Nobody else announces our run id any more, after 60 s")
	require.Empty(t, w.c.masters[0].peers)

	w.do("SENTINEL", "CONFIG", "SET", "announce-ip", "10.7.7.7", "announce-port", "5000")
	require.Empty(t, hello("10.9.9.9", 26379), "that of before may be under way")
	w.pass(time.Minute)
	require.Empty(t, hello("10.7.7.7", 5000))
	require.Len(t, hello("10.9.9.9", 26379), 1)
}
