package clients

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/redis/rueidis"
	"github.com/stretchr/testify/require"

	"gosentinel/internal/testbed"
)

// target is what a client is told.
type target struct {
	name      string   // of the master
	sentinels []string // addresses
}

// within runs a client in this process until the test ends, with a log like
// that of a program, whose path it returns.
func within(t *testing.T, bed *testbed.Bed, run func(ctx context.Context, say func(string))) string {
	t.Helper()
	path := filepath.Join(bed.Dir, "client.log")
	log, err := os.Create(path)
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	wg.Go(func() { run(ctx, func(line string) { fmt.Fprintln(log, line) }) })
	t.Cleanup(func() {
		cancel()
		wg.Wait()
		require.NoError(t, log.Close())
		if t.Failed() {
			text, _ := os.ReadFile(path)
			t.Logf("\n%s", text[max(0, len(text)-3000):])
		}
	})
	return path
}

// write calls add with 1, 2, 3..., each as often as it takes, and says what
// comes of it, until ctx ends.
func write(ctx context.Context, add func(ctx context.Context, n int) error, say func(string)) {
	pace := time.NewTicker(10 * time.Millisecond)
	defer pace.Stop()
	for n := 1; ; {
		each, cancel := context.WithTimeout(ctx, time.Second)
		err := add(each, n)
		cancel()
		if err == nil {
			say(fmt.Sprint("ok ", n))
			n++
		} else {
			say(fmt.Sprint("error: ", err))
		}
		select {
		case <-ctx.Done():
			return
		case <-pace.C:
		}
	}
}

func goRedis(ctx context.Context, to target, say func(string)) {
	c := redis.NewFailoverClient(&redis.FailoverOptions{
		MasterName:    to.name,
		SentinelAddrs: to.sentinels,
	})
	defer c.Close()
	write(ctx, func(ctx context.Context, n int) error { return c.SAdd(ctx, key, n).Err() }, say)
}

func rueidisLoad(ctx context.Context, to target, say func(string)) {
	c, err := rueidis.NewClient(rueidis.ClientOption{
		InitAddress: to.sentinels,
		Sentinel:    rueidis.SentinelOption{MasterSet: to.name},
	})
	if err != nil {
		say(fmt.Sprint("error: ", err))
		return
	}
	defer c.Close()
	write(ctx, func(ctx context.Context, n int) error {
		return c.Do(ctx, c.B().Sadd().Key(key).Member(fmt.Sprint(n)).Build()).Error()
	}, say)
}
