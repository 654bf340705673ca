package server

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"image"
	"math/big"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

const tokenSecret = "a secret for tokens, 32 bytes ..."

// testKeys are made once: an RSA key takes its time.
var testKeys = sync.OnceValue(func() (k struct {
	rsa, small *rsa.PrivateKey
	p256       *ecdsa.PrivateKey
	p384       *ecdsa.PrivateKey
	ed         ed25519.PrivateKey
}) {
	must := func(err error) {
		if err != nil {
			panic(err)
		}
	}
	var err error
	k.rsa, err = rsa.GenerateKey(rand.Reader, 2048)
	must(err)
	k.small, err = rsa.GenerateKey(rand.Reader, 1024)
	must(err)
	k.p256, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(err)
	k.p384, err = ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	must(err)
	_, k.ed, err = ed25519.GenerateKey(rand.Reader)
	must(err)
	return k
})

func publicPEM(t testing.TB, key crypto.PublicKey) string {
	t.Helper()
	der, err := x509.MarshalPKIXPublicKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}))
}

// mint signs a token; its header gets what more holds.
func mint(t testing.TB, method jwt.SigningMethod, key any, c jwt.MapClaims, more map[string]any) string {
	t.Helper()
	token := jwt.NewWithClaims(method, c)
	for name, value := range more {
		token.Header[name] = value
	}
	text, err := token.SignedString(key)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// raw puts a token together by hand, signed with HMAC-SHA256.
func raw(secret, header, claims string) string {
	e := base64.RawURLEncoding.EncodeToString
	text := e([]byte(header)) + "." + e([]byte(claims))
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte(text))
	return text + "." + e(mac.Sum(nil))
}

// good returns claims that hold, changed by pairs of name and value; nil takes
// one away.
func good(pairs ...any) jwt.MapClaims {
	c := jwt.MapClaims{"iss": "shop", "aud": "pictures", "exp": time.Now().Add(time.Hour).Unix()}
	for i := 0; i < len(pairs); i += 2 {
		if c[pairs[i].(string)] = pairs[i+1]; pairs[i+1] == nil {
			delete(c, pairs[i].(string))
		}
	}
	return c
}

func tokenHandler(prefix string, j JWTConfig) HandlerConfig {
	return HandlerConfig{Prefix: prefix, AuthStatus: 403, Auth: &AuthConfig{JWT: &j}, Cache: CacheConfig{MemoryMB: 4}}
}

