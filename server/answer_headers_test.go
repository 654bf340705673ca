package server

import (
	"context"
	"crypto/tls"
	"fmt"
	"image"
	"io/fs"
	"net/http/httptest"
	"net/url"
	"path"
	"strings"
	"testing"

	"s3imageserver/resize"
	"s3imageserver/server/config"
	"s3imageserver/storage"
	"s3imageserver/storage/storagetest"
)

// What all answers of a handler say, by default and as configured: pictures,
// faults, 304, other methods.
func TestManners(t *testing.T) {
	plain := newSite(t, bucket(t), Options{}, HandlerConfig{})
	for _, target := range []string{"/h/photo.jpg?w=40", "/h/missing.jpg", "/h/photo.jpg?info=size"} {
		header := plain.get(target, "Origin", "https://other.example").Header
		for name, want := range map[string]string{
			"X-Content-Type-Options": "nosniff", "Content-Security-Policy": "default-src 'none'; sandbox", "Cross-Origin-Resource-Policy": "cross-origin",
			"Access-Control-Allow-Origin": "", "X-Robots-Tag": "", "Link": "", "Strict-Transport-Security": "",
		} {
			if got := header.Get(name); got != want {
				t.Errorf("%s: %s = %q; want %q", target, name, got, want)
			}
		}
	}
	own := newSite(t, bucket(t), Options{}, HandlerConfig{Headers: HeadersConfig{
		CORS: []string{"https://a.example", "https://b.example"}, ResourcePolicy: "same-site", CSP: "default-src 'none'", Robots: "noindex", Canonical: "https://example.com/h/",
	}})
	r := own.get("/h/with%20space+plus.jpg?w=40", "Origin", "https://b.example")
	for name, want := range map[string]string{
		"Content-Security-Policy": "default-src 'none'", "Cross-Origin-Resource-Policy": "same-site", "X-Robots-Tag": "noindex",
		"Access-Control-Allow-Origin": "https://b.example", "Timing-Allow-Origin": "https://b.example", "Vary": "Origin",
		"Link": `<https://example.com/h/with%20space+plus.jpg>; rel="canonical"`,
	} {
		if got := r.Header.Get(name); got != want {
			t.Errorf("%s = %q; want %q", name, got, want)
		}
	}
	for _, origin := range []string{"", "https://c.example", "null", "https://b.example.evil"} {
		r := own.get("/h/photo.jpg?w=40&f=auto", "Origin", origin)
		if got := r.Header.Get("Access-Control-Allow-Origin"); got != "" {
			t.Errorf("origin %q gets Access-Control-Allow-Origin %q", origin, got)
		}
		if vary := r.Header.Values("Vary"); len(vary) != 2 || vary[0] != "Origin" || vary[1] != "Accept" {
			t.Errorf("origin %q: Vary = %v; want Origin and Accept", origin, vary)
		}
	}
}

// Origins are those of browsers, however an operator writes them.
func TestOriginsAsSent(t *testing.T) {
	own := newSite(t, bucket(t), Options{}, HandlerConfig{Headers: HeadersConfig{CORS: []string{"HTTPS://A.example:443", "http://b.example:80", "http://c.example:443"}}})
	for origin, want := range map[string]bool{
		"https://a.example": true, "https://a.example:8443": false, "http://a.example": false, "http://b.example": true, "http://c.example:443": true, "http://c.example": false,
	} {
		if got := own.get("/h/photo.jpg?w=40", "Origin", origin).Header.Get("Access-Control-Allow-Origin"); (got == origin) != want {
			t.Errorf("origin %s gets Access-Control-Allow-Origin %q; want it: %v", origin, got, want)
		}
	}
}

