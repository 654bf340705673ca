package main

import (
	"bytes"
	"context"
	"debug/elf"
	"fmt"
	"image"
	_ "image/gif"
	_ "image/png"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	_ "golang.org/x/image/webp"

	"s3imageserver/server"
	"s3imageserver/storage/s3/s3test"
	"s3imageserver/testserver"
)

func TestMain(m *testing.M) { testserver.Main(m) }

// serveInBackground serves the configuration until the test ends.
func serveInBackground(t *testing.T, c *server.Config) {
	t.Helper()
	testserver.Background(t, func(ctx context.Context, log io.Writer) error {
		return server.ListenAndServe(ctx, c, server.Options{Log: slog.New(slog.NewTextHandler(log, nil))})
	})
}

// aws is the "aws" object of a configuration for a test store.
func aws(s *s3test.Server, bucket, path string) map[string]any {
	return map[string]any{
		"bucket_name": bucket, "file_path": path, "endpoint": s.Endpoint,
		"aws_access": s3test.AccessKey, "aws_secret": s3test.SecretKey,
	}
}

func TestStaticBinary(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("ELF is not looked at on " + runtime.GOOS)
	}
	f, err := elf.Open(testserver.Binary(t))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for _, p := range f.Progs {
		if p.Type == elf.PT_INTERP || p.Type == elf.PT_DYNAMIC {
			t.Errorf("the binary has a %v segment: it is not static", p.Type)
		}
	}
	if libs, err := f.ImportedLibraries(); err != nil || len(libs) > 0 {
		t.Errorf("the binary needs %v, %v", libs, err)
	}
}

func TestBuildWithoutTheTag(t *testing.T) {
	if testing.Short() {
		t.Skip("not built without the tag: that takes long where it was not done before")
	}
	cmd := exec.Command("go", "build", "-o", os.DevNull, ".")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0") // most of it was built before
	out, err := cmd.CombinedOutput()
	if err == nil || !strings.Contains(string(out), "type: go build -tags nodynamic .") {
		t.Errorf("go build without the tag: %v\n%s\nwant a failure that says what to type", err, out)
	}
}

