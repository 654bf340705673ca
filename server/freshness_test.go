package server

import (
	"bytes"
	"image"
	"log/slog"
	"math"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"s3imageserver/storage"
	"s3imageserver/storage/storagetest"
)

const testToken = "a token of the operators"

// newAdminSite is newSite with a token, and one handler.
func newAdminSite(t *testing.T, b storage.Bucket, h HandlerConfig) *site {
	t.Helper()
	h.Prefix, h.Bucket = "h", b
	keepsOnAnyDisk(&h)
	log := new(bytes.Buffer)
	s, err := New(&Config{
		Handlers: []HandlerConfig{h},
		Admin:    AdminConfig{Listen: "127.0.0.1:1", Token: testToken},
		Events:   EventsConfig{Path: "/_events", Secret: "a secret of webhooks", SNSTopics: []string{testTopic}},
	}, Options{Log: slog.New(slog.NewTextHandler(log, nil))})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return &site{t, s, log}
}

// A visit is a request at some time, and what is wanted of it.
type visit struct {
	name    string
	after   time.Duration
	change  func(*storagetest.Memory)
	target  string
	status  int
	cache   string // in Cache-Status
	age     string
	control string // in Cache-Control
	sent    int    // objects that the store has sent so far
}

func TestFreshnessOfAnswers(t *testing.T) {
	unavailable := func(b *storagetest.Memory) { b.Fail(storage.ErrUnavailable) }
	back := func(b *storagetest.Memory) { b.Fail(nil) }
	replace := func(b *storagetest.Memory) { b.Set("photo.jpg", jpegFile(t, 200, 300), modified.Add(time.Hour)) }
	remove := func(b *storagetest.Memory) {
		if err := b.Delete(t.Context(), "photo.jpg"); err != nil {
			t.Error(err)
		}
	}
	const url = "/h/photo.jpg?w=100"
	tests := []struct {
		name   string
		config HandlerConfig
		visits []visit
	}{
		{"cache_time", HandlerConfig{CacheTime: cacheTime(3600)}, []visit{
			{"first", 0, nil, url, 200, "fwd=miss", "", "public, max-age=3600", 1},
			{"young", 1000 * time.Second, replace, url, 200, "hit; detail=memory", "1000", "public, max-age=3600", 1},
			{"old and changed", 2600 * time.Second, nil, url, 200, "fwd=miss", "", "public, max-age=3600", 2},
			{"old and the same", time.Hour, nil, url, 200, "fwd=stale; fwd-status=304", "0", "public, max-age=3600", 2},
		}},
		{"revalidate", HandlerConfig{CacheTime: cacheTime(0), Freshness: Freshness{Revalidate: 60}}, []visit{
			{"first", 0, nil, url, 200, "fwd=miss", "", "public, max-age=31536000", 1},
			{"due", time.Minute, nil, url, 200, "fwd-status=304", "", "max-age=31536000", 1},
			{"metadata changed", time.Minute, func(b *storagetest.Memory) { b.Set("photo.jpg", jpegFile(t, 400, 300), modified.Add(time.Minute)) }, url, 200, "fwd=miss", "", "", 2},
			{"gone", time.Minute, remove, url, 404, "", "", "no-store", 2},
			{"gone, and remembered", 9 * time.Second, func(b *storagetest.Memory) { b.Set("photo.jpg", jpegFile(t, 8, 8), modified) }, url, 404, "", "", "no-store", 2},
			{"there again", 2 * time.Second, nil, url, 200, "fwd=miss", "", "", 3},
		}},
		{"stale_while_revalidate", HandlerConfig{CacheTime: cacheTime(3600), Freshness: Freshness{StaleWhileRevalidate: 600, StaleIfError: cacheTime(7200)}}, []visit{
			{"first", 0, nil, url, 200, "fwd=miss", "", "public, max-age=3600, stale-while-revalidate=600, stale-if-error=7200", 1},
			{"old", time.Hour + 10*time.Second, replace, url, 200, "hit; ttl=-10; detail=stale-while-revalidate", "3610", "stale-while-revalidate=600", 2},
			{"filled behind it", time.Second, nil, url, 200, "hit; detail=memory", "1", "", 2},
		}},
		{"the store is down", HandlerConfig{CacheTime: cacheTime(60)}, []visit{
			{"first", 0, nil, url, 200, "fwd=miss", "", "", 1},
			{"old", time.Minute, unavailable, url, 200, "fwd=stale; detail=stale-if-error", "60", "max-age=60", 1},
			{"a smaller one", 0, nil, "/h/photo.jpg?w=50", 200, "detail=derived", "", "public, max-age=10", 1},
			{"a smaller crop", 0, nil, "/h/photo.jpg?w=40&h=40", 200, "detail=derived", "", "public, max-age=10", 1},
			{"a larger one", 0, nil, "/h/photo.jpg?w=200", 503, "", "", "no-store", 1},
			{"another picture", 0, nil, "/h/same.jpg", 503, "", "", "no-store", 1},
			{"after a day", 25 * time.Hour, nil, url, 503, "", "", "no-store", 1},
			{"back", 10 * time.Second, back, url, 200, "fwd-status=304", "", "", 1},
		}},
		{"originals", HandlerConfig{CacheTime: cacheTime(60), CachePath: "set", Cache: CacheConfig{OriginalsMB: 64}}, []visit{
			{"first", 0, nil, url, 200, "fwd=miss", "", "", 1},
			{"another size asks nobody", 0, unavailable, "/h/photo.jpg?w=300", 200, "fwd=miss", "", "max-age=60", 1},
			{"old, and made of the original", time.Hour, nil, "/h/photo.jpg?w=333", 200, "detail=derived", "", "max-age=10", 1},
			{"back, and the same", time.Minute, back, "/h/photo.jpg?w=334", 200, "fwd=miss", "", "max-age=60", 1},
			{"changed", time.Hour, replace, "/h/photo.jpg?w=335", 200, "fwd=miss", "", "", 2},
		}},
		{"nothing is remembered without a cache", HandlerConfig{CacheTime: cacheTime(-1)}, []visit{
			{"missing", 0, remove, url, 404, "", "", "no-store", 0},
			{"there", 0, replace, url, 200, "fwd=miss", "", "no-cache", 1},
			{"again", 0, nil, url, 200, "fwd=miss", "", "no-cache", 2},
		}},
	}
	for _, tt := range tests {
		folder := t.TempDir()
		synctest.Test(t, func(t *testing.T) {
			b := bucket(t)
			config := tt.config
			config.Cache.MemoryMB = 8
			if config.CachePath != "" {
				config.CachePath = folder
			}
			config.OutputFormat = "jpg"
			s := newAdminSite(t, b, config)
			for _, v := range tt.visits {
				time.Sleep(v.after)
				if v.change != nil {
					v.change(b)
				}
				r := s.get(v.target)
				synctest.Wait() // for what goes on in the background
				status, control := r.Header.Get("Cache-Status"), r.Header.Get("Cache-Control")
				if r.StatusCode != v.status || !strings.Contains(status, v.cache) || (v.cache != "") != strings.HasPrefix(status, "s3imageserver; ") ||
					!strings.Contains(control, v.control) || (v.age != "" && r.Header.Get("Age") != v.age) || b.Sent() != v.sent {
					t.Errorf("%s: %s: %d, Cache-Status %q, Cache-Control %q, Age %q, %d sent; want %d, %q, %q, %q, %d", tt.name, v.name,
						r.StatusCode, status, control, r.Header.Get("Age"), b.Sent(), v.status, v.cache, v.control, v.age, v.sent)
				}
				if v.status == 200 {
					picture(t, r)
				}
			}
		})
	}
}

