package daemon

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
)

// lineLog keeps log lines, each as its character of C-113 and the message.
type lineLog struct {
	mu    sync.Mutex
	lines []string
}

func (l *lineLog) Enabled(context.Context, slog.Level) bool { return true }
func (l *lineLog) WithAttrs([]slog.Attr) slog.Handler       { return l }
func (l *lineLog) WithGroup(string) slog.Handler            { return l }

func (l *lineLog) Handle(_ context.Context, r slog.Record) error {
	mark := map[slog.Level]string{levelDebug: ".", levelVerbose: "-", levelNotice: "*", levelWarning: "#"}[r.Level]
	l.mu.Lock()
	defer l.mu.Unlock()
	l.lines = append(l.lines, mark+" "+r.Message)
	return nil
}

// take gives the lines so far and forgets them.
func (l *lineLog) take() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	lines := l.lines
	l.lines = nil
	return lines
}

func newSaver(d disk) (*saver, *lineLog) {
	log := &lineLog{}
	return &saver{disk: d, log: slog.New(log), umask: 0o022}, log
}

// Rule: C-106, C-107, B-1004, R-4.
func TestSaveReplacesTheFile(t *testing.T) {
	for _, tc := range []struct {
		name  string
		old   fs.FileMode // 0: there is none
		umask fs.FileMode
		want  fs.FileMode
	}{
		{"usual", 0o644, 0o022, 0o644},
		{"no file yet", 0, 0o022, 0o644},
		{"no file yet, umask", 0, 0o077, 0o600},
		{"not wider than the file was", 0o600, 0o022, 0o600},
		{"not wider than the umask allows", 0o644, 0o027, 0o640},
		{"not wider than 0644", 0o666, 0, 0o644},
	} {
		t.Run(tc.name, func(t *testing.T) {
			dir := t.TempDir()
			path := filepath.Join(dir, "s.conf")
			if tc.old != 0 {
				require.NoError(t, os.WriteFile(path, []byte("a long old content\n"), tc.old))
				require.NoError(t, os.Chmod(path, tc.old))
			}
			s, log := newSaver(osDisk{})
			s.umask = tc.umask
			require.NoError(t, s.save(path, []byte("new\n")))
			data, err := os.ReadFile(path)
			require.NoError(t, err)
			require.Equal(t, "new\n", string(data))
			info, err := os.Stat(path)
			require.NoError(t, err)
			require.Equal(t, tc.want, info.Mode())
			entries, err := os.ReadDir(dir)
			require.NoError(t, err)
			require.Len(t, entries, 1, "no temporary file stays")
			require.Empty(t, log.take())
		})
	}
}

// Rule: C-108.
func TestSaveReplacesASymlink(t *testing.T) {
	dir := t.TempDir()
	path, target := filepath.Join(dir, "s.conf"), filepath.Join(dir, "target")
	require.NoError(t, os.WriteFile(target, []byte("old\n"), 0o644))
	require.NoError(t, os.Symlink(target, path))
	s, _ := newSaver(osDisk{})
	require.NoError(t, s.save(path, []byte("new\n")))
	info, err := os.Lstat(path)
	require.NoError(t, err)
	require.True(t, info.Mode().IsRegular())
	data, err := os.ReadFile(target)
	require.NoError(t, err)
	require.Equal(t, "old\n", string(data))
}

// Rule: C-106: each step in its place, in the same directory.
func TestSaveOrder(t *testing.T) {
	d := newMemDisk(map[string]string{"/d/s.conf": "old"})
	d.fail = func(op, name string) error {
		if op == "create" {
			require.Regexp(t, `^/d/s\.conf\.[A-Za-z0-9]{6}$`, name)
		}
		return nil
	}
	s, _ := newSaver(d)
	require.NoError(t, s.save("/d/s.conf", []byte("new")))
	require.Equal(t, []string{"create", "write", "sync", "chmod", "close", "rename", "syncdir", "remove"}, d.calls,
		"at last, a copy of an earlier write in place")
}

