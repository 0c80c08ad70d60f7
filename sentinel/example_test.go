package sentinel_test

import (
	"fmt"
	"time"

	"gosentinel/conf"
	"gosentinel/sentinel"
)

// A core that watches one master: what it wants of the world at its start, and
// what it says when nobody has answered for as long as down-after.
func ExampleCore_Step() {
	now := sentinel.Stamp{Mono: time.Hour}
	core, err := sentinel.New(now, conf.State{
		MyID: "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
		Masters: []*conf.Master{{
			Name: "mymaster", Addr: conf.Endpoint{Host: "10.0.0.1", Port: 6379}, Quorum: 2,
			DownAfter: time.Second, FailoverTimeout: time.Minute, ParallelSyncs: 1,
		}},
	}, 1)
	if err != nil {
		panic(err)
	}
	tell := func(effects []sentinel.Effect) {
		for _, e := range effects {
			switch a := e.Action.(type) {
			case sentinel.Dial:
				fmt.Println("dial", a.Addr.Host, a.Addr.Port)
			case sentinel.Emit:
				if !a.Event.LogOnly {
					fmt.Println(a.Event.Line())
				}
			}
		}
	}
	tell(core.Start())
	for now.Mono < time.Hour+1100*time.Millisecond {
		now.Mono = core.NextDeadline()
		tell(core.Step(now, sentinel.Tick{}))
	}
	// Output:
	// +monitor master mymaster 10.0.0.1 6379 quorum 2
	// dial 10.0.0.1 6379
	// dial 10.0.0.1 6379
	// +sdown master mymaster 10.0.0.1 6379
}
