package access

import (
	"bytes"
	"crypto/rand"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"fmt"
	"log/slog"
	"math/big"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"s3imageserver/server/access/accesstest"
	"s3imageserver/server/config"
	"s3imageserver/server/refresh"
)

// A key file is read again when it changes; one that is no key changes nothing.
func TestKeyFile(t *testing.T) {
	k := accesstest.Keys()
	file := filepath.Join(t.TempDir(), "verification.key")
	write := func(text string, age time.Duration) {
		t.Helper()
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(file, time.Time{}, time.Unix(1e9, 0).Add(age)); err != nil {
			t.Fatal(err)
		}
	}
	write(accesstest.Secret+"\n", 0)
	secret := accesstest.Mint(t, jwt.SigningMethodHS256, []byte(accesstest.Secret), accesstest.Claims(), nil)
	public := accesstest.Mint(t, jwt.SigningMethodRS512, k.RSA, accesstest.Claims(), nil)
	d := newTestHandler(t, config.AuthConfig{JWT: &config.JWTConfig{KeyFile: file}})
	want := func(what, token string, status int) {
		t.Helper()
		d.authorizer.oneOf[0].(*tokens).keys[0].local.Forget() // as if a second had passed
		if got := d.status("t=" + token); got != status {
			t.Errorf("%s: %d; want %d", what, got, status)
		}
	}
	want("the secret of the file", secret, 200)
	want("a key that comes later", public, 403)
	write(accesstest.PublicPEM(t, &k.RSA.PublicKey), time.Hour)
	want("the new key", public, 200)
	want("the secret that is gone", secret, 403)
	write("-----BEGIN PUBLIC KEY-----\nbroken", 2*time.Hour)
	want("while the file is broken", public, 200)
	if !strings.Contains(d.log.String(), "keys not reloaded") {
		t.Errorf("nothing of a broken key file in the log: %s", d.log)
	}
	if err := os.Remove(file); err != nil {
		t.Fatal(err)
	}
	want("while the file is missing", public, 200)
	write(accesstest.JWKS(t, map[string]any{"one": []byte(accesstest.Secret)}), 3*time.Hour)
	want("a set with a secret", secret, 200)
}

// What a file may hold.
func TestParseKey(t *testing.T) {
	k := accesstest.Keys()
	certificate, err := x509.CreateCertificate(rand.Reader, &x509.Certificate{SerialNumber: big.NewInt(1)}, &x509.Certificate{SerialNumber: big.NewInt(1)}, &k.RSA.PublicKey, k.RSA)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(k.RSA)
	if err != nil {
		t.Fatal(err)
	}
	block := func(kind string, der []byte) string {
		return string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}))
	}
	der, _ := pem.Decode([]byte(accesstest.PublicPEM(t, &k.P384.PublicKey)))
	for _, tt := range []struct{ name, text, want string }{ // want: the first algorithm, or the fault
		{"RSA", accesstest.PublicPEM(t, &k.RSA.PublicKey), "RS256"},
		{"RSA in the older form", block("RSA PUBLIC KEY", x509.MarshalPKCS1PublicKey(&k.RSA.PublicKey)), "RS256"},
		{"a certificate", block("CERTIFICATE", certificate), "RS256"},
		{"a curve", accesstest.PublicPEM(t, &k.P256.PublicKey), "ES256"},
		{"a larger curve, without PEM", string(der.Bytes), "ES384"},
		{"that in base64", base64.StdEncoding.EncodeToString(der.Bytes) + "\n", "ES384"},
		{"Ed25519", "a line before\n" + accesstest.PublicPEM(t, k.Ed.Public()), "EdDSA"},
		{"a secret", "sixteen bytes...\r\n", "HS256"},
		{"a short secret", "fifteen bytes..\n", "shorter than 16"},
		{"nothing", " \n", "contains no key"},
		{"a weak RSA key", accesstest.PublicPEM(t, &k.Small.PublicKey), "fewer than 2048"},
		{"a private key", block("PRIVATE KEY", private), "private key"},
		{"broken PEM", "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----", "no readable public key"},
		{"a key of SSH", "ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAABgQ== me@here", "SSH"},
		{"a set without keys", `{"keys": []}`, "none of the 0 keys"},
		{"a set with a weak secret", accesstest.JWKS(t, map[string]any{"a": []byte("short")}), "none of the 3 keys"},
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

// A token that names a key is checked with that one alone, the first of that name;
// one that names none with all that fit.
func TestKeyOfSet(t *testing.T) {
	k := accesstest.Keys()
	jwk := func(id string, key any) string {
		set := accesstest.JWKS(t, map[string]any{id: key})
		return strings.TrimSuffix(set[strings.LastIndex(set, "{"):], "]}")
	}
	set, err := parseKeySet([]byte(`{"keys":[`+jwk("one", &k.P256.PublicKey)+","+jwk("one", &k.RSA.PublicKey)+","+jwk("two", &k.RSA.PublicKey)+"]}"), false)
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		what   string
		method jwt.SigningMethod
		id     any // nil: the token names none
		want   int // keys
	}{
		{"a name", jwt.SigningMethodES256, "one", 1},
		{"a name, and the algorithm of another key of that name", jwt.SigningMethodRS256, "one", 0},
		{"another name", jwt.SigningMethodRS256, "two", 1},
		{"a name and an algorithm for which its key is not", jwt.SigningMethodES384, "one", 0},
		{"an unknown name", jwt.SigningMethodRS256, "three", 0},
		{"a number", jwt.SigningMethodRS256, 1, 0},
		{"a list", jwt.SigningMethodRS256, []any{"two"}, 0},
		{"no name", jwt.SigningMethodRS256, nil, 2},
		{"no name, and an algorithm for which there is no key", jwt.SigningMethodEdDSA, nil, 0},
	} {
		token := jwt.New(tt.method)
		if tt.id != nil {
			token.Header["kid"] = tt.id
		}
		found, err := set.find(token)
		keys, _ := found.(jwt.VerificationKeySet)
		if len(keys.Keys) != tt.want || (err != nil) != (tt.want == 0) || err != nil && !errors.Is(err, errKey) {
			t.Errorf("%s: %d keys, %v; want %d", tt.what, len(keys.Keys), err, tt.want)
		}
	}
}

