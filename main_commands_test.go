package main

import (
	"bytes"
	"debug/buildinfo"
	"encoding/json"
	"flag"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"

	"s3imageserver/server"
	"s3imageserver/testserver"
)

var update = flag.Bool("update", false, "write docs/commands.md anew")

// command runs the program within the test.
func command(t *testing.T, args ...string) (stdout string, err error) {
	t.Helper()
	var out, stderr bytes.Buffer
	err = run(t.Context(), args, &out, &stderr)
	if stderr.Len() > 0 {
		t.Logf("%v: %s", args, &stderr)
	}
	return out.String(), err
}

// details reads what info tells of one file.
func details(t *testing.T, file string) (format string, w, h int) {
	t.Helper()
	out, err := command(t, "info", "-fields", "size,format", file)
	var d struct {
		Format        string
		Width, Height int
	}
	if err != nil || json.Unmarshal([]byte(out), &d) != nil {
		t.Fatalf("info %s: %q, %v", file, out, err)
	}
	return d.Format, d.Width, d.Height
}

func TestConvert(t *testing.T) {
	dir := t.TempDir()
	at := func(name string) string { return filepath.Join(dir, filepath.FromSlash(name)) }
	write := func(name string, data []byte) {
		t.Helper()
		if err := writeFile(at(name), data); err != nil {
			t.Fatal(err)
		}
	}
	write("in/a.jpg", testserver.Photo(t, 300, 200))
	write("in/deep/b.JPG", testserver.Photo(t, 200, 300))
	write("in/notes.txt", []byte("no picture"))
	write("broken/x.jpg", []byte("no picture either"))
	write("broken/y.jpg", testserver.Photo(t, 60, 30))
	write("config.json", []byte(`{"presets": {"card": "w=30&h=30&fit=cover"}, "handlers": [{"name": "n", "source": {"dir": "."}, "presets": {"own": "w=40"}}]}`))

	t.Run("one file", func(t *testing.T) {
		for to, want := range map[string]string{"one.webp": "webp 150x100", "one.png": "png 150x100", "one.jpeg": "jpeg 150x100", "new/folder/one.gif": "gif 150x100"} {
			if _, err := command(t, "convert", at("in/a.jpg"), at(to), "w=150"); err != nil {
				t.Errorf("%s: %v", to, err)
				continue
			}
			if f, w, h := details(t, at(to)); fmt.Sprintf("%s %dx%d", f, w, h) != want {
				t.Errorf("%s: %s %dx%d; want %s", to, f, w, h, want)
			}
		}
	})
	t.Run("a folder", func(t *testing.T) {
		out, err := command(t, "convert", at("in"), at("out"), "w=100", "f=webp")
		if err != nil || !strings.Contains(out, "converted: 2, there already: 0") {
			t.Fatalf("%q, %v", out, err)
		}
		for name, want := range map[string]string{"out/a.webp": "100x66", "out/deep/b.webp": "100x150"} {
			if f, w, h := details(t, at(name)); f != "webp" || fmt.Sprintf("%dx%d", w, h) != want {
				t.Errorf("%s: %s %dx%d; want webp %s", name, f, w, h, want)
			}
		}
		write("in/c.jpg", testserver.Photo(t, 50, 50))
		if out, err = command(t, "convert", "-skip", at("in"), at("out"), "w=100", "f=webp"); err != nil || !strings.Contains(out, "converted: 1, there already: 2") {
			t.Errorf("again with -skip: %q, %v", out, err)
		}
	})
	t.Run("presets of the configuration", func(t *testing.T) {
		for _, tt := range []struct {
			handler, preset, option, want string
		}{
			{"", "card", "f=png", "30x30"},
			{"", "card", "w=50", "50x30"},
			{"n", "own", "f=png", "40x26"},
		} {
			_, err := command(t, "convert", "-c", at("config.json"), "-handler", tt.handler, at("in/a.jpg"), at("p.png"), "preset="+tt.preset, tt.option)
			if err != nil {
				t.Errorf("%v: %v", tt, err)
				continue
			}
			if _, w, h := details(t, at("p.png")); fmt.Sprintf("%dx%d", w, h) != tt.want {
				t.Errorf("%v: %dx%d; want %s", tt, w, h, tt.want)
			}
		}
	})
	t.Run("a watermark", func(t *testing.T) {
		write("mark.png", mustConvert(t, at("in/c.jpg"), at("mark.png")))
		plain, marked := mustConvert(t, at("in/a.jpg"), at("plain.png")), mustConvert(t, "-watermark", at("mark.png"), at("in/a.jpg"), at("marked.png"))
		if bytes.Equal(plain, marked) {
			t.Error("the watermark changes nothing")
		}
	})
	t.Run("a fault does not end the rest", func(t *testing.T) {
		if _, err := command(t, "convert", at("broken"), at("mended"), "f=png"); err == nil || !strings.Contains(err.Error(), "x.jpg") {
			t.Errorf("error %v; want one that names x.jpg", err)
		}
		if f, w, h := details(t, at("mended/y.png")); f != "png" || w != 60 || h != 30 {
			t.Errorf("y.png: %s %dx%d", f, w, h)
		}
		if left, err := filepath.Glob(at("mended/.convert-*")); err != nil || len(left) > 0 {
			t.Errorf("left behind: %v, %v", left, err)
		}
	})
	t.Run("what is refused", func(t *testing.T) {
		write("in2/a.jpg", testserver.Photo(t, 10, 10))
		for _, tt := range []struct {
			args []string
			want string
		}{
			{[]string{at("in/a.jpg")}, "needs a file"},
			{[]string{at("in/a.jpg"), at("x.png"), "wdth=3"}, `"wdth"`},
			{[]string{at("in/a.jpg"), at("x.png"), "w=wide"}, "w"},
			{[]string{at("in/a.jpg"), at("x.png"), "w=99999"}, "clamped"},
			{[]string{at("in/a.jpg"), at("x.png"), "wm=logo"}, "-watermark"},
			{[]string{at("in/a.jpg"), at("x.xyz")}, "x.xyz"},
			{[]string{at("in/a.jpg"), at("x.heic")}, "x.heic"},
			{[]string{at("in/a.jpg"), at("in2/a.jpg"), at("both/")}, "would both become"},
			{[]string{at("none.jpg"), at("x.png")}, "none.jpg"},
			{[]string{at("new"), at("x/")}, "no picture"},
			{[]string{"-c", at("config.json"), at("in/a.jpg"), at("x.png"), "preset=none"}, "preset=none"},
			{[]string{"-c", at("config.json"), "-handler", "none", at("in/a.jpg"), at("x.png")}, `"none"`},
		} {
			if err := os.RemoveAll(at("new")); err != nil {
				t.Fatal(err)
			}
			if err := os.Mkdir(at("new"), 0o777); err != nil {
				t.Fatal(err)
			}
			if _, err := command(t, append([]string{"convert"}, tt.args...)...); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("%v: %v; want %q", tt.args, err, tt.want)
			}
			if _, err := os.Stat(at("x.png")); err == nil {
				t.Errorf("%v: x.png was written", tt.args)
			}
		}
	})
}

