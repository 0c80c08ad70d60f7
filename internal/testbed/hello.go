package testbed

import (
	"fmt"
	"strings"
	"time"
)

// Hello is what a Sentinel announces on the hello channel.
type Hello struct {
	Addr         string // of the Sentinel
	RunID        string
	CurrentEpoch string
	Name         string // of the master
	Master       string // address of the master
	ConfigEpoch  string
}

// ParseHello reads the payload of a hello message.
func ParseHello(payload string) (Hello, error) {
	f := strings.Split(payload, ",")
	if len(f) != 8 {
		return Hello{}, fmt.Errorf("hello of %d fields: %q", len(f), payload)
	}
	return Hello{
		Addr: f[0] + ":" + f[1], RunID: f[2], CurrentEpoch: f[3],
		Name: f[4], Master: f[5] + ":" + f[6], ConfigEpoch: f[7],
	}, nil
}

// Announced listens on an instance until each of that many Sentinels has
// announced n times that master is the master, with one config epoch among
// them; another master or config epoch is an error.
func Announced(addr, pass, master string, sentinels, n int, patience time.Duration) error {
	c, err := Dial(addr, pass)
	if err != nil {
		return err
	}
	defer c.Close()
	if _, err := c.Do("SUBSCRIBE", "__sentinel__:hello"); err != nil {
		return err
	}
	epoch := ""
	heard := make(map[string]int) // by run id
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); {
		v, err := c.Receive()
		if err != nil {
			return fmt.Errorf("after the hellos %v: %w", heard, err)
		}
		if len(v.Elems) != 3 {
			continue
		}
		h, err := ParseHello(v.Elems[2].Str)
		if err != nil {
			return err
		}
		if epoch == "" {
			epoch = h.ConfigEpoch
		}
		if h.Master != master || h.ConfigEpoch != epoch {
			return fmt.Errorf("%s announces %s in epoch %s; want %s in %s", h.RunID, h.Master, h.ConfigEpoch, master, epoch)
		}
		heard[h.RunID]++
		if len(heard) == sentinels && least(heard) >= n {
			return nil
		}
	}
	return fmt.Errorf("not within %v: hellos %v", patience, heard)
}

func least(counts map[string]int) int {
	m := -1
	for _, n := range counts {
		if m < 0 || n < m {
			m = n
		}
	}
	return m
}
