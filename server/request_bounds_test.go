package server

import (
	"context"
	"encoding/json"
	"fmt"
	"image"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"s3imageserver/server/access/accesstest"
	"s3imageserver/server/config"
	"s3imageserver/storage"
	"s3imageserver/storage/cache"
)

// snap rounds what a URL asks for up to a ladder: the longer side, the other by
// the ratio. What a preset says stays.
func TestSnap(t *testing.T) {
	s := newSite(t, bucket(t), Options{},
		HandlerConfig{OutputFormat: "png", MaxDimension: 1500, BoundsConfig: BoundsConfig{Snap: true}, ClientHints: true,
			Presets: map[string]string{"card": "w=50&q=33"}},
		HandlerConfig{Prefix: "own", BoundsConfig: BoundsConfig{Snap: true, SnapSizes: []int{200, 100, 100}, SnapQualities: []int{60, 30}}})
	for _, tt := range []struct {
		target, want string
		header       []string
	}{
		{"/h/photo.jpg?w=300", "w=384", nil},
		{"/h/photo.jpg?w=384", "w=384", nil},
		{"/h/photo.jpg?w=385", "w=640", nil},
		{"/h/photo.jpg?h=1", "h=16", nil},
		{"/h/photo.jpg?w=300&h=200", "w=384&h=256", nil},
		{"/h/photo.jpg?w=200&h=301", "w=255&h=384", nil},
		{"/h/photo.jpg?w=1400", "w=1500", nil},
		{"/h/photo.jpg?w=99999", "w=1500", nil},
		{"/h/photo.jpg?w=150&dpr=2", "w=384", nil},
		{"/h/photo.jpg?zoom=1.37", "", nil},
		{"/h/photo.jpg?minw=300&minh=5", "minw=384&minh=16", nil},
		{"/h/photo.jpg", "", nil},
		{"/h/photo.jpg?q=51", "q=75", nil},
		{"/h/photo.jpg?preset=card", "w=50&q=33", nil},
		{"/h/photo.jpg?preset=card&w=40", "w=48&q=33", nil},
		{"/h/photo.jpg?preset=card&q=10", "w=50&q=25", nil},
		{"/h/photo.jpg?preset=card", "w=128&q=33", []string{"Sec-CH-DPR", "2"}},
		{"/own/photo.jpg?w=90&q=31", "w=100&q=60", nil},
		{"/own/photo.jpg?w=500&q=100", "w=200&q=60", nil},
	} {
		r := httptest.NewRequest("GET", tt.target, nil)
		for i := 0; i < len(tt.header); i += 2 {
			r.Header.Set(tt.header[i], tt.header[i+1])
		}
		req, err := s.server.handlerOf(r).parse(r)
		req.options.Format = 0
		if got := req.options.String(); err != nil || got != tt.want {
			t.Errorf("%s %q = %s, %v; want %s", tt.target, tt.header, got, err, tt.want)
		}
	}
	// The widths of a <picture> are steps, and what it links is what it says.
	text := string(body(t, s.get("/h/photo.jpg?srcset=100,200,300,2000&as=json")))
	if !strings.Contains(text, "w=128 128w") || !strings.Contains(text, "w=384 384w") || strings.Contains(text, "w=1500") || strings.Contains(text, "w=400") {
		t.Errorf("srcset = %s; want steps up to the size of the source", text)
	}
}

// However many sizes are asked for, there are few results.
func TestSnapBoundsVariants(t *testing.T) {
	s := newSite(t, bucket(t), Options{}, HandlerConfig{BoundsConfig: BoundsConfig{Snap: true}, Cache: CacheConfig{MemoryMB: 4}})
	h := s.server.handlers[0]
	keys := map[cache.Key]bool{}
	for w := range 10000 {
		r := httptest.NewRequest("GET", fmt.Sprintf("/h/photo.jpg?w=%d&q=%d", w+1, 1+w%100), nil)
		req, err := h.parse(r)
		if err != nil {
			t.Fatal(err)
		}
		keys[h.key(&req)] = true
	}
	if most := len(config.DefaultSnapSizes) * len(config.DefaultSnapQualities); len(keys) > most {
		t.Errorf("%d results of 10,000 URLs; want at most %d", len(keys), most)
	}
}

