package server

import (
	"bytes"
	"image"
	"image/color"
	"image/draw"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/image/font/gofont/goregular"

	"s3imageserver/server/overlays"
	"s3imageserver/storage/storagetest"
)

func flat(w, h int, c color.Color) *image.NRGBA {
	m := image.NewNRGBA(image.Rect(0, 0, w, h))
	draw.Draw(m, m.Rect, image.NewUniform(c), image.Point{}, draw.Src)
	return m
}

// middle returns the colour in the middle of a picture.
func middle(m image.Image) color.NRGBA {
	b := m.Bounds()
	return color.NRGBAModel.Convert(m.At((b.Min.X+b.Max.X)/2, (b.Min.Y+b.Max.Y)/2)).(color.NRGBA)
}

var red, blue = color.NRGBA{255, 0, 0, 255}, color.NRGBA{0, 0, 255, 255}

// A watermark from a file or from the bucket lies on the picture; a name that
// nobody configured counts as absent, and shares its entry.
func TestWatermarks(t *testing.T) {
	b := bucket(t)
	b.Set("marks/blue.png", pngFile(t, flat(20, 20, blue)), modified)
	file := filepath.Join(t.TempDir(), "red.png")
	if err := os.WriteFile(file, pngFile(t, flat(20, 20, red)), 0o600); err != nil {
		t.Fatal(err)
	}
	marks := map[string]WatermarkConfig{"red": {File: file}, "blue": {Object: "marks/blue.png"}, "gone": {Object: "marks/gone.png"}}
	s := newSite(t, b, Options{}, HandlerConfig{Watermarks: marks, Cache: CacheConfig{MemoryMB: 1}, OutputFormat: "png"},
		HandlerConfig{Prefix: "strict", Watermarks: marks, StrictOptions: true, OutputFormat: "png"})
	plain, _ := picture(t, s.get("/h/photo.jpg?w=100&h=100"))
	for query, want := range map[string]color.NRGBA{"&wm=red": red, "&wm=blue": blue, "&wm=nobody": middle(plain), "&wmg=n": middle(plain)} {
		m, _ := picture(t, s.get("/h/photo.jpg?w=100&h=100"+query))
		if got := middle(m); got != want {
			t.Errorf("%s: the middle is %v; want %v", query, got, want)
		}
	}
	before := b.Gets()
	if r := s.get("/h/photo.jpg?w=100&h=100&wm=nobody"); r.StatusCode != 200 || b.Gets() != before {
		t.Errorf("an unknown watermark: status %d, %d reads; want 200 from the cache", r.StatusCode, b.Gets()-before)
	}
	if r := s.get("/h/photo.jpg?w=100&h=100&wm=gone"); r.StatusCode != 500 || r.Header.Get("Retry-After") != "" || !strings.Contains(s.log.String(), "the watermark cannot be used: object ") {
		t.Errorf("a watermark that is not in the bucket: status %d; want 500 and a line that says so, not a picture without it", r.StatusCode)
	}
	before = b.Gets()
	if r := s.get("/h/photo.jpg?w=100&h=100&wm=gone"); r.StatusCode != 500 || b.Gets() != before {
		t.Errorf("a watermark that was not there a moment ago: status %d, %d reads; want 500 and none", r.StatusCode, b.Gets()-before)
	}
	if r := s.get("/strict/photo.jpg?wm=nobody"); r.StatusCode != 400 {
		t.Errorf("strict_options: status %d for an unknown watermark; want 400", r.StatusCode)
	}
	if r := s.get("/strict/photo.jpg?txt=a&txtfont=nobody"); r.StatusCode != 400 {
		t.Errorf("strict_options: status %d for an unknown font; want 400", r.StatusCode)
	}
}

