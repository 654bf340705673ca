package server

import (
	"encoding/base64"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"s3imageserver/server/config"
)

const (
	oldSecret = "an older secret of 32 bytes ....."
	newSecret = "a newer secret of 32 bytes ......"
)

// signedHandler is a handler with two keys.
func signedHandler(prefix string) HandlerConfig {
	return HandlerConfig{Prefix: prefix, AuthStatus: 403, Cache: CacheConfig{MemoryMB: 4},
		Auth: &AuthConfig{HMAC: &HMACConfig{Keys: []SigningKey{{ID: "new", Secret: newSecret}, {ID: "old", Secret: oldSecret}}}}}
}

// signURL signs as a site would: by hand.
func signURL(secret, handler, name string, pairs ...string) string {
	query := url.Values{}
	for i := 0; i < len(pairs); i += 2 {
		query.Set(pairs[i], pairs[i+1])
	}
	query.Set("sig", Sign([]byte(secret), handler, name, query))
	return (&url.URL{Path: "/" + handler + "/" + name, RawQuery: query.Encode()}).String()
}

// The form is the one that the documentation shows, byte by byte.
func TestCanonicalURL(t *testing.T) {
	query := url.Values{"w": {"300"}, "txt": {"a b,5:é"}, "h": {""}, "sig": {"x"}, "t": {"token"}, "fbclid": {"y"}, "exp": {"4102444800"}}
	got := string(CanonicalURL("shop/images", "a/b c.jpg", query))
	want := "11:shop/images,9:a/b c.jpg,3:exp,10:4102444800,1:h,0:,3:txt,8:a b,5:é,1:w,3:300,"
	if got != want {
		t.Errorf("CanonicalURL = %q; want %q", got, want)
	}
	// RFC 4231 has no vector of our form; this one was made with openssl:
	// printf '1:h,9:photo.jpg,1:h,3:200,1:w,3:300,' | openssl dgst -sha256 -hmac 'a secret of at least 16 bytes' -binary | basenc --base64url
	sig := Sign([]byte("a secret of at least 16 bytes"), "h", "photo.jpg", url.Values{"w": {"300"}, "h": {"200"}})
	if want := "blfop7vLWeuO6i1xugKm9aBgHELLPwp0XuvxBMjSg1k"; sig != want {
		t.Errorf("Sign = %s; want %s", sig, want)
	}
}