// mustConvert returns the file that convert writes to the last argument.
func mustConvert(t *testing.T, args ...string) []byte {
	t.Helper()
	if _, err := command(t, append([]string{"convert"}, args...)...); err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(args[len(args)-1])
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func TestPipe(t *testing.T) {
	cmd := exec.Command(testserver.Binary(t), "convert", "-", "-", "w=30", "f=png")
	cmd.Stdin = bytes.NewReader(testserver.Photo(t, 60, 40))
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	cmd = exec.Command(testserver.Binary(t), "info", "-fields", "size", "-")
	cmd.Stdin = bytes.NewReader(out)
	if out, err = cmd.Output(); err != nil || !strings.Contains(string(out), `"format":"png"`) || !strings.Contains(string(out), `"width":30,"height":20`) {
		t.Errorf("info of the result: %s, %v", out, err)
	}
}

func TestInfo(t *testing.T) {
	file := filepath.Join(t.TempDir(), "a.jpg")
	if err := os.WriteFile(file, testserver.Photo(t, 64, 48), 0o644); err != nil {
		t.Fatal(err)
	}
	out, err := command(t, "info", file, file)
	lines := strings.Split(strings.TrimSpace(out), "\n")
	if err != nil || len(lines) != 2 {
		t.Fatalf("two files: %d lines, %v", len(lines), err)
	}
	for _, want := range []string{`"file":"`, `"width":64`, `"blurhash":"`, `"palette":[`} {
		if !strings.Contains(lines[0], want) {
			t.Errorf("%s; want %s in it", lines[0], want)
		}
	}
	for _, args := range [][]string{{"info"}, {"info", "-fields", "wdth", file}, {"info", "none.jpg"}} {
		if _, err := command(t, args...); err == nil {
			t.Errorf("%v: no error", args)
		}
	}
}

// warmServer is a server with one picture and a memory tier.
func warmServer(t *testing.T, more string) (config, url string) {
	t.Helper()
	dir := t.TempDir()
	for _, name := range []string{"a b.jpg", "ü.jpg"} {
		if err := os.WriteFile(filepath.Join(dir, name), testserver.Photo(t, 120, 80), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	port := testserver.Port(t)
	config = filepath.Join(dir, "config.json")
	text := fmt.Sprintf(`{"http_port": %d, "listen": "127.0.0.1", "presets": {"card": "w=30&h=30"}, "handlers": [{"name": "h", "source": {"dir": %q}, "cache": {"memory_mb": 8}%s}]}`, port, dir, more)
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	c, _, err := loadConfigFile(config, &bytes.Buffer{})
	if err != nil {
		t.Fatal(err)
	}
	serveInBackground(t, c)
	return config, fmt.Sprintf("http://127.0.0.1:%d", port)
}

// convert makes the bytes that a server sends: by default, and with the
// configuration of that server.
func TestConvertMakesWhatAServerSends(t *testing.T) {
	for _, more := range []string{"", `, "webp_method": 5, "quality": {"webp": 60, "jpeg": 50, "png": 40}`} {
		config, url := warmServer(t, more)
		source := filepath.Join(filepath.Dir(config), "ü.jpg")
		for _, f := range []string{"webp", "jpeg", "png", "gif"} {
			query := "w=60&f=" + f
			status, want, _ := testserver.GetHeader(t, url+"/h/%C3%BC.jpg?"+query, "Content-Type")
			if status != http.StatusOK {
				t.Fatalf("%s: %d", query, status)
			}
			out := filepath.Join(t.TempDir(), "out."+f)
			args := []string{"w=60", "f=" + f, source, out}
			if more != "" {
				args = append([]string{"-c", config}, args...)
			}
			if got := mustConvert(t, args...); !bytes.Equal(got, want) {
				t.Errorf("%s, %q: %d bytes; the server sends %d others", query, more, len(got), len(want))
			}
		}
	}
}

func TestWarm(t *testing.T) {
	config, url := warmServer(t, "")
	list := filepath.Join(t.TempDir(), "names")
	if err := os.WriteFile(list, []byte("a b.jpg\r\n\nü.jpg\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	args := []string{"warm", "-c", config, "-q", "w=50", "-preset", "card", "-accept", "image/webp", "-accept", "image/png", list}
	for _, want := range []string{"made: 4, there already: 4, failed: 0\n", "made: 0, there already: 8, failed: 0\n"} {
		if out, err := command(t, args...); err != nil || out != want {
			t.Errorf("%q, %v; want %q", out, err, want)
		}
	}
	if field, _, _ := testserver.GetHeader(t, url+"/h/a%20b.jpg?w=50", "Cache-Status"); field != 200 {
		t.Errorf("the warm picture: %v", field)
	}
	// A comma begins no other variant.
	args = []string{"warm", "-c", config, "-q", "w=50&crop=0,0,20,20", "-preset", "card,card", "-accept", "image/avif,image/webp,*/*;q=0.8", list}
	if out, err := command(t, args...); err != nil || out != "made: 2, there already: 2, failed: 0\n" {
		t.Errorf("with commas: %q, %v; want two variants of two pictures, and one of them known", out, err)
	}
	if err := os.WriteFile(list, []byte("none.jpg\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if out, err := command(t, "warm", "-c", config, list); err == nil || !strings.Contains(out, "failed: 1") {
		t.Errorf("a missing picture: %q, %v; want an error", out, err)
	}
}

func TestWarmSigns(t *testing.T) {
	config, _ := warmServer(t, `, "auth": {"hmac": {"keys": [{"id": "k", "secret": "a secret of enough bytes"}]}}`)
	list := filepath.Join(t.TempDir(), "names")
	if err := os.WriteFile(list, []byte("ü.jpg\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if out, err := command(t, "warm", "-c", config, list); err == nil || !strings.Contains(out, "failed: 1") {
		t.Errorf("without -sign: %q, %v; want an error", out, err)
	}
	if out, err := command(t, "warm", "-c", config, "-sign", "-q", "w=40", list); err != nil || !strings.Contains(out, "made: 1,") {
		t.Errorf("with -sign: %q, %v", out, err)
	}
}

// A server that is busy is asked again, when it says so, and not for ever.
func TestWarmWaits(t *testing.T) {
	var asked atomic.Int32
	busy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if n := asked.Add(1); r.URL.Path == "/h/never.jpg" || n == 1 {
			w.Header().Set("Retry-After", "0")
			w.WriteHeader(http.StatusServiceUnavailable)
		}
	}))
	t.Cleanup(busy.Close)
	list := filepath.Join(t.TempDir(), "names")
	for name, want := range map[string]string{"once.jpg": "made: 1", "never.jpg": "failed: 1"} {
		asked.Store(0)
		if err := os.WriteFile(list, []byte(name), 0o644); err != nil {
			t.Fatal(err)
		}
		out, err := command(t, "warm", "-url", busy.URL, "-handler", "h", list)
		if !strings.Contains(out, want) || (err != nil) != (name == "never.jpg") {
			t.Errorf("%s: %q, %v; want %s", name, out, err, want)
		}
		if n := asked.Load(); n < 2 || n > warmTries {
			t.Errorf("%s was asked for %d times", name, n)
		}
	}
}

func TestReplay(t *testing.T) {
	_, old := warmServer(t, "")
	_, low := warmServer(t, `, "quality": {"webp": 1, "jpeg": 1}`)
	log := filepath.Join(t.TempDir(), "access.log")
	lines := []string{
		`1.2.3.4 - - [01/Jan/2026:00:00:00 +0000] "GET /h/a%20b.jpg?w=50 HTTP/1.1" 200 123 "-" "agent"`,
		`{"method": "GET", "request_uri": "/h/a%20b.jpg?w=50", "status": 200}`,
		`{"request": "GET /h/%C3%BC.jpg?w=60&f=png HTTP/2.0"}`,
		`/h/none.jpg?w=1 200`,
		`1.2.3.4 - - [01/Jan/2026:00:00:00 +0000] "POST /purge HTTP/1.1" 200 123`,
		`{"method": "POST", "path": "/purge"}`, `{`, ``, `nonsense`,
	}
	if err := os.WriteFile(log, []byte(strings.Join(lines, "\n")), 0o644); err != nil {
		t.Fatal(err)
	}
	out, err := command(t, "replay", log, "-old", old, "-new", old)
	if err != nil || !strings.Contains(out, "3 requests; 3 with the same status; 3 without a difference") || !strings.Contains(out, "2 pictures of the same size: SSIM 1.000") {
		t.Errorf("a server beside itself: %v\n%s", err, out)
	}
	if strings.Contains(out, "SSIM\t") || strings.Contains(out, "requests  path") || !strings.Contains(out, "2 lines of the log are no requests") {
		t.Errorf("a server beside itself: want no table without rows, and 2 lines left out\n%s", out)
	}
	_, jpegs := warmServer(t, `, "output_format": "jpeg"`)
	if out, err = command(t, "replay", log, "-old", old, "-new", jpegs, "-similar", "0"); err == nil || !strings.Contains(out, "webp | jpeg") || !strings.Contains(out, "  ms ") || !strings.Contains(out, "3 with the same status; 2 without a difference") {
		t.Errorf("another format: %v; want a difference\n%s", err, out)
	}
	out, err = command(t, "replay", log, "-old", old, "-new", low, "-json", "-similar", "0.999")
	var p pair
	if err == nil || json.Unmarshal([]byte(strings.SplitN(out, "\n", 2)[0]), &p) != nil {
		t.Fatalf("another quality: %q, %v; want an error, and lines of JSON", out, err)
	}
	if p.Path != "/h/a%20b.jpg?w=50" || p.Count != 2 || p.Similarity <= 0 || p.Similarity > 0.999 || p.Old.Width != 50 || p.New.Bytes >= p.Old.Bytes || p.Same {
		t.Errorf("another quality: %+v", p)
	}
	gone := httptest.NewServer(http.NotFoundHandler())
	t.Cleanup(gone.Close)
	if out, err = command(t, "replay", log, "-old", old, "-new", gone.URL, "-n", "1"); err == nil || !strings.Contains(out, "200 | 404") || !strings.Contains(out, "1 requests; 0 with the same status") {
		t.Errorf("a server without pictures: %v\n%s", err, out)
	}
	down := "http://127.0.0.1:1"
	if out, err = command(t, "replay", log, "-old", down, "-new", down); err == nil || !strings.Contains(out, "3 requests; 0 with the same status; 0 without a difference") {
		t.Errorf("two servers that are down: %v\n%s", err, out)
	}
	square := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(testserver.Photo(t, 20, 20)) }))
	t.Cleanup(square.Close)
	if out, err = command(t, "replay", log, "-old", old, "-new", square.URL, "-n", "1", "-similar", "0"); err == nil {
		t.Errorf("another size, however little similarity is asked for: no error\n%s", out)
	}
	for _, args := range [][]string{
		{"replay"}, {"replay", log}, {"replay", "none", "-old", old, "-new", old}, {"replay", os.DevNull, "-old", old, "-new", old},
		{"replay", log, "-old", old, "-new", old, "-n", "0"}, {"replay", log, "-old", old, "-new", old, "-n", "-1"},
		{"replay", log, "-old", "localhost", "-new", old}, {"replay", log, "-old", old, "-new", "ftp://localhost"},
	} {
		if _, err := command(t, args...); err == nil {
			t.Errorf("%v: no error", args)
		}
	}
}

// The log of another server is asked of both: in its URLs, under another path,
// and in our own.
func TestReplayOfAnotherServer(t *testing.T) {
	folder := t.TempDir()
	for _, name := range []string{"in/a b.jpg", "in/c.jpg"} {
		if err := writeFile(filepath.Join(folder, name), testserver.Photo(t, 300, 201)); err != nil {
			t.Fatal(err)
		}
	}
	config := func(name, handlers string) string {
		t.Helper()
		file := filepath.Join(folder, name)
		if err := os.WriteFile(file, []byte(`{"handlers": [`+handlers+`]}`), 0o600); err != nil {
			t.Fatal(err)
		}
		return file
	}
	serve := func(file string) string {
		t.Helper()
		c, _, err := server.Load(file)
		if err != nil {
			t.Fatal(err)
		}
		s, err := server.New(c, server.Options{})
		if err != nil {
			t.Fatal(err)
		}
		web := httptest.NewServer(s)
		t.Cleanup(func() {
			web.Close()
			if err := s.Close(); err != nil {
				t.Error(err)
			}
		})
		return web.URL
	}
	source := `"source": {"dir": "` + filepath.Join(folder, "in") + `"}`
	theirs := `{"name": "site", "prefix": "/", ` + source + `, "dialect": {"name": "imgproxy", "unsigned": true}}`
	old := serve(config("old.json", theirs))
	both := config("both.json", strings.Replace(theirs, `"prefix": "/"`, `"prefix": "img"`, 1)+`, {"name": "h", `+source+`}`)
	log := filepath.Join(folder, "imgproxy.log")
	lines := `INFO    [2026-01-01T00:00:00Z] Started /_/rs:fit:100:100/plain/c.jpg request_id=1 method=GET
INFO    [2026-01-01T00:00:00Z] Completed in 5.1ms /_/rs:fit:100:100/plain/c.jpg request_id=1 method=GET status=200
{"level":"INFO","message":"Completed in 2ms /_/rs:fill:50:40/plain/a%20b.jpg@png","method":"GET","status":200}
2026-01-01 00:00:00 tornado.access:INFO 200 GET /_/w:1/plain/none.jpg (127.0.0.1) 3.11ms
/health
`
	if err := os.WriteFile(log, []byte(lines), 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := command(t, "replay", log, "-old", old, "-new", serve(both), "-rewrite", "/_/=/img/_/", "-all")
	if err != nil || !strings.Contains(out, "4 requests; 4 with the same status; 4 without a difference") || !strings.Contains(out, "/img/_/rs:fit:100:100/plain/c.jpg") {
		t.Errorf("under another path: %v\n%s", err, out)
	}
	in := config("in.json", theirs+`, {"name": "h", `+source+`}`)
	out, err = command(t, "replay", "-c", in, log, "-old", old, "-new", serve(in), "-dialect", "imgproxy", "-all")
	if err != nil || !strings.Contains(out, "3 requests; 3 with the same status; 3 without a difference") || !strings.Contains(out, "/h/a%20b.jpg?") || !strings.Contains(out, "SSIM 1.000") {
		t.Errorf("in our own words: %v\n%s", err, out)
	}
	for _, args := range [][]string{
		{"-rewrite", "a=b"}, {"-rewrite", "/a"}, {"-dialect", "thumbor"}, {"-dialect", "none"},
	} {
		if _, err := command(t, append([]string{"replay", "-c", in, log, "-old", old, "-new", old}, args...)...); err == nil || !strings.Contains(err.Error(), "replay: ") {
			t.Errorf("%v: %v; want an error of replay", args, err)
		}
	}
}

func TestTranslate(t *testing.T) {
	folder := t.TempDir()
	file := filepath.Join(folder, "config.json")
	if err := os.WriteFile(file, []byte(`{"handlers": [{"name": "img", "source": {"dir": "."}, "dialect": {"name": "thumbor", "unsigned": true}}]}`), 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := command(t, "translate", "-c", file, "/img/unsafe/300x200/a.jpg", "https://example.org/img/unsafe/300x200/smart/b.png")
	if want := "/img/a.jpg?w=300&h=200&enlarge=true&f=jpeg&q=80\n/img/b.png?w=300&h=200&enlarge=true&g=smart&f=png\n"; err != nil || out != want {
		t.Errorf("%q, %v; want %q", out, err, want)
	}
	if out, err := command(t, "translate", "-c", file, "-size", "400x300", "/img/unsafe/10x20:210x220/100x0/a.jpg"); err != nil || !strings.Contains(out, "crop=10,20,200,200") {
		t.Errorf("with a size: %q, %v", out, err)
	}
	for _, args := range [][]string{{}, {"/h/a.jpg"}, {"-size", "4x", "/img/unsafe/a.jpg"}, {"/img/unsafe/10x20:210x220/100x0/a.jpg"}} {
		if out, err := command(t, append([]string{"translate", "-c", file}, args...)...); err == nil || out != "" {
			t.Errorf("%v: %q, %v; want an error", args, out, err)
		}
	}
}

func TestHealth(t *testing.T) {
	config, _ := warmServer(t, "")
	if out, err := command(t, "health", "-c", config); err != nil || out != "ok\n" {
		t.Errorf("a server without health_path: %q, %v", out, err)
	}
	var status atomic.Int32
	s := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(int(status.Load())) }))
	for code, well := range map[int32]bool{200: true, 404: false, 503: false, 302: false} {
		status.Store(code)
		if _, err := command(t, "health", "-url", s.URL); (err == nil) != well {
			t.Errorf("status %d: %v", code, err)
		}
	}
	s.Close()
	if _, err := command(t, "health", "-url", s.URL); err == nil {
		t.Error("nobody answers: no error")
	}
}

