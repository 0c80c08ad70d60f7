package main

import (
	"fmt"
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"gosentinel/internal/testbed"
)

// The test program is its own herd too.
func TestMain(m *testing.M) {
	if len(os.Args) == 2 && os.Args[1] == herdWord {
		if err := serveHerd(os.Stdin, os.Stdout); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

func newHerd(t *testing.T, masters int) *herd {
	t.Helper()
	bed, err := testbed.New(testbed.Programs{})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, bed.Close()) })
	h, err := startHerd(bed, masters, "", 1)
	require.NoError(t, err)
	return h
}

// Masters that die together are replaced, and each is told how long it took.
func TestHerdTellsPromotions(t *testing.T) {
	h := newHerd(t, 3)
	promote := func(group int) {
		require.NoError(t, testbed.Until(30*time.Second, func() error {
			if _, err := testbed.Do(address(group, 0, h.port), "", "PING"); err == nil {
				return fmt.Errorf("master %d is alive", group)
			}
			return nil
		}))
		_, err := testbed.Do(address(group, 2, h.port), "", "SLAVEOF", "NO", "ONE")
		require.NoError(t, err)
	}
	go func() { promote(0); promote(2) }()
	took, err := h.kill([]int{0, 2}, time.Minute)
	require.NoError(t, err)
	require.Len(t, took, 2)
	require.Positive(t, took[0])
	require.LessOrEqual(t, took[0], took[1])

	v, err := testbed.Do(address(1, 0, h.port), "", "ROLE")
	require.NoError(t, err)
	require.Equal(t, "master", v.Elems[0].Str, "the others live on")
}

// A master without a successor is left out once patience is over.
func TestHerdLosesPatience(t *testing.T) {
	h := newHerd(t, 1)
	took, err := h.kill([]int{0}, 20*time.Millisecond)
	require.NoError(t, err)
	require.Empty(t, took)
}

// A herd ends with the program that drives it.
func TestHerdEndsWithItsInput(t *testing.T) {
	h := newHerd(t, 1)
	require.NoError(t, h.shards[0].client.Close())
	require.True(t, h.shards[0].Wait(10*time.Second))
}

// No process has more sockets than it may have files.
func TestMastersOfOneProcess(t *testing.T) {
	require.Equal(t, 2, mostMasters(spareFiles+2*9+8, 1))
	require.Equal(t, 2, mostMasters(spareFiles+2*21, 3))
	h := &herd{masters: 7, shards: []shard{{first: 0}, {first: 3}, {first: 6}}}
	require.Equal(t, [][]int{{0, 2}, {0, 2}, {0}}, h.split([]int{0, 2, 3, 5, 6}))
	h.shards = h.shards[:1]
	require.Equal(t, [][]int{nil}, h.split(nil))
}

// Every instance has an address of its own.
func TestAddresses(t *testing.T) {
	seen := make(map[string]bool)
	for g := range 30_000 {
		for i := range 1 + replicas {
			seen[address(g, i, 1)] = true
		}
	}
	require.Len(t, seen, 90_000)
	require.Equal(t, "127.100.0.1:1", address(0, 0, 1))
}
