package daemon

import (
	"bytes"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"syscall"
)

const (
	// pathLimit is PATH_MAX, the closing NUL included.
	pathLimit = 4096

	// tmpTries is how many random names are tried for a temporary file.
	tmpTries = 100

	widestMode = 0o644
)

// saver writes config files so that a crash leaves the old one or the new one.
// It belongs to one goroutine.
type saver struct {
	disk  disk
	log   *slog.Logger
	umask fs.FileMode

	inPlace string // the last reason for writing in place, so that each is told once
	ignored string // the last reason for not using a copy, likewise
}

// errReadOnlyDir says that no file can be made in the directory.
var errReadOnlyDir = errors.New("read-only directory")

// read gives what a rewrite starts from: the file on disk now, or the copy of
// it if writing in place did not end well. A missing file is nil.
//
// Rule: C-92, R-5.
func (s *saver) read(path string) ([]byte, error) {
	if data, ok := s.unfinished(path); ok {
		return data, nil
	}
	data, err := s.disk.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	return data, err
}

// save replaces the file by one that holds data, durably, and logs what goes
// wrong but for the last line of C-109.
//
// Rule: C-106, C-109, R-4, R-5.
func (s *saver) save(path string, data []byte) error {
	if len(path)+len(".XXXXXX") >= pathLimit {
		s.log.Warn("Config file full path is too long")
		return syscall.ENAMETOOLONG
	}
	tmp, err := s.stage(path, data)
	if errors.Is(err, errReadOnlyDir) {
		if f, openErr := s.disk.Open(path, os.O_WRONLY, 0); openErr == nil {
			s.tellInPlace(path, err)
			// A crash in the midst of the overwrite must not bring back the copy of an older write.
			if _, err := s.dropCopy(path); err != nil {
				f.Close()
				return err
			}
			return s.overwrite(f, data)
		}
		s.log.Warn("Could not create tmp config file (" + errnoText(err) + ")")
	}
	if err != nil {
		return err
	}
	err = s.disk.Rename(tmp, path)
	switch {
	case errors.Is(err, syscall.EBUSY), errors.Is(err, syscall.EXDEV):
		s.tellInPlace(path, err)
		return s.replaceContent(path, tmp, data)
	case err != nil:
		s.log.Warn("Could not rename tmp config file (" + errnoText(err) + ")")
		s.remove(tmp)
		return err
	}
	// Before the copy goes: else a crash could leave the torn file that it is for, and no copy.
	if err := s.syncDir(path); err != nil {
		return err
	}
	// A copy of an earlier write in place is older now.
	dropped, err := s.dropCopy(path)
	if dropped && err == nil {
		err = s.syncDir(path)
	}
	return err
}

// stage makes a temporary file beside path that holds data, synced and with the
// mode that the new file is to have. An error that is errReadOnlyDir is not
// logged yet.
func (s *saver) stage(path string, data []byte) (tmp string, err error) {
	tmp, f, err := s.createTemp(path)
	switch {
	case errors.Is(err, syscall.EACCES), errors.Is(err, syscall.EPERM), errors.Is(err, syscall.EROFS):
		return "", fmt.Errorf("%w: %w", errReadOnlyDir, err)
	case err != nil:
		s.log.Warn("Could not create tmp config file (" + errnoText(err) + ")")
		return "", err
	}
	if err := s.fill(f, path, data); err != nil {
		f.Close()
		s.remove(tmp)
		return "", err
	}
	if err := f.Close(); err != nil {
		s.log.Warn("Could not sync tmp config file to disk (" + errnoText(err) + ")")
		s.remove(tmp)
		return "", err
	}
	return tmp, nil
}

