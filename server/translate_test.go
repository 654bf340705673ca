package server

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"s3imageserver/resize"
	"s3imageserver/server/dialect"
)

// translations are URLs of dialects, and ours that do the same for pictures of
// all sizes; "" needs the size.
var translations = []struct{ dialect, theirs, ours string }{
	{"imgproxy", "/_/rs:fill:100:50/plain/photo.jpg", ""}, // enlarges no side
	{"imgproxy", "/_/rs:fill:100:50:1/plain/photo.jpg", "/h/photo.jpg?w=100&h=50&enlarge=true&strip=copyright&f=jpeg&q=80"},
	{"imgproxy", "/_/plain/a%20b/photo.png@webp", "/h/a%20b/photo.png?f=webp&q=79&strip=copyright"},
	{"imgproxy", "/_/rs:force:30:20:1/q:50/plain/photo.jpg", "/h/photo.jpg?w=30&h=20&fit=stretch&enlarge=true&strip=copyright&f=jpeg&q=50"},
	{"imgproxy", "/_/rs:fit:300:200/plain/photo.jpg", "/h/photo.jpg?w=300&h=200&fit=contain&round=near&strip=copyright&f=jpeg&q=80"},
	{"imgix", "/photo.jpg?w=301", "/h/photo.jpg?w=301&fit=contain&enlarge=true&round=near&f=jpeg&q=75"},
	{"imgproxy", "/_/c:10:0.5/plain/photo.jpg", ""},
	{"thumbor", "/unsafe/300x200/smart/photo.jpg", "/h/photo.jpg?w=300&h=200&enlarge=true&g=smart&f=jpeg&q=80"},
	{"thumbor", "/unsafe/300x200/filters:grayscale()/photo.jpg", "/h/photo.jpg?w=300&h=200&enlarge=true&gray=true&f=jpeg&q=80"},
	{"iiif", "/photo.jpg/square/max/0/default.jpg", ""},
	{"iiif", "/photo.jpg/full/max/90/gray.png", "/h/photo.jpg?rot=90&gray=true&f=png"},
	{"imgix", "/photo.jpg?w=300&h=200&fit=crop&blur=100", "/h/photo.jpg?w=300&h=200&enlarge=true&blur=10&f=jpeg&q=75"},
	{"cloudflare", "/cdn-cgi/image/fit=cover,width=80,height=60,quality=70/photo.jpg", "/h/photo.jpg?w=80&h=60&enlarge=true&f=jpeg&q=70&strip=copyright"},
	{"cloudflare", "/cdn-cgi/image/fit=squeeze,width=80,height=60/photo.jpg", "/h/photo.jpg?w=80&h=60&fit=stretch&enlarge=true&f=jpeg&q=85&strip=copyright"},
}

func speakingBeside(name string) *Config {
	c := &Config{Handlers: []HandlerConfig{speaking(dialect.Settings{Name: name, Unsigned: true}), {Prefix: "h"}}}
	return c
}

// A translation asks for what the URL asks for.
func TestTranslations(t *testing.T) {
	for _, tt := range translations {
		tr, err := speakingBeside(tt.dialect).Translate(tt.theirs, nil)
		if err != nil {
			t.Errorf("%s %s: %v", tt.dialect, tt.theirs, err)
			continue
		}
		got, err := tr.URL(0, 0, "")
		if tt.ours == "" {
			if !errors.Is(err, ErrNeedsSize) {
				t.Errorf("%s %s: %s, %v; want ErrNeedsSize", tt.dialect, tt.theirs, got, err)
			}
			continue
		}
		if err != nil || options(got) != options(tt.ours) || tr.Path() != pathOf(tt.ours) || !tr.Answered {
			t.Errorf("%s %s: %s, %v; want %s", tt.dialect, tt.theirs, got, err, tt.ours)
		}
	}
}

func pathOf(text string) string { path, _, _ := strings.Cut(text, "?"); return path }

func options(text string) resize.Options {
	_, query, _ := strings.Cut(text, "?")
	return resize.ParseOptions(resize.ParseQuery(query).Get, 65535)
}

