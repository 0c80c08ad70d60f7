package daemon

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strconv"
)

const (
	// copySuffix names the complete copy beside a file that is written in
	// place. No administrator gives a backup this name.
	copySuffix = ".gosentinel-copy"

	// copySeal begins the last line of a copy: the inode of the file that is
	// written in place, how long its new content is, which stands first, and the
	// checksum of all before it. Between the two stands the old content.
	copySeal = "#gosentinel-copy "
)

// sealed is the content of a copy: data is going to be written over old in the
// file with this inode.
func sealed(data, old []byte, inode uint64) []byte {
	text := append(bytes.Clone(data), old...)
	text = fmt.Appendf(text, "%s%d %d ", copySeal, inode, len(data))
	sum := sha256.Sum256(text)
	return append(text, hex.EncodeToString(sum[:])+"\n"...)
}

// unsealed reads a copy; ok is false if it is not whole.
func unsealed(text []byte) (data, old []byte, inode uint64, ok bool) {
	at := bytes.LastIndex(text, []byte(copySeal))
	if at < 0 {
		return nil, nil, 0, false
	}
	words := bytes.Fields(text[at+len(copySeal):])
	if len(words) != 3 {
		return nil, nil, 0, false
	}
	inode, err := strconv.ParseUint(string(words[0]), 10, 64)
	size, sizeErr := strconv.Atoi(string(words[1]))
	if err != nil || sizeErr != nil || size < 0 || size > at {
		return nil, nil, 0, false
	}
	data, old = text[:size], text[size:at]
	return data, old, inode, bytes.Equal(sealed(data, old, inode), text)
}

// unfinished gives the content of the copy beside path if a write in place did
// not come to its end, so that the copy is what the file should hold. A copy is
// none that others can have made or that is not whole. One that is older than
// the file is removed: the file has been replaced by another since, or holds
// what no write of this copy can have left there, which may be a later epoch.
//
// Rule.
func (s *saver) unfinished(path string) (data []byte, ok bool) {
	text, err := s.disk.ReadCopy(path+copySuffix, path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, false
	case isNotOurs(err):
		s.tellIgnored(path, errnoOrWhy(err))
		return nil, false
	case err != nil || len(text) == 0:
		return nil, false
	}
	data, old, inode, whole := unsealed(text)
	if !whole {
		s.tellIgnored(path, "it is not whole")
		return nil, false
	}
	is, inodeErr := s.disk.Inode(path)
	switch file, err := s.disk.ReadFile(path); {
	case isNotOurs(err): // nor is then a copy of its owner
		s.tellIgnored(path, errnoOrWhy(err))
		return nil, false
	case err == nil && !halfWritten(file, data, old):
		return s.older(path, "the file has been changed since")
	case inodeErr == nil && is != inode && err == nil && !bytes.Equal(file, old) && !bytes.Equal(file, data):
		// The two were moved together, with the file torn: whoever reads this has the copy still.
		s.tellIgnored(path, "the file has been replaced since, by one that is half written")
		return nil, false
	case inodeErr == nil && is != inode:
		return s.older(path, "the file has been replaced since")
	}
	return data, true
}

// older does away with a copy that is older than its file.
func (s *saver) older(path, why string) ([]byte, bool) {
	s.tellIgnored(path, why)
	_, _ = s.dropCopy(path) // what cannot be removed is found to be older again
	return nil, false
}

// errnoOrWhy is the reason for which a file is not ours, or the text of the
// errno.
func errnoOrWhy(err error) string {
	var foreign notOurs
	if errors.As(err, &foreign) {
		return foreign.why
	}
	return errnoText(err)
}

// tellIgnored logs, once for each reason, that a copy is not used.
func (s *saver) tellIgnored(path, why string) {
	if s.ignored != why {
		s.ignored = why
		s.log.Warn(path + copySuffix + " is ignored: " + why)
	}
}

// sector is the least that a disk writes whole.
const sector = 512

// halfWritten tells whether a file can be what is left of writing data over
// old: each sector begins as data and goes on as old, or is what a file that
// has grown holds before it is written.
func halfWritten(file, data, old []byte) bool {
	for at := 0; at < len(file); at += sector {
		end := min(at+sector, len(file))
		same := at
		for same < min(end, len(data)) && file[same] == data[same] {
			same++
		}
		for ; same < end; same++ {
			if same < len(old) && file[same] != old[same] || same >= len(old) && file[same] != 0 {
				return false
			}
		}
	}
	return len(file) >= min(len(data), len(old))
}

// keepCopy makes the copy of what is going to be written into path: tmp, which
// holds data, gets a seal and the name of the copy. kept is false if that name
// is somebody else's, who can take it but must not keep us from saving.
//
// Rule.
func (s *saver) keepCopy(path, tmp string, data []byte) (kept bool, err error) {
	old, err := s.readSynced(path)
	inode := uint64(0)
	if err == nil {
		inode, err = s.disk.Inode(path)
	}
	if err == nil {
		err = s.append(tmp, sealed(data, old, inode)[len(data):])
	}
	if err != nil {
		s.log.Warn("Could not write the copy of the config file (" + errnoText(err) + ")")
		s.remove(tmp)
		return false, err
	}
	err = s.disk.Rename(tmp, path+copySuffix)
	if err == nil {
		return true, s.syncDir(path)
	}
	s.remove(tmp)
	if _, readErr := s.disk.ReadCopy(path+copySuffix, path); isNotOurs(readErr) {
		s.tellIgnored(path, errnoOrWhy(readErr))
		return false, nil
	}
	s.log.Warn("Could not rename tmp config file (" + errnoText(err) + ")")
	return false, err
}

// readSynced reads a file as it is on the disk: what is written over it now can
// be torn only against that.
func (s *saver) readSynced(path string) ([]byte, error) {
	f, err := s.disk.Open(path, os.O_WRONLY, 0)
	if err != nil {
		return nil, err
	}
	if err := errors.Join(f.Sync(), f.Close()); err != nil {
		return nil, err
	}
	return s.disk.ReadFile(path)
}

func isNotOurs(err error) bool {
	var foreign notOurs
	return errors.As(err, &foreign)
}

// append adds to a file that we have just made, durably.
func (s *saver) append(name string, data []byte) error {
	f, err := s.disk.Open(name, os.O_WRONLY|os.O_APPEND, 0)
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	if err == nil {
		err = f.Sync()
	}
	return errors.Join(err, f.Close())
}

// dropCopy sees to it that no copy is taken for newer than the file, and tells
// whether there was one. An empty copy is none, nor is one that is not ours.
func (s *saver) dropCopy(path string) (dropped bool, err error) {
	err = s.disk.Remove(path + copySuffix)
	switch {
	case err == nil:
		return true, nil
	case errors.Is(err, fs.ErrNotExist):
		return false, nil
	}
	clearErr := s.disk.ClearCopy(path+copySuffix, path)
	switch {
	case clearErr == nil:
		return true, nil
	case isNotOurs(clearErr), errors.Is(clearErr, fs.ErrNotExist):
		return false, nil
	}
	s.log.Warn("Could not remove " + path + copySuffix + " (" + errnoText(err) + ")")
	return false, fmt.Errorf("remove the copy: %w", err)
}
