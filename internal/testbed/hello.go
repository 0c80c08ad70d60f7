package testbed

import (
	"fmt"
	"strings"
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
