package testserver

import (
	"errors"
	"os"
	"syscall"
)

// Reserve returns a free port of 127.0.0.1, at which nobody listens. A server that is
// told this port can listen there, end and listen again, but whoever asks the kernel for
// any free port is not given it before release is called.
//
// The port is bound by a socket that does not listen. Linux lets a second socket bind the
// same port if both have SO_REUSEADDR, as those of Go, nginx and MinIO have, and neither
// listens (socket(7)); it chooses none of them for others (ip(7), "ip_local_port_range").
func Reserve() (port int, release func(), err error) {
	fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		return 0, nil, os.NewSyscallError("socket", err)
	}
	release = func() { _ = syscall.Close(fd) } // nothing was written
	fail := func(call string, err error) (int, func(), error) {
		release()
		return 0, nil, os.NewSyscallError(call, err)
	}
	if err := syscall.SetsockoptInt(fd, syscall.SOL_SOCKET, syscall.SO_REUSEADDR, 1); err != nil {
		return fail("setsockopt", err)
	}
	if err := syscall.Bind(fd, &syscall.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}); err != nil {
		return fail("bind", err)
	}
	address, err := syscall.Getsockname(fd)
	if err != nil {
		return fail("getsockname", err)
	}
	local, ok := address.(*syscall.SockaddrInet4)
	if !ok {
		return fail("getsockname", errors.New("no address of IPv4"))
	}
	return local.Port, release, nil
}
