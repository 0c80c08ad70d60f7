package trace

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// report gives what Report shows.
func report(o ReportOptions) (string, error) {
	var b bytes.Buffer
	err := Report(&b, o)
	return b.String(), err
}

// The replay ends where it is told to, and shows the state and the reasons for
// it there.
//
// Rule: B-323, E-31, B-711.
func TestReport(t *testing.T) {
	d := &recorded{dir: t.TempDir()}
	failover(t, d, 1)
	d.close()
	var leader string
	for _, path := range d.files {
		if text, err := report(ReportOptions{Path: path}); err == nil && strings.Contains(text, "+elected-leader") {
			leader = path
			require.Contains(t, text, "recorded by gosentinel test; file 1 of its process, because of: start\n")
			require.Contains(t, text, "+switch-master m 10.0.0.1 6379 10.0.0.")
			require.NotContains(t, text, "quorum is 2")
		}
	}
	require.NotEmpty(t, leader)

	text, err := report(ReportOptions{Path: leader, Until: "+odown", Explain: true})
	require.NoError(t, err)
	require.True(t, strings.Contains(text, "+odown master m 10.0.0.1 6379 #quorum 2/2"))
	require.NotContains(t, text, "+elected-leader")
	require.Contains(t, text, "ODOWN, since 0s ago: 2 see it down, quorum is 2 (B-323)")
	require.Regexp(t, `rank 0 \(better placed peers, E-12\), penalty 0 .*slot \d+`, text)

	text, err = report(ReportOptions{Path: leader, Until: "+elected-leader", Explain: true, Dump: true})
	require.NoError(t, err)
	require.Regexp(t, `our attempt in epoch 1 is in state (select_slave|wait_promotion) for 0s`, text)
	require.Regexp(t, `[23] of 3 votes, 2 needed \(majority and quorum\); own vote on disk: true \(E-31\)`, text)
	require.Regexp(t, `failover (select_slave|wait_promotion) epoch=1`, text)

	text, err = report(ReportOptions{Path: leader, Until: "+10s"})
	require.NoError(t, err)
	require.Regexp(t, `replayed \d+ records, to \+9\.9\d*s`, text)
	text, err = report(ReportOptions{Path: leader, Until: "17"})
	require.NoError(t, err)
	require.Contains(t, text, "replayed 17 records")
	_, err = report(ReportOptions{Path: leader, Until: "+no-such-event"})
	require.ErrorContains(t, err, `"+no-such-event" is not reached`)
	_, err = report(ReportOptions{Path: filepath.Join(d.dir, "none")})
	require.True(t, errors.Is(err, os.ErrNotExist))
}
