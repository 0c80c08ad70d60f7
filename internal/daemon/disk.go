package daemon

import (
	"cmp"
	"errors"
	"io"
	"io/fs"
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// disk is the file system as the persister uses it, so that tests can make each
// call fail.
type disk interface {
	// ReadFile reads a config file that we keep. One that another user can have
	// put there is a notOurs.
	ReadFile(name string) ([]byte, error)
	// ReadCopy reads the copy beside the config file of; it is a notOurs if
	// anybody but us and the owner of that file can have made it or can write it.
	ReadCopy(name, of string) ([]byte, error)
	// ClearCopy makes empty what ReadCopy would read.
	ClearCopy(name, of string) error
	// Inode tells files of one name apart, links followed.
	Inode(name string) (uint64, error)
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

// maxConfigFile bounds what is read of a config file of our own or its copy.
const maxConfigFile = 1 << 30

// osDisk is the real disk.
type osDisk struct {
	// trusted are those whose files may stand for ours: the owner of the config
	// file that was loaded.
	trusted owners
}

func (d osDisk) ReadFile(name string) ([]byte, error) {
	f, err := openOurs(name, os.O_RDONLY|unix.O_NONBLOCK, 0, d.trusted)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return readAll(f)
}

// readAll reads a config file to its end, if it has one.
func readAll(f *os.File) ([]byte, error) {
	data, err := io.ReadAll(io.LimitReader(f, maxConfigFile+1))
	if err == nil && len(data) > maxConfigFile {
		err = syscall.EFBIG
	}
	return data, err
}

func (d osDisk) ReadCopy(name, of string) ([]byte, error) {
	f, err := openCopy(name, of, os.O_RDONLY)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return readAll(f)
}

func (d osDisk) ClearCopy(name, of string) error {
	f, err := openCopy(name, of, os.O_WRONLY)
	if err != nil {
		return err
	}
	return errors.Join(f.Truncate(0), f.Sync(), f.Close())
}

// openCopy opens the copy of a config file, whose name anybody can guess, and
// looks at what it has opened, not at the name.
//
// Rule: R-26.
func openCopy(name, of string, flag int) (*os.File, error) {
	f, err := os.OpenFile(name, flag|unix.O_NOFOLLOW|unix.O_NONBLOCK, 0)
	switch {
	case errors.Is(err, syscall.ELOOP):
		return nil, notOurs{"it is a link"}
	case errors.Is(err, syscall.ENXIO), errors.Is(err, syscall.EISDIR):
		return nil, notOurs{"it is no regular file"}
	case err != nil:
		var st unix.Stat_t
		if unix.Lstat(name, &st) == nil { // what others have put there may not even let us in
			err = cmp.Or(foreign(&st, of), err)
		}
		return nil, err
	}
	var st unix.Stat_t
	if err = unix.Fstat(int(f.Fd()), &st); err == nil {
		err = foreign(&st, of)
	}
	if err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}

// foreign says why what is at the name of the copy of a file is none that we have
// made, nil if it may be.
//
// Rule: R-26.
func foreign(st *unix.Stat_t, of string) error {
	owner, ok := ownerOf(of)
	switch {
	case st.Mode&unix.S_IFMT != unix.S_IFREG:
		return notOurs{"it is no regular file"}
	case int(st.Uid) != os.Geteuid() && !(ok && st.Uid == owner):
		return notOurs{"it belongs to another user"}
	case st.Mode&0o022 != 0:
		return notOurs{"others can write it"}
	case st.Nlink != 1:
		return notOurs{"it has a second name"}
	}
	return nil
}

func (osDisk) Inode(name string) (uint64, error) {
	var st unix.Stat_t
	err := unix.Stat(name, &st)
	return st.Ino, err
}

func (osDisk) Mode(name string) (fs.FileMode, error) {
	info, err := os.Stat(name)
	if err != nil {
		return 0, err
	}
	return info.Mode().Perm(), nil
}

func (d osDisk) Open(name string, flag int, perm fs.FileMode) (diskFile, error) {
	f, err := openOurs(name, flag, perm, d.trusted)
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
