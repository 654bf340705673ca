package testserver

import (
	"fmt"
	"net"
	"testing"
)

// A reserved port can be listened at again and again, at one address or at all, and
// is given to nobody who asks for any: there are fewer ports than are asked for here.
func TestReservedPort(t *testing.T) {
	port := Port(t)
	address := fmt.Sprintf("127.0.0.1:%d", port)
	for _, at := range []string{address, address, fmt.Sprintf(":%d", port)} {
		if conn, err := net.Dial("tcp", address); err == nil {
			conn.Close()
			t.Fatalf("somebody listens at %s", address)
		}
		l, err := net.Listen("tcp", at)
		if err != nil {
			t.Fatalf("a server cannot listen at %s: %v", at, err)
		}
		conn, err := net.Dial("tcp", address)
		if err != nil {
			t.Errorf("a server at %s is not reached: %v", at, err)
		} else {
			conn.Close()
		}
		l.Close()
	}
	for range 40000 {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		other := l.Addr().(*net.TCPAddr).Port
		l.Close()
		if other == port {
			t.Fatalf("the reserved port %d was given to another", port)
		}
	}
	if again := Port(t); again == port {
		t.Errorf("port %d was reserved twice", port)
	}
}