// A watermark that changes in the bucket is seen after a minute, and does not
// get the pictures that were kept before.
func TestWatermarkChanges(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := bucket(t)
		b.Set("mark.png", pngFile(t, flat(20, 20, red)), modified)
		s := newSite(t, b, Options{}, HandlerConfig{Watermarks: map[string]WatermarkConfig{"m": {Object: "mark.png"}}, Cache: CacheConfig{MemoryMB: 1}, OutputFormat: "png"})
		look := func(want color.NRGBA) {
			t.Helper()
			m, _ := picture(t, s.get("/h/photo.jpg?w=100&h=100&wm=m"))
			if got := middle(m); got != want {
				t.Errorf("the middle is %v; want %v", got, want)
			}
		}
		look(red)
		b.Set("mark.png", pngFile(t, flat(20, 20, blue)), modified.Add(time.Hour))
		look(red)
		time.Sleep(overlays.MarkAge + time.Second)
		look(blue)
		b.Set("mark.png", []byte("no picture"), modified.Add(2*time.Hour))
		time.Sleep(overlays.MarkAge + time.Second)
		look(blue)
		if !strings.Contains(s.log.String(), "watermark not read") {
			t.Errorf("the log does not say that the watermark is broken: %s", s.log)
		}
	})
}

func TestOverlayFaults(t *testing.T) {
	file := filepath.Join(t.TempDir(), "broken.png")
	if err := os.WriteFile(file, []byte("no picture"), 0o600); err != nil {
		t.Fatal(err)
	}
	c := &Config{
		Fonts: map[string]string{"brand": file, "": "x"},
		Handlers: []HandlerConfig{{Name: "h", Bucket: new(storagetest.Memory), Watermarks: map[string]WatermarkConfig{
			"empty": {}, "none": {File: "a"}, "both": {File: "a", Object: "b"}, "way/../out": {Object: "../x"},
		}}},
	}
	err := c.Validate()
	for _, want := range []string{"fonts.: ", "watermarks.empty: needs either", "watermarks.none: \"none\" stands for no watermark", "watermarks.both: needs either", "watermarks.way/../out: \"way"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("Validate: %v; want a fault with %q", err, want)
		}
	}
	c = &Config{Fonts: map[string]string{"brand": file}, Handlers: []HandlerConfig{{Name: "h", Bucket: new(storagetest.Memory), Watermarks: map[string]WatermarkConfig{
		"broken": {File: file}, "missing": {File: file + "x"},
	}}}}
	_, err = New(c, Options{})
	for _, err := range []error{err, Check(c)} {
		for _, want := range []string{"fonts.brand: ", "handlers.0.watermarks.broken.file: ", "handlers.0.watermarks.missing.file: "} {
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%v; want a fault with %q", err, want)
			}
		}
	}
}

// A font of the configuration is used, and another file of that name gives other
// keys.
func TestFonts(t *testing.T) {
	file := filepath.Join(t.TempDir(), "brand.ttf")
	if err := os.WriteFile(file, goregular.TTF, 0o600); err != nil {
		t.Fatal(err)
	}
	keys := map[string]bool{}
	for range 2 {
		s, err := New(&Config{Fonts: map[string]string{"brand": file}, Handlers: []HandlerConfig{{Name: "h", Bucket: bucket(t)}}}, Options{})
		if err != nil {
			t.Fatal(err)
		}
		closeAtEnd(t, s)
		f, err := overlays.NewFonts(s.config)
		if err != nil || f.ByName["brand"] == nil {
			t.Fatal(f, err)
		}
		keys[strings.Join((&overlays.Set{Fonts: f}).KeyParts(overlays.Watermark{}, "a", nil), " ")] = true
		if v := (&overlays.Set{Fonts: f}).KeyParts(overlays.Watermark{}, "", nil); len(v) != 0 {
			t.Errorf("a request without a text has the versions %q", v)
		}
		if err := os.WriteFile(file, append(bytes.Clone(goregular.TTF), 0), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if len(keys) != 2 {
		t.Errorf("two files of one name have the keys %v", keys)
	}
}
