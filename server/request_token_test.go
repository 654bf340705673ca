package server

import (
	"crypto/ed25519"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"image"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"s3imageserver/server/access/accesstest"
)

func tokenHandler(prefix string, j JWTConfig) HandlerConfig {
	return HandlerConfig{Prefix: prefix, AuthStatus: 403, Auth: &AuthConfig{JWT: &j}, Cache: CacheConfig{MemoryMB: 4}}
}

// Attacks on tokens: none is let in. Beside each kind of key stands the token
// that is.
func TestTokenAttacks(t *testing.T) {
	k := accesstest.Keys()
	rsaPEM := accesstest.PublicPEM(t, &k.RSA.PublicKey)
	rsaDER, _ := pem.Decode([]byte(rsaPEM))
	hs := JWTConfig{Key: accesstest.Secret, Issuer: "shop", Audience: "pictures", MaxLifetime: 86400}
	rs := hs
	rs.Key = Secret(rsaPEM)
	es, ed := hs, hs
	es.Key, ed.Key = Secret(accesstest.PublicPEM(t, &k.P256.PublicKey)), Secret(accesstest.PublicPEM(t, k.Ed.Public()))
	set := hs
	set.Key = Secret(accesstest.JWKS(t, map[string]any{"one": &k.RSA.PublicKey, "two": &k.P256.PublicKey}))
	s := newSite(t, bucket(t), Options{}, tokenHandler("hs", hs), tokenHandler("rs", rs), tokenHandler("es", es), tokenHandler("ed", ed), tokenHandler("set", set))

	for prefix, token := range map[string]string{
		"hs":  accesstest.Mint(t, jwt.SigningMethodHS256, []byte(accesstest.Secret), accesstest.Claims(), nil),
		"rs":  accesstest.Mint(t, jwt.SigningMethodRS256, k.RSA, accesstest.Claims("aud", []string{"others", "pictures"}), nil),
		"es":  accesstest.Mint(t, jwt.SigningMethodES256, k.P256, accesstest.Claims("nbf", time.Now().Unix()), nil),
		"ed":  accesstest.Mint(t, jwt.SigningMethodEdDSA, k.Ed, accesstest.Claims("iat", time.Now().Unix()), map[string]any{"kid": "whatever"}),
		"set": accesstest.Mint(t, jwt.SigningMethodES256, k.P256, accesstest.Claims(), map[string]any{"kid": "two"}),
	} {
		if r := s.get("/" + prefix + "/photo.jpg?t=" + token); r.StatusCode != 200 {
			t.Fatalf("a good token of %s is answered %d", prefix, r.StatusCode)
		}
	}
	if r := s.get("/set/photo.jpg?t=" + accesstest.Mint(t, jwt.SigningMethodPS256, k.RSA, accesstest.Claims(), nil)); r.StatusCode != 200 {
		t.Errorf("a token that names no key of the set: %d; want 200", r.StatusCode)
	}

	hour := time.Now().Add(time.Hour).Unix()
	plain := fmt.Sprintf(`{"iss":"shop","aud":"pictures","exp":%d}`, hour)
	e := base64.RawURLEncoding.EncodeToString
	valid := accesstest.Mint(t, jwt.SigningMethodHS256, []byte(accesstest.Secret), accesstest.Claims(), nil)
	parts := strings.Split(valid, ".")
	hsToken := func(pairs ...any) string {
		return accesstest.Mint(t, jwt.SigningMethodHS256, []byte(accesstest.Secret), accesstest.Claims(pairs...), nil)
	}
	attacks := []struct{ name, prefix, token string }{
		{"no token", "hs", ""},
		{"none", "hs", e([]byte(`{"alg":"none"}`)) + "." + e([]byte(plain)) + "."},
		{"None, with the signature of another", "hs", e([]byte(`{"alg":"None"}`)) + "." + parts[1] + "." + parts[2]},
		{"nOnE", "rs", e([]byte(`{"alg":"nOnE"}`)) + "." + e([]byte(plain)) + "."},
		{"none, signed as such", "rs", accesstest.Mint(t, jwt.SigningMethodNone, jwt.UnsafeAllowNoneSignatureType, accesstest.Claims(), nil)},
		{"no algorithm", "hs", accesstest.Raw(accesstest.Secret, `{"typ":"JWT"}`, plain)},
		{"an algorithm that is a number", "hs", accesstest.Raw(accesstest.Secret, `{"alg":256}`, plain)},
		{"an algorithm that is a list", "hs", accesstest.Raw(accesstest.Secret, `{"alg":["HS256"]}`, plain)},
		{"the public key as the secret, PEM", "rs", accesstest.Mint(t, jwt.SigningMethodHS256, []byte(rsaPEM), accesstest.Claims(), nil)},
		{"the public key as the secret, PEM without its last line end", "rs", accesstest.Mint(t, jwt.SigningMethodHS256, []byte(strings.TrimSpace(rsaPEM)), accesstest.Claims(), nil)},
		{"the public key as the secret, DER", "rs", accesstest.Mint(t, jwt.SigningMethodHS256, rsaDER.Bytes, accesstest.Claims(), nil)},
		{"the modulus as the secret", "rs", accesstest.Mint(t, jwt.SigningMethodHS384, k.RSA.N.Bytes(), accesstest.Claims(), nil)},
		{"the public key of the curve as the secret", "es", accesstest.Mint(t, jwt.SigningMethodHS256, []byte(accesstest.PublicPEM(t, &k.P256.PublicKey)), accesstest.Claims(), nil)},
		{"the public Ed25519 key as the secret", "ed", accesstest.Mint(t, jwt.SigningMethodHS512, []byte(k.Ed.Public().(ed25519.PublicKey)), accesstest.Claims(), nil)},
		{"RSA for a secret", "hs", accesstest.Mint(t, jwt.SigningMethodRS256, k.RSA, accesstest.Claims(), nil)},
		{"another RSA key", "rs", accesstest.Mint(t, jwt.SigningMethodRS256, k.Small, accesstest.Claims(), nil)},
		{"a larger curve", "es", accesstest.Mint(t, jwt.SigningMethodES384, k.P384, accesstest.Claims(), nil)},
		{"an RSA token for a curve", "es", accesstest.Mint(t, jwt.SigningMethodRS256, k.RSA, accesstest.Claims(), nil)},
		{"ECDSA with a zero signature", "es", e([]byte(`{"alg":"ES256"}`)) + "." + e([]byte(plain)) + "." + e(make([]byte, 64))},
		{"an empty signature", "hs", parts[0] + "." + parts[1] + "."},
		{"a cut signature", "hs", valid[:len(valid)-2]},
		{"a padded signature", "hs", valid + "="},
		{"another bit at the end of the signature", "hs", flipLast(valid)},
		{"claims of another token", "hs", parts[0] + "." + e([]byte(plain)) + "." + parts[2]},
		{"the empty secret", "hs", accesstest.Raw("", `{"alg":"HS256"}`, plain)},
		{"another secret", "hs", accesstest.Raw(accesstest.Secret+"x", `{"alg":"HS256"}`, plain)},
		{"it has ended", "hs", hsToken("exp", time.Now().Add(-2*time.Minute).Unix())},
		{"no end", "hs", hsToken("exp", nil)},
		{"an end at 0", "hs", hsToken("exp", 0)},
		{"a negative end", "hs", hsToken("exp", -hour)},
		{"an end that is text", "hs", hsToken("exp", "tomorrow")},
		{"an end in the far future", "hs", hsToken("exp", hour+100*365*86400)},
		{"an end beyond all numbers", "hs", accesstest.Raw(accesstest.Secret, `{"alg":"HS256"}`, `{"iss":"shop","aud":"pictures","exp":1e300}`)},
		{"it lasts longer than allowed", "hs", hsToken("iat", time.Now().Add(-2*24*time.Hour).Unix())},
		{"not valid yet", "hs", hsToken("nbf", time.Now().Add(10*time.Minute).Unix())},
		{"issued in the future", "hs", hsToken("iat", time.Now().Add(10*time.Minute).Unix())},
		{"another audience", "hs", hsToken("aud", "letters")},
		{"no audience", "hs", hsToken("aud", nil)},
		{"an empty audience", "hs", hsToken("aud", []string{})},
		{"audience of an object", "hs", hsToken("aud", map[string]any{"pictures": true})},
		{"another issuer", "hs", hsToken("iss", "SHOP")},
		{"no issuer", "hs", hsToken("iss", nil)},
		{"a giant", "hs", hsToken("fill", strings.Repeat("x", 9000))},
		{"thousands of dots", "hs", strings.Repeat(".", 5000)},
		{"a valid token and many dots", "hs", valid + strings.Repeat(".", 1000)},
		{"two parts", "hs", parts[0] + "." + parts[1]},
		{"five parts, as encrypted tokens have", "hs", e([]byte(`{"alg":"dir","enc":"A256GCM"}`)) + "..a.b.c"},
		{"a token in a token", "hs", accesstest.Raw(accesstest.Secret, `{"alg":"HS256","cty":"JWT"}`, `"`+valid+`"`)},
		{"claims that are null", "hs", accesstest.Raw(accesstest.Secret, `{"alg":"HS256"}`, `null`)},
		{"claims that are a list", "hs", accesstest.Raw(accesstest.Secret, `{"alg":"HS256"}`, `[]`)},
		{"a header that is null", "hs", accesstest.Raw(accesstest.Secret, `null`, plain)},
		{"critical extensions", "hs", accesstest.Raw(accesstest.Secret, `{"alg":"HS256","crit":["b64"],"b64":false}`, plain)},
		{"a key id that is a path", "set", accesstest.Mint(t, jwt.SigningMethodHS256, []byte(""), accesstest.Claims(), map[string]any{"kid": "../../../dev/null"})},
		{"a key id that is SQL", "set", accesstest.Mint(t, jwt.SigningMethodHS256, []byte("x"), accesstest.Claims(), map[string]any{"kid": "x' UNION SELECT 'x"})},
		{"a key id that is a number", "set", accesstest.Mint(t, jwt.SigningMethodRS256, k.RSA, accesstest.Claims(), map[string]any{"kid": 1})},
		{"a key id that is null", "set", accesstest.Mint(t, jwt.SigningMethodRS256, k.RSA, accesstest.Claims(), map[string]any{"kid": nil})},
		{"the id of another key", "set", accesstest.Mint(t, jwt.SigningMethodRS256, k.RSA, accesstest.Claims(), map[string]any{"kid": "two"})},
		{"an id that is not there", "set", accesstest.Mint(t, jwt.SigningMethodRS256, k.RSA, accesstest.Claims(), map[string]any{"kid": "three"})},
		{"the set as the secret", "set", accesstest.Mint(t, jwt.SigningMethodHS256, []byte(set.Key), accesstest.Claims(), map[string]any{"kid": "one"})},
		{"a key that it brings along", "set", accesstest.Mint(t, jwt.SigningMethodRS256, k.Small, accesstest.Claims(), map[string]any{"kid": "one", "jwk": json.RawMessage(accesstest.JWKS(t, map[string]any{"one": &k.Small.PublicKey}))})},
		{"a place where its key is", "set", accesstest.Mint(t, jwt.SigningMethodRS256, k.Small, accesstest.Claims(), map[string]any{"jku": "https://evil.example/keys", "x5u": "https://evil.example/x"})},
		{"a claim img of another kind", "hs", hsToken("img", "all")},
		{"a claim img with something unknown", "hs", hsToken("img", map[string]any{"folder": "a"})},
		{"a claim img for another folder", "hs", hsToken("img", map[string]any{"prefix": "a"})},
		{"a claim img for no folder", "hs", hsToken("img", map[string]any{"prefix": []string{}})},
	}
	for _, a := range attacks {
		want := 403
		if len(a.token) > maxURLBytes-100 {
			want = 414
		}
		if r := s.get("/" + a.prefix + "/photo.jpg?t=" + a.token); r.StatusCode != want || want == 403 && r.Header.Get("Cache-Control") != "no-store" {
			t.Errorf("%s: %d, %s; want %d", a.name, r.StatusCode, r.Header.Get("Cache-Control"), want)
		}
		if a.token != "" {
			r := s.get("/"+a.prefix+"/photo.jpg", "Authorization", "Bearer "+a.token)
			if r.StatusCode != 403 {
				t.Errorf("%s, as a bearer: %d; want 403", a.name, r.StatusCode)
			}
		}
	}
	if len(attacks) < 40 {
		t.Errorf("%d attacks; want 40 at least", len(attacks))
	}
	t.Logf("%d attacks refused", len(attacks))
}

