package daemon

import (
	"regexp"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestPosixZones(t *testing.T) {
	winter, summer := time.Date(2026, 1, 15, 12, 0, 0, 0, time.UTC), time.Date(2026, 7, 15, 12, 0, 0, 0, time.UTC)
	for _, tc := range []struct {
		rule           string
		winter, summer string // the hour and the zone at 12 UTC
	}{
		{"YYY-9", "21 YYY", "21 YYY"},
		{"YYY3:30", "08 YYY", "08 YYY"},
		{"UTC0", "12 UTC", "12 UTC"},
		{"<+05>-5", "17 +05", "17 +05"},
		{"CET-1CEST,M3.5.0,M10.5.0/3", "13 CET", "14 CEST"},
		{"AAA3BBB,M10.1.0/0,M3.3.0/0", "10 BBB", "09 AAA"},
	} {
		zone, ok := posixZone(tc.rule)
		require.Truef(t, ok, "%q", tc.rule)
		require.Equal(t, tc.winter, winter.In(zone).Format("15 MST"), tc.rule)
		require.Equal(t, tc.summer, summer.In(zone).Format("15 MST"), tc.rule)
	}
	for _, rule := range []string{"", "Nowhere/Else", "No\nline1", "X1", "12"} {
		_, ok := posixZone(rule)
		require.Falsef(t, ok, "%q", rule)
	}
}

// Rule: C-51, C-113: log lines have the local time, as TZ says it.
func TestLogTime(t *testing.T) {
	for _, tz := range []string{"YYY-9", "YYY5", "Nowhere/Else", ""} {
		hour := func(c *child) string {
			require.Equal(t, 1, c.wait())
			return regexp.MustCompile(`\d\d \w{3} \d{4} \d\d`).FindString(c.stdout())
		}
		dir := t.TempDir()
		ours, theirs := ourselves(dir), original(t, dir)
		ours.Env = append(ours.Env, "TZ="+tz, "LC_ALL=de_DE.UTF-8")
		theirs.Env = append(theirs.Env, "TZ="+tz, "LC_ALL=de_DE.UTF-8")
		before := time.Now().Truncate(time.Hour)
		a, b := hour(start(t, ours)), hour(start(t, theirs))
		if time.Now().Truncate(time.Hour).Equal(before) { // else the hour may have struck between the two
			require.Equal(t, b, a, tz)
		}
	}
}
