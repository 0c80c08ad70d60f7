package daemon

import (
	"log/slog"
	"os"
	"path/filepath"
	"sort"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// osHost is the real world for conf.Load. With a log it mends files that a
// crash left half written before it reads them.
type osHost struct{ log *slog.Logger }

// ReadFile reads a file; a directory reads as empty.
//
// Rule: C-28, R-5.
func (h osHost) ReadFile(name string) ([]byte, error) {
	if h.log != nil {
		if err := recoverFile(name, h.log); err != nil {
			return nil, plainError(err)
		}
	}
	data, err := os.ReadFile(name)
	if err != nil && isDir(name) {
		return nil, nil
	}
	return data, plainError(err)
}

// Glob lists the files that match pattern, sorted by bytes.
//
// Rule: C-26.
func (osHost) Glob(pattern string) []string {
	names, err := filepath.Glob(pattern)
	if err != nil {
		return nil
	}
	sort.Strings(names)
	return names
}

// Chdir changes the directory of the process.
func (osHost) Chdir(dir string) error { return plainError(os.Chdir(dir)) }

// Getwd is the directory of the process, or "." if it is gone.
func (osHost) Getwd() string {
	dir, err := syscall.Getwd()
	if err != nil {
		return "."
	}
	return dir
}

// Executable asks access(2).
func (osHost) Executable(name string) bool { return unix.Access(name, unix.X_OK) == nil }

// TryLog creates a log file, as a log line would.
//
// Rule: C-24.
func (osHost) TryLog(name string) error {
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_APPEND|os.O_CREATE, logFileMode)
	if err != nil {
		return plainError(err)
	}
	return f.Close()
}

func isDir(name string) bool {
	info, err := os.Stat(name)
	return err == nil && info.IsDir()
}

// absolutePath makes the path of the config file absolute against dir: leading
// `../` are folded, nothing else is changed.
//
// Rule: C-34.
func absolutePath(dir, path string) string {
	if strings.HasPrefix(path, "/") {
		return path
	}
	for strings.HasPrefix(path, "../") {
		path = path[len("../"):]
		dir = dir[:strings.LastIndexByte(dir, '/')+1]
		dir = strings.TrimSuffix(dir, "/")
	}
	return strings.TrimSuffix(dir, "/") + "/" + path
}