// flipLast changes the last bits of a token's signature that are not of its
// bytes: some readers take it for the same.
func flipLast(token string) string {
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	last := strings.IndexByte(alphabet, token[len(token)-1])
	return token[:len(token)-1] + string(alphabet[last^1])
}

// Tokens come in the URL, as a bearer or in a cookie; answers are for that
// client alone, and no longer than the token.
func TestTokens(t *testing.T) {
	synctest.Test(t, func(t *testing.T) { // so that no time passes
		j := JWTConfig{Key: accesstest.Secret, Cookie: "session"}
		h := tokenHandler("h", j)
		h.RedirectAuto, h.OutputFormat = true, "auto"
		s := newSite(t, bucket(t), Options{}, h)
		token := accesstest.Mint(t, jwt.SigningMethodHS256, []byte(accesstest.Secret), accesstest.Claims("exp", time.Now().Add(100*time.Second).Unix()), nil)
		for _, tt := range []struct {
			target        string
			header        []string
			status        int
			vary, kept    string
			locationHolds string
		}{
			{"/h/photo.jpg?w=30&t=" + token, nil, 200, "Accept", "private, max-age=100", ""},
			{"/h/photo.jpg?w=30&f=jpg", []string{"Authorization", "bearer " + token}, 200, "Authorization", "private, max-age=100", ""},
			{"/h/photo.jpg?w=30&f=jpg", []string{"Cookie", "a=b; session=" + token}, 200, "Cookie", "private, max-age=100", ""},
			{"/h/photo.jpg?w=30", []string{"Authorization", "Bearer " + token}, 302, "Accept, Authorization", "private, max-age=100", "f=auto-jpeg"},
			{"/h/photo.jpg?w=30", []string{"Authorization", "Basic " + token}, 403, "", "no-store", ""},
			{"/h/photo.jpg?w=30", []string{"Cookie", "other=" + token}, 403, "", "no-store", ""},
			{"/h/photo.jpg?t=x", []string{"Authorization", "Bearer " + token}, 403, "", "no-store", ""},
			{"/h/photo.jpg?w=30&t=" + token + "&t=x", nil, 200, "Accept", "private, max-age=100", ""},
		} {
			r := s.get(tt.target, tt.header...)
			kept := r.Header.Get("Cache-Control")
			if r.StatusCode != tt.status || kept != tt.kept || tt.status != 403 && strings.Join(r.Header.Values("Vary"), ", ") != tt.vary {
				t.Errorf("GET %.30s %.20q = %d, Cache-Control %q, Vary %q; want %d, %q, %q", tt.target, tt.header, r.StatusCode, kept, r.Header.Values("Vary"), tt.status, tt.kept, tt.vary)
			}
			if l := r.Header.Get("Location"); !strings.Contains(l, tt.locationHolds) || strings.Contains(l, token) {
				t.Errorf("GET %.30s: Location %q; want %s, and no token", tt.target, l, tt.locationHolds)
			}
		}
		if r := s.get("/h/photo.jpg?w=30&f=jpg&t=" + token); !strings.Contains(r.Header.Get("Cache-Status"), "hit") {
			t.Errorf("another way to show the token: %s; want a hit", r.Header.Get("Cache-Status"))
		}
	})
}

