package dialect

import (
	"errors"
	"math/rand/v2"
	"net/url"
	"strings"
	"testing"
	"time"

	"s3imageserver/resize"
)

// open returns a dialect that takes unsigned URLs of example.org.
func open(t testing.TB, name string) *Dialect {
	d, err := New(Settings{Name: name, Unsigned: true, SourceMap: []Mapping{{"http://example.org/", ""}, {"local:///", ""}},
		Presets: map[string]string{"small": map[string]string{"imgproxy": "w:100/pr:small", "cloudflare": "width=100"}[name]}},
		Limits{Dimension: 3064, Side: 12000, Pixels: 40e6})
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// fuzz holds what is so of all URLs of a dialect: nothing panics, what is wrong
// is a fault with a status, the same URL has the same key, and whatever the
// picture is the result lies within the limits.
func fuzz(f *testing.F, name string) {
	for _, v := range readVectors(f) {
		if v.dialect == name {
			path, query, _ := strings.Cut(strings.TrimPrefix(v.url, "/iiif"), "?")
			f.Add(path, query, uint16(800), uint16(600))
		}
	}
	d := open(f, name)
	f.Fuzz(func(t *testing.T, path, query string, w, h uint16) {
		call := Call{Path: path, Query: query, Now: time.Unix(1.7e9, 0), Accept: []string{"image/webp"}}
		r, err := d.Parse(call)
		if err != nil {
			var fault *Fault
			if !errors.As(err, &fault) || fault.Status < 400 || fault.Text == "" {
				t.Fatalf("Parse: %#v is no fault with a status and a text", err)
			}
			if a := d.Answer(fault); a.Status != fault.Status {
				t.Fatalf("the answer has status %d, the fault %d", a.Status, fault.Status)
			}
			return
		}
		again, err := d.Parse(call)
		if err != nil || again.Key() != r.Key() {
			t.Fatalf("the second time, Parse = %v, %v", again, err)
		}
		if r.Kind != Image {
			return
		}
		p := Picture{Width: int(w), Height: int(h), Format: resize.PNG, Turned: w%2 == 0, Alpha: h%2 == 0}
		s, err := d.Settle(r, p)
		if err != nil || s.Source {
			return
		}
		if back := resize.ParseOptions(resize.ParseQuery(s.Query).Get, longest); back != s.Options {
			t.Fatalf("the query %q is %v, not %v", s.Query, back, s.Options)
		}
		if r.params["trim"] != "" || r.params["orient"] != "" {
			return
		}
		size := resize.ResultSize(p.Width, p.Height, s.Options)
		if s.Options.Width > 0 && (size[0] > 12001 || size[1] > 12001) {
			t.Fatalf("%q makes %v of %d x %d", s.Query, size, w, h)
		}
	})
}

func FuzzImgproxy(f *testing.F)   { fuzz(f, "imgproxy") }
func FuzzThumbor(f *testing.F)    { fuzz(f, "thumbor") }
func FuzzImagor(f *testing.F)     { fuzz(f, "imagor") }
func FuzzNext(f *testing.F)       { fuzz(f, "nextjs") }
func FuzzCloudflare(f *testing.F) { fuzz(f, "cloudflare") }
func FuzzIIIF(f *testing.F)       { fuzz(f, "iiif") }
func FuzzImgix(f *testing.F)      { fuzz(f, "imgix") }
func FuzzWeserv(f *testing.F)     { fuzz(f, "weserv") }

func TestURLsOfTheSameMeaningHaveTheSameKey(t *testing.T) {
	for _, tt := range []struct{ dialect, a, b string }{
		{"imgproxy", "/_/rs:fill:100:200/plain/a.jpg", "/_/w:100/height:200/resizing_type:fill/plain/a.jpg"},
		{"imgproxy", "/_/w:50/w:100/plain/a.jpg", "/_/w:100/cb:7/plain/a.jpg"},
		{"imgproxy", "/_/rs::100/g:ce/plain/a.jpg", "/_/size:100:0:0/plain/a.jpg"},
		{"imgproxy", "/_/pr:small/plain/a.jpg", "/_/w%3A100/plain/a.jpg"},
		{"imgproxy", "/_/fq:webp:60:avif:50/plain/a.jpg", "/_/fq:avif:50:webp:60/plain/a.jpg"},
		{"imgproxy", "/_/f:png/plain/a.jpg", "/_/plain/a.jpg@png"},
		{"imgproxy", "/_/bg:fff/plain/a.jpg", "/_/bg:255:255:255/plain/a.jpg"},
		{"thumbor", "/unsafe/300x0/center/middle/a.jpg", "/unsafe/300x/filters:nosuch(1)/a.jpg"},
		{"thumbor", "/unsafe/300x200/filters:quality(80):grayscale()/a.jpg", "/unsafe/300x200/filters:grayscale():quality(80)/a.jpg"},
		{"thumbor", "/unsafe/fit-in/300x200/left/a.jpg", "/unsafe/fit-in/300x200/a.jpg"},
		{"imagor", "/unsafe/fit-in/10x10/5x5:5x5/a.jpg", "/unsafe/fit-in/10x10/5x5/a.jpg"},
		{"nextjs", "/_next/image?url=%2Fa.jpg&w=640&q=75", "/_next/image?q=75&w=640&url=/a.jpg&dpl=1"},
		{"cloudflare", "/cdn-cgi/image/width=100,quality=50/a.jpg", "/cdn-cgi/image/q=50,w=100,fit=scale-down/a.jpg"},
		{"cloudflare", "/cdn-cgi/image/w=9,background=red/a.jpg", "/cdn-cgi/image/w=9,background=%23ff0000/a.jpg"},
		{"iiif", "/a.jpg/full/max/0/default.jpg", "/a%2Ejpg/full/max/0.0/default.jpg"},
		{"iiif", "/a.jpg/full/max/360/default.jpg", "/a.jpg/full/max/0/default.jpg"},
		{"imgix", "/a.jpg?w=100&h=50&ixlib=js", "/a.jpg?height=50&width=100"},
		{"imgix", "/a.jpg?w64=MTAw", "/a.jpg?w=100"},
		{"weserv", "/?url=example.org/a.jpg&w=100&h=100&t=square", "/?h=100&url=http://example.org/a.jpg&w=100&fit=cover"},
	} {
		d := open(t, tt.dialect)
		var got [2]*Request
		for i, text := range []string{tt.a, tt.b} {
			path, query, _ := strings.Cut(text, "?")
			r, err := d.Parse(Call{Path: path, Query: query})
			if err != nil {
				t.Fatalf("%s %s: %v", tt.dialect, text, err)
			}
			got[i] = r
		}
		if a, b := got[0], got[1]; a.Key() != b.Key() || a.Source.Name != b.Source.Name {
			t.Errorf("%s: %s and %s mean the same, but their keys are\n%s\n%s", tt.dialect, tt.a, tt.b, a.Key(), b.Key())
		}
	}
}

// Requests whose keys are equal make the same of every picture.
func TestEqualKeysMakeEqualPictures(t *testing.T) {
	pictures := []Picture{{Width: 800, Height: 600, Format: resize.JPEG}, {Width: 33, Height: 501, Format: resize.PNG, Alpha: true}, {Width: 4000, Height: 3, Format: resize.WebP}}
	seen := map[string][]Settled{}
	of := map[string]string{}
	random := rand.New(rand.NewPCG(1, 2))
	for _, v := range readVectors(t) {
		d := open(t, v.dialect)
		path, query, _ := strings.Cut(strings.TrimPrefix(v.url, "/iiif"), "?")
		for range 4 {
			r, err := d.Parse(Call{Path: path, Query: shuffled(query, v.dialect, random)})
			if err != nil || r.Kind != Image {
				break
			}
			var all []Settled
			for _, p := range pictures {
				s, _ := d.Settle(r, p)
				all = append(all, s)
			}
			key := v.dialect + r.Key()
			for i, s := range seen[key] {
				if s != all[i] {
					t.Errorf("%s and %s have the key %s, and make %+v and %+v", v.url, of[key], key, s, all[i])
				}
			}
			seen[key], of[key] = all, v.url
		}
	}
	if len(seen) < 300 {
		t.Errorf("only %d different keys", len(seen))
	}
}

// shuffled puts the parameters of a query in another order where that means
// nothing.
func shuffled(query, dialect string, random *rand.Rand) string {
	if dialect != "weserv" && dialect != "nextjs" {
		return query
	}
	parts := strings.Split(query, "&")
	names := map[string]bool{}
	for _, p := range parts {
		name, _, _ := strings.Cut(p, "=")
		if names[name] {
			return query
		}
		names[name] = true
	}
	random.Shuffle(len(parts), func(i, j int) { parts[i], parts[j] = parts[j], parts[i] })
	return strings.Join(parts, "&")
}

func TestSourcesAreMapped(t *testing.T) {
	c := Settings{Name: "imgproxy", Unsigned: true, SourceMap: []Mapping{{"s3://bucket/", "b/"}, {"local:///", ""}, {"https://cdn.example.com/", "c/"}, {"", "plain/"}}}
	reach := func(u *url.URL) (string, bool) { return u.Host + u.Path, u.Host == "open.example.com" }
	d, err := New(c, Limits{Reach: reach})
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		text, name string
		cause      Cause
	}{
		{"s3://bucket/a b.jpg", "b/a b.jpg", 0},
		{"local:///dir/a.jpg", "dir/a.jpg", 0},
		{"https://cdn.example.com/a%20b.jpg?v=2", "c/a b.jpg", 0},
		{"https://open.example.com/a.jpg", "open.example.com/a.jpg", 0},
		{"a.jpg", "plain/a.jpg", 0},
		{"https://other.example.com/a.jpg", "", NotAllowed},
		{"https://cdn.example.com.evil.example/a.jpg", "", NotAllowed},
		{"https://user@open.example.com/a.jpg", "", BadURL},
		{"file:///etc/passwd", "", NotAllowed},
		{"gopher://open.example.com/a.jpg", "", NotAllowed},
		{"http://", "", BadURL},
		{"", "", BadURL},
	} {
		s, f := d.source(tt.text, "")
		if f == nil && s.Name != tt.name || f != nil && (tt.name != "" || f.Cause != tt.cause) || f == nil && tt.name == "" {
			t.Errorf("source(%q) = %+v, %v, want %q and cause %d", tt.text, s, f, tt.name, tt.cause)
		}
	}
}

