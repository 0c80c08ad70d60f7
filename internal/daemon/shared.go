package daemon

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"syscall"

	"golang.org/x/sys/unix"
)

// notOurs says why a file is not used that stands where one of ours belongs. To
// who looks at the errno it is EACCES, as the kernel itself would say with
// fs.protected_regular and fs.protected_symlinks.
type notOurs struct{ why string }

func (e notOurs) Error() string { return e.why }
func (e notOurs) Unwrap() error { return syscall.EACCES }

// owners are the users whose files we take for our own, besides root and
// ourselves.
type owners []uint32

func (o owners) trust(uid uint32) bool {
	return uid == 0 || int(uid) == os.Geteuid() || slices.Contains(o, uid)
}

// openOurs opens a file that we write, or that we believe, at a name of our
// choice. In a directory in which everybody can make names (`/tmp`), somebody
// else may have made this one: a link to a file that only we may write, a pipe
// that nobody reads, a file whose content we would carry out. Such is a
// notOurs.
//
// Rule: R-26.
func openOurs(name string, flag int, perm fs.FileMode, trusted owners) (*os.File, error) {
	if !everybodyWrites(filepath.Dir(name)) {
		return os.OpenFile(name, flag, perm)
	}
	flag |= unix.O_NONBLOCK
	// Nothing may be cut before it is known whose it is.
	f, err := os.OpenFile(name, flag&^os.O_TRUNC|unix.O_NOFOLLOW, perm)
	if errors.Is(err, syscall.ELOOP) && trustedLink(name, trusted) {
		f, err = os.OpenFile(name, flag&^os.O_TRUNC, perm)
	}
	switch {
	case errors.Is(err, syscall.ELOOP):
		return nil, notOurs{"it is a link"}
	case errors.Is(err, syscall.ENXIO):
		return nil, notOurs{"it is no regular file"}
	case err != nil:
		return nil, err
	}
	err = ours(f, trusted)
	if err == nil && flag&os.O_TRUNC != 0 {
		err = f.Truncate(0)
	}
	if err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}

// ours tells by nil that an open file is a regular one, under one name only, of
// a user whom we trust. (A second name may be that of a file which somebody
// wants us to spoil.)
func ours(f *os.File, trusted owners) error {
	var st unix.Stat_t
	if err := unix.Fstat(int(f.Fd()), &st); err != nil {
		return err
	}
	switch {
	case st.Mode&unix.S_IFMT == unix.S_IFDIR:
		return syscall.EISDIR
	case st.Mode&unix.S_IFMT != unix.S_IFREG:
		return notOurs{"it is no regular file"}
	case !trusted.trust(st.Uid):
		return notOurs{"it belongs to another user"}
	case st.Nlink != 1:
		return notOurs{"it has a second name"}
	}
	return nil
}

// trustedLink tells whether the symbolic link at name was made by somebody
// whom we trust.
func trustedLink(name string, trusted owners) bool {
	fd, err := unix.Open(name, unix.O_PATH|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0)
	if err != nil {
		return false
	}
	defer unix.Close(fd)
	var st unix.Stat_t
	return unix.Fstat(fd, &st) == nil && trusted.trust(st.Uid)
}

// everybodyWrites tells whether any user can make names in a directory.
func everybodyWrites(dir string) bool {
	info, err := os.Stat(dir)
	return err == nil && info.Mode().Perm()&0o002 != 0
}

// ownerOf is the user to whom a file belongs, links followed.
func ownerOf(name string) (uid uint32, ok bool) {
	var st unix.Stat_t
	err := unix.Stat(name, &st)
	return st.Uid, err == nil
}