// Sizes and formats by the rules of the original, for pictures in MinIO. The
// source is 1200 by 800 pixels, small.jpg 120 by 80.
func TestURLs(t *testing.T) {
	store := s3test.Start(t, s3test.MinIO)
	store.MakeBucket(t, "pictures")
	store.Put(t, "pictures", "large/a b/photo.jpg", testserver.Photo(t, 1200, 800))
	store.Put(t, "pictures", "large/small.jpg", testserver.Photo(t, 120, 80))
	p := testserver.Start(t, t.TempDir(), map[string]any{"handlers": []any{
		map[string]any{"name": "name", "prefix": "h", "aws": aws(store, "pictures", "large"), "output_format": "jpg", "cache_path": "cache", "cache": map[string]any{"disk_mb": 64}},
		map[string]any{"name": "webp", "aws": aws(store, "pictures", "large/")},
	}}, nil)
	const large, small = "/h/a%20b/photo.jpg", "/h/small.jpg"
	tests := []struct {
		path, query string
		w, h        int
		format      string
	}{
		{large, "", 1200, 800, "jpeg"},
		{large, "?w=300&h=200", 300, 200, "jpeg"},
		{large, "?w=300&h=200&c=true", 300, 200, "jpeg"},
		{large, "?w=300&h=300", 300, 300, "jpeg"},
		{large, "?w=100&h=700", 100, 700, "jpeg"},
		{large, "?w=300&h=300&c=false", 300, 200, "jpeg"},
		{large, "?w=300&h=300&c=0", 300, 200, "jpeg"},
		{large, "?w=300&h=300&c=f", 300, 200, "jpeg"},
		{large, "?w=300&h=300&c=F", 300, 200, "jpeg"},
		{large, "?w=300&h=300&c=False", 300, 200, "jpeg"},
		{large, "?w=300&h=300&c=FALSE", 300, 200, "jpeg"},
		{large, "?w=300&h=300&c=no", 300, 200, "jpeg"},
		{large, "?w=300&h=300&c=yes", 300, 200, "jpeg"},
		{large, "?w=300&h=300&c=2", 300, 200, "jpeg"},
		{large, "?w=300&h=300&c=", 300, 300, "jpeg"},
		{large, "?w=300&h=300&c=1", 300, 300, "jpeg"},
		{large, "?w=300&h=300&c=t", 300, 300, "jpeg"},
		{large, "?w=300&h=300&c=TRUE", 300, 300, "jpeg"},
		{large, "?w=100&h=700&c=false", 100, 66, "jpeg"},
		{large, "?w=700&h=100&c=false", 150, 100, "jpeg"},
		{large, "?w=300", 300, 200, "jpeg"},
		{large, "?w=301", 301, 200, "jpeg"},
		{large, "?h=200", 300, 200, "jpeg"},
		{large, "?h=201", 301, 201, "jpeg"},
		{large, "?h=1", 1, 1, "jpeg"},
		{large, "?w=1", 1, 1, "jpeg"},
		{large, "?w=1&h=1", 1, 1, "jpeg"},
		{large, "?w=300&c=false", 300, 200, "jpeg"},
		{large, "?w=300.7&h=200.2", 300, 200, "jpeg"},
		{large, "?w=3e2&h=2e2", 300, 200, "jpeg"},
		{large, "?w=+300", 1200, 800, "jpeg"},
		{large, "?w=%2B300", 300, 200, "jpeg"},
		{large, "?w=-300", 1200, 800, "jpeg"},
		{large, "?w=abc", 1200, 800, "jpeg"},
		{large, "?w=0", 1200, 800, "jpeg"},
		{large, "?w=0.5", 1200, 800, "jpeg"},
		{large, "?w=NaN&h=Infinity", 1200, 800, "jpeg"},
		{large, "?w=1e999", 1200, 800, "jpeg"},
		{large, "?w=0x100", 1200, 800, "jpeg"},
		{large, "?w=300px", 1200, 800, "jpeg"},
		{large, "?w=300&w=500", 300, 200, "jpeg"},
		{large, "?w=&h=200", 300, 200, "jpeg"},
		{large, "?w=5000", 1200, 800, "jpeg"},
		{large, "?w=5000&h=5000", 1200, 800, "jpeg"},
		{large, "?w=5000&h=400", 3064, 400, "jpeg"},
		{large, "?w=2000&h=400", 2000, 400, "jpeg"},
		{large, "?w=2000&h=400&c=false", 600, 400, "jpeg"},
		{large, "?w=1200&h=800", 1200, 800, "jpeg"},
		{large, "?w=1201&h=801", 1200, 800, "jpeg"},
		{large, "?f=png&w=30", 30, 20, "png"},
		{large, "?f=PNG&w=30", 30, 20, "png"},
		{large, "?f=webp&w=30", 30, 20, "webp"},
		{large, "?f=gif&w=30", 30, 20, "gif"},
		{large, "?f=jpg&w=30", 30, 20, "jpeg"},
		{large, "?f=jpeg&w=30", 30, 20, "jpeg"},
		{large, "?f=tiff&w=30", 30, 20, "jpeg"},
		{large, "?f=../../etc&w=30", 30, 20, "jpeg"},
		{large, "?f=&w=30", 30, 20, "jpeg"},
		{large, "?breadth=30&v=1&utm_source=w", 1200, 800, "jpeg"},
		{large, "?W=30", 1200, 800, "jpeg"},
		{small, "?w=300&h=200", 120, 80, "jpeg"},
		{small, "?w=300", 120, 80, "jpeg"},
		{small, "?w=300&h=20", 300, 20, "jpeg"},
		{small, "?w=60&h=500", 60, 500, "jpeg"},
		{"/webp/small.jpg", "", 120, 80, "webp"},
		{"/webp/small.jpg", "?w=60&f=unknown", 60, 40, "webp"},
	}
	for _, tt := range tests {
		for _, state := range []string{"fresh", "again"} {
			status, mediaType, body := testserver.Get(t, p.URL+tt.path+tt.query)
			c, format, err := image.DecodeConfig(bytes.NewReader(body))
			if status != 200 || err != nil || c.Width != tt.w || c.Height != tt.h || format != tt.format || mediaType != "image/"+tt.format {
				t.Errorf("%s %s%s = %d %s, %s of %dx%d, %v; want %s of %dx%d", state, tt.path, tt.query, status, mediaType, format, c.Width, c.Height, err, tt.format, tt.w, tt.h)
			}
		}
	}
}

