package server

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"io"
	"log/slog"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"s3imageserver/server/config"
	"s3imageserver/storage"
	"s3imageserver/testserver"
)

// writeCertificate makes a self-signed certificate for host.
func writeCertificate(t *testing.T, certFile, keyFile, host string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	serial, err := rand.Int(rand.Reader, big.NewInt(1<<62))
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: serial, Subject: pkix.Name{CommonName: host}, DNSNames: []string{host},
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	keyDER, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	for file, block := range map[string]*pem.Block{certFile: {Type: "CERTIFICATE", Bytes: der}, keyFile: {Type: "PRIVATE KEY", Bytes: keyDER}} {
		if err := os.WriteFile(file, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// startServer runs ListenAndServe until the test ends, and returns its log and
// a channel with its result.
func startServer(t *testing.T, c *Config) (*syncBuffer, <-chan error) {
	t.Helper()
	c.Listen = "127.0.0.1"
	ctx, cancel := context.WithCancel(context.Background())
	log := new(syncBuffer)
	result := make(chan error, 1)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		result <- ListenAndServe(ctx, c, Options{Log: slog.New(slog.NewTextHandler(log, nil))})
	}()
	t.Cleanup(func() { cancel(); <-ended })
	deadline := time.Now().Add(patience)
	for !strings.Contains(log.String(), "listening") {
		if time.Now().After(deadline) {
			t.Fatalf("not listening: %s", log)
		}
		time.Sleep(time.Millisecond)
	}
	return log, result
}

type syncBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *syncBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *syncBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}

// insecure is a client that takes any certificate and follows no redirect.
func insecure(version uint16) *http.Client {
	return &http.Client{
		Transport:     &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true, MaxVersion: version}, ForceAttemptHTTP2: true, DisableKeepAlives: true},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Timeout:       patience,
	}
}

// A10: HTTPS with HTTP/2 and TLS 1.2 at least; the certificate is read again
// when it changes, and a broken one leaves the old.
func TestHTTPS(t *testing.T) {
	folder := t.TempDir()
	certFile, keyFile := filepath.Join(folder, "bundle.crt"), filepath.Join(folder, "cert.key")
	writeCertificate(t, certFile, keyFile, "first.example")
	c := &Config{
		Handlers: []HandlerConfig{{Name: "h", Bucket: bucket(t)}}, HTTPPort: testserver.Port(t), HTTPSPort: testserver.Port(t),
		HTTPSEnabled: true, HTTPSStrict: true, HTTPSCert: certFile, HTTPSKey: keyFile,
	}
	log, _ := startServer(t, c)
	address := "https://127.0.0.1:" + strconv.Itoa(c.HTTPSPort) + "/h/photo.jpg?w=50"

	r, err := insecure(0).Get(address)
	if err != nil {
		t.Fatal(err)
	}
	r.Body.Close()
	if r.StatusCode != 200 || r.ProtoMajor != 2 || r.TLS.PeerCertificates[0].Subject.CommonName != "first.example" {
		t.Errorf("GET = %d by HTTP/%d from %s", r.StatusCode, r.ProtoMajor, r.TLS.PeerCertificates[0].Subject)
	}
	if _, err := insecure(tls.VersionTLS11).Get(address); err == nil {
		t.Error("TLS 1.1 was accepted")
	}
	plain, err := insecure(0).Get("http://127.0.0.1:" + strconv.Itoa(c.HTTPPort) + "/h/photo.jpg?w=50")
	if err != nil {
		t.Fatal(err)
	}
	plain.Body.Close()
	if plain.StatusCode != 301 || plain.Header.Get("Location") != address {
		t.Errorf("plain HTTP = %d, Location %q; want 301 to %q", plain.StatusCode, plain.Header.Get("Location"), address)
	}

	writeCertificate(t, certFile, keyFile, "second.example")
	waitFor(t, func() bool { return commonName(t, address) == "second.example" })
	if err := os.WriteFile(certFile, []byte("broken"), 0o600); err != nil {
		t.Fatal(err)
	}
	waitFor(t, func() bool { commonName(t, address); return strings.Contains(log.String(), "not reloaded") })
	if name := commonName(t, address); name != "second.example" {
		t.Errorf("after a broken certificate: %s; want the one before", name)
	}
}

func commonName(t *testing.T, address string) string {
	t.Helper()
	r, err := insecure(0).Get(address)
	if err != nil {
		t.Fatal(err)
	}
	r.Body.Close()
	return r.TLS.PeerCertificates[0].Subject.CommonName
}

