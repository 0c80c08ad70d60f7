// Command demo shows one failover: it starts a master, two replicas and three
// Sentinels on loopback in a temporary folder, kills the master, prints what
// happens in milliseconds from the fault, and brings the old master back. It
// cleans up after itself, also on Ctrl-C. With -keep it then waits, so that
// one can try things by hand.
//
// Where there is no redis-server it runs on simulated instances, and says so.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
	"time"

	"gosentinel/internal/testbed"
)

const (
	masterName = "mymaster"
	downAfter  = time.Second
	// patience is the longest wait for any one step.
	patience = 30 * time.Second
)

func main() {
	sentinel := flag.String("sentinel", "bin/redis-sentinel", "the daemon to show")
	keep := flag.Bool("keep", false, "leave all running until Ctrl-C, and print redis-cli lines to try")
	simulate := flag.Bool("simulate", false, "use simulated instances even if there is a redis-server")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	programs := testbed.Find(*sentinel)
	if *simulate {
		programs.Redis = ""
	}
	err := run(ctx, os.Stdout, programs, *keep)
	if errors.Is(err, context.Canceled) {
		fmt.Println("interrupted: everything is stopped and removed")
		err = nil
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "demo:", err)
		os.Exit(1)
	}
}

// run shows the failover; whatever happens, nothing is left behind.
func run(ctx context.Context, out io.Writer, programs testbed.Programs, keep bool) (err error) {
	bed, err := testbed.New(programs)
	if err != nil {
		return err
	}
	d := &demo{out: out, bed: bed}
	finished := make(chan error, 1)
	go func() { finished <- d.show() }()
	select {
	case err = <-finished:
	case <-ctx.Done():
		err = ctx.Err()
	}
	if err == nil && keep {
		d.hints()
		<-ctx.Done()
	}
	if err != nil && !errors.Is(err, context.Canceled) {
		fmt.Fprintf(out, "\n%s", bed.Logs(2000))
	}
	return errors.Join(err, d.close())
}