func TestAllowedSizes(t *testing.T) {
	s := newSite(t, bucket(t), Options{},
		HandlerConfig{OutputFormat: "png", ClientHints: true, BoundsConfig: BoundsConfig{AllowedSizes: []string{"60x40", "100", "x50", "200"}}, Presets: map[string]string{"odd": "w=33"}},
		HandlerConfig{Prefix: "all", BoundsConfig: BoundsConfig{AllowedSizes: []string{"original"}}})
	for target, want := range map[string]int{
		"/h/photo.jpg?w=60&h=40": 200, "/h/photo.jpg?w=100": 200, "/h/photo.jpg?h=50": 200, "/h/photo.jpg?w=30&h=20&dpr=2": 200,
		"/h/photo.jpg?w=60": 400, "/h/photo.jpg?w=100&h=40": 400, "/h/photo.jpg?h=100": 400, "/h/photo.jpg": 400, "/h/photo.jpg?w=100&dpr=3": 400, "/h/photo.jpg?w=abc": 400,
		"/h/photo.jpg?preset=odd": 200, "/h/photo.jpg?preset=odd&w=34": 400, "/h/photo.jpg?info=1": 200,
		"/h/photo.jpg?srcset=100,150,200": 200, "/h/photo.jpg?srcset=101": 400,
		"/all/photo.jpg": 200, "/all/photo.jpg?w=20": 400,
	} {
		if r := s.get(target); r.StatusCode != want {
			t.Errorf("GET %s = %d; want %d", target, r.StatusCode, want)
		}
	}
	m, _ := picture(t, s.get("/h/photo.jpg?w=100&zoom=2&minw=300&padding=9&ar=1:1"))
	if m.Bounds().Size() != image.Pt(100, 75) {
		t.Errorf("parameters that lead out of the list give %v; want 100 x 75", m.Bounds().Size())
	}
	if m, _ := picture(t, s.get("/h/photo.jpg?w=100", "Sec-CH-DPR", "2")); m.Bounds().Dx() != 200 {
		t.Errorf("a hint that leads to a size of the list gives %v", m.Bounds().Size())
	}
	if m, _ := picture(t, s.get("/h/photo.jpg?w=100", "Sec-CH-DPR", "3")); m.Bounds().Dx() != 100 {
		t.Errorf("a hint that leads to none gives %v", m.Bounds().Size())
	}
	text := string(body(t, s.get("/h/photo.jpg?srcset=100,150,200&as=json")))
	for part := range strings.FieldsFuncSeq(text, func(c rune) bool { return strings.ContainsRune(`", `, c) }) {
		if link := strings.ReplaceAll(part, `\u0026`, "&"); strings.HasPrefix(link, "/h/") && s.get(link).StatusCode != 200 {
			t.Errorf("GET %s of the srcset = %d; want 200", link, s.get(link).StatusCode)
		}
	}
}

func TestAllowedOptions(t *testing.T) {
	s := newSite(t, bucket(t), Options{},
		HandlerConfig{OutputFormat: "png", BoundsConfig: BoundsConfig{AllowedOptions: []string{"w", "f"}}, Presets: map[string]string{"small": "h=30"}},
		HandlerConfig{Prefix: "strict", StrictOptions: true, BoundsConfig: BoundsConfig{AllowedOptions: []string{"w"}}},
		HandlerConfig{Prefix: "presets", PresetsOnly: true, Presets: map[string]string{"small": "h=30"}, BoundsConfig: BoundsConfig{AllowedOptions: []string{"w"}}})
	for target, want := range map[string]string{
		"/h/photo.jpg?w=40&h=40&blur=9&f=gif": "w=40&f=gif", "/h/photo.jpg?preset=small&w=40&q=3": "w=40&h=30&f=png", "/presets/photo.jpg?preset=small&w=40": "h=30&f=webp",
	} {
		r := httptest.NewRequest("GET", target, nil)
		if req, err := s.server.handlerOf(r).parse(r); err != nil || req.options.String() != want {
			t.Errorf("%s = %s, %v; want %s", target, req.options.String(), err, want)
		}
	}
	if r := s.get("/strict/photo.jpg?w=40&blur=3"); r.StatusCode != 400 {
		t.Errorf("strict: %d; want 400", r.StatusCode)
	}
	// A signature covers what does not count, too.
	h := signedHandler("h")
	h.AllowedOptions = []string{"w"}
	s = newSite(t, bucket(t), Options{}, h)
	target := signURL(newSecret, "h", "photo.jpg", "w", "40", "blur", "3")
	if r, without := s.get(target), s.get(strings.Replace(target, "blur=3&", "", 1)); r.StatusCode != 200 || without.StatusCode != 403 {
		t.Errorf("signed: %d, without a parameter %d; want 200, 403", r.StatusCode, without.StatusCode)
	}
}

