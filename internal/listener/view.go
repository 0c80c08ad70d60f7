package listener

import (
	"hash/maphash"
	"strconv"
	"sync/atomic"
	"time"

	"gosentinel/internal/resp"
)

// viewShards is into how many parts the View is cut: a change copies one.
const viewShards = 256

// staleAfter is for how long the loop may not turn before the View is no
// longer believed.
const staleAfter = time.Second

// view holds the complete replies of GET-MASTER-ADDR-BY-NAME. Reading takes no
// lock; the loop alone writes, by replacing a shard.
type view struct {
	seed   maphash.Seed
	shards [viewShards]atomic.Pointer[map[string][]byte]
}

func (v *view) init() { v.seed = maphash.MakeSeed() }

func (v *view) shard(h uint64) *atomic.Pointer[map[string][]byte] { return &v.shards[h%viewShards] }

// get gives the reply for a master, nil if it is not known. It is the same in
// both protocols.
func (v *view) get(master []byte) []byte {
	m := v.shard(maphash.Bytes(v.seed, master)).Load()
	if m == nil {
		return nil
	}
	return (*m)[string(master)]
}

func (v *view) set(master string, reply []byte) {
	at := v.shard(maphash.String(v.seed, master))
	next := make(map[string][]byte)
	if old := at.Load(); old != nil {
		for k, r := range *old {
			next[k] = r
		}
	}
	if reply == nil {
		delete(next, master)
	} else {
		next[master] = reply
	}
	at.Store(&next)
}

// Show sets what GET-MASTER-ADDR-BY-NAME answers for master from now on. Host
// and port are ignored if the master is gone.
//
// Rule: K-2.2.
func (s *Server) Show(master, host string, port int, gone bool) {
	if gone {
		s.view.set(master, nil)
		return
	}
	s.view.set(master, resp.Append(nil, 2, resp.List(resp.Str(host), resp.Str(strconv.Itoa(port)))))
}

// viewReply appends the answer of the View.
func (c *client) viewReply(master []byte) {
	if reply := c.s.view.get(master); reply != nil {
		if !c.muted && c.skip == 0 {
			c.reply = append(c.reply, reply...)
		}
		return
	}
	c.say(resp.Value{Kind: resp.NullArray})
}

// stale tells whether the loop has not turned for too long to be vouched for.
func (c *client) stale() bool {
	return c.now-time.Duration(c.s.beat.Load()) > staleAfter
}
