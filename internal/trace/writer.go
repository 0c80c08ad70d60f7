package trace

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"sync"
	"syscall"
	"time"
)

const (
	// queueLimit is how many bytes may wait to be written: some seconds of a
	// Sentinel with thousands of masters.
	queueLimit = 16 << 20
	// retryAfter is how long after a failed write the next file is tried.
	retryAfter = 10 * time.Second
	// closeTime bounds how long the end waits for the disk.
	closeTime = 2 * time.Second
)

// chunk is bytes to write, at the head of a new file or not.
type chunk struct {
	begin bool
	data  []byte
}

// writer writes a trace in the background.
type writer struct {
	path string
	log  func(string)

	mu     sync.Mutex
	queue  []chunk
	waits  int       // bytes in queue and being written
	broken bool      // nothing is taken until the next begin
	told   bool      // … and the operator knows
	retry  time.Time // no begin before
	closed bool

	wake   chan struct{}
	urgent chan struct{} // closed by close
	done   chan struct{}
	file   *os.File // the goroutine's
}

func newWriter(path string, log func(string)) *writer {
	if log == nil {
		log = func(string) {}
	}
	w := &writer{
		path: path, log: log,
		wake: make(chan struct{}, 1), urgent: make(chan struct{}), done: make(chan struct{}),
	}
	go w.run()
	return w
}

// put queues a frame; false if that is not possible, and all is lost until
// the next begin.
func (w *writer) put(frame []byte) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.broken || w.closed {
		return false
	}
	if w.waits+len(frame) > queueLimit {
		w.fail(errors.New("the disk is too slow"))
		return false
	}
	if len(w.queue) == 0 {
		w.queue = append(w.queue, chunk{})
	}
	last := &w.queue[len(w.queue)-1]
	last.data = append(last.data, frame...)
	w.waits += len(frame)
	w.ring()
	return true
}

// begin queues the header of a new file.
func (w *writer) begin(frame []byte) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.closed {
		return
	}
	w.broken = false
	data := append([]byte(mark), frame...)
	w.queue = append(w.queue, chunk{true, data})
	w.waits += len(data)
	w.ring()
}

// ready reports whether a new file may begin: not while much is waiting.
func (w *writer) ready() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return !w.closed && w.waits <= queueLimit/4 && (w.retry.IsZero() || time.Now().After(w.retry))
}

// give stops the recording for good.
func (w *writer) give(err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.fail(err)
	w.retry = time.Now().Add(100 * 365 * 24 * time.Hour)
}

// fail drops everything. The caller holds mu.
func (w *writer) fail(err error) {
	w.broken = true
	for _, c := range w.queue {
		w.waits -= len(c.data)
	}
	w.queue = nil
	w.retry = time.Now().Add(retryAfter)
	if !w.told {
		w.told = true
		w.log(fmt.Sprintf("The recording of %s is interrupted: %s", w.path, err))
	}
}

// ring wakes the goroutine. The caller holds mu.
func (w *writer) ring() {
	select {
	case w.wake <- struct{}{}:
	default:
	}
}

// close lets the goroutine write what waits, and waits for it.
func (w *writer) close() {
	w.mu.Lock()
	if !w.closed {
		w.closed = true
		close(w.urgent)
	}
	w.mu.Unlock()
	select {
	case <-w.done:
	case <-time.After(closeTime):
	}
}

func (w *writer) run() {
	defer close(w.done)
	for closing := false; !closing; {
		select {
		case <-w.wake:
		case <-w.urgent:
			closing = true
		}
		w.flush()
	}
	if w.file != nil {
		_ = w.file.Close()
	}
}

// flush writes all that waits.
func (w *writer) flush() {
	w.mu.Lock()
	chunks := w.queue
	w.queue = nil
	w.mu.Unlock()
	size := 0
	var err error
	for _, c := range chunks {
		size += len(c.data)
		if err == nil {
			err = w.write(c)
		}
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.waits -= size
	switch {
	case err != nil:
		w.fail(err)
	case w.told && len(chunks) > 0 && !w.broken:
		w.told = false
		w.log(fmt.Sprintf("The recording of %s goes on", w.path))
	}
}

func (w *writer) write(c chunk) error {
	if c.begin {
		if err := w.rotate(); err != nil {
			return err
		}
	}
	if w.file == nil {
		return nil // what is left of a file that could not be written
	}
	_, err := w.file.Write(c.data)
	if err != nil {
		_ = w.file.Close()
		w.file = nil
	}
	return err
}

// rotate makes path.1 of what is at path, and begins anew. It touches no file
// that is not a trace.
func (w *writer) rotate() error {
	if w.file != nil {
		_ = w.file.Close()
		w.file = nil
	}
	for _, path := range []string{w.path, w.path + ".1"} {
		if err := replaceable(path); err != nil {
			return err
		}
	}
	if err := os.Rename(w.path, w.path+".1"); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	f, err := os.OpenFile(w.path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	w.file = f
	if err != nil {
		w.file = nil
	}
	return err
}

// replaceable reports by nil that there is no file at path, an empty one or a
// trace.
func replaceable(path string) error {
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer f.Close()
	got := make([]byte, len(mark))
	n, err := io.ReadFull(f, got)
	if info, statErr := f.Stat(); statErr != nil || !info.Mode().IsRegular() || err != nil && err != io.EOF && err != io.ErrUnexpectedEOF ||
		string(got[:n]) != mark[:n] {
		return fmt.Errorf("%s is there already and is no trace", path)
	}
	return nil
}