// The links of a srcset work: where parameters do not count, they name the
// preset, and only sizes that a URL may ask for.
func TestSrcsetWithinBounds(t *testing.T) {
	presets := map[string]string{"card": "w=100&h=80&blur=5", "soft": "blur=5", "double": "dpr=2&blur=5"}
	only := HandlerConfig{Prefix: "only", PresetsOnly: true, StrictOptions: true, Presets: presets}
	sizes := HandlerConfig{Prefix: "sizes", Presets: presets, BoundsConfig: BoundsConfig{AllowedOptions: []string{"w", "h"}}}
	width := HandlerConfig{Prefix: "width", Presets: presets, DefaultPreset: "soft", BoundsConfig: BoundsConfig{AllowedOptions: []string{"w"}}}
	signed := signedHandler("signed")
	signed.PresetsOnly, signed.Presets = true, presets
	s := newSite(t, bucket(t), Options{}, only, sizes, width, signed)
	for _, tt := range []struct {
		target string
		want   []string // sizes
		holds  string   // in every link
	}{
		{"/only/photo.jpg?preset=card&srcset=50,100,200", []string{"100x80"}, "preset=card"},
		{"/only/photo.jpg?preset=soft&srcset=50,100", []string{"400x300"}, "preset=soft"},
		{"/sizes/photo.jpg?preset=soft&srcset=50,100", []string{"50x37", "100x75"}, "preset=soft"},
		{"/sizes/photo.jpg?preset=card&srcset=50,150", []string{"50x40", "150x120"}, "preset=card"},
		{"/sizes/photo.jpg?preset=card&blur=9&srcset=50,150", []string{"50x40", "150x120"}, "preset=card"},
		{"/sizes/photo.jpg?srcset=50,100", []string{"50x37", "100x75"}, "w="},
		{"/width/photo.jpg?preset=card&srcset=50,150", []string{"100x80"}, "preset=card"},
		{"/width/photo.jpg?srcset=50,100", []string{"50x37", "100x75"}, "w="},
		{signURL(newSecret, "signed", "photo.jpg", "preset", "card", "srcset", "50,100"), []string{"100x80"}, "sig="},
	} {
		var set pictureSet
		r := s.get(tt.target + "&as=json")
		if strings.HasPrefix(tt.target, "/signed") {
			r = s.get(signURL(newSecret, "signed", "photo.jpg", "preset", "card", "srcset", "50,100", "as", "json"))
		}
		if err := json.Unmarshal(body(t, r), &set); err != nil {
			t.Errorf("GET %s: %v", tt.target, err)
			continue
		}
		blurred := strings.Contains(tt.target, "preset") || strings.HasPrefix(tt.target, "/width")
		var sizes []string
		for candidate := range strings.SplitSeq(set.Sources[len(set.Sources)-1].Srcset, ", ") {
			link, w, _ := strings.Cut(candidate, " ")
			entry := s.get(link)
			m, _ := picture(t, entry)
			size := m.Bounds().Size()
			sizes = append(sizes, fmt.Sprintf("%dx%d", size.X, size.Y))
			if w != fmt.Sprintf("%dw", size.X) || !strings.Contains(link, tt.holds) {
				t.Errorf("GET %s: %s is %v; want %s in it", tt.target, candidate, size, tt.holds)
			}
			req := httptest.NewRequest("GET", link, nil)
			if got, err := s.server.handlerOf(req).parse(req); err != nil || strings.Contains(got.options.String(), "blur=5") != blurred {
				t.Errorf("GET %s: %s is %s, %v; want the blur of the preset", tt.target, link, got.options.String(), err)
			}
		}
		if !slices.Equal(sizes, tt.want) {
			t.Errorf("GET %s: %v; want %v", tt.target, sizes, tt.want)
		}
		if r := s.get(set.Src); r.StatusCode != 200 || fmt.Sprintf("%dx%d", set.Width, set.Height) != tt.want[len(tt.want)-1] {
			t.Errorf("GET %s: src %s = %d, %d x %d; want %v", tt.target, set.Src, r.StatusCode, set.Width, set.Height, tt.want)
		}
	}
}

