package testserver

import "testing"

// Port returns a port of 127.0.0.1 for a server that is told where to listen. Until the
// test ends nobody else is given it, as Reserve says.
func Port(t testing.TB) int {
	t.Helper()
	port, release, err := Reserve()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(release)
	return port
}
