package server

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
)

// A web server, then a folder: each picture is made of the first that has it,
// and what a later one gives while an earlier one is down is kept for seconds
// only.
func TestSeveralSources(t *testing.T) {
	files := map[string][]byte{"/up loads/web.jpg": jpegFile(t, 300, 200), "/up loads/both.jpg": jpegFile(t, 300, 200)}
	var down atomic.Bool
	var keys atomic.Int32
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") == "the key of the web server" {
			keys.Add(1)
		}
		file, ok := files[r.URL.Path]
		switch {
		case down.Load():
			w.WriteHeader(http.StatusInternalServerError)
		case !ok:
			http.NotFound(w, r)
		default:
			w.Header().Set("ETag", fmt.Sprintf(`"%d"`, len(file)))
			_, _ = w.Write(file)
		}
	}))
	t.Cleanup(web.Close)
	folder := t.TempDir()
	for _, name := range []string{"both.jpg", "folder.jpg"} {
		if err := os.WriteFile(filepath.Join(folder, name), jpegFile(t, 200, 200), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	s := newSite(t, nil, Options{}, HandlerConfig{
		Sources: []SourceEntry{
			{SourceConfig: SourceConfig{URL: web.URL + "/up loads", Networks: []string{"127.0.0.1"}, Headers: map[string]Secret{"Authorization": "the key of the web server"}}},
			{SourceConfig: SourceConfig{Dir: folder}},
		},
		Cache: CacheConfig{MemoryMB: 8},
	})
	height := func(target string) (int, string) {
		t.Helper()
		r := s.get(target)
		if r.StatusCode != http.StatusOK {
			return r.StatusCode, ""
		}
		m, _ := picture(t, r)
		return m.Bounds().Dy(), r.Header.Get("Cache-Status")
	}
	for _, tt := range []struct {
		target string
		want   int // the height; above it the status
		cache  string
		down   bool
	}{
		{"/h/web.jpg?w=150&f=png", 100, "fwd=miss", false},
		{"/h/both.jpg?w=150&f=png", 100, "fwd=miss", false},
		{"/h/folder.jpg?w=150&f=png", 150, "fwd=miss", false},
		{"/h/none.jpg?w=150&f=png", 404, "", false},
		{"/h/both.jpg?w=150&f=png", 100, "hit", true},
		{"/h/both.jpg?w=60&f=png", 40, "derived", true}, // made of the larger variant
		{"/h/folder.jpg?w=90&f=png", 90, "derived", true},
		{"/h/web.jpg?w=299&f=png&sharpen=1", 503, "", true},
		{"/h/both.jpg?w=90&f=png", 60, "", false},
	} {
		down.Store(tt.down)
		if got, cache := height(tt.target); got != tt.want || !strings.Contains(cache, tt.cache) {
			t.Errorf("%s with the web server down %v: %d, %q; want %d, %s", tt.target, tt.down, got, cache, tt.want, tt.cache)
		}
	}
	if keys.Load() == 0 {
		t.Error("the web server was never shown its header")
	}
	if text := s.log.String(); strings.Contains(text, "the key of the web server") {
		t.Errorf("the header is in the log: %s", text)
	}
}

func TestFaultsOfSources(t *testing.T) {
	for _, tt := range []struct{ name, handler, want string }{
		{"two ways", `"aws": {"bucket_name": "b"}, "sources": [{"dir": "."}]`, "handlers.0: needs one source"},
		{"an empty list", `"sources": []`, "handlers.0: needs one source"},
		{"an empty source", `"sources": [{}]`, "handlers.0.sources.0: names no source"},
		{"two in one", `"sources": [{"dir": ".", "url": "https://host/"}]`, "handlers.0.sources.0: names more than one source"},
		{"a store without a bucket", `"sources": [{"endpoint": "https://host"}]`, "handlers.0.sources.0.bucket_name: is missing"},
		{"half a key", `"sources": [{"dir": "."}, {"bucket_name": "b", "aws_access": "k"}]`, "handlers.0.sources.1.aws_access: and aws_secret"},
		{"no key of the customer", `"aws": {"bucket_name": "b", "sse_customer_key": "c2hvcnQ="}`, "handlers.0.aws.sse_customer_key: is not 32 bytes"},
		{"no network", `"source": {"url": "https://host/", "networks": ["10.0.0.0/40"]}`, "handlers.0.source.networks"},
		{"headers for nobody", `"source": {"hosts": ["host"], "headers": {"X": "y"}}`, "handlers.0.source.headers"},
		{"no header", `"source": {"url": "https://host/", "headers": {"X Y": "y"}}`, "handlers.0.source.headers"},
		{"a private address", `"source": {"url": "https://169.254.169.254/"}`, "handlers.0.source: origin: 169.254.169.254 is not a public address"},
		{"another scheme", `"sources": [{"url": "file:///etc"}]`, "handlers.0.sources.0: origin"},
		{"a folder that is not there", `"sources": [{"dir": "."}, {"dir": "no-such-folder"}]`, "handlers.0.sources.1.dir: open"},
	} {
		c, _, err := Load(writeConfig(t, `{"handlers": [{"name": "n", `+tt.handler+`}]}`))
		if err == nil {
			err = Check(c)
		}
		if err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v; want %q", tt.name, err, tt.want)
		}
	}
}

func writeConfig(t *testing.T, text string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "config.json")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}
