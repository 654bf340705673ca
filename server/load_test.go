package server

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"
	"time"
)

// A2 to A4: the sample that the original's users copied loads byte for byte.
func TestOriginalConfig(t *testing.T) {
	text, err := os.ReadFile("../../shared/original-config.jsonc")
	if err != nil {
		t.Skip("not tested with the original's configuration: ", err)
	}
	file := writeConfig(t, string(text))
	writeCertificate(t, filepath.Join(filepath.Dir(file), "bundle.crt"), filepath.Join(filepath.Dir(file), "cert.key"), "localhost")
	c, warnings, err := Load(file)
	if err != nil || len(warnings) != 0 {
		t.Fatalf("Load = %v, %v", warnings, err)
	}
	if len(c.Handlers) != 2 || c.HTTPPort != 80 || !c.HTTPSEnabled || c.HTTPSStrict || c.HTTPSPort != 443 || c.HTTPSCert != "bundle.crt" || c.HTTPSKey != "cert.key" {
		t.Errorf("server keys: %+v", c)
	}
	h := c.Handlers[0]
	if h.Name != "handlerName" || h.Prefix != "h" || h.AWS.BucketName != "bucketName" || h.AWS.FilePath != "imagesLarge" || h.AWS.AccessKey != "aws_access_key" ||
		h.AWS.SecretKey != "aws_secret_key" || h.ErrorImage != "error_image.jpg" || h.OutputFormat != "jpg" || !*h.CacheEnabled || h.CachePath != "./cache" || *h.CacheTime != 604800 {
		t.Errorf("first handler: %+v, aws %+v", h, h.AWS)
	}
	if h2 := c.Handlers[1]; h2.Prefix != "h2" || h2.TTL() != 7*24*time.Hour || h2.AWS.PrefixOf() != "" {
		t.Errorf("second handler: %+v", h2)
	}
}

// A11: files beside the configuration are found from another folder.
func TestFilesBesideTheConfiguration(t *testing.T) {
	folder := t.TempDir()
	if err := os.MkdirAll(filepath.Join(folder, "pictures"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(folder, "pictures", "a.jpg"), jpegFile(t, 10, 10), 0o644); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(folder, "config.json")
	if err := os.WriteFile(file, []byte(`{"handlers": [{"name": "h", "source": {"dir": "pictures"}, "error_image": "pictures/a.jpg"}]}`), 0o644); err != nil {
		t.Fatal(err)
	}
	c, _, err := Load(file)
	if err != nil {
		t.Fatal(err)
	}
	s, err := New(c, Options{})
	if err != nil {
		t.Fatal(err)
	}
	closeAtEnd(t, s)
	site := &site{t: t, server: s}
	if r := site.get("/h/a.jpg"); r.StatusCode != 200 {
		t.Errorf("picture beside the configuration: %d", r.StatusCode)
	}
	if r := site.get("/h/b.jpg"); len(body(t, r)) == 0 {
		t.Error("error image beside the configuration was not found")
	}
}

func TestEmbeddedFiles(t *testing.T) {
	files := fstest.MapFS{
		"samples/a.jpg": {Data: jpegFile(t, 10, 10)},
		"error.jpg":     {Data: jpegFile(t, 10, 10)},
	}
	c, _, err := LoadEmbedded("built-in", []byte(`{"handlers": [{"name": "h", "source": {"dir": "samples"}, "error_image": "error.jpg"}]}`), files)
	if err != nil {
		t.Fatal(err)
	}
	s, err := New(c, Options{})
	if err != nil {
		t.Fatal(err)
	}
	closeAtEnd(t, s)
	site := &site{t: t, server: s}
	if r := site.get("/h/a.jpg"); r.StatusCode != 200 {
		t.Errorf("embedded picture: %d", r.StatusCode)
	}
	if r := site.get("/h/b.jpg"); len(body(t, r)) == 0 {
		t.Error("embedded error image was not sent")
	}
	if _, err := New(&Config{Handlers: []HandlerConfig{{Name: "h", Source: SourceConfig{Dir: "no such folder"}}}}, Options{}); err == nil || !strings.Contains(err.Error(), "handlers.0.source.dir") {
		t.Errorf("missing folder: %v", err)
	}
}