// require_exp, leeway and max_lifetime are obeyed.
func TestTokenTimes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		off, none := false, 0
		s := newSite(t, bucket(t), Options{}, tokenHandler("h", JWTConfig{Key: accesstest.Secret}), tokenHandler("ever", JWTConfig{Key: accesstest.Secret, RequireExp: &off, Leeway: &none}))
		now := time.Now()
		for _, tt := range []struct {
			name, prefix string
			claims       jwt.MapClaims
			want         int
		}{
			{"ended within the leeway", "h", accesstest.Claims("exp", now.Add(-30*time.Second).Unix()), 200},
			{"ended before", "h", accesstest.Claims("exp", now.Add(-90*time.Second).Unix()), 403},
			{"begins within the leeway", "h", accesstest.Claims("nbf", now.Add(30*time.Second).Unix()), 200},
			{"no leeway", "ever", accesstest.Claims("exp", now.Add(-2*time.Second).Unix()), 403},
			{"no end", "ever", accesstest.Claims("exp", nil), 200},
			{"an end at 0 is none", "ever", accesstest.Claims("exp", 0), 200},
			{"an end that is over, all the same", "ever", accesstest.Claims("exp", 1), 403},
		} {
			if r := s.get("/" + tt.prefix + "/photo.jpg?t=" + accesstest.Mint(t, jwt.SigningMethodHS256, []byte(accesstest.Secret), tt.claims, nil)); r.StatusCode != tt.want {
				t.Errorf("%s: %d; want %d", tt.name, r.StatusCode, tt.want)
			}
		}
	})
}

