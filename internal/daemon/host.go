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

// osHost is the real world for conf.Load. The zero osHost has read no config
// file yet.
type osHost struct {
	log *slog.Logger
	// trusted is the owner of the main config file: files of his that stand
	// where everybody can make names may be read and written as our own.
	trusted owners
}

// ReadFile reads a file; a directory reads as empty.
//
// Rule: C-28.
func (osHost) ReadFile(name string) ([]byte, error) {
	data, err := os.ReadFile(name)
	if err != nil && isDir(name) {
		return nil, nil
	}
	return data, plainError(err)
}

// ReadState reads the state file, whose name is known to all before it exists,
// after what a crash left half written is mended.
//
// Rule.
func (h osHost) ReadState(name string) ([]byte, error) {
	if err := recoverFile(name, h.trusted, h.log); err != nil {
		return nil, plainError(err)
	}
	data, err := osDisk{h.trusted}.ReadFile(name)
	if isNotOurs(err) {
		return nil, err
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
func (h osHost) TryLog(name string) error {
	f, err := openLog(name, h.trusted)
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