func TestConfigurationsThatAreRefused(t *testing.T) {
	for _, tt := range []struct {
		config Settings
		want   string
	}{
		{Settings{Name: "photoshop"}, "is no dialect"},
		{Settings{Name: "imgproxy"}, `"unsigned": true`},
		{Settings{Name: "thumbor"}, "secret"},
		{Settings{Name: "imagor"}, "secret"},
		{Settings{Name: "imgix"}, "token"},
		{Settings{Name: "imgproxy", Keys: []KeyPair{{"xyz", "00"}}}, "keys.0.key"},
		{Settings{Name: "imgproxy", Unsigned: true, SourceKey: "0011"}, "source_key"},
		{Settings{Name: "imgproxy", Unsigned: true, SignatureSize: 33}, "signature_size"},
		{Settings{Name: "imgproxy", Unsigned: true, Presets: map[string]string{"a": "w:100/nosuch:1"}}, "presets.a"},
		{Settings{Name: "thumbor", Secret: "s", Signer: "md5"}, "signer"},
		{Settings{Name: "thumbor", Secret: "s", SignerTruncate: 16}, "signer_truncate"},
		{Settings{Name: "nextjs", Sizes: []int{0}}, "sizes"},
		{Settings{Name: "nextjs", Qualities: []int{101}}, "qualities"},
	} {
		if _, err := New(tt.config, Limits{}); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("New(%+v) = %v, want %q", tt.config, err, tt.want)
		}
	}
	for _, name := range []string{"nextjs", "cloudflare", "iiif", "weserv"} {
		if _, err := New(Settings{Name: name}, Limits{}); err != nil {
			t.Errorf("%s has no signatures, but New = %v", name, err)
		}
	}
}