// Attacks on tokens: none is let in. Beside each kind of key stands the token
// that is.
func TestTokenAttacks(t *testing.T) {
	k := testKeys()
	rsaPEM := publicPEM(t, &k.rsa.PublicKey)
	rsaDER, _ := pem.Decode([]byte(rsaPEM))
	hs := JWTConfig{Key: tokenSecret, Issuer: "shop", Audience: "pictures", MaxLifetime: 86400}
	rs := hs
	rs.Key = Secret(rsaPEM)
	es, ed := hs, hs
	es.Key, ed.Key = Secret(publicPEM(t, &k.p256.PublicKey)), Secret(publicPEM(t, k.ed.Public()))
	set := hs
	set.Key = Secret(jwks(t, map[string]any{"one": &k.rsa.PublicKey, "two": &k.p256.PublicKey}))
	s := newSite(t, bucket(t), Options{}, tokenHandler("hs", hs), tokenHandler("rs", rs), tokenHandler("es", es), tokenHandler("ed", ed), tokenHandler("set", set))

	for prefix, token := range map[string]string{
		"hs":  mint(t, jwt.SigningMethodHS256, []byte(tokenSecret), good(), nil),
		"rs":  mint(t, jwt.SigningMethodRS256, k.rsa, good("aud", []string{"others", "pictures"}), nil),
		"es":  mint(t, jwt.SigningMethodES256, k.p256, good("nbf", time.Now().Unix()), nil),
		"ed":  mint(t, jwt.SigningMethodEdDSA, k.ed, good("iat", time.Now().Unix()), map[string]any{"kid": "whatever"}),
		"set": mint(t, jwt.SigningMethodES256, k.p256, good(), map[string]any{"kid": "two"}),
	} {
		if r := s.get("/" + prefix + "/photo.jpg?t=" + token); r.StatusCode != 200 {
			t.Fatalf("a good token of %s is answered %d", prefix, r.StatusCode)
		}
	}
	if r := s.get("/set/photo.jpg?t=" + mint(t, jwt.SigningMethodPS256, k.rsa, good(), nil)); r.StatusCode != 200 {
		t.Errorf("a token that names no key of the set: %d; want 200", r.StatusCode)
	}

	hour := time.Now().Add(time.Hour).Unix()
	plain := fmt.Sprintf(`{"iss":"shop","aud":"pictures","exp":%d}`, hour)
	e := base64.RawURLEncoding.EncodeToString
	valid := mint(t, jwt.SigningMethodHS256, []byte(tokenSecret), good(), nil)
	parts := strings.Split(valid, ".")
	hsToken := func(pairs ...any) string {
		return mint(t, jwt.SigningMethodHS256, []byte(tokenSecret), good(pairs...), nil)
	}
	attacks := []struct{ name, prefix, token string }{
		{"no token", "hs", ""},
		{"none", "hs", e([]byte(`{"alg":"none"}`)) + "." + e([]byte(plain)) + "."},
		{"None, with the signature of another", "hs", e([]byte(`{"alg":"None"}`)) + "." + parts[1] + "." + parts[2]},
		{"nOnE", "rs", e([]byte(`{"alg":"nOnE"}`)) + "." + e([]byte(plain)) + "."},
		{"none, signed as such", "rs", mint(t, jwt.SigningMethodNone, jwt.UnsafeAllowNoneSignatureType, good(), nil)},
		{"no algorithm", "hs", raw(tokenSecret, `{"typ":"JWT"}`, plain)},
		{"an algorithm that is a number", "hs", raw(tokenSecret, `{"alg":256}`, plain)},
		{"an algorithm that is a list", "hs", raw(tokenSecret, `{"alg":["HS256"]}`, plain)},
		{"the public key as the secret, PEM", "rs", mint(t, jwt.SigningMethodHS256, []byte(rsaPEM), good(), nil)},
		{"the public key as the secret, PEM without its last line end", "rs", mint(t, jwt.SigningMethodHS256, []byte(strings.TrimSpace(rsaPEM)), good(), nil)},
		{"the public key as the secret, DER", "rs", mint(t, jwt.SigningMethodHS256, rsaDER.Bytes, good(), nil)},
		{"the modulus as the secret", "rs", mint(t, jwt.SigningMethodHS384, k.rsa.N.Bytes(), good(), nil)},
		{"the public key of the curve as the secret", "es", mint(t, jwt.SigningMethodHS256, []byte(publicPEM(t, &k.p256.PublicKey)), good(), nil)},
		{"the public Ed25519 key as the secret", "ed", mint(t, jwt.SigningMethodHS512, []byte(k.ed.Public().(ed25519.PublicKey)), good(), nil)},
		{"RSA for a secret", "hs", mint(t, jwt.SigningMethodRS256, k.rsa, good(), nil)},
		{"another RSA key", "rs", mint(t, jwt.SigningMethodRS256, k.small, good(), nil)},
		{"a larger curve", "es", mint(t, jwt.SigningMethodES384, k.p384, good(), nil)},
		{"an RSA token for a curve", "es", mint(t, jwt.SigningMethodRS256, k.rsa, good(), nil)},
		{"ECDSA with a zero signature", "es", e([]byte(`{"alg":"ES256"}`)) + "." + e([]byte(plain)) + "." + e(make([]byte, 64))},
		{"an empty signature", "hs", parts[0] + "." + parts[1] + "."},
		{"a cut signature", "hs", valid[:len(valid)-2]},
		{"a padded signature", "hs", valid + "="},
		{"another bit at the end of the signature", "hs", flipLast(valid)},
		{"claims of another token", "hs", parts[0] + "." + e([]byte(plain)) + "." + parts[2]},
		{"the empty secret", "hs", raw("", `{"alg":"HS256"}`, plain)},
		{"another secret", "hs", raw(tokenSecret+"x", `{"alg":"HS256"}`, plain)},
		{"it has ended", "hs", hsToken("exp", time.Now().Add(-2*time.Minute).Unix())},
		{"no end", "hs", hsToken("exp", nil)},
		{"an end at 0", "hs", hsToken("exp", 0)},
		{"a negative end", "hs", hsToken("exp", -hour)},
		{"an end that is text", "hs", hsToken("exp", "tomorrow")},
		{"an end in the far future", "hs", hsToken("exp", hour+100*365*86400)},
		{"an end beyond all numbers", "hs", raw(tokenSecret, `{"alg":"HS256"}`, `{"iss":"shop","aud":"pictures","exp":1e300}`)},
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
		{"a token in a token", "hs", raw(tokenSecret, `{"alg":"HS256","cty":"JWT"}`, `"`+valid+`"`)},
		{"claims that are null", "hs", raw(tokenSecret, `{"alg":"HS256"}`, `null`)},
		{"claims that are a list", "hs", raw(tokenSecret, `{"alg":"HS256"}`, `[]`)},
		{"a header that is null", "hs", raw(tokenSecret, `null`, plain)},
		{"critical extensions", "hs", raw(tokenSecret, `{"alg":"HS256","crit":["b64"],"b64":false}`, plain)},
		{"a key id that is a path", "set", mint(t, jwt.SigningMethodHS256, []byte(""), good(), map[string]any{"kid": "../../../dev/null"})},
		{"a key id that is SQL", "set", mint(t, jwt.SigningMethodHS256, []byte("x"), good(), map[string]any{"kid": "x' UNION SELECT 'x"})},
		{"a key id that is a number", "set", mint(t, jwt.SigningMethodRS256, k.rsa, good(), map[string]any{"kid": 1})},
		{"a key id that is null", "set", mint(t, jwt.SigningMethodRS256, k.rsa, good(), map[string]any{"kid": nil})},
		{"the id of another key", "set", mint(t, jwt.SigningMethodRS256, k.rsa, good(), map[string]any{"kid": "two"})},
		{"an id that is not there", "set", mint(t, jwt.SigningMethodRS256, k.rsa, good(), map[string]any{"kid": "three"})},
		{"the set as the secret", "set", mint(t, jwt.SigningMethodHS256, []byte(set.Key), good(), map[string]any{"kid": "one"})},
		{"a key that it brings along", "set", mint(t, jwt.SigningMethodRS256, k.small, good(), map[string]any{"kid": "one", "jwk": json.RawMessage(jwks(t, map[string]any{"one": &k.small.PublicKey}))})},
		{"a place where its key is", "set", mint(t, jwt.SigningMethodRS256, k.small, good(), map[string]any{"jku": "https://evil.example/keys", "x5u": "https://evil.example/x"})},
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

// jwks writes a JSON Web Key Set of public keys by id; secrets too.
func jwks(t testing.TB, keys map[string]any) string {
	t.Helper()
	e := base64.RawURLEncoding.EncodeToString
	list := []map[string]any{{"kty": "XYZ", "kid": "of a kind that comes later"}, {"kty": "RSA", "kid": "broken", "n": "!", "e": "AQAB"}}
	for id, key := range keys {
		switch key := key.(type) {
		case *rsa.PublicKey:
			list = append(list, map[string]any{"kty": "RSA", "kid": id, "use": "sig", "n": e(key.N.Bytes()), "e": e(big.NewInt(int64(key.E)).Bytes())})
		case *ecdsa.PublicKey:
			point, err := key.Bytes()
			if err != nil {
				t.Fatal(err)
			}
			n := (len(point) - 1) / 2
			list = append(list, map[string]any{"kty": "EC", "kid": id, "crv": key.Params().Name, "alg": "ES256", "x": e(point[1 : 1+n]), "y": e(point[1+n:])})
		case []byte:
			list = append(list, map[string]any{"kty": "oct", "kid": id, "k": e(key)})
		}
	}
	text, err := json.Marshal(map[string]any{"keys": list})
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// Tokens come in the URL, as a bearer or in a cookie; answers are for that
// client alone, and no longer than the token.
func TestTokens(t *testing.T) {
	synctest.Test(t, func(t *testing.T) { // so that no time passes
		j := JWTConfig{Key: tokenSecret, Cookie: "session"}
		h := tokenHandler("h", j)
		h.RedirectAuto, h.OutputFormat = true, "auto"
		s := newSite(t, bucket(t), Options{}, h)
		token := mint(t, jwt.SigningMethodHS256, []byte(tokenSecret), good("exp", time.Now().Add(100*time.Second).Unix()), nil)
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
		s := newSite(t, bucket(t), Options{}, tokenHandler("h", JWTConfig{Key: tokenSecret}), tokenHandler("ever", JWTConfig{Key: tokenSecret, RequireExp: &off, Leeway: &none}))
		now := time.Now()
		for _, tt := range []struct {
			name, prefix string
			claims       jwt.MapClaims
			want         int
		}{
			{"ended within the leeway", "h", good("exp", now.Add(-30*time.Second).Unix()), 200},
			{"ended before", "h", good("exp", now.Add(-90*time.Second).Unix()), 403},
			{"begins within the leeway", "h", good("nbf", now.Add(30*time.Second).Unix()), 200},
			{"no leeway", "ever", good("exp", now.Add(-2*time.Second).Unix()), 403},
			{"no end", "ever", good("exp", nil), 200},
			{"an end at 0 is none", "ever", good("exp", 0), 200},
			{"an end that is over, all the same", "ever", good("exp", 1), 403},
		} {
			if r := s.get("/" + tt.prefix + "/photo.jpg?t=" + mint(t, jwt.SigningMethodHS256, []byte(tokenSecret), tt.claims, nil)); r.StatusCode != tt.want {
				t.Errorf("%s: %d; want %d", tt.name, r.StatusCode, tt.want)
			}
		}
	})
}

// hmac and jwt: either suffices, unless all are required; the program's function
// always has to agree.
func TestRequire(t *testing.T) {
	both := &AuthConfig{JWT: &JWTConfig{Key: tokenSecret}, HMAC: &HMACConfig{Keys: []SigningKey{{ID: "a", Secret: newSecret}}}}
	all := *both
	all.Require = "all"
	verify := func(token string) bool { return !strings.HasPrefix(token, "bad") }
	s := newSite(t, bucket(t), Options{Verify: verify}, HandlerConfig{Prefix: "any", Auth: both, AuthStatus: 401}, HandlerConfig{Prefix: "all", Auth: &all, AuthStatus: 401})
	token := mint(t, jwt.SigningMethodHS256, []byte(tokenSecret), good(), nil)
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
	h := tokenHandler("h", JWTConfig{Key: tokenSecret})
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
		token := mint(t, jwt.SigningMethodHS256, []byte(tokenSecret), good("img", tt.img), nil)
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
		token := mint(t, jwt.SigningMethodHS256, []byte(tokenSecret), good("img", img), nil)
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

// A key file is read again when it changes; one that is no key changes nothing.
func TestKeyFile(t *testing.T) {
	k := testKeys()
	file := filepath.Join(t.TempDir(), "verification.key")
	write := func(text string, age time.Duration) {
		t.Helper()
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(file, time.Time{}, modified.Add(age)); err != nil {
			t.Fatal(err)
		}
	}
	write(tokenSecret+"\n", 0)
	secret := mint(t, jwt.SigningMethodHS256, []byte(tokenSecret), good(), nil)
	public := mint(t, jwt.SigningMethodRS512, k.rsa, good(), nil)
	s := newSite(t, bucket(t), Options{}, tokenHandler("h", JWTConfig{KeyFile: file}))
	want := func(what, token string, status int) {
		t.Helper()
		s.server.handlers[0].door.oneOf[0].(*tokens).keys[0].asked = time.Time{} // as if a second had passed
		if r := s.get("/h/photo.jpg?w=20&t=" + token); r.StatusCode != status {
			t.Errorf("%s: %d; want %d", what, r.StatusCode, status)
		}
	}
	want("the secret of the file", secret, 200)
	want("a key that comes later", public, 403)
	write(publicPEM(t, &k.rsa.PublicKey), time.Hour)
	want("the new key", public, 200)
	want("the secret that is gone", secret, 403)
	write("-----BEGIN PUBLIC KEY-----\nbroken", 2*time.Hour)
	want("while the file is broken", public, 200)
	if !strings.Contains(s.log.String(), "keys not read again") {
		t.Errorf("nothing of a broken key file in the log: %s", s.log)
	}
	if err := os.Remove(file); err != nil {
		t.Fatal(err)
	}
	want("while the file is missing", public, 200)
	write(jwks(t, map[string]any{"one": []byte(tokenSecret)}), 3*time.Hour)
	want("a set with a secret", secret, 200)
}

// Keys are fetched from the host that the configuration names, and no other.
func TestKeySetOfAnotherHost(t *testing.T) {
	k := testKeys()
	var reached atomic.Int64
	elsewhere := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		reached.Add(1)
		fmt.Fprint(w, jwks(t, map[string]any{"one": &k.rsa.PublicKey}))
	}))
	defer elsewhere.Close()
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/moved":
			http.Redirect(w, r, "/keys", http.StatusFound)
		case "/keys":
			fmt.Fprint(w, jwks(t, map[string]any{"one": &k.rsa.PublicKey}))
		default:
			http.Redirect(w, r, elsewhere.URL+"/keys", http.StatusFound)
		}
	}))
	defer web.Close()
	token := mint(t, jwt.SigningMethodRS256, k.rsa, good(), map[string]any{"kid": "one"})
	for path, want := range map[string]int{"/moved": 200, "/elsewhere": 503} {
		s := newSite(t, bucket(t), Options{}, tokenHandler("h", JWTConfig{JWKSURL: web.URL + path}))
		if r := s.get("/h/photo.jpg?w=20&t=" + token); r.StatusCode != want {
			t.Errorf("keys at %s: %d; want %d", path, r.StatusCode, want)
		}
		if want == 503 && !strings.Contains(s.log.String(), "another host") {
			t.Errorf("the log does not say why: %s", s.log)
		}
	}
	if reached.Load() > 0 {
		t.Error("another host was asked for keys")
	}
}

