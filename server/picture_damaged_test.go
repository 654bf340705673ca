package server

import (
	"bytes"
	"image/gif"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// A damaged picture is refused; where the handler shows it, nothing of it is kept
// here or by others, and the sound one that takes its place is.
func TestDamagedPictures(t *testing.T) {
	var moving bytes.Buffer
	if err := gif.EncodeAll(&moving, animation(40, 30, 1)); err != nil {
		t.Fatal(err)
	}
	files := map[string][]byte{"photo.jpg": jpegFile(t, 400, 300), "drawing.png": pngFile(t, gradient(300, 200)), "still.gif": moving.Bytes()}
	for _, damaged := range []string{"", "refuse", "show"} {
		for name, file := range files {
			b, folder := bucket(t), t.TempDir()
			b.Set(name, file[:len(file)*3/4], modified)
			s := newSite(t, b, Options{}, HandlerConfig{Damaged: damaged, CachePath: folder, Cache: CacheConfig{MemoryMB: 8, OriginalsMB: 8}})
			url := "/h/" + name + "?w=100&f=png"
			for range 2 {
				r := s.get(url)
				if damaged != "show" {
					if r.StatusCode != http.StatusUnprocessableEntity {
						t.Errorf("%q, %s: %d; want 422", damaged, name, r.StatusCode)
					}
					continue
				}
				if control := r.Header.Get("Cache-Control"); r.StatusCode != http.StatusOK || control != "no-store" || !strings.Contains(r.Header.Get("Cache-Status"), "fwd=miss") {
					t.Errorf("%s: %d, %q, %q; want 200, made anew, no-store", name, r.StatusCode, control, r.Header.Get("Cache-Status"))
				}
				if m, kind := picture(t, r); kind != "png" || m.Bounds().Dx() == 0 {
					t.Errorf("%s: %s of %v", name, kind, m.Bounds())
				}
			}
			if damaged != "show" {
				continue
			}
			err := filepath.WalkDir(folder, func(path string, d fs.DirEntry, err error) error {
				if err != nil || d.IsDir() {
					return err
				}
				kept, err := os.ReadFile(path)
				if bytes.Contains(kept, file[len(file)/4:len(file)/2]) || bytes.Contains(kept, []byte("\x89PNG")) {
					t.Errorf("%s: something is kept in %s", name, path)
				}
				return err
			})
			if err != nil {
				t.Fatal(err)
			}
			// What cannot be said of a damaged picture is no reason not to show it.
			for query, want := range map[string]int{"info=colors": http.StatusUnprocessableEntity, "w=90": http.StatusOK, "w=91&h=20": http.StatusOK} {
				if r := s.get("/h/" + name + "?info=colors"); r.StatusCode != http.StatusUnprocessableEntity {
					t.Errorf("%s: colours of it: %d; want 422", name, r.StatusCode)
				}
				if r := s.get("/h/" + name + "?" + query); r.StatusCode != want {
					t.Errorf("%s?%s, after its colours: %d; want %d", name, query, r.StatusCode, want)
				}
			}
			b.Set(name, file, modified.Add(time.Hour))
			for i, want := range []string{"fwd=miss", "hit; detail=memory"} {
				r := s.get(url)
				if control := r.Header.Get("Cache-Control"); r.StatusCode != http.StatusOK || !strings.HasPrefix(control, "public, max-age=") || !strings.Contains(r.Header.Get("Cache-Status"), want) {
					t.Errorf("%s, sound, request %d: %d, %q, %q; want 200, %s", name, i, r.StatusCode, control, r.Header.Get("Cache-Status"), want)
				}
			}
		}
	}
	c := Config{Handlers: []HandlerConfig{{Prefix: "h", Bucket: bucket(t), Damaged: "mend"}}}
	if err := c.Validate(); err == nil || !strings.Contains(err.Error(), "damaged") {
		t.Errorf(`"damaged": "mend": %v; want a fault`, err)
	}
}

// What a limit made of an animation is not what another limit makes of it.
func TestLimitsOfAnimationsInTheKey(t *testing.T) {
	var moving bytes.Buffer
	if err := gif.EncodeAll(&moving, animation(40, 30, 5)); err != nil {
		t.Fatal(err)
	}
	b, folder := bucket(t), t.TempDir()
	b.Set("moving.gif", moving.Bytes(), modified)
	for _, tt := range []struct {
		limits LimitsConfig
		frames int
	}{
		{LimitsConfig{Frames: 4, WorkSeconds: 600, RequestSeconds: 600}, 1},
		{LimitsConfig{FramePixels: 5*40*30 - 1, WorkSeconds: 600, RequestSeconds: 600}, 1},
		{LimitsConfig{}, 5},
	} {
		s := newSite(t, b, Options{}, HandlerConfig{CachePath: folder, Limits: tt.limits})
		m, err := gif.DecodeAll(s.get("/h/moving.gif?f=gif").Body)
		if err != nil {
			t.Fatal(err)
		}
		if len(m.Image) != tt.frames {
			t.Errorf("%+v: %d frames; want %d", tt.limits, len(m.Image), tt.frames)
		}
	}
}