func TestSignedURLs(t *testing.T) {
	s := newSite(t, bucket(t), Options{}, signedHandler("h"), signedHandler("other"), HandlerConfig{Prefix: "open"})
	sig := func(pairs ...string) string {
		u, err := url.Parse(signURL(newSecret, "h", "photo.jpg", pairs...))
		if err != nil {
			t.Fatal(err)
		}
		return u.Query().Get("sig")
	}
	plain, wide := sig(), sig("w", "30")
	tests := []struct {
		name, target string
		want         int
	}{
		{"signed", "/h/photo.jpg?w=30&sig=" + wide, 200},
		{"the older key", signURL(oldSecret, "h", "photo.jpg", "w", "30"), 200},
		{"an unknown parameter", "/h/photo.jpg?fbclid=1&w=30&sig=" + wide + "&fbclid=2", 200},
		{"another spelling of the path", "/h/%70hoto%2Ejpg?%77=%330&sig=" + wide, 200},
		{"another order, and semicolons", "/h/photo.jpg?sig=" + wide + ";w=30", 200},
		{"a token that nobody asked for", "/h/photo.jpg?w=30&t=x&sig=" + wide, 200},
		{"a slash in one spelling or the other", strings.Replace(signURL(newSecret, "h", "a/b/photo.jpg"), "a/b/", "a%2fb%2F", 1), 200},
		{"spaces in one spelling or the other", strings.Replace(signURL(newSecret, "h", "photo.jpg", "txt", "a b"), "a+b", "a%20b", 1), 200},
		{"a percent sign as it is", strings.ReplaceAll(signURL(newSecret, "h", "photo.jpg", "crop", "10%,10%,50%,50%"), "%25", "%"), 200},
		{"no signature", "/h/photo.jpg?w=30", 403},
		{"an empty one", "/h/photo.jpg?w=30&sig=", 403},
		{"a parameter more", "/h/photo.jpg?w=30&h=20&sig=" + wide, 403},
		{"an empty parameter more", "/h/photo.jpg?w=30&h=&sig=" + wide, 403},
		{"a parameter less", "/h/photo.jpg?sig=" + wide, 403},
		{"another value", "/h/photo.jpg?w=31&sig=" + wide, 403},
		{"the same number, written otherwise", "/h/photo.jpg?w=30.0&sig=" + wide, 403},
		{"another name", "/h/same.jpg?sig=" + plain, 403},
		{"another handler", "/other/photo.jpg?sig=" + plain, 403},
		{"a known parameter twice", "/h/photo.jpg?w=30&w=30&sig=" + wide, 403},
		{"a known parameter twice, differing", "/h/photo.jpg?w=30&w=300&sig=" + wide, 403},
		{"two signatures", "/h/photo.jpg?w=30&sig=" + wide + "&sig=x", 403},
		{"two tokens", "/h/photo.jpg?w=30&t=a&t=b&sig=" + wide, 403},
		{"with padding", "/h/photo.jpg?w=30&sig=" + wide + "=", 403},
		{"cut", "/h/photo.jpg?w=30&sig=" + wide[:42], 403},
		{"with a line break", "/h/photo.jpg?w=30&sig=" + wide + "%0A", 403},
		{"in the standard alphabet", "/h/photo.jpg?w=30&sig=" + url.QueryEscape(base64.RawStdEncoding.EncodeToString(make([]byte, 32))), 403},
		{"in hexadecimal digits", "/h/photo.jpg?w=30&sig=" + strings.Repeat("0", 64), 403},
		{"info without its own", "/h/photo.jpg?info=1&sig=" + plain, 403},
		{"info with its own", signURL(newSecret, "h", "photo.jpg", "info", "1"), 200},
		{"srcset without its own", "/h/photo.jpg?srcset=10,20&sig=" + plain, 403},
		{"srcset with its own", signURL(newSecret, "h", "photo.jpg", "srcset", "10,20"), 200},
		{"a preset without its own", "/h/photo.jpg?preset=card&sig=" + plain, 403},
		{"a download without its own", "/h/photo.jpg?dl=x&sig=" + plain, 403},
		{"a name that is not valid", "/h/../photo.jpg?sig=" + plain, 400},
		{"no such picture", signURL(newSecret, "h", "missing.jpg"), 404},
		{"the path signed as a whole", strings.TrimPrefix(signURL(newSecret, "", "h/photo.jpg"), "/"), 403},
		{"another secret", signURL("a newer secret of 32 bytes .....", "h", "photo.jpg"), 403},
		{"it has ended", signURL(newSecret, "h", "photo.jpg", "exp", "1577836800"), 403},
		{"it ends later", signURL(newSecret, "h", "photo.jpg", "exp", "4102444800"), 200},
		{"its end was taken off", "/h/photo.jpg?sig=" + sig("exp", "4102444800"), 403},
		{"its end was put off", "/h/photo.jpg?exp=4102444801&sig=" + sig("exp", "4102444800"), 403},
		{"its end is no number", signURL(newSecret, "h", "photo.jpg", "exp", "never"), 403},
		{"its end is empty", signURL(newSecret, "h", "photo.jpg", "exp", ""), 403},
		{"its end is negative", signURL(newSecret, "h", "photo.jpg", "exp", "-1"), 403},
		{"its end is beyond all times", signURL(newSecret, "h", "photo.jpg", "exp", "9223372036854775807"), 403},
		{"a handler for everybody", "/open/photo.jpg?sig=nonsense&exp=1", 200},
	}
	for _, tt := range tests {
		r := s.get(tt.target)
		if r.StatusCode != tt.want {
			t.Errorf("%s: GET %s = %d; want %d", tt.name, tt.target, r.StatusCode, tt.want)
		}
		if cc := r.Header.Get("Cache-Control"); (r.StatusCode >= 400) != (cc == "no-store") {
			t.Errorf("%s: Cache-Control %q of status %d", tt.name, cc, r.StatusCode)
		}
	}
	if got := s.get("/h/photo.jpg?w=30&sig=" + wide).Header.Get("Cache-Control"); !strings.HasPrefix(got, "public, max-age=604800") {
		t.Errorf("Cache-Control of a signed URL = %q; want public", got)
	}
}