// The original's sample, changed only in ports, names, keys and endpoint, serves
// both handlers from two buckets.
func TestOriginalConfig(t *testing.T) {
	text, err := os.ReadFile("../shared/original-config.jsonc")
	if err != nil {
		t.Skip("not tested with the original's configuration: ", err)
	}
	store := s3test.Start(t, s3test.MinIO)
	for bucket, key := range map[string]string{"first-bucket": "imagesLarge/photo.jpg", "second-bucket": "photo.jpg"} {
		store.MakeBucket(t, bucket)
		size := len(bucket) // tells the buckets apart
		store.Put(t, bucket, key, testserver.Photo(t, size, size))
	}
	folder := t.TempDir()
	writeCertificate(t, folder, "bundle.crt", "cert.key")
	httpPort, httpsPort := testserver.Port(t), testserver.Port(t)
	replaced := strings.NewReplacer(
		`"bucketName"`, `"first-bucket"`, `"bucketName2"`, `"second-bucket"`,
		`"aws_access_key"`, `"`+s3test.AccessKey+`"`, `"aws_secret_key"`, `"`+s3test.SecretKey+`", "endpoint": "`+store.Endpoint+`"`,
		`"http_port": 80`, fmt.Sprintf(`"listen": "127.0.0.1", "http_port": %d`, httpPort), `"https_port": 443`, fmt.Sprintf(`"https_port": %d`, httpsPort),
	).Replace(string(text))
	if err := os.WriteFile(filepath.Join(folder, "config.json"), []byte(replaced), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(testserver.Binary(t)) // -c defaults to config.json
	cmd.Dir = folder
	p := testserver.Run(t, cmd)
	p.Listens(t, 2)
	for path, want := range map[string]int{"/h/photo.jpg": len("first-bucket"), "/h2/photo.jpg": len("second-bucket")} {
		status, mediaType, body := testserver.Get(t, fmt.Sprintf("http://127.0.0.1:%d%s", httpPort, path))
		c, _, err := image.DecodeConfig(bytes.NewReader(body))
		if status != 200 || mediaType != "image/jpeg" || err != nil || c.Width != want {
			t.Errorf("GET %s = %d %s, %d pixels wide, %v; want %d", path, status, mediaType, c.Width, err, want)
		}
	}
	if strings.Contains(p.Output.String(), s3test.SecretKey) {
		t.Error("the secret is in the log")
	}
}

// With the store stopped, cached URLs still answer, smaller sizes are made of
// larger ones that are kept, and all else gets the error image with 502 or 503;
// when the store is back, so are the pictures.
func TestStoreDown(t *testing.T) {
	for _, program := range []s3test.Program{s3test.MinIO, s3test.VersityGW} {
		store := s3test.Start(t, program)
		store.MakeBucket(t, "pictures")
		store.Put(t, "pictures", "photo.jpg", testserver.Photo(t, 600, 400))
		folder := t.TempDir()
		errorImage := testserver.Photo(t, 90, 90)
		if err := os.WriteFile(filepath.Join(folder, "error.jpg"), errorImage, 0o644); err != nil {
			t.Fatal(err)
		}
		p := testserver.Start(t, folder, map[string]any{"handlers": []any{
			map[string]any{"name": "h", "aws": aws(store, "pictures", ""), "cache_path": "cache", "cache": map[string]any{"disk_mb": 64}, "error_image": "error.jpg", "output_format": "jpg"},
		}}, nil)
		_, _, fresh := testserver.Get(t, p.URL+"/h/photo.jpg?w=300")
		store.Stop(t)
		status, _, body := testserver.Get(t, p.URL+"/h/photo.jpg?w=300")
		if status != 200 || !bytes.Equal(body, fresh) {
			t.Errorf("cached URL with the store down = %d, %d bytes; want the %d bytes from before", status, len(body), len(fresh))
		}
		status, _, body = testserver.Get(t, p.URL+"/h/photo.jpg?w=50")
		if c, _, err := image.DecodeConfig(bytes.NewReader(body)); status != 200 || err != nil || c.Width != 50 || c.Height != 33 {
			t.Errorf("smaller URL with the store down = %d of %dx%d, %v; want the picture made of the kept one", status, c.Width, c.Height, err)
		}
		status, mediaType, body := testserver.Get(t, p.URL+"/h/photo.jpg?w=400&h=50")
		c, _, err := image.DecodeConfig(bytes.NewReader(body))
		if status != 503 || mediaType != "image/jpeg" || err != nil || c.Width != 400 || c.Height != 50 {
			t.Errorf("new URL with the store down = %d %s of %dx%d, %v; want 503 with the error image", status, mediaType, c.Width, c.Height, err)
		}
		store.Resume(t)
		back := time.Now()
		for status = 0; status != 200 && time.Since(back) < testserver.Patience; time.Sleep(50 * time.Millisecond) {
			status, _, _ = testserver.Get(t, p.URL+"/h/photo.jpg?w=400&h=50")
		}
		if status != 200 {
			t.Errorf("new URL when the store is back = %d; want 200", status)
		}
		t.Logf("found again after %v", time.Since(back))
	}
}

// Kill -9 during writes, restart, same URLs: the right bytes, never a broken
// picture.
func TestKilledDuringWrites(t *testing.T) {
	folder := t.TempDir()
	pictures := filepath.Join(folder, "pictures")
	if err := os.Mkdir(pictures, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(pictures, "photo.jpg"), testserver.Photo(t, 900, 600), 0o644); err != nil {
		t.Fatal(err)
	}
	config := map[string]any{"handlers": []any{
		map[string]any{"name": "h", "source": map[string]any{"dir": "pictures"}, "cache_path": "cache", "cache": map[string]any{"disk_mb": 64}, "output_format": "png"},
	}}
	path := func(i int) string { return fmt.Sprintf("/h/photo.jpg?w=%d", 100+i) }
	const variants = 40
	want := map[string][]byte{}
	reference := testserver.Start(t, folder, config, nil)
	for i := range variants {
		_, _, want[path(i)] = testserver.Get(t, reference.URL+path(i))
	}
	reference.Kill()
	if err := os.RemoveAll(filepath.Join(folder, "cache")); err != nil {
		t.Fatal(err)
	}
	kills := 20
	if testing.Short() {
		kills = 5
	}
	for round := range kills {
		p := testserver.Start(t, folder, config, nil)
		ctx, cancel := context.WithCancel(t.Context())
		var wg sync.WaitGroup
		for worker := range 4 {
			wg.Go(func() {
				for i := worker; ctx.Err() == nil; i = (i + 7) % variants {
					r, err := testserver.Client.Get(p.URL + path(i))
					if err != nil {
						return // killed
					}
					body, err := io.ReadAll(r.Body)
					r.Body.Close()
					if err == nil && (r.StatusCode != 200 || !bytes.Equal(body, want[path(i)])) {
						t.Errorf("round %d: %s = %d, %d bytes; want %d", round, path(i), r.StatusCode, len(body), len(want[path(i)]))
					}
				}
			})
		}
		time.Sleep(time.Duration(7*round%60) * time.Millisecond) // another moment each round
		p.Kill()
		cancel()
		wg.Wait()
	}
	p := testserver.Start(t, folder, config, nil)
	for i := range variants {
		if status, _, body := testserver.Get(t, p.URL+path(i)); status != 200 || !bytes.Equal(body, want[path(i)]) {
			t.Errorf("after %d kills: %s = %d, %d bytes; want %d", kills, path(i), status, len(body), len(want[path(i)]))
		}
	}
}

// A1: what is done without a configuration, and with a missing one.
func TestCommandLine(t *testing.T) {
	folder := t.TempDir()
	in := func(args ...string) (string, error) {
		cmd := exec.Command(testserver.Binary(t), args...)
		cmd.Dir = folder
		out, err := cmd.CombinedOutput()
		return string(out), err
	}
	exitCode := func(err error) int {
		if exit, ok := err.(*exec.ExitError); ok {
			return exit.ExitCode()
		}
		return 0
	}
	write := func(name, text string) {
		if err := os.WriteFile(filepath.Join(folder, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("broken.json", "{\n\"http_port\": 70000,\n\"handlers\": [{}]}")
	write("typo.json", `{"handlers": [{"name": "a", "source": {"dir": "."}, "cach_path": "x"}]}`)
	write("good.json", `{"handlers": [{"name": "a", "source": {"dir": "."}}]}`)
	write("nodir.json", `{"handlers": [{"name": "a", "source": {"dir": "missing"}}]}`)
	tests := []struct {
		args []string
		code int
		want []string
	}{
		{[]string{"-c", "missing.json"}, 1, []string{"missing.json"}},
		{[]string{"check", "-c", "missing.json"}, 1, []string{"missing.json"}},
		{[]string{"-c", "broken.json"}, 1, []string{"broken.json:2:1: http_port: 70000", "broken.json:3:14: handlers.0"}},
		{[]string{"check", "-c", "broken.json"}, 1, []string{"broken.json:2:1: http_port: 70000", "broken.json:3:14: handlers.0"}},
		{[]string{"check", "-c", "typo.json"}, 1, []string{`unknown key; did you mean "cache_path"?`}},
		{[]string{"check", "-c", "nodir.json"}, 1, []string{"nodir.json:1:40: handlers.0.source.dir"}},
		{[]string{"check", "-c", "good.json"}, 0, []string{"valid"}},
		{[]string{"check"}, 0, []string{"built-in", "valid"}},
		{[]string{"chekc"}, 1, []string{`"chekc"`}},
		{[]string{"-h"}, 0, []string{"USAGE", "check", "-c"}},
		{[]string{"-x"}, 1, []string{"-x"}},
	}
	for _, tt := range tests {
		out, err := in(tt.args...)
		if exitCode(err) != tt.code {
			t.Errorf("%v: exit %d; want %d\n%s", tt.args, exitCode(err), tt.code, out)
		}
		for _, want := range tt.want {
			if !strings.Contains(out, want) {
				t.Errorf("%v: output %q; want %q in it", tt.args, out, want)
			}
		}
	}
}

// The configuration that is embedded shows its own pictures.
func TestBuiltInConfig(t *testing.T) {
	var stderr bytes.Buffer
	t.Chdir(t.TempDir())
	c, warnings, err := loadConfigFile("", &stderr)
	if err != nil || len(warnings) > 0 {
		t.Fatal(warnings, err)
	}
	if strings.Count(stderr.String(), "\n") != 1 || c.HTTPPort != 8080 || !c.Playground {
		t.Errorf("said %q, port %d, playground %v; want one line, 8080, true", &stderr, c.HTTPPort, c.Playground)
	}
	c.Listen, c.HTTPPort = "127.0.0.1", testserver.Port(t)
	url := fmt.Sprintf("http://127.0.0.1:%d", c.HTTPPort)
	serveInBackground(t, c)
	if status, _, page := testserver.Get(t, url+"/"); status != 200 || !bytes.Contains(page, []byte("_playground/app.js")) {
		t.Fatalf("GET / = %d %s", status, page)
	}
	_, _, page := testserver.Get(t, url+"/_playground/options")
	shown := 0
	for part := range strings.SplitSeq(string(page), `<img src="..`) {
		path, _, ok := strings.Cut(part, `"`)
		if !ok || !strings.HasPrefix(path, "/h/") {
			continue
		}
		shown++
		status, mediaType, _ := testserver.Get(t, url+strings.ReplaceAll(path, "&amp;", "&"))
		if status != 200 || !strings.HasPrefix(mediaType, "image/") {
			t.Errorf("GET %s = %d %s", path, status, mediaType)
		}
	}
	if shown < 4 {
		t.Errorf("the page shows %d pictures; want at least 4\n%s", shown, page)
	}
}
