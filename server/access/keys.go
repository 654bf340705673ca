package access

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/MicahParks/jwkset"
	"github.com/golang-jwt/jwt/v5"

	"s3imageserver/server/config"
)

// errKey is what is said of a token for which there is no key.
var errKey = errors.New("no key fits the algorithm and the key id of the token")

// A keySet is the keys that tokens may be signed with: a single one, or a JSON
// Web Key Set (RFC 7517). It does not change.
type keySet struct {
	single any // nil: a set
	all    []jwkset.JWK
}

// find returns the key of a token. A token says which algorithm it was signed
// with, but each key has its own: no key is ever used for another.
func (k *keySet) find(token *jwt.Token) (any, error) {
	if k.single != nil {
		return fitting(token, k.single)
	}
	id, named := token.Header["kid"]
	var set jwt.VerificationKeySet
	for _, key := range k.all {
		if named && id != key.Marshal().KID {
			continue
		}
		if alg := string(key.Marshal().ALG); alg == "" || alg == token.Method.Alg() {
			if _, err := fitting(token, key.Key()); err == nil {
				set.Keys = append(set.Keys, key.Key())
			}
		}
		if named { // of several with one name, the first is meant
			break
		}
	}
	if len(set.Keys) == 0 {
		return nil, errKey
	}
	return set, nil
}

func fitting(token *jwt.Token, key any) (any, error) {
	if !slices.Contains(algorithmsOf(key), token.Method.Alg()) {
		return nil, errKey
	}
	return key, nil
}

// algorithmsOf returns the algorithms that a key is for (RFC 7518, section 3.1;
// RFC 8037), none for one that is of another kind or too weak.
func algorithmsOf(key any) []string {
	switch k := key.(type) {
	case *rsa.PublicKey:
		if k.N.BitLen() >= leastRSABits {
			return []string{"RS256", "RS384", "RS512", "PS256", "PS384", "PS512"}
		}
	case *ecdsa.PublicKey:
		switch k.Curve {
		case elliptic.P256():
			return []string{"ES256"}
		case elliptic.P384():
			return []string{"ES384"}
		case elliptic.P521():
			return []string{"ES512"}
		}
	case ed25519.PublicKey:
		return []string{"EdDSA"}
	case []byte:
		if len(k) >= config.LeastSecret {
			return []string{"HS256", "HS384", "HS512"}
		}
	}
	return nil
}

const (
	leastRSABits = 2048
	maxKeyBytes  = 1 << 20
	maxSetKeys   = 100
)

// parseKey reads what a key file holds: a public key or a certificate as PEM, a
// JSON Web Key or a set of them, else the bytes of a secret without the line's
// end.
//
// A public key that was taken for a secret would let in everybody who has read
// it, so whatever looks like a key and cannot be read is an error.
func parseKey(data []byte) (*keySet, error) {
	text := strings.TrimSpace(string(data))
	switch {
	case text == "":
		return nil, errors.New("the file contains no key")
	case strings.Contains(text, "-----BEGIN"):
		return parsePEM([]byte(text))
	case strings.HasPrefix(text, "{"):
		return parseKeySet([]byte(text), true)
	case strings.HasPrefix(text, "ssh-"), strings.HasPrefix(text, "ecdsa-sha2-"):
		return nil, errors.New("SSH keys are not supported: convert it to PEM")
	}
	for _, der := range [][]byte{data, decodedBase64(text)} {
		if key := parseDER(der); key != nil {
			return singleKey(key)
		}
	}
	return singleKey([]byte(strings.TrimRight(string(data), "\r\n")))
}

func decodedBase64(text string) []byte {
	der, err := base64.StdEncoding.DecodeString(strings.NewReplacer("\n", "", "\r", "").Replace(text))
	if err != nil {
		return nil
	}
	return der
}

func singleKey(key any) (*keySet, error) {
	if algorithmsOf(key) != nil {
		return &keySet{single: key}, nil
	}
	if _, ok := key.([]byte); ok {
		return nil, fmt.Errorf("the secret is shorter than %d bytes", config.LeastSecret)
	}
	if k, ok := key.(*rsa.PublicKey); ok {
		return nil, fmt.Errorf("the RSA key has %d bits, fewer than %d", k.N.BitLen(), leastRSABits)
	}
	return nil, fmt.Errorf("a key of the kind %T is not for tokens", key)
}

// parsePEM reads the first public key or certificate in a PEM file.
func parsePEM(data []byte) (*keySet, error) {
	for block, rest := pem.Decode(data); block != nil; block, rest = pem.Decode(rest) {
		if strings.Contains(block.Type, "PRIVATE KEY") {
			return nil, errors.New("this is a private key: the public one is enough, and safer here")
		}
		if key := parseDER(block.Bytes); key != nil {
			return singleKey(key)
		}
	}
	return nil, errors.New("this PEM file contains no readable public key or certificate")
}

// parseDER returns the public key in one of the usual forms, nil if it is none.
func parseDER(der []byte) any {
	if key, err := x509.ParsePKIXPublicKey(der); err == nil {
		return key
	}
	if key, err := x509.ParsePKCS1PublicKey(der); err == nil {
		return key
	}
	if certificate, err := x509.ParseCertificate(der); err == nil {
		return certificate.PublicKey
	}
	return nil
}

// parseKeySet reads a JSON Web Key Set, or a single key. The library reads the keys
// themselves; it does not fetch them, since what it fetches has no bound of bytes,
// is wanted at the start, and may hold secrets. Keys that are of no use
// here are left out, as RFC 7517, section 5, asks. Secrets are read from files
// only: a set that others can fetch has none.
func parseKeySet(data []byte, secrets bool) (*keySet, error) {
	var set struct {
		Keys []jwkset.JWKMarshal `json:"keys"`
		KTY  string              `json:"kty"`
	}
	if err := json.Unmarshal(data, &set); err != nil {
		return nil, fmt.Errorf("not a JSON Web Key Set: %w", err)
	}
	if set.KTY != "" && set.Keys == nil {
		var one jwkset.JWKMarshal
		if err := json.Unmarshal(data, &one); err != nil {
			return nil, fmt.Errorf("not a JSON Web Key: %w", err)
		}
		set.Keys = []jwkset.JWKMarshal{one}
	}
	if len(set.Keys) > maxSetKeys {
		return nil, fmt.Errorf("the set has %d keys, more than %d", len(set.Keys), maxSetKeys)
	}
	var usable []jwkset.JWK
	for _, m := range set.Keys {
		if (m.USE != "" && m.USE != jwkset.UseSig) || (m.KTY == jwkset.KtyOct && !secrets) {
			continue
		}
		m.X5U, m.D = "", "" // nothing else is fetched, and no private key is needed
		key, err := jwkset.NewJWKFromMarshal(m, jwkset.JWKMarshalOptions{Private: m.KTY == jwkset.KtyOct}, jwkset.JWKValidateOptions{SkipAll: true})
		if err != nil || algorithmsOf(key.Key()) == nil {
			continue
		}
		usable = append(usable, key)
	}
	if len(usable) == 0 {
		return nil, fmt.Errorf("none of the %d keys in the set can be used", len(set.Keys))
	}
	return &keySet{all: usable}, nil
}
