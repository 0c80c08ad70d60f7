package daemon

import (
	"io/fs"
	"log/slog"
)

// disk is the file system as the persister uses it, so that tests can make each
// call fail.
type disk interface {
	ReadFile(name string) ([]byte, error)
	Mode(name string) (fs.FileMode, error)
	Open(name string, flag int, perm fs.FileMode) (diskFile, error)
	Rename(from, to string) error
	Remove(name string) error
	SyncDir(name string) error
}

// diskFile is an open file of a disk.
type diskFile interface {
	Write(p []byte) (int, error)
	Truncate(size int64) error
	Chmod(mode fs.FileMode) error
	Sync() error
	Close() error
}

// recoverFile repairs a config file that a crash left half written; it is
// called at start, before the file is read, for the main file and for the state
// file. A file that needs no repair is not touched.
func recoverFile(path string, log *slog.Logger) error { return nil }
