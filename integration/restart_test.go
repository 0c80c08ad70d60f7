package integration

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"gosentinel/integration/fixture"
	"gosentinel/internal/testbed"
)

// restarts is how often a Sentinel is killed.
const restarts = 50

var restartSeed = flag.Uint64("restart-seed", uint64(time.Now().UnixNano()), "seed of the random moments")

// stranger is a candidate that nobody knows.
const stranger = "00000000000000000000000000000000000000ff"

// A Sentinel is killed at a random moment of a failover and started again: it
// still has the last vote and the epochs of which anybody has heard, does not
// vote twice, and the failover comes to its end.
//
// Rule: B-613, E-40, E-44, S-2, S-5.
func TestRestartAtAnyMoment(t *testing.T) {
	t.Parallel()
	t.Logf("seed %d", *restartSeed)
	random := rand.New(rand.NewPCG(*restartSeed, 0))
	downAfter := 600 * time.Millisecond
	c := fixture.Cluster(t, fixture.Bed(t), testbed.ClusterOptions{DownAfter: downAfter, FailoverTimeout: 4 * time.Second})
	voted := 0 // rounds in which a vote of this round was heard of the victim
	for i := range restarts {
		victim := c.Sentinels[random.IntN(len(c.Sentinels))]
		epoch := currentEpoch(t, victim)
		old := must(c.Master())
		heard := hear(t, c, victim)
		byCommand := i%3 != 0
		var moment time.Duration
		if byCommand {
			chief := c.Sentinels[random.IntN(len(c.Sentinels))]
			v, err := chief.Do("SENTINEL", "FAILOVER", c.Name)
			require.NoError(t, err)
			require.Equal(t, "OK", v.Str)
			moment = time.Duration(random.Int64N(int64(30 * time.Millisecond)))
		} else {
			old.Kill()
			moment = downAfter - 20*time.Millisecond + time.Duration(random.Int64N(int64(80*time.Millisecond)))
		}
		<-time.After(moment)
		victim.Kill()
		last := heard.end()
		if last.VoteEpoch > epoch {
			voted++
		}
		what := fmt.Sprintf("round %d: %s killed %v after, command %v; last heard of it: %+v", i, victim.Name, moment, byCommand, last)
		require.NoError(t, last.checkFile(victim, c.Name), what)

		require.NoError(t, victim.Up(), what)
		require.NoError(t, last.checkVote(victim, c), what)
		require.NoError(t, c.Events.Follow(victim), what)
		if !byCommand {
			_, err := c.Agree(old, 30*time.Second)
			require.NoError(t, err, what)
			require.NoError(t, old.Up(), what)
		}
		require.NoError(t, c.Settle(60*time.Second), what)
	}
	t.Logf("in %d of %d rounds the Sentinel had voted before it was killed", voted, restarts)
	require.Greater(t, voted, restarts/5)
}

// acknowledged is what somebody has heard of a Sentinel's durable state.
type acknowledged struct {
	Vote                      string // run id of the last vote; "" if none was heard
	VoteEpoch                 uint64
	ConfigEpoch, CurrentEpoch uint64
}

// listener asks one Sentinel for its vote and its epochs all the time.
type listener struct {
	mu    sync.Mutex
	known acknowledged
	wg    sync.WaitGroup
	stop  chan struct{}

	c      *testbed.Cluster
	victim *testbed.Sentinel
	begin  time.Time
}

func hear(t *testing.T, c *testbed.Cluster, victim *testbed.Sentinel) *listener {
	t.Helper()
	client, err := victim.Dial()
	require.NoError(t, err)
	l := &listener{stop: make(chan struct{}), c: c, victim: victim, begin: time.Now()}
	t.Cleanup(func() { client.Close() })
	l.wg.Go(func() {
		defer client.Close()
		for l.ask(client) == nil {
			select {
			case <-l.stop:
				return
			default:
			}
		}
	})
	return l
}

// ask asks once. A vote request of epoch 0 shows the vote and casts none.
func (l *listener) ask(client *testbed.Client) error {
	for _, r := range l.c.Redis {
		v, err := client.Do("SENTINEL", "IS-MASTER-DOWN-BY-ADDR", r.Host, strconv.Itoa(r.Port), "0", stranger)
		if err != nil {
			return err
		}
		l.voted(v.Elems[1].Str, uint64(v.Elems[2].Int))
	}
	v, err := client.Do("SENTINEL", "MASTER", l.c.Name)
	if err != nil {
		return err
	}
	epoch, err := strconv.ParseUint(testbed.Fields(v)["config-epoch"], 10, 64)
	if err != nil {
		return err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.known.ConfigEpoch = max(l.known.ConfigEpoch, epoch)
	return nil
}

func (l *listener) voted(leader string, epoch uint64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if epoch > l.known.VoteEpoch || epoch == l.known.VoteEpoch && leader != "*" {
		l.known.Vote, l.known.VoteEpoch = strings.TrimPrefix(leader, "*"), epoch
	}
	l.known.CurrentEpoch = max(l.known.CurrentEpoch, epoch)
}

// end waits until the last bytes of the dead Sentinel have been read, and adds
// what its events told.
func (l *listener) end() acknowledged {
	close(l.stop)
	l.wg.Wait()
	l.c.Events.Drained(l.victim.Name)
	for _, e := range l.c.Events.Named(l.begin, l.victim.Name, "+vote-for-leader") {
		id, epoch, _ := strings.Cut(e.Payload, " ")
		l.voted(id, must(strconv.ParseUint(epoch, 10, 64)))
	}
	return l.known
}

// checkFile compares with the file as the dead Sentinel left it.
func (a acknowledged) checkFile(s *testbed.Sentinel, master string) error {
	for _, f := range []struct {
		line string
		want uint64
	}{
		{"sentinel leader-epoch " + master, a.VoteEpoch},
		{"sentinel config-epoch " + master, a.ConfigEpoch},
		{"sentinel current-epoch", a.CurrentEpoch},
	} {
		text, err := s.Line(f.line)
		if err != nil {
			return err
		}
		got, err := strconv.ParseUint(text, 10, 64)
		if err != nil {
			return err
		}
		if got < f.want {
			return fmt.Errorf("%s: the file of %s has %d, but %d was heard of it", f.line, s.Name, got, f.want)
		}
	}
	return nil
}

// checkVote asks the restarted Sentinel for a vote for a stranger in the epoch
// of its last vote.
func (a acknowledged) checkVote(s *testbed.Sentinel, c *testbed.Cluster) error {
	if a.VoteEpoch == 0 {
		return nil
	}
	addr, err := s.Master(c.Name)
	if err != nil {
		return err
	}
	host, port, _ := strings.Cut(addr, ":")
	v, err := s.Do("SENTINEL", "IS-MASTER-DOWN-BY-ADDR", host, port, strconv.FormatUint(a.VoteEpoch, 10), stranger)
	if err != nil {
		return err
	}
	leader, epoch := v.Elems[1].Str, uint64(v.Elems[2].Int)
	switch {
	case epoch == 0:
		return nil // it has just learnt of another address: this one is unknown to it
	case epoch < a.VoteEpoch:
		return fmt.Errorf("%s has forgotten: its vote is of epoch %d", s.Name, epoch)
	case epoch == a.VoteEpoch && leader != "*" && leader != a.Vote:
		return fmt.Errorf("%s has voted twice in epoch %d: now for %s", s.Name, epoch, leader)
	}
	return nil
}