// hmac and jwt: either suffices, unless all are required; the program's function
// always has to agree.
func TestRequire(t *testing.T) {
	both := &AuthConfig{JWT: &JWTConfig{Key: accesstest.Secret}, HMAC: &HMACConfig{Keys: []SigningKey{{ID: "a", Secret: newSecret}}}}
	all := *both
	all.Require = "all"
	verify := func(token string) bool { return !strings.HasPrefix(token, "bad") }
	s := newSite(t, bucket(t), Options{Verify: verify}, HandlerConfig{Prefix: "any", Auth: both, AuthStatus: 401}, HandlerConfig{Prefix: "all", Auth: &all, AuthStatus: 401})
	token := accesstest.Mint(t, jwt.SigningMethodHS256, []byte(accesstest.Secret), accesstest.Claims(), nil)
	for _, tt := range []struct {
		prefix           string
		sign, show, deny bool
		want             int
	}{
		{"any", true, true, false, 200}, {"any", true, false, false, 200}, {"any", false, true, false, 200}, {"any", false, false, false, 401}, {"any", true, true, true, 401},
		{"all", true, true, false, 200}, {"all", true, false, false, 401}, {"all", false, true, false, 401}, {"all", false, false, false, 401}, {"all", true, true, true, 401},
	} {
		target := "/" + tt.prefix + "/photo.jpg?w=20"
		if tt.sign {
			target = signURL(newSecret, tt.prefix, "photo.jpg", "w", "20")
		}
		var header []string
		if tt.show {
			header = []string{"Authorization", "Bearer " + token}
		}
		if tt.deny {
			target += "&t=bad"
		}
		if r := s.get(target, header...); r.StatusCode != tt.want || (r.StatusCode == 401) != (r.Header.Get("WWW-Authenticate") == "Bearer") {
			t.Errorf("%+v: %d, WWW-Authenticate %q", tt, r.StatusCode, r.Header.Get("WWW-Authenticate"))
		}
	}
}

