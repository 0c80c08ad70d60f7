package daemon

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

// otherUser is a user who is neither us nor root.
const otherUser = 65534

// plant makes the copy of path as a write in place leaves it.
func plant(t *testing.T, path, data string) {
	t.Helper()
	inode, err := osDisk{}.Inode(path)
	if !errors.Is(err, os.ErrNotExist) {
		require.NoError(t, err)
	}
	old, _ := os.ReadFile(path)
	require.NoError(t, os.WriteFile(path+copySuffix, sealed([]byte(data), old, inode), 0o600))
}

// inTime fails the test instead of waiting for ever at a pipe.
func inTime(t *testing.T, f func()) {
	t.Helper()
	done := make(chan struct{})
	go func() { defer close(done); f() }()
	select {
	case <-done:
	case <-time.After(20 * time.Second):
		require.FailNow(t, "it waits for ever")
	}
}

const evil = "sentinel notification-script m /tmp/evil\n"

// planted are copies that are not to be believed, and what the log says of each.
var planted = []struct {
	name string
	why  string
	root bool // only root can set this up
	make func(t *testing.T, path, cp string)
}{
	{"link", "it is a link", false, func(t *testing.T, path, cp string) {
		plant(t, path, evil)
		require.NoError(t, os.Rename(cp, path+".target"))
		require.NoError(t, os.Symlink(path+".target", cp))
	}},
	{"link to nothing", "it is a link", false, func(t *testing.T, path, cp string) {
		require.NoError(t, os.Symlink(path+".target", cp))
	}},
	{"pipe", "it is no regular file", false, func(t *testing.T, _, cp string) {
		require.NoError(t, syscall.Mkfifo(cp, 0o600))
	}},
	{"directory", "it is no regular file", false, func(t *testing.T, _, cp string) {
		require.NoError(t, os.Mkdir(cp, 0o700))
	}},
	{"second name", "it has a second name", false, func(t *testing.T, path, cp string) {
		plant(t, path, evil)
		require.NoError(t, os.Link(cp, path+".other"))
	}},
	{"others can write it", "others can write it", false, func(t *testing.T, path, cp string) {
		plant(t, path, evil)
		require.NoError(t, os.Chmod(cp, 0o602))
	}},
	{"the group can write it", "others can write it", false, func(t *testing.T, path, cp string) {
		plant(t, path, evil)
		require.NoError(t, os.Chmod(cp, 0o660))
	}},
	{"another owner", "it belongs to another user", true, func(t *testing.T, path, cp string) {
		plant(t, path, evil)
		require.NoError(t, os.Chown(cp, otherUser, otherUser))
	}},
	{"no seal", "it is not whole", false, func(t *testing.T, _, cp string) {
		require.NoError(t, os.WriteFile(cp, []byte(evil), 0o600))
	}},
	{"cut short", "it is not whole", false, func(t *testing.T, path, cp string) {
		plant(t, path, evil)
		info, err := os.Stat(cp)
		require.NoError(t, err)
		require.NoError(t, os.Truncate(cp, info.Size()-1))
	}},
	{"one byte is another", "it is not whole", false, func(t *testing.T, path, cp string) {
		plant(t, path, evil)
		data, err := os.ReadFile(cp)
		require.NoError(t, err)
		data[10] ^= 1
		require.NoError(t, os.WriteFile(cp, data, 0o600))
	}},
	{"of a file that was replaced", "the file has been replaced since", false, func(t *testing.T, path, _ string) {
		plant(t, path, evil)
		data, err := os.ReadFile(path)
		require.NoError(t, err)
		require.NoError(t, os.WriteFile(path+".new", data, 0o600))
		require.NoError(t, os.Rename(path+".new", path))
	}},
	{"lower epoch", "the file has been changed since", false, func(t *testing.T, path, _ string) {
		require.NoError(t, os.WriteFile(path, []byte(strings.Replace(twoEpochs, "7", "5", 1)), 0o600))
		plant(t, path, strings.Replace(twoEpochs, "7", "6", 1)+evil)
		require.NoError(t, os.WriteFile(path, []byte(twoEpochs), 0o600))
	}},
}

