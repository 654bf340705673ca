package server

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"reflect"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/fstest"
	"testing/synctest"
	"time"

	"s3imageserver/server/dialect"
	"s3imageserver/storage"
	"s3imageserver/storage/dir"
)

// newPlaygroundServer has one handler for everybody, and one for signed URLs.
func newPlaygroundServer(t *testing.T, admin AdminConfig) *Server {
	t.Helper()
	files := fstest.MapFS{"a.jpg": {Data: jpegFile(t, 60, 40)}, "notes.txt": {}, "deep/b.jpg": {Data: jpegFile(t, 60, 40)}, "deep/er/c.jpg": {}}
	s, err := New(&Config{
		Playground: true,
		Admin:      admin,
		Handlers: []HandlerConfig{
			{Prefix: "open", Bucket: dir.New(files)},
			{Prefix: "closed", Bucket: dir.New(files), Auth: &AuthConfig{HMAC: &HMACConfig{Keys: []SigningKey{{ID: "k", Secret: "a secret of enough bytes"}}}}},
		},
	}, Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func answerOf(h http.Handler, method, target, body string, header ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, target, strings.NewReader(body))
	r.Host = "127.0.0.1:9090"
	for i := 0; i < len(header); i += 2 {
		if header[i] == "Host" {
			r.Host = header[i+1]
			continue
		}
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

// What everybody may ask the page for: handlers without a lock, and no
// signatures.
func TestPublicPlayground(t *testing.T) {
	s := newPlaygroundServer(t, AdminConfig{})
	site := answerOf(s, "GET", "/_playground/site", "")
	var info siteInfo
	if err := json.Unmarshal(site.Body.Bytes(), &info); err != nil || len(info.Handlers) != 1 || info.Handlers[0].Prefix != "open" || info.Operator {
		t.Errorf("site: %s, %v", site.Body, err)
	}
	for _, p := range Params() {
		if has := slices.ContainsFunc(info.Options, func(o siteOption) bool { return o.Name == p.Name }); has == slices.Contains(hiddenOptions, p.Name) {
			t.Errorf("the option %s: shown %v", p.Name, has)
		}
	}
	for target, want := range map[string]int{
		"/": 200, "/_playground/app.js": 200, "/_playground/state.js": 200, "/_playground/style.css": 200, "/_playground/head.html": 404, "/_playground/options": 200,
		"/_playground/pictures?handler=open": 200, "/_playground/pictures?handler=closed": 404, "/_playground/pictures?handler=": 404,
		"/_playground/sign?url=/closed/a.jpg": 404, "/_playground/login.html": 404, "/_playground/": 404, "/login": 404,
		"/closed/a.jpg?w=10": 404, "/open/a.jpg?w=10": 200,
	} {
		if w := answerOf(s, "GET", target, ""); w.Code != want {
			t.Errorf("%s = %d; want %d", target, w.Code, want)
		} else if strings.HasPrefix(target, "/_playground/app") && !strings.Contains(w.Header().Get("Content-Security-Policy"), "script-src 'self'") {
			t.Errorf("%s has no policy", target)
		}
	}
	if w := answerOf(s, "POST", "/_playground/site", ""); w.Code != http.StatusMethodNotAllowed {
		t.Errorf("POST = %d; want 405", w.Code)
	}
}

// What the page asks for by itself is what the bounds of a handler allow, and it
// offers nothing that they ignore.
func TestPlaygroundKeepsWithinBounds(t *testing.T) {
	files := fstest.MapFS{"a.jpg": {Data: jpegFile(t, 60, 40)}}
	tests := []struct {
		name    string
		bounds  BoundsConfig
		only    bool // presets
		want    pageQueries
		ignored []string // some
		counts  []string // some
	}{
		{"no bounds", BoundsConfig{}, false, pageQueries{"w=160&h=160", "w=1200&h=1200&fit=scale-down", "w=600"}, nil, []string{"w", "zoom", "preset"}},
		{"presets only", BoundsConfig{}, true, pageQueries{"preset=card", "", "preset=card"}, []string{"w", "blur"}, []string{"preset", "f", "dl"}},
		{"some sizes", BoundsConfig{AllowedSizes: []string{"300x200", "640", "x1000", "original"}}, false, pageQueries{"h=200&w=300", "h=1000", "w=640"}, []string{"zoom", "ar"}, []string{"w", "blur"}},
		{"some options", BoundsConfig{AllowedOptions: []string{"w", "q"}}, false, pageQueries{"w=160", "w=1200", "w=600"}, []string{"h", "fit"}, []string{"w", "q"}},
	}
	for _, tt := range tests {
		s, err := New(&Config{Playground: true, Presets: map[string]string{"card": "w=30", "wide": "w=50"}, Handlers: []HandlerConfig{
			{Prefix: "h", Bucket: dir.New(files), PresetsOnly: tt.only, BoundsConfig: tt.bounds},
		}}, Options{})
		if err != nil {
			t.Fatal(err)
		}
		closeAtEnd(t, s)
		var info siteInfo
		if w := answerOf(s, "GET", "/_playground/site", ""); json.Unmarshal(w.Body.Bytes(), &info) != nil {
			t.Fatalf("%s: %s", tt.name, w.Body)
		}
		h := info.Handlers[0]
		if h.Queries != tt.want {
			t.Errorf("%s: asks for %+v; want %+v", tt.name, h.Queries, tt.want)
		}
		for _, q := range []string{h.Queries.Thumbnail, h.Queries.Original, h.Queries.First} {
			if w := answerOf(s, "GET", "/h/a.jpg?"+q, ""); w.Code != 200 {
				t.Errorf("%s: %s = %d; want 200", tt.name, q, w.Code)
			}
		}
		for _, name := range tt.ignored {
			if !slices.Contains(h.Ignored, name) {
				t.Errorf("%s: offers %s", tt.name, name)
			}
		}
		for _, name := range tt.counts {
			if slices.Contains(h.Ignored, name) {
				t.Errorf("%s: does not offer %s", tt.name, name)
			}
		}
	}
}

// The page of all options has them all, with and without pictures to show.
func TestPageOfOptions(t *testing.T) {
	picture := fstest.MapFS{"a.jpg": {Data: jpegFile(t, 60, 40)}}
	for name, tt := range map[string]struct {
		handler HandlerConfig
		images  bool
	}{
		"pictures":     {HandlerConfig{Prefix: "h", Bucket: dir.New(picture)}, true},
		"no pictures":  {HandlerConfig{Prefix: "h", Bucket: dir.New(fstest.MapFS{})}, false},
		"presets only": {HandlerConfig{Prefix: "h", Bucket: dir.New(picture), PresetsOnly: true, Presets: map[string]string{"card": "w=30"}}, false},
	} {
		s, err := New(&Config{Playground: true, Handlers: []HandlerConfig{tt.handler}}, Options{})
		if err != nil {
			t.Fatal(err)
		}
		closeAtEnd(t, s)
		page := answerOf(s, "GET", "/_playground/options", "").Body.String()
		for _, p := range Params() {
			if !strings.Contains(page, "><code>"+p.Name+"</code><span>") {
				t.Errorf("%s: the page lacks %s", name, p.Name)
			}
		}
		if strings.Contains(page, "<img") != tt.images {
			t.Errorf("%s: images %v; want %v", name, !tt.images, tt.images)
		}
	}
}

func TestPicturesOfThePlayground(t *testing.T) {
	s := newPlaygroundServer(t, AdminConfig{})
	for query, want := range map[string]pictureList{
		"":                 {Folders: []string{"deep/"}, Names: []string{"a.jpg"}},
		"&folder=deep/":    {Folders: []string{"deep/er/"}, Names: []string{"deep/b.jpg"}},
		"&q=C.JPG":         {Names: []string{"deep/er/c.jpg"}},
		"&q=notes":         {},
		"&folder=none/":    {},
		"&after=a.jpg":     {Folders: []string{"deep/"}},
		"&folder=deep/er/": {Names: []string{"deep/er/c.jpg"}},
	} {
		w := answerOf(s, "GET", "/_playground/pictures?handler=open"+query, "")
		var got pictureList
		if err := json.Unmarshal(w.Body.Bytes(), &got); err != nil || !slices.Equal(got.Folders, want.Folders) || !slices.Equal(got.Names, want.Names) || !got.Listable {
			t.Errorf("%q: %s, %v; want %+v", query, w.Body, err, want)
		}
	}
	if w := answerOf(s, "GET", "/_playground/pictures?handler=open&folder=../", ""); w.Code != http.StatusBadRequest {
		t.Errorf("a folder outside: %d %s", w.Code, w.Body)
	}
}

// A countingFolder counts the questions about what is in it.
type countingFolder struct {
	*dir.Bucket
	asked atomic.Int64
}

func (c *countingFolder) List(ctx context.Context, max int, keep func(string) bool) ([]string, error) {
	c.asked.Add(1)
	return c.Bucket.List(ctx, max, keep)
}

func (c *countingFolder) Browse(ctx context.Context, folder, after string, max int) (storage.Listing, error) {
	c.asked.Add(1)
	return c.Bucket.Browse(ctx, folder, after, max)
}

// However much everybody asks the page, the store is asked little; operators are
// answered always, and by what is there now.
func TestQuestionsOfThePlaygroundAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		files := fstest.MapFS{"a.jpg": {Data: jpegFile(t, 60, 40)}}
		b := &countingFolder{Bucket: dir.New(files)}
		s, err := New(&Config{Playground: true, Admin: AdminConfig{Listen: "127.0.0.1:1"}, Handlers: []HandlerConfig{{Prefix: "open", Bucket: b}}}, Options{})
		if err != nil {
			t.Fatal(err)
		}
		closeAtEnd(t, s)
		const list, page = "/_playground/pictures?handler=open", "/_playground/options"
		want := func(what string, h http.Handler, target string, status int, asks int64) {
			t.Helper()
			before := b.asked.Load()
			w := answerOf(h, "GET", target, "")
			if w.Code != status || b.asked.Load()-before != asks {
				t.Errorf("%s: %d, the store was asked %d times; want %d, %d", what, w.Code, b.asked.Load()-before, status, asks)
			}
			if status == 429 && w.Header().Get("Retry-After") != "1" {
				t.Errorf("%s: Retry-After %q; want 1", what, w.Header().Get("Retry-After"))
			}
		}
		want("the first question", s, list, 200, 1)
		want("the same again", s, list, 200, 0)
		want("the page of options", s, page, 200, 1)
		want("that again", s, page, 200, 0)
		for i := range askBurst - 2 {
			want("a search", s, fmt.Sprintf("%s&q=x%d", list, i), 200, 1)
		}
		want("one search too many", s, list+"&q=y", 429, 0)
		want("what was just answered", s, list, 200, 0)
		operators := s.adminHandler()
		for range 3 {
			want("an operator", operators, list+"&q=y", 200, 1)
		}
		for i := range 2 * mostListings {
			time.Sleep(time.Second)
			want("slowly", s, fmt.Sprintf("%s&q=z%d", list, i), 200, 1)
		}
		var l listings
		for i := range 3 * mostListings {
			l.set(question{search: fmt.Sprint(i)}, pictureList{})
		}
		if n := len(l.kept); n > mostListings {
			t.Errorf("%d answers are kept; want at most %d", n, mostListings)
		}
		files["b.jpg"] = files["a.jpg"]
		time.Sleep(listingAge)
		if w := answerOf(s, "GET", list, ""); !strings.Contains(w.Body.String(), "b.jpg") {
			t.Errorf("a picture that came is not shown after %v: %s", listingAge, w.Body)
		}
	})
}

