package daemon

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"

	"gosentinel/conf"
	"gosentinel/internal/command"
)

// stdinLimit is how much configuration is read from standard input.
const stdinLimit = 64 << 20

// configure reads the configuration, turns the log to where it says and checks
// that there is a file to save to.
//
// Rule: C-34 to C-49.
func (s *startup) configure() error {
	in := conf.Input{Args: conf.ParseArgs(s.args[min(1, len(s.args)):])}
	if in.Args.HasFile {
		in.File = absolutePath(s.dir, in.Args.File)
		if isDir(in.File) {
			return &conf.OpenError{Path: in.File, Err: strerror{syscall.EISDIR}}
		}
	}
	host := osHost{log: s.log}
	if uid, ok := ownerOf(in.File); ok {
		host.trusted = owners{uid}
	}
	s.trusted = host.trusted
	s.sink.setTrusted(host.trusted)
	if in.File != "" {
		if err := recoverFile(in.File, host.trusted, s.log); err != nil {
			return &conf.OpenError{Path: in.File, Err: plainError(err)}
		}
	}
	if in.Args.Stdin {
		if err := s.readStdin(); err != nil {
			return err
		}
		in.Stdin = s.stdin
	}
	if err := s.load(host, in); err != nil {
		return err
	}
	return s.checkFile()
}

// readStdin reads the configuration on standard input: all of it, as the
// original does.
func (s *startup) readStdin() error {
	r := s.std.In
	if s.from.daemon {
		r = s.from.stdin
	}
	if r == nil {
		s.stdin = []byte{}
		return nil
	}
	data, err := io.ReadAll(io.LimitReader(r, stdinLimit+1))
	if err != nil {
		return abort{"Fatal error, can't read config from stdin: " + errnoText(err)}
	}
	if len(data) > stdinLimit {
		return abort{fmt.Sprintf("Fatal error, config from stdin is larger than %d bytes", stdinLimit)}
	}
	s.stdin = data
	return nil
}

// load reads the configuration and logs what that had to say. The child of
// daemonize says nothing: its parent has.
func (s *startup) load(host osHost, in conf.Input) error {
	checks := conf.Checks{Command: isCommand}
	cfg, err := conf.Load(host, checks, in)
	s.conf, s.set = cfg, &cfg.Settings
	s.sink.setLevel(cfg.Settings.LogLevel)
	s.sink.setFile(cfg.Settings.LogFile)
	if cfg.Settings.SyslogEnabled {
		// Until the log is opened for good, under the program's name.
		s.sink.setSyslog(newSysWriter(filepath.Base(s.args[0]), "user", 0))
	}
	if s.from.daemon && err == nil {
		return nil
	}
	for _, line := range cfg.Log {
		if line.Ours && err != nil {
			continue
		}
		s.log.Log(context.Background(), markLevel(line.Level), line.Text)
	}
	return err
}

// isCommand tells whether rename-command may name this command.
func isCommand(name string) bool {
	return !errors.Is(command.NewTable().Rename(name, ""), command.ErrNoSuchCommand)
}

// checkFile makes sure that state can be saved.
//
// Rule: C-45, C-46, R-23.
func (s *startup) checkFile() error {
	path := s.conf.File
	if path == "" {
		return abort{"Sentinel needs config file on disk to save state. Exiting..."}
	}
	if s.conf.State.StateFile != "" {
		path = s.absolute(s.conf.State.StateFile)
	}
	err := unix.Access(path, unix.W_OK)
	if err == nil || s.conf.State.StateFile != "" && errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return abort{fmt.Sprintf("Sentinel config file %s is not writable: %s. Exiting...", path, errnoText(err))}
}

// absolute is a path of the configuration, which is relative to `dir`.
func (s *startup) absolute(path string) string {
	if path == "" || strings.HasPrefix(path, "/") {
		return path
	}
	return filepath.Join(osHost{}.Getwd(), path)
}

// executable is INFO's path of the program: as it was called, if that names a
// file, else as the system knows it.
func (s *startup) executable() string {
	if strings.Contains(s.args[0], "/") {
		return absolutePath(s.dir, s.args[0])
	}
	if path, err := os.Executable(); err == nil {
		return path
	}
	return s.args[0]
}
