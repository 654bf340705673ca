package server

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"s3imageserver/server/access/accesstest"
	"s3imageserver/server/dialect"
)

// tokenFor returns a header that shows a token with that claim img.
func tokenFor(t *testing.T, img map[string]any) []string {
	c := jwt.MapClaims{"exp": time.Now().Add(time.Minute).Unix(), "img": img}
	return []string{"Authorization", "Bearer " + accesstest.Mint(t, jwt.SigningMethodHS256, []byte(accesstest.Secret), c, nil)}
}

// What one token may see is not answered to another that may see less, be it
// kept or not: not a larger picture, not one without its mark, nor the file.
func TestDialectsKeepClaimsApart(t *testing.T) {
	b := bucket(t)
	b.Set("mark.png", pngFile(t, flat(20, 20, magenta)), modified)
	b.Set("a/photo.jpg", jpegFile(t, 40, 30), modified)
	b.Set("secret/photo.jpg", jpegFile(t, 40, 30), modified)
	h := speaking(dialect.Settings{Name: "imgproxy", Unsigned: true})
	h.Auth = &AuthConfig{JWT: &JWTConfig{Key: accesstest.Secret}}
	h.AuthStatus = 403
	h.Watermarks = map[string]WatermarkConfig{"logo": {Object: "mark.png"}}
	s := newSite(t, b, Options{}, h)

	const large, raw = "/_/w:200/plain/photo.jpg@png", "/_/raw:1/plain/photo.jpg"
	free, small, marked := tokenFor(t, map[string]any{}), tokenFor(t, map[string]any{"max_w": 40}), tokenFor(t, map[string]any{"wm": "logo"})
	for _, order := range [][][]string{{free, small, marked}, {marked, small, free}} {
		for range 2 { // made, then kept
			for _, token := range order {
				r := s.get(large, token...)
				m, _ := picture(t, r)
				width := m.Bounds().Dx()
				switch {
				case &token[0] == &small[0] && width > 40:
					t.Errorf("max_w of 40: the picture is %d wide", width)
				case &token[0] != &small[0] && width != 200:
					t.Errorf("the picture is %d wide; want 200", width)
				}
				if got := middle(m) == magenta; got != (&token[0] == &marked[0]) {
					t.Errorf("the mark of the claim is in the middle: %v", got)
				}
			}
		}
		if _, err := s.server.Purge(t.Context(), PurgeRequest{Handler: "/", Name: "photo.jpg"}); err != nil {
			t.Fatal(err)
		}
	}
	for range 2 {
		if r := s.get(raw, free...); r.StatusCode != http.StatusOK {
			t.Errorf("the file, of a token without a claim: %d", r.StatusCode)
		}
		for name, token := range map[string][]string{"max_w": small, "wm": marked} {
			if r := s.get(raw, token...); r.StatusCode == http.StatusOK {
				t.Errorf("the file, of a token with %s: %d", name, r.StatusCode)
			}
		}
	}
	folder := tokenFor(t, map[string]any{"prefix": "a"})
	for target, want := range map[string]int{"/_/w:20/plain/a/photo.jpg": 200, "/_/w:20/plain/secret/photo.jpg": 403} {
		if r := s.get(target, folder...); r.StatusCode != want {
			t.Errorf("%s, of a token for a: %d; want %d", target, r.StatusCode, want)
		}
	}
}

// A missing or wrong token has the status of the configuration in every dialect.
func TestDialectsRefuseTokensAsConfigured(t *testing.T) {
	for status, want := range map[StatusCode]int{0: 403, 401: 401, 404: 404} {
		h := speaking(dialect.Settings{Name: "iiif"})
		h.Auth, h.AuthStatus = &AuthConfig{JWT: &JWTConfig{Key: accesstest.Secret}}, status
		s := newSite(t, bucket(t), Options{}, h)
		r := s.get("/photo.jpg/full/max/0/default.jpg")
		if asked := r.Header.Get("WWW-Authenticate"); r.StatusCode != want || (asked == "Bearer") != (want == 401) || r.Header.Get("Cache-Control") != "no-store" {
			t.Errorf("auth_status %d: %d, %q; want %d", status, r.StatusCode, asked, want)
		}
	}
}

// A picture that may not be asked for does not lie over one that may.
func TestDialectsShowNoForbiddenOverlay(t *testing.T) {
	b := bucket(t)
	b.Set("a/photo.jpg", jpegFile(t, 40, 30), modified)
	b.Set("secret/half.png", pngFile(t, flat(20, 20, magenta)), modified)
	h := speaking(dialect.Settings{Name: "thumbor", Unsigned: true})
	h.Auth = &AuthConfig{JWT: &JWTConfig{Key: accesstest.Secret}}
	h.Blocked = []BlockedConfig{{Names: []string{"half.png"}}}
	s := newSite(t, b, Options{}, h)
	over := func(name string) string { return "/unsafe/40x30/filters:watermark(" + name + ",0,0,0)/a/photo.jpg" }
	free, folder := tokenFor(t, map[string]any{}), tokenFor(t, map[string]any{"prefix": "a"})
	if r := s.get(over("secret/half.png"), free...); r.StatusCode != http.StatusOK {
		t.Fatalf("an overlay that may be seen: %d", r.StatusCode)
	}
	if r := s.get(over("secret/half.png"), folder...); r.StatusCode == http.StatusOK {
		t.Error("a token for another folder shows it as an overlay")
	}
	if r := s.get(over("half.png"), free...); r.StatusCode != http.StatusGone {
		t.Errorf("a blocked one as an overlay: %d; want 410", r.StatusCode)
	}
}