// A lossless WebP that is too large is a lossy one, and no fault of the URL.
func TestLosslessWithinTheLimits(t *testing.T) {
	for _, tt := range []struct {
		dialect, target string
		limit           int64
		want            string
	}{
		{"weserv", "/?url=example.org/a.jpg&output=webp&ll&w=1000", 1e6, "true"},
		{"weserv", "/?url=example.org/a.jpg&output=webp&ll&w=2000", 1e6, ""},
		{"weserv", "/?url=example.org/a.jpg&output=webp&ll&w=2000", 0, "true"},
		{"weserv", "/?url=example.org/a.jpg&output=png&ll&w=2000", 1e6, "true"},
		{"cloudflare", "/cdn-cgi/image/width=2000,quality=100,format=webp/a.jpg", 1e6, ""},
	} {
		d := open(t, tt.dialect)
		d.limits.Lossless = tt.limit
		path, query, _ := strings.Cut(tt.target, "?")
		r, err := d.Parse(Call{Path: path, Query: query})
		if err != nil {
			t.Fatal(err)
		}
		s, err := d.Settle(r, Picture{Width: 4000, Height: 3000, Format: resize.JPEG})
		got := resize.ParseQuery(s.Query)
		if err != nil || got.Get("lossless") != tt.want || tt.want == "" && got.Get("q") != "100" {
			t.Errorf("%s: %s with a limit of %d: %s, %v; want lossless=%s", tt.dialect, tt.target, tt.limit, s.Query, err, tt.want)
		}
	}
}

// Whatever a URL asks for, the result is not larger than the handler allows.
func TestResultsLieWithinTheLimits(t *testing.T) {
	p := Picture{Width: 4000, Height: 3000, Format: resize.JPEG}
	for dialect, text := range map[string]string{
		"imgproxy": "/_/rs:fill:60000:60000:1/pd:60000/dpr:900/plain/a.jpg", "thumbor": "/unsafe/99999999999x60000/a.jpg",
		"imagor": "/unsafe/60000x60000/60000x60000/a.jpg", "cloudflare": "/cdn-cgi/image/fit=cover,width=60000,height=60000,dpr=3/a.jpg",
		"imgix": "/a.jpg?w=8192&h=8192&fit=crop&pad=9999", "weserv": "/?url=example.org/a.jpg&w=65535&h=65535&fit=fill&dpr=8",
		"iiif": "/a.jpg/full/^max/0/default.jpg",
	} {
		path, query, _ := strings.Cut(text, "?")
		d := open(t, dialect)
		r, err := d.Parse(Call{Path: path, Query: query})
		if err != nil {
			t.Fatalf("%s: %v", dialect, err)
		}
		s, err := d.Settle(r, p)
		if err != nil {
			t.Fatalf("%s: %v", dialect, err)
		}
		if size := resize.ResultSize(p.Width, p.Height, s.Options); max(size[0], size[1]) > 3064 || min(size[0], size[1]) < 1000 {
			t.Errorf("%s: %s of %d x %d is %v, want at most 3064", dialect, s.Query, p.Width, p.Height, size)
		}
	}
}