// max-age is never more than the time that a URL has left, for pictures just
// made and for kept ones.
func TestSignedURLsEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := signedHandler("h")
		h.Auth.HMAC.RequireExp, h.Auth.HMAC.MaxLifetime = true, 3600
		stale := int64(60)
		h.StaleIfError = &stale
		s := newSite(t, bucket(t), Options{}, h)
		now := time.Now().Unix()
		target := signURL(newSecret, "h", "photo.jpg", "w", "30", "exp", strconv.FormatInt(now+100, 10))
		for _, tt := range []struct {
			wait time.Duration
			want string
		}{{0, "public, max-age=100"}, {40 * time.Second, "public, max-age=60"}, {59 * time.Second, "public, max-age=1"}, {time.Second, "no-store"}} {
			time.Sleep(tt.wait)
			if r := s.get(target); r.Header.Get("Cache-Control") != tt.want || r.Header.Get("Age") != "" {
				t.Errorf("after %v more: %d, Cache-Control %q, Age %q; want %q", tt.wait, r.StatusCode, r.Header.Get("Cache-Control"), r.Header.Get("Age"), tt.want)
			}
		}
		if r := s.get(signURL(newSecret, "h", "photo.jpg")); r.StatusCode != 403 {
			t.Errorf("without exp, which is required: %d; want 403", r.StatusCode)
		}
		if r := s.get(signURL(newSecret, "h", "photo.jpg", "exp", strconv.FormatInt(time.Now().Unix()+3601, 10))); r.StatusCode != 403 {
			t.Errorf("an end beyond max_lifetime: %d; want 403", r.StatusCode)
		}
	})
}

// URLs that the server makes of a signed one are signed too, and end with it.
func TestURLsOfSignedOnes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := signedHandler("h")
		h.RedirectAuto, h.OutputFormat = true, "auto"
		s := newSite(t, bucket(t), Options{}, h)
		exp := strconv.FormatInt(time.Now().Unix()+200, 10)
		r := s.get(signURL(oldSecret, "h", "photo.jpg", "w", "60", "exp", exp), "Accept", "image/webp")
		location := r.Header.Get("Location")
		if r.StatusCode != 302 || !strings.Contains(location, "exp="+exp) || s.get(location).StatusCode != 200 {
			t.Errorf("redirect = %d to %q, which answers %d; want a signed URL", r.StatusCode, location, s.get(location).StatusCode)
		}
		if cc := r.Header.Get("Cache-Control"); cc != "private, max-age=200" {
			t.Errorf("Cache-Control of the redirect = %q; want what is left", cc)
		}
		text := string(body(t, s.get(signURL(newSecret, "h", "photo.jpg", "srcset", "40,80", "as", "json", "exp", exp))))
		links := 0
		for part := range strings.FieldsFuncSeq(text, func(c rune) bool { return strings.ContainsRune(`", `, c) }) {
			if strings.HasPrefix(part, "/h/") {
				links++
				link := strings.ReplaceAll(part, `\u0026`, "&")
				if r := s.get(link); r.StatusCode != 200 || !strings.Contains(link, "exp="+exp) {
					t.Errorf("GET %s = %d; want 200, and the same end", link, r.StatusCode)
				}
			}
		}
		if links != 3 {
			t.Errorf("%d URLs; want 3 in %s", links, text)
		}
		s = newSite(t, bucket(t), Options{Verify: func(token string) bool { return token == "sesame" }}, HandlerConfig{RedirectAuto: true, OutputFormat: "auto"})
		if r := s.get("/h/photo.jpg?t=sesame", "Accept", "image/webp"); r.StatusCode != 200 || r.Header.Get("Location") != "" {
			t.Errorf("a URL with a token: %d to %q; want the picture: no token in a redirect", r.StatusCode, r.Header.Get("Location"))
		}
	})
}

