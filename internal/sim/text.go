package sim

import (
	"fmt"
	"time"
)

// stampText is a virtual time as scenarios show it.
func stampText(t time.Duration) string {
	ms := t.Round(time.Millisecond).Milliseconds()
	return fmt.Sprintf("+%d.%03ds", ms/1000, ms%1000)
}
