package server

import (
	"bytes"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"s3imageserver/server/access/accesstest"
	"s3imageserver/storage"
	"s3imageserver/storage/cache"
)

// A sequence is Servers that follow each other, as a service makes them: each
// one is closed when the next one is there.
type sequence struct {
	*site
	parts *reused
	make  func() Config
}

func newSequence(t *testing.T, make func() Config) *sequence {
	q := &sequence{&site{t: t, log: new(bytes.Buffer)}, newReused(build{}), make}
	t.Cleanup(func() {
		if q.server != nil {
			if err := q.server.Close(); err != nil {
				t.Error(err)
			}
		}
	})
	q.reload()
	return q
}

func (q *sequence) reload() {
	q.t.Helper()
	c := q.make()
	s, err := New(&c, Options{reused: q.parts, Log: slog.New(slog.NewTextHandler(q.log, nil))})
	if err != nil {
		q.t.Fatal(err)
	}
	if q.server != nil {
		if err := q.server.Close(); err != nil {
			q.t.Fatal(err)
		}
	}
	q.server = s
}

// want asks and compares the status.
func (q *sequence) want(what, target string, status int) {
	q.t.Helper()
	if r := q.get(target); r.StatusCode != status {
		q.t.Errorf("%s: GET %s = %d; want %d\n%s", what, target, r.StatusCode, status, q.log)
	}
}

// Tokens are good after a reload though the one who has their keys is down, and
// three handlers ask for them once.
func TestReloadKeepsKeys(t *testing.T) {
	k := accesstest.Keys()
	var asked atomic.Int64
	var down atomic.Bool
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		asked.Add(1)
		if down.Load() {
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		fmt.Fprint(w, accesstest.JWKS(t, map[string]any{"one": &k.RSA.PublicKey}))
	}))
	defer web.Close()
	b, n := bucket(t), 0
	q := newSequence(t, func() Config {
		n++
		c := Config{Auth: &AuthConfig{JWT: &JWTConfig{JWKSURL: web.URL}}}
		for _, prefix := range []string{"a", "b", "c"} {
			c.Handlers = append(c.Handlers, HandlerConfig{Prefix: prefix, Bucket: b, MaxDimension: 1000 + n})
		}
		return c
	})
	token := accesstest.Mint(t, jwt.SigningMethodRS256, k.RSA, accesstest.Claims(), map[string]any{"kid": "one"})
	for _, prefix := range []string{"a", "b", "c"} {
		q.want("before", "/"+prefix+"/photo.jpg?w=20&t="+token, 200)
	}
	if asked.Load() != 1 {
		t.Errorf("three handlers asked %d times; want 1", asked.Load())
	}
	down.Store(true)
	q.reload()
	q.want("the provider is down", "/b/photo.jpg?w=20&t="+token, 200)
	if asked.Load() != 1 {
		t.Errorf("asked %d times after a reload; want 1", asked.Load())
	}
}

// A picture in the memory tier is found after a reload though the store is down
// and a watermark of it lies on the picture.
func TestReloadKeepsWatermarks(t *testing.T) {
	b := bucket(t)
	b.Set("logo.png", pngFile(t, gradient(20, 20)), modified)
	quality := 70
	q := newSequence(t, func() Config {
		quality++
		return Config{Handlers: []HandlerConfig{
			{Prefix: "h", Bucket: b, Cache: CacheConfig{MemoryMB: 8}, Watermarks: map[string]WatermarkConfig{"logo": {Object: "logo.png"}}},
			{Prefix: "other", Bucket: b, Quality: map[string]int{"jpeg": quality}},
		}}
	})
	q.want("before", "/h/photo.jpg?w=90&wm=logo", 200)
	b.Fail(storage.ErrUnavailable)
	q.reload()
	q.want("the store is down", "/h/photo.jpg?w=90&wm=logo", 200)
}

// A picture on disk is found after a restart though the store is down and a
// watermark of it lies on the picture, until the watermark is purged.
func TestRestartKeepsWatermarks(t *testing.T) {
	b, folder := bucket(t), t.TempDir()
	b.Set("logo.png", pngFile(t, gradient(20, 20)), modified)
	start := func() *site {
		return newSite(t, b, Options{}, HandlerConfig{CachePath: folder, Watermarks: map[string]WatermarkConfig{"logo": {Object: "logo.png"}, "late": {Object: "late.png"}}})
	}
	s := start()
	if r := s.get("/h/photo.jpg?w=90&wm=logo"); r.StatusCode != 200 {
		t.Fatalf("status %d", r.StatusCode)
	}
	restart := func() {
		t.Helper()
		if err := s.server.Close(); err != nil {
			t.Fatal(err)
		}
		s = start()
	}
	b.Fail(storage.ErrUnavailable)
	restart()
	if r := s.get("/h/photo.jpg?w=90&wm=logo"); r.StatusCode != 200 || !strings.Contains(r.Header.Get("Cache-Status"), "detail=disk") {
		t.Errorf("after a restart, the store is down: %d %s; want it from the disk\n%s", r.StatusCode, r.Header.Get("Cache-Status"), s.log)
	}
	if r := s.get("/h/photo.jpg?w=90&wm=late"); r.StatusCode < 500 {
		t.Errorf("a watermark that nobody has seen: %d; want a fault of the store", r.StatusCode)
	}
	// One that the store says is gone is gone.
	b.Fail(nil)
	if err := b.Delete(t.Context(), "logo.png"); err != nil {
		t.Fatal(err)
	}
	restart()
	if r := s.get("/h/photo.jpg?w=90&wm=logo"); r.StatusCode == 200 {
		t.Error("a watermark that is deleted in the store lies on a picture after a restart")
	}
	b.Fail(storage.ErrUnavailable)
	h := s.server.handlers[0]
	if _, err := h.purge(t.Context(), cache.Purge{Group: h.id, Name: "logo.png"}); err != nil {
		t.Fatal(err)
	}
	restart()
	if r := s.get("/h/photo.jpg?w=90&wm=logo"); r.StatusCode == 200 {
		t.Error("a watermark that was purged lies on a picture after a restart")
	}
}

