// Package accesstest makes keys and tokens for tests of package access, and of
// those that use it.
package accesstest

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
	"math/big"
	"sync"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

// Secret is a key of HMAC for tokens.
const Secret = "a secret for tokens, 32 bytes ..."

// Keys are made once: an RSA key takes its time.
var Keys = sync.OnceValue(func() (k struct {
	RSA, Small *rsa.PrivateKey
	P256       *ecdsa.PrivateKey
	P384       *ecdsa.PrivateKey
	Ed         ed25519.PrivateKey
}) {
	must := func(err error) {
		if err != nil {
			panic(err)
		}
	}
	var err error
	k.RSA, err = rsa.GenerateKey(rand.Reader, 2048)
	must(err)
	k.Small, err = rsa.GenerateKey(rand.Reader, 1024)
	must(err)
	k.P256, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(err)
	k.P384, err = ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	must(err)
	_, k.Ed, err = ed25519.GenerateKey(rand.Reader)
	must(err)
	return k
})

// PublicPEM returns a public key as PEM.
func PublicPEM(t testing.TB, key crypto.PublicKey) string {
	t.Helper()
	der, err := x509.MarshalPKIXPublicKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}))
}

// Mint signs a token; its header gets what more holds.
func Mint(t testing.TB, method jwt.SigningMethod, key any, c jwt.MapClaims, more map[string]any) string {
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

// Raw puts a token together by hand, signed with HMAC-SHA256.
func Raw(secret, header, claims string) string {
	e := base64.RawURLEncoding.EncodeToString
	text := e([]byte(header)) + "." + e([]byte(claims))
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte(text))
	return text + "." + e(mac.Sum(nil))
}

// Claims returns claims that hold, changed by pairs of name and value; nil takes
// one away.
func Claims(pairs ...any) jwt.MapClaims {
	c := jwt.MapClaims{"iss": "shop", "aud": "pictures", "exp": time.Now().Add(time.Hour).Unix()}
	for i := 0; i < len(pairs); i += 2 {
		if c[pairs[i].(string)] = pairs[i+1]; pairs[i+1] == nil {
			delete(c, pairs[i].(string))
		}
	}
	return c
}

// JWKS writes a JSON Web Key Set of public keys by id; secrets too.
func JWKS(t testing.TB, keys map[string]any) string {
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