// Where the size is said, the answer to the translation is that to the URL.
func TestTranslationsForASize(t *testing.T) {
	for _, tt := range translations {
		site := newSite(t, bucket(t), Options{}, speaking(dialect.Settings{Name: tt.dialect, Unsigned: true}), HandlerConfig{Prefix: "h", AllowedFormats: []string{"*"}})
		theirs := strings.Replace(tt.theirs, "a%20b/photo.png", "photo.jpg", 1)
		tr, err := speakingBeside(tt.dialect).Translate(theirs, nil)
		if err != nil {
			t.Errorf("%s %s: %v", tt.dialect, theirs, err)
			continue
		}
		ours, err := tr.URL(400, 300, "jpeg")
		if err != nil {
			t.Errorf("%s %s: %v", tt.dialect, theirs, err)
			continue
		}
		a, b := body(t, site.get(theirs)), body(t, site.get(ours))
		if string(a) != string(b) {
			t.Errorf("%s %s: %d bytes, and %d of %s", tt.dialect, theirs, len(a), len(b), ours)
		}
	}
}

func TestTranslationsThatThereAreNot(t *testing.T) {
	c := speakingBeside("imgproxy")
	c.Handlers[0].Dialect.Unsigned, c.Handlers[0].Dialect.Keys = false, []dialect.KeyPair{{Key: "00", Salt: "00"}}
	for text, want := range map[string]string{
		"/h/photo.jpg?w=30":             ErrNoDialect.Error(),
		"/_/w:30/plain/photo.jpg":       "signature",
		"http://[/":                     "translate",
		"http://example.com/_/nonsense": "signature",
	} {
		if tr, err := c.Translate(text, nil); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, %v; want an error with %q", text, tr, err, want)
		}
	}
	iiif := speakingBeside("iiif")
	if _, err := iiif.Translate("/photo.jpg/info.json", nil); err == nil {
		t.Error("info.json was translated")
	}
	next, err := speakingBeside("nextjs").Translate("http://localhost/_next/image?url=%2Fanim.gif&w=640&q=75", http.Header{"Accept": {"image/webp"}})
	if err != nil {
		t.Fatal(err)
	}
	if got, err := next.URL(2000, 1000, "bmp"); err == nil {
		t.Errorf("the file as it is was translated to %s", got)
	}
	alone := speakingBeside("cloudflare")
	alone.Handlers = alone.Handlers[:1]
	tr, err := alone.Translate("/cdn-cgi/image/width=30/photo.jpg", nil)
	if err != nil || tr.Answered || tr.Prefix != "site" {
		t.Errorf("without a handler of our own: %+v, %v", tr, err)
	}
}

// An operator is told how the URL of a dialect was understood; nobody else is.
func TestExplainDialects(t *testing.T) {
	s := newSite(t, bucket(t), Options{}, speaking(dialect.Settings{Name: "imgix", Unsigned: true}))
	s.server.config.Admin.Token = "the operators"
	ask := func(target string) explanation {
		t.Helper()
		var e explanation
		r := s.get(target, "Authorization", "Bearer the operators")
		if err := json.Unmarshal(body(t, r), &e); err != nil {
			t.Fatalf("%s: %d, %v", target, r.StatusCode, err)
		}
		return e
	}
	e := ask("/photo.jpg?w=0.5&explain=true&fm=png")
	d := e.Dialect
	if d == nil || d.Name != "imgix" || d.Source != "photo.jpg" || d.Kind != "image" || e.Name != "photo.jpg" {
		t.Fatalf("explanation = %+v", e)
	}
	if q, _ := url.ParseQuery(d.Query); q.Get("w") != "200" || q.Get("h") != "150" || q.Get("f") != "png" {
		t.Errorf("query = %s, want w=200, h=150 and f=png", d.Query)
	}
	if e.Result == nil || e.Result.Width != 200 || e.Format.Chosen != "png" || e.Format.Why != "the dialect" {
		t.Errorf("result = %+v, format = %+v", e.Result, e.Format)
	}
	from := map[string]string{}
	for _, o := range e.Options {
		from[o.Name] = o.From + " " + o.Value
	}
	if from["w"] != "dialect 200" {
		t.Errorf("options = %+v, want w from the dialect", e.Options)
	}
	if e := ask("/missing.jpg?w=20&explain=1"); e.Error == nil || e.Error.Status != 404 {
		t.Errorf("of a picture that there is not: %+v", e)
	}
	if r := s.get("/photo.jpg?w=20&explain=true"); r.Header.Get("Content-Type") != "image/jpeg" {
		t.Errorf("for everybody: %s", r.Header.Get("Content-Type"))
	}
}
