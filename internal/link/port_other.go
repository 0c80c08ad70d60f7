//go:build !linux

package link

import "syscall"

// portAtConnect does nothing where there is no such thing.
func portAtConnect(_, _ string, _ syscall.RawConn) error { return nil }