// The claim img narrows what a token opens.
func TestPolicy(t *testing.T) {
	h := tokenHandler("h", JWTConfig{Key: accesstest.Secret})
	h.OutputFormat = "png"
	h.Presets = map[string]string{"card": "w=60&h=40", "dark": "bri=-50"}
	h.Watermarks = map[string]WatermarkConfig{"logo": {Object: "same.png"}}
	s := newSite(t, bucket(t), Options{}, h)
	size := func(w, h int) image.Point { return image.Pt(w, h) }
	for _, tt := range []struct {
		img    map[string]any
		target string
		want   image.Point // zero: refused
	}{
		{map[string]any{}, "/h/photo.jpg?w=100", size(100, 75)},
		{map[string]any{"prefix": "a"}, "/h/a/b/photo.jpg?w=100", size(100, 75)},
		{map[string]any{"prefix": "a/"}, "/h/a/b/photo.jpg?w=100", size(100, 75)},
		{map[string]any{"prefix": []string{"x", "a/b/photo.jpg"}}, "/h/a%2Fb/photo.jpg?w=100", size(100, 75)},
		{map[string]any{"prefix": "a/b/ph"}, "/h/a/b/photo.jpg", image.Point{}},
		{map[string]any{"prefix": "b"}, "/h/a/b/photo.jpg", image.Point{}},
		{map[string]any{"prefix": "a"}, "/h/photo.jpg", image.Point{}},
		{map[string]any{"prefix": ""}, "/h/photo.jpg?w=100", size(100, 75)},
		{map[string]any{"presets": []string{"card", "dark"}}, "/h/photo.jpg?preset=card", size(60, 40)},
		{map[string]any{"presets": "card"}, "/h/photo.jpg?preset=card&f=jpg&fbclid=1", size(60, 40)},
		{map[string]any{"presets": "card"}, "/h/photo.jpg?preset=card,dark", image.Point{}},
		{map[string]any{"presets": "card"}, "/h/photo.jpg?preset=card&w=300", image.Point{}},
		{map[string]any{"presets": "card"}, "/h/photo.jpg", image.Point{}},
		{map[string]any{"presets": "card"}, "/h/photo.jpg?srcset=100", image.Point{}},
		{map[string]any{"presets": []string{}}, "/h/photo.jpg?preset=card", image.Point{}},
		{map[string]any{"max_w": 100}, "/h/photo.jpg", size(100, 75)},
		{map[string]any{"max_w": 100}, "/h/photo.jpg?w=400&h=400", size(100, 100)},
		{map[string]any{"max_w": 100, "max_h": 50}, "/h/photo.jpg?w=200&h=200", size(50, 50)},
		{map[string]any{"max_h": 30}, "/h/photo.jpg?w=200", size(40, 30)},
		{map[string]any{"max_w": 100}, "/h/photo.jpg?zoom=3", size(100, 75)},
		{map[string]any{"max_w": 100}, "/h/photo.jpg?w=80&padding=500", size(80, 60)},
		{map[string]any{"max_w": 100}, "/h/photo.jpg?w=20&dpr=8", size(100, 75)},
		{map[string]any{"max_w": -1}, "/h/photo.jpg", image.Point{}},
		{map[string]any{"wm": "logo"}, "/h/photo.jpg?w=100", size(100, 75)},
		{map[string]any{"wm": "none"}, "/h/photo.jpg?w=100", image.Point{}},
	} {
		token := accesstest.Mint(t, jwt.SigningMethodHS256, []byte(accesstest.Secret), accesstest.Claims("img", tt.img), nil)
		r := s.get(tt.target, "Authorization", "Bearer "+token)
		if tt.want == (image.Point{}) {
			if r.StatusCode != 403 {
				t.Errorf("%v: GET %s = %d; want 403", tt.img, tt.target, r.StatusCode)
			}
			continue
		}
		if r.StatusCode != 200 {
			t.Errorf("%v: GET %s = %d; want 200", tt.img, tt.target, r.StatusCode)
			continue
		}
		if m, _ := picture(t, r); m.Bounds().Size() != tt.want {
			t.Errorf("%v: GET %s is %v; want %v", tt.img, tt.target, m.Bounds().Size(), tt.want)
		}
	}
	// The watermark is there, in its strength, whatever the URL says.
	pixels := func(target string, img map[string]any) string {
		token := accesstest.Mint(t, jwt.SigningMethodHS256, []byte(accesstest.Secret), accesstest.Claims("img", img), nil)
		return string(body(t, s.get(target, "Authorization", "Bearer "+token)))
	}
	marked := pixels("/h/photo.jpg?w=100&wm=logo", nil)
	for _, query := range []string{"w=100", "w=100&wm=", "w=100&wm=logo&wmo=1&wms=1", "w=100&wm=none"} {
		if pixels("/h/photo.jpg?"+query, map[string]any{"wm": "logo"}) != marked {
			t.Errorf("%s: the watermark of the token is not as it should be", query)
		}
	}
	if pixels("/h/photo.jpg?w=100", nil) == marked {
		t.Error("the watermark of one token is in the picture of another")
	}
}

