package server

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/gif"
	"image/jpeg"
	"image/png"
	"io"
	"io/fs"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	_ "golang.org/x/image/webp"

	"s3imageserver/resize"
	"s3imageserver/server/config"
	"s3imageserver/storage"
	"s3imageserver/storage/storagetest"
)

// modified is when all test pictures were.
var modified = time.Date(2024, 5, 6, 7, 8, 9, 0, time.UTC)

// gradient is a picture whose every pixel differs from its neighbours.
func gradient(w, h int) *image.NRGBA {
	m := image.NewNRGBA(image.Rect(0, 0, w, h))
	for y := range h {
		for x := range w {
			m.SetNRGBA(x, y, color.NRGBA{byte(255 * x / w), byte(255 * y / h), byte(128 + 64*(x/8+y/8)%2), 255})
		}
	}
	return m
}

func encodeWith(t testing.TB, encode func(io.Writer) error) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := encode(&b); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func jpegFile(t testing.TB, w, h int) []byte {
	return encodeWith(t, func(b io.Writer) error { return jpeg.Encode(b, gradient(w, h), nil) })
}

func pngFile(t testing.TB, m image.Image) []byte {
	return encodeWith(t, func(b io.Writer) error { return png.Encode(b, m) })
}

// bucket returns a bucket with one picture of each kind, 400 by 300.
func bucket(t testing.TB) *storagetest.Memory {
	var b storagetest.Memory
	put := func(name string, data []byte) { b.Set(name, data, modified) }
	photo := jpegFile(t, 400, 300)
	put("photo.jpg", photo)
	put("a/b/photo.jpg", photo)
	put("with space+plus.jpg", photo)
	put("100%25.jpg", photo)
	put("Ünï/日本.jpg", photo)
	put("UPPER.JPG", photo)
	put("same.jpg", jpegFile(t, 40, 30))
	put("same.png", pngFile(t, gradient(30, 40)))
	put("half.png", pngFile(t, halfTransparent(400, 300)))
	put("anim.gif", encodeWith(t, func(w io.Writer) error { return gif.EncodeAll(w, animation(60, 40, 3)) }))
	put("empty.jpg", nil)
	put("html.jpg", []byte("<!DOCTYPE html><html><body>Sign in</body></html>"))
	put("s3error.jpg", []byte(`<?xml version="1.0" encoding="UTF-8"?><Error><Code>NoSuchKey</Code></Error>`))
	put("drawing.jpg", []byte(`<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>`))
	put("tiff.jpg", []byte("II*\x00\x08\x00\x00\x00\x00\x00"))
	put("cut.jpg", photo[:len(photo)/2])
	put("bomb.png", bombPNG())
	put("large.jpg", append(jpegFile(t, 10, 10), make([]byte, 2000)...))
	put("notes.txt", []byte("text"))
	return &b
}

func halfTransparent(w, h int) *image.NRGBA {
	m := image.NewNRGBA(image.Rect(0, 0, w, h))
	for y := range h {
		for x := range w / 2 {
			m.SetNRGBA(x, y, color.NRGBA{200, 0, 0, 255})
		}
	}
	return m
}

func animation(w, h, n int) *gif.GIF {
	var g gif.GIF
	for i := range n {
		m := image.NewPaletted(image.Rect(0, 0, w, h), color.Palette{color.Black, color.White, color.NRGBA{255, 0, 0, 255}})
		for x := range w / n {
			for y := range h {
				m.SetColorIndex(i*w/n+x, y, 2)
			}
		}
		g.Image = append(g.Image, m)
		g.Delay = append(g.Delay, 7)
		g.Disposal = append(g.Disposal, gif.DisposalBackground)
	}
	return &g
}

// bombPNG is a header of 50,000 by 50,000 pixels.
func bombPNG() []byte {
	return []byte("\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\x00\x00\xc3\x50\x00\x00\xc3\x50\x08\x06\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00IEND")
}

// A site is a server under test.
type site struct {
	t      *testing.T
	server *Server
	log    *bytes.Buffer
}

