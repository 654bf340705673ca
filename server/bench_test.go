package server

import (
	"net/http"
	"net/http/httptest"
	"testing"
)

// discard is a client that reads nothing.
type discard struct{ header http.Header }

func (d *discard) Header() http.Header         { return d.header }
func (d *discard) Write(p []byte) (int, error) { return len(p), nil }
func (d *discard) WriteHeader(int)             {}

// hitSite is a server that has /h/photo.jpg?w=90 in memory, and the request.
func hitSite(tb testing.TB) (*Server, *http.Request) {
	tb.Helper()
	s, err := New(&Config{Handlers: []HandlerConfig{{Prefix: "h", Bucket: bucket(tb), Cache: CacheConfig{MemoryMB: 8}}}}, Options{})
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = s.Close() }) // nothing is on its way
	r := httptest.NewRequest("GET", "/h/photo.jpg?w=90&h=60", nil)
	s.ServeHTTP(httptest.NewRecorder(), r)
	return s, r
}

func BenchmarkHit(b *testing.B) {
	s, r := hitSite(b)
	w := &discard{http.Header{}}
	b.ReportAllocs()
	for b.Loop() {
		clear(w.header)
		s.ServeHTTP(w, r)
	}
}