// Keys are fetched from the host that the configuration names, and no other.
func TestKeySetOfAnotherHost(t *testing.T) {
	k := accesstest.Keys()
	var reached atomic.Int64
	elsewhere := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		reached.Add(1)
		fmt.Fprint(w, accesstest.JWKS(t, map[string]any{"one": &k.RSA.PublicKey}))
	}))
	defer elsewhere.Close()
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/moved":
			http.Redirect(w, r, "/keys", http.StatusFound)
		case "/keys":
			fmt.Fprint(w, accesstest.JWKS(t, map[string]any{"one": &k.RSA.PublicKey}))
		default:
			http.Redirect(w, r, elsewhere.URL+"/keys", http.StatusFound)
		}
	}))
	defer web.Close()
	token := accesstest.Mint(t, jwt.SigningMethodRS256, k.RSA, accesstest.Claims(), map[string]any{"kid": "one"})
	for path, want := range map[string]int{"/moved": 200, "/elsewhere": 503} {
		s := newSite(t, bucket(t), Options{}, tokenHandler("h", JWTConfig{JWKSURL: web.URL + path}))
		r := s.get("/h/photo.jpg?w=20&t=" + token)
		if r.StatusCode != want {
			t.Errorf("keys at %s: %d; want %d", path, r.StatusCode, want)
		}
		if want == 503 && (r.Header.Get("Retry-After") == "" || r.Header.Get("Cache-Control") != "no-store") {
			t.Errorf("no keys at all: %v; want Retry-After and no-store", r.Header)
		}
		if want == 503 && !strings.Contains(s.log.String(), "another host") {
			t.Errorf("the log does not say why: %s", s.log)
		}
	}
	if reached.Load() > 0 {
		t.Error("another host was asked for keys")
	}
}