// What a file may hold.
func TestParseKey(t *testing.T) {
	k := testKeys()
	certificate, err := x509.CreateCertificate(rand.Reader, &x509.Certificate{SerialNumber: big.NewInt(1)}, &x509.Certificate{SerialNumber: big.NewInt(1)}, &k.rsa.PublicKey, k.rsa)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(k.rsa)
	if err != nil {
		t.Fatal(err)
	}
	block := func(kind string, der []byte) string {
		return string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}))
	}
	der, _ := pem.Decode([]byte(publicPEM(t, &k.p384.PublicKey)))
	for _, tt := range []struct{ name, text, want string }{ // want: the first algorithm, or the fault
		{"RSA", publicPEM(t, &k.rsa.PublicKey), "RS256"},
		{"RSA in the older form", block("RSA PUBLIC KEY", x509.MarshalPKCS1PublicKey(&k.rsa.PublicKey)), "RS256"},
		{"a certificate", block("CERTIFICATE", certificate), "RS256"},
		{"a curve", publicPEM(t, &k.p256.PublicKey), "ES256"},
		{"a larger curve, without PEM", string(der.Bytes), "ES384"},
		{"that in base64", base64.StdEncoding.EncodeToString(der.Bytes) + "\n", "ES384"},
		{"Ed25519", "a line before\n" + publicPEM(t, k.ed.Public()), "EdDSA"},
		{"a secret", "sixteen bytes...\r\n", "HS256"},
		{"a short secret", "fifteen bytes..\n", "shorter than 16"},
		{"nothing", " \n", "no key in it"},
		{"a weak RSA key", publicPEM(t, &k.small.PublicKey), "fewer than 2048"},
		{"a private key", block("PRIVATE KEY", private), "private key"},
		{"broken PEM", "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----", "no public key"},
		{"a key of SSH", "ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAABgQ== me@here", "SSH"},
		{"a set without keys", `{"keys": []}`, "none of the 0 keys"},
		{"a set with a weak secret", jwks(t, map[string]any{"a": []byte("short")}), "none of the 3 keys"},
		{"JSON of another kind", `{"secret": "x"}`, "none of the 0 keys"},
		{"broken JSON", `{"keys": [`, "not a JSON Web Key Set"},
	} {
		set, err := parseKey([]byte(tt.text))
		got := fmt.Sprint(err)
		if err == nil && set.single != nil {
			got = algorithmsOf(set.single)[0]
		}
		if !strings.Contains(got, tt.want) {
			t.Errorf("%s: %s; want %s", tt.name, got, tt.want)
		}
	}
}

