package link

import "syscall"

// portAtConnect leaves the choice of our own port to connect: with thousands of
// connections from one source address, bind searches long for a port that
// nobody has, and there are fewer of them than connections.
func portAtConnect(_, _ string, c syscall.RawConn) error {
	const bindAddressNoPort = 24 // IP_BIND_ADDRESS_NO_PORT
	return c.Control(func(fd uintptr) {
		_ = syscall.SetsockoptInt(int(fd), syscall.IPPROTO_IP, bindAddressNoPort, 1) // an old kernel does without
	})
}