func TestPreflight(t *testing.T) {
	without := newSite(t, bucket(t), Options{}, HandlerConfig{})
	if r := without.do("OPTIONS", "/h/photo.jpg", "Origin", "https://a.example"); r.StatusCode != 405 || r.Header.Get("Allow") != "GET, HEAD" {
		t.Errorf("OPTIONS without CORS = %d", r.StatusCode)
	}
	all := newSite(t, bucket(t), Options{}, HandlerConfig{Headers: HeadersConfig{CORS: []string{"*"}}})
	r := all.do("OPTIONS", "/h/photo.jpg", "Origin", "https://a.example", "Access-Control-Request-Method", "GET")
	if r.StatusCode != 204 || r.Header.Get("Access-Control-Allow-Origin") != "*" || r.Header.Get("Access-Control-Allow-Methods") != "GET, HEAD" || r.Header.Get("Access-Control-Max-Age") != "86400" {
		t.Errorf("OPTIONS = %d %v", r.StatusCode, r.Header)
	}
	if vary := all.get("/h/photo.jpg?w=40").Header.Get("Vary"); vary != "" {
		t.Errorf("Vary = %q where everybody gets the same", vary)
	}
	some := newSite(t, bucket(t), Options{}, HandlerConfig{Headers: HeadersConfig{CORS: []string{"https://a.example"}}})
	if r := some.do("OPTIONS", "/h/photo.jpg", "Origin", "https://c.example"); r.Header.Get("Access-Control-Allow-Methods") != "" || r.Header.Get("Access-Control-Allow-Origin") != "" {
		t.Errorf("OPTIONS of another origin = %v", r.Header)
	}
}

// HSTS is said by HTTPS only, on every answer.
func TestHSTS(t *testing.T) {
	s, err := New(&Config{Handlers: []HandlerConfig{{Prefix: "h", Bucket: bucket(t)}}, HSTS: 600}, Options{})
	if err != nil {
		t.Fatal(err)
	}
	closeAtEnd(t, s)
	for _, target := range []string{"/h/photo.jpg?w=40", "/elsewhere"} {
		for _, secure := range []bool{true, false} {
			r := httptest.NewRequest("GET", target, nil)
			want := ""
			if r.TLS = nil; secure {
				r.TLS, want = &tls.ConnectionState{}, "max-age=600"
			}
			w := httptest.NewRecorder()
			s.ServeHTTP(w, r)
			if got := w.Header().Get("Strict-Transport-Security"); got != want {
				t.Errorf("%s by HTTPS %v: %q; want %q", target, secure, got, want)
			}
		}
	}
}

func TestHeadersConfig(t *testing.T) {
	c := Config{HSTS: -1, Handlers: []HandlerConfig{{Prefix: "h", Bucket: bucket(t), Headers: HeadersConfig{
		CORS: []string{"example.com", "https://example.com/", "https://good.example", "HTTPS://Good.example:443", "*", "https://*.example.com"}, ResourcePolicy: "all", CSP: "a\nb", Robots: "é", Canonical: "/h/",
	}}}}
	var found config.Faults
	if found.Collect(c.Validate()); len(found) != 8 {
		t.Errorf("Validate = %v; want 8 faults", found.Join())
	}
}

func TestDownload(t *testing.T) {
	s := newSite(t, bucket(t), Options{}, HandlerConfig{OutputFormat: "jpg"})
	tests := []struct{ query, want string }{
		{"", `inline; filename=photo.jpg`},
		{"?dl=", `inline; filename=photo.jpg`},
		{"?dl=true", `attachment; filename=photo.jpg`},
		{"?dl=cat", `attachment; filename=cat.jpg`},
		{"?dl=cat.png", `attachment; filename=cat.jpg`},
		{"?dl=cat.v2", `attachment; filename=cat.v2.jpg`},
		{"?dl=cat.png&f=png", `attachment; filename=cat.png`},
		{"?dl=..%2F..%2Fetc%2Fpasswd", `attachment; filename=passwd.jpg`},
		{"?dl=C%3A%5Cx%5Ca%22b%0D%0AX-Evil%3A+1.jpg", `attachment; filename="abX-Evil 1.jpg"`},
		{"?dl=%2E%2E", `inline; filename=photo.jpg`},
		{"?dl=%C3%BCber", `attachment; filename*=utf-8''%C3%BCber.jpg`},
		{"?dl=%ff%00", `inline; filename=photo.jpg`},
	}
	for _, tt := range tests {
		if got := s.get("/h/photo.jpg" + tt.query).Header.Get("Content-Disposition"); got != tt.want {
			t.Errorf("%s: Content-Disposition: %s; want %s", tt.query, got, tt.want)
		}
	}
	long := s.get("/h/photo.jpg?dl=" + strings.Repeat("%E6%97%A5", 100)).Header.Get("Content-Disposition")
	if !strings.HasPrefix(long, "attachment") || len(long) > 3*config.MaxDownloadBytes+60 || strings.Contains(long, "%EF%BF%BD") {
		t.Errorf("a long name: %s", long)
	}
}