// No change of a signed URL is let in, if it is not another spelling of the
// same.
func TestMutatedURLs(t *testing.T) {
	s := newSite(t, bucket(t), Options{}, signedHandler("h"), signedHandler("other"))
	n := 100_000
	if testing.Short() {
		n = 20_000
	}
	originals := []string{
		signURL(newSecret, "h", "photo.jpg", "w", "300", "h", "200"),
		signURL(oldSecret, "h", "a/b/photo.jpg", "preset", "card,dark", "exp", "4102444800"),
		signURL(newSecret, "h", "with space+plus.jpg", "txt", "Grüße & mehr", "q", "80", "f", "webp"),
		signURL(newSecret, "other", "photo.jpg", "info", "1"),
	}
	m := mutator{rand.New(rand.NewPCG(1, 2))}
	changed, equivalent := 0, 0
	for i := 0; changed < n; i++ {
		original := originals[i%len(originals)]
		target := m.mutate(original)
		if target == original {
			continue
		}
		same, accepted := s.accepts(t, original, target)
		switch {
		case same:
			equivalent++
		case accepted:
			t.Fatalf("accepted: %q, made of %q", target, original)
		default:
			changed++
		}
	}
	if equivalent > n {
		t.Errorf("%d other spellings among %d changes: the changes are too small", equivalent, n)
	}
	t.Logf("%d changed URLs refused, beside %d other spellings", changed, equivalent)
}

// accepts reports whether target asks for the same as original, and whether it
// is let in.
func (s *site) accepts(t *testing.T, original, target string) (same, accepted bool) {
	t.Helper()
	read := func(target string) (text string, accepted bool) {
		u, err := url.ParseRequestURI(target)
		if err != nil {
			return "", false // no server gets it
		}
		r := &http.Request{Method: http.MethodGet, URL: u, Header: http.Header{}, RequestURI: target}
		u.RawQuery = strings.ReplaceAll(u.RawQuery, ";", "&") // as the server takes it
		h := s.server.handlerOf(r)
		if h == nil {
			return "", false
		}
		req, err := h.parse(r)
		if err != nil {
			return "", false
		}
		_, err = h.authorizer.Authorize(r, &req)
		text = string(CanonicalURL(h.config.Prefix, req.name, req.query)) + " " + req.query.Get(config.SignatureParam)
		return text, err == nil
	}
	want, ok := read(original)
	if !ok {
		t.Fatalf("the original %q is refused", original)
	}
	got, accepted := read(target)
	if repeatedIn(target) { // that is no spelling of anything
		got = ""
	}
	return got == want, accepted
}

func repeatedIn(target string) bool {
	u, err := url.Parse(strings.ReplaceAll(target, ";", "&"))
	return err == nil && config.Repeated(u.Query()) != ""
}

// A mutator changes URLs.
type mutator struct{ *rand.Rand }