// Rule: C-109, C-110.
func TestSaveFailures(t *testing.T) {
	for _, tc := range []struct {
		op   string
		err  error
		line string
	}{
		{"create", syscall.ENOSPC, "# Could not create tmp config file (No space left on device)"},
		{"write", syscall.ENOSPC, "# Failed after writing (5) bytes to tmp config file (No space left on device)"},
		{"sync", syscall.EIO, "# Could not sync tmp config file to disk (Input/output error)"},
		{"chmod", syscall.EPERM, "# Could not chmod config file (Operation not permitted)"},
		{"close", syscall.EIO, "# Could not sync tmp config file to disk (Input/output error)"},
		{"rename", syscall.EACCES, "# Could not rename tmp config file (Permission denied)"},
	} {
		t.Run(tc.op, func(t *testing.T) {
			d := newMemDisk(map[string]string{"/d/s.conf": "old"})
			d.fail = failing(tc.op, tc.err)
			s, log := newSaver(d)
			require.ErrorIs(t, s.save("/d/s.conf", []byte("0123456789")), tc.err)
			require.Equal(t, []string{tc.line}, log.take())
			require.Equal(t, "old", d.content("/d/s.conf"))
			require.Len(t, d.names, 1, "no temporary file stays")
		})
	}
	t.Run("directory", func(t *testing.T) {
		d := newMemDisk(nil)
		d.fail = failing("syncdir", syscall.EIO)
		s, log := newSaver(d)
		require.ErrorIs(t, s.save("/d/s.conf", []byte("new")), syscall.EIO)
		require.Equal(t, []string{"# Could not sync config file dir (Input/output error)"}, log.take())
	})
	t.Run("nothing is writable", func(t *testing.T) {
		d := newMemDisk(map[string]string{"/d/s.conf": "old"})
		d.fail = func(op, _ string) error {
			if op == "create" || op == "open" {
				return syscall.EACCES
			}
			return nil
		}
		s, log := newSaver(d)
		require.ErrorIs(t, s.save("/d/s.conf", []byte("new")), syscall.EACCES)
		require.Equal(t, []string{"# Could not create tmp config file (Permission denied)"}, log.take())
	})
	t.Run("path too long", func(t *testing.T) {
		d := newMemDisk(nil)
		s, log := newSaver(d)
		require.ErrorIs(t, s.save("/"+strings.Repeat("x", 4090), []byte("new")), syscall.ENAMETOOLONG)
		require.Equal(t, []string{"# Config file full path is too long"}, log.take())
		require.NoError(t, s.save("/"+strings.Repeat("x", 4087), []byte("new")))
	})
}

// Rule: R-5, C-110; in the place of C-49, a directory that is not writable.
func TestSaveInPlace(t *testing.T) {
	const path = "/d/s.conf"
	for _, tc := range []struct {
		name     string
		op       string
		err      error
		reason   string
		wantCopy bool // a copy was made
	}{
		{"bind mount", "rename", syscall.EBUSY, "Device or resource busy", true},
		{"other device", "rename", syscall.EXDEV, "Invalid cross-device link", true},
		{"read-only directory", "create", syscall.EACCES, "Permission denied", false},
		{"read-only file system", "create", syscall.EROFS, "Read-only file system", false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			d := newMemDisk(map[string]string{path: "a long old content"})
			inode := d.names[path]
			d.fail = func(op, name string) error {
				if op == tc.op && (op == "create" || name == path) {
					return tc.err
				}
				return nil
			}
			s, log := newSaver(d)
			for _, data := range []string{"new", "newer"} {
				require.NoError(t, s.save(path, []byte(data)))
				require.Equal(t, data, d.content(path))
				require.Equal(t, data, inode.synced)
			}
			require.Equal(t, []string{
				"* Config file " + path + " cannot be replaced (" + tc.reason + "), it is written in place from now on",
			}, log.take(), "told once")
			require.Same(t, inode, d.names[path])
			require.Len(t, d.names, 1, "no copy stays")
			require.Equal(t, tc.wantCopy, d.count("rename") == 2)
		})
	}
}

// Whatever a crash interrupts, the next start finds the old content or the new,
// whole: after the end of the process, and after loss of power.
//
// Rule: C-106, R-5, S-2.
func TestSaveSurvivesCrashes(t *testing.T) {
	const path = "/d/s.conf"
	old, data := strings.Repeat("old ", 10), strings.Repeat("new!", 7)
	crashed := errors.New("crashed")
	for _, inPlace := range []bool{false, true} {
		for _, loss := range []string{"process", "power", "power and names"} {
			for last := 0; ; last++ {
				d := newMemDisk(map[string]string{path: old})
				calls := 0
				d.fail = func(op, name string) error {
					if calls++; calls > last {
						return crashed
					}
					if inPlace && op == "rename" && name == path {
						return syscall.EBUSY
					}
					return nil
				}
				s, _ := newSaver(d)
				err := s.save(path, []byte(data))
				done := calls <= last
				d.fail = nil
				if loss != "process" {
					d.powerLoss(loss == "power and names")
				}
				require.NoError(t, s.recover(path))
				at := fmt.Sprintf("in place %t, %s, after %d calls", inPlace, loss, last)
				got := d.content(path)
				require.Contains(t, []string{old, data}, got, at)
				if err == nil {
					require.Equal(t, data, got, at)
				}
				read, err := s.read(path)
				require.NoError(t, err)
				require.Equal(t, got, string(read), at)
				if done {
					break
				}
			}
		}
	}
}