// Many tokens at once fetch a set once.
func TestKeySetIsFetchedOnce(t *testing.T) {
	k := accesstest.Keys()
	set := accesstest.JWKS(t, map[string]any{"old": &k.RSA.PublicKey})
	var asked atomic.Int64
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		asked.Add(1)
		fmt.Fprint(w, set)
	}))
	defer web.Close()
	s := newSite(t, bucket(t), Options{}, tokenHandler("h", JWTConfig{JWKSURL: web.URL}))
	token := accesstest.Mint(t, jwt.SigningMethodRS256, k.RSA, accesstest.Claims(), map[string]any{"kid": "old"})
	var wg sync.WaitGroup
	for range 50 {
		wg.Go(func() {
			if r := s.get("/h/photo.jpg?w=20&t=" + token); r.StatusCode != 200 {
				t.Errorf("status %d; want 200", r.StatusCode)
			}
		})
	}
	wg.Wait()
	if n := asked.Load(); n != 1 {
		t.Errorf("%d fetches; want 1", n)
	}
}

// What a token opens ends with it, for a kept picture too.
func TestTokenEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		none := 0
		s := newSite(t, bucket(t), Options{}, tokenHandler("h", JWTConfig{Key: accesstest.Secret, Leeway: &none}))
		target := "/h/photo.jpg?w=20&t=" + accesstest.Mint(t, jwt.SigningMethodHS256, []byte(accesstest.Secret), accesstest.Claims("exp", time.Now().Add(10*time.Second).Unix()), nil)
		for _, want := range []int{200, 200, 403} {
			if r := s.get(target); r.StatusCode != want {
				t.Errorf("status %d; want %d", r.StatusCode, want)
			}
			time.Sleep(5 * time.Second)
		}
	})
}

func TestJWTConfigFaults(t *testing.T) {
	leeway := 61
	for _, tt := range []struct {
		jwt  JWTConfig
		want string
	}{
		{JWTConfig{}, "auth.jwt: needs one of"},
		{JWTConfig{Key: "a secret of some bytes", KeyFile: "x"}, "auth.jwt: open x"},
		{JWTConfig{KeyFile: "missing.key"}, "auth.jwt: open missing.key"},
		{JWTConfig{Key: "short"}, "auth.jwt: the secret is shorter"},
		{JWTConfig{JWKSURL: "http://example.com/keys"}, "auth.jwt.jwks_url"},
		{JWTConfig{JWKSURL: "file:///etc/keys"}, "auth.jwt.jwks_url"},
		{JWTConfig{Key: accesstest.Secret, Leeway: &leeway}, "auth.jwt.leeway"},
		{JWTConfig{Key: accesstest.Secret, MaxLifetime: -1}, "auth.jwt.max_lifetime"},
		{JWTConfig{Key: accesstest.Secret, Cookie: "a b"}, "auth.jwt.cookie"},
	} {
		c := &Config{Handlers: []HandlerConfig{{Prefix: "h", Bucket: bucket(t), Auth: &AuthConfig{JWT: &tt.jwt}}}}
		if s, err := New(c, Options{}); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("New = %v, %v; want %q", s, err, tt.want)
		}
		if err := Check(&Config{Handlers: []HandlerConfig{{Prefix: "h", Bucket: bucket(t), Auth: &AuthConfig{JWT: &tt.jwt}}}}); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("Check = %v; want %q", err, tt.want)
		}
	}
}
