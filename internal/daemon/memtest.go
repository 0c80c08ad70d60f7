package daemon

import (
	"fmt"
	"io"
	"unsafe"

	"golang.org/x/sys/unix"
)

// memoryPasses is how often --test-memory writes and reads all of the memory.
const memoryPasses = 8

// testMemory fills so much memory with patterns, reads it back and tells of
// the first word that changed. The status is 0 if none did.
//
// Rule: C-42.
func testMemory(megabytes int, stdout, stderr io.Writer) int {
	if megabytes == 0 {
		fmt.Fprint(stdout, memoryPassed)
		return 0
	}
	area, err := unix.Mmap(-1, 0, megabytes<<20, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_PRIVATE|unix.MAP_ANONYMOUS)
	if err != nil {
		fmt.Fprintf(stderr, "Unable to allocate %d megabytes: %s\n", megabytes, errnoText(err))
		return 1
	}
	defer func() { _ = unix.Munmap(area) }()
	words := unsafe.Slice((*uint64)(unsafe.Pointer(unsafe.SliceData(area))), len(area)/8)
	for pass := range memoryPasses {
		fmt.Fprintf(stdout, "Testing %d MB, pass %d of %d\n", megabytes, pass+1, memoryPasses)
		if i := firstBadWord(words, uint64(pass)); i >= 0 {
			fmt.Fprintf(stdout, "*** MEMORY ERROR DETECTED at offset %d ***\n", i*8)
			return 1
		}
	}
	fmt.Fprint(stdout, memoryPassed)
	return 0
}

const memoryPassed = "\nYour memory passed this test.\n"

// firstBadWord writes a pattern, then its complement, to all words and checks
// each; it gives the index of the first that did not keep its value, or -1.
func firstBadWord(words []uint64, pass uint64) int {
	for _, flip := range []uint64{0, ^uint64(0)} {
		for i := range words {
			words[i] = memoryPattern(uint64(i), pass) ^ flip
		}
		for i := range words {
			if words[i] != memoryPattern(uint64(i), pass)^flip {
				return i
			}
		}
	}
	return -1
}

// memoryPattern is the word at index i: the index itself at first, stripes,
// then well mixed bits that differ with each pass.
func memoryPattern(i, pass uint64) uint64 {
	switch pass {
	case 0:
		return i
	case 1:
		return 0x5555555555555555
	default:
		x := (i + pass<<48) * 0x9e3779b97f4a7c15
		return x ^ x>>29
	}
}
