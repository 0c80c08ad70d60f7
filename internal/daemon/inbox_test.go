package daemon

import (
	"fmt"
	"slices"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"

	"gosentinel/sentinel"
)

// requests makes n requests with ids from first on.
func requests(first, n int) []sentinel.Request {
	list := make([]sentinel.Request, n)
	for i := range list {
		list[i] = sentinel.Request{ID: sentinel.ReqID(first + i), Client: "sentinel-01234567-cmd"}
	}
	return list
}

// A client that calls itself as Sentinels do waits as any client.
//
// Rule: K-2.18.
func TestANameIsNoWayPastTheQueueOfClients(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		free := make(chan struct{})
		core := &testCore{step: func(sentinel.Stamp, sentinel.Input) []sentinel.Effect {
			<-free
			return nil
		}}
		w := newWorld(t, core, nil)
		w.start(t)
		brought := 0
		go func() {
			for range 100 {
				w.Submit(requests(1, 100))
				brought += 100
			}
		}()
		synctest.Wait()
		require.LessOrEqual(t, brought, 2*inboxLimit+200)
		close(free)
		synctest.Wait()
	})
}

// Who floods with what Sentinels ask each other has its turn and no more: what
// another connection asks is not far behind, and nobody waits for its backlog but
// itself.
//
// Rule: K-2.18.
func TestPeersHaveTheirTurns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		in := newInbox(func() {})
		for conn := range 3 {
			go func() {
				for range 3 {
					in.putPeers(uint64(conn), requests(1000*conn, peerWaiting))
				}
			}()
		}
		synctest.Wait()
		require.True(t, in.putPeers(7, requests(7000, 2)), "it does not wait for others")
		require.Len(t, in.turns, 4)
		taken := in.takePeers(nil)
		require.Len(t, taken, peerTurn)
		at := slices.IndexFunc(taken, func(r sentinel.Request) bool { return r.ID == 7001 })
		require.Equal(t, 3*peerShare+1, at)
		last := map[sentinel.ReqID]sentinel.ReqID{}
		for n := len(taken); n > 0 && in.hasPeers(); {
			synctest.Wait() // those who waited for room have brought more
			for _, b := range in.turns {
				require.Less(t, len(b.requests), 2*peerWaiting)
			}
			more := in.takePeers(nil)
			n, taken = len(more), append(taken, more...)
		}
		require.Len(t, taken, 9*peerWaiting+2, "all come in the end")
		for _, r := range taken {
			conn := r.ID / 1000
			if before, ok := last[conn]; ok && r.ID%1000 != 0 {
				require.Equal(t, before+1, r.ID, "in order")
			}
			last[conn] = r.ID
		}
		require.Empty(t, in.peers)

		in.putPeers(1, requests(1, peerWaiting))
		waiting := make(chan bool)
		go func() { waiting <- in.putPeers(1, requests(1, 1)) }()
		synctest.Wait()
		in.close()
		require.False(t, <-waiting)
		require.False(t, in.putPeers(2, requests(1, 1)))
	})
}

// The loop has its other work between turns of peers, whose requests come before
// those of clients.
//
// Rule: K-2.18.
func TestTheLoopTurnsWhilePeersFlood(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		hold := make(chan struct{})
		core := &testCore{step: func(_ sentinel.Stamp, in sentinel.Input) []sentinel.Effect {
			if _, first := in.(sentinel.LinkUp); first {
				<-hold
			}
			return nil
		}}
		w := newWorld(t, core, nil)
		w.start(t)
		w.inbox.put(item{input: sentinel.LinkUp{}})
		synctest.Wait()
		w.Submit(requests(1, 1))
		for conn := range uint64(4) {
			w.SubmitAsPeer(conn, requests(1000, peerWaiting))
		}
		w.inbox.put(item{input: sentinel.LinkDown{}})
		close(hold)
		synctest.Wait()
		var order []string
		for _, in := range core.seen() {
			name := fmt.Sprintf("%T", in)
			if r, ok := in.(sentinel.Request); ok && r.ID >= 1000 {
				name = "peer"
			}
			if n := len(order); n == 0 || order[n-1] != name {
				order = append(order, name)
			}
		}
		require.Equal(t, []string{"sentinel.LinkUp", "peer"}, order[:2])
		require.Contains(t, order[2:], "peer", "they were not handled in one piece")
		require.Contains(t, order, "sentinel.LinkDown")
	})
}
