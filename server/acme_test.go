package server

import (
	"encoding/pem"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// acmeConfig asks an authority that is not there.
func acmeConfig(folder string, hosts ...string) map[string]any {
	return map[string]any{
		"http_port": 1, "https_port": 2, "https_enabled": true,
		"acme": map[string]any{"hosts": hosts, "accept_terms": true, "cache": folder, "directory_url": "https://127.0.0.1:1/dir"},
	}
}

// wantLogged waits for a line that has all texts.
func (f *fileService) wantLogged(texts ...string) {
	f.t.Helper()
	for deadline := time.Now().Add(patience); ; time.Sleep(10 * time.Millisecond) {
		for line := range strings.Lines(f.log.String()) {
			all := true
			for _, text := range texts {
				all = all && strings.Contains(line, text)
			}
			if all {
				return
			}
		}
		if time.Now().After(deadline) {
			f.t.Fatalf("no line with %q:\n%s", texts, f.log)
		}
	}
}

// Hosts that a reload brings get their certificates before a client comes.
func TestACMEReload(t *testing.T) {
	folder := t.TempDir()
	f := startFileService(t, acmeConfig(folder, "a.example.test"))
	f.config["acme"] = acmeConfig(folder, "b.example.test")["acme"]
	f.write()
	f.v.reload()
	f.wantLogged("no certificate from the authority", "kind=b.example.test")
	if strings.Contains(f.log.String(), "kind=a.example.test") {
		t.Errorf("the hosts of before were asked for:\n%s", f.log)
	}
}

// A reload while certificates are fetched ahead stops that for no host.
func TestACMEReloadWhileFetching(t *testing.T) {
	asked, answer := make(chan struct{}, 100), make(chan struct{})
	authority := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		asked <- struct{}{}
		<-answer
		w.WriteHeader(http.StatusForbidden) // it is not asked again
	}))
	t.Cleanup(authority.Close)
	folder := t.TempDir()
	ca := filepath.Join(folder, "ca.pem")
	if err := os.WriteFile(ca, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: authority.Certificate().Raw}), 0o600); err != nil {
		t.Fatal(err)
	}
	config := acmeConfig(folder, "a.example.test", "b.example.test", "c.example.test")
	settings := config["acme"].(map[string]any)
	settings["directory_url"], settings["ca_file"] = authority.URL, ca
	f := startFileService(t, config)
	old := f.v.current.Load()
	old.startAuthority()
	<-asked // it is at the first host
	f.config["hsts"] = 60
	f.write()
	f.v.reload()
	if now := f.v.current.Load(); now == old || now.authority != old.authority {
		t.Fatal("the reload did not keep the authority")
	}
	f.v.draining.Wait() // the old Server is closed
	close(answer)
	f.wantLogged("no certificate from the authority", "kind=c.example.test")
}

// What cannot be kept is told of, and no client sees where it should have been.
func TestACMEFolder(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "a-secret-place")
	if err := os.WriteFile(folder, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	f := startFileService(t, acmeConfig(folder, "a.example.test"))
	s := f.v.current.Load()
	cache := s.authority.Manager.Cache
	if err := cache.Put(t.Context(), "a.example.test", []byte("a secret key")); err == nil {
		t.Fatal("Put into a file that is no folder: no error")
	}
	f.wantLogged("level=ERROR", "acme.cache cannot be written", "a-secret-place")
	for _, token := range []string{"x", strings.Repeat("x", 1000)} {
		w := httptest.NewRecorder()
		s.plainHTTP().ServeHTTP(w, httptest.NewRequest("GET", "http://a.example.test/.well-known/acme-challenge/"+token, nil))
		if w.Code != http.StatusNotFound || strings.Contains(w.Body.String(), "a-secret-place") {
			t.Errorf("a token of %d bytes: %d, %q; want 404 without the place", len(token), w.Code, w.Body)
		}
	}
	f.wantLogged("level=ERROR", "acme.cache cannot be read", "a-secret-place")
	if strings.Contains(f.log.String(), "a secret key") {
		t.Errorf("the log has the key:\n%s", f.log)
	}
}
