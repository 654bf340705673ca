package server

import (
	"encoding/json"
	"image/gif"
	"io"
	"net/http"
	"strings"
	"testing"

	"s3imageserver/server/dialect"
)

// speaking returns a handler at the root of the site that speaks a dialect and
// keeps results in memory.
func speaking(d dialect.Settings) HandlerConfig {
	return HandlerConfig{Name: "site", Prefix: "/", Dialect: &d, AllowedFormats: []string{"*"}, Cache: CacheConfig{MemoryMB: 10}}
}

// What each dialect makes of one picture of 400 by 300.
func TestDialects(t *testing.T) {
	for _, tt := range []struct {
		settings dialect.Settings
		target   string
		status   int
		w, h     int
		format   string
	}{
		{dialect.Settings{Name: "imgproxy", Unsigned: true}, "/_/rs:fill:100:50/plain/photo.jpg", 200, 100, 50, "jpeg"},
		{dialect.Settings{Name: "imgproxy", Unsigned: true}, "/_/rs:fill:100:50/plain/missing.jpg", 404, 0, 0, ""},
		{dialect.Settings{Name: "imgproxy", Unsigned: true}, "/_/w:100/plain/notes.txt", 422, 0, 0, ""},
		{dialect.Settings{Name: "imgproxy", Keys: []dialect.KeyPair{{Key: "00", Salt: "00"}}}, "/_/w:100/plain/photo.jpg", 403, 0, 0, ""},
		{dialect.Settings{Name: "thumbor", Unsigned: true}, "/unsafe/fit-in/100x100/photo.jpg", 200, 100, 75, "jpeg"},
		{dialect.Settings{Name: "imagor", Unsigned: true}, "/unsafe/50x50/filters:format(png)/photo.jpg", 200, 50, 50, "png"},
		{dialect.Settings{Name: "nextjs"}, "/_next/image?url=%2Fphoto.jpg&w=256&q=75", 200, 256, 192, "jpeg"},
		{dialect.Settings{Name: "cloudflare"}, "/cdn-cgi/image/width=33/photo.jpg", 200, 33, 25, "jpeg"},
		{dialect.Settings{Name: "iiif"}, "/photo.jpg/square/50,/90/default.jpg", 200, 50, 50, "jpeg"},
		{dialect.Settings{Name: "iiif"}, "/photo.jpg/full/500,/0/default.jpg", 400, 0, 0, ""},
		{dialect.Settings{Name: "imgix", Unsigned: true}, "/photo.jpg?w=0.5", 200, 200, 150, "jpeg"},
		{dialect.Settings{Name: "weserv", SourceMap: []dialect.Mapping{{From: "http://example.org/"}}}, "/?url=example.org/photo.jpg&h=30&ro=90", 200, 30, 40, "jpeg"},
		{dialect.Settings{Name: "weserv"}, "/?url=example.org/photo.jpg", 400, 0, 0, ""},
	} {
		site := newSite(t, bucket(t), Options{}, speaking(tt.settings))
		for _, time := range []string{"made", "kept"} {
			r := site.get(tt.target)
			if r.StatusCode != tt.status {
				t.Errorf("%s %s, %s: status %d %s, want %d", tt.settings.Name, tt.target, time, r.StatusCode, body(t, r), tt.status)
				continue
			}
			if tt.status != http.StatusOK {
				continue
			}
			img, format := picture(t, r)
			if b := img.Bounds(); b.Dx() != tt.w || b.Dy() != tt.h || format != tt.format {
				t.Errorf("%s %s, %s: %s of %v, want %s of %d x %d", tt.settings.Name, tt.target, time, format, b.Size(), tt.format, tt.w, tt.h)
			}
			if hit := strings.Contains(r.Header.Get("Cache-Status"), "hit"); hit != (time == "kept") {
				t.Errorf("%s %s, %s: Cache-Status %s", tt.settings.Name, tt.target, time, r.Header.Get("Cache-Status"))
			}
		}
	}
}

// URLs that mean the same share an entry of the cache, and a URL of our own
// handler beside it is its own.
func TestDialectsShareEntries(t *testing.T) {
	site := newSite(t, bucket(t), Options{}, speaking(dialect.Settings{Name: "imgproxy", Unsigned: true}), HandlerConfig{Prefix: "h"})
	if r := site.get("/_/rs:fill:90:60/plain/photo.jpg"); !strings.Contains(r.Header.Get("Cache-Status"), "fwd=miss") {
		t.Errorf("the first time: %s", r.Header.Get("Cache-Status"))
	}
	if r := site.get("/_/h:60/w:90/rt:fill/cb:1/plain/photo.jpg"); !strings.Contains(r.Header.Get("Cache-Status"), "hit") {
		t.Errorf("the same in other words: %s", r.Header.Get("Cache-Status"))
	}
	if r := site.get("/h/photo.jpg?w=20&f=jpeg"); r.StatusCode != 200 {
		t.Errorf("the handler beside it answers %d", r.StatusCode)
	}
}

