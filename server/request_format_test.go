package server

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"s3imageserver/resize"
	"s3imageserver/server/config"
)

// The client's weights decide, and few choices come of many headers.
func TestNegotiate(t *testing.T) {
	all := &reader{basis: &basis{config: &HandlerConfig{OutputFormats: []string{"jpeg", "png", "webp", "gif", "avif"}}}}
	plain := &reader{basis: &basis{config: &HandlerConfig{OutputFormats: config.DefaultOutputFormats}}}
	tests := []struct {
		accept      string
		want, plain resize.Format
	}{
		{"", resize.AutoJPEG, resize.AutoJPEG},
		{"*/*", resize.AutoJPEG, resize.AutoJPEG},
		{"image/*", resize.AutoJPEG, resize.AutoJPEG},
		{"image/webp", resize.AutoWebP, resize.AutoWebP},
		{"image/avif,image/webp,image/apng,*/*;q=0.8", resize.AutoAVIF, resize.AutoWebP},
		{"image/avif", resize.AutoAVIF, resize.AutoJPEG},
		{"image/avif;q=0.5, image/webp;q=0.9", resize.AutoWebP, resize.AutoWebP},
		{"image/avif;q=0, image/webp", resize.AutoWebP, resize.AutoWebP},
		{"image/webp;q=0", resize.AutoJPEG, resize.AutoJPEG},
		{"image/webp;q=x, ,;", resize.AutoJPEG, resize.AutoJPEG},
		{"IMAGE/WEBP;Q=0.1", resize.AutoWebP, resize.AutoWebP},
		{"image/png", resize.PNG, resize.PNG},
		{"image/jpeg", resize.JPEG, resize.JPEG},
		{"image/gif;q=0.3", resize.GIF, resize.GIF},
		{"image/jxl, image/png", resize.PNG, resize.PNG},
		{"text/html, image/jpeg", resize.JPEG, resize.JPEG},
		{"image/png, image/jpeg", resize.AutoJPEG, resize.AutoJPEG},
		{"image/gif, image/png", resize.PNG, resize.PNG},
		{"image/png, image/*;q=0.1", resize.AutoJPEG, resize.AutoJPEG},
		{"image/png, */*", resize.AutoJPEG, resize.AutoJPEG},
		{"image/png, image/webp;q=0", resize.PNG, resize.PNG},
		{"image/png;q=0, image/jpeg", resize.JPEG, resize.JPEG},
		{"image/avif, image/png", resize.AutoAVIF, resize.PNG},
		{"image/tiff", resize.AutoJPEG, resize.AutoJPEG}, // not among the output formats
		{"text/html", resize.AutoJPEG, resize.AutoJPEG},
	}
	for _, tt := range tests {
		header := []string{tt.accept}
		if got := all.negotiate(header); got != tt.want {
			t.Errorf("Accept: %s: %v; want %v", tt.accept, got, tt.want)
		}
		if got := plain.negotiate(header); got != tt.plain {
			t.Errorf("Accept: %s, without AVIF: %v; want %v", tt.accept, got, tt.plain)
		}
	}
}

// A client that names one format gets it, from caches too.
func TestOneAcceptedFormat(t *testing.T) {
	s := newSite(t, bucket(t), Options{})
	for _, want := range []string{"image/png", "image/jpeg", "image/webp", "image/png"} {
		r := s.get("/h/photo.jpg?w=50&f=auto", "Accept", want)
		if got := r.Header.Get("Content-Type"); r.StatusCode != http.StatusOK || got != want || r.Header.Get("Vary") != "Accept" {
			t.Errorf("Accept: %s: %d %s, Vary: %s", want, r.StatusCode, got, r.Header.Get("Vary"))
		}
	}
}

