package server

import (
	"io"
	"net/http"
	"strings"
	"testing"
	"time"
)

// The first request of a kind that is refused is told of at once, with what to do; the
// others of the same minute are counted.
func TestRefusalsAreTold(t *testing.T) {
	s := newSite(t, bucket(t), Options{}, HandlerConfig{},
		HandlerConfig{Prefix: "signed", Auth: &AuthConfig{HMAC: &HMACConfig{Keys: []SigningKey{{ID: "k", Secret: "a secret of sixteen bytes"}}}}})
	for range 3 {
		s.get("/h/photo.heif2")
		s.get("/signed/photo.jpg?w=30")
	}
	for _, want := range []string{"kind=extension requests=1 ", "extension=.heif2", "cure=\"add the extension to allowed_formats", "kind=verification requests=1 ", "s3imageserver sign"} {
		if n := strings.Count(s.log.String(), want); n != 1 {
			t.Errorf("%q is there %d times in:\n%s", want, n, s.log)
		}
	}
	h := s.server.handlers[0]
	if n := h.refusals.note("extension", time.Now()); n != 0 {
		t.Errorf("%d are told of in the same minute", n)
	}
	if n := h.refusals.note("extension", time.Now().Add(refusalsEvery)); n != 4 {
		t.Errorf("%d are told of a minute later; want 4", n)
	}
}

// With debug a request without a picture is answered with a text that says why.
func TestDebug(t *testing.T) {
	s := newSite(t, bucket(t), Options{}, HandlerConfig{}, HandlerConfig{Prefix: "debug", Debug: true, ErrorImageAge: 60})
	for path, want := range map[string]string{
		"photo.heif2": "404 extension .heif2 is not allowed\nadd the extension",
		"missing.jpg": "404 the source has no object missing.jpg",
	} {
		if r := s.get("/h/" + path); r.StatusCode != 404 || r.ContentLength > 0 {
			t.Errorf("without debug %s is %d with %d bytes", path, r.StatusCode, r.ContentLength)
		}
		r := s.get("/debug/" + path)
		body, err := io.ReadAll(r.Body)
		if err != nil || r.StatusCode != 404 || !strings.HasPrefix(string(body), want) || r.Header.Get("Content-Type") != "text/plain; charset=utf-8" || r.Header.Get("X-Content-Type-Options") != "nosniff" || r.Header.Get("Cache-Control") != "no-store" {
			t.Errorf("%s: %d %q, %v; want %q", path, r.StatusCode, body, r.Header, want)
		}
	}
	if r := s.do(http.MethodHead, "/debug/missing.jpg"); r.StatusCode != 404 {
		t.Errorf("HEAD: %d", r.StatusCode)
	}
}