// A derived picture is the one that would have been made of the source, as far
// as eyes can tell.
func TestDerivedPictures(t *testing.T) {
	b := bucket(t)
	s := newAdminSite(t, b, HandlerConfig{Cache: CacheConfig{MemoryMB: 8}, OutputFormat: "png", Quality: map[string]int{"jpeg": 95}})
	fresh := newAdminSite(t, bucket(t), HandlerConfig{OutputFormat: "png", CacheTime: cacheTime(-1)})
	s.get("/h/photo.jpg?w=300&f=jpg")
	s.get("/h/photo.jpg?w=120&h=120&f=png") // a crop is no copy of the whole
	b.Fail(storage.ErrUnavailable)
	for _, target := range []string{"/h/photo.jpg?w=100", "/h/photo.jpg?w=80&h=80", "/h/photo.jpg?h=60&c=false", "/h/photo.jpg?w=150&f=webp"} {
		got, _ := picture(t, s.get(target))
		want, _ := picture(t, fresh.get(target))
		if got.Bounds() != want.Bounds() {
			t.Errorf("%s is %v; want %v", target, got.Bounds(), want.Bounds())
			continue
		}
		if d := meanDifference(got, want); d > 4 {
			t.Errorf("%s differs by %.1f of 255 on average from the picture made of the source", target, d)
		}
	}
	for _, target := range []string{"/h/photo.jpg?w=80&crop=10,10,50,50", "/h/photo.jpg?w=400&h=10", "/h/photo.jpg"} {
		if r := s.get(target); r.StatusCode != http.StatusServiceUnavailable {
			t.Errorf("%s = %d; want 503: no kept picture will do", target, r.StatusCode)
		}
	}
}