// Operators see and sign everything, when they have shown the token.
func TestOperatorsPlayground(t *testing.T) {
	const token = "a token of the operators"
	s := newPlaygroundServer(t, AdminConfig{Listen: "127.0.0.1:1", Token: token})
	h := s.adminHandler()
	pages := []string{"/", "/_playground/site", "/_playground/pictures?handler=closed", "/_playground/sign?url=/closed/a.jpg", "/closed/a.jpg?w=10", "/open/a.jpg?w=10"}
	session := sessionUntil(&s.config.Admin, time.Now().Add(time.Hour))
	other := sessionUntil(&AdminConfig{Token: "another token of somebody"}, time.Now().Add(time.Hour))
	end, sum, _ := strings.Cut(session, ".")
	for name, tt := range map[string]struct {
		header []string
		status int
	}{
		"nothing":              {nil, 401},
		"the token":            {[]string{"Authorization", "Bearer " + token}, 200},
		"another token":        {[]string{"Authorization", "Bearer " + token + "x"}, 401},
		"a session":            {[]string{"Cookie", sessionCookie + "=" + session}, 200},
		"one of another token": {[]string{"Cookie", sessionCookie + "=" + other}, 401},
		"a longer one":         {[]string{"Cookie", sessionCookie + "=9" + end + "." + sum}, 401},
		"one that ended":       {[]string{"Cookie", sessionCookie + "=" + sessionUntil(&s.config.Admin, time.Now().Add(-time.Second))}, 401},
		"one without an end":   {[]string{"Cookie", sessionCookie + "=" + sum}, 401},
		"half of one":          {[]string{"Cookie", sessionCookie + "=" + session[:len(session)-1]}, 401},
		"one in another case":  {[]string{"Cookie", sessionCookie + "=" + strings.ToUpper(session)}, 401},
		"the token as cookie":  {[]string{"Cookie", sessionCookie + "=" + url.QueryEscape(token)}, 401},
	} {
		for _, page := range pages {
			if w := answerOf(h, "GET", page, "", tt.header...); w.Code != tt.status {
				t.Errorf("%s, %s = %d; want %d: %s", name, page, w.Code, tt.status, w.Body)
			}
		}
	}
	// A session opens nothing else.
	for _, target := range []string{"/config", "/debug/pprof/"} {
		if w := answerOf(h, "GET", target, "", "Cookie", sessionCookie+"="+session); w.Code != 401 {
			t.Errorf("%s with a session = %d; want 401", target, w.Code)
		}
	}
	if w := answerOf(h, "POST", "/purge", "all=1&handler=open", "Content-Type", "application/x-www-form-urlencoded", "Cookie", sessionCookie+"="+session); w.Code != 401 {
		t.Errorf("a purge with a session = %d; want 401", w.Code)
	}

	form := func(text string) *httptest.ResponseRecorder {
		return answerOf(h, "POST", "/login", url.Values{"token": {text}}.Encode(), "Content-Type", "application/x-www-form-urlencoded")
	}
	for _, wrong := range []string{"", token + "x", strings.Repeat("x", 1<<20)} {
		if w := form(wrong); w.Code != 403 || w.Header().Get("Set-Cookie") != "" {
			t.Errorf("a wrong token = %d, %s", w.Code, w.Header())
		}
	}
	w := form(token)
	cookie, err := http.ParseSetCookie(w.Header().Get("Set-Cookie"))
	if err != nil || w.Code != http.StatusSeeOther || !cookie.HttpOnly || cookie.SameSite != http.SameSiteStrictMode || strings.Contains(cookie.Value, token) {
		t.Fatalf("the token = %d, %v, %v", w.Code, cookie, err)
	}
	if w := answerOf(h, "GET", "/closed/a.jpg?w=10", "", "Cookie", cookie.Name+"="+cookie.Value); w.Code != 200 || !strings.Contains(w.Header().Get("Cache-Control"), "private") {
		t.Errorf("a picture with the cookie = %d, %s", w.Code, w.Header())
	}

	// What it signs is good on the public ports, and says when it ends.
	w = answerOf(h, "GET", "/_playground/sign?url="+url.QueryEscape("/closed/a.jpg?w=10"), "", "Authorization", "Bearer "+token)
	var signed struct{ URL string }
	if err := json.Unmarshal(w.Body.Bytes(), &signed); err != nil || !strings.Contains(signed.URL, "exp=") {
		t.Fatalf("signed: %s, %v", w.Body, err)
	}
	if w := answerOf(s, "GET", signed.URL, ""); w.Code != 200 {
		t.Errorf("%s = %d; want 200", signed.URL, w.Code)
	}
	// It ends when the operator says, which is a time to come.
	now := time.Now().Unix()
	for exp, want := range map[string]int{"": 200, fmt.Sprint(now + 604800): 200, fmt.Sprint(now - 5): 400, fmt.Sprint(now + 20*365*86400): 400, "9223372036854775807": 400, "-1": 400, "soon": 400} {
		w := answerOf(h, "GET", "/_playground/sign?url="+url.QueryEscape("/closed/a.jpg?w=10")+"&exp="+exp, "", "Authorization", "Bearer "+token)
		if w.Code != want || exp != "" && want == 200 && !strings.Contains(w.Body.String(), "exp="+exp) {
			t.Errorf("signed until %q = %d %s; want %d", exp, w.Code, w.Body, want)
		}
	}
	for _, target := range []string{"https://elsewhere/closed/a.jpg", "closed/a.jpg", "/none/a.jpg", "/open/a.jpg"} {
		if w := answerOf(h, "GET", "/_playground/sign?url="+url.QueryEscape(target), "", "Authorization", "Bearer "+token); w.Code != 400 {
			t.Errorf("signing %s = %d; want 400", target, w.Code)
		}
	}
}

