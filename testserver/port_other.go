//go:build !linux

package testserver

import "net"

// Reserve returns a free port of 127.0.0.1, at which nobody listens. Unlike on Linux
// nothing keeps it from being given to others before a server listens there.
func Reserve() (port int, release func(), err error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, nil, err
	}
	return l.Addr().(*net.TCPAddr).Port, func() {}, l.Close()
}
