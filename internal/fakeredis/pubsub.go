package fakeredis

import (
	"slices"

	"gosentinel/internal/resp"
)

// maxChannels bounds the channels of one connection.
const maxChannels = 100

func subscribe(c *client, args []string) replies {
	c.i.fleet.mu.Lock()
	defer c.i.fleet.mu.Unlock()
	if c.channels == nil {
		c.channels = make(map[string]bool)
	}
	var out replies
	for _, ch := range args[1:] {
		if len(c.channels) >= maxChannels {
			return append(out, resp.Err("ERR too many channels"))
		}
		c.channels[ch] = true
		out = append(out, resp.List(resp.Str("subscribe"), resp.Str(ch), resp.Int(int64(len(c.channels)))))
	}
	return out
}

// publish hands a message to the subscribers here, and to those of every
// replica below. The answer counts those here. A replica's messages stay with
// it and what is below it.
func publish(c *client, args []string) replies {
	channel := args[1]
	f := c.i.fleet
	f.mu.Lock()
	var to []*client
	here := 0
	c.i.replicate(len(channel)+len(args[2])+40, func(x *Instance) {
		for s := range x.clients {
			if s.channels[channel] && x.frozen.Load() == nil {
				to = append(to, s)
			}
		}
		if x == c.i {
			here = len(to)
		}
	})
	f.mu.Unlock()
	// The order among clients is not to be relied on, but let it be the same
	// each time.
	slices.SortFunc(to, func(a, b *client) int { return int(a.id - b.id) })
	message := resp.Append(nil, 2, resp.List(resp.Str("message"), resp.Str(channel), resp.Str(args[2])))
	for _, s := range to {
		if s.write(message) != nil {
			s.conn.Close()
		}
	}
	return one(resp.Int(int64(here)))
}