// A copy is restored only if nobody else can have made it and it is whole; the
// file that stands behind a link is not touched either.
//
// Rule.
func TestPlantedCopyIsNotRestored(t *testing.T) {
	for _, tc := range planted {
		t.Run(tc.name, func(t *testing.T) {
			if tc.root && os.Geteuid() != 0 {
				t.Skip("only root can give files away")
			}
			path := filepath.Join(t.TempDir(), "s.conf")
			require.NoError(t, os.WriteFile(path, []byte(twoEpochs), 0o600))
			tc.make(t, path, path+copySuffix)
			s, log := newSaver(osDisk{})
			inTime(t, func() {
				data, err := s.read(path)
				require.NoError(t, err)
				require.Equal(t, twoEpochs, string(data))
				require.NoError(t, s.recover(path))
			})
			require.Equal(t, twoEpochs, readFile(t, path))
			require.Equal(t, []string{"# " + path + copySuffix + " is ignored: " + tc.why}, log.take())

			// Nor does it keep the next save from anything, or survive it as a
			// copy that counts.
			inTime(t, func() { require.NoError(t, s.save(path, []byte("new\n"))) })
			require.Equal(t, "new\n", readFile(t, path))
			require.NoError(t, s.recover(path))
			require.Equal(t, "new\n", readFile(t, path))
		})
	}
}

const twoEpochs = "sentinel config-epoch m 7\nsentinel current-epoch 9\n"

// Nothing is written through a link that stands where the copy belongs, when
// it cannot be removed: in a directory where we may make no names.
//
// Rule: R-26.
func TestCopyIsNotClearedThroughALink(t *testing.T) {
	for _, hard := range []bool{false, true} {
		dir := t.TempDir()
		path, victim := filepath.Join(dir, "s.conf"), filepath.Join(dir, "victim")
		require.NoError(t, os.WriteFile(path, []byte("old\n"), 0o600))
		require.NoError(t, os.WriteFile(victim, []byte("precious\n"), 0o600))
		if hard {
			require.NoError(t, os.Link(victim, path+copySuffix))
		} else {
			require.NoError(t, os.Symlink(victim, path+copySuffix))
		}
		s, _ := newSaver(readOnlyDir{osDisk{}})
		require.NoError(t, s.save(path, []byte("new\n")))
		require.Equal(t, "new\n", readFile(t, path))
		require.Equal(t, "precious\n", readFile(t, victim))
	}
}

// readOnlyDir is a disk on which no name can be made or removed.
type readOnlyDir struct{ disk }

func (d readOnlyDir) Open(name string, flag int, perm os.FileMode) (diskFile, error) {
	if flag&os.O_EXCL != 0 {
		return nil, &os.PathError{Op: "open", Path: name, Err: syscall.EACCES}
	}
	return d.disk.Open(name, flag, perm)
}

func (readOnlyDir) Remove(name string) error {
	return &os.PathError{Op: "remove", Path: name, Err: syscall.EACCES}
}

// Where the name of the copy is somebody else's, a write in place goes without.
//
// Rule.
func TestForeignCopyStopsNoWriteInPlace(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s.conf")
	require.NoError(t, os.WriteFile(path, []byte("old\n"), 0o600))
	require.NoError(t, os.Mkdir(path+copySuffix, 0o700)) // it cannot be renamed over
	s, log := newSaver(bindMounted{osDisk{}, path})
	require.NoError(t, s.save(path, []byte("new\n")))
	require.Equal(t, "new\n", readFile(t, path))
	require.Contains(t, log.take(), "# "+path+copySuffix+" is ignored: it is no regular file")
	entries, err := os.ReadDir(filepath.Dir(path))
	require.NoError(t, err)
	require.Len(t, entries, 2, "no temporary file stays")
}

// bindMounted is a disk on which path cannot be replaced.
type bindMounted struct {
	disk
	path string
}

func (d bindMounted) Rename(from, to string) error {
	if to == d.path {
		return &os.PathError{Op: "rename", Path: to, Err: syscall.EBUSY}
	}
	return d.disk.Rename(from, to)
}

