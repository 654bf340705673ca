package doctor

import (
	"crypto"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"s3imageserver/server/access/accesstest"
	"s3imageserver/server/config"
)

// finds reports whether a doctor has found that, and nothing worse.
func finds(t *testing.T, what string, d *doctor, level, about, words string) {
	t.Helper()
	rank := map[string]int{FindingOK: 0, FindingNote: 1, FindingWarning: 2, FindingFault: 3}
	found := false
	for _, f := range d.findings {
		found = found || f.Level == level && f.About == about && strings.Contains(f.Text, words)
		if rank[f.Level] > rank[level] {
			t.Errorf("%s: also %+v", what, f)
		}
	}
	if !found {
		t.Errorf("%s: no %s about %s with %q: %+v", what, level, about, words, d.findings)
	}
}

// What is wrong with a certificate is said before clients say it.
func TestDoctorOfCertificates(t *testing.T) {
	keys := accesstest.Keys()
	day := 24 * time.Hour
	authority := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "an authority"}, IsCA: true, BasicConstraintsValid: true}
	for _, tt := range []struct {
		name         string
		from, until  time.Duration // from now
		key          crypto.Signer
		parent       *x509.Certificate // nil: itself
		hosts        []string
		mode         os.FileMode // of the key
		level, about string
		words        string
	}{
		{"a good one", -day, 90 * day, keys.P256, nil, nil, 0o600, FindingOK, "https_cert", "is good until " + time.Now().Add(90*day).UTC().Format(time.DateOnly)},
		{"one that has ended", -90 * day, -2 * day, keys.P256, nil, nil, 0o600, FindingFault, "https_cert", "ended on " + time.Now().Add(-2*day).UTC().Format(time.DateOnly)},
		{"one that ends soon", -90 * day, 10*day + time.Hour, keys.P256, nil, nil, 0o600, FindingWarning, "https_cert", "in 10 days: renew it"},
		{"one that has not begun", 2 * day, 90 * day, keys.P256, nil, nil, 0o600, FindingFault, "https_cert", "or is this machine's clock wrong?"},
		{"one for another host", -day, 90 * day, keys.P256, nil, []string{"img.example", "other.example"}, 0o600, FindingFault, "hosts", "is not for other.example, only for img.example, *.sub.example"},
		{"one for these hosts", -day, 90 * day, keys.P256, nil, []string{"img.example", "*.sub.example"}, 0o600, FindingOK, "https_cert", "is good"},
		{"a weak key", -day, 90 * day, keys.Small, nil, nil, 0o600, FindingWarning, "https_key", "only 1024 bits"},
		{"without that of the authority", -day, 90 * day, keys.P256, authority, nil, 0o600, FindingWarning, "https_cert", "without that of CN=an authority"},
		{"a key that all can read", -day, 90 * day, keys.P256, nil, nil, 0o644, FindingWarning, "https_key", "can read"},
	} {
		folder := t.TempDir()
		certFile, keyFile := filepath.Join(folder, "tls.crt"), filepath.Join(folder, "tls.key")
		template := &x509.Certificate{SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: "img.example"}, DNSNames: []string{"img.example", "*.sub.example"},
			NotBefore: time.Now().Add(tt.from), NotAfter: time.Now().Add(tt.until)}
		parent, signer := template, tt.key
		if tt.parent != nil {
			parent, signer = tt.parent, keys.P384
		}
		der, err := x509.CreateCertificate(rand.Reader, template, parent, tt.key.Public(), signer)
		if err != nil {
			t.Fatal(err)
		}
		private, err := x509.MarshalPKCS8PrivateKey(tt.key)
		if err != nil {
			t.Fatal(err)
		}
		for file, block := range map[string]*pem.Block{certFile: {Type: "CERTIFICATE", Bytes: der}, keyFile: {Type: "PRIVATE KEY", Bytes: private}} {
			if err := os.WriteFile(file, pem.EncodeToMemory(block), tt.mode); err != nil {
				t.Fatal(err)
			}
		}
		d := &doctor{config: &config.Config{HTTPSEnabled: true, HTTPSCert: certFile, HTTPSKey: keyFile, Hosts: tt.hosts}}
		d.certificate()
		finds(t, tt.name, d, tt.level, tt.about, tt.words)
	}
}

// How fast a disk is, and what is free of it, whatever the one of this machine.
func TestDoctorOfDisks(t *testing.T) {
	const mb = 1 << 20
	for _, tt := range []struct {
		name        string
		took        time.Duration
		free, total int64 // MB
		cache       config.CacheConfig
		level       string
		words       string
	}{
		{"a good one", 20 * time.Millisecond, 5000, 10000, config.CacheConfig{}, FindingOK, "at 200 MB a second"},
		{"how much is free", 20 * time.Millisecond, 5000, 10000, config.CacheConfig{}, FindingOK, "5000 MB of the disk are free (50 %)"},
		{"a slow one", 4 * time.Second, 5000, 10000, config.CacheConfig{}, FindingWarning, "the disk of /cache is slow: 1.0 MB a second"},
		{"a full one", 20 * time.Millisecond, 900, 10000, config.CacheConfig{}, FindingWarning, "9.0 % of the disk are free, and 10 % stay free: nothing can be kept"},
		{"one that is full by its own bound", 20 * time.Millisecond, 4000, 10000, config.CacheConfig{MinFree: 0.5}, FindingWarning, "40.0 % of the disk are free, and 50 % stay free"},
		{"one that is nearly full", 20 * time.Millisecond, 90, 10000, config.CacheConfig{DiskMB: 1000}, FindingWarning, "only 90 MB"},
		{"one that is smaller than the bound", 20 * time.Millisecond, 5000, 10000, config.CacheConfig{DiskMB: 20000}, FindingWarning, "the whole disk has 10000 MB"},
		{"one with a bound that fits", 20 * time.Millisecond, 900, 10000, config.CacheConfig{DiskMB: 800}, FindingOK, "900 MB of the disk are free"},
	} {
		d := &doctor{config: &config.Config{}}
		d.speed("cache_path", "/cache", tt.took)
		d.space("cache_path", tt.free*mb, tt.total*mb, tt.cache)
		finds(t, tt.name, d, tt.level, "cache_path", tt.words)
	}
}

