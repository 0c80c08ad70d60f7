package daemon

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"syscall"
	"time"
)

// tlsWatchPeriod is how often the TLS files are looked at.
const tlsWatchPeriod = time.Second

// watch loads the TLS files again when they have changed, until ctx is done. A
// change is taken up once a whole period brought no other, so that a
// certificate is not loaded before its key is written.
//
// Rule: R-6.
func (k *tlsKeys) watch(ctx context.Context, log *slog.Logger) {
	tick := time.NewTicker(tlsWatchPeriod)
	defer tick.Stop()
	loaded := k.stamp
	last := loaded
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		now := k.stampFiles()
		if now != loaded && now == last {
			k.reload(log)
			loaded = now
		}
		last = now
	}
}

// stampFiles is a text that differs when one of the files does.
func (k *tlsKeys) stampFiles() string {
	var b strings.Builder
	set := &k.set
	for _, name := range []string{set.CertFile, set.KeyFile, set.ClientCertFile, set.ClientKeyFile, set.CACertFile, set.CACertDir} {
		info, err := os.Stat(name)
		if err != nil {
			b.WriteString("-;")
			continue
		}
		inode := uint64(0)
		if sys, ok := info.Sys().(*syscall.Stat_t); ok {
			inode = sys.Ino
		}
		fmt.Fprintf(&b, "%d %d %d;", inode, info.Size(), info.ModTime().UnixNano())
	}
	return b.String()
}