func TestReferers(t *testing.T) {
	s := newSite(t, bucket(t), Options{}, HandlerConfig{BoundsConfig: BoundsConfig{Referers: []string{"example.com", "*.shop.example"}}},
		HandlerConfig{Prefix: "none", AuthStatus: 403, BoundsConfig: BoundsConfig{Referers: []string{"example.com", "none"}}})
	for _, tt := range []struct {
		prefix, referer string
		want            int
	}{
		{"h", "https://example.com/page?x=https://evil.example/", 200}, {"h", "http://EXAMPLE.com:8080", 200}, {"h", "https://a.b.shop.example/", 200},
		{"h", "https://shop.example/", 404}, {"h", "https://evil.example/https://example.com/", 404}, {"h", "https://example.com.evil.example/", 404},
		{"h", "https://example.com@evil.example/", 404}, {"h", "example.com", 404}, {"h", "null", 404}, {"h", "", 404}, {"h", "https://notexample.com/", 404},
		{"none", "", 200}, {"none", "https://evil.example/", 403},
	} {
		var header []string
		if tt.referer != "" {
			header = []string{"Referer", tt.referer}
		}
		if r := s.get("/"+tt.prefix+"/photo.jpg?w=20", header...); r.StatusCode != tt.want {
			t.Errorf("%s, Referer %q: %d; want %d", tt.prefix, tt.referer, r.StatusCode, tt.want)
		}
	}
}

func TestBlocked(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "blocked.txt")
	write := func(text string, age time.Duration) {
		t.Helper()
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(file, time.Time{}, modified.Add(age)); err != nil {
			t.Fatal(err)
		}
	}
	write("# of the court\n\nhalf.png\r\nÜnï/*\n", 0)
	h := HandlerConfig{ErrorStatus: 404, Cache: CacheConfig{MemoryMB: 4}, BoundsConfig: BoundsConfig{Blocked: []BlockedConfig{{Names: []string{"photo.jpg", "a/*"}}, {File: file, Status: 451}}}}
	s := newSite(t, bucket(t), Options{}, h)
	want := func(what string, all map[string]int) {
		t.Helper()
		s.server.handlers[0].bounds.blocked[1].Forget() // as if a second had passed
		for target, want := range all {
			if r := s.get(target); r.StatusCode != want || want > 400 && r.Header.Get("Cache-Control") != "no-store" {
				t.Errorf("%s: GET %s = %d; want %d", what, target, r.StatusCode, want)
			}
		}
	}
	want("at first", map[string]int{
		"/h/photo.jpg": 410, "/h/photo.jpg?info=1": 410, "/h/%70hoto.jpg?srcset=20": 410, "/h/a/b/photo.jpg": 410, "/h/a%2Fb%2Fphoto.jpg": 410,
		"/h/half.png": 451, "/h/%C3%9Cn%C3%AF/%E6%97%A5%E6%9C%AC.jpg": 451, "/h/same.jpg": 200, "/h/UPPER.JPG": 200,
	})
	write("same.jpg\n", time.Hour)
	want("later", map[string]int{"/h/same.jpg": 451, "/h/half.png": 200})
	write("/../x\n", 2*time.Hour)
	want("while the file is broken", map[string]int{"/h/same.jpg": 451, "/h/half.png": 200})
	if !strings.Contains(s.log.String(), "blocked.txt:1:") {
		t.Errorf("nothing of the broken line in the log: %s", s.log)
	}
	c := Config{Handlers: []HandlerConfig{{Prefix: "h", Bucket: bucket(t), BoundsConfig: BoundsConfig{Blocked: []BlockedConfig{{File: filepath.Join(dir, "none")}}}}}}
	if _, err := New(&c, Options{}); err == nil || !strings.Contains(err.Error(), "handlers.0.blocked") {
		t.Errorf("New = %v; want a fault of handlers.0.blocked", err)
	}
}