func TestVersion(t *testing.T) {
	out, err := command(t, "version")
	if err != nil || !strings.HasPrefix(out, "s3imageserver ") || !strings.Contains(out, runtime.Version()+" "+runtime.GOOS) {
		t.Errorf("%q, %v", out, err)
	}
	for _, name := range []string{"-version", "--version", "-v"} {
		if flag, err := command(t, name); err != nil || flag != out {
			t.Errorf("%s: %q, %v; want %q", name, flag, err, out)
		}
	}
	if out, err := command(t, "version", "2"); err == nil || out != "" {
		t.Errorf("an argument: %q, %v; want an error", out, err)
	}
}

// The metrics say which version runs, and of which revision it was made.
func TestBuildInfo(t *testing.T) {
	info, err := buildinfo.ReadFile(testserver.Binary(t))
	if err != nil {
		t.Fatal(err)
	}
	revision := "" // what is built with -buildvcs=false has none
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" {
			revision = s.Value
		}
	}
	version, err := exec.Command(testserver.Binary(t), "version").Output()
	if err != nil {
		t.Fatal(err)
	}
	admin := testserver.Port(t)
	testserver.Start(t, t.TempDir(), map[string]any{
		"handlers": []any{map[string]any{"name": "h", "source": map[string]any{"dir": "."}}},
		"admin":    map[string]any{"listen": fmt.Sprintf("127.0.0.1:%d", admin)},
	}, nil)
	_, _, text := testserver.Get(t, fmt.Sprintf("http://127.0.0.1:%d/metrics", admin))
	labels := regexp.MustCompile(`\ns3imageserver_build_info{goversion="([^"]+)",revision="([^"]*)",version="([^"]+)"} 1\n`).FindSubmatch(text)
	if labels == nil {
		t.Fatalf("no build_info in %s", text)
	}
	if got := string(labels[1]); got != runtime.Version() {
		t.Errorf("goversion %q; want %q", got, runtime.Version())
	}
	if got := strings.TrimSuffix(string(labels[2]), "-modified"); got != revision {
		t.Errorf("revision %q; want %q", got, revision)
	}
	if got := string(labels[3]); !strings.HasPrefix(string(version), "s3imageserver "+got+" ") {
		t.Errorf("version %q; the command says %q", got, version)
	}
}