// Without a token the listener is this machine's alone: not that of a page
// whose name leads here.
func TestPlaygroundWithoutAToken(t *testing.T) {
	s := newPlaygroundServer(t, AdminConfig{Listen: "127.0.0.1:1"})
	h := s.adminHandler()
	for host, want := range map[string]int{"127.0.0.1:1": 200, "localhost:1": 200, "[::1]:1": 200, "evil.example:1": 421, "127.0.0.1.evil.example": 421, "": 421} {
		if w := answerOf(h, "GET", "/closed/a.jpg?w=10", "", "Host", host); w.Code != want {
			t.Errorf("host %q = %d; want %d", host, w.Code, want)
		}
	}
	s.config.Admin.Playground = new(false)
	if w := answerOf(h, "GET", "/", ""); w.Code == 200 {
		t.Errorf("turned off: %d %s", w.Code, w.Body)
	}
	if w := answerOf(h, "GET", "/closed/a.jpg?w=10", ""); w.Code == 200 {
		t.Errorf("a picture when it is turned off: %d", w.Code)
	}
}

// No page elsewhere reads anything from the listener for operators, whatever it
// is asked for: not after DNS rebinding, not by CORS, not embedded.
func TestOperatorsAnswerNoOtherOrigin(t *testing.T) {
	files := fstest.MapFS{"a.jpg": {Data: jpegFile(t, 60, 40)}}
	newServer := func(admin AdminConfig) http.Handler {
		s, err := New(&Config{Admin: admin, Events: EventsConfig{Secret: "a secret of the store's events"}, Handlers: []HandlerConfig{
			{Prefix: "h", Bucket: dir.New(files), Auth: signedHandler("").Auth, Headers: HeadersConfig{CORS: []string{"*"}}},
		}}, Options{})
		if err != nil {
			t.Fatal(err)
		}
		closeAtEnd(t, s)
		return s.adminHandler()
	}
	open := newServer(AdminConfig{Listen: "127.0.0.1:9090"})
	withToken := newServer(AdminConfig{Listen: "127.0.0.1:9090", Token: operatorToken})
	outside := newServer(AdminConfig{Listen: "0.0.0.0:9090", Token: operatorToken})
	paths := []string{"/", "/h/a.jpg?w=10", "/h/a.jpg?info=1", "/h/a.jpg?explain=1", "/_playground/site", "/_playground/sign?url=/h/a.jpg", "/login", "/metrics", "/stats", "/healthz", "/readyz", "/config", "/purge", "/events", "/debug/pprof/"}
	foreign := map[string][]string{
		"another host":               {"Host", "rebind.evil.example"},
		"another host with the port": {"Host", "rebind.evil.example:9090"},
		"another origin":             {"Origin", "https://evil.example"},
		"no origin":                  {"Origin", "null"},
		"another port":               {"Origin", "http://127.0.0.1:8080"},
		"a page of another site":     {"Sec-Fetch-Site", "cross-site", "Sec-Fetch-Mode", "no-cors"},
		"another port, as a browser": {"Sec-Fetch-Site", "same-site", "Sec-Fetch-Mode", "cors"},
	}
	for what, header := range foreign {
		for _, path := range paths {
			for _, method := range []string{"GET", "POST", "OPTIONS"} {
				for name, h := range map[string]http.Handler{"open": open, "with a token": withToken, "outside": outside} {
					if name == "outside" && header[0] == "Host" {
						continue // it has names of its own, and nothing is answered without the token
					}
					if path == "/events" && header[0] == "Host" {
						continue // stores may come by way of a proxy, and prove who they are
					}
					w := answerOf(h, method, path, "", header...)
					if w.Code != http.StatusMisdirectedRequest || w.Header().Get("Access-Control-Allow-Origin") != "" || w.Header().Get("Cross-Origin-Resource-Policy") != "same-origin" {
						t.Errorf("%s, %s %s of %s = %d, %v; want 421", what, method, path, name, w.Code, w.Header())
					}
				}
			}
		}
	}
	for name, tt := range map[string]struct {
		target string
		header []string
		status int
	}{
		"a program":              {"/metrics", nil, 200},
		"the page itself":        {"/h/a.jpg?w=10", []string{"Sec-Fetch-Site", "same-origin"}, 200},
		"the page by its origin": {"/h/a.jpg?w=10", []string{"Origin", "http://127.0.0.1:9090"}, 200},
		"typed":                  {"/", []string{"Sec-Fetch-Site", "none"}, 200},
		"a link to the page":     {"/", []string{"Sec-Fetch-Site", "cross-site", "Sec-Fetch-Mode", "navigate", "Sec-Fetch-Dest", "document"}, 200},
		"a link to a picture":    {"/h/a.jpg", []string{"Sec-Fetch-Site", "cross-site", "Sec-Fetch-Mode", "navigate", "Sec-Fetch-Dest", "document"}, 421},
		"the page in a frame":    {"/", []string{"Sec-Fetch-Site", "cross-site", "Sec-Fetch-Mode", "navigate", "Sec-Fetch-Dest", "iframe"}, 421},
		"an IPv6 address":        {"/stats", []string{"Host", "[::1]:9090"}, 200},
	} {
		w := answerOf(open, "GET", tt.target, "", tt.header...)
		if w.Code != tt.status || w.Header().Get("Access-Control-Allow-Origin") != "" || w.Header().Get("Cross-Origin-Resource-Policy") != "same-origin" {
			t.Errorf("%s: GET %s = %d, %v; want %d, no CORS, same-origin", name, tt.target, w.Code, w.Header(), tt.status)
		}
	}
	if w := answerOf(withToken, "GET", "/config", "", "Host", "admin.example.com", "Authorization", "Bearer "+operatorToken); w.Code != 200 {
		t.Errorf("another host with the token = %d; want 200", w.Code)
	}
	if w := answerOf(open, "POST", "/events", "{}", "Host", "rebind.evil.example"); w.Code != http.StatusForbidden {
		t.Errorf("an event of nobody = %d; want 403", w.Code)
	}
}

