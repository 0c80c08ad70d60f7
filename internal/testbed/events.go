package testbed

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"
)

// Event is one message that a Sentinel published.
type Event struct {
	At      time.Time // when it was received
	Node    string    // name of the Sentinel
	Name    string    // channel
	Payload string
}

func (e Event) String() string { return e.Node + " " + e.Name + " " + e.Payload }

// Events records what Sentinels publish. All methods are safe for concurrent
// use.
type Events struct {
	mu      sync.Mutex
	all     []Event
	clients []*Client
	ended   map[string]chan struct{} // by node: its last reader is done
	wg      sync.WaitGroup
}

// Follow records every event of s from now on, until s ends or Close. After a
// restart of s it must be called again.
func (e *Events) Follow(s *Sentinel) error {
	c, err := Dial(s.Addr(), s.Pass)
	if err != nil {
		return err
	}
	if _, err := c.Do("PSUBSCRIBE", "*"); err != nil {
		c.Close()
		return err
	}
	c.Timeout = time.Hour // silence is no failure: Close or the end of s ends it
	e.mu.Lock()
	defer e.mu.Unlock()
	e.clients = append(e.clients, c)
	ended := make(chan struct{})
	if e.ended == nil {
		e.ended = make(map[string]chan struct{})
	}
	e.ended[s.Name] = ended
	e.wg.Go(func() {
		defer close(ended)
		e.read(s.Name, c)
	})
	return nil
}

// Drained waits until all is recorded that a Sentinel, which has ended now,
// had published.
func (e *Events) Drained(node string) {
	e.mu.Lock()
	ended := e.ended[node]
	e.mu.Unlock()
	if ended != nil {
		<-ended
	}
}

func (e *Events) read(node string, c *Client) {
	for {
		v, err := c.Receive()
		if err != nil {
			return
		}
		if len(v.Elems) != 4 || v.Elems[0].Str != "pmessage" {
			continue
		}
		e.mu.Lock()
		e.all = append(e.all, Event{At: time.Now(), Node: node, Name: v.Elems[2].Str, Payload: v.Elems[3].Str})
		e.mu.Unlock()
	}
}

// Close ends the recording.
func (e *Events) Close() {
	e.mu.Lock()
	for _, c := range e.clients {
		c.Close()
	}
	e.mu.Unlock()
	e.wg.Wait()
}

// Since are the events received at t or later, in order of arrival.
func (e *Events) Since(t time.Time) []Event {
	e.mu.Lock()
	defer e.mu.Unlock()
	i := slices.IndexFunc(e.all, func(x Event) bool { return !x.At.Before(t) })
	if i < 0 {
		return nil
	}
	return slices.Clone(e.all[i:])
}

// Named are the events since t of one name, of one node or of all if node is
// "".
func (e *Events) Named(t time.Time, node, name string) []Event {
	return slices.DeleteFunc(e.Since(t), func(x Event) bool {
		return x.Name != name || node != "" && x.Node != node
	})
}

// Text is the transcript since t: milliseconds, node, event.
func (e *Events) Text(t time.Time) string {
	var s strings.Builder
	for _, x := range e.Since(t) {
		fmt.Fprintf(&s, "%8.1f ms  %s\n", float64(x.At.Sub(t).Microseconds())/1000, x)
	}
	return s.String()
}