// One client that sends too much is told when to come again; others are not.
func TestRateLimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		config := &Config{RateLimit: RateConfig{Client: Rate{PerSecond: 2, Burst: 3}, Token: Rate{PerSecond: 1, Burst: 5}}, TrustedProxies: []string{"192.0.2.1"},
			Handlers: []HandlerConfig{{Prefix: "h", Bucket: bucket(t), ErrorImage: "../testdata/error.png", ErrorStatus: 404}, {Prefix: "token", Bucket: bucket(t), Auth: &AuthConfig{JWT: &JWTConfig{Key: accesstest.Secret}}}}}
		server, err := New(config, Options{})
		if err != nil {
			t.Fatal(err)
		}
		closeAtEnd(t, server)
		s := &site{t: t, server: server}
		get := func(target, client string) *http.Response { return s.get(target, "X-Forwarded-For", client) }
		for i, want := range []int{200, 404, 200, 429, 429} {
			target := []string{"/h/photo.jpg?w=20", "/h/missing.jpg"}[i%2]
			r := get(target, "1.2.3.4")
			if r.StatusCode != want || want == 429 && (r.Header.Get("Retry-After") != "1" || r.Header.Get("Cache-Control") != "no-store" || strings.HasPrefix(r.Header.Get("Content-Type"), "image/")) {
				t.Errorf("request %d: %d, %v; want %d", i+1, r.StatusCode, r.Header, want)
			}
		}
		if r := get("/h/photo.jpg?w=20", "1.2.3.5"); r.StatusCode != 200 {
			t.Errorf("another client: %d; want 200", r.StatusCode)
		}
		time.Sleep(time.Second)
		for _, want := range []int{200, 200, 429} {
			if r := get("/h/photo.jpg?w=20", "1.2.3.4"); r.StatusCode != want {
				t.Errorf("a second later: %d; want %d", r.StatusCode, want)
			}
		}
		for i, want := range []int{200, 200, 200, 429} { // one network of 64 bits
			if r := get("/h/photo.jpg?w=20", fmt.Sprintf("2001:db8::%d", i)); r.StatusCode != want {
				t.Errorf("IPv6 client %d: %d; want %d", i, r.StatusCode, want)
			}
		}
		// One owner of several tokens, from several addresses.
		for i, want := range []int{200, 200, 200, 200, 200, 429} {
			token := accesstest.Mint(t, jwt.SigningMethodHS256, []byte(accesstest.Secret), accesstest.Claims("sub", "ann", "jti", strconv.Itoa(i)), nil)
			if r := get("/token/photo.jpg?w=20&t="+token, fmt.Sprintf("1.2.4.%d", i)); r.StatusCode != want {
				t.Errorf("token %d: %d; want %d", i, r.StatusCode, want)
			}
		}
		if r := get("/token/photo.jpg?w=20&t="+accesstest.Mint(t, jwt.SigningMethodHS256, []byte(accesstest.Secret), accesstest.Claims("sub", "bob"), nil), "1.2.5.1"); r.StatusCode != 200 {
			t.Errorf("another owner: %d; want 200", r.StatusCode)
		}
	})
}

// Of the results that are made there is a bound, whoever asks, and whatever for;
// what is kept is sent.
func TestMissRate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &countingBucket{Bucket: bucket(t)}
		bound := BoundsConfig{Misses: Rate{PerSecond: 0.5, Burst: 3}}
		s := newSite(t, b, Options{}, HandlerConfig{BoundsConfig: bound, ErrorImage: "../testdata/error.png", ErrorStatus: 404, Cache: CacheConfig{MemoryMB: 4}, CacheTime: new(int64(60))}, HandlerConfig{Prefix: "other"})
		want := func(what, target string, status int, asks int64) {
			t.Helper()
			before := b.asked.Load()
			r := s.get(target)
			if r.StatusCode != status || b.asked.Load()-before != asks {
				t.Errorf("%s: %d, the store was asked %d times; want %d, %d", what, r.StatusCode, b.asked.Load()-before, status, asks)
			}
			if limited := r.StatusCode == 503; limited && (r.Header.Get("Retry-After") != "2" || r.Header.Get("Cache-Control") != "no-store" || strings.HasPrefix(r.Header.Get("Content-Type"), "image/")) {
				t.Errorf("%s: %v; want Retry-After: 2, no-store, and no error image", what, r.Header)
			}
		}
		want("a result", "/h/photo.jpg?w=20", 200, 1)
		want("a missing picture", "/h/missing.jpg", 404, 1)
		want("facts", "/h/same.jpg?info=1", 200, 1)
		want("one too many", "/h/photo.jpg?w=21", 503, 0)
		want("one that is kept", "/h/photo.jpg?w=20", 200, 0)
		want("that it is missing is remembered", "/h/missing.jpg", 404, 0)
		want("another handler", "/other/photo.jpg?w=21", 200, 1)
		time.Sleep(2 * time.Second)
		want("later", "/h/photo.jpg?w=21", 200, 1)
		want("and not more", "/h/photo.jpg?w=22", 503, 0)
		time.Sleep(time.Minute)
		for i := range 3 {
			want("a minute later", fmt.Sprintf("/h/photo.jpg?w=%d", 30+i), 200, 1)
		}
		want("what is kept and old is looked after", "/h/photo.jpg?w=20", 200, 1)
	})
}