// A set of keys is fetched when the first token comes, kept when it cannot be
// had again, and asked for when a token names a key that is not in it, but
// seldom.
func TestKeySetFromURL(t *testing.T) {
	k := testKeys()
	old, next := jwks(t, map[string]any{"old": &k.rsa.PublicKey}), jwks(t, map[string]any{"old": &k.rsa.PublicKey, "new": &k.p256.PublicKey, "oct": []byte(tokenSecret)})
	var answer atomic.Value
	var asked atomic.Int64
	answer.Store(old)
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		asked.Add(1)
		text := answer.Load().(string)
		if text == "" {
			w.WriteHeader(http.StatusInternalServerError)
		}
		fmt.Fprint(w, text)
	}))
	defer web.Close()
	s := newSite(t, bucket(t), Options{}, tokenHandler("h", JWTConfig{JWKSURL: web.URL}))
	ring := s.server.handlers[0].door.oneOf[0].(*tokens).keys[0]
	later := func(d time.Duration) {
		ring.mu.Lock()
		defer ring.mu.Unlock()
		ring.asked, ring.next = ring.asked.Add(-d), ring.next.Add(-d)
	}
	oldToken := mint(t, jwt.SigningMethodRS256, k.rsa, good(), map[string]any{"kid": "old"})
	newToken := mint(t, jwt.SigningMethodES256, k.p256, good(), map[string]any{"kid": "new"})
	secretToken := mint(t, jwt.SigningMethodHS256, []byte(tokenSecret), good(), map[string]any{"kid": "oct"})
	want := func(what, token string, status int, asks int64) {
		t.Helper()
		before := asked.Load()
		if r := s.get("/h/photo.jpg?w=20&t=" + token); r.StatusCode != status || asked.Load()-before != asks {
			t.Errorf("%s: %d, %d fetches; want %d, %d", what, r.StatusCode, asked.Load()-before, status, asks)
		}
	}
	if asked.Load() != 0 {
		t.Error("the URL was asked before there was a token")
	}
	want("not a token", "x", 403, 0)
	want("the first token", oldToken, 200, 1)
	want("the second token", oldToken, 200, 0)
	want("a key that is not in the set", newToken, 403, 0)
	answer.Store(next)
	later(keysPause)
	want("a new key", newToken, 200, 1)
	want("a secret that all can read", secretToken, 403, 0)
	answer.Store("")
	later(keysAge)
	want("while the URL fails", newToken, 200, 1)
	want("right after that", newToken, 200, 0)
	answer.Store(`{"keys": [` + strings.Repeat(" ", maxKeyBytes) + `]}`)
	later(keysPause)
	want("an answer that is too long", newToken, 200, 1)
	if !strings.Contains(s.log.String(), "keys of tokens not fetched") {
		t.Errorf("nothing of it in the log: %s", s.log)
	}

	// Keys from several places hold together.
	answer.Store(old)
	s = newSite(t, bucket(t), Options{}, tokenHandler("h", JWTConfig{JWKSURL: web.URL, Key: tokenSecret}))
	want("the key of the configuration", mint(t, jwt.SigningMethodHS256, []byte(tokenSecret), good(), nil), 200, 0)
	want("the key of the set", oldToken, 200, 1)
	want("a secret under the name of the key", mint(t, jwt.SigningMethodHS256, []byte(old), good(), map[string]any{"kid": "old"}), 403, 0)

	// Nothing to begin with: nobody can say whether a token is good, the URL is
	// left alone for a moment, and when it answers all is well.
	answer.Store("")
	s = newSite(t, bucket(t), Options{}, tokenHandler("h", JWTConfig{JWKSURL: web.URL}))
	ring = s.server.handlers[0].door.oneOf[0].(*tokens).keys[0]
	want("no keys at all", oldToken, 503, 1)
	want("no keys at all, again", oldToken, 503, 0)
	want("a token that the URL could not have a key for", secretToken, 403, 0)
	if r := s.get("/h/photo.jpg?t=" + oldToken); r.Header.Get("Retry-After") == "" || r.Header.Get("Cache-Control") != "no-store" {
		t.Errorf("no keys at all: %v; want Retry-After and no-store", r.Header)
	}
	if r := s.get("/h/photo.jpg"); r.StatusCode != 403 {
		t.Errorf("no keys, and no token: %d; want 403", r.StatusCode)
	}
	answer.Store(old)
	later(firstKeysPause)
	want("when it answers", oldToken, 200, 1)
	// Beside another key, and beside signed URLs.
	answer.Store("")
	both := tokenHandler("h", JWTConfig{JWKSURL: web.URL, Key: tokenSecret})
	both.Auth.HMAC, both.ErrorStatus = signedHandler("").Auth.HMAC, 404
	s = newSite(t, bucket(t), Options{}, both)
	want("a key that is there", mint(t, jwt.SigningMethodHS256, []byte(tokenSecret), good(), nil), 200, 0)
	want("one that is not", oldToken, 503, 1)
	if r := s.get(signURL(newSecret, "h", "photo.jpg")); r.StatusCode != 200 {
		t.Errorf("a signed URL: %d; want 200", r.StatusCode)
	}
	// It may not lead to where it is not safe.
	evil := httptest.NewServer(http.RedirectHandler("http://example.com/keys", http.StatusFound))
	defer evil.Close()
	s = newSite(t, bucket(t), Options{}, tokenHandler("h", JWTConfig{JWKSURL: evil.URL}))
	want("a redirect to plain HTTP elsewhere", oldToken, 503, 0)
	if !strings.Contains(s.log.String(), "not safe") {
		t.Errorf("nothing of the redirect in the log: %s", s.log)
	}
}