// A set of keys is fetched when the first token comes, kept when it cannot be
// had again, and asked for when a token names a key that is not in it, but
// seldom.
func TestKeySetFromURL(t *testing.T) {
	k := accesstest.Keys()
	old, next := accesstest.JWKS(t, map[string]any{"old": &k.RSA.PublicKey}), accesstest.JWKS(t, map[string]any{"old": &k.RSA.PublicKey, "new": &k.P256.PublicKey, "oct": []byte(accesstest.Secret)})
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
	d := newTestHandler(t, config.AuthConfig{JWT: &config.JWTConfig{JWKSURL: web.URL}})
	ring := d.authorizer.oneOf[0].(*tokens).keys[0]
	passed := time.Duration(0)
	later := func(d time.Duration) {
		passed += d
		ring.remote.Now = func() time.Time { return time.Now().Add(passed) }
	}
	oldToken := accesstest.Mint(t, jwt.SigningMethodRS256, k.RSA, accesstest.Claims(), map[string]any{"kid": "old"})
	newToken := accesstest.Mint(t, jwt.SigningMethodES256, k.P256, accesstest.Claims(), map[string]any{"kid": "new"})
	secretToken := accesstest.Mint(t, jwt.SigningMethodHS256, []byte(accesstest.Secret), accesstest.Claims(), map[string]any{"kid": "oct"})
	want := func(what, token string, status int, asks int64) {
		t.Helper()
		before := asked.Load()
		if got := d.status("t=" + token); got != status || asked.Load()-before != asks {
			t.Errorf("%s: %d, %d fetches; want %d, %d", what, got, asked.Load()-before, status, asks)
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
	if !strings.Contains(d.log.String(), "keys for tokens not fetched") {
		t.Errorf("nothing of it in the log: %s", d.log)
	}

	// Keys from several places hold together.
	answer.Store(old)
	d = newTestHandler(t, config.AuthConfig{JWT: &config.JWTConfig{JWKSURL: web.URL, Key: accesstest.Secret}})
	want("the key of the configuration", accesstest.Mint(t, jwt.SigningMethodHS256, []byte(accesstest.Secret), accesstest.Claims(), nil), 200, 0)
	want("the key of the set", oldToken, 200, 1)
	want("a secret under the name of the key", accesstest.Mint(t, jwt.SigningMethodHS256, []byte(old), accesstest.Claims(), map[string]any{"kid": "old"}), 403, 0)

	// Nothing to begin with: nobody can say whether a token is good, the URL is
	// left alone for a moment, and when it answers all is well.
	answer.Store("")
	d = newTestHandler(t, config.AuthConfig{JWT: &config.JWTConfig{JWKSURL: web.URL}})
	ring = d.authorizer.oneOf[0].(*tokens).keys[0]
	want("no keys at all", oldToken, 503, 1)
	want("no keys at all, again", oldToken, 503, 0)
	want("a token that the URL could not have a key for", secretToken, 403, 0)
	if got := d.status(""); got != 403 {
		t.Errorf("no keys, and no token: %d; want 403", got)
	}
	answer.Store(old)
	later(firstKeysPause)
	want("when it answers", oldToken, 200, 1)
	// Beside another key, and beside signed URLs.
	answer.Store("")
	const urlSecret = "a secret for URLs"
	d = newTestHandler(t, config.AuthConfig{JWT: &config.JWTConfig{JWKSURL: web.URL, Key: accesstest.Secret}, HMAC: &config.HMACConfig{Keys: []config.SigningKey{{ID: "a", Secret: urlSecret}}}})
	want("a key that is there", accesstest.Mint(t, jwt.SigningMethodHS256, []byte(accesstest.Secret), accesstest.Claims(), nil), 200, 0)
	want("one that is not", oldToken, 503, 1)
	if got := d.status("sig=" + config.Sign([]byte(urlSecret), "h", testName, nil)); got != 200 {
		t.Errorf("a signed URL: %d; want 200", got)
	}
	// It may not lead to where it is not safe.
	evil := httptest.NewServer(http.RedirectHandler("http://example.com/keys", http.StatusFound))
	defer evil.Close()
	d = newTestHandler(t, config.AuthConfig{JWT: &config.JWTConfig{JWKSURL: evil.URL}})
	want("a redirect to plain HTTP elsewhere", oldToken, 503, 0)
	if !strings.Contains(d.log.String(), "not safe") {
		t.Errorf("nothing of the redirect in the log: %s", d.log)
	}
}

// FuzzToken: no bytes are taken for a token that were not signed by the key.
func FuzzToken(f *testing.F) {
	k := accesstest.Keys()
	valid := accesstest.Mint(f, jwt.SigningMethodHS256, []byte(accesstest.Secret), accesstest.Claims("exp", int64(4102444800), "img", map[string]any{"prefix": "a"}), nil)
	ofSet := accesstest.Mint(f, jwt.SigningMethodES256, k.P256, accesstest.Claims("exp", int64(4102444800)), map[string]any{"kid": "one"})
	for _, token := range []string{valid, valid + ".", ofSet, accesstest.Raw("", `{"alg":"none"}`, `{}`), "..", "", accesstest.Raw(accesstest.Secret+"x", `{"alg":"HS256","crit":[]}`, `null`)} {
		f.Add(token)
	}
	off := false
	c := &config.JWTConfig{Key: accesstest.Secret, RequireExp: &off, Leeway: new(60)}
	ring, err := NewKeyrings(&config.Config{}, c, nil, nil)
	if err != nil {
		f.Fatal(err)
	}
	t1 := newTokens(c, ring)
	local, err := refresh.Watch(func() (*keySet, error) {
		return parseKey([]byte(accesstest.JWKS(f, map[string]any{"one": &k.P256.PublicKey, "two": &k.RSA.PublicKey})))
	})
	if err != nil {
		f.Fatal(err)
	}
	t2 := newTokens(c, keyrings{{local: local}})
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
	k := accesstest.Keys()
	for _, text := range []string{"a secret of some bytes", accesstest.PublicPEM(f, &k.P256.PublicKey), accesstest.JWKS(f, map[string]any{"one": &k.P256.PublicKey}), `{"kty":"oct","k":"AAAA"}`, "ssh-rsa AAAA"} {
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

// A testHandler is the authorization of a handler "h", which has a picture of testName.
type testHandler struct {
	t          *testing.T
	authorizer Authorizer
	log        *bytes.Buffer
}

const testName = "photo.jpg"

func newTestHandler(t *testing.T, c config.AuthConfig) *testHandler {
	t.Helper()
	d := &testHandler{t: t, log: new(bytes.Buffer)}
	all := &config.Config{Handlers: []config.HandlerConfig{{Prefix: "h", Source: config.SourceConfig{Dir: "."}, Auth: &c}}}
	if err := all.Validate(); err != nil {
		t.Fatal(err)
	}
	var err error
	if d.authorizer, err = NewAuthorizer(all, &all.Handlers[0], nil, false, slog.New(slog.NewTextHandler(d.log, nil)), nil); err != nil {
		t.Fatal(err)
	}
	return d
}

// status returns what a request with that query is answered: 200, 403, or 503 if
// that cannot be said.
func (d *testHandler) status(query string) int {
	d.t.Helper()
	r := httptest.NewRequest(http.MethodGet, "/h/"+testName+"?"+query, nil)
	_, err := d.authorizer.Authorize(r, testURL(r.URL.Query()))
	switch {
	case err == nil:
		return 200
	case errors.Is(err, ErrNoKeys):
		return 503
	case errors.Is(err, ErrVerification):
		return 403
	}
	d.t.Errorf("%s: %v; want an error of the verification, or of its keys", query, err)
	return 500
}

// A testURL is the query of a URL of testName.
type testURL url.Values

// Parameters implements [URL].
func (u testURL) Parameters() url.Values { return url.Values(u) }

// Canonical implements [URL].
func (u testURL) Canonical(prefix string) []byte {
	return config.CanonicalURL(prefix, testName, url.Values(u))
}