// Nothing can be added to a URL of a dialect that was signed by us, be it what is
// a token in URLs of our own.
func TestSignedDialectsTakeNothingMore(t *testing.T) {
	for name, target := range map[string]string{"imgix": "/photo.jpg?w=40&fm=png", "weserv": "/?url=example.org/photo.jpg&w=40&h=40"} {
		h := speaking(dialect.Settings{Name: name, Unsigned: true, SourceMap: []dialect.Mapping{{From: "http://example.org/"}, {}}})
		h.Auth = &AuthConfig{HMAC: &HMACConfig{Keys: []SigningKey{{ID: "a", Secret: newSecret}}}}
		s := newSite(t, bucket(t), Options{}, h)
		signed, err := s.server.config.SignURL(target, "", time.Time{})
		if err != nil {
			t.Fatal(err)
		}
		if r := s.get(signed); r.StatusCode != http.StatusOK {
			t.Errorf("%s: %s: %d", name, signed, r.StatusCode)
		}
		path, query, _ := strings.Cut(signed, "?")
		for _, more := range []string{"t=square", "t=hello", "T=square", "%74=square", "dpr=2", "exp=4102444800", "s=1"} {
			for _, target := range []string{signed + "&" + more, path + "?" + more + "&" + query} {
				if r := s.get(target); r.StatusCode == http.StatusOK {
					t.Errorf("%s: %s is answered", name, target)
				}
			}
		}
	}
}

// A damaged picture that is shown is kept by nobody, whatever the URL is in.
func TestDamagedPicturesOfDialects(t *testing.T) {
	b := bucket(t)
	file := jpegFile(t, 400, 300)
	b.Set("photo.jpg", file[:len(file)*3/4], modified)
	b.Set("_next/static/media/photo.jpg", file[:len(file)*3/4], modified)
	for target, settings := range map[string]dialect.Settings{
		"/_/w:40/plain/photo.jpg": {Name: "imgproxy", Unsigned: true},
		"/_next/image?url=%2F_next%2Fstatic%2Fmedia%2Fphoto.jpg&w=256&q=75": {Name: "nextjs"},
	} {
		h := speaking(settings)
		h.Damaged = "show"
		s := newSite(t, b, Options{}, h)
		for range 2 {
			r := s.get(target)
			if c := r.Header.Get("Cache-Control"); r.StatusCode != http.StatusOK || c != "no-store" || !strings.Contains(r.Header.Get("Cache-Status"), "fwd=miss") {
				t.Errorf("%s: %d, %q, %q; want 200, no-store, made anew", target, r.StatusCode, c, r.Header.Get("Cache-Status"))
			}
		}
	}
}

// A purge that names no handler is none of that at the root of the site.
func TestPurgeOfNoHandler(t *testing.T) {
	for _, prefix := range []string{"/", "d"} {
		h := speaking(dialect.Settings{Name: "iiif"})
		h.Prefix = prefix
		s := newSite(t, bucket(t), Options{}, h)
		if _, err := s.server.Purge(t.Context(), PurgeRequest{All: true}); err == nil {
			t.Errorf("prefix %q: a purge of no handler is one of all", prefix)
		}
		if _, err := s.server.Purge(t.Context(), PurgeRequest{Handler: prefix, All: true}); err != nil {
			t.Errorf("prefix %q: %v", prefix, err)
		}
	}
}

// The listener for operators keeps its own paths, though a handler has all of the
// site; and no page shows the names of a handler whose dialect asks for signatures.
func TestDialectsAtTheRootLeaveTheListenerForOperators(t *testing.T) {
	h := speaking(dialect.Settings{Name: "thumbor", Secret: "a secret"})
	h.Bucket = bucket(t)
	for token, want := range map[Secret]int{"": http.StatusOK, testToken: http.StatusUnauthorized} {
		s, err := New(&Config{Playground: true, Admin: AdminConfig{Listen: "127.0.0.1:1", Token: token}, Handlers: []HandlerConfig{h}}, Options{})
		if err != nil {
			t.Fatal(err)
		}
		for path, want := range map[string]int{"/healthz": 200, "/metrics": 200, "/stats": 200, "/": want} {
			w := httptest.NewRecorder()
			r := httptest.NewRequest("GET", path, nil)
			r.Host = "localhost"
			s.adminHandler().ServeHTTP(w, r)
			if w.Code != want {
				t.Errorf("token %q: %s = %d; want %d", token, path, w.Code, want)
			}
		}
		for _, p := range []*playground{{server: s}, {server: s, operator: true}} {
			if shown := p.handlers(); len(shown) != 0 {
				t.Errorf("the playground shows %d handlers; want none", len(shown))
			}
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}
}
