package link

import (
	"net"
	"net/netip"
	"strconv"

	"golang.org/x/sys/unix"

	"gosentinel/internal/epoll"
)

// keepalive of outgoing connections, in seconds and tries: what the Go library
// has for those that it makes.
const (
	keepaliveIdle     = 15
	keepaliveInterval = 15
	keepaliveCount    = 9
)

// dial starts the connection; what becomes of it is told later in any case.
//
// Rule: B-112, B-123.
func (l *link) dial(o DialOptions) {
	ip, err := netip.ParseAddr(o.IP)
	if err == nil {
		err = l.set.sourceErr
	}
	switch {
	case err != nil:
		l.end(err)
	case l.set.tls != nil:
		l.dialTLS(netip.AddrPortFrom(ip, uint16(o.Port)), o.Timeout)
	default:
		if err := l.connect(netip.AddrPortFrom(ip.Unmap(), uint16(o.Port))); err != nil {
			l.end(err)
		}
	}
}

// connect makes a socket and starts to connect it.
func (l *link) connect(to netip.AddrPort) error {
	family := unix.AF_INET
	if to.Addr().Is6() {
		family = unix.AF_INET6
	}
	fd, err := unix.Socket(family, unix.SOCK_STREAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return err
	}
	// Before anything can fail: the link's end is what closes it.
	l.own(fd)
	if l.set.fileLimit != nil {
		if limit := l.set.fileLimit(); limit > 0 && fd >= limit-spareFiles {
			return unix.EMFILE // the kernel gives out the smallest: there are no others
		}
	}
	for _, o := range []struct{ level, name, value int }{
		{unix.IPPROTO_TCP, unix.TCP_NODELAY, 1},
		{unix.SOL_SOCKET, unix.SO_KEEPALIVE, 1},
		{unix.IPPROTO_TCP, unix.TCP_KEEPIDLE, keepaliveIdle},
		{unix.IPPROTO_TCP, unix.TCP_KEEPINTVL, keepaliveInterval},
		{unix.IPPROTO_TCP, unix.TCP_KEEPCNT, keepaliveCount},
	} {
		_ = unix.SetsockoptInt(fd, o.level, o.name, o.value) // a system that has it not does without
	}
	if l.set.source.IsValid() {
		// The choice of our own port is left to connect: with thousands of
		// connections from one address, bind searches long for a port that
		// nobody has, and there are fewer of them than connections.
		_ = unix.SetsockoptInt(fd, unix.IPPROTO_IP, unix.IP_BIND_ADDRESS_NO_PORT, 1)
		if err := unix.Bind(fd, sockaddr(l.set.source)); err != nil {
			return err
		}
	}
	if err := l.set.poller.poll.Add(fd, watchFor, l.tag(fd)); err != nil {
		return err
	}
	err = unix.Connect(fd, sockaddr(to))
	if err == unix.EINPROGRESS || err == unix.EINTR {
		return nil
	}
	return err
}

// tag is what the events of the socket carry: its descriptor, and a number by
// which those of a former owner of it are known.
func (l *link) tag(fd int) uint64 { return uint64(l.generation)<<32 | uint64(fd) }

// own takes a descriptor. It is the link's until it ends.
func (l *link) own(fd int) {
	s := l.set
	s.generation++
	l.transport, l.generation = socket(fd), s.generation
	for fd >= len(s.sockets) {
		s.sockets = append(s.sockets, nil)
	}
	s.sockets[fd] = l
}

// sockaddr is an address as system calls take it.
func sockaddr(a netip.AddrPort) unix.Sockaddr {
	if a.Addr().Is4() {
		return &unix.SockaddrInet4{Port: int(a.Port()), Addr: a.Addr().As4()}
	}
	return &unix.SockaddrInet6{Port: int(a.Port()), Addr: a.Addr().As16(), ZoneId: zone(a.Addr().Zone())}
}

// zone is the number of an interface that is given by name or number.
func zone(name string) uint32 {
	if name == "" {
		return 0
	}
	if i, err := net.InterfaceByName(name); err == nil {
		return uint32(i.Index)
	}
	n, _ := strconv.ParseUint(name, 10, 32)
	return uint32(n)
}

// socket is a plain TCP connection.
type socket int

func (fd socket) write(b []byte) (int, unix.Errno) { return epoll.Write(uintptr(fd), b) }
func (fd socket) closeWrite()                      { _ = unix.Shutdown(int(fd), unix.SHUT_WR) } // a failure ends the read as well
func (fd socket) close()                           { unix.Close(int(fd)) }

// connected is how the attempt to connect ended.
func (fd socket) connected() error {
	errno, err := unix.GetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_ERROR)
	if err == nil && errno != 0 {
		err = unix.Errno(errno)
	}
	return err
}

// localIP is the address of the socket's own end.
func (fd socket) localIP() string {
	var ip netip.Addr
	switch a, _ := unix.Getsockname(int(fd)); a := a.(type) {
	case *unix.SockaddrInet4:
		ip = netip.AddrFrom4(a.Addr)
	case *unix.SockaddrInet6:
		ip = netip.AddrFrom16(a.Addr).Unmap()
	default:
		return ""
	}
	return ip.String()
}
