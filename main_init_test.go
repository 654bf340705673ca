package main

import (
	"bytes"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"s3imageserver/server"
)

// What init writes loads without a warning, and so do the keys that it has as comments.
func TestInit(t *testing.T) {
	t.Chdir(t.TempDir())
	secret := filepath.Join(t.TempDir(), "key")
	if err := os.WriteFile(secret, []byte(strings.Repeat("0123456789abcdef", 2)+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("ADMIN_TOKEN", strings.Repeat("token", 8))
	if err := os.Mkdir("photos", 0o700); err != nil {
		t.Fatal(err)
	}
	commented := regexp.MustCompile(`(?m)^(\s*)// (".*)$`)
	for _, tt := range []struct {
		args []string
		want func(h *server.HandlerConfig) bool
	}{
		{nil, func(h *server.HandlerConfig) bool { return h.Source.Dir == "./photos" }},
		{[]string{"photos"}, func(h *server.HandlerConfig) bool { return h.Source.Dir == "photos" }},
		{[]string{"s3://b/2026", "-endpoint", "http://127.0.0.1:9000", "-region", "eu-central-1"}, func(h *server.HandlerConfig) bool {
			return h.AWS.BucketName == "b" && h.AWS.FilePath == "2026" && h.AWS.Endpoint == "http://127.0.0.1:9000" && h.AWS.Region == "eu-central-1"
		}},
	} {
		if _, err := command(t, append([]string{"init"}, tt.args...)...); err != nil {
			t.Fatal(err)
		}
		text, err := os.ReadFile("config.json")
		if err != nil {
			t.Fatal(err)
		}
		all := commented.ReplaceAll(text, []byte("$1$2"))
		all = bytes.ReplaceAll(all, []byte("/run/secrets/url-key"), []byte(secret))
		if n := len(commented.FindAll(text, -1)); n < 6 {
			t.Fatalf("%d keys as comments; want 6 at least", n)
		}
		for name, text := range map[string][]byte{"as written": text, "without the slashes": all} {
			if err := os.WriteFile("c.json", text, 0o600); err != nil {
				t.Fatal(err)
			}
			c, warnings, err := server.Load("c.json")
			if err != nil || len(warnings) > 0 {
				t.Fatalf("%v, %s: %v, %v\n%s", tt.args, name, err, warnings, text)
			}
			if !tt.want(&c.Handlers[0]) {
				t.Errorf("%v, %s: another source:\n%s", tt.args, name, text)
			}
		}
		if _, err := command(t, append([]string{"init"}, tt.args...)...); err == nil || !strings.Contains(err.Error(), "there already") {
			t.Errorf("written over config.json: %v", err)
		}
		if out, err := command(t, append([]string{"init", "-o", "-"}, tt.args...)...); err != nil || out != string(text) {
			t.Errorf("%v: -o - gives %q, %v", tt.args, out, err)
		}
		if err := os.Remove("config.json"); err != nil {
			t.Fatal(err)
		}
	}
	for _, args := range [][]string{{"init", "nowhere"}, {"init", "s3://"}, {"init", "photos", "-region", "x"}, {"init", "photos", "more"}} {
		if _, err := command(t, args...); err == nil {
			t.Errorf("%v: no error", args)
		}
	}
}

// Without a configuration, variables alone say which bucket is served.
func TestServedByVariables(t *testing.T) {
	t.Chdir(t.TempDir())
	for name, value := range map[string]string{"BUCKET": "photos", "FOLDER": "2026", "ENDPOINT": "http://127.0.0.1:9000", "REGION": "eu-central-1",
		"ACCESS_KEY": "id", "SECRET_KEY": "the secret", "CACHE": "kept", "HTTP_PORT": "9001", "HANDLERS_0_OUTPUT_FORMAT": "webp"} {
		t.Setenv("S3IMAGESERVER_"+name, value)
	}
	var stderr bytes.Buffer
	c, warnings, err := loadConfigFile("", &stderr)
	if err != nil || len(warnings) > 0 || stderr.Len() > 0 {
		t.Fatal(err, warnings, stderr.String())
	}
	h := c.Handlers[0]
	if h.AWS.BucketName != "photos" || h.AWS.FilePath != "2026" || h.AWS.Endpoint != "http://127.0.0.1:9000" || h.AWS.Region != "eu-central-1" ||
		h.AWS.AccessKey != "id" || h.AWS.SecretKey != "the secret" || h.CachePath != "kept" || c.HTTPPort != 9001 || h.OutputFormat != "webp" || c.Playground {
		t.Errorf("%+v, port %d, playground %v", h, c.HTTPPort, c.Playground)
	}
	t.Setenv("S3IMAGESERVER_SECRET_KEY", "")
	if _, _, err := loadConfigFile("", &stderr); err == nil || !strings.Contains(err.Error(), "go together") {
		t.Errorf("half a key: %v", err)
	}
	t.Setenv("S3IMAGESERVER_ACCESS_KEY", "")
	if _, warnings, err := loadConfigFile("", &stderr); err != nil || len(warnings) > 0 {
		t.Errorf("the standard chain: %v, %v", err, warnings)
	}
	if err := os.WriteFile("config.json", []byte(`{"handlers": [{"name": "a", "source": {"dir": "."}}]}`), 0o600); err != nil {
		t.Fatal(err)
	}
	c, warnings, err = loadConfigFile("", &stderr)
	if err != nil || c.Handlers[0].AWS != nil || len(warnings) == 0 {
		t.Errorf("beside a file: %v, %v; want the file, and warnings of variables that say nothing", err, warnings)
	}
}