// Web servers with every kind of fault.
func TestDoctorOfOrigins(t *testing.T) {
	photo := []byte("a picture")
	down := httptest.NewServer(nil)
	down.Close()
	for _, tt := range []struct {
		name, level, words string
		answer             http.HandlerFunc // nil: it is down
	}{
		{"all is well", FindingOK, "answers", http.NotFound},
		{"a picture of every name", FindingWarning, "has a picture of every name", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(photo) }},
		{"it forbids", FindingWarning, "status 403); perhaps it forbids everything", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusForbidden) }},
		{"it is in trouble", FindingFault, "500", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusInternalServerError) }},
		{"it is not HTTP", FindingFault, "malformed HTTP", func(w http.ResponseWriter, _ *http.Request) {
			conn, _, err := w.(http.Hijacker).Hijack()
			if err == nil {
				_, _ = conn.Write([]byte("SSH-2.0-OpenSSH_9.2\r\n")) // the client sees what came
				_ = conn.Close()
			}
		}},
		{"it leads elsewhere", FindingWarning, "redirect", func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "http://elsewhere.example/x.jpg", http.StatusFound)
		}},
		{"it is down", FindingFault, "connection refused", nil},
	} {
		url := down.URL
		if tt.answer != nil {
			web := httptest.NewServer(tt.answer)
			defer web.Close()
			url = web.URL
		}
		c := &config.Config{Handlers: []config.HandlerConfig{{Name: "h", Source: config.SourceConfig{URL: url + "/", Networks: []string{"127.0.0.0/8"}}}}}
		if err := c.Validate(); err != nil {
			t.Fatal(err)
		}
		d := &doctor{config: c}
		d.sources(t.Context(), 0)
		finds(t, tt.name, d, tt.level, "handlers.0.source.url", tt.words)
	}
}

// Which handlers are open to everybody, for anything.
func TestDoctorOfPublicHandlers(t *testing.T) {
	signed := &config.AuthConfig{HMAC: &config.HMACConfig{Keys: []config.SigningKey{{ID: "a", Secret: "a secret of sixteen bytes"}}}}
	for _, tt := range []struct {
		name    string
		handler config.HandlerConfig
		all     *config.AuthConfig // of the server
		note    bool
	}{
		{"no bound at all", config.HandlerConfig{}, nil, true},
		{"signed URLs", config.HandlerConfig{Auth: signed}, nil, false},
		{"signed URLs of the server", config.HandlerConfig{}, signed, false},
		{"open in spite of them", config.HandlerConfig{Auth: &config.AuthConfig{Open: true}}, signed, true},
		{"presets only", config.HandlerConfig{PresetsOnly: true}, nil, false},
		{"steps", config.HandlerConfig{BoundsConfig: config.BoundsConfig{Snap: true}}, nil, false},
		{"a list of sizes", config.HandlerConfig{BoundsConfig: config.BoundsConfig{AllowedSizes: []string{"100"}}}, nil, false},
		{"a bound on misses", config.HandlerConfig{BoundsConfig: config.BoundsConfig{Misses: config.Rate{PerSecond: 1}}}, nil, false},
	} {
		d := &doctor{config: &config.Config{Auth: tt.all, Handlers: []config.HandlerConfig{tt.handler}}}
		d.public()
		if got := len(d.findings) == 1; got != tt.note {
			t.Errorf("%s: %+v; want a note: %v", tt.name, d.findings, tt.note)
		}
	}
}

// Keys of tokens that cannot be had keep everybody out.
func TestDoctorOfTokenKeys(t *testing.T) {
	set := accesstest.JWKS(t, map[string]any{"a": &accesstest.Keys().RSA.PublicKey, "b": &accesstest.Keys().P256.PublicKey})
	for _, tt := range []struct {
		name, level, words string
		status             int
		body               string
	}{
		{"a set", FindingOK, "answers with 2 keys", 200, set},
		{"no set", FindingFault, "no token can be checked: ", 200, "<html>"},
		{"a set without keys", FindingFault, "none of the 0 keys", 200, `{"keys": []}`},
		{"trouble", FindingFault, "the answer is 502", 502, ""},
	} {
		web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(tt.status)
			fmt.Fprint(w, tt.body)
		}))
		defer web.Close()
		j := &config.AuthConfig{JWT: &config.JWTConfig{JWKSURL: web.URL}}
		d := &doctor{config: &config.Config{Auth: j, Handlers: []config.HandlerConfig{{Prefix: "same", Auth: j}, {Prefix: "none"}}}}
		d.tokenKeys(t.Context())
		finds(t, tt.name, d, tt.level, "auth.jwt.jwks_url", tt.words)
		if len(d.findings) != 1 {
			t.Errorf("%s: %+v; want one finding", tt.name, d.findings)
		}
	}
}