func waitFor(t *testing.T, condition func() bool) {
	t.Helper()
	deadline := time.Now().Add(patience)
	for !condition() {
		if time.Now().After(deadline) {
			t.Fatalf("did not happen within %v", patience)
		}
		time.Sleep(50 * time.Millisecond)
	}
}

// A10 and K10: where plain HTTP is sent.
func TestStrictRedirect(t *testing.T) {
	tests := []struct {
		name, method, host, target string
		port                       int
		hosts                      []string
		status                     int
		location                   string
	}{
		{"the port is removed", "GET", "img.example:80", "/h/a.jpg?w=1", 443, nil, 301, "https://img.example/h/a.jpg?w=1"},
		{"the HTTPS port is added", "GET", "img.example", "/h/a.jpg", 8443, nil, 301, "https://img.example:8443/h/a.jpg"},
		{"HEAD", "HEAD", "img.example", "/", 443, nil, 301, "https://img.example/"},
		{"another method keeps itself", "POST", "img.example", "/h/a.jpg", 443, nil, 308, "https://img.example/h/a.jpg"},
		{"escapes stay", "GET", "img.example", "/h/%2e%2e%2fx%0d%0aY:1.jpg?a=%0d", 443, nil, 301, "https://img.example/h/%2e%2e%2fx%0d%0aY:1.jpg?a=%0d"},
		{"two slashes are no host", "GET", "img.example", "//evil.example/x", 443, nil, 301, "https://img.example/evil.example/x"},
		{"absolute form: path and query only", "GET", "img.example", "http://evil.example/x?y", 443, []string{"img.example"}, 421, ""},
		{"IPv6", "GET", "[::1]:80", "/x", 443, nil, 301, "https://[::1]/x"},
		{"IPv6 with a port", "GET", "[::1]", "/x", 8443, nil, 301, "https://[::1]:8443/x"},
		{"an allowed host", "GET", "IMG.example", "/x", 443, []string{"img.example"}, 301, "https://IMG.example/x"},
		{"an allowed sub-domain", "GET", "a.img.example", "/x", 443, []string{"*.img.example"}, 301, "https://a.img.example/x"},
		{"no sub-domain", "GET", "evilimg.example", "/x", 443, []string{"*.img.example"}, 421, ""},
		{"a host that is not allowed", "GET", "evil.example", "/x", 443, []string{"img.example"}, 421, ""},
		{"no host", "GET", "", "/x", 443, nil, 421, ""},
		{"a host that is none", "GET", "evil.example/path", "/x", 443, nil, 421, ""},
		{"user info", "GET", "img.example@evil.example", "/x", 443, nil, 421, ""},
	}
	for _, tt := range tests {
		s := &Server{config: &Config{HTTPSPort: tt.port, Hosts: tt.hosts}, log: slog.Default()}
		r := httptest.NewRequest(tt.method, tt.target, nil)
		if r.URL.Host == "" {
			r.Host = tt.host
		}
		w := httptest.NewRecorder()
		s.redirect(w, r)
		if w.Code != tt.status || w.Header().Get("Location") != tt.location {
			t.Errorf("%s: %d to %q; want %d to %q", tt.name, w.Code, w.Header().Get("Location"), tt.status, tt.location)
		}
	}
}

func FuzzRedirect(f *testing.F) {
	f.Add("img.example", "/a?b")
	f.Add("[::1]:80", "//x")
	f.Fuzz(func(t *testing.T, host, path string) {
		s := &Server{config: &Config{HTTPSPort: 443, Hosts: []string{"img.example"}}, log: slog.Default()}
		r := httptest.NewRequest("GET", "/", nil)
		r.Host, r.URL.Path = host, path
		w := httptest.NewRecorder()
		s.redirect(w, r)
		if l := w.Header().Get("Location"); l != "" && !strings.HasPrefix(strings.ToLower(l), "https://img.example/") && !strings.HasPrefix(strings.ToLower(l), "https://img.example./") {
			t.Errorf("Host %q, path %q: redirected to %q", host, path, l)
		}
	})
}