// After a write in place that failed, the file can be replaced again: whatever
// a crash interrupts then, the copy does not come back over what was saved
// later.
//
// Rule.
func TestNoCopyOutlivesASave(t *testing.T) {
	const path = "/d/s.conf"
	old, copied, later := strings.Repeat("old ", 10), strings.Repeat("copy", 9), strings.Repeat("new!", 7)
	crashed := errors.New("crashed")
	for _, inPlace := range []bool{false, true} { // the later save
		for _, loss := range []string{"process", "power", "power and names"} {
			for last := 0; ; last++ {
				d := newMemDisk(map[string]string{path: old})
				d.fail = func(op, name string) error {
					switch {
					case op == "rename" && name == path:
						return syscall.EBUSY
					case op == "write" && name == path:
						return syscall.ENOSPC
					}
					return nil
				}
				s, _ := newSaver(d)
				require.Error(t, s.save(path, []byte(copied)))
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
				err := s.save(path, []byte(later))
				done := calls <= last
				d.fail = nil
				if loss != "process" {
					d.powerLoss(loss == "power and names")
				}
				require.NoError(t, s.recover(path))
				at := fmt.Sprintf("in place %t, %s, after %d calls", inPlace, loss, last)
				got := d.content(path)
				require.Contains(t, []string{copied, later}, got, at)
				if err == nil {
					require.Equal(t, later, got, at)
				}
				if done {
					require.NoError(t, err)
					require.Equal(t, "(missing)", d.content(path+copySuffix), at)
					break
				}
			}
		}
	}
}

// Rule: R-5: a file that is torn is restored, wherever it is torn and however
// the epochs of its two halves read when put together; one that says anything
// else has been written since.
func TestTornFileIsNoLaterFile(t *testing.T) {
	old := "# c\nsentinel config-epoch m 9\nsentinel leader-epoch m 9\nsentinel known-replica m 1.1.1.1 1\nsentinel current-epoch 99\n"
	data := "# c\nsentinel config-epoch m 10\nsentinel leader-epoch m 10\nsentinel current-epoch 100\nsentinel known-replica m 1.1.1.1 1\nsentinel known-replica m 1.1.1.1 2\n"
	long := func(s string) string { return strings.Repeat("# "+s, 2000/len(s)) }
	for _, pair := range [][2]string{{old, data}, {data, old}, {"", data}, {data, ""}, {long(old), long(data)}, {long(data), long(old)}} {
		old, data := pair[0], pair[1]
		for at := range len(data) + 1 {
			file := []byte(old)
			file = append(file, make([]byte, max(0, at-len(old)))...)
			copy(file, data[:at])
			require.True(t, halfWritten(file, []byte(data), []byte(old)), "torn at %d: %q", at, file)
			if hole := at / sector * sector; hole >= sector { // a sector that was not written
				copy(file[hole-sector:hole], make([]byte, sector))
				copy(file[hole-sector:hole], old[min(hole-sector, len(old)):])
				require.True(t, halfWritten(file, []byte(data), []byte(old)), "torn at %d, with a hole", at)
			}
		}
	}
	for _, later := range []string{
		strings.Replace(data, "current-epoch 100", "current-epoch 101", 1),
		strings.Replace(data, "config-epoch m 10", "config-epoch m 11", 1),
		"#" + data,
		"sentinel current-epoch 18446744073709551615\n",
		data + "# c\n",
		"",
	} {
		require.False(t, halfWritten([]byte(later), []byte(data), []byte(old)), later)
	}
}

// plantedKinds make files that others can have made.
var plantedKinds = []struct {
	name string
	root bool
	make func(t *testing.T, name, victim string)
}{
	{"link", true, func(t *testing.T, name, victim string) {
		require.NoError(t, os.Symlink(victim, name))
		require.NoError(t, os.Lchown(name, otherUser, otherUser))
	}},
	{"second name", false, func(t *testing.T, name, victim string) { require.NoError(t, os.Link(victim, name)) }},
	{"pipe", false, func(t *testing.T, name, _ string) { require.NoError(t, syscall.Mkfifo(name, 0o666)) }},
	{"another owner", true, func(t *testing.T, name, _ string) {
		require.NoError(t, os.WriteFile(name, []byte("foreign\n"), 0o666))
		require.NoError(t, os.Chown(name, otherUser, otherUser))
	}},
}

