package main

import (
	"bytes"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"s3imageserver/server"
)

// The command signs URLs as the server checks them.
func TestSign(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "config.json")
	t.Setenv("SIGN_KEY", "a secret of at least 16 bytes")
	config := `{"handlers": [
		{"name": "h", "source": {"dir": "testdata/photos"}, "auth": {"hmac": {"keys": [{"id": "new", "secret": "another secret with many bytes"}, {"id": "old", "secret": "${SIGN_KEY}"}]}}},
		{"name": "open", "source": {"dir": "testdata/photos"}}], "auth_status": 403}`
	if err := os.WriteFile(file, []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	c, _, err := server.Load(file)
	if err != nil {
		t.Fatal(err)
	}
	s, err := server.New(c, server.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	get := func(target string) (status int, cacheControl string) {
		w := httptest.NewRecorder()
		s.ServeHTTP(w, httptest.NewRequest(http.MethodGet, target, nil))
		return w.Code, w.Header().Get("Cache-Control")
	}
	tests := []struct {
		name     string
		args     []string
		want     int    // status of the first URL
		contains string // in the output, or in the error
	}{
		{"with the first key", []string{"/h/still-life.jpg?w=60"}, 200, "sig="},
		{"a whole URL keeps its host", []string{"https://img.example.com/h/still-life.jpg?w=60"}, 200, "https://img.example.com/h/"},
		{"with the older key", []string{"-key", "old", "/h/still-life.jpg?w=60&fbclid=x"}, 200, "fbclid=x"},
		{"with an end", []string{"-exp", "90m", "/h/still-life.jpg"}, 200, "exp="},
		{"with an end in days", []string{"-exp", "7d", "/h/still-life.jpg"}, 200, "exp="},
		{"with a moment", []string{"-exp", "2100-01-01T00:00:00Z", "/h/still-life.jpg"}, 200, "exp=4102444800"},
		{"with one that is over", []string{"-exp", "2020-01-01T00:00:00Z", "/h/still-life.jpg"}, 403, "exp=1577836800"},
		{"signed again", []string{"/h/still-life.jpg?sig=x"}, 200, "sig="},
		{"no such key", []string{"-key", "none", "/h/still-life.jpg"}, 0, `no key "none"`},
		{"a handler without keys", []string{"/open/still-life.jpg"}, 0, "has no keys"},
		{"no handler", []string{"/nobody/still-life.jpg"}, 0, "no handler"},
		{"no name", []string{"/h/../x"}, 0, "not a valid name"},
		{"twice the same parameter", []string{"/h/still-life.jpg?w=1&w=2"}, 0, "twice"},
		{"no end", []string{"-exp", "soon", "/h/still-life.jpg"}, 0, "-exp soon"},
		{"no URL", nil, 0, "no URL"},
	}
	for _, tt := range tests {
		var out, stderr bytes.Buffer
		err := run(t.Context(), append([]string{"sign", "-c", file}, tt.args...), &out, &stderr)
		if tt.want == 0 {
			if err == nil || !strings.Contains(err.Error(), tt.contains) {
				t.Errorf("%s: %v; want an error with %q", tt.name, err, tt.contains)
			}
			continue
		}
		link := strings.TrimSpace(out.String())
		if err != nil || !strings.Contains(link, tt.contains) {
			t.Errorf("%s: %s, %v; want %s", tt.name, link, err, tt.contains)
		}
		if status, _ := get(link); status != tt.want {
			t.Errorf("%s: GET %s = %d; want %d", tt.name, link, status, tt.want)
		}
	}
	if status, _ := get("/h/still-life.jpg?w=60"); status != 403 {
		t.Errorf("without a signature: %d; want 403", status)
	}
	// What may be kept no longer than the URL lasts.
	link, err := c.SignURL("/h/still-life.jpg?w=60", "", time.Now().Add(10*time.Minute))
	if err != nil {
		t.Fatal(err)
	}
	_, cc := get(link)
	text, ok := strings.CutPrefix(cc, "public, max-age=")
	if left, err := strconv.Atoi(text); !ok || err != nil || left < 1 || left > 600 {
		t.Errorf("a URL that ends in ten minutes has Cache-Control %q; want at most 600 s", cc)
	}
}

// A URL is signed as it is, and what the signature does not mend is said.
func TestSignWarns(t *testing.T) {
	file := filepath.Join(t.TempDir(), "config.json")
	config := `{"handlers": [{"name": "h", "source": {"dir": "."}, "max_dimension": 3064, "auth": {"hmac": {"keys": [{"id": "1", "secret": "a secret of at least 16 bytes"}]}}}]}`
	if err := os.WriteFile(file, []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		args []string
		want []string // in warnings, one a line
	}{
		{[]string{"/h/a.jpg?w=300&utm_source=x"}, nil},
		{[]string{"/h/a.jpg?wdth=300"}, []string{"there is no parameter wdth"}},
		{[]string{"/h/a.heic?w=9999"}, []string{`".heic" is not in allowed_formats of handler "h"`, "w is clamped to 3064"}},
		{[]string{"-exp", "2020-01-01T00:00:00Z", "/h/a.jpg?fit=crop"}, []string{"the URL ended at 2020-01-01T00:00:00Z", "fit is unreadable"}},
	} {
		var out, stderr bytes.Buffer
		if err := run(t.Context(), append([]string{"sign", "-c", file}, tt.args...), &out, &stderr); err != nil {
			t.Errorf("%v: %v", tt.args, err)
			continue
		}
		if !strings.Contains(out.String(), "sig=") {
			t.Errorf("%v: %q has no signature", tt.args, &out)
		}
		if n := strings.Count(stderr.String(), "warning: "); n != len(tt.want) {
			t.Errorf("%v: %d warnings; want %d\n%s", tt.args, n, len(tt.want), &stderr)
		}
		for _, want := range tt.want {
			if !strings.Contains(stderr.String(), want) {
				t.Errorf("%v: %q; want %q", tt.args, &stderr, want)
			}
		}
	}
}