// SIGTERM lets running requests end, refuses new ones, and is no error.
func TestShutdown(t *testing.T) {
	slow := &slowBucket{Bucket: bucket(t), entered: make(chan struct{}), release: make(chan struct{})}
	c := &Config{Handlers: []HandlerConfig{{Name: "h", Bucket: slow}}, HTTPPort: testserver.Port(t)}
	log, result := startServer(t, c)
	address := "http://127.0.0.1:" + strconv.Itoa(c.HTTPPort) + "/h/photo.jpg"
	answer := make(chan error, 1)
	go func() {
		r, err := http.Get(address)
		if err == nil {
			_, err = new(bytes.Buffer).ReadFrom(r.Body)
			r.Body.Close()
			if r.StatusCode != 200 {
				err = errors.Join(err, errors.New(r.Status))
			}
		}
		answer <- err
	}()
	<-slow.entered
	self, err := os.FindProcess(os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	if err := self.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	waitFor(t, func() bool { return strings.Contains(log.String(), "shutting down") })
	waitFor(t, func() bool { _, err := insecure(0).Get(address); return err != nil })
	close(slow.release)
	if err := <-answer; err != nil {
		t.Errorf("a request that was running at SIGTERM: %v", err)
	}
	select {
	case err := <-result:
		if err != nil {
			t.Errorf("ListenAndServe = %v; want nil", err)
		}
	case <-time.After(config.Seconds(config.DefaultShutdownSeconds) + patience):
		t.Error("ListenAndServe did not return")
	}
}

// A server that is told to end is not ready, but answers everything until
// shutdown_delay is over, each answer being the last one of its connection.
func TestShutdownDelay(t *testing.T) {
	c := &Config{
		Handlers: []HandlerConfig{{Name: "h", Bucket: bucket(t)}}, Listen: "127.0.0.1", HTTPPort: testserver.Port(t),
		ReadyPath: "/readyz", HealthPath: "/healthz", ShutdownDelay: 5, ShutdownSeconds: 60,
	}
	v, err := newService(c, Options{Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	delays, over := make(chan time.Duration, 1), make(chan time.Time)
	v.after = func(d time.Duration) <-chan time.Time {
		delays <- d
		return over
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- v.serve(ctx) }()
	client := &http.Client{Transport: &http.Transport{}}
	defer client.CloseIdleConnections()
	get := func(path string) (status int, last bool) {
		r, err := client.Get("http://127.0.0.1:" + strconv.Itoa(c.HTTPPort) + path)
		if err != nil {
			return 0, false
		}
		_, err = io.Copy(io.Discard, r.Body)
		r.Body.Close()
		if err != nil {
			return 0, false
		}
		return r.StatusCode, r.Close
	}
	waitFor(t, func() bool { status, _ := get("/readyz"); return status == 200 })
	if status, last := get("/h/photo.jpg?w=20"); status != 200 || last {
		t.Errorf("before: %d, closed %t", status, last)
	}
	cancel()
	if d := <-delays; d != 5*time.Second {
		t.Errorf("shutdown_delay lasts %v; want 5 s", d)
	}
	for range 3 { // as load balancers poll
		if status, _ := get("/readyz"); status != 503 {
			t.Errorf("/readyz during the delay = %d; want 503", status)
		}
		if status, _ := get("/healthz"); status != 200 {
			t.Errorf("/healthz during the delay = %d; want 200: nobody is to kill it", status)
		}
		if status, last := get("/h/photo.jpg?w=21"); status != 200 || !last {
			t.Errorf("a picture during the delay: %d, connection closed %t; want 200 and closed", status, last)
		}
	}
	close(over)
	if err := <-ended; err != nil {
		t.Errorf("serve = %v; want nil", err)
	}
	if status, _ := get("/healthz"); status != 0 {
		t.Errorf("after the delay: %d; want that nobody listens", status)
	}
}

func TestShutdownFaults(t *testing.T) {
	c := &Config{Handlers: []HandlerConfig{{Name: "h", Bucket: bucket(t)}}, ShutdownDelay: -1, ShutdownSeconds: 4000}
	err := c.Validate()
	for _, want := range []string{"shutdown_delay: -1 is not", "shutdown_seconds: 4000 is not"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("Validate: %v; want a fault with %q", err, want)
		}
	}
	c.ShutdownDelay, c.ShutdownSeconds = 0, 0
	if err := c.Validate(); err != nil || c.ShutdownSeconds != 8 {
		t.Errorf("Validate: %v; shutdown_seconds is %d; want 8", err, c.ShutdownSeconds)
	}
}

// slowBucket says when Get was entered, and waits for release in it.
type slowBucket struct {
	storage.Bucket
	once             sync.Once
	entered, release chan struct{}
}

func (b *slowBucket) Get(ctx context.Context, name string) (*storage.Object, error) {
	b.once.Do(func() { close(b.entered) })
	<-b.release
	return b.Bucket.Get(ctx, name)
}

func TestPortTaken(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	c := &Config{Handlers: []HandlerConfig{{Name: "h", Bucket: bucket(t)}}, Listen: "127.0.0.1", HTTPPort: l.Addr().(*net.TCPAddr).Port}
	if err := ListenAndServe(t.Context(), c, Options{}); err == nil || !strings.Contains(err.Error(), "http_port") {
		t.Errorf("ListenAndServe on a taken port = %v", err)
	}
}