// What is planted where others can make names is not read, written or waited
// for.
//
// Rule: R-26.
func TestPlantedFilesInASharedDirectory(t *testing.T) {
	uses := []struct {
		name string
		use  func(name string) bool // true: it was used
	}{
		{"pid file", func(name string) bool { return writePidFile(name, nil, slog.New(&lineLog{})) }},
		{"log file", func(name string) bool { return osHost{}.TryLog(name) == nil }},
		{"state file", func(name string) bool {
			_, err := osHost{log: slog.New(&lineLog{})}.ReadState(name)
			return err == nil
		}},
		{"rewrite", func(name string) bool {
			s, _ := newSaver(osDisk{})
			_, err := s.read(name)
			return err == nil
		}},
		{"probe", func(name string) bool {
			s, _ := newSaver(osDisk{})
			return s.probe(name) == nil
		}},
		{"write in place", func(name string) bool {
			s, _ := newSaver(readOnlyDir{osDisk{}})
			return s.save(name, []byte("x")) == nil
		}},
	}
	for _, kind := range plantedKinds {
		for _, use := range uses {
			t.Run(kind.name+"/"+use.name, func(t *testing.T) {
				if kind.root && os.Geteuid() != 0 {
					t.Skip("only root can give files away")
				}
				dir := t.TempDir()
				name, victim := filepath.Join(dir, "x"), filepath.Join(t.TempDir(), "victim")
				require.NoError(t, os.Chmod(dir, 0o777|os.ModeSticky))
				require.NoError(t, os.WriteFile(victim, []byte("precious\n"), 0o600))
				kind.make(t, name, victim)
				inTime(t, func() { require.False(t, use.use(name)) })
				require.Equal(t, "precious\n", readFile(t, victim))
				if kind.name == "another owner" {
					require.Equal(t, "foreign\n", readFile(t, name))
				}
			})
		}
	}
	t.Run("our own", func(t *testing.T) {
		for _, use := range uses {
			dir := t.TempDir()
			name := filepath.Join(dir, "x")
			require.NoError(t, os.Chmod(dir, 0o777|os.ModeSticky))
			require.NoError(t, os.WriteFile(name, nil, 0o644))
			require.True(t, use.use(name), use.name)
		}
	})
}

// Where another user's file has the name of the copy, which we may neither remove
// nor open, a save is none the less a save: beside it, and in place.
//
// Rule.
func TestASavePassesAnUnreadableCopy(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("needs root")
	}
	for _, inPlace := range []bool{false, true} {
		for _, name := range []string{"file", "directory"} {
			t.Run(fmt.Sprint(name, " in place ", inPlace), func(t *testing.T) {
				dir := t.TempDir()
				path := filepath.Join(dir, "s.conf")
				require.NoError(t, os.WriteFile(path, []byte("old\n"), 0o600))
				require.NoError(t, os.Chown(path, otherUser+1, otherUser+1))
				require.NoError(t, os.Chmod(filepath.Dir(dir), 0o755))
				require.NoError(t, os.Chmod(dir, 0o777|os.ModeSticky))
				if name == "file" {
					require.NoError(t, os.WriteFile(path+copySuffix, []byte(evil), 0o600))
				} else {
					require.NoError(t, os.MkdirAll(path+copySuffix+"/full", 0o700))
				}
				require.NoError(t, os.Chown(path+copySuffix, otherUser, otherUser))
				var d disk = osDisk{owners{otherUser + 1}}
				if inPlace {
					d = bindMounted{d, path}
				}
				s, _ := newSaver(d)
				done := make(chan error)
				go func() {
					runtime.LockOSThread() // never unlocked: the thread ends with the goroutine
					done <- errors.Join(unix.Setfsuid(otherUser+1), s.save(path, []byte("new\n")))
				}()
				require.NoError(t, <-done)
				require.Equal(t, "new\n", readFile(t, path))
			})
		}
	}
}