// meanDifference returns by how much the colours of two pictures of one size
// differ on average, of 255.
func meanDifference(a, b image.Image) float64 {
	sum, n := 0.0, 0
	for y := range a.Bounds().Dy() {
		for x := range a.Bounds().Dx() {
			r1, g1, b1, _ := a.At(x, y).RGBA()
			r2, g2, b2, _ := b.At(x, y).RGBA()
			for _, d := range []int{int(r1>>8) - int(r2>>8), int(g1>>8) - int(g2>>8), int(b1>>8) - int(b2>>8)} {
				sum += math.Abs(float64(d))
				n++
			}
		}
	}
	return sum / float64(n)
}

func TestServerTiming(t *testing.T) {
	s := newAdminSite(t, bucket(t), HandlerConfig{Cache: CacheConfig{MemoryMB: 8}})
	first := s.get("/h/photo.jpg?w=90").Header.Get("Server-Timing")
	for _, stage := range []string{"cache;desc=miss", "fetch;dur=", "read;dur=", "queue;dur=", "decode;dur=", "encode;dur="} {
		if !strings.Contains(first, stage) {
			t.Errorf("Server-Timing of a miss = %q; want %s", first, stage)
		}
	}
	if hit := s.get("/h/photo.jpg?w=90").Header.Get("Server-Timing"); hit != "cache;desc=memory" {
		t.Errorf("Server-Timing of a hit = %q", hit)
	}
}

func TestLimitsOfAHandler(t *testing.T) {
	tests := []struct {
		name   string
		limits LimitsConfig
		target string
		want   int
	}{
		{"none", LimitsConfig{}, "/h/photo.jpg", 200},
		{"pixels", LimitsConfig{Pixels: 400*300 - 1}, "/h/photo.jpg?w=10", 422},
		{"as many pixels", LimitsConfig{Pixels: 400 * 300}, "/h/photo.jpg?w=10", 200},
		{"side", LimitsConfig{Side: 399}, "/h/photo.jpg?w=10", 422},
		{"pixels of the result", LimitsConfig{OutputPixels: 100}, "/h/photo.jpg?w=20", 422},
		{"side of the result", LimitsConfig{OutputSide: 19}, "/h/photo.jpg?w=20", 422},
	}
	for _, tt := range tests {
		s := newAdminSite(t, bucket(t), HandlerConfig{Limits: tt.limits})
		if r := s.get(tt.target); r.StatusCode != tt.want {
			t.Errorf("%s: GET %s = %d; want %d", tt.name, tt.target, r.StatusCode, tt.want)
		}
	}
}

func TestTooManyParameters(t *testing.T) {
	s := newAdminSite(t, bucket(t), HandlerConfig{})
	for query, want := range map[string]int{
		strings.Repeat("a=1&", 31) + "w=10":  200,
		strings.Repeat("a=1&", 32) + "w=10":  414,
		strings.Repeat("a=1;", 32) + "w=10":  414,
		strings.Repeat("x", maxURLBytes):     414,
		strings.Repeat("x", maxURLBytes-100): 200,
	} {
		if r := s.get("/h/photo.jpg?" + query); r.StatusCode != want {
			t.Errorf("%d bytes of query = %d; want %d", len(query), r.StatusCode, want)
		}
	}
}

// refresh makes a picture anew for those who show the token, and is nothing to
// others.
func TestRefresh(t *testing.T) {
	b := bucket(t)
	s := newAdminSite(t, b, HandlerConfig{Cache: CacheConfig{MemoryMB: 8}})
	for _, v := range []struct {
		name, token string
		want        string
	}{
		{"first", "", "fwd=miss"},
		{"without a token", "", "hit; detail=memory"},
		{"with a wrong token", "Bearer another token of nobody", "hit; detail=memory"},
		{"with another scheme", "Basic " + testToken, "hit; detail=memory"},
		{"with the token", "Bearer " + testToken, "fwd=miss"},
	} {
		r := s.get("/h/photo.jpg?w=90&refresh=1", "Authorization", v.token)
		if got := r.Header.Get("Cache-Status"); r.StatusCode != 200 || !strings.HasSuffix(got, v.want) {
			t.Errorf("%s: %d, Cache-Status %q; want %q", v.name, r.StatusCode, got, v.want)
		}
	}
	if b.Sent() != 2 {
		t.Errorf("the store sent %d pictures; want 2", b.Sent())
	}
}