// Hints are obeyed only where the handler says so, and are rounded.
func TestClientHints(t *testing.T) {
	tests := []struct {
		hints   string // header:value, separated by blanks
		before  resize.Options
		want    resize.Options
		ignored bool
	}{
		{"Sec-CH-DPR:2", resize.Options{Width: 100, Height: 50}, resize.Options{Width: 200, Height: 100}, false},
		{"Sec-CH-DPR:1.9", resize.Options{Width: 100}, resize.Options{Width: 200}, false},
		{"Sec-CH-DPR:9", resize.Options{Width: 100}, resize.Options{Width: 300}, false},
		{"Sec-CH-DPR:NaN", resize.Options{Width: 100}, resize.Options{Width: 100}, false},
		{"Sec-CH-DPR:2", resize.Options{Width: 2000}, resize.Options{Width: 3064}, false},
		{"Sec-CH-DPR:2", resize.Options{Width: 2000, Height: 1000}, resize.Options{Width: 3064, Height: 1532}, false},
		{"Sec-CH-DPR:2", resize.Options{Width: 100, Radius: 8, Padding: resize.Sides{Top: 3}}, resize.Options{Width: 200, Radius: 16, Padding: resize.Sides{Top: 6}}, false},
		{"Sec-CH-DPR:2", resize.Options{Zoom: 50}, resize.Options{Zoom: 50}, false},
		{"Sec-CH-Width:523", resize.Options{}, resize.Options{Width: 600}, false},
		{"Sec-CH-Width:523", resize.Options{Width: 50}, resize.Options{Width: 50}, false},
		{"Save-Data:on", resize.Options{}, resize.Options{Quality: 50}, false},
		{"Save-Data:on", resize.Options{Quality: 30}, resize.Options{Quality: 30}, false},
		{"Sec-CH-DPR:2 Save-Data:on", resize.Options{Width: 100}, resize.Options{Width: 100}, true},
	}
	for _, tt := range tests {
		c := &HandlerConfig{MaxDimension: 3064, ClientHints: !tt.ignored}
		b := &basis{config: c}
		h := &Handler{basis: b, reader: reader{basis: b}, answerer: answerer{basis: b}}
		r := &http.Request{Header: http.Header{}}
		for _, hint := range strings.Fields(tt.hints) {
			name, value, _ := strings.Cut(hint, ":")
			r.Header.Set(name, value)
		}
		req := request{options: tt.before, parsed: &parsedQuery{}}
		h.applyHints(&req, r)
		if req.options != tt.want {
			t.Errorf("%s on %v: %v; want %v", tt.hints, tt.before, req.options, tt.want)
		}
		if got := len(h.vary(req)) > 0; got == tt.ignored {
			t.Errorf("%s: Vary is %v", tt.hints, h.vary(req))
		}
	}
}

// The hints work through the whole server: asked for, obeyed, and named in Vary.
func TestClientHintsOfRequests(t *testing.T) {
	s := newSite(t, bucket(t), Options{}, HandlerConfig{ClientHints: true})
	r := s.get("/h/photo.jpg?w=50&f=auto", "Sec-CH-DPR", "2")
	if img, _ := picture(t, r); img.Bounds().Dx() != 100 || r.Header.Get("Accept-CH") == "" || len(r.Header.Values("Vary")) != 4 {
		t.Errorf("%v, %v", img.Bounds(), r.Header)
	}
	for density, want := range map[string]int{"1": 50, "1.5": 75} {
		if img, _ := picture(t, s.get("/h/photo.jpg?w=50&dpr="+density, "Sec-CH-DPR", "2")); img.Bounds().Dx() != want {
			t.Errorf("w=50&dpr=%s with Sec-CH-DPR: 2 is %d wide; want %d, as the URL says", density, img.Bounds().Dx(), want)
		}
	}
	plain := newSite(t, bucket(t), Options{})
	r = plain.get("/h/photo.jpg?w=50", "Sec-CH-DPR", "2")
	if img, _ := picture(t, r); img.Bounds().Dx() != 50 || r.Header.Get("Accept-CH") != "" || r.Header.Get("Vary") != "" {
		t.Errorf("without client_hints: %v, %v", img.Bounds(), r.Header)
	}
}

// The redirect names the choice, keeps everything else, and stays on this
// server.
func TestRedirectAuto(t *testing.T) {
	s := newSite(t, bucket(t), Options{}, HandlerConfig{RedirectAuto: true})
	r := s.get("/h/photo.jpg?w=100&f=auto&v=1", "Accept", "image/webp")
	location, err := url.Parse(r.Header.Get("Location"))
	if err != nil || r.StatusCode != http.StatusFound || r.Header.Get("Vary") != "Accept" || location.Host != "" {
		t.Fatalf("%d to %q, %v", r.StatusCode, r.Header.Get("Location"), r.Header)
	}
	if q := location.Query(); location.Path != "/h/photo.jpg" || q.Get("f") != "auto-webp" || q.Get("w") != "100" || q.Get("v") != "1" {
		t.Errorf("redirect to %v", location)
	}
	again := s.get(location.String())
	if again.StatusCode != 200 || again.Header.Get("Content-Type") != "image/webp" || again.Header.Get("Vary") != "" {
		t.Errorf("there: %d %v", again.StatusCode, again.Header)
	}
	if r := s.get("/h/photo.jpg?w=100&f=png"); r.StatusCode != 200 {
		t.Errorf("a format that was not negotiated: %d", r.StatusCode)
	}
}