// What bash asks for when a command line is to be completed.
func TestCompletion(t *testing.T) {
	script, err := command(t, "completion", "bash")
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "completion.bash")
	if err := os.WriteFile(file, []byte(script), 0o644); err != nil {
		t.Fatal(err)
	}
	t.Run("read by bash", func(t *testing.T) {
		bash := testserver.Program(t, "bash", "not tested")
		if out, err := exec.Command(bash, "-n", file).CombinedOutput(); err != nil {
			t.Errorf("bash refuses the script: %v\n%s", err, out)
		}
	})
	for shell, want := range map[string]string{"zsh": "compdef", "fish": "complete ", "pwsh": "Register-ArgumentCompleter"} {
		if out, err := command(t, "completion", shell); err != nil || !strings.Contains(out, want) {
			t.Errorf("%s: %d bytes, %v", shell, len(out), err)
		}
	}
	out, err := exec.Command(testserver.Binary(t), "--generate-shell-completion").Output()
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range newProgram(nil, nil).Commands {
		if !strings.Contains(string(out), c.Name+":") && !strings.Contains(string(out), c.Name+"\n") {
			t.Errorf("the command %s is not offered: %s", c.Name, out)
		}
	}
}

// docs/commands.md is what the commands say of themselves.
func TestCommandReference(t *testing.T) {
	help := func(args ...string) string {
		out, err := command(t, append(args, "-h")...)
		if err != nil {
			t.Fatal(err)
		}
		return "```\n" + strings.TrimRight(out, "\n") + "\n```\n"
	}
	var page strings.Builder
	page.WriteString("# Commands\n\nMade of what the commands say of themselves with `-h`.\n\n" + help())
	for _, c := range newProgram(nil, nil).Commands {
		page.WriteString("\n## " + c.Name + "\n\n" + help(c.Name))
	}
	// How many processors this machine has is no part of the reference.
	text := regexp.MustCompile(`(NUMBER of pictures at once \(default: )\d+`).ReplaceAllString(page.String(), "${1}one for each processor")
	const file = "docs/commands.md"
	if *update {
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if have, err := os.ReadFile(file); err != nil || string(have) != text {
		t.Errorf("%s is not what the commands say (%v): run go test -tags nodynamic . -run TestCommandReference -update", file, err)
	}
}

// Whatever a log says, a request is a path, and is found where it stands.
func FuzzLogLine(f *testing.F) {
	for _, line := range []string{`1.2.3.4 - - [x] "GET /a?w=1 HTTP/1.1" 200 1`, `{"request": "GET /b HTTP/2.0"}`, `{"method":"POST","path":"/c"}`, "/d 200", "/e\n200", `{"path":1}`, `{"path":"/f g"}`, "\x00"} {
		f.Add(line)
	}
	f.Fuzz(func(t *testing.T, line string) {
		if path, _ := pathOf(line); path != "" && (path[0] != '/' || strings.ContainsAny(path, " \t\r\n")) {
			t.Errorf("%q is the path of %q", path, line)
		}
	})
}
