package integration

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"gosentinel/integration/fixture"
	"gosentinel/internal/testbed"
)

// What clients, and whoever may publish on a monitored Redis, say reaches no
// terminal that shows the log as it is. The original prints it so.
//
// Rule: C-113.
func TestControlBytesDoNotReachTheLog(t *testing.T) {
	t.Parallel()
	const evil = "x\x1b[2Jy\rz\x7f"
	for _, kind := range bothKinds {
		t.Run(kind.String(), func(t *testing.T) {
			t.Parallel()
			r, s := watcher(t, kind, nil, "sentinel deny-scripts-reconfig no")
			for _, args := range [][]string{
				{"SENTINEL", "SET", "mm", "auth-user", evil},
				{"SENTINEL", "SET", "mm", "notification-script", evil},
				{"SENTINEL", "MONITOR", evil, "127.0.0.1", "1", "1"},
				{"SENTINEL", "REMOVE", evil},
				{evil, evil}, {"CLIENT", "SETNAME", evil}, {"AUTH", evil, evil},
				{"SENTINEL", "SET", "mm", "quorum", "2"}, // the last line
			} {
				_, err := s.Do(args...)
				if err != nil {
					require.IsType(t, testbed.ReplyError(""), err)
				}
			}
			_, err := testbed.Do(r.Addr(), "", "PUBLISH", "__sentinel__:hello", "127.0.0.1,1,"+evil+",1,mm,127.0.0.1,1,0")
			require.NoError(t, err)
			fixture.Until(t, 30*time.Second, func() error {
				if strings.Contains(s.Tail(1<<20), "quorum 2") {
					return nil
				}
				return errors.New("the last line is not logged")
			})
			log := strings.ReplaceAll(s.Tail(1<<20), "\n", "")
			raw := strings.ContainsFunc(log, func(r rune) bool { return r < ' ' || r == 0x7f })
			require.Equal(t, kind == testbed.Original, raw, "%q", log)
		})
	}
}