// A URL that asks for too much of one picture is no fault of the picture: the
// others of it are made all the same.
func TestDialectsDoNotBlameThePicture(t *testing.T) {
	site := newSite(t, bucket(t), Options{}, speaking(dialect.Settings{Name: "iiif"}))
	for range 2 {
		if r := site.get("/photo.jpg/full/9999,/0/default.jpg"); r.StatusCode != 400 {
			t.Errorf("too large: %d", r.StatusCode)
		}
		if r := site.get("/photo.jpg/full/40,/0/default.jpg"); r.StatusCode != 200 {
			t.Errorf("small: %d", r.StatusCode)
		}
	}
}

func TestDialectsSendTheFileItself(t *testing.T) {
	b := bucket(t)
	site := newSite(t, b, Options{}, speaking(dialect.Settings{Name: "nextjs"}))
	r := site.get("/_next/image?url=%2Fanim.gif&w=16&q=75")
	want := string(encodeWith(t, func(w io.Writer) error { return gif.EncodeAll(w, animation(60, 40, 3)) }))
	if got := string(body(t, r)); got != want || r.Header.Get("Content-Type") != "image/gif" {
		t.Errorf("%d, %s: %d bytes, want the %d of the source", r.StatusCode, r.Header.Get("Content-Type"), len(got), len(want))
	}
	if got := r.Header.Get("Content-Disposition"); got != "attachment; filename=anim.gif" {
		t.Errorf("Content-Disposition = %s", got)
	}
	if got := r.Header.Get("Cache-Control"); !strings.HasSuffix(got, ", must-revalidate") {
		t.Errorf("Cache-Control = %s", got)
	}
}

func TestIIIFInformation(t *testing.T) {
	h := speaking(dialect.Settings{Name: "iiif", Rights: "https://creativecommons.org/publicdomain/zero/1.0/"})
	h.Prefix = "iiif"
	site := newSite(t, bucket(t), Options{}, h)
	r := site.get("http://example.com/iiif/a%2Fb%2Fphoto.jpg/info.json")
	var info struct {
		Context       string `json:"@context"`
		ID, Rights    string
		Width, Height int
		Tiles         []struct{ ScaleFactors []int }
	}
	if err := json.Unmarshal(body(t, r), &info); err != nil {
		t.Fatal(err)
	}
	if info.ID != "http://example.com/iiif/a%2Fb%2Fphoto.jpg" || info.Width != 400 || info.Height != 300 || info.Rights == "" || len(info.Tiles) != 1 {
		t.Errorf("info.json = %+v", info)
	}
	if got := r.Header.Get("Access-Control-Allow-Origin"); got != "*" {
		t.Errorf("Access-Control-Allow-Origin = %q, want *", got)
	}
	if r := site.get("/iiif/photo.jpg"); r.StatusCode != 303 || !strings.HasSuffix(r.Header.Get("Location"), "/iiif/photo.jpg/info.json") {
		t.Errorf("the address of the picture: %d, Location %s", r.StatusCode, r.Header.Get("Location"))
	}
	if r := site.do("OPTIONS", "/iiif/photo.jpg/info.json"); r.StatusCode != 204 {
		t.Errorf("OPTIONS: %d, want 204", r.StatusCode)
	}
	links := strings.Join(site.get("/iiif/photo.jpg/full/200,/0/default.jpg").Header["Link"], " ")
	if !strings.Contains(links, `/iiif/photo.jpg/full/200,150/0/default.jpg>;rel="canonical"`) || !strings.Contains(links, `level2.json>;rel="profile"`) {
		t.Errorf("Link = %s", links)
	}
	if r := site.get("/iiif/missing.jpg/info.json"); r.StatusCode != 404 || r.Header.Get("Access-Control-Allow-Origin") != "*" {
		t.Errorf("of a picture that there is not: %d, %v", r.StatusCode, r.Header)
	}
}

func TestDialectsThatAreNotConfiguredStopTheStart(t *testing.T) {
	for _, settings := range []dialect.Settings{{Name: "imgproxy"}, {Name: "nosuch"}} {
		c := Config{Handlers: []HandlerConfig{speaking(settings)}}
		c.Handlers[0].Bucket = bucket(t)
		if err := c.Validate(); err == nil || !strings.Contains(err.Error(), "handlers.0.dialect") {
			t.Errorf("%s: Validate = %v, want a fault of handlers.0.dialect", settings.Name, err)
		}
	}
	c := Config{Handlers: []HandlerConfig{{Prefix: "/", Bucket: bucket(t)}}}
	if err := c.Validate(); err == nil {
		t.Error("a handler without a dialect may not be the root of the site")
	}
}

// A watermark that a URL names is an object of the handler.
func TestDialectsLayObjectsOverPictures(t *testing.T) {
	site := newSite(t, bucket(t), Options{}, speaking(dialect.Settings{Name: "thumbor", Unsigned: true}))
	plain := body(t, site.get("/unsafe/100x75/photo.jpg"))
	r := site.get("/unsafe/100x75/filters:watermark(half.png,0,0,0)/photo.jpg")
	if marked := body(t, r); r.StatusCode != 200 || string(marked) == string(plain) {
		t.Errorf("with a watermark: %d, the same picture: %v", r.StatusCode, string(marked) == string(plain))
	}
	for _, name := range []string{"missing.png", "notes.txt", "..%2Fphoto.jpg"} {
		if r := site.get("/unsafe/100x75/filters:watermark(" + name + ",0,0,0)/photo.jpg"); r.StatusCode != 400 {
			t.Errorf("with the watermark %s: %d, want 400", name, r.StatusCode)
		}
	}
}
