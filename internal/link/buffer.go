package link

import "sync"

// What buffers of all links are made of, so that idle links have none: an INFO
// reply of usual size, and what a link is sent at once.
var (
	inBlocks  = newBlocks(16 << 10)
	outBlocks = newBlocks(1 << 10)
)

// blocks is a pool of blocks of one size.
type blocks struct {
	pool sync.Pool
	size int
}

// block is memory that is used again.
type block struct {
	data []byte // empty, with its capacity
	home *blocks
}

func newBlocks(size int) *blocks {
	bs := &blocks{size: size}
	bs.pool.New = func() any { return &block{make([]byte, 0, size), bs} }
	return bs
}

// buffer is a byte slice that starts in a block and gives it back when it is
// empty. The zero buffer is empty.
type buffer struct {
	b     []byte
	block *block // what b lies in, or lay in before it grew
}

// take makes sure that there is a slice to append to.
func (b *buffer) take(from *blocks) {
	if b.b == nil {
		b.block = from.pool.Get().(*block)
		b.b = b.block.data
	}
}

// skip removes the first n bytes and, if none are left, gives the memory back.
func (b *buffer) skip(n int) {
	if n < len(b.b) {
		b.b = b.b[:copy(b.b, b.b[n:])]
		return
	}
	if b.block != nil {
		b.block.home.pool.Put(b.block)
	}
	*b = buffer{}
}

// ring is a queue of tags that reuses its memory. The zero ring is empty.
type ring struct {
	tags    []uint64 // its length is a power of two
	head, n int
}

func (r *ring) push(tag uint64) {
	if r.n == len(r.tags) {
		bigger := make([]uint64, max(8, 2*len(r.tags)))
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