// Many tokens at once fetch a set once.
func TestKeySetIsFetchedOnce(t *testing.T) {
	k := testKeys()
	set := jwks(t, map[string]any{"old": &k.rsa.PublicKey})
	var asked atomic.Int64
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		asked.Add(1)
		fmt.Fprint(w, set)
	}))
	defer web.Close()
	s := newSite(t, bucket(t), Options{}, tokenHandler("h", JWTConfig{JWKSURL: web.URL}))
	token := mint(t, jwt.SigningMethodRS256, k.rsa, good(), map[string]any{"kid": "old"})
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
		s := newSite(t, bucket(t), Options{}, tokenHandler("h", JWTConfig{Key: tokenSecret, Leeway: &none}))
		target := "/h/photo.jpg?w=20&t=" + mint(t, jwt.SigningMethodHS256, []byte(tokenSecret), good("exp", time.Now().Add(10*time.Second).Unix()), nil)
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
		{JWTConfig{Key: tokenSecret, Leeway: &leeway}, "auth.jwt.leeway"},
		{JWTConfig{Key: tokenSecret, MaxLifetime: -1}, "auth.jwt.max_lifetime"},
		{JWTConfig{Key: tokenSecret, Cookie: "a b"}, "auth.jwt.cookie"},
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

// FuzzToken: no bytes are taken for a token that were not signed by the key.
func FuzzToken(f *testing.F) {
	k := testKeys()
	valid := mint(f, jwt.SigningMethodHS256, []byte(tokenSecret), good("exp", 4102444800, "img", map[string]any{"prefix": "a"}), nil)
	ofSet := mint(f, jwt.SigningMethodES256, k.p256, good("exp", 4102444800), map[string]any{"kid": "one"})
	for _, token := range []string{valid, valid + ".", ofSet, raw("", `{"alg":"none"}`, `{}`), "..", "", raw(tokenSecret+"x", `{"alg":"HS256","crit":[]}`, `null`)} {
		f.Add(token)
	}
	off := false
	config := &JWTConfig{Key: tokenSecret, RequireExp: &off, Leeway: new(60)}
	ring, err := newKeyrings(&Config{}, config, nil, nil)
	if err != nil {
		f.Fatal(err)
	}
	t1 := newTokens(config, ring)
	set, err := parseKey([]byte(jwks(f, map[string]any{"one": &k.p256.PublicKey, "two": &k.rsa.PublicKey})))
	if err != nil {
		f.Fatal(err)
	}
	t2 := newTokens(config, keyrings{{keys: set}})
	f.Fuzz(func(t *testing.T, text string) {
		if _, err := t1.verify(t.Context(), text); (err == nil) != (text == valid) {
			t.Errorf("%q: %v", text, err)
		}
		if _, err := t2.verify(t.Context(), text); (err == nil) != (text == ofSet) {
			t.Errorf("%q: %v", text, err)
		}
	})
}

// FuzzParseKey: no file is a reason to panic, and what looks like a key is never
// a secret.
func FuzzParseKey(f *testing.F) {
	k := testKeys()
	for _, text := range []string{"a secret of some bytes", publicPEM(f, &k.p256.PublicKey), jwks(f, map[string]any{"one": &k.p256.PublicKey}), `{"kty":"oct","k":"AAAA"}`, "ssh-rsa AAAA"} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		set, err := parseKey(data)
		if err != nil || set.single == nil {
			return
		}
		if secret, ok := set.single.([]byte); ok && (strings.Contains(string(secret), "-----BEGIN") || strings.HasPrefix(strings.TrimSpace(string(secret)), "{")) {
			t.Errorf("%q is taken for a secret", secret)
		}
	})
}
