package daemon

import (
	"io/fs"
	"maps"
	"os"
	"sync"
	"syscall"
)

// memDisk is a disk that fails, and loses what was not synced, as told.
type memDisk struct {
	// fail is asked before each call; an error makes the call fail, without
	// effect but for half of a write.
	fail func(op, name string) error

	mu     sync.Mutex
	names  map[string]*memInode
	synced map[string]*memInode // the names as of the last SyncDir
	calls  []string
	made   uint64 // how many files
}

type memInode struct {
	data, synced string
	mode         fs.FileMode
	number       uint64
}

// newInode makes a file, with the next number.
func (d *memDisk) newInode(data string, mode fs.FileMode) *memInode {
	d.made++
	return &memInode{data, data, mode, d.made}
}

func newMemDisk(files map[string]string) *memDisk {
	d := &memDisk{names: map[string]*memInode{}}
	for name, data := range files {
		d.names[name] = d.newInode(data, 0o644)
	}
	d.synced = maps.Clone(d.names)
	return d
}

// failing makes one kind of call fail for good.
func failing(op string, err error) func(string, string) error {
	return func(have, _ string) error {
		if have == op {
			return err
		}
		return nil
	}
}

// failBy sets fail while the disk is in use.
func (d *memDisk) failBy(fail func(op, name string) error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.fail = fail
}

// write changes a file behind the back of who uses the disk.
func (d *memDisk) write(name, data string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.names[name].data, d.names[name].synced = data, data
}

func (d *memDisk) call(op, name string) error {
	d.mu.Lock()
	fail := d.fail
	d.mu.Unlock()
	if fail != nil {
		if err := fail(op, name); err != nil {
			return &fs.PathError{Op: op, Path: name, Err: err}
		}
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.calls = append(d.calls, op)
	return nil
}

// powerLoss leaves of the disk what a machine finds after it lost power: of
// unsynced files half of the new content, and names as of the last SyncDir if
// oldNames is set.
func (d *memDisk) powerLoss(oldNames bool) {
	if oldNames {
		d.names = maps.Clone(d.synced)
	}
	for _, f := range d.names {
		if f.data != f.synced {
			f.data = torn(f.data, f.synced)
			f.synced = f.data
		}
	}
	d.fail = nil
}

// torn is old after half of a write of data.
func torn(data, old string) string {
	half := len(data) / 2
	if len(old) > half {
		return data[:half] + old[half:]
	}
	return data[:half]
}

func (d *memDisk) content(name string) string {
	d.mu.Lock()
	defer d.mu.Unlock()
	if f := d.names[name]; f != nil {
		return f.data
	}
	return "(missing)"
}

// count is how many calls of one kind succeeded.
func (d *memDisk) count(op string) (n int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, c := range d.calls {
		if c == op {
			n++
		}
	}
	return n
}

func (d *memDisk) lookup(name string) (*memInode, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	f := d.names[name]
	if f == nil {
		return nil, &fs.PathError{Op: "open", Path: name, Err: syscall.ENOENT}
	}
	return f, nil
}

func (d *memDisk) ReadFile(name string) ([]byte, error) {
	if err := d.call("read", name); err != nil {
		return nil, err
	}
	f, err := d.lookup(name)
	if err != nil {
		return nil, err
	}
	return []byte(f.data), nil
}

func (d *memDisk) ReadCopy(name, _ string) ([]byte, error) { return d.ReadFile(name) }

func (d *memDisk) ClearCopy(name, _ string) error {
	if err := d.call("clear", name); err != nil {
		return err
	}
	f, err := d.lookup(name)
	if err != nil {
		return err
	}
	f.data, f.synced = "", ""
	return nil
}

func (d *memDisk) Inode(name string) (uint64, error) {
	f, err := d.lookup(name)
	if err != nil {
		return 0, err
	}
	return f.number, nil
}

func (d *memDisk) Mode(name string) (fs.FileMode, error) {
	f, err := d.lookup(name)
	if err != nil {
		return 0, err
	}
	return f.mode, nil
}

func (d *memDisk) Open(name string, flag int, perm fs.FileMode) (diskFile, error) {
	op := "open"
	if flag&os.O_EXCL != 0 {
		op = "create"
	}
	if err := d.call(op, name); err != nil {
		return nil, err
	}
	f, err := d.lookup(name)
	if err != nil && flag&os.O_CREATE == 0 {
		return nil, err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if f == nil {
		f = d.newInode("", perm)
		d.names[name] = f
	}
	if flag&os.O_TRUNC != 0 {
		f.data = ""
	}
	at := 0
	if flag&os.O_APPEND != 0 {
		at = len(f.data)
	}
	return &memFile{d, f, name, at}, nil
}

func (d *memDisk) Rename(from, to string) error {
	if err := d.call("rename", to); err != nil {
		return err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.names[to] = d.names[from]
	delete(d.names, from)
	return nil
}

func (d *memDisk) Remove(name string) error {
	if err := d.call("remove", name); err != nil {
		return err
	}
	if _, err := d.lookup(name); err != nil {
		return err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	delete(d.names, name)
	return nil
}

func (d *memDisk) SyncDir(name string) error {
	if err := d.call("syncdir", name); err != nil {
		return err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.synced = maps.Clone(d.names)
	return nil
}

// memFile is an open file of a memDisk.
type memFile struct {
	disk *memDisk
	node *memInode
	name string
	at   int
}

func (f *memFile) Write(p []byte) (int, error) {
	if err := f.disk.call("write", f.name); err != nil {
		f.node.data = torn(string(p), f.node.data)
		return len(p) / 2, err
	}
	f.disk.mu.Lock()
	defer f.disk.mu.Unlock()
	rest := ""
	if f.at+len(p) < len(f.node.data) {
		rest = f.node.data[f.at+len(p):]
	}
	f.node.data = f.node.data[:f.at] + string(p) + rest
	f.at += len(p)
	return len(p), nil
}

func (f *memFile) Truncate(size int64) error {
	if err := f.disk.call("truncate", f.name); err != nil {
		return err
	}
	f.disk.mu.Lock()
	defer f.disk.mu.Unlock()
	f.node.data = f.node.data[:size]
	return nil
}

func (f *memFile) Chmod(mode fs.FileMode) error {
	if err := f.disk.call("chmod", f.name); err != nil {
		return err
	}
	f.node.mode = mode
	return nil
}

func (f *memFile) Sync() error {
	if err := f.disk.call("sync", f.name); err != nil {
		return err
	}
	f.disk.mu.Lock()
	defer f.disk.mu.Unlock()
	f.node.synced = f.node.data
	return nil
}

func (f *memFile) Close() error { return f.disk.call("close", f.name) }
