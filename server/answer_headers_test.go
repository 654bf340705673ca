package server

import (
	"crypto/tls"
	"net/http/httptest"
	"testing"

	"s3imageserver/server/config"
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
