package link

// outSize is what an output buffer holds at first, in bytes: all that a link is
// sent at once, but for rare cases.
const outSize = 1 << 10

// maxFree is how many buffers are kept for the next use.
const maxFree = 2 * maxDirty

// buffers keeps output buffers for those links that have something to send, so
// that the others have none.
type buffers struct{ free [][]byte }

// get gives an empty buffer.
func (b *buffers) get() []byte {
	if n := len(b.free); n > 0 {
		buf := b.free[n-1]
		b.free[n-1] = nil
		b.free = b.free[:n-1]
		return buf
	}
	return make([]byte, 0, outSize)
}

// put takes a buffer back; one that has grown is not worth keeping.
func (b *buffers) put(buf []byte) {
	if cap(buf) == outSize && len(b.free) < maxFree {
		b.free = append(b.free, buf[:0])
	}
}

// ring is a queue of tags that reuses its memory. The zero ring is empty.
type ring struct {
	tags    []uint64 // its length is a power of two
	head, n int
}

func (r *ring) push(tag uint64) {
	if r.n == len(r.tags) {
		bigger := make([]uint64, max(4, 2*len(r.tags)))
		for i := range r.n {
			bigger[i] = r.tags[(r.head+i)&(len(r.tags)-1)]
		}
		r.tags, r.head = bigger, 0
	}
	r.tags[(r.head+r.n)&(len(r.tags)-1)] = tag
	r.n++
}

func (r *ring) pop() (tag uint64, ok bool) {
	if r.n == 0 {
		return 0, false
	}
	tag = r.tags[r.head]
	r.head = (r.head + 1) & (len(r.tags) - 1)
	r.n--
	return tag, true
}