// newSite starts a server with the given handlers; those without a source get
// the bucket b, those without a prefix "h".
func newSite(t *testing.T, b storage.Bucket, o Options, handlers ...HandlerConfig) *site {
	t.Helper()
	if len(handlers) == 0 {
		handlers = []HandlerConfig{{}}
	}
	for i := range handlers {
		if handlers[i].Prefix == "" {
			handlers[i].Prefix = "h"
		}
		if handlers[i].AWS == nil && handlers[i].Source.Dir == "" && handlers[i].Sources == nil && handlers[i].Bucket == nil {
			handlers[i].Bucket = b
		}
		if l := &handlers[i].Limits; *l == (LimitsConfig{}) { // on a machine of any speed
			l.WorkSeconds, l.RequestSeconds = 600, 600
		}
		keepsOnAnyDisk(&handlers[i])
	}
	log := new(bytes.Buffer)
	o.Log = slog.New(slog.NewTextHandler(log, nil))
	for _, h := range handlers {
		resize.Start(config.FormatsOf(h.OutputFormats)) // so that the time of a request is not that of this
	}
	s, err := New(&Config{Handlers: handlers}, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return &site{t, s, log}
}

// keepsOnAnyDisk bounds the disk cache of h in bytes, unless it is bounded: by default
// results are kept by what is free, and a machine's disk may be as good as full.
func keepsOnAnyDisk(h *HandlerConfig) {
	if h.CachePath != "" && h.Cache.DiskMB == 0 && h.Cache.MinFree == 0 {
		h.Cache.DiskMB = 64
	}
}

// get asks for target; header holds pairs of name and value.
func (s *site) get(target string, header ...string) *http.Response {
	s.t.Helper()
	return s.do(http.MethodGet, target, header...)
}

func (s *site) do(method, target string, header ...string) *http.Response {
	s.t.Helper()
	r := httptest.NewRequest(method, target, nil)
	for i := 0; i < len(header); i += 2 {
		r.Header.Add(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	s.server.ServeHTTP(w, r)
	return w.Result()
}

// picture decodes the body of an answer.
func picture(t *testing.T, r *http.Response) (image.Image, string) {
	t.Helper()
	img, format, err := image.Decode(r.Body)
	if err != nil {
		t.Fatalf("body of %d %s: %v", r.StatusCode, r.Header.Get("Content-Type"), err)
	}
	return img, format
}

func body(t *testing.T, r *http.Response) []byte {
	t.Helper()
	data, err := io.ReadAll(r.Body)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func cacheTime(seconds int64) *int64 { return &seconds }

// B1: the name is the path, decoded exactly once.
func TestNames(t *testing.T) {
	b := bucket(t)
	s := newSite(t, b, Options{}, HandlerConfig{OutputFormat: "jpg"}, HandlerConfig{Prefix: "other", OutputFormat: "jpg"})
	tests := []struct {
		path string
		want int
	}{
		{"/h/photo.jpg", 200},
		{"/h/a/b/photo.jpg", 200},
		{"/h/a%2Fb%2fphoto.jpg", 200},
		{"/h/with%20space+plus.jpg", 200},
		{"/h/with%20space%2Bplus.jpg", 200},
		{"/h/100%2525.jpg", 200},
		{"/h/%C3%9Cn%C3%AF/%E6%97%A5%E6%9C%AC.jpg", 200},
		{"/h/UPPER.JPG", 200},
		{"/h/missing.jpg", 404},
		{"/h/", 400},
		{"/h/a//photo.jpg", 400},
		{"/h//photo.jpg", 400},
		{"/h/photo.jpg/", 400},
		{"/h/./photo.jpg", 400},
		{"/h/a/../photo.jpg", 400},
		{"/h/../other/photo.jpg", 400},
		{"/h/%2e%2e/other/photo.jpg", 400},
		{"/h/%2e%2e%2fother%2fphoto.jpg", 400},
		{"/h/%2E%2E%2F%2E%2E%2Fphoto.jpg", 400},
		{"/h/..%5cphoto.jpg", 400},
		{"/h/a%5Cphoto.jpg", 400},
		{"/h/photo%00.jpg", 400},
		{"/h/photo%0a.jpg", 400},
		{"/h/photo%7f.jpg", 400},
		{"/h/%ff.jpg", 400},
		{"/h/%c0%ae%c0%ae/photo.jpg", 400},
		{"/h/" + strings.Repeat("a", 1020) + ".jpg", 404},
		{"/h/" + strings.Repeat("a", 1021) + ".jpg", 400},
		{"/h/%252e%252e%252fphoto.jpg", 404}, // an odd name, and not a way out
		{"/nobody/photo.jpg", 404},
		{"/photo.jpg", 404},
		{"/h", 404},
		{"/hh/photo.jpg", 404},
		{"/h/" + strings.Repeat("a/", 2500) + "b.jpg", 414},
	}
	for _, tt := range tests {
		before := b.Gets()
		r := s.get(tt.path)
		if r.StatusCode != tt.want || r.Header.Get("Location") != "" {
			t.Errorf("GET %.60s = %d, Location %q; want %d and no redirect", tt.path, r.StatusCode, r.Header.Get("Location"), tt.want)
		}
		if tt.want == 400 && b.Gets() != before {
			t.Errorf("GET %.60s reached the store", tt.path)
		}
	}
}

// B2: extensions are compared without case, and written with or without a dot.
func TestExtensions(t *testing.T) {
	b := bucket(t)
	s := newSite(t, b, Options{}, HandlerConfig{AllowedFormats: []string{".JPG", "gif"}})
	for path, want := range map[string]int{
		"/h/photo.jpg": 200, "/h/UPPER.JPG": 200, "/h/anim.gif": 200,
		"/h/same.png": 404, "/h/notes.txt": 404, "/h/photo": 404, "/h/jpg": 404, "/h/.jpg": 404,
	} {
		if r := s.get(path); r.StatusCode != want {
			t.Errorf("GET %s = %d; want %d", path, r.StatusCode, want)
		}
	}
}

// B3 to B5 and C: sizes and formats for the words that clients send.
func TestOptionsOfURLs(t *testing.T) {
	s := newSite(t, bucket(t), Options{}, HandlerConfig{OutputFormat: "jpg"}, HandlerConfig{Prefix: "default"})
	tests := []struct {
		target string
		size   image.Point
		format string
	}{
		{"/h/photo.jpg", image.Pt(400, 300), "jpeg"},
		{"/default/photo.jpg", image.Pt(400, 300), "webp"},
		{"/h/photo.jpg?w=200&h=100", image.Pt(200, 100), "jpeg"},
		{"/h/photo.jpg?w=200&h=100&c=false", image.Pt(133, 100), "jpeg"},
		{"/h/photo.jpg?w=200", image.Pt(200, 150), "jpeg"},
		{"/h/photo.jpg?h=100", image.Pt(133, 100), "jpeg"},
		{"/h/photo.jpg?w=800&h=200", image.Pt(800, 200), "jpeg"},
		{"/h/photo.jpg?w=800&h=600", image.Pt(400, 300), "jpeg"},
		{"/h/photo.jpg?w=200.9&f=png", image.Pt(200, 150), "png"},
		{"/h/photo.jpg?w=abc&h=-4&f=GIF", image.Pt(400, 300), "gif"},
		{"/h/photo.jpg?w=100&f=webp", image.Pt(100, 75), "webp"},
		{"/h/photo.jpg?w=100&f=bmp", image.Pt(100, 75), "jpeg"},
		{"/h/photo.jpg?w=100&f=exe", image.Pt(100, 75), "jpeg"},
		{"/h/photo.jpg?w=100&utm_source=x&w=300", image.Pt(100, 75), "jpeg"},
		{"/h/photo.jpg?w=100;h=50&f=png", image.Pt(100, 50), "png"},
	}
	for _, tt := range tests {
		r := s.get(tt.target)
		img, format := picture(t, r)
		if r.StatusCode != 200 || img.Bounds().Size() != tt.size || format != tt.format || r.Header.Get("Content-Type") != "image/"+tt.format {
			t.Errorf("GET %s = %d %s %v %s; want %v %s", tt.target, r.StatusCode, r.Header.Get("Content-Type"), img.Bounds().Size(), format, tt.size, tt.format)
		}
	}
}

// C6 and C7.
func TestTransparencyAndAnimation(t *testing.T) {
	s := newSite(t, bucket(t), Options{})
	img, _ := picture(t, s.get("/h/half.png?f=jpg&w=100"))
	if r, g, b, _ := img.At(90, 30).RGBA(); r>>8 < 250 || g>>8 < 250 || b>>8 < 250 {
		t.Errorf("transparent pixel in JPEG = %d %d %d; want white", r>>8, g>>8, b>>8)
	}
	img, _ = picture(t, s.get("/h/half.png?f=png&w=100"))
	if _, _, _, a := img.At(90, 30).RGBA(); a != 0 {
		t.Errorf("transparent pixel in PNG has alpha %d; want 0", a)
	}
	img, _ = picture(t, s.get("/h/half.png?f=webp&w=100"))
	if _, _, _, a := img.At(90, 30).RGBA(); a != 0 {
		t.Errorf("transparent pixel in WebP has alpha %d; want 0", a)
	}
	g, err := gif.DecodeAll(s.get("/h/anim.gif?f=gif&w=30").Body)
	if err != nil {
		t.Fatal(err)
	}
	if len(g.Image) != 3 || g.Config.Width != 30 || g.Config.Height != 20 || g.Delay[1] != 7 || g.LoopCount != 0 {
		t.Errorf("animation has %d frames of %dx%d, delay %v, loops %d; want 3 of 30x20, 7, 0", len(g.Image), g.Config.Width, g.Config.Height, g.Delay, g.LoopCount)
	}
	file := body(t, s.get("/h/anim.gif?f=webp&w=30"))
	if n := bytes.Count(file, []byte("ANMF")); n != 3 {
		t.Errorf("animated WebP has %d frames; want 3", n)
	}
}

// D1: the header of a good answer.
func TestHeader(t *testing.T) {
	s := newSite(t, bucket(t), Options{},
		HandlerConfig{OutputFormat: "jpg"},
		HandlerConfig{Prefix: "auto", OutputFormat: "auto", CacheTime: cacheTime(60)},
		HandlerConfig{Prefix: "ever", CacheTime: cacheTime(0)},
		HandlerConfig{Prefix: "never", CacheTime: cacheTime(-1)})
	r := s.get("/h/photo.jpg?w=100")
	data := body(t, r)
	for name, want := range map[string]string{
		"Content-Type": "image/jpeg", "Content-Length": fmt.Sprint(len(data)), "Last-Modified": "Mon, 06 May 2024 07:08:09 GMT",
		"Cache-Control": "public, max-age=604800", "X-Content-Type-Options": "nosniff", "Vary": "", "Accept-Ranges": "bytes",
		"Content-Disposition": "inline; filename=photo.jpg", "Content-Security-Policy": "default-src 'none'; sandbox",
	} {
		if got := r.Header.Get(name); got != want {
			t.Errorf("%s: %q; want %q", name, got, want)
		}
	}
	if etag := r.Header.Get("ETag"); !strings.HasPrefix(etag, `"`) || len(etag) < 10 {
		t.Errorf("ETag: %q", etag)
	}
	for target, want := range map[string]string{
		"/auto/photo.jpg": "public, max-age=60", "/ever/photo.jpg": "public, max-age=31536000", "/never/photo.jpg": "no-cache",
	} {
		if got := s.get(target).Header.Get("Cache-Control"); got != want {
			t.Errorf("%s: Cache-Control: %q; want %q", target, got, want)
		}
	}
	for accept, want := range map[string]string{
		"image/avif,image/webp,*/*;q=0.8": "image/webp", "image/webp;q=0": "image/jpeg", "*/*": "image/jpeg", "": "image/jpeg", "IMAGE/WEBP": "image/webp",
	} {
		r := s.get("/auto/photo.jpg", "Accept", accept)
		if got := r.Header.Get("Content-Type"); got != want || r.Header.Get("Vary") != "Accept" {
			t.Errorf("Accept %q: %s, Vary %q; want %s and Accept", accept, got, r.Header.Get("Vary"), want)
		}
	}
}

// D1: conditional requests, ranges, HEAD.
func TestConditionalRequests(t *testing.T) {
	s := newSite(t, bucket(t), Options{})
	const target = "/h/photo.jpg?w=100"
	full := s.get(target)
	data, etag := body(t, full), full.Header.Get("ETag")
	tests := []struct {
		name   string
		header []string
		status int
		body   []byte
	}{
		{"the same ETag", []string{"If-None-Match", etag}, 304, nil},
		{"one of a list", []string{"If-None-Match", `"x", W/` + etag + `, "y"`}, 304, nil},
		{"any", []string{"If-None-Match", "*"}, 304, nil},
		{"another ETag", []string{"If-None-Match", `"x"`}, 200, data},
		{"not modified since", []string{"If-Modified-Since", modified.Format(http.TimeFormat)}, 304, nil},
		{"modified since", []string{"If-Modified-Since", modified.Add(-time.Second).Format(http.TimeFormat)}, 200, data},
		{"ETag wins over the date", []string{"If-None-Match", `"x"`, "If-Modified-Since", modified.Format(http.TimeFormat)}, 200, data},
		{"first bytes", []string{"Range", "bytes=0-9"}, 206, data[:10]},
		{"last bytes", []string{"Range", "bytes=-5"}, 206, data[len(data)-5:]},
		{"range of the same file", []string{"Range", "bytes=0-9", "If-Range", etag}, 206, data[:10]},
		{"range of another file", []string{"Range", "bytes=0-9", "If-Range", `"x"`}, 200, data},
	}
	for _, tt := range tests {
		r := s.get(target, tt.header...)
		if got := body(t, r); r.StatusCode != tt.status || !bytes.Equal(got, tt.body) {
			t.Errorf("%s: %d with %d bytes; want %d with %d", tt.name, r.StatusCode, len(got), tt.status, len(tt.body))
		}
	}
	if r := s.get(target, "Range", "bytes=999999-"); r.StatusCode != 416 {
		t.Errorf("range beyond the end: %d; want 416", r.StatusCode)
	}
	head := s.do(http.MethodHead, target)
	if got := body(t, head); head.StatusCode != 200 || len(got) != 0 || head.Header.Get("Content-Length") != fmt.Sprint(len(data)) || head.Header.Get("ETag") != etag {
		t.Errorf("HEAD = %d, %d bytes, %v; want the header of GET without a body", head.StatusCode, len(got), head.Header)
	}
}

// D6.
func TestMethods(t *testing.T) {
	s := newSite(t, bucket(t), Options{})
	for _, method := range []string{"POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "PROPFIND"} {
		r := s.do(method, "/h/photo.jpg")
		if r.StatusCode != 405 || r.Header.Get("Allow") != "GET, HEAD" {
			t.Errorf("%s = %d, Allow %q; want 405 and GET, HEAD", method, r.StatusCode, r.Header.Get("Allow"))
		}
	}
}

// Answers without a picture are kept by nobody, also where no handler answers.
func TestAnswersOfNoHandler(t *testing.T) {
	s := newSite(t, bucket(t), Options{})
	for target, status := range map[string]int{"/": 404, "/elsewhere/photo.jpg": 404, "/h": 404, "/h/" + strings.Repeat("x", maxURLBytes): 414} {
		if r := s.get(target); r.StatusCode != status || r.Header.Get("Cache-Control") != "no-store" {
			t.Errorf("%.30s: status %d, Cache-Control %q; want %d and no-store", target, r.StatusCode, r.Header.Get("Cache-Control"), status)
		}
	}
}

// D2 and D3: which fault has which status, and that the error image comes with
// it, in the asked size, and is kept by nobody.
func TestFaults(t *testing.T) {
	folder := t.TempDir()
	errorImage := filepath.Join(folder, "error.png")
	if err := os.WriteFile(errorImage, pngFile(t, gradient(600, 400)), 0o644); err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		target string
		fault  error // of the bucket
		want   int
		softer int // with error_status 404
	}{
		{"/h/missing.jpg", nil, 404, 404},
		{"/h/notes.txt", nil, 404, 404},
		{"/h/empty.jpg", nil, 422, 404},
		{"/h/html.jpg", nil, 502, 404},
		{"/h/s3error.jpg", nil, 502, 404},
		{"/h/drawing.jpg", nil, 415, 404},
		{"/h/tiff.jpg", nil, 415, 404},
		{"/h/cut.jpg", nil, 422, 404},
		{"/h/bomb.png", nil, 422, 404},
		{"/h/large.jpg", nil, 413, 404},
		{"/h/photo.jpg", fmt.Errorf("x: %w", fs.ErrPermission), 404, 404},
		{"/h/photo.jpg", fmt.Errorf("x: %w", storage.ErrUnavailable), 503, 404},
		{"/h/photo.jpg", fmt.Errorf("x: %w", storage.ErrOverloaded), 503, 404},
		{"/h/photo.jpg", fmt.Errorf("x: %w", storage.ErrIncomplete), 502, 404},
		{"/h/photo.jpg", fmt.Errorf("x: %w", storage.ErrDamaged), 502, 404},
		{"/h/photo.jpg", fmt.Errorf("x: %w", storage.ErrBusy), 503, 503},
		{"/h/photo.jpg", fmt.Errorf("x: %w", storage.ErrRefused), 404, 404},
		{"/h/photo.jpg", fmt.Errorf("x: %w", storage.ErrCoding), 422, 404},
		{"/h/photo.jpg", fmt.Errorf("%w: %w", storage.ErrUnavailable, os.ErrDeadlineExceeded), 504, 404},
		{"/h/photo.jpg", errors.New("something unforeseen"), 500, 500},
	}
	for _, tt := range tests {
		for _, status := range []StatusCode{0, 404} {
			b := bucket(t)
			b.Fail(tt.fault)
			cachePath := filepath.Join(t.TempDir(), "cache")
			s := newSite(t, b, Options{}, HandlerConfig{ErrorImage: errorImage, ErrorStatus: status, MaxSourceBytes: 1e5, OutputFormat: "jpg", CachePath: cachePath},
				HandlerConfig{Prefix: "bare", ErrorStatus: status, MaxSourceBytes: 1e5})
			if tt.want == 413 {
				s = newSite(t, b, Options{}, HandlerConfig{ErrorImage: errorImage, ErrorStatus: status, MaxSourceBytes: 1000, OutputFormat: "jpg"}, HandlerConfig{Prefix: "bare", ErrorStatus: status, MaxSourceBytes: 1000})
			}
			want := tt.want
			if status != 0 {
				want = tt.softer
			}
			r := s.get(tt.target + "?w=120&h=80&f=png")
			img, format := picture(t, r)
			if r.StatusCode != want || format != "png" || img.Bounds().Size() != image.Pt(120, 80) {
				t.Errorf("%s, %v, error_status %d: %d %s %v; want %d with the error image", tt.target, tt.fault, status, r.StatusCode, format, img.Bounds().Size(), want)
			}
			if r.Header.Get("Cache-Control") != "no-store" || r.Header.Get("ETag") != "" || (tt.want >= 502) != (r.Header.Get("Retry-After") != "") {
				t.Errorf("%s, %v: header %v", tt.target, tt.fault, r.Header)
			}
			bare := s.get(strings.Replace(tt.target, "/h/", "/bare/", 1))
			if data := body(t, bare); bare.StatusCode != want || len(data) != 0 {
				t.Errorf("%s without an error image: %d with %q; want %d and no body", tt.target, bare.StatusCode, data, want)
			}
			_ = filepath.WalkDir(cachePath, func(path string, d fs.DirEntry, err error) error {
				if err == nil && !d.IsDir() {
					t.Errorf("%s, %v: a fault was cached: %s", tt.target, tt.fault, path)
				}
				return nil // a folder that is not there holds no fault
			})
		}
	}
}

func TestErrorImageOnHead(t *testing.T) {
	folder := t.TempDir()
	errorImage := filepath.Join(folder, "error.png")
	if err := os.WriteFile(errorImage, pngFile(t, gradient(60, 40)), 0o644); err != nil {
		t.Fatal(err)
	}
	s := newSite(t, bucket(t), Options{}, HandlerConfig{ErrorImage: errorImage})
	get, head := s.get("/h/missing.jpg"), s.do(http.MethodHead, "/h/missing.jpg")
	if n := len(body(t, get)); head.StatusCode != 404 || head.Header.Get("Content-Length") != fmt.Sprint(n) || len(body(t, head)) != 0 {
		t.Errorf("HEAD of a missing picture: %d, %v; want 404, length %d, no body", head.StatusCode, head.Header, n)
	}
}

// H13: a missing or broken error image is told at the start and costs nobody
// an answer.
func TestBrokenErrorImage(t *testing.T) {
	broken := filepath.Join(t.TempDir(), "broken.png")
	if err := os.WriteFile(broken, []byte("not a picture"), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, file := range []string{broken, "missing.png"} {
		s := newSite(t, bucket(t), Options{}, HandlerConfig{ErrorImage: file})
		if !strings.Contains(s.log.String(), "error_image") {
			t.Errorf("error_image %s: nothing in the log: %s", file, s.log)
		}
		if r := s.get("/h/missing.jpg"); r.StatusCode != 404 || len(body(t, r)) != 0 {
			t.Errorf("error_image %s: %d; want an empty 404", file, r.StatusCode)
		}
	}
}

// D5: the cache never mixes two things.
func TestCacheKeepsApart(t *testing.T) {
	shared := filepath.Join(t.TempDir(), "cache")
	second := &storagetest.Memory{}
	second.Set("same.jpg", jpegFile(t, 99, 77), modified)
	s := newSite(t, bucket(t), Options{},
		HandlerConfig{CachePath: shared, OutputFormat: "png"},
		HandlerConfig{Prefix: "h2", CachePath: shared, OutputFormat: "png", Bucket: second})
	for range 2 { // filled, then from the cache
		for target, want := range map[string]image.Point{
			"/h/same.jpg": {40, 30}, "/h/same.png": {30, 40}, "/h2/same.jpg": {99, 77},
			"/h/same.jpg?w=20": {20, 15}, "/h/same.jpg?h=20": {26, 20}, "/h/same.jpg?w=20&h=20": {20, 20}, "/h/same.jpg?w=20&h=20&c=0": {20, 15},
		} {
			if img, _ := picture(t, s.get(target)); img.Bounds().Size() != want {
				t.Errorf("GET %s = %v; want %v", target, img.Bounds().Size(), want)
			}
		}
	}
}

// B6 and D5: what is not an option does not split the cache, and a cached
// answer is the same as a fresh one.
func TestCacheHits(t *testing.T) {
	b := bucket(t)
	s := newSite(t, b, Options{}, HandlerConfig{CachePath: filepath.Join(t.TempDir(), "cache")})
	fresh := s.get("/h/photo.jpg?w=100&h=50")
	freshBody := body(t, fresh)
	gets := b.Gets()
	for _, target := range []string{
		"/h/photo.jpg?w=100&h=50", "/h/photo.jpg?h=50&w=100", "/h/photo.jpg?w=100.5&h=50&c=true&utm_source=mail&v=2&_=17&fbclid=x", "/h/%70hoto.jpg?w=100&h=50&w=3&t=abc&f=WEBP",
	} {
		hit := s.get(target)
		if got := body(t, hit); !bytes.Equal(got, freshBody) || hit.Header.Get("ETag") != fresh.Header.Get("ETag") || hit.Header.Get("Last-Modified") != fresh.Header.Get("Last-Modified") || b.Gets() != gets {
			t.Errorf("GET %s: %d bytes, %d requests at the store; want the cached %d bytes and none", target, len(got), b.Gets()-gets, len(freshBody))
		}
	}
	b.Fail(storage.ErrUnavailable)
	if r := s.get("/h/photo.jpg?w=100&h=50"); r.StatusCode != 200 {
		t.Errorf("cached URL with the store down = %d; want 200", r.StatusCode)
	}
	if r := s.get("/h/photo.jpg?w=101"); r.StatusCode != 503 {
		t.Errorf("new URL with the store down = %d; want 503", r.StatusCode)
	}
}

// The tier that answered is said, and the bytes are the same from all of them.
func TestTiers(t *testing.T) {
	tiers := HandlerConfig{CachePath: filepath.Join(t.TempDir(), "cache"), Cache: CacheConfig{MemoryMB: 8, DiskMB: 64}}
	var first []byte
	ask := func(s *site, want string) {
		t.Helper()
		r := s.get("/h/photo.jpg?w=60")
		data := body(t, r)
		if first == nil {
			first = data
		}
		if got := r.Header.Get("Cache-Status"); got != "s3imageserver; "+want || !bytes.Equal(data, first) {
			t.Errorf("Cache-Status %q, %d bytes; want %q and the %d bytes of the first answer", got, len(data), want, len(first))
		}
	}
	s := newSite(t, bucket(t), Options{}, tiers)
	ask(s, "fwd=miss")
	ask(s, "hit; detail=memory")
	s = newSite(t, bucket(t), Options{}, tiers) // a new one has nothing in memory
	ask(s, "hit; detail=disk")
	ask(s, "hit; detail=memory")
	s = newSite(t, bucket(t), Options{}, HandlerConfig{Cache: CacheConfig{MemoryMB: 8}})
	ask(s, "fwd=miss")
	ask(s, "hit; detail=memory")
}

// A6: what turns the cache off.
func TestCacheOff(t *testing.T) {
	no, yes := false, true
	tests := []struct {
		name   string
		config HandlerConfig
		hits   bool
	}{
		{"a path", HandlerConfig{CachePath: "set"}, true},
		{"a path, enabled", HandlerConfig{CachePath: "set", CacheEnabled: &yes}, true},
		{"disabled", HandlerConfig{CachePath: "set", CacheEnabled: &no}, false},
		{"no path", HandlerConfig{CacheEnabled: &yes}, false},
		{"negative time", HandlerConfig{CachePath: "set", CacheTime: cacheTime(-1)}, false},
		{"memory, disabled", HandlerConfig{Cache: CacheConfig{MemoryMB: 8}, CacheEnabled: &no}, false},
		{"memory, negative time", HandlerConfig{Cache: CacheConfig{MemoryMB: 8}, CacheTime: cacheTime(-1)}, false},
		{"zero time", HandlerConfig{CachePath: "set", CacheTime: cacheTime(0)}, true},
	}
	for _, tt := range tests {
		if tt.config.CachePath != "" {
			tt.config.CachePath = filepath.Join(t.TempDir(), "deep", "cache")
		}
		b := bucket(t)
		s := newSite(t, b, Options{}, tt.config)
		s.get("/h/same.jpg")
		s.get("/h/same.jpg")
		if hits := b.Gets() == 1; hits != tt.hits {
			t.Errorf("%s: %d requests at the store; want hits %v", tt.name, b.Gets(), tt.hits)
		}
		if info, err := os.Stat(tt.config.CachePath); tt.hits && (err != nil || info.Mode().Perm() != 0o750) {
			t.Errorf("%s: cache folder: %v, %v; want it made with mode 0750", tt.name, info, err)
		}
	}
}

// E1: the function is asked with the token before cache and source, and its
// answers are private.
func TestVerify(t *testing.T) {
	b := bucket(t)
	asked := ""
	s := newSite(t, b, Options{Verify: func(token string) bool { asked = token; return token == "let me in" }},
		HandlerConfig{CachePath: filepath.Join(t.TempDir(), "cache")})
	good := s.get("/h/photo.jpg?w=50&t=let+me+in")
	if good.StatusCode != 200 || asked != "let me in" || good.Header.Get("Cache-Control") != "private, max-age=604800" {
		t.Errorf("good token: %d, asked %q, %s", good.StatusCode, asked, good.Header.Get("Cache-Control"))
	}
	gets := b.Gets()
	for _, query := range []string{"", "?t=", "?t=wrong", "?t=wrong&t=let+me+in", "?w=50"} {
		if r := s.get("/h/photo.jpg" + query); r.StatusCode != 404 || r.Header.Get("Cache-Control") != "no-store" {
			t.Errorf("%q: %d; want 404", query, r.StatusCode)
		}
	}
	if b.Gets() != gets {
		t.Error("a refused request reached the store")
	}
	if strings.Contains(s.log.String(), "let me in") {
		t.Error("the token is in the log")
	}
}

// K4: the body depends on nothing but the URL.
func TestHeadersDoNotChangeThePicture(t *testing.T) {
	s := newSite(t, bucket(t), Options{}, HandlerConfig{CachePath: filepath.Join(t.TempDir(), "cache")})
	want := body(t, s.get("/h/photo.jpg?w=80"))
	for _, name := range []string{"Accept", "X-Forwarded-Host", "X-Forwarded-Proto", "X-Original-URL", "X-Rewrite-URL", "DPR", "Save-Data", "User-Agent", "Cookie"} {
		if got := body(t, s.get("/h/photo.jpg?w=80", name, "image/png")); !bytes.Equal(got, want) {
			t.Errorf("%s changes the picture", name)
		}
	}
}

// A panic in the function of a library user is an answer and a line in the
// log; a context that ends is never an empty success.
func TestPanicAndDeadline(t *testing.T) {
	s := newSite(t, bucket(t), Options{Verify: func(string) bool { panic("boom") }})
	if r := s.get("/h/photo.jpg"); r.StatusCode != 500 || !strings.Contains(s.log.String(), "boom") {
		t.Errorf("panic in Verify: %d; want 500 and a line in the log: %s", r.StatusCode, s.log)
	}
	s = newSite(t, bucket(t), Options{})
	for want, end := range map[int]func(context.Context) (context.Context, context.CancelFunc){
		504: func(ctx context.Context) (context.Context, context.CancelFunc) { return context.WithTimeout(ctx, 0) },
		503: func(ctx context.Context) (context.Context, context.CancelFunc) {
			ctx, cancel := context.WithCancel(ctx)
			cancel()
			return ctx, cancel
		},
	} {
		ctx, cancel := end(t.Context())
		w := httptest.NewRecorder()
		s.server.ServeHTTP(w, httptest.NewRequest("GET", "/h/photo.jpg", nil).WithContext(ctx))
		cancel()
		if w.Code != want || w.Header().Get("Cache-Control") != "no-store" {
			t.Errorf("a context that ended: %d, %v; want %d and no-store", w.Code, w.Header(), want)
		}
	}
}

// The longest prefix that fits answers, whatever the order in the file.
func TestPrefixInAPrefix(t *testing.T) {
	inner := &storagetest.Memory{}
	inner.Set("x.jpg", jpegFile(t, 8, 8), modified)
	s := newSite(t, bucket(t), Options{}, HandlerConfig{Prefix: "a"}, HandlerConfig{Prefix: "a/b", Bucket: inner})
	if r := s.get("/a/b/x.jpg"); r.StatusCode != 200 {
		t.Errorf("GET /a/b/x.jpg = %d; want the picture of handler a/b", r.StatusCode)
	}
	if r := s.get("/a/photo.jpg"); r.StatusCode != 200 {
		t.Errorf("GET /a/photo.jpg = %d; want the picture of handler a", r.StatusCode)
	}
}

// A client has a deadline for every part of a picture, not for all of it.
func TestProgressDeadline(t *testing.T) {
	w := &deadlineWriter{ResponseRecorder: httptest.NewRecorder()}
	data := bytes.Repeat([]byte("x"), 3*progressBytes+1)
	if n, err := newProgressWriter(w).Write(data); n != len(data) || err != nil {
		t.Fatalf("Write = %d, %v; want %d", n, err, len(data))
	}
	if w.deadlines != 4 || !bytes.Equal(w.Body.Bytes(), data) {
		t.Errorf("%d deadlines for %d bytes, %d written; want 4", w.deadlines, len(data), w.Body.Len())
	}
	w.fail = true
	if n, err := newProgressWriter(w).Write(data); n != 0 || err == nil {
		t.Errorf("Write to a client that left = %d, %v", n, err)
	}
}

type deadlineWriter struct {
	*httptest.ResponseRecorder
	deadlines int
	fail      bool
}

func (w *deadlineWriter) SetWriteDeadline(time.Time) error { w.deadlines++; return nil }

func (w *deadlineWriter) Write(p []byte) (int, error) {
	if w.fail {
		return 0, io.ErrClosedPipe
	}
	return w.ResponseRecorder.Write(p)
}

func TestOptionsPage(t *testing.T) {
	folder := t.TempDir()
	for _, name := range []string{"one.jpg", "b & c.jpg", "notes.txt"} {
		if err := os.WriteFile(filepath.Join(folder, name), jpegFile(t, 10, 10), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	s, err := New(&Config{Handlers: []HandlerConfig{{Name: "h", Source: SourceConfig{Dir: folder}}}, Playground: true}, Options{})
	if err != nil {
		t.Fatal(err)
	}
	closeAtEnd(t, s)
	r := (&site{t: t, server: s}).get("/_playground/options")
	page := string(body(t, r))
	if r.StatusCode != 200 || !strings.Contains(page, "../h/b%20&amp;%20c.jpg") || strings.Contains(page, "notes") {
		t.Errorf("page = %d:\n%s", r.StatusCode, page)
	}
	for _, p := range Params() {
		if !strings.Contains(page, "<code>"+p.Name+"</code>") {
			t.Errorf("the page does not show the parameter %s", p.Name)
		}
	}
	if !strings.Contains(page, `<img src="../h/b%20&amp;%20c.jpg?w=120&amp;blur=3"`) || strings.Contains(page, "wm=logo") {
		t.Errorf("the page does not show blur on the first picture, or shows a watermark that there is not:\n%s", page)
	}
	off := newSite(t, bucket(t), Options{})
	if r := off.get("/"); r.StatusCode != 404 {
		t.Errorf("GET / without playground = %d; want 404", r.StatusCode)
	}
}