func TestMaxAge(t *testing.T) {
	s := newSite(t, bucket(t), Options{}, HandlerConfig{CacheTime: cacheTime(1000)}, HandlerConfig{Prefix: "ever", CacheTime: cacheTime(0)},
		HandlerConfig{Prefix: "never", CacheTime: cacheTime(-1)}, HandlerConfig{Prefix: "strict", StrictOptions: true})
	tests := []struct{ path, want string }{
		{"/h/photo.jpg?maxage=60", "public, max-age=60"},
		{"/h/photo.jpg?maxage=0", "public, max-age=0"},
		{"/h/photo.jpg?maxage=99999", "public, max-age=1000"},
		{"/h/photo.jpg?maxage=-1", "public, max-age=1000"},
		{"/h/photo.jpg?maxage=NaN", "public, max-age=1000"},
		{"/h/photo.jpg?maxage=soon", "public, max-age=1000"},
		{"/ever/photo.jpg?maxage=60", "public, max-age=60"},
		{"/ever/photo.jpg?maxage=1e300", "public, max-age=31536000"},
		{"/never/photo.jpg?maxage=60", "no-cache"},
	}
	for _, tt := range tests {
		if got := s.get(tt.path).Header.Get("Cache-Control"); got != tt.want {
			t.Errorf("%s: Cache-Control: %s; want %s", tt.path, got, tt.want)
		}
	}
	if r := s.get("/strict/photo.jpg?maxage=soon"); r.StatusCode != 400 {
		t.Errorf("strict_options: status %d; want 400", r.StatusCode)
	}
}

// versioned is a bucket whose objects have a version "old".
type versioned struct {
	storagetest.Memory
	old storagetest.Memory
}

func (v *versioned) GetVersion(ctx context.Context, name, version string) (*storage.Object, error) {
	if version != "old" {
		return nil, fmt.Errorf("version: %w", fs.ErrNotExist)
	}
	return v.old.Get(ctx, name)
}

// A version has its own entry; a store without versions says so.
func TestVersions(t *testing.T) {
	b := new(versioned)
	b.Set("photo.jpg", jpegFile(t, 40, 30), modified)
	b.old.Set("photo.jpg", jpegFile(t, 20, 30), modified)
	s := newSite(t, b, Options{}, HandlerConfig{Cache: CacheConfig{MemoryMB: 1}}, HandlerConfig{Prefix: "plain", Bucket: bucket(t)})
	for range 2 {
		for query, want := range map[string]image.Point{"": image.Pt(40, 30), "?versionid=old": image.Pt(20, 30)} {
			m, _ := picture(t, s.get("/h/photo.jpg"+query))
			if got := m.Bounds().Size(); got != want {
				t.Errorf("%q: %v; want %v", query, got, want)
			}
		}
	}
	if b.Gets() != 1 || b.old.Gets() != 1 {
		t.Errorf("%d and %d reads of the two versions; want 1 each", b.Gets(), b.old.Gets())
	}
	if r := s.get("/h/photo.jpg?versionid=none"); r.StatusCode != 404 {
		t.Errorf("a version that there is not: status %d; want 404", r.StatusCode)
	}
	r := s.get("/plain/photo.jpg?versionid=old")
	if text := string(body(t, r)); r.StatusCode != 400 || !strings.Contains(text, "has no versions") {
		t.Errorf("a store without versions: status %d, %q; want 400 that says so", r.StatusCode, text)
	}
	for _, version := range []string{"a%20b", "..", ".", "../1", "a/../b", "./", `..%5Cx`, "%00", "1%25", "a?b", strings.Repeat("1", 129)} {
		r := s.get("/h/photo.jpg?versionid=" + version)
		if text := string(body(t, r)); r.StatusCode != 400 || !strings.Contains(text, "versionid") || b.Gets() != 1 {
			t.Errorf("versionid=%s: status %d, %q, %d reads; want 400 that says why", version, r.StatusCode, text, b.Gets())
		}
	}
}

