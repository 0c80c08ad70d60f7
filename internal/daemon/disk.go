package daemon

import (
	"errors"
	"io/fs"
	"os"
	"syscall"
)

// disk is the file system as the persister uses it, so that tests can make each
// call fail.
type disk interface {
	ReadFile(name string) ([]byte, error)
	// Mode is the permission bits of a file, links followed.
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

// osDisk is the real disk.
type osDisk struct{}

func (osDisk) ReadFile(name string) ([]byte, error) { return os.ReadFile(name) }

func (osDisk) Mode(name string) (fs.FileMode, error) {
	info, err := os.Stat(name)
	if err != nil {
		return 0, err
	}
	return info.Mode().Perm(), nil
}

func (osDisk) Open(name string, flag int, perm fs.FileMode) (diskFile, error) {
	f, err := os.OpenFile(name, flag, perm)
	if err != nil {
		return nil, err // not f, which would be a diskFile that is not nil
	}
	return f, nil
}

func (osDisk) Rename(from, to string) error { return os.Rename(from, to) }

func (osDisk) Remove(name string) error { return os.Remove(name) }

// SyncDir makes what happened to the names in a directory durable. File systems
// that cannot do this to a directory are no failure.
//
// Rule: C-106.
func (osDisk) SyncDir(name string) error {
	d, err := os.Open(name)
	if err != nil {
		return err
	}
	defer d.Close()
	err = d.Sync()
	if errors.Is(err, syscall.EBADF) || errors.Is(err, syscall.EINVAL) {
		return nil
	}
	return err
}
