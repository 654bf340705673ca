//go:build !race

package server

import (
	"net/http"
	"testing"
)

// Under the race detector pools forget what they hold, at random: there is
// nothing to count.

// A hit allocates little: the exchange, its number, its contexts, half of its key.
func TestHitAllocatesLittle(t *testing.T) {
	s, r := hitSite(t)
	w := &discard{http.Header{}}
	const most = 12
	if n := testing.AllocsPerRun(100, func() {
		clear(w.header)
		s.ServeHTTP(w, r)
	}); n > most {
		t.Errorf("%v allocations a hit; want at most %d", n, most)
	}
}