// A reload forgets neither that a store fails nor what it did not have, and fills
// no limits anew; what the new configuration says otherwise begins anew.
func TestReloadKeepsLimits(t *testing.T) {
	b := bucket(t)
	c := HandlerConfig{Prefix: "h", Bucket: b, Cache: CacheConfig{MemoryMB: 4}}
	c.Misses = Rate{PerSecond: 0.001, Burst: 3}
	q := newSequence(t, func() Config { return Config{Handlers: []HandlerConfig{c, {Prefix: "other", Bucket: b}}} })
	q.want("not there", "/h/none.jpg", 404)
	before := b.Gets()
	q.reload()
	q.want("not there, after a reload", "/h/none.jpg", 404)
	if got := b.Gets() - before; got != 0 {
		t.Errorf("the store was asked %d times for what it had not a moment ago", got)
	}
	q.want("the second miss", "/h/photo.jpg?w=31", 200)
	q.want("the third miss", "/h/photo.jpg?w=32", 200)
	q.reload()
	q.want("the fourth miss, after a reload", "/h/photo.jpg?w=33", 503)
	c.Misses.Burst = 30
	q.reload()
	q.want("with another bound", "/h/photo.jpg?w=34", 200)

	h := q.server.handlers[0]
	stats := h.guards[0].Stats()
	if stats.Asked == 0 {
		t.Fatalf("the store was never asked: %+v", stats)
	}
	c.MaxDimension = 2000
	q.reload()
	if now := q.server.handlers[0]; now == h || now.guards[0] != h.guards[0] || now.guards[0].Stats() != stats {
		t.Errorf("the guard of the store after a reload: %+v; want %+v", now.guards[0].Stats(), stats)
	}
	c.Limits.FetchSeconds = 7
	q.reload()
	if q.server.handlers[0].guards[0] == h.guards[0] {
		t.Error("another fetch_seconds has the old guard")
	}
}

// What is known of when a kept source was asked for last stays.
func TestReloadKeepsWhenOriginalsWereAsked(t *testing.T) {
	b, folder, n := bucket(t), t.TempDir(), 0
	q := newSequence(t, func() Config {
		n++
		return Config{Handlers: []HandlerConfig{{Prefix: "h", Bucket: b, CachePath: folder, Cache: CacheConfig{OriginalsMB: 8}, MaxDimension: 1000 + n}}}
	})
	at := time.Now().Add(time.Hour)
	q.server.handlers[0].originals.checked.Set("photo.jpg", at)
	q.reload()
	if got, _ := q.server.handlers[0].originals.checked.GetIfPresent("photo.jpg"); !got.Equal(at) {
		t.Errorf("asked last at %v; want %v", got, at)
	}
}

// A reload of what has not changed replaces nothing; a change of a file that the
// configuration names, or of a folder, does.
func TestReloadOfTheSame(t *testing.T) {
	f := startFileService(t, map[string]any{"http_port": 8080, "admin": map[string]any{"token": testToken}})
	pictures, errorImage := filepath.Join(f.folder, "pictures"), filepath.Join(f.folder, "error.png")
	write := func(file string, data []byte) {
		t.Helper()
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write(filepath.Join(pictures, "photo.jpg"), jpegFile(t, 40, 30))
	write(errorImage, pngFile(t, gradient(10, 10)))
	f.handler()["source"], f.handler()["error_image"] = map[string]any{"dir": pictures}, errorImage
	reload := func(what string, replaced bool) {
		t.Helper()
		before := f.v.current.Load()
		f.v.reload()
		if now := f.v.current.Load(); (now != before) != replaced {
			t.Errorf("%s: replaced %t; want %t\n%s", what, now != before, replaced, f.log)
		}
		f.v.draining.Wait()
	}
	f.write()
	reload("another configuration", true)
	reload("the same", false)
	reload("the same again", false)
	if !strings.Contains(f.log.String(), "configuration unchanged") {
		t.Errorf("the log does not say that nothing was replaced:\n%s", f.log)
	}
	write(errorImage, pngFile(t, gradient(20, 20)))
	reload("another error image", true)
	if err := os.Rename(pictures, pictures+".old"); err != nil {
		t.Fatal(err)
	}
	write(filepath.Join(pictures, "photo.jpg"), jpegFile(t, 60, 30))
	reload("another folder of that name", true)
	good, err := os.ReadFile(f.file())
	if err != nil {
		t.Fatal(err)
	}
	write(f.file(), []byte(`{`))
	f.v.reload()
	write(f.file(), good)
	reload("the good file after a bad one", false)
	if _, text := adminGet(t, f.v.current.Load(), "/metrics"); !strings.Contains(text, "\ns3imageserver_config_last_reload_successful 1\n") {
		t.Error("the last reload counts as a bad one")
	}
}
