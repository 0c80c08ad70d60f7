package daemon

import (
	"bytes"
	"os"
	"strconv"
	"strings"
	"unsafe"
)

// titleArea is the memory that ps(1) reads our command line from: where the
// kernel put the arguments and, after them, the environment. Go has copied the
// environment; the arguments are copied when the area is taken.
type titleArea []byte

// takeTitleArea finds the area and makes os.Args independent of it. It must be
// called before anything keeps a part of os.Args. It gives nil where the memory
// is not as expected.
func takeTitleArea() titleArea {
	if len(os.Args) == 0 || os.Args[0] == "" {
		return nil
	}
	start := unsafe.StringData(os.Args[0])
	address := uintptr(unsafe.Pointer(start))
	size := 0
	for i, arg := range os.Args {
		if arg != "" && uintptr(unsafe.Pointer(unsafe.StringData(arg))) != address+uintptr(size) {
			return nil
		}
		size += len(arg) + 1
		os.Args[i] = strings.Clone(arg)
	}
	at := processAddresses()
	if at.argStart != address || at.argEnd != at.argStart+uintptr(size) {
		return nil
	}
	if at.envStart == at.argEnd && at.envEnd > at.envStart {
		size += int(at.envEnd - at.envStart)
	}
	return unsafe.Slice(start, size)
}

// addresses are those of the arguments and the environment of the process.
type addresses struct{ argStart, argEnd, envStart, envEnd uintptr }

// processAddresses asks the kernel; all are 0 if it does not say.
func processAddresses() addresses {
	data, err := os.ReadFile("/proc/self/stat")
	if err != nil {
		return addresses{}
	}
	// The second field is a name in parentheses, which may hold anything; the
	// addresses are fields 48 to 51.
	_, rest, _ := bytes.Cut(data[bytes.LastIndexByte(data, ')')+1:], []byte(" "))
	fields := strings.Fields(string(rest))
	if len(fields) < 49 {
		return addresses{}
	}
	var at [4]uintptr
	for i := range at {
		n, err := strconv.ParseUint(fields[45+i], 10, 64)
		if err != nil {
			return addresses{}
		}
		at[i] = uintptr(n)
	}
	return addresses{at[0], at[1], at[2], at[3]}
}

// set makes title what ps(1) shows, cut to the room there is.
//
// Rule: C-68.
func (a titleArea) set(title string) {
	if len(a) == 0 || title == "" {
		return
	}
	clear(a)
	copy(a[:len(a)-1], title)
}

// setCommandName makes name what the system calls the process by: the child of
// daemonize would be called exe.
func setCommandName(name string) {
	_ = os.WriteFile("/proc/self/comm", []byte(name), 0)
}
