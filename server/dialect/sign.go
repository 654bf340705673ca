package dialect

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/md5" // of imgix, whose signatures are no other
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/subtle"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"strings"
)

// keys are what signatures are made with.
type keys struct {
	pairs   [][2][]byte // imgproxy: key and salt
	size    int
	trusted []string
	block   cipher.Block // of encrypted sources; nil: there are none

	hash     func() hash.Hash // thumbor and imagor
	secret   []byte
	truncate int
}

func newKeys(c *Settings) (*keys, error) {
	k := &keys{size: c.SignatureSize, trusted: c.TrustedSignatures, secret: []byte(c.Secret), truncate: c.SignerTruncate}
	if k.size == 0 {
		k.size = sha256.Size
	}
	for i, pair := range c.Keys {
		key, err := fromHex(fmt.Sprintf("keys.%d.key", i), pair.Key)
		if err != nil {
			return nil, err
		}
		salt, err := fromHex(fmt.Sprintf("keys.%d.salt", i), pair.Salt)
		if err != nil {
			return nil, err
		}
		k.pairs = append(k.pairs, [2][]byte{key, salt})
	}
	if c.SourceKey != "" {
		key, err := fromHex("source_key", c.SourceKey)
		if err != nil {
			return nil, err
		}
		if k.block, err = aes.NewCipher(key); err != nil {
			return nil, errors.New("source_key: is not 16, 24 or 32 bytes long")
		}
	}
	switch c.Signer {
	case "", "sha1":
		k.hash = sha1.New
	case "sha256":
		k.hash = sha256.New
	case "sha512":
		k.hash = sha512.New
	default:
		return nil, fmt.Errorf("signer: %q is not sha1, sha256 or sha512", c.Signer)
	}
	return k, nil
}

// equal compares in a time that tells nothing of where two texts differ.
func equal(a, b string) bool { return subtle.ConstantTimeCompare([]byte(a), []byte(b)) == 1 }

func hmacOf(hash func() hash.Hash, key []byte, text string) []byte {
	mac := hmac.New(hash, key)
	mac.Write([]byte(text))
	return mac.Sum(nil)
}

// imgproxy reports whether one of the keys has signed a path.
func (k *keys) imgproxy(signature, path string) bool {
	ok := false
	for _, t := range k.trusted {
		ok = equal(signature, t) || ok
	}
	for _, pair := range k.pairs {
		sum := hmacOf(sha256.New, pair[0], string(pair[1])+path)
		ok = equal(signature, base64.RawURLEncoding.EncodeToString(sum[:k.size])) || ok
	}
	return ok
}

// thumbor reports whether the secret has signed a path, which begins with no
// slash.
func (k *keys) thumbor(signature, path string) bool {
	if len(k.secret) == 0 {
		return false
	}
	return equal(signature, k.thumborSum(path))
}

func (k *keys) thumborSum(path string) string {
	sum := base64.URLEncoding.EncodeToString(hmacOf(k.hash, k.secret, path))
	if k.truncate > 0 && k.truncate < len(sum) {
		sum = sum[:k.truncate]
	}
	return sum
}

// cloudflare reports whether the secret has signed a path and its query.
func (k *keys) cloudflare(signature, path string) bool {
	return equal(signature, hex.EncodeToString(hmacOf(sha256.New, k.secret, path)))
}

// imgixSigned reports whether a token has signed a path and what stands behind it.
func imgixSigned(token, signature, path string) bool {
	sum := md5.Sum([]byte(token + path))
	return equal(signature, hex.EncodeToString(sum[:]))
}

// decrypt returns the source that imgproxy's clients have encrypted: an
// initialisation vector and AES in CBC mode, padded as in PKCS #7.
func (k *keys) decrypt(text string) (string, bool) {
	b, err := base64.RawURLEncoding.DecodeString(strings.TrimRight(text, "="))
	if err != nil || k.block == nil || len(b) < 2*aes.BlockSize || len(b)%aes.BlockSize != 0 {
		return "", false
	}
	iv, b := b[:aes.BlockSize], b[aes.BlockSize:]
	cipher.NewCBCDecrypter(k.block, iv).CryptBlocks(b, b)
	n := int(b[len(b)-1])
	if n == 0 || n > aes.BlockSize {
		return "", false
	}
	for _, c := range b[len(b)-n:] {
		if int(c) != n {
			return "", false
		}
	}
	return string(b[:len(b)-n]), true
}
