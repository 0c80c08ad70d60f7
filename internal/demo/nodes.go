package main

import (
	"fmt"
	"net"

	"gosentinel/internal/fakeredis"
	"gosentinel/internal/testbed"
)

// node is one Redis of the demo, real or simulated.
type node interface {
	Addr() string
	Kill()     // as kill -9
	Up() error // start it again, and wait until it answers
}

// simulated is a node without a redis-server.
type simulated struct{ *fakeredis.Instance }

func (s simulated) Kill()     { _ = s.Instance.Kill() } // its listener was open: this cannot fail
func (s simulated) Up() error { return s.Restart() }

// startNodes starts a master and two replicas.
func (d *demo) startNodes() error {
	var master *testbed.Redis
	for i := range 3 {
		name := fmt.Sprintf("redis%d", i+1)
		if d.bed.Programs.Redis == "" {
			o := fakeredis.Options{Addr: net.JoinHostPort("127.0.0.1", fmt.Sprint(d.bed.Port()))}
			if i > 0 {
				o.Master = d.nodes[0].Addr()
			}
			n, err := d.fleet.Start(o)
			if err != nil {
				return err
			}
			d.nodes = append(d.nodes, simulated{n})
			continue
		}
		r, err := d.bed.Redis(name, testbed.RedisOptions{Master: master})
		if err != nil {
			return err
		}
		if i == 0 {
			master = r
		}
		d.nodes = append(d.nodes, r)
	}
	return nil
}

// role is what the node at addr says of itself: its role, and its master and
// the link to it.
func role(addr string) (role, master, link string, err error) {
	v, err := testbed.Do(addr, "", "ROLE")
	if err != nil {
		return "", "", "", err
	}
	return testbed.ParseRole(v)
}
