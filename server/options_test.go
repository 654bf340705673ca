package server

import (
	"io"
	"strings"
	"testing"
)

// Clamped, unreadable and unknown parameters are 400 where strict_options is set, and
// named, with the name that was meant.
func TestStrictOptions(t *testing.T) {
	s := newSite(t, bucket(t), Options{}, HandlerConfig{}, HandlerConfig{Prefix: "strict", StrictOptions: true, Presets: map[string]string{"large": "w=1600", "card": "width=300"}})
	tests := []struct {
		query  string
		status int
		body   string // of a 400
	}{
		{"?w=100&h=50&c=false&f=png&utm_source=x", 200, ""},
		{"?width=100&quality=80&height=50&format=png", 200, ""},
		{"?mode=100", 400, "there is no parameter mode; did you mean fit?"},
		{"?Width=100", 400, "there is no parameter Width"},
		{"?heigth=100", 400, "there is no parameter heigth"},
		{"?BLUR=1", 400, "there is no parameter BLUR; did you mean blur?"},
		{"?sharpn=1", 400, "there is no parameter sharpn; did you mean sharpen?"},
		{"?v=3", 400, "there is no parameter v\n"},
		{"?%3Cscript%3E=1", 400, "there is no parameter of one of the names"},
		{"?w=100.5", 200, ""},
		{"?q=0&autoq=0&maxbytes=0&page=0&blur=0&w=0", 200, ""}, // as if they were absent
		{"?q=-1", 400, "q is clamped to 1"},
		{"?w=99999", 400, "w is clamped"},
		{"?w=99999&h=x", 400, "w is clamped to 3064, h is unreadable"},
		{"?f=exe", 400, "f is unreadable; it may be jpeg, png, webp, gif"},
		{"?format=exe", 400, "f is unreadable"},
		{"?fit=crop", 400, "fit is unreadable; it may be cover, contain, scale-down, pad, stretch, auto"},
		{"?preset=nix", 400, "preset is unreadable; it may be "},
		{"?wm=nix", 400, "wm is unreadable; it may be none"},
		{"?txt=a&txtfont=zz", 400, "txtfont is unreadable"},
		{"?f=auto-webp", 200, ""},
		{"?f=tiff", 400, "f is not enabled; it may be auto, jpeg, png, webp, gif"}, // none of output_formats
		{"?info=size", 200, ""},
		{"?info=sizes", 400, "info is unreadable"},
		{"?info=size,foo", 400, "info is unreadable"},
		{"?info=1,size", 400, "info is unreadable"},
		{"?info=Size,FORMAT", 200, ""},
		{"?info=True", 200, ""},
		{"?srcset=100,200", 200, ""},
		{"?srcset=100,x", 400, "srcset is unreadable"},
		{"?srcset=-1,99999,100", 400, "srcset is unreadable"},
		{"?srcset=99999,100", 400, "srcset is clamped to 100,3064"},
		{"?srcset=1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17", 400, "srcset is clamped to 1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16"},
		{"?srcset=100&as=JSON", 200, ""},
		{"?srcset=x", 400, "srcset is unreadable"},
		{"?srcset=100&as=xml", 400, "as is unreadable"},
		{"?fit=%3Cscript%3E", 400, "fit is unreadable"},
	}
	for _, tt := range tests {
		want := 200
		if tt.query == "?srcset=x" { // there is no picture of no width
			want = 400
		}
		if r := s.get("/h/photo.jpg" + tt.query); r.StatusCode != want {
			t.Errorf("%s: status %d without strict_options; want %d", tt.query, r.StatusCode, want)
		}
		r := s.get("/strict/photo.jpg" + tt.query)
		body, _ := io.ReadAll(r.Body) // a recorder's
		if r.StatusCode != tt.status || !strings.Contains(string(body), tt.body) {
			t.Errorf("%s: status %d with body %.60q; want %d and %q", tt.query, r.StatusCode, body, tt.status, tt.body)
		}
		if tt.status == 400 && (r.Header.Get("Cache-Control") != "no-store" || strings.Contains(string(body), "script")) {
			t.Errorf("%s: Cache-Control %q, body %q", tt.query, r.Header.Get("Cache-Control"), body)
		}
	}
	if r := s.get("/strict/../x.jpg?w=x"); r.StatusCode != 400 {
		t.Errorf("a bad name: status %d; want 400", r.StatusCode)
	}
}