// A countingBucket counts the questions.
type countingBucket struct {
	storage.Bucket
	asked atomic.Int64
}

func (b *countingBucket) Get(ctx context.Context, name string) (*storage.Object, error) {
	b.asked.Add(1)
	return b.Bucket.Get(ctx, name)
}

func TestBoundsConfigFaults(t *testing.T) {
	for _, tt := range []struct {
		config Config
		bounds BoundsConfig
		want   string
	}{
		{Config{}, BoundsConfig{SnapSizes: []int{0}}, "handlers.0.snap_sizes.0"},
		{Config{}, BoundsConfig{SnapQualities: []int{101}}, "handlers.0.snap_qualities.0"},
		{Config{}, BoundsConfig{Snap: true, AllowedSizes: []string{"1x1"}}, "handlers.0.snap"},
		{Config{}, BoundsConfig{AllowedSizes: []string{"big"}}, "handlers.0.allowed_sizes.0"},
		{Config{}, BoundsConfig{AllowedSizes: []string{"x"}}, "handlers.0.allowed_sizes.0"},
		{Config{}, BoundsConfig{AllowedOptions: []string{"width"}}, "handlers.0.allowed_options.0"},
		{Config{}, BoundsConfig{Misses: Rate{PerSecond: -1}}, "handlers.0.misses.per_second"},
		{Config{}, BoundsConfig{Misses: Rate{Burst: 1}}, "handlers.0.misses.burst"},
		{Config{}, BoundsConfig{Referers: []string{"https://example.com"}}, "handlers.0.referers.0"},
		{Config{}, BoundsConfig{Blocked: []BlockedConfig{{}}}, "handlers.0.blocked.0"},
		{Config{}, BoundsConfig{Blocked: []BlockedConfig{{Names: []string{"/a"}}}}, "handlers.0.blocked.0.names.0"},
		{Config{}, BoundsConfig{Blocked: []BlockedConfig{{Names: []string{"a"}, Status: 200}}}, "handlers.0.blocked.0.status"},
		{Config{TrustedProxies: []string{"proxy"}}, BoundsConfig{}, "trusted_proxies.0"},
		{Config{TrustedProxies: []string{"10.0.0.1", "10.0.0.0/33"}}, BoundsConfig{}, "trusted_proxies.1"},
		{Config{ClientHeader: "X-Real-IP"}, BoundsConfig{}, "client_header"},
		{Config{RateLimit: RateConfig{Client: Rate{PerSecond: -1}}}, BoundsConfig{}, "rate_limit.client.per_second"},
		{Config{RateLimit: RateConfig{Token: Rate{Burst: 3}}}, BoundsConfig{}, "rate_limit.token.burst"},
	} {
		tt.config.Handlers = []HandlerConfig{{Prefix: "h", Bucket: bucket(t), BoundsConfig: tt.bounds}}
		if err := tt.config.Validate(); err == nil || !strings.Contains(err.Error(), tt.want+":") {
			t.Errorf("Validate = %v; want a fault of %s", err, tt.want)
		}
	}
	c := Config{RateLimit: RateConfig{Client: Rate{PerSecond: 2}}, Handlers: []HandlerConfig{{Prefix: "h", Bucket: bucket(t)}}}
	for range 2 { // a configuration is checked again when a server is made of it
		if err := c.Validate(); err != nil || c.RateLimit.Client.Burst != 20 {
			t.Errorf("Validate = %v, burst %d; want 20", err, c.RateLimit.Client.Burst)
		}
	}
}