// Versions as stores name them pass; none that a store could take for a path out
// of the object, or for more of the request, does.
func FuzzVersion(f *testing.F) {
	for _, v := range []string{
		"3sL4kqtJlcpXroDTDmJ+rmSpXd3dIbrHY+MTRCxf3vjVBH40Nr8X8gdRQBpUMLUo", "00000000-0000-0000-0000-000000000000", "null", "1700000000.12345",
		"4_z27c88f1d182b150646ff0b16_f1004ba650fe24e6b_d20150809_m012853_c100_v0009990_t0000", "LlTEYMbLfBM-FdkQXA~1.", "YWJj/ZGVm==", "..", "../1", "a/..", "./", "a b", "%2e%2e", `..\x`, "é",
	} {
		f.Add(v)
	}
	f.Fuzz(func(t *testing.T, v string) {
		if !config.ValidVersion(v) {
			return
		}
		if bare := strings.NewReplacer("~", "", "+", "", "/", "", "=", "").Replace(v); url.QueryEscape(bare) != bare {
			t.Errorf("%q has characters that mean something in a query", v)
		}
		const root = "/bucket/object/"
		if clean := path.Clean(root + strings.ReplaceAll(v, "//", "/")); !strings.HasPrefix(clean+"/", root) {
			t.Errorf("%q leads to %q", v, clean)
		}
		if len(v) > config.MaxVersionBytes || strings.ContainsAny(v, "\\%#?& \x00") {
			t.Errorf("%q is a version", v)
		}
	})
}