// createTemp opens a new file whose name is path and six characters.
func (s *saver) createTemp(path string) (name string, f diskFile, err error) {
	for range tmpTries {
		name = path + "." + rand.Text()[:6]
		// Passwords will be in it: nobody else may open it before it has its mode.
		f, err = s.disk.Open(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
		if !errors.Is(err, fs.ErrExist) {
			break
		}
	}
	return name, f, err
}

// fill writes data to a new file and makes it durable.
func (s *saver) fill(f diskFile, path string, data []byte) error {
	if n, err := f.Write(data); err != nil {
		s.log.Warn(fmt.Sprintf("Failed after writing (%d) bytes to tmp config file (%s)", n, errnoText(err)))
		return err
	}
	if err := f.Sync(); err != nil {
		s.log.Warn("Could not sync tmp config file to disk (" + errnoText(err) + ")")
		return err
	}
	if err := f.Chmod(s.mode(path)); err != nil {
		s.log.Warn("Could not chmod config file (" + errnoText(err) + ")")
		return err
	}
	return nil
}

// mode is that of the new file: never wider than that of the old one.
//
// Rule: R-4.
func (s *saver) mode(path string) fs.FileMode {
	mode := widestMode &^ s.umask
	if old, err := s.disk.Mode(path); err == nil {
		mode &= old
	}
	return mode
}

// replaceContent writes data into a file that cannot be replaced. tmp, which
// holds data too, is kept beside it until that is done.
//
// Rule: R-5.
func (s *saver) replaceContent(path, tmp string, data []byte) error {
	kept, err := s.keepCopy(path, tmp, data)
	if err != nil {
		return err
	}
	f, err := s.disk.Open(path, os.O_WRONLY, 0)
	if err != nil {
		s.log.Warn("Could not open config file (" + errnoText(err) + ")")
		return err
	}
	if err := s.overwrite(f, data); err != nil || !kept {
		return err
	}
	_, err = s.dropCopy(path)
	return err
}

// overwrite gives an open file a new content, durably, and closes it.
func (s *saver) overwrite(f diskFile, data []byte) error {
	n, err := f.Write(data)
	if err == nil {
		// Not cut before it is written: a crash leaves each sector as it was or as it will be, by
		// which recovery knows the file.
		err = f.Truncate(int64(len(data)))
	}
	if err == nil {
		err = f.Sync()
	}
	if closeErr := f.Close(); err == nil {
		err = closeErr
	}
	if err != nil {
		s.log.Warn(fmt.Sprintf("Failed after writing (%d) bytes to config file (%s)", n, errnoText(err)))
	}
	return err
}

func (s *saver) syncDir(path string) error {
	err := s.disk.SyncDir(filepath.Dir(path))
	if err != nil {
		s.log.Warn("Could not sync config file dir (" + errnoText(err) + ")")
	}
	return err
}

// remove deletes a temporary file; if that fails it stays.
func (s *saver) remove(tmp string) { _ = s.disk.Remove(tmp) }

// tellInPlace logs, once for each reason, that a file is not replaced.
func (s *saver) tellInPlace(path string, reason error) {
	text := errnoText(reason)
	if s.inPlace == text {
		return
	}
	s.inPlace = text
	s.log.Info("Config file " + path + " cannot be replaced (" + text + "), it is written in place from now on")
}

// probe finds out whether a save would succeed, without changing the file.
//
// Rule: E-45.
func (s *saver) probe(path string) error {
	data, err := s.read(path)
	if err != nil {
		return err
	}
	tmp, err := s.stage(path, data)
	if errors.Is(err, errReadOnlyDir) {
		// As save does it: a file that can be opened can be written in place.
		f, openErr := s.disk.Open(path, os.O_WRONLY, 0)
		if openErr == nil {
			return f.Close()
		}
		s.log.Warn("Could not create tmp config file (" + errnoText(err) + ")")
	}
	if err != nil {
		return err
	}
	return s.disk.Remove(tmp)
}

// recoverFile repairs a config file that a crash left half written; it is
// called at start, before the file is read, for the main file and for the state
// file. A file that needs no repair is not touched.
func recoverFile(path string, trusted owners, log *slog.Logger) error {
	return (&saver{disk: osDisk{trusted}, log: log}).recover(path)
}

// recover is recoverFile on any disk.
func (s *saver) recover(path string) error {
	data, ok := s.unfinished(path)
	if !ok {
		return nil
	}
	now, err := s.disk.ReadFile(path)
	if err == nil && bytes.Equal(now, data) {
		_, _ = s.dropCopy(path) // one that stays says what the file says; the next save tries again
		return nil
	}
	flag := os.O_WRONLY
	if errors.Is(err, fs.ErrNotExist) {
		// What somebody else puts there at this moment is not written into.
		flag |= os.O_CREATE | os.O_EXCL
	} else if err != nil {
		return err
	}
	mode, err := s.disk.Mode(path + copySuffix)
	if err != nil {
		return err
	}
	f, err := s.disk.Open(path, flag, mode)
	if err == nil {
		err = s.overwrite(f, data)
	}
	if err != nil {
		return fmt.Errorf("restore %s from its copy: %w", path, err)
	}
	s.log.Warn("Config file " + path + " was left half written, it is restored from its copy")
	_, _ = s.dropCopy(path)
	return nil
}
