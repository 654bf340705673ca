package server

import (
	"image"
	"image/jpeg"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"strconv"
	"sync/atomic"
	"testing"

	"s3imageserver/storage/cache"
)

// Sources that are decoded while they come: what breaks off is read on, what does
// not come to its end gives no picture and is kept nowhere, and what is kept is the
// whole file.
func TestSourcesOnTheWay(t *testing.T) {
	file := encodeWith(t, func(b io.Writer) error {
		m := image.NewGray(image.Rect(0, 0, 1600, 1200))
		rng := rand.New(rand.NewPCG(1, 2))
		for i := range m.Pix {
			m.Pix[i] = byte(rng.Uint32())
		}
		return jpeg.Encode(b, m, nil)
	})
	if len(file) < 600<<10 {
		t.Fatalf("a file of %d bytes is no stream", len(file))
	}
	var cuts, asked atomic.Int32 // how many answers break off
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked.Add(1)
		w.Header().Set("ETag", `"1"`)
		w.Header().Set("Content-Length", strconv.Itoa(len(file)))
		if cuts.Add(-1) < 0 {
			_, _ = w.Write(file)
			return
		}
		_, _ = w.Write(file[:len(file)-1000])
		panic(http.ErrAbortHandler)
	}))
	t.Cleanup(web.Close)
	folder := t.TempDir()
	s := newSite(t, nil, Options{}, HandlerConfig{
		Sources:   []SourceEntry{{SourceConfig: SourceConfig{URL: web.URL, Networks: []string{"127.0.0.1"}}}},
		CachePath: folder, Cache: CacheConfig{OriginalsMB: 100},
	})
	for _, tt := range []struct {
		target string
		cuts   int32
		status int
		asked  int32
	}{
		{"/h/never.jpg?w=100", 99, http.StatusBadGateway, 2},
		{"/h/second.jpg?w=100", 1, http.StatusOK, 2},
		{"/h/first.jpg?w=100", 0, http.StatusOK, 1},
		{"/h/first.jpg?w=90", 99, http.StatusOK, 0}, // of what is kept
		{"/h/never.jpg?w=90", 0, http.StatusOK, 1},
	} {
		cuts.Store(tt.cuts)
		asked.Store(0)
		r := s.get(tt.target)
		if n := asked.Load(); r.StatusCode != tt.status || n != tt.asked {
			t.Errorf("%s, %d answers break off: %d after %d requests; want %d after %d", tt.target, tt.cuts, r.StatusCode, n, tt.status, tt.asked)
		}
		if tt.status == http.StatusOK {
			picture(t, r)
		}
	}
	h := s.server.handlers[0]
	for _, name := range []string{"first.jpg", "second.jpg", "never.jpg"} {
		e, err := h.originals.disk.Get(cache.Key{Source: h.sourceID(name), Variant: originalVariant})
		if err != nil || string(e.Body) != string(file) {
			t.Errorf("%s: what is kept is not the source: %v", name, err)
		}
	}
}