func (m mutator) mutate(target string) string {
	path, query, _ := strings.Cut(target, "?")
	pairs := strings.Split(query, "&")
	i := m.IntN(len(pairs))
	names := Params()
	other := names[m.IntN(len(names))].Name + "=" + []string{"", "1", "300", "true", "card", "a,b", "fp:0.1:0.2"}[m.IntN(7)]
	switch m.IntN(12) {
	case 0, 1, 2: // one bit
		b := []byte(target)
		b[m.IntN(len(b))] ^= 1 << m.IntN(8)
		return string(b)
	case 3: // one byte less
		at := m.IntN(len(target))
		return target[:at] + target[at+1:]
	case 4: // one byte more
		at := m.IntN(len(target) + 1)
		return target[:at] + string(rune(1+m.IntN(126))) + target[at:]
	case 5: // a parameter less
		pairs = append(pairs[:i:i], pairs[i+1:]...)
	case 6: // a parameter more
		pairs = append(pairs[:i:i], append([]string{other}, pairs[i:]...)...)
	case 7: // another parameter
		pairs[i] = other
	case 8: // one twice
		pairs = append(pairs, pairs[i])
	case 9: // two values changed places
		j := m.IntN(len(pairs))
		a, va, _ := strings.Cut(pairs[i], "=")
		b, vb, _ := strings.Cut(pairs[j], "=")
		pairs[i], pairs[j] = a+"="+vb, b+"="+va
	case 10: // a border between parts moved
		path = strings.Replace(path, "/", []string{"//", "", "/h/", "%2F", "/./", "/x/../"}[m.IntN(6)], 1+m.IntN(2))
	case 11: // another handler or name
		path = []string{"/h/photo.jpg", "/other/photo.jpg", "/h/same.jpg", "/other/a/b/photo.jpg", "/h/PHOTO.jpg", path + "/", path + "%00"}[m.IntN(7)]
	}
	return path + "?" + strings.Join(pairs, "&")
}

// FuzzSignedURL: nothing is let in that was not signed.
func FuzzSignedURL(f *testing.F) {
	original := signURL(newSecret, "h", "photo.jpg", "w", "300", "exp", "4102444800")
	for _, target := range []string{original, original + "&w=300", original + "&fbclid=1", "/h/photo.jpg?sig=", strings.Replace(original, "&", ";", 1), "/h/a%2fb.jpg?%73ig=x"} {
		f.Add(target)
	}
	h := signedHandler("h")
	h.Bucket = bucket(f)
	server, err := New(&Config{Handlers: []HandlerConfig{h}}, Options{})
	if err != nil {
		f.Fatal(err)
	}
	closeAtEnd(f, server)
	s := &site{server: server}
	f.Fuzz(func(t *testing.T, target string) {
		if same, accepted := s.accepts(t, original, target); accepted && !same {
			t.Errorf("accepted: %q", target)
		}
	})
}

// FuzzCanonicalURL: different requests have different forms.
func FuzzCanonicalURL(f *testing.F) {
	f.Add("h", "a.jpg", "1", "h", "a.jpg", "2")
	f.Add("h", "a,1:w,1:1", "", "h", "a", "1")
	f.Add("a", "b/c", "", "a/b", "c", "")
	f.Fuzz(func(t *testing.T, h1, n1, w1, h2, n2, w2 string) {
		a := string(CanonicalURL(h1, n1, url.Values{"w": {w1}}))
		b := string(CanonicalURL(h2, n2, url.Values{"w": {w2}}))
		if same := h1 == h2 && n1 == n2 && w1 == w2; (a == b) != same {
			t.Errorf("%q of %q %q %q, %q of %q %q %q", a, h1, n1, w1, b, h2, n2, w2)
		}
	})
}