// Rule: R-5: after a write in place that failed, the next rewrite starts from
// the copy, not from the torn file; a copy that is older than the file never
// replaces it.
func TestCopyOfATornFile(t *testing.T) {
	const path = "/d/s.conf"
	d := newMemDisk(map[string]string{path: "old old old"})
	bindMounted := func(op, name string) error {
		if op == "rename" && name == path {
			return syscall.EBUSY
		}
		return nil
	}
	d.fail = func(op, name string) error {
		if op == "write" && name == path {
			return syscall.ENOSPC
		}
		return bindMounted(op, name)
	}
	s, log := newSaver(d)
	require.ErrorIs(t, s.save(path, []byte("new new")), syscall.ENOSPC)
	require.Equal(t, "# Failed after writing (3) bytes to config file (No space left on device)", log.take()[1])
	require.Equal(t, "new old old", d.content(path))
	data, err := s.read(path)
	require.NoError(t, err)
	require.Equal(t, "new new", string(data))

	// Now the directory is read-only: the next write makes no copy, and the
	// one that is there can only be emptied.
	d.fail = func(op, name string) error {
		if op == "create" || op == "remove" {
			return syscall.EROFS
		}
		return nil
	}
	require.NoError(t, s.save(path, []byte("newest")))
	require.NoError(t, s.recover(path))
	require.Equal(t, "newest", d.content(path))
	data, err = s.read(path)
	require.NoError(t, err)
	require.Equal(t, "newest", string(data))
}

// Rule: R-5.
func TestRecoverFile(t *testing.T) {
	for _, tc := range []struct {
		name       string
		file, copy string // "" is missing
		want       string
		told       bool
	}{
		{"no copy", "file", "", "file", false},
		{"torn", "fi", "file", "file", true},
		{"the copy was not removed", "file", "file", "file", false},
		{"the file is gone", "", "file", "file", true},
	} {
		t.Run(tc.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "s.conf")
			if tc.file != "" {
				require.NoError(t, os.WriteFile(path, []byte(tc.file), 0o600))
			}
			if tc.copy != "" {
				plant(t, path, tc.copy)
			}
			log := &lineLog{}
			require.NoError(t, recoverFile(path, nil, slog.New(log)))
			data, err := os.ReadFile(path)
			require.NoError(t, err)
			require.Equal(t, tc.want, string(data))
			require.NoFileExists(t, path+copySuffix)
			require.Equal(t, tc.told, len(log.take()) == 1)
			info, err := os.Stat(path)
			require.NoError(t, err)
			require.EqualValues(t, 0o600, info.Mode())
		})
	}
}

// Rule: E-45: whether the file can be written is known before it has to be.
func TestProbe(t *testing.T) {
	const path = "/d/s.conf"
	for _, tc := range []struct {
		name string
		fail func(op, name string) error
		want error
		line string
	}{
		{"writable", nil, nil, ""},
		{"bind mount", func(op, name string) error {
			if op == "rename" && name == path {
				return syscall.EBUSY
			}
			return nil
		}, nil, ""},
		{"read-only directory, writable file", failing("create", syscall.EACCES), nil, ""},
		{"no space", failing("write", syscall.ENOSPC), syscall.ENOSPC,
			"# Failed after writing (1) bytes to tmp config file (No space left on device)"},
		{"read-only file system", func(op, _ string) error {
			if op == "create" || op == "open" {
				return syscall.EROFS
			}
			return nil
		}, syscall.EROFS, "# Could not create tmp config file (Read-only file system)"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			d := newMemDisk(map[string]string{path: "old"})
			d.fail = tc.fail
			s, log := newSaver(d)
			require.ErrorIs(t, s.probe(path), tc.want)
			require.Equal(t, "old", d.content(path))
			require.Len(t, d.names, 1)
			if tc.line == "" {
				require.Empty(t, log.take())
			} else {
				require.Equal(t, []string{tc.line}, log.take())
			}
		})
	}
}
