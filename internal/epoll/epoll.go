package epoll

import (
	"os"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Poll watches descriptors. Wait, Each and Take belong to one goroutine; Add and
// Close may be called from any.
type Poll struct {
	file    *os.File // the runtime waits for it as for a socket
	raw     syscall.RawConn
	tryTake func(fd uintptr) bool
	events  []unix.EpollEvent
	n       int // of events, that are valid
}

// Open makes a Poll that watches nothing and tells of so many descriptors at a
// time. The error names the system call that failed.
func Open(events int) (*Poll, error) {
	fd, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return nil, os.NewSyscallError("epoll_create1", err)
	}
	if err := unix.SetNonblock(fd, true); err != nil { // else the runtime would not wait for it
		unix.Close(fd)
		return nil, os.NewSyscallError("fcntl", err)
	}
	p := &Poll{file: os.NewFile(uintptr(fd), "epoll"), events: make([]unix.EpollEvent, events)}
	p.tryTake = func(fd uintptr) bool {
		p.n = take(fd, p.events)
		return p.n > 0
	}
	if p.raw, err = p.file.SyscallConn(); err != nil {
		p.file.Close()
		return nil, err
	}
	return p, nil
}

// Add watches fd for what mask says, once for each change. Its events carry
// tag. A descriptor that is closed is watched no more.
func (p *Poll) Add(fd int, mask uint32, tag uint64) error {
	ev := unix.EpollEvent{Events: mask | unix.EPOLLET, Fd: int32(uint32(tag)), Pad: int32(uint32(tag >> 32))}
	var failed error
	err := p.raw.Control(func(poll uintptr) {
		failed = os.NewSyscallError("epoll_ctl", unix.EpollCtl(int(poll), unix.EPOLL_CTL_ADD, fd, &ev))
	})
	if err == nil {
		err = failed
	}
	return err
}

// Tag is what Add was given for the descriptor of ev.
func Tag(ev *unix.EpollEvent) uint64 {
	return uint64(uint32(ev.Fd)) | uint64(uint32(ev.Pad))<<32
}

// Wait waits until there are events; they are valid until the next call. The
// error says that the Poll is closed.
func (p *Poll) Wait() ([]unix.EpollEvent, error) {
	if err := p.raw.Read(p.tryTake); err != nil {
		return nil, err
	}
	return p.events[:p.n], nil
}

// Each waits for events again and again, and calls f with them; they are valid
// until it returns. The error says that the Poll is closed. It is Wait with fewer
// system calls: the runtime remembers what happens meanwhile, so that nobody has
// to look again before each wait.
func (p *Poll) Each(f func([]unix.EpollEvent)) error {
	return p.raw.Read(func(fd uintptr) bool {
		for n := len(p.events); n == len(p.events); { // or there may be more that will not be told again
			n = take(fd, p.events)
			f(p.events[:n])
		}
		return false
	})
}

// Take is Wait that does not wait. It must not come after Close.
func (p *Poll) Take() []unix.EpollEvent {
	p.n = 0
	_ = p.raw.Control(func(fd uintptr) { p.n = take(fd, p.events) })
	return p.events[:p.n]
}

// Close ends a Wait, and the Poll.
func (p *Poll) Close() error { return p.file.Close() }

func take(poll uintptr, events []unix.EpollEvent) int {
	n, _, errno := unix.RawSyscall6(unix.SYS_EPOLL_PWAIT, poll, uintptr(unsafe.Pointer(unsafe.SliceData(events))), uintptr(len(events)), 0, 0, 0)
	if errno != 0 {
		return 0
	}
	return int(n)
}

// Read reads what is there of a socket that does not block. The Errno is 0, or
// why nothing was read; EAGAIN says that nothing is there.
func Read(socket uintptr, b []byte) (int, unix.Errno) { return call(unix.SYS_RECVFROM, socket, b, 0) }

// Write writes as much as there is room for. The Errno is 0, or why nothing was
// written; EAGAIN says that there is no room.
func Write(socket uintptr, b []byte) (int, unix.Errno) {
	return call(unix.SYS_SENDTO, socket, b, unix.MSG_NOSIGNAL)
}

// call makes a system call of sockets, which is shorter than that of files.
func call(number, socket uintptr, b []byte, flags uintptr) (int, unix.Errno) {
	for {
		n, _, errno := unix.RawSyscall6(number, socket, uintptr(unsafe.Pointer(unsafe.SliceData(b))), uintptr(len(b)), flags, 0, 0)
		switch errno {
		case 0:
			return int(n), 0
		case unix.EINTR:
		default:
			return 0, errno
		}
	}
}
