package testbed

import (
	"errors"
	"fmt"
	"net"
	"strconv"
)

// Every Bed has a block of ports of its own, and a loopback network of its own.
// Holding the first port of the block open is the claim: the kernel gives it
// to one process only, and takes it back when that process dies.
const (
	firstPort  = 10000 // well below the ephemeral ports, which begin at 32768
	blockPorts = 40
	blocks     = 500
)

// claim is one block: ports first+1 to first+blockPorts-1 on any address, and
// the addresses 127.net.sub.1 to 127.net.sub.254.
type claim struct {
	held     net.Listener
	first    int
	used     int // ports handed out
	net, sub int
}

// take claims the first free block, trying from number start on.
func take(start int) (*claim, error) {
	for i := range blocks {
		n := (start + i) % blocks
		first := firstPort + n*blockPorts
		held, err := net.Listen("tcp", "127.0.0.1:"+strconv.Itoa(first))
		if err != nil {
			continue
		}
		c := &claim{held: held, first: first, net: 100 + n/250, sub: 1 + n%250}
		if c.unused() {
			return c, nil
		}
		held.Close()
	}
	return nil, errors.New("testbed: no free block of ports on 127.0.0.1")
}

// unused reports whether nobody else listens within the block.
func (c *claim) unused() bool {
	for p := c.first + 1; p < c.first+blockPorts; p++ {
		ln, err := net.Listen("tcp", ":"+strconv.Itoa(p))
		if err != nil {
			return false
		}
		ln.Close()
	}
	return true
}

// port hands out the next port of the block.
func (c *claim) port() int {
	c.used++
	if c.used >= blockPorts {
		panic("testbed: block of ports used up")
	}
	return c.first + c.used
}

// ip is address n, from 1 to 254, of the block's network.
func (c *claim) ip(n int) string {
	return fmt.Sprintf("127.%d.%d.%d", c.net, c.sub, n)
}

// hasNetwork reports whether the machine answers on all of 127.0.0.0/8, as
// Linux does.
func (c *claim) hasNetwork() bool {
	ln, err := net.Listen("tcp", c.ip(1)+":0")
	if err != nil {
		return false
	}
	ln.Close()
	return true
}
