package server

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"s3imageserver/storage"
	"s3imageserver/storage/storagetest"
)

// webSource serves answer as a source.
func webSource(t *testing.T, answer http.HandlerFunc) SourceConfig {
	web := httptest.NewServer(answer)
	t.Cleanup(web.Close)
	return SourceConfig{URL: web.URL, Networks: []string{"127.0.0.0/8"}}
}

// What a store says to odd names, and what a few objects in trouble do, costs no
// sound picture of the same store.
func TestOddRequestsSpareNobody(t *testing.T) {
	photo := jpegFile(t, 40, 30)
	s := newSite(t, nil, Options{}, HandlerConfig{Source: webSource(t, func(w http.ResponseWriter, r *http.Request) {
		var status int
		if _, err := fmt.Sscanf(r.URL.Path, "/odd-%d-", &status); err == nil {
			w.WriteHeader(status)
			return
		}
		if strings.HasPrefix(r.URL.Path, "/cut") {
			w.Header().Set("Content-Length", "1000")
			_, _ = w.Write(photo[:10])
			return
		}
		_, _ = w.Write(photo)
	})})
	for i := range 10 {
		for _, status := range []int{204, 300, 400, 401, 402, 403, 404, 405, 406, 409, 410, 411, 412, 413, 414, 415, 416, 417, 418, 421, 422, 423, 424, 426, 428, 431, 451, 499} {
			if r := s.get(fmt.Sprintf("/h/odd-%d-%d.jpg?w=20", status, i)); r.StatusCode != 404 {
				t.Errorf("a name that the source answers by %d: %d; want 404", status, r.StatusCode)
			}
		}
	}
	for i := range 20 {
		for _, name := range []string{"odd-500-x.jpg", "odd-429-x.jpg", "odd-503-x.jpg", "odd-408-x.jpg", "cut.jpg"} {
			if r := s.get(fmt.Sprintf("/h/%s?w=%d", name, 20+i)); r.StatusCode < 502 || r.Header.Get("Retry-After") == "" {
				t.Errorf("%s: %d; want trouble of the store", name, r.StatusCode)
			}
		}
	}
	for i := range 12 {
		if r := s.get(fmt.Sprintf("/h/good%d.jpg?w=20", i)); r.StatusCode != 200 {
			t.Errorf("a sound picture: %d; want 200", r.StatusCode)
		}
	}
	if st := s.server.Stats().Handlers["h"].Sources[0]; st.Open || st.Refused > 0 || st.Failed < 100 {
		t.Errorf("%+v; want that trouble is counted and nothing refused", st)
	}
}

// What is stored compressed is shown, and kept decoded as an original.
func TestCompressedSources(t *testing.T) {
	photo := jpegFile(t, 400, 300)
	var file bytes.Buffer
	z := gzip.NewWriter(&file)
	_, _ = z.Write(photo) // a buffer has no faults
	_ = z.Close()
	var bomb bytes.Buffer
	z = gzip.NewWriter(&bomb)
	_, _ = z.Write(make([]byte, 3<<20)) // a buffer has no faults
	_ = z.Close()
	var asked atomic.Int64
	s := newSite(t, nil, Options{}, HandlerConfig{
		CachePath: t.TempDir(), Cache: CacheConfig{OriginalsMB: 16}, MaxSourceBytes: 1 << 20, OutputFormat: "jpg",
		Source: webSource(t, func(w http.ResponseWriter, r *http.Request) {
			asked.Add(1)
			w.Header().Set("Content-Encoding", "gzip")
			w.Header().Set("ETag", `"a"`)
			switch r.URL.Path {
			case "/photo.jpg":
				_, _ = w.Write(file.Bytes())
			case "/plain.jpg":
				_, _ = w.Write(photo)
			case "/cut.jpg":
				_, _ = w.Write(file.Bytes()[:file.Len()/2])
			case "/bomb.jpg":
				_, _ = w.Write(bomb.Bytes())
			}
		}),
	})
	for _, name := range []string{"photo", "plain"} {
		asked.Store(0)
		for _, width := range []int{200, 100} { // the second of the original
			r := s.get(fmt.Sprintf("/h/%s.jpg?w=%d", name, width))
			if r.StatusCode != 200 {
				t.Fatalf("%s: %d: %s", name, r.StatusCode, s.log)
			}
			if m, _ := picture(t, r); m.Bounds().Dx() != width {
				t.Errorf("%s: %v; want %d wide", name, m.Bounds(), width)
			}
		}
		if asked.Load() != 1 {
			t.Errorf("%s: the source was asked %d times; want once, the original is kept", name, asked.Load())
		}
	}
	for name, want := range map[string]int{"cut": 422, "bomb": 413, "empty": 422} {
		if r := s.get("/h/" + name + ".jpg?w=20"); r.StatusCode != want || r.Header.Get("Retry-After") != "" {
			t.Errorf("%s: %d, Retry-After %q; want %d", name, r.StatusCode, r.Header.Get("Retry-After"), want)
		}
	}
	if strings.Contains(s.log.String(), "level=ERROR") {
		t.Errorf("a fault of one object is an alarm:\n%s", s.log)
	}
}

// A kept picture outlives what a store says to its name, and an upload that is
// not there yet; one that is missing or forbidden is gone.
func TestKeptPictureOutlivesRefusals(t *testing.T) {
	for _, tt := range []struct {
		name   string
		change func(b *storagetest.Memory)
		want   int
	}{
		{"refused", func(b *storagetest.Memory) { b.Fail(storage.ErrRefused) }, 200},
		{"empty", func(b *storagetest.Memory) { b.Set("photo.jpg", nil, time.Now()) }, 200},
		{"in trouble", func(b *storagetest.Memory) { b.Fail(storage.ErrUnavailable) }, 200},
		{"busy", func(b *storagetest.Memory) { b.Fail(storage.ErrBusy) }, 200},
		{"forbidden", func(b *storagetest.Memory) { b.Fail(fs.ErrPermission) }, 404},
		{"broken", func(b *storagetest.Memory) { b.Fail(storage.ErrCoding) }, 422},
	} {
		synctest.Test(t, func(t *testing.T) {
			b := bucket(t)
			s := newSite(t, b, Options{}, HandlerConfig{CacheTime: cacheTime(60), Cache: CacheConfig{MemoryMB: 1}})
			const target = "/h/photo.jpg?w=20"
			if r := s.get(target); r.StatusCode != 200 {
				t.Fatalf("%s: %d at first", tt.name, r.StatusCode)
			}
			time.Sleep(2 * time.Minute)
			tt.change(b)
			if r := s.get(target); r.StatusCode != tt.want {
				t.Errorf("a kept picture whose source is %s: %d; want %d", tt.name, r.StatusCode, tt.want)
			}
		})
	}
}