// admin asks the listener for operators.
func (s *site) admin(method, target, contentType, body string, header ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, target, strings.NewReader(body))
	r.Host = "127.0.0.1:9090"
	r.Header.Set("Content-Type", contentType)
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	s.server.adminHandler().ServeHTTP(w, r)
	return w
}

func TestPurge(t *testing.T) {
	const form, asJSON = "application/x-www-form-urlencoded", "application/json"
	urls := []string{"/h/photo.jpg?w=90", "/h/photo.jpg?w=91&f=png", "/h/photo.jpg?w=92&f=auto", "/h/a/b/photo.jpg?w=90", "/h/same.jpg"}
	tests := []struct {
		name, contentType, body string
		token                   string
		status                  int
		gone                    string // by place in urls
	}{
		{"a URL", form, "url=http://x.example/h/photo.jpg?w=90", testToken, 200, "012"},
		{"a URL, spelled otherwise", asJSON, `{"url": "/h/photo%2Ejpg?utm_source=x%26&w=90.4"}`, testToken, 200, "012"},
		{"a source", asJSON, `{"handler": "h", "name": "photo.jpg"}`, testToken, 200, "012"},
		{"a prefix", form, "handler=h&prefix=a/", testToken, 200, "3"},
		{"everything", form, "handler=h&all=1", testToken, 200, "01234"},
		{"nothing that is there", asJSON, `{"handler": "h", "name": "none.jpg"}`, testToken, 200, ""},
		{"no token", form, "handler=h&all=1", "", 401, ""},
		{"a wrong token", form, "handler=h&all=1", "another token of nobody", 401, ""},
		{"no such handler", form, "handler=x&all=1", testToken, 400, ""},
		{"no such URL", form, "url=/x/photo.jpg", testToken, 400, ""},
		{"a URL that is none", form, "url=%25%25", testToken, 400, ""},
		{"not a name", form, "handler=h&name=../x", testToken, 400, ""},
		{"two things", form, "handler=h&name=a.jpg&all=1", testToken, 400, ""},
		{"nothing", form, "", testToken, 400, ""},
		{"unknown fields", asJSON, `{"handler": "h", "names": "a"}`, testToken, 400, ""},
		{"no JSON", asJSON, `{`, testToken, 400, ""},
	}
	for _, tt := range tests {
		s := newAdminSite(t, bucket(t), HandlerConfig{Cache: CacheConfig{MemoryMB: 8}, CachePath: t.TempDir()})
		for _, u := range urls {
			s.get(u)
		}
		var header []string
		if tt.token != "" {
			header = []string{"Authorization", "Bearer " + tt.token}
		}
		w := s.admin("POST", "/purge", tt.contentType, tt.body, header...)
		if w.Code != tt.status {
			t.Errorf("%s: %d %s; want %d", tt.name, w.Code, w.Body, tt.status)
		}
		gone := ""
		for i, u := range urls {
			if !strings.Contains(s.get(u).Header.Get("Cache-Status"), "; hit") {
				gone += string(rune('0' + i))
			}
		}
		if gone != tt.gone {
			t.Errorf("%s: gone are %q; want %q", tt.name, gone, tt.gone)
		}
		if strings.Contains(s.log.String(), testToken) || strings.Contains(w.Body.String(), testToken) {
			t.Errorf("%s: the token is in the log or the answer", tt.name)
		}
	}
}

func TestAdminNeedsATokenFromOutside(t *testing.T) {
	s := newAdminSite(t, bucket(t), HandlerConfig{})
	paths := []string{"/healthz", "/readyz", "/stats"}
	for _, path := range paths {
		if w := s.admin("GET", path, "", ""); w.Code != 200 {
			t.Errorf("GET %s on loopback = %d %s; want 200", path, w.Code, w.Body)
		}
	}
	s.server.config.Admin.Listen = "192.0.2.1:9090"
	for _, path := range append(paths, "/none") {
		if w := s.admin("GET", path, "", ""); w.Code != 401 {
			t.Errorf("GET %s from outside = %d; want 401", path, w.Code)
		}
		if w := s.admin("GET", path, "", "", "Authorization", "Bearer "+testToken); (w.Code == 200) == (path == "/none") {
			t.Errorf("GET %s from outside with the token = %d", path, w.Code)
		}
	}
	s.server.ending.Store(true)
	if w := s.admin("GET", "/readyz", "", "", "Authorization", "Bearer "+testToken); w.Code != 503 {
		t.Errorf("GET /readyz of a server that is ending = %d; want 503", w.Code)
	}
}
