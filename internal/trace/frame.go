package trace

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
)

const (
	// mark begins every trace file.
	mark = "gosentinel trace\n"

	// format is the number of the form of frames and records. 1 had a frame and
	// structs of msgpack for each record.
	format = 2

	// frameHead is length and checksum, four bytes each, little endian.
	frameHead = 8

	// maxFrame is the longest frame that is read or written, in bytes: far
	// above the state of a core with ten thousand masters.
	maxFrame = 256 << 20
)

var (
	// ErrNotTrace says that a file is not a trace.
	ErrNotTrace = errors.New("not a trace")
	// ErrFormat says that a file is a trace in a form of another version.
	ErrFormat = errors.New("a trace of another format")
	// ErrCut says that a trace ends in the middle of a record, as one does
	// whose process was killed.
	ErrCut = errors.New("the trace ends in the middle of a record")
	// ErrCorrupt says that a trace does not hold what was written to it.
	ErrCorrupt = errors.New("the trace is corrupt")
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// checksum is that of frames and of effects.
func checksum(b []byte) uint32 { return crc32.Checksum(b, castagnoli) }

// sealFrame fills the head of a frame whose first frameHead bytes were kept
// free for it.
func sealFrame(frame []byte) {
	body := frame[frameHead:]
	binary.LittleEndian.PutUint32(frame, uint32(len(body)))
	binary.LittleEndian.PutUint32(frame[4:], checksum(body))
}

// frameReader reads the frames of a file. What it holds in memory is no more
// than what the file brings.
type frameReader struct {
	r    *bufio.Reader
	body bytes.Buffer
}

// newFrameReader reads the mark.
func newFrameReader(r io.Reader) (*frameReader, error) {
	f := &frameReader{r: bufio.NewReaderSize(r, 64<<10)}
	got := make([]byte, len(mark))
	if _, err := io.ReadFull(f.r, got); err != nil || string(got) != mark {
		return nil, ErrNotTrace
	}
	return f, nil
}

// next is the body of the next frame, valid until the next call; io.EOF at the
// end of the file.
func (f *frameReader) next() ([]byte, error) {
	var head [frameHead]byte
	switch _, err := io.ReadFull(f.r, head[:]); {
	case err == io.EOF:
		return nil, io.EOF
	case errors.Is(err, io.ErrUnexpectedEOF):
		return nil, ErrCut
	case err != nil:
		return nil, fmt.Errorf("read trace: %w", err)
	}
	size := int64(binary.LittleEndian.Uint32(head[:]))
	if size > maxFrame {
		return nil, fmt.Errorf("%w: a record of %d bytes", ErrCorrupt, size)
	}
	f.body.Reset()
	switch _, err := io.CopyN(&f.body, f.r, size); {
	case err == io.EOF:
		return nil, ErrCut
	case err != nil:
		return nil, fmt.Errorf("read trace: %w", err)
	}
	if checksum(f.body.Bytes()) != binary.LittleEndian.Uint32(head[4:]) {
		return nil, fmt.Errorf("%w: wrong checksum", ErrCorrupt)
	}
	return f.body.Bytes(), nil
}
