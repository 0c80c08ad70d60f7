package daemon

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/signal"
	"syscall"
	"time"

	"gosentinel/internal/listener"
	"gosentinel/internal/trace"
)

// closeTime bounds how long the end waits for clients that do not read.
const closeTime = 500 * time.Millisecond

// process is a Sentinel that has been put together.
type process struct {
	*startup
	node      *node
	server    *listener.Server
	endpoints []endpoint

	recorder *trace.Recorder // nil: nothing is recorded

	ctx  context.Context // done when the process is to end
	stop context.CancelFunc
}

// run turns the loop until a signal or SHUTDOWN ends it, and gives the exit
// status.
func (p *process) run() int {
	defer p.stop()
	signals := make(chan os.Signal, 4)
	signal.Notify(signals, syscall.SIGTERM, syscall.SIGINT, syscall.SIGUSR1, syscall.SIGUSR2)
	go p.heed(signals)

	if p.tls != nil {
		go p.tls.watch(p.ctx, p.log)
	}
	if os.Getenv("GOGC") == "" {
		go tendHeap(p.ctx)
	}

	ready, ended := make(chan struct{}), make(chan error, 1)
	go func() { ended <- p.node.run(p.ctx, func() { close(ready) }) }()
	select {
	case <-ready:
		p.open()
	case err := <-ended:
		ended <- err
	}
	err := <-ended
	if err != nil {
		p.log.Warn(err.Error())
	}
	p.end()
	if err != nil {
		return 1
	}
	return 0
}

// open tells the world that the Sentinel works, and lets clients in.
func (p *process) open() {
	p.sup.ready()
	warnOfMaxMemory(p.set.MaxMemory, p.log)
	bindToCPUs(p.set.CPUList, p.log)
	setOOMScore(p.set.OOMScoreAdj, p.set.OOMScoreAdjValues[0], oomPath, p.log)
	for _, d := range p.endpoints {
		for _, ln := range d.sockets {
			go p.serve(ln)
		}
	}
}

// serve lets clients in through one socket until the end.
func (p *process) serve(ln net.Listener) {
	if err := p.server.Serve(ln); err != nil {
		p.log.Warn("No longer accepting clients at " + ln.Addr().String() + ": " + errnoText(err))
	}
}

// end closes everything in order. Nothing is saved.
//
// Rule: B-1105, K-7, C-118, C-127.
func (p *process) end() {
	p.log.Info("User requested shutdown...")
	p.sup.stopping()
	if p.set.Daemonize || p.set.PidFile != "" {
		p.log.Info("Removing the pid file.")
		if p.removePid {
			_ = os.Remove(p.set.PidFile)
		}
	}
	ctx, cancel := context.WithTimeout(context.Background(), closeTime)
	defer cancel()
	_ = p.server.Close(ctx)
	closeEndpoints(p.endpoints)
	if p.set.UnixSocket != "" {
		p.log.Info("Removing the unix socket file.")
		_ = os.Remove(p.set.UnixSocket)
	}
	p.endRecording()
	p.log.Warn("Sentinel is now ready to exit, bye bye...")
}

// endRecording lets the recorder write what it still has.
func (p *process) endRecording() {
	if p.recorder != nil {
		p.recorder.Close()
	}
}

// heed does what signals ask for.
//
// Rule: K-7, C-116.
func (p *process) heed(signals <-chan os.Signal) {
	stopping := false
	for sig := range signals {
		switch {
		case sig == syscall.SIGUSR1 || sig == syscall.SIGUSR2:
			p.sink.flush(flushTime)
			_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
		case sig == syscall.SIGINT && stopping:
			p.tell("You insist... exiting now.")
			p.exit(1)
		default:
			stopping = true
			p.tell("Received " + signalName(sig) + " scheduling shutdown...")
			p.stop()
		}
	}
}

func signalName(sig os.Signal) string {
	if sig == syscall.SIGINT {
		return "SIGINT"
	}
	return "SIGTERM"
}

// tell logs what a signal does, in a form of its own.
//
// Rule: C-116.
func (p *process) tell(what string) {
	if !p.sink.enabled(levelWarning) || p.set.LogFile == "" && p.set.Daemonize {
		return
	}
	p.sink.raw(fmt.Sprintf("%d:signal-handler (%d) %s", os.Getpid(), time.Now().Unix(), what))
}

// exit ends the process at once: the pid file and the Unix socket stay.
func (p *process) exit(status int) {
	p.endRecording()
	p.sink.flush(flushTime)
	os.Exit(status)
}