// Faults of the configuration name their keys.
func TestAuthConfigFaults(t *testing.T) {
	key := func(id, secret string) *AuthConfig {
		return &AuthConfig{HMAC: &HMACConfig{Keys: []SigningKey{{ID: id, Secret: Secret(secret)}}}}
	}
	tests := []struct {
		server, handler *AuthConfig
		want            string
	}{
		{nil, key("a", "fifteen bytes ."), "handlers.0.auth.hmac.keys.0.secret: is shorter"},
		{key("a", ""), nil, "auth.hmac.keys.0.secret: is shorter"},
		{nil, key("", newSecret), "handlers.0.auth.hmac.keys.0.id: is missing"},
		{nil, &AuthConfig{HMAC: &HMACConfig{Keys: []SigningKey{{ID: "a", Secret: newSecret}, {ID: "a", Secret: oldSecret}}}}, "keys.1.id: \"a\" is the id of another"},
		{nil, &AuthConfig{HMAC: &HMACConfig{}}, "handlers.0.auth.hmac.keys: there is none"},
		{nil, &AuthConfig{}, "handlers.0.auth: names no scheme"},
		{key("a", newSecret), &AuthConfig{}, "handlers.0.auth: names no scheme"},
		{nil, &AuthConfig{Open: true, HMAC: key("a", newSecret).HMAC}, "handlers.0.auth.open: accepts all requests"},
		{nil, &AuthConfig{Require: "both", HMAC: key("a", newSecret).HMAC}, "handlers.0.auth.require"},
	}
	for _, tt := range tests {
		c := Config{Auth: tt.server, Handlers: []HandlerConfig{{Prefix: "h", Bucket: bucket(t), Auth: tt.handler}}}
		if err := c.Validate(); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("Validate = %v; want %q", err, tt.want)
		}
	}
	c := Config{AuthStatus: 500, Handlers: []HandlerConfig{{Prefix: "h", Bucket: bucket(t)}}}
	if err := c.Validate(); err == nil || !strings.Contains(err.Error(), "auth_status: is none of") {
		t.Errorf("Validate = %v; want a fault of auth_status", err)
	}
}

// A handler has the server's verification unless it has one of its own, or says
// that it is open.
func TestAuthForAll(t *testing.T) {
	b := bucket(t)
	config := &Config{Auth: signedHandler("").Auth, AuthStatus: 401, Handlers: []HandlerConfig{
		{Prefix: "h", Bucket: b}, {Prefix: "own", Bucket: b, AuthStatus: 404, Auth: &AuthConfig{HMAC: &HMACConfig{Keys: []SigningKey{{ID: "own", Secret: "a secret of this handler alone"}}}}},
		{Prefix: "open", Bucket: b, Auth: &AuthConfig{Open: true}}}}
	server, err := New(config, Options{})
	if err != nil {
		t.Fatal(err)
	}
	closeAtEnd(t, server)
	s := &site{t: t, server: server}
	for target, want := range map[string]int{
		"/h/photo.jpg": 401, "/own/photo.jpg": 404, "/open/photo.jpg": 200,
		signURL(newSecret, "h", "photo.jpg"): 200, signURL(newSecret, "own", "photo.jpg"): 404, signURL("a secret of this handler alone", "own", "photo.jpg"): 200,
	} {
		r := s.get(target)
		if r.StatusCode != want || (want == 401) != (r.Header.Get("WWW-Authenticate") != "") {
			t.Errorf("GET %s = %d, WWW-Authenticate %q; want %d", target, r.StatusCode, r.Header.Get("WWW-Authenticate"), want)
		}
	}
}

func BenchmarkSignedHit(b *testing.B) {
	h := signedHandler("h")
	h.Bucket = bucket(b)
	s, err := New(&Config{Handlers: []HandlerConfig{h}}, Options{})
	if err != nil {
		b.Fatal(err)
	}
	closeAtEnd(b, s)
	r := httptest.NewRequest("GET", signURL(newSecret, "h", "photo.jpg", "w", "90", "h", "60"), nil)
	w := httptest.NewRecorder()
	if s.ServeHTTP(w, r); w.Code != 200 {
		b.Fatal(fmt.Sprint("status ", w.Code))
	}
	d := &discard{http.Header{}}
	b.ReportAllocs()
	for b.Loop() {
		clear(d.header)
		s.ServeHTTP(d, r)
	}
}
