package server

import (
	"encoding/json"
	"image/gif"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"s3imageserver/server/access/accesstest"
	"s3imageserver/server/config"
	"s3imageserver/server/dialect"
	"s3imageserver/storage"
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

// What URLs of Next.js are answered with beside a picture: how long it may be kept,
// and nothing to those who have it.
func TestNextRevalidates(t *testing.T) {
	h := speaking(dialect.Settings{Name: "nextjs", Qualities: []int{80}})
	h.CacheTime = new(int64(60))
	site := newSite(t, bucket(t), Options{}, h)
	const target = "/_next/image?url=%2Fphoto.jpg&w=384&q=80"
	r := site.get(target, "Accept", "image/webp")
	if c := r.Header.Get("Cache-Control"); r.StatusCode != http.StatusOK || c != "public, max-age=60, must-revalidate" {
		t.Errorf("%d, Cache-Control %q; want 200 and public, max-age=60, must-revalidate", r.StatusCode, c)
	}
	tag := r.Header.Get("ETag")
	again := site.get(target, "Accept", "image/webp", "If-None-Match", tag)
	if text := body(t, again); again.StatusCode != http.StatusNotModified || len(text) > 0 || again.Header.Get("ETag") != tag || !strings.Contains(strings.Join(again.Header.Values("Vary"), ","), "Accept") {
		t.Errorf("with the ETag: %d of %d bytes, %v; want 304 with ETag and Vary", again.StatusCode, len(text), again.Header)
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

// A signature of our own on a dialect's URL is of all that the URL says, and of
// its end: one of a small picture opens no large one.
func TestDialectsSigned(t *testing.T) {
	for _, tt := range []struct{ dialect, target, other string }{
		{"iiif", "/photo.jpg/full/40,/0/default.jpg", "/photo.jpg/full/400,/0/default.jpg"},
		{"nextjs", "/_next/image?url=%2Fphoto.jpg&w=32&q=75", "/_next/image?url=%2Fphoto.jpg&w=384&q=75"},
		{"cloudflare", "/cdn-cgi/image/width=33/photo.jpg", "/cdn-cgi/image/width=330/photo.jpg"},
		{"imgix", "/photo.jpg?w=20&fm=png", "/photo.jpg?w=20&fm=gif"},
	} {
		h := speaking(dialect.Settings{Name: tt.dialect, Unsigned: true})
		h.Auth = &AuthConfig{HMAC: &HMACConfig{Keys: []SigningKey{{ID: "a", Secret: newSecret}}}}
		site := newSite(t, bucket(t), Options{}, h)
		for _, end := range []time.Time{{}, time.Now().Add(time.Hour)} {
			signed, err := site.server.config.SignURL(tt.target, "", end)
			if err != nil {
				t.Fatal(err)
			}
			if r := site.get(signed); r.StatusCode != 200 {
				t.Errorf("%s: %s: %d", tt.dialect, signed, r.StatusCode)
			}
			u, err := url.Parse(signed)
			if err != nil {
				t.Fatal(err)
			}
			q := u.Query()
			stolen := tt.other
			if strings.Contains(stolen, "?") {
				stolen += "&"
			} else {
				stolen += "?"
			}
			later := signed + "&exp=" + strconv.FormatInt(time.Now().Add(2*time.Hour).Unix(), 10)
			if exp := q.Get("exp"); exp != "" {
				stolen += "exp=" + exp + "&"
				later = strings.Replace(signed, "exp="+exp, "exp="+exp+"0", 1)
			}
			for _, target := range []string{tt.target, stolen + "sig=" + q.Get("sig"), later} {
				if r := site.get(target); r.StatusCode == 200 {
					t.Errorf("%s: %s is answered, of which %s is signed", tt.dialect, target, signed)
				}
			}
		}
	}
	c := &Config{Handlers: []HandlerConfig{speaking(dialect.Settings{Name: "thumbor", Secret: "key"})}}
	c.Handlers[0].Auth = &AuthConfig{HMAC: &HMACConfig{Keys: []SigningKey{{ID: "a", Secret: newSecret}}}}
	if signed, err := c.SignURL("/unsafe/photo.jpg", "", time.Time{}); err == nil {
		t.Errorf("signed as %s, although thumbor has signatures of its own", signed)
	}
}

// What a claim narrows is kept apart from what it does not.
func TestDialectsObeyClaims(t *testing.T) {
	h := speaking(dialect.Settings{Name: "imgproxy", Unsigned: true})
	h.Auth = &AuthConfig{JWT: &JWTConfig{Key: accesstest.Secret, Leeway: new(0)}}
	site := newSite(t, bucket(t), Options{}, h)
	token := func(img map[string]any) []string {
		claims := jwt.MapClaims{"exp": time.Now().Add(time.Minute).Unix(), "img": img}
		return []string{"Authorization", "Bearer " + accesstest.Mint(t, jwt.SigningMethodHS256, []byte(accesstest.Secret), claims, nil)}
	}
	width := func(img map[string]any) int {
		t.Helper()
		m, _ := picture(t, site.get("/_/w:300/plain/photo.jpg", token(img)...))
		return m.Bounds().Dx()
	}
	small, all := map[string]any{"max_w": 50}, map[string]any{}
	for range 2 { // made, and kept
		if w := width(small); w != 50 {
			t.Errorf("with max_w 50: %d pixels wide", w)
		}
		if w := width(all); w != 300 {
			t.Errorf("without: %d pixels wide, want 300", w)
		}
	}
	for target, img := range map[string]map[string]any{
		"/_/raw:1/plain/photo.jpg": small,
		"/_/w:30/plain/photo.jpg":  {"prefix": "other"},
		"/_/w:31/plain/photo.jpg":  {"presets": []string{"card"}},
	} {
		if r := site.get(target, token(img)...); r.StatusCode == 200 {
			t.Errorf("%s with %v is answered", target, img)
		}
	}
}

// What bounds say of results holds for those that are kept already.
func TestDialectsObeyNewBounds(t *testing.T) {
	dir := t.TempDir()
	site := func(most int) *site {
		h := speaking(dialect.Settings{Name: "imgproxy", Unsigned: true})
		h.CachePath, h.MaxDimension = dir, most
		return newSite(t, bucket(t), Options{}, h)
	}
	for _, most := range []int{300, 100} {
		s := site(most)
		m, _ := picture(t, s.get("/_/w:300/plain/photo.jpg"))
		if w := m.Bounds().Dx(); w != most {
			t.Errorf("max_dimension %d: %d pixels wide", most, w)
		}
		if err := s.server.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// A picture that is made of a damaged file is not kept.
func TestDialectsDoNotKeepDamaged(t *testing.T) {
	b := bucket(t)
	whole := jpegFile(t, 400, 300)
	b.Set("broken.jpg", whole[:len(whole)*2/3], modified)
	h := speaking(dialect.Settings{Name: "cloudflare"})
	h.Damaged = config.ShowDamaged
	site := newSite(t, b, Options{}, h)
	for range 2 {
		r := site.get("/cdn-cgi/image/width=100/broken.jpg")
		if r.StatusCode != 200 || r.Header.Get("Cache-Control") != "no-store" || strings.Contains(r.Header.Get("Cache-Status"), "; hit") {
			t.Errorf("%d, Cache-Control %s, Cache-Status %s; want 200, no-store and no hit", r.StatusCode, r.Header.Get("Cache-Control"), r.Header.Get("Cache-Status"))
		}
	}
}

// A purge by URL takes all that is made of the picture that a dialect's URL
// names.
func TestDialectsPurgedByURL(t *testing.T) {
	for name, target := range map[string]string{
		"imgproxy": "/_/w:30/plain/photo.jpg", "iiif": "/photo.jpg/full/30,/0/default.jpg", "nextjs": "/_next/image?url=%2Fphoto.jpg&w=32&q=75", "imgix": "/photo.jpg?w=30",
	} {
		site := newSite(t, bucket(t), Options{}, speaking(dialect.Settings{Name: name, Unsigned: true}))
		hit := func() bool { return strings.Contains(site.get(target).Header.Get("Cache-Status"), "hit") }
		for _, p := range []PurgeRequest{{URL: "https://example.org" + target}, {Handler: "/", Name: "photo.jpg"}, {Handler: "/", All: true}} {
			if hit(); !hit() {
				t.Errorf("%s: not kept", name)
			}
			if _, err := site.server.Purge(t.Context(), p); err != nil {
				t.Errorf("%s: %+v: %v", name, p, err)
			}
			if hit() {
				t.Errorf("%s: %+v left %s", name, p, target)
			}
		}
		if _, err := site.server.Purge(t.Context(), PurgeRequest{URL: "/nonsense%zz"}); err == nil {
			t.Errorf("%s: a URL that cannot be read was purged", name)
		}
	}
}

// The identifiers of IIIF begin with https where a proxy of ours ends TLS, and
// nobody else can say so.
func TestIIIFBehindProxies(t *testing.T) {
	for trusted, want := range map[string]string{"192.0.2.0/24": "https://example.com/photo.jpg", "10.0.0.0/8": "http://example.com/photo.jpg"} {
		c := &Config{Handlers: []HandlerConfig{speaking(dialect.Settings{Name: "iiif"})}, TrustedProxies: []string{trusted}}
		c.Handlers[0].Bucket = bucket(t)
		s, err := New(c, Options{})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = s.Close() })                          // nothing of it is kept
		r := httptest.NewRequest("GET", "/photo.jpg/info.json", nil) // from 192.0.2.1
		r.Header.Set("X-Forwarded-Proto", "https")
		w := httptest.NewRecorder()
		s.ServeHTTP(w, r)
		var info struct{ ID string }
		if err := json.Unmarshal(w.Body.Bytes(), &info); err != nil || info.ID != want {
			t.Errorf("proxies %s: id %q, %v; want %q", trusted, info.ID, err, want)
		}
	}
}

// The playground tells a URL of our own in the dialects of the same pictures: those
// with signatures to operators only, and none of other pictures.
func TestPlaygroundWritesURLsOfDialects(t *testing.T) {
	shared := bucket(t)
	handler := func(prefix string, b storage.Bucket, d dialect.Settings) HandlerConfig {
		h := speaking(d)
		h.Name, h.Prefix, h.Bucket = prefix, prefix, b
		return h
	}
	c := &Config{Playground: true, Handlers: []HandlerConfig{
		{Prefix: "h", Bucket: shared, AllowedFormats: []string{"*"}},
		handler("proxy", shared, dialect.Settings{Name: "imgproxy", Unsigned: true}),
		handler("signed", shared, dialect.Settings{Name: "thumbor", Secret: "a secret"}),
		handler("iiif", shared, dialect.Settings{Name: "iiif"}),
		handler("other", bucket(t), dialect.Settings{Name: "nextjs"}),
	}}
	s, err := New(c, Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() }) // nothing of it is kept
	for operator, want := range map[bool][]foreignURL{
		false: {{"imgproxy", "/proxy/unsigned/rs:fit:100:/bl:2/plain/photo.jpg"}, {"iiif", ""}},
		true:  {{"imgproxy", "/proxy/unsigned/rs:fit:100:/bl:2/plain/photo.jpg"}, {"thumbor", "/signed/*/100x/filters:blur(2)/photo.jpg"}, {"iiif", ""}},
	} {
		w := httptest.NewRecorder()
		newPlayground(s, operator).ServeHTTP(w, httptest.NewRequest("GET", "/_playground/dialects?width=400&height=300&url="+url.QueryEscape("/h/photo.jpg?w=100&blur=2"), nil))
		var got []foreignURL
		if err := json.Unmarshal(w.Body.Bytes(), &got); err != nil {
			t.Fatal(err)
		}
		if len(got) != len(want) {
			t.Fatalf("operator %v: %v, want %v", operator, got, want)
		}
		for i, g := range got {
			before, after, signed := strings.Cut(want[i].URL, "*")
			if g.Dialect != want[i].Dialect || !signed && g.URL != before || signed && (!strings.HasPrefix(g.URL, before) || !strings.HasSuffix(g.URL, after)) {
				t.Errorf("operator %v: %v, want %v", operator, g, want[i])
			}
			if g.URL == "" {
				continue
			}
			w := httptest.NewRecorder()
			if s.ServeHTTP(w, httptest.NewRequest("GET", g.URL, nil)); w.Code != http.StatusOK {
				t.Errorf("%s: %d", g.URL, w.Code)
			}
		}
	}
	w := httptest.NewRecorder()
	if newPlayground(s, false).ServeHTTP(w, httptest.NewRequest("GET", "/_playground/dialects?url=/signed/x/photo.jpg", nil)); w.Code != http.StatusNotFound {
		t.Errorf("of a handler that is not shown: %d", w.Code)
	}
}

// The playground writes no URL of our own for a handler that reads others, and
// says that there is one.
func TestPlaygroundNamesDialects(t *testing.T) {
	c := &Config{Handlers: []HandlerConfig{speaking(dialect.Settings{Name: "iiif"}), {Prefix: "h", Bucket: bucket(t)}}, Playground: true}
	c.Handlers[0].Bucket, c.Handlers[0].Prefix = bucket(t), "iiif"
	s, err := New(c, Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() }) // nothing of it is kept
	w := httptest.NewRecorder()
	s.ServeHTTP(w, httptest.NewRequest("GET", "/_playground/site", nil))
	var site siteInfo
	if err := json.Unmarshal(w.Body.Bytes(), &site); err != nil {
		t.Fatal(err)
	}
	if len(site.Handlers) != 1 || site.Handlers[0].Prefix != "h" || len(site.Dialects) != 1 || site.Dialects[0] != (siteDialect{"/iiif/", "iiif"}) {
		t.Errorf("handlers %+v, dialects %+v; want h, and /iiif/ as iiif", site.Handlers, site.Dialects)
	}
}
