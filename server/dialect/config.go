package dialect

import (
	"encoding/hex"
	"errors"
	"fmt"
	"strconv"
)

// Settings is the block "dialect" of a handler.
type Settings struct {
	// Name is the server whose URLs are read: imgproxy, thumbor, imagor, nextjs,
	// cloudflare, iiif, imgix or weserv.
	Name string `json:"name"`
	// Unsigned accepts unsigned URLs in dialects that have signatures; absent means that
	// unsigned URLs are refused.
	Unsigned bool `json:"unsigned"`
	// SourceMap maps source URLs inside of URLs to objects of the handler. The first entry
	// whose From is a prefix of the source is used; an empty one is for names without a
	// scheme.
	SourceMap []Mapping `json:"source_map"`
	// Presets are named options in the dialect's own words, of imgproxy and, as
	// variants, of Cloudflare.
	Presets map[string]string `json:"presets"`
	// Lenient ignores unknown options where the other server refuses them.
	Lenient bool `json:"lenient"`

	// Keys are imgproxy's pairs of keys and salts; a signature with any of them is valid.
	Keys []KeyPair `json:"keys"`
	// SignatureSize is how many bytes imgproxy's signatures have; 0 means 32.
	SignatureSize int `json:"signature_size"`
	// TrustedSignatures are signatures that imgproxy's URLs may have without a check.
	TrustedSignatures []string `json:"trusted_signatures"`
	// SourceKey is the key of imgproxy's encrypted sources: 16, 24 or 32 bytes in
	// hexadecimal digits.
	SourceKey Secret `json:"source_key"`
	// OnlyPresets accepts only names of presets in imgproxy's URLs.
	OnlyPresets bool `json:"only_presets"`
	// ArgumentsSeparator separates the arguments of imgproxy's options; empty means ":".
	ArgumentsSeparator string `json:"arguments_separator"`
	// Base64URLIncludesFilename says that imgproxy's sources in base64 end with a
	// file name, which is ignored.
	Base64URLIncludesFilename bool `json:"base64_url_includes_filename"`

	// Secret is the key of thumbor and imagor, and of Cloudflare: with it all of
	// Cloudflare's URLs must be signed.
	Secret Secret `json:"secret"`
	// Signer is their hash: sha1, sha256 or sha512; empty means sha1.
	Signer string `json:"signer"`
	// SignerTruncate is how many letters their signatures have, 17 or more; 0 means
	// all.
	SignerTruncate int `json:"signer_truncate"`

	// Token is the secure URL token of imgix.
	Token Secret `json:"token"`

	// Sizes are the widths that Next.js may ask for; absent means its own
	// deviceSizes and imageSizes.
	Sizes []int `json:"sizes"`
	// Qualities are those that Next.js may ask for; absent means 75 only, as since
	// its version 16.
	Qualities []int `json:"qualities"`
	// Rights is the URL of the licence or the statement of rights that the
	// info.json of IIIF names.
	Rights string `json:"rights"`
}

// A Secret is a string that does not show itself when it is printed, logged or
// encoded.
type Secret string

func (s Secret) String() string {
	if s == "" {
		return ""
	}
	return "***"
}

// GoString keeps the secret out of %#v.
func (s Secret) GoString() string { return strconv.Quote(s.String()) }

// MarshalText keeps the secret out of JSON.
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText takes the text as the secret.
func (s *Secret) UnmarshalText(text []byte) error {
	*s = Secret(text)
	return nil
}

// A KeyPair is one of imgproxy's, in hexadecimal digits.
type KeyPair struct {
	// Key is the key.
	Key Secret `json:"key"`
	// Salt is prepended to what is signed.
	Salt Secret `json:"salt"`
}

// A Mapping says that a source which begins with From is the object that begins
// with To.
type Mapping struct {
	// From is the prefix of the source, as in "s3://bucket/".
	From string `json:"from"`
	// To is the prefix that replaces it; empty removes the prefix.
	To string `json:"to"`
}

const (
	maxPresetBytes = 4096
	maxKeys        = 32
	leastSignature = 17 // letters, of imagor
)

func (c *Settings) validate(r *row) error {
	switch {
	case r.signed && !c.Unsigned && !c.hasKeys():
		return fmt.Errorf("%s signs its URLs: give the key (%s), or say \"unsigned\": true to take URLs that nobody has signed", c.Name, keyNames[c.Name])
	case c.SignatureSize < 0 || c.SignatureSize > 32:
		return errors.New("signature_size: is not 1 to 32")
	case c.SignerTruncate != 0 && c.SignerTruncate < leastSignature:
		return fmt.Errorf("signer_truncate: is not %d or more: shorter signatures are not told from paths, and can be guessed", leastSignature)
	case len(c.Keys) > maxKeys:
		return fmt.Errorf("keys: are more than %d", maxKeys)
	}
	for name, text := range c.Presets {
		if len(text) > maxPresetBytes {
			return fmt.Errorf("presets.%s: is longer than %d bytes", name, maxPresetBytes)
		}
	}
	return nil
}

// keyNames are the keys of the configuration that signatures need.
var keyNames = map[string]string{"imgproxy": "keys", "thumbor": "secret", "imagor": "secret", "imgix": "token"}

func (c *Settings) hasKeys() bool {
	switch c.Name {
	case "imgproxy":
		return len(c.Keys) > 0 || len(c.TrustedSignatures) > 0
	case "imgix":
		return c.Token != ""
	}
	return c.Secret != ""
}

func fromHex(key string, text Secret) ([]byte, error) {
	b, err := hex.DecodeString(string(text))
	if err != nil || len(b) == 0 {
		return nil, fmt.Errorf("%s: is not in hexadecimal digits", key)
	}
	return b, nil
}
