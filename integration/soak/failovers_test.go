package soak

import (
	"fmt"
	"strings"
	"time"

	"gosentinel/internal/testbed"
)

// lapse is a time in which a Sentinel was dead, or frozen.
type lapse struct {
	node string
	at   time.Time
}

// tally counts how the attempts of all Sentinels ended.
type tally struct {
	tried, finished, aborted, gaveWay, died int
}

func (c tally) String() string {
	return fmt.Sprintf("%d attempts: %d finished, %d aborted, %d gave way to another, %d ended with their Sentinel",
		c.tried, c.finished, c.aborted, c.gaveWay, c.died)
}

// account finds the end of every attempt among the events. An attempt ends when
// its Sentinel says so, votes for another, hears of a newer configuration, or
// dies; what is left over is in open.
func account(events []testbed.Event, deaths []lapse) (c tally, open []string) {
	running := map[string]testbed.Event{}
	end := func(node string, n *int) {
		if _, is := running[node]; is {
			delete(running, node)
			*n++
		}
	}
	for _, e := range events {
		for len(deaths) > 0 && deaths[0].at.Before(e.At) {
			end(deaths[0].node, &c.died)
			deaths = deaths[1:]
		}
		switch {
		case e.Name == "+try-failover":
			end(e.Node, &c.gaveWay) // it stands again: the last one was lost
			running[e.Node] = e
			c.tried++
		case e.Name == "+failover-end":
			end(e.Node, &c.finished)
		case strings.HasPrefix(e.Name, "-failover-abort-"):
			end(e.Node, &c.aborted)
		case e.Name == "+config-update-from":
			end(e.Node, &c.gaveWay)
		}
	}
	for _, d := range deaths {
		end(d.node, &c.died)
	}
	for _, e := range running {
		open = append(open, e.At.Format("15:04:05.000 ")+e.String())
	}
	return c, open
}
