package server

import (
	"bytes"
	"encoding/json"
	"image"
	"image/draw"
	"math"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"s3imageserver/resize"
	"s3imageserver/storage"
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

// framed is a drawing with a plain edge, 400 by 300, of which 240 by 60 are left
// when it is trimmed.
func framed() *image.NRGBA {
	m := image.NewNRGBA(image.Rect(0, 0, 400, 300))
	draw.Draw(m, m.Rect, image.White, image.Point{}, draw.Src)
	draw.Draw(m, image.Rect(100, 200, 340, 260), gradient(400, 300), image.Pt(100, 200), draw.Src)
	return m
}

// withOrientation returns a JPEG with that orientation in its EXIF.
func withOrientation(file []byte, orientation byte) []byte {
	tiff := []byte{'M', 'M', 0, 42, 0, 0, 0, 8, 0, 1, 0x01, 0x12, 0, 3, 0, 0, 0, 1, 0, orientation, 0, 0, 0, 0, 0, 0}
	segment := append([]byte("Exif\x00\x00"), tiff...)
	app1 := append([]byte{0xff, 0xe1, 0, byte(len(segment) + 2)}, segment...)
	return bytes.Join([][]byte{file[:2], app1, file[2:]}, nil)
}

// linksOf returns the URLs of a set and the width that the set says of each; "" for
// that of the img.
func (s *pictureSet) linksOf() (links [][2]string) {
	for _, source := range s.Sources {
		for candidate := range strings.SplitSeq(source.Srcset, ", ") {
			target, descriptor, _ := strings.Cut(candidate, " ")
			links = append(links, [2]string{target, strings.TrimSuffix(descriptor, "w")})
		}
	}
	return append(links, [2]string{s.Src, ""})
}

// A set shows the picture that the URL shows without srcset, in every width; what
// it says of sizes is what they are.
func TestSrcsetShowsTheSamePicture(t *testing.T) {
	b := bucket(t)
	b.Set("framed.png", pngFile(t, framed()), modified)
	b.Set("turned.jpg", withOrientation(jpegFile(t, 400, 300), 6), modified)
	b.Set("ruled.jpg", jpegFile(t, 400, 300), modified)
	b.SetMeta("ruled.jpg", storage.Meta{Crop: "0,0,100%,50%"})
	s := newSite(t, b, Options{}, HandlerConfig{ClientHints: true, ObjectRules: true},
		HandlerConfig{Prefix: "snap", BoundsConfig: BoundsConfig{Snap: true}},
		HandlerConfig{Prefix: "sizes", BoundsConfig: BoundsConfig{AllowedSizes: []string{"100x50", "200x100", "300"}}})
	for _, tt := range []struct {
		target string
		want   [2]int // of the largest
	}{
		{"/h/photo.jpg?w=600&h=300&srcset=100,200", [2]int{200, 100}},
		{"/h/photo.jpg?h=150&srcset=100,200", [2]int{200, 150}},
		{"/h/photo.jpg?h=150&fit=contain&srcset=100,200", [2]int{200, 150}},
		{"/h/photo.jpg?w=100&srcset=100,200", [2]int{200, 150}},
		{"/h/photo.jpg?ar=1:1&srcset=100,200,900", [2]int{300, 300}},
		{"/h/photo.jpg?ar=1:1&fit=pad&srcset=100,200", [2]int{200, 200}},
		{"/h/photo.jpg?ar=1:1&fit=contain&srcset=100,200", [2]int{200, 150}},
		{"/h/photo.jpg?ar=2:1&w=50&srcset=100,200", [2]int{200, 100}},
		{"/h/photo.jpg?zoom=0.5&srcset=100,200", [2]int{200, 150}},
		{"/h/photo.jpg?crop=0,0,50%,100%&h=100&srcset=100,900", [2]int{200, 300}},
		{"/h/photo.jpg?rot=90&h=100&srcset=150", [2]int{150, 200}},
		{"/h/photo.jpg?rot=30&srcset=150", [2]int{150, 139}},
		{"/h/photo.jpg?padding=10&srcset=100", [2]int{120, 95}},
		{"/h/turned.jpg?srcset=150", [2]int{150, 200}},
		{"/h/turned.jpg?orient=1&srcset=200", [2]int{200, 150}},
		{"/h/turned.jpg?h=100&srcset=150", [2]int{150, 200}},
		{"/h/ruled.jpg?srcset=200", [2]int{200, 75}},
		{"/h/framed.png?trim=20&srcset=120,900", [2]int{240, 60}},
		{"/h/framed.png?trim=20&h=30&srcset=60,200", [2]int{200, 50}},
		{"/h/framed.png?trim=20&w=50&h=50&fit=pad&srcset=60", [2]int{60, 60}},
		{"/snap/photo.jpg?w=50&h=75&srcset=30,100", [2]int{171, 256}},
		{"/sizes/photo.jpg?w=100&h=50&srcset=100,200", [2]int{200, 100}},
		{"/sizes/photo.jpg?h=50&srcset=300", [2]int{300, 225}},
	} {
		var set pictureSet
		r := s.get(tt.target+"&as=json", "Sec-CH-DPR", "2")
		if err := json.Unmarshal(body(t, r), &set); err != nil || r.StatusCode != 200 {
			t.Errorf("GET %s = %d, %v", tt.target, r.StatusCode, err)
			continue
		}
		if got := [2]int{set.Width, set.Height}; got != tt.want {
			t.Errorf("GET %s is %v; want %v", tt.target, got, tt.want)
		}
		for _, l := range set.linksOf() {
			r := s.get(l[0], "Sec-CH-DPR", "2")
			m, _ := picture(t, r)
			size := m.Bounds().Size()
			if r.StatusCode != 200 || l[1] != "" && l[1] != itoa(size.X) || l[1] == "" && (set.Width != size.X || set.Height != size.Y) {
				t.Errorf("GET %s: %s = %d, %v; want a width of %s, or %d x %d", tt.target, l[0], r.StatusCode, size, l[1], set.Width, set.Height)
			}
			// The same part is shown: the ratio is that of the picture.
			if d := float64(size.X)*float64(tt.want[1]) - float64(size.Y)*float64(tt.want[0]); math.Abs(d) > float64(tt.want[0]+tt.want[1]) {
				t.Errorf("GET %s: %s is %v; want the ratio of %v", tt.target, l[0], size, tt.want)
			}
		}
	}
}

// A set of no widths is no picture.
func TestSrcsetWithoutWidths(t *testing.T) {
	s := newSite(t, bucket(t), Options{}, HandlerConfig{}, HandlerConfig{Prefix: "strict", StrictOptions: true})
	for target, want := range map[string]int{
		"/h/photo.jpg?srcset=": 400, "/h/photo.jpg?srcset": 400, "/h/photo.jpg?srcset=abc": 400, "/h/photo.jpg?w=20&srcset=-1,0": 400, "/h/photo.jpg?srcset=abc,20": 200,
		"/strict/photo.jpg?srcset=": 400, "/strict/photo.jpg?srcset=abc,20": 400, "/strict/photo.jpg?srcset=20": 200,
	} {
		r := s.get(target)
		text := string(body(t, r))
		if r.StatusCode != want || want == 400 && !strings.Contains(text, "srcset") || r.StatusCode == 200 && !strings.HasPrefix(text, "<picture>") {
			t.Errorf("GET %s = %d, %.60q; want %d", target, r.StatusCode, text, want)
		}
	}
}

func itoa(n int) string { b, _ := json.Marshal(n); return string(b) }