// What an object says about itself holds where the URL says nothing, and only
// where the handler obeys it.
func TestObjectRules(t *testing.T) {
	b := bucket(t)
	b.Set("mark.png", pngFile(t, flat(20, 20, blue)), modified)
	b.Set("ruled.jpg", jpegFile(t, 400, 300), modified)
	h := HandlerConfig{Cache: CacheConfig{MemoryMB: 1}, OutputFormat: "png", ObjectRules: true, Watermarks: map[string]WatermarkConfig{"m": {Object: "mark.png"}, "gone": {Object: "gone.png"}}}
	deaf := h
	deaf.ObjectRules, deaf.Prefix = false, "deaf"
	see := func(meta storage.Meta, path string) (*site, image.Image) {
		b.SetMeta("ruled.jpg", meta)
		s := newSite(t, b, Options{}, h, deaf)
		m, _ := picture(t, s.get(path))
		return s, m
	}
	equal := func(what string, a, b image.Image, want bool) {
		t.Helper()
		if same := string(pngFile(t, a)) == string(pngFile(t, b)); same != want {
			t.Errorf("%s: equal pictures is %v; want %v", what, same, want)
		}
	}
	none := storage.Meta{}
	_, plain := see(none, "/h/ruled.jpg?w=50&h=100")
	_, padded := see(none, "/h/ruled.jpg?w=100&h=100&fit=pad")
	_, left := see(none, "/h/ruled.jpg?w=50&h=100&g=fp:0.1:0.5")
	_, right := see(none, "/h/ruled.jpg?w=50&h=100&g=e")
	equal("two gravities", left, right, false)
	for _, focal := range []string{"0.1,0.5", "0.1:0.5", " 0.1 , 0.5", "fp:0.1:0.5"} {
		s, m := see(storage.Meta{Focal: focal}, "/h/ruled.jpg?w=50&h=100")
		equal("focal "+focal, m, left, true)
		m, _ = picture(t, s.get("/h/ruled.jpg?w=50&h=100&g=e"))
		equal("the URL against focal "+focal, m, right, true)
		for _, g := range []string{"center", "fp:0.5:0.5"} {
			m, _ = picture(t, s.get("/h/ruled.jpg?w=50&h=100&g="+g))
			equal(g+" in the URL against focal "+focal, m, plain, true)
		}
		m, _ = picture(t, s.get("/h/ruled.jpg?w=100&h=100&fit=pad"))
		equal("a picture that is padded against focal "+focal, m, padded, true)
		m, _ = picture(t, s.get("/deaf/ruled.jpg?w=50&h=100"))
		equal("no object_rules against focal "+focal, m, plain, true)
	}
	_, m := see(storage.Meta{Focal: "somewhere", Crop: "1,2", Quality: "best", Watermark: "nobody"}, "/h/ruled.jpg?w=50&h=100")
	equal("rules that cannot be read", m, plain, true)
	s, m := see(storage.Meta{Crop: "0,0,100,50%"}, "/h/ruled.jpg?crop=0,0,100%25,100%25")
	if m.Bounds().Size() != image.Pt(400, 300) {
		t.Errorf("the whole picture in the URL against crop: %v; want 400 by 300", m.Bounds().Size())
	}
	m, _ = picture(t, s.get("/h/ruled.jpg"))
	if m.Bounds().Size() != image.Pt(100, 150) {
		t.Errorf("crop: %v; want 100 by 150", m.Bounds().Size())
	}
	_, m = see(storage.Meta{Watermark: "m"}, "/h/ruled.jpg?w=100&h=100")
	if middle(m) != blue {
		t.Errorf("watermark: the middle is %v; want blue", middle(m))
	}
	s, m = see(storage.Meta{Watermark: "m"}, "/h/ruled.jpg?w=100&h=100&wm=none&wms=50")
	if middle(m) == blue {
		t.Error("wm=none does not win over the object's watermark")
	}
	if m, _ := picture(t, s.get("/h/ruled.jpg?w=100&h=100")); middle(m) != blue {
		t.Error("wm=none and no wm share a result")
	}
	see(none, "/deaf/ruled.jpg?w=100&h=100")
	if r := s.get("/deaf/ruled.jpg?w=100&h=100&wm=none"); r.StatusCode != 200 {
		t.Errorf("wm=none without object_rules: status %d; want 200", r.StatusCode)
	}
	_, m = see(storage.Meta{Watermark: "none"}, "/h/ruled.jpg?w=100&h=100")
	if middle(m) == blue {
		t.Error("an object that names no watermark has one")
	}
	b.SetMeta("ruled.jpg", storage.Meta{Watermark: "gone"})
	if r := newSite(t, b, Options{}, h).get("/h/ruled.jpg?w=100&h=100"); r.StatusCode != 500 {
		t.Errorf("a watermark that cannot be read: status %d; want 500", r.StatusCode)
	}
	small, large := 0, 0
	for quality, n := range map[string]*int{"10": &small, "95": &large} {
		b.SetMeta("ruled.jpg", storage.Meta{Quality: quality})
		*n = len(body(t, newSite(t, b, Options{}, h).get("/h/ruled.jpg?w=300&f=jpg")))
	}
	if small >= large {
		t.Errorf("quality 10 has %d bytes, 95 has %d", small, large)
	}
}

// No parameter of delivery takes a name that sites append to any URL.
func TestNoPolicyHasAHabitualName(t *testing.T) {
	for _, p := range Params() {
		if strings.Contains(" v r p e b i s _ ts cb fbclid ", " "+p.Name+" ") || strings.HasPrefix(p.Name, "utm_") {
			t.Errorf("parameter %q has a name that sites append to any URL", p.Name)
		}
	}
}

func TestDeliveryIsNotInTheKey(t *testing.T) {
	s := newSite(t, bucket(t), Options{}, HandlerConfig{Cache: CacheConfig{MemoryMB: 1}, Presets: map[string]string{"a": "w=50"}})
	s.get("/h/photo.jpg?w=50")
	for _, query := range []string{"?w=50&g=center", "?w=50&dl=x", "?w=50&maxage=3", "?w=50&t=x", "?preset=a", "?preset=a&dl=y"} {
		if got := s.get("/h/photo.jpg" + query).Header.Get("Cache-Status"); !strings.Contains(got, "hit") {
			t.Errorf("%s: Cache-Status: %s; want a hit", query, got)
		}
	}
	if resize.KnownParam(config.DownloadParam) || resize.KnownParam(config.PresetParam) {
		t.Error("a parameter of delivery is one of pixels")
	}
}
