package listener

import (
	"errors"
	"net"
	"os"
	"strconv"

	"golang.org/x/sys/unix"
)

// maxUnixPath is one above the longest path of a Unix socket, in bytes.
const maxUnixPath = 108

// ListenError is why a socket cannot listen. Errno is 0 when no system call
// failed.
type ListenError struct {
	Text  string // as the log line shows it: `bind: Address already in use`
	Errno unix.Errno
}

// Error is the reason as the original words it.
func (e *ListenError) Error() string { return e.Text }

// Unwrap gives the Errno, for errors.Is.
func (e *ListenError) Unwrap() error {
	if e.Errno == 0 {
		return nil
	}
	return e.Errno
}

// Unsupported tells whether err says that the system lacks the protocol
// family of an address, which is always tolerated.
//
// Rule: C-69.
func Unsupported(err error) bool {
	for _, errno := range []unix.Errno{unix.EAFNOSUPPORT, unix.EPROTONOSUPPORT, unix.ESOCKTNOSUPPORT, unix.EPFNOSUPPORT, unix.ENOPROTOOPT} {
		if errors.Is(err, errno) {
			return true
		}
	}
	return false
}

// Listen opens a TCP socket on host (an address, a name, `*` for all of IPv4,
// `::*` for all of IPv6; an optional `-` before it is not for Listen) with
// this backlog. mark is SO_MARK, 0 for none. The error is a *ListenError.
//
// Rule: C-69, C-78.
func Listen(host string, port, backlog int, mark uint32) (net.Listener, error) {
	addrs, err := bindAddrs(host, port)
	if err != nil {
		return nil, err
	}
	var last error
	for _, addr := range addrs {
		ln, err := listenTCP(addr, backlog, mark)
		if err == nil {
			return ln, nil
		}
		last = err
	}
	return nil, last
}

// bindAddrs gives the socket addresses of a host of `bind`.
func bindAddrs(host string, port int) ([]unix.Sockaddr, error) {
	switch host {
	case "*":
		return []unix.Sockaddr{&unix.SockaddrInet4{Port: port}}, nil
	case "::*":
		return []unix.Sockaddr{&unix.SockaddrInet6{Port: port}}, nil
	}
	ips := []net.IPAddr{}
	if addr, err := net.ResolveIPAddr("ip", host); err == nil && net.ParseIP(addr.IP.String()) != nil {
		ips = append(ips, *addr)
	}
	if len(ips) == 0 {
		return nil, &ListenError{Text: "Name or service not known"}
	}
	var out []unix.Sockaddr
	for _, ip := range ips {
		if v4 := ip.IP.To4(); v4 != nil {
			out = append(out, &unix.SockaddrInet4{Port: port, Addr: [4]byte(v4)})
			continue
		}
		out = append(out, &unix.SockaddrInet6{Port: port, Addr: [16]byte(ip.IP.To16()), ZoneId: zoneID(ip.Zone)})
	}
	return out, nil
}

func zoneID(zone string) uint32 {
	if zone == "" {
		return 0
	}
	if ifi, err := net.InterfaceByName(zone); err == nil {
		return uint32(ifi.Index)
	}
	n, _ := strconv.ParseUint(zone, 10, 32)
	return uint32(n)
}

func listenTCP(addr unix.Sockaddr, backlog int, mark uint32) (net.Listener, error) {
	family := unix.AF_INET
	if _, v6 := addr.(*unix.SockaddrInet6); v6 {
		family = unix.AF_INET6
	}
	fd, err := unix.Socket(family, unix.SOCK_STREAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		return nil, failed("socket", err)
	}
	if mark != 0 {
		// As in the original, a mark that cannot be set is no reason to fail.
		_ = unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_MARK, int(mark))
	}
	if family == unix.AF_INET6 {
		if err := unix.SetsockoptInt(fd, unix.IPPROTO_IPV6, unix.IPV6_V6ONLY, 1); err != nil {
			unix.Close(fd)
			return nil, failed("setsockopt", err)
		}
	}
	if err := unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_REUSEADDR, 1); err != nil {
		unix.Close(fd)
		return nil, failed("setsockopt SO_REUSEADDR", err)
	}
	return listenOn(fd, addr, backlog)
}

// ListenUnix opens a Unix socket at path, which is removed first; perm is its
// mode, 0 leaves what the umask gives. The error is a *ListenError.
//
// Rule: C-72.
func ListenUnix(path string, perm uint32, backlog int) (net.Listener, error) {
	if len(path) >= maxUnixPath {
		return nil, &ListenError{Text: "unix socket path too long (" + strconv.Itoa(len(path)) + "), must be under " + strconv.Itoa(maxUnixPath)}
	}
	_ = unix.Unlink(path)
	fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		return nil, failed("socket", err)
	}
	ln, err := listenOn(fd, &unix.SockaddrUnix{Name: path}, backlog)
	if err != nil {
		return nil, err
	}
	if perm != 0 {
		_ = os.Chmod(path, os.FileMode(perm))
	}
	return ln, nil
}

// listenOn binds fd, makes it listen and hands it to the runtime.
func listenOn(fd int, addr unix.Sockaddr, backlog int) (net.Listener, error) {
	if err := unix.Bind(fd, addr); err != nil {
		unix.Close(fd)
		return nil, failed("bind", err)
	}
	if err := unix.Listen(fd, backlog); err != nil {
		unix.Close(fd)
		return nil, failed("listen", err)
	}
	f := os.NewFile(uintptr(fd), "listener")
	defer f.Close()
	ln, err := net.FileListener(f)
	if err != nil {
		return nil, &ListenError{Text: err.Error()}
	}
	return ln, nil
}

// failed words the failure of a system call as the C library does.
func failed(call string, err error) error {
	var errno unix.Errno
	if !errors.As(err, &errno) {
		return &ListenError{Text: call + ": " + err.Error()}
	}
	return &ListenError{Text: call + ": " + errnoText(errno), Errno: errno}
}

// errnoText is what strerror(3) says; Go's texts begin with a small letter.
func errnoText(errno unix.Errno) string {
	s := errno.Error()
	if s != "" && 'a' <= s[0] && s[0] <= 'z' {
		return string(s[0]-'a'+'A') + s[1:]
	}
	return s
}
