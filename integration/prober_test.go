package integration

import (
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"gosentinel/internal/testbed"
)

// prober asks a Sentinel all the time, as its clients do, and measures how long
// each answer takes.
type prober struct {
	name string
	stop chan struct{}
	wg   sync.WaitGroup

	mu   sync.Mutex
	took map[string][]time.Duration // by command
	err  error
}

// probe starts to ask s for its master, one command after the other on one
// connection for each command.
func probe(t *testing.T, s *testbed.Sentinel, master string) *prober {
	t.Helper()
	p := &prober{name: s.Name, stop: make(chan struct{}), took: map[string][]time.Duration{}}
	t.Cleanup(p.end)
	for _, command := range [][]string{
		{"PING"},
		{"SENTINEL", "GET-MASTER-ADDR-BY-NAME", master},
		{"SENTINEL", "MASTER", master}, // goes through the loop
	} {
		c, err := s.Dial()
		require.NoError(t, err)
		c.Timeout = 10 * time.Second
		p.wg.Go(func() {
			defer c.Close()
			p.ask(c, command)
		})
	}
	return p
}

func (p *prober) ask(c *testbed.Client, command []string) {
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for {
		begin := time.Now()
		_, err := c.Do(command...)
		took := time.Since(begin)
		p.mu.Lock()
		name := command[len(command)-1]
		if len(command) > 1 {
			name = command[1]
		}
		p.took[name] = append(p.took[name], took)
		if err != nil {
			p.err = fmt.Errorf("%s %s: %w", p.name, name, err)
		}
		p.mu.Unlock()
		if err != nil {
			return
		}
		select {
		case <-p.stop:
			return
		case <-tick.C:
		}
	}
}

func (p *prober) end() {
	select {
	case <-p.stop:
	default:
		close(p.stop)
	}
	p.wg.Wait()
}

// slowest ends the measurement and gives the longest time of all and the worst
// median of the commands.
func (p *prober) slowest() (longest, usual time.Duration, text string, err error) {
	p.end()
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, name := range []string{"PING", "GET-MASTER-ADDR-BY-NAME", "MASTER"} {
		all := slices.Clone(p.took[name])
		if len(all) == 0 {
			return 0, 0, "", fmt.Errorf("%s answered no %s", p.name, name)
		}
		slices.Sort(all)
		half, most, last := all[len(all)/2], all[len(all)*99/100], all[len(all)-1]
		longest, usual = max(longest, last), max(usual, half)
		text += fmt.Sprintf(" %s: %d, half in %v, 99%% in %v, all in %v;", name, len(all),
			half.Round(10*time.Microsecond), most.Round(10*time.Microsecond), last.Round(10*time.Microsecond))
	}
	return longest, usual, p.name + text, p.err
}

// Answers are given at once. On a busy machine of two cores a process may have
// to wait for its turn, though; a lookup that blocks takes 5 s.
const (
	usualAnswer   = 500 * time.Millisecond
	longestAnswer = 4 * time.Second
)

// neverBlocked ends the measurement and checks it.
func (p *prober) neverBlocked(t *testing.T) {
	t.Helper()
	longest, usual, text, err := p.slowest()
	t.Log(text)
	require.NoError(t, err)
	require.Less(t, usual, usualAnswer, text)
	require.Less(t, longest, longestAnswer, text)
}
