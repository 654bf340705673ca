package server

import (
	"encoding/json"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"s3imageserver/resize"
)

func TestInfo(t *testing.T) {
	s := newSite(t, bucket(t), Options{})
	get := func(target string) (d resize.Details, header http.Header) {
		t.Helper()
		r := s.get(target)
		if r.StatusCode != 200 || r.Header.Get("Content-Type") != "application/json" || r.Header.Get("ETag") == "" {
			t.Fatalf("%s: %d %v", target, r.StatusCode, r.Header)
		}
		if err := json.Unmarshal(body(t, r), &d); err != nil {
			t.Fatal(err)
		}
		return d, r.Header
	}
	d, header := get("/h/photo.jpg?info=1&w=50&f=auto")
	if d.Width != 400 || d.Height != 300 || d.Format != "jpeg" || d.BlurHash == "" || d.Placeholder == "" || header.Get("Vary") != "" {
		t.Errorf("%+v, %v", d, header)
	}
	if !strings.Contains(header.Get("Content-Disposition"), "photo.json") || header.Get("X-Content-Type-Options") != "nosniff" {
		t.Errorf("header: %v", header)
	}
	if d, _ := get("/h/half.png?info=alpha"); !*d.Alpha || d.BlurHash != "" {
		t.Errorf("half.png: %+v", d)
	}
	for target, want := range map[string]int{"/h/none.jpg?info=1": 404, "/h/html.jpg?info=1": 502, "/h/cut.jpg?info=1": 422, "/h/cut.jpg?info=size": 200, "/h/photo.txt?info=1": 404, "/h/bomb.png?info=size": 422} {
		if r := s.get(target); r.StatusCode != want {
			t.Errorf("%s: %d; want %d", target, r.StatusCode, want)
		}
	}
	if r := s.get("/h/photo.jpg?info=nothing&w=40"); r.Header.Get("Content-Type") != "image/webp" {
		t.Errorf("info of no known field: %v", r.Header)
	}
}

var attribute = regexp.MustCompile(`(?:srcset|src)="([^"]*)"`)

// Every URL of a <picture> is answered with what the element says of it.
func TestSrcset(t *testing.T) {
	s := newSite(t, bucket(t), Options{Verify: func(token string) bool { return token == "a&b" }}, HandlerConfig{OutputFormats: []string{"jpeg", "png", "webp", "gif", "avif"}})
	r := s.get("/h/with%20space+plus.jpg?srcset=160,80,80,1000,x&sizes=%22%3E%3Cscript%3E&w=200&h=100&t=" + url.QueryEscape("a&b"))
	text := string(body(t, r))
	if r.StatusCode != 200 || !strings.HasPrefix(r.Header.Get("Content-Type"), "text/html") || strings.Contains(text, "<script") {
		t.Fatalf("%d %v\n%s", r.StatusCode, r.Header, text)
	}
	for _, want := range []string{`<source type="image/avif"`, `<source type="image/webp"`, `80w, `, `160w, `, `width="400" height="200"`, `background:#`, `sizes="&#34;&gt;`} {
		if !strings.Contains(text, want) {
			t.Errorf("no %s in\n%s", want, text)
		}
	}
	links := 0
	for _, m := range attribute.FindAllStringSubmatch(text, -1) {
		for candidate := range strings.SplitSeq(m[1], ", ") {
			target, descriptor, _ := strings.Cut(strings.ReplaceAll(candidate, "&amp;", "&"), " ")
			r := s.get(target)
			img, format := picture(t, r)
			if r.StatusCode != 200 {
				t.Fatalf("%s: %d", target, r.StatusCode)
			}
			size := img.Bounds().Size()
			if size.X != 2*size.Y || (descriptor != "" && descriptor != itoa(size.X)+"w") {
				t.Errorf("%s: %s of %v; the element says %s", target, format, size, descriptor)
			}
			links++
		}
	}
	if links != 7 {
		t.Errorf("%d URLs; want 7 in\n%s", links, text)
	}
	var set pictureSet
	r = s.get("/h/photo.jpg?srcset=50,5000&as=json&t=" + url.QueryEscape("a&b"))
	if err := json.Unmarshal(body(t, r), &set); err != nil || len(set.Sources) != 2 || set.Width != 400 || set.Height != 300 || set.Placeholder == "" {
		t.Errorf("as JSON: %+v, %v", set, err)
	}
	if r := s.get("/h/photo.jpg?srcset=50"); r.StatusCode != 404 {
		t.Errorf("without a token: %d", r.StatusCode)
	}
}

func itoa(n int) string { b, _ := json.Marshal(n); return string(b) }