// The configuration that operators are shown has all defaults that it says fields
// have.
func TestShownConfigurationHasDefaults(t *testing.T) {
	s, err := New(&Config{Admin: AdminConfig{Listen: "127.0.0.1:9090", Token: operatorToken}, Handlers: []HandlerConfig{
		{Prefix: "h", Bucket: dir.New(fstest.MapFS{}), Quality: map[string]int{"webp": 60}, OutputFormats: []string{"jpeg", "webp", "avif"}, CachePath: t.TempDir()},
		{Prefix: "set", Bucket: dir.New(fstest.MapFS{}), AVIFPixels: 5, Limits: LimitsConfig{Scans: 7}, Freshness: Freshness{StaleIfError: new(int64(0))}},
	}}, Options{})
	if err != nil {
		t.Fatal(err)
	}
	closeAtEnd(t, s)
	key := s.handlers[0].qualityKey
	w := answerOf(s.adminHandler(), "GET", "/config", "", "Authorization", "Bearer "+operatorToken)
	var shown struct {
		Admin    struct{ Playground *bool }
		Handlers []map[string]any
	}
	if err := json.Unmarshal(w.Body.Bytes(), &shown); err != nil || len(shown.Handlers) != 2 {
		t.Fatalf("%s: %v", w.Body, err)
	}
	for name, value := range shown.Handlers[0]["limits"].(map[string]any) {
		if value == 0.0 {
			t.Errorf("limits.%s is 0", name)
		}
	}
	if shown.Admin.Playground == nil || !*shown.Admin.Playground {
		t.Error("admin.playground is not true")
	}
	for i, want := range []map[string]any{
		{"avif_pixels": 12.5e6, "stale_if_error": 86400.0, "cache_enabled": true, "quality": map[string]any{"jpeg": 75.0, "webp": 60.0, "avif": 75.0}},
		{"avif_pixels": 5.0, "stale_if_error": 0.0, "cache_enabled": false},
	} {
		for name, value := range want {
			if got := shown.Handlers[i][name]; !reflect.DeepEqual(got, value) {
				t.Errorf("handler %d: %s is %v; want %v", i, name, got, value)
			}
		}
	}
	if got := shown.Handlers[1]["limits"].(map[string]any)["scans"]; got != 7.0 {
		t.Errorf("limits.scans is %v; want 7", got)
	}
	if c := s.config.Handlers[0]; c.StaleIfError != nil || c.Limits.Pixels != 0 || len(c.Quality) != 1 || s.config.Handlers[0].QualityKey() != key {
		t.Errorf("what is shown changes the configuration in use: %+v", c)
	}
}

