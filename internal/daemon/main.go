package daemon

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"gosentinel/conf"
)

// flushTime bounds how long the end of the process waits for a log that cannot
// be written.
const flushTime = 2 * time.Second

// Streams are the standard streams of the process.
type Streams struct {
	In       io.Reader
	Out, Err io.Writer
}

// Main is the drop-in invocation: it starts a Sentinel as args say, args[0]
// being the program's name, runs it until it is told to end, and returns the
// exit status of the process. It changes the process (current directory,
// signals, title), so it may be called once.
//
// Rule: C-33 to C-51.
func Main(args []string, std Streams) int {
	title := takeTitleArea()
	if len(args) > 0 {
		if status, ok := informed(args[1:], std.Out, std.Err); ok {
			return status
		}
	}
	useZone()
	signal.Ignore(syscall.SIGHUP, syscall.SIGPIPE)
	s := newStartup(args, std)
	s.title = title
	status := s.main()
	s.sink.close(flushTime)
	return status
}

// abort is why a start ends: lines for the log at warning level.
type abort []string

// Error joins the lines.
func (a abort) Error() string { return strings.Join(a, "; ") }

// startup is a start under way; its methods are the steps of C-46's table, in
// the order of 7.2.4.
type startup struct {
	args  []string // with the program's name
	std   Streams
	dir   string // current directory at first
	stdin []byte // what standard input held, if it was read
	umask fs.FileMode
	// trusted is the owner of the config file.
	trusted owners
	// removePid: the pid file is a file that we have written.
	removePid bool
	from      inherited
	title     titleArea

	sink *logSink
	log  *slog.Logger
	conf *conf.Config
	set  *conf.Settings // conf.Settings
	sup  *supervisor
	tls  *tlsKeys // nil: TLS is not used
}

// newStartup looks at the process as it is.
func newStartup(args []string, std Streams) *startup {
	umask := unix.Umask(0)
	unix.Umask(umask)
	s := &startup{
		args:  args,
		std:   std,
		dir:   osHost{}.Getwd(),
		umask: fs.FileMode(umask),
		from:  takeMark(),
		sink:  newLogSink(os.Getpid(), std.Out),
	}
	s.log = s.sink.logger()
	return s
}

// main runs all steps and gives the exit status.
func (s *startup) main() int {
	if err := s.configure(); err != nil {
		return s.fail(err)
	}
	if !s.from.daemon {
		if parent, err := s.detach(); parent || err != nil {
			return s.fail(err)
		}
	} else {
		setCommandName(filepath.Base(s.args[0]))
		s.sup = &supervisor{mode: s.set.Supervised, log: s.log}
	}
	p, err := s.assemble()
	if err != nil {
		return s.fail(err)
	}
	return p.run()
}

// fail tells why the start ends and gives the exit status: 0 without an error.
func (s *startup) fail(err error) int {
	var fatal *conf.FatalError
	var lines abort
	switch {
	case err == nil:
		return 0
	case errors.As(err, &fatal):
		s.sink.flush(flushTime)
		fmt.Fprint(s.std.Err, fatal.Block())
	case errors.As(err, &lines):
		for _, line := range lines {
			s.log.Warn(line)
		}
	default:
		s.log.Warn(err.Error())
	}
	return 1
}

// detach does what comes between a valid configuration and the banner, and
// becomes a daemon if that is wanted: parent then says that another process
// goes on.
//
// Rule: C-124.
func (s *startup) detach() (parent bool, err error) {
	s.warnOfMemory(linuxSystem())
	s.sup = supervise(s.set.Supervised, s.log, func() { s.sink.flush(flushTime) })
	if !s.set.Daemonize || s.sup.found {
		return false, nil
	}
	s.sink.flush(flushTime)
	if err := daemonize(s.args, s.dir, s.stdin); err != nil {
		return false, abort{"Can't run as a daemon: " + errnoText(err)}
	}
	return true, nil
}

// warnOfMemory logs what the system does wrong with memory.
//
// Rule: C-118 and the table of section 8 behind it.
func (s *startup) warnOfMemory(sys system) {
	if v := sys.checkOvercommit(); v.warning != "" {
		s.log.Warn("WARNING " + v.warning)
	}
	if s.set.DisableTHP {
		return
	}
	if v := sys.checkHugePages(); v.warning != "" {
		s.log.Warn("WARNING " + v.warning)
	}
}
