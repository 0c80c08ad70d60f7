package testbed

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"gosentinel/internal/resp"
)

func newBed(t *testing.T) *Bed {
	t.Helper()
	b, err := New(Programs{})
	require.NoError(t, err)
	t.Cleanup(func() { b.Close() })
	return b
}

// Two Beds at the same time share no port, and a port is given back only with
// its Bed.
func TestBedsDoNotShare(t *testing.T) {
	a, b := newBed(t), newBed(t)
	require.NotEqual(t, a.claim.first, b.claim.first)
	require.NotEqual(t, a.IP(1), b.IP(1))
	require.NotEqual(t, a.Port(), a.Port())
	_, err := net.Listen("tcp", a.claim.held.Addr().String())
	require.Error(t, err, "the claim is held")
	require.NoError(t, a.Close())
	require.NoFileExists(t, a.Dir)
}

// A block in which somebody else listens is passed over.
func TestClaimSkipsUsedPorts(t *testing.T) {
	first, err := take(0)
	require.NoError(t, err)
	number := (first.first - firstPort) / blockPorts
	ln, err := net.Listen("tcp", hostPort("127.0.0.1", first.port()))
	require.NoError(t, err)
	defer ln.Close()
	require.NoError(t, first.held.Close())
	next, err := take(number)
	require.NoError(t, err)
	defer next.held.Close()
	require.NotEqual(t, first.first, next.first)
}

// A worker answers over its pipes, and ends when they are closed.
func TestWorker(t *testing.T) {
	b := newBed(t)
	w, err := b.Worker("echo", "sh", "-c", "echo started >&2; exec cat")
	require.NoError(t, err)
	_, err = w.Write([]byte("hello"))
	require.NoError(t, err)
	got := make([]byte, 5)
	_, err = io.ReadFull(w, got)
	require.NoError(t, err)
	require.Equal(t, "hello", string(got))
	require.NoError(t, w.Close())
	require.True(t, w.Wait(10*time.Second), "it ended by itself")
	require.Equal(t, "started\n", w.Tail(100))
}

func TestProcesses(t *testing.T) {
	b := newBed(t)
	p, err := b.process("sleeper", []string{"sh", "-c", "echo started; exec sleep 60"})
	require.NoError(t, err)
	require.Zero(t, p.PID())
	p.Kill() // nothing to kill
	require.NoError(t, p.Start())
	require.Error(t, p.Start(), "it runs already")
	require.NoError(t, Until(30*time.Second, func() error {
		if p.Tail(100) != "started\n" {
			return errors.New("nothing logged")
		}
		return nil
	}))
	require.True(t, p.Stop(5*time.Second))
	require.False(t, p.Running())

	q, err := b.process("stubborn", []string{"sh", "-c", "trap '' TERM; echo deaf; while :; do sleep 1; done"})
	require.NoError(t, err)
	require.NoError(t, q.Start())
	require.NoError(t, Until(30*time.Second, func() error {
		if q.Tail(100) != "deaf\n" {
			return errors.New("nothing logged")
		}
		return nil
	}))
	require.False(t, q.Stop(50*time.Millisecond), "it does not end by itself")
	require.False(t, q.Running())

	r, err := b.process("done", []string{"sh", "-c", "exit 3"})
	require.NoError(t, err)
	require.NoError(t, r.Start())
	require.True(t, r.Wait(5*time.Second))
	require.Equal(t, 3, r.ExitCode())

	require.NoError(t, p.Start())
	require.NoError(t, b.Close())
	require.False(t, p.Running())
	require.ErrorIs(t, p.Start(), errClosed)
}

func TestTailStartsWithALine(t *testing.T) {
	file := filepath.Join(t.TempDir(), "log")
	require.NoError(t, os.WriteFile(file, []byte("one\ntwo\nthree\n"), 0o600))
	p := &Process{Log: file}
	require.Equal(t, "one\ntwo\nthree\n", p.Tail(100))
	require.Equal(t, "three\n", p.Tail(8))
}

func TestUntilTellsTheLastError(t *testing.T) {
	n := 0
	require.NoError(t, Until(time.Minute, func() error {
		n++
		if n < 3 {
			return errors.New("not yet")
		}
		return nil
	}))
	err := Until(5*time.Millisecond, func() error { return errors.New("never") })
	require.ErrorContains(t, err, "never")
}

// Rule: B-401.
func TestParseHello(t *testing.T) {
	h, err := ParseHello("127.0.0.1,42011,4def98c31cae4c34733649101570aba19a638aff,7,mm,127.0.0.1,42001,6")
	require.NoError(t, err)
	require.Equal(t, Hello{Addr: "127.0.0.1:42011", RunID: "4def98c31cae4c34733649101570aba19a638aff",
		CurrentEpoch: "7", Name: "mm", Master: "127.0.0.1:42001", ConfigEpoch: "6"}, h)
	_, err = ParseHello("a,b")
	require.Error(t, err)
}

func TestParseRole(t *testing.T) {
	role, master, link, err := ParseRole(resp.List(resp.Str("slave"), resp.Str("h"), resp.Int(1), resp.Str("connected"), resp.Int(0)))
	require.NoError(t, err)
	require.Equal(t, []string{"slave", "h:1", "connected"}, []string{role, master, link})
	role, master, _, err = ParseRole(resp.List(resp.Str("master"), resp.Int(0), resp.List()))
	require.NoError(t, err)
	require.Equal(t, []string{"master", ""}, []string{role, master})
	_, _, _, err = ParseRole(resp.List())
	require.Error(t, err)
}

// What a takeover took is told only if all agree.
func TestCollect(t *testing.T) {
	begin := time.Now()
	at := func(ms int) time.Time { return begin.Add(time.Duration(ms) * time.Millisecond) }
	for _, tc := range []struct {
		name  string
		seen  []sight
		want  Takeover
		fails string
	}{
		{"the last Sentinel counts", []sight{{"b", at(3), true}, {"b", at(2), false}, {"b", at(5), true}},
			Takeover{"b", 2 * time.Millisecond, 5 * time.Millisecond}, ""},
		{"two masters", []sight{{"b", at(1), false}, {"c", at(2), false}, {"b", at(3), true}}, Takeover{}, "two replicas"},
		{"another is named", []sight{{"b", at(1), false}, {"c", at(2), true}, {"b", at(3), true}}, Takeover{}, "but Sentinels name"},
		{"one Sentinel silent", []sight{{"b", at(1), false}, {"b", at(2), true}}, Takeover{}, "no takeover"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			ctx, cancel := context.WithCancel(t.Context())
			seen := make(chan sight)
			go func() {
				defer cancel()
				for _, s := range tc.seen {
					select {
					case seen <- s:
					case <-ctx.Done():
					}
				}
			}()
			got, err := collect(ctx, seen, begin, 2)
			if tc.fails != "" {
				require.ErrorContains(t, err, tc.fails)
				return
			}
			require.NoError(t, err)
			require.Equal(t, tc.want, got)
		})
	}
}