// Nobody becomes an operator by what a request says.
func TestOperatorIsNoHeader(t *testing.T) {
	r := httptest.NewRequest("GET", "/closed/a.jpg", nil)
	r.Header.Set("operatorKey", "true")
	if byOperator(r) || !byOperator(r.WithContext(context.WithValue(r.Context(), operatorKey{}, true))) {
		t.Error("byOperator believes a header, or not the listener")
	}
}

// The address that operators copy is that of the public port.
func TestPublicAddress(t *testing.T) {
	for _, tt := range []struct {
		c    Config
		want string
	}{
		{Config{}, "http://localhost"},
		{Config{HTTPPort: 8080}, "http://localhost:8080"},
		{Config{HTTPSEnabled: true, HTTPSPort: 443, Hosts: []string{"*.example.com", "img.example.com"}}, "https://img.example.com"},
		{Config{HTTPSEnabled: true, HTTPSPort: 8443, HTTPPort: 8080}, "https://localhost:8443"},
	} {
		if got := publicAddress(&tt.c); got != tt.want {
			t.Errorf("publicAddress(%+v) = %q; want %q", tt.c, got, tt.want)
		}
	}
}

// A URL of another server is read as its handler reads it: the page tells nothing of
// handlers that it does not show, and a wrong signature is as good as none.
func TestPlaygroundTranslates(t *testing.T) {
	files := fstest.MapFS{"a.jpg": {Data: jpegFile(t, 60, 40)}}
	open, other := dir.New(files), dir.New(files)
	s, err := New(&Config{Playground: true, Admin: AdminConfig{Listen: "127.0.0.1:1"}, Handlers: []HandlerConfig{
		{Prefix: "h", Bucket: open},
		{Prefix: "img", Bucket: open, Dialect: &dialect.Settings{Name: "imgproxy", Unsigned: true}},
		{Prefix: "alone", Bucket: other, Dialect: &dialect.Settings{Name: "imgproxy", Unsigned: true}},
	}}, Options{})
	if err != nil {
		t.Fatal(err)
	}
	closeAtEnd(t, s)
	for target, want := range map[string]struct {
		status int
		url    string
	}{
		"/img/unsigned/rs:fit:30:20/plain/a.jpg":                        {200, "/h/a.jpg?w=30&h=20"},
		"https://old.example.com/img/unsigned/rs:fit:30:20/plain/a.jpg": {200, "/h/a.jpg?w=30&h=20"},
		"/alone/unsigned/rs:fill:30:20/plain/a.jpg":                     {404, ""}, // no handler of our URLs has its pictures
		"/h/a.jpg?w=30":                        {404, ""},
		"/img/unsigned/rs:wrong:x/plain/a.jpg": {404, ""},
		"/none/a.jpg":                          {404, ""},
		"":                                     {404, ""},
		"http://[":                             {404, ""},
	} {
		for name, h := range map[string]http.Handler{"public": s, "operators": s.adminHandler()} {
			w := answerOf(h, "GET", "/_playground/translate?url="+url.QueryEscape(target), "")
			var got translatedURL
			if want.status == 200 {
				if err := json.Unmarshal(w.Body.Bytes(), &got); err != nil {
					t.Errorf("%s: %s: %s", name, target, w.Body)
				}
			}
			if w.Code != want.status || !strings.HasPrefix(got.URL, want.url) {
				t.Errorf("%s: %s = %d %+v; want %+v", name, target, w.Code, got, want)
			}
		}
	}
	// Where the size of the picture decides, it is asked for.
	for query, want := range map[string]translatedURL{
		"":                    {Dialect: "imgproxy", Prefix: "h", Name: "a.jpg", Size: true},
		"&width=60&height=40": {Dialect: "imgproxy", Prefix: "h", Name: "a.jpg", URL: "/h/a.jpg?w=30&h=20"},
	} {
		w := answerOf(s, "GET", "/_playground/translate?url="+url.QueryEscape("/img/unsigned/rs:fill:30:20/plain/a.jpg")+query, "")
		var got translatedURL
		if err := json.Unmarshal(w.Body.Bytes(), &got); err != nil || got.Size != want.Size || !strings.HasPrefix(got.URL, want.URL) || got.Prefix != want.Prefix || got.Name != want.Name || (got.URL == "") != want.Size {
			t.Errorf("%q: %s, %v; want %+v", query, w.Body, err, want)
		}
	}
}
