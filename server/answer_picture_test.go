package server

import (
	"crypto/tls"
	"errors"
	"io"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strconv"
	"testing"

	"golang.org/x/crypto/acme"

	"s3imageserver/server/listen"
)

// A range in a unit that is not known is ignored (RFC 9110, section 14.2); what
// is refused says nothing of how old the picture is.
func TestRanges(t *testing.T) {
	s := newSite(t, bucket(t), Options{}, HandlerConfig{Cache: CacheConfig{MemoryMB: 1}})
	const target = "/h/photo.jpg?w=40"
	whole := body(t, s.get(target))
	for ranges, want := range map[string]struct{ status, length int }{
		"bytes=0-9": {206, 10}, "Bytes=0-9": {206, 10}, "BYTES=-5": {206, 5}, "bytes=0-": {206, len(whole)},
		"items=0-1": {200, len(whole)}, "none": {200, len(whole)}, "seconds=1-2": {200, len(whole)}, "=0-1": {200, len(whole)},
		"bytes=100000-": {416, -1}, "bytes=x": {416, -1},
	} {
		r := s.get(target, "Range", ranges)
		data := body(t, r)
		if r.StatusCode != want.status || want.length >= 0 && len(data) != want.length {
			t.Errorf("Range %q: %d with %d bytes; want %d with %d", ranges, r.StatusCode, len(data), want.status, want.length)
		}
		if refused := r.StatusCode == 416; refused && (r.Header.Get("Age") != "" || r.Header.Get("Cache-Control") != "no-store") || !refused && r.Header.Get("Age") == "" {
			t.Errorf("Range %q: %d with Age %q, Cache-Control %q", ranges, r.StatusCode, r.Header.Get("Age"), r.Header.Get("Cache-Control"))
		}
	}
}

// What is not answered is told of by what is (RFC 9110, section 15.5.6).
func TestAllow(t *testing.T) {
	s := newSite(t, bucket(t), Options{}, HandlerConfig{}, HandlerConfig{Prefix: "cors", Headers: HeadersConfig{CORS: []string{"https://a.example"}}})
	for target, want := range map[string]string{"/h/photo.jpg": "GET, HEAD", "/cors/photo.jpg": "GET, HEAD, OPTIONS"} {
		if r := s.do("POST", target); r.StatusCode != 405 || r.Header.Get("Allow") != want {
			t.Errorf("POST %s: %d, Allow %q; want 405, %q", target, r.StatusCode, r.Header.Get("Allow"), want)
		}
	}
}

// brokenWriter panics when the body is written.
type brokenWriter struct {
	http.ResponseWriter
	with any
}

func (w brokenWriter) Write([]byte) (int, error) { panic(w.with) }

// A panic after the header ends the connection: a client must not take what came
// for the whole. One that wants to end it does so before the header too.
func TestPanicsInAnswers(t *testing.T) {
	s := newSite(t, bucket(t), Options{})
	for _, with := range []any{"boom", http.ErrAbortHandler} {
		func() {
			defer func() {
				if v := recover(); v != http.ErrAbortHandler {
					t.Errorf("a panic with %v after the header becomes one with %v; want http.ErrAbortHandler", with, v)
				}
			}()
			s.server.ServeHTTP(brokenWriter{httptest.NewRecorder(), with}, httptest.NewRequest("GET", "/h/photo.jpg?w=40", nil))
		}()
	}
	aborts := newSite(t, bucket(t), Options{Verify: func(string) bool { panic(http.ErrAbortHandler) }})
	server := httptest.NewServer(aborts.server)
	defer server.Close()
	if r, err := http.Get(server.URL + "/h/photo.jpg?t=x"); !errors.Is(err, io.EOF) {
		t.Errorf("a handler that ends the connection: %v, %v; want that it ends", r, err)
	}
}

// The protocol of challenges is spoken only while certificates come from an
// authority.
func TestChallengeProtocol(t *testing.T) {
	folder := t.TempDir()
	certFile, keyFile := filepath.Join(folder, "bundle.crt"), filepath.Join(folder, "cert.key")
	writeCertificate(t, certFile, keyFile, "a.example")
	pair, err := tls.LoadX509KeyPair(certFile, keyFile)
	if err != nil {
		t.Fatal(err)
	}
	for _, asked := range []bool{false, true} {
		config := listen.TLSConfig(func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return &pair, nil }, func() bool { return asked })
		for offered, want := range map[string]string{acme.ALPNProto: map[bool]string{true: acme.ALPNProto}[asked], "h2": "h2", "http/1.1": "http/1.1"} {
			client, server := net.Pipe()
			go func() { _ = tls.Server(server, config).Handshake() }() // ends with the pipe
			c := tls.Client(client, &tls.Config{InsecureSkipVerify: true, NextProtos: []string{offered}})
			err := c.Handshake()
			if got := c.ConnectionState().NegotiatedProtocol; got != want || (err == nil) != (want != "") {
				t.Errorf("with an authority: %v: %s offered: %q, %v; want %q", asked, offered, got, err, want)
			}
			_ = client.Close()
			_ = server.Close()
		}
	}
}

// The whole of a picture, which is sent without http.ServeContent, has the header
// that http.ServeContent gives to HEAD, in memory, on disk and kept nowhere.
func TestWholeHasHeaderOfHead(t *testing.T) {
	for _, c := range []HandlerConfig{{Cache: CacheConfig{MemoryMB: 8}}, {CachePath: t.TempDir()}, {CacheEnabled: new(false)}} {
		s := newSite(t, bucket(t), Options{}, c)
		const target = "/h/photo.jpg?w=90&f=png"
		_ = body(t, s.get(target))
		for range 2 {
			whole, head := s.get(target), s.do(http.MethodHead, target)
			if n := len(body(t, whole)); n == 0 || whole.Header.Get("Content-Length") != strconv.Itoa(n) || whole.Header.Get("Accept-Ranges") != "bytes" || whole.Header.Get("Last-Modified") == "" {
				t.Errorf("%d bytes with %v", n, whole.Header)
			}
			for _, h := range []http.Header{whole.Header, head.Header} {
				h.Del("X-Request-Id")
				h.Del("Server-Timing")
			}
			if !maps.EqualFunc(whole.Header, head.Header, slices.Equal) {
				t.Errorf("GET: %v\nHEAD: %v", whole.Header, head.Header)
			}
		}
	}
}
