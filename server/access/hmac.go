package access

import (
	"crypto/hmac"
	"encoding/base64"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"s3imageserver/server/config"
)

// Signatures lets in who has a signed URL.
type Signatures struct {
	handler string // prefix
	config  *config.HMACConfig
}

// SignatureLength is the length of a value of sig: 32 bytes in base64url.
const SignatureLength = 43

// NewSignatures returns who lets in signed URLs of the handler of that prefix.
func NewSignatures(prefix string, c *config.HMACConfig) *Signatures { return &Signatures{prefix, c} }

// Authorize implements [scheme].
func (s *Signatures) Authorize(_ *http.Request, u URL) (Grant, error) {
	given, err := s.given(u.Parameters())
	if err != nil {
		return Grant{}, err
	}
	expires, err := s.expiry(u.Parameters(), time.Now())
	if err != nil {
		return Grant{}, err
	}
	text := u.Canonical(s.handler)
	for i := range s.config.Keys {
		k := &s.config.Keys[i]
		if hmac.Equal(given, config.MAC([]byte(k.Secret), text)) {
			return Grant{By: "signature, key " + strconv.Quote(k.ID), Signed: true, Expires: expires}, nil
		}
	}
	return Grant{}, fmt.Errorf("%w: no key has made this signature", ErrVerification)
}

// given returns the bytes of the signature in a query.
func (s *Signatures) given(query url.Values) ([]byte, error) {
	if p := config.Repeated(query); p != "" {
		return nil, fmt.Errorf("%w: the parameter %s is there twice", ErrVerification, p)
	}
	text := query.Get(config.SignatureParam)
	if text == "" {
		return nil, fmt.Errorf("%w: no signature", ErrVerification)
	}
	// Of several spellings of the same bytes only one is right.
	given, err := base64.RawURLEncoding.Strict().DecodeString(text)
	if err != nil || len(text) != SignatureLength {
		return nil, fmt.Errorf("%w: sig is not 32 bytes in base64url without padding", ErrVerification)
	}
	return given, nil
}

// expiry returns when a URL ends, the zero time if it never does. One that has
// ended is an error.
func (s *Signatures) expiry(query url.Values, now time.Time) (time.Time, error) {
	text, given := query.Get(config.ExpiryParam), query.Has(config.ExpiryParam)
	if !given {
		if s.config.RequireExp {
			return time.Time{}, fmt.Errorf("%w: the URL has no exp", ErrVerification)
		}
		return time.Time{}, nil
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || n <= 0 || n > latestExpiry {
		return time.Time{}, fmt.Errorf("%w: exp is not a time in Unix seconds", ErrVerification)
	}
	expires := time.Unix(n, 0)
	if !now.Before(expires) {
		return time.Time{}, fmt.Errorf("%w: the URL ended at %s", ErrVerification, expires.UTC().Format(time.RFC3339))
	}
	if most := s.config.MaxLifetime; most > 0 && expires.Sub(now) > config.Seconds(most) {
		return time.Time{}, fmt.Errorf("%w: exp is more than max_lifetime away", ErrVerification)
	}
	return expires, nil
}

// latestExpiry is the last second of the year 9999.
const latestExpiry = 253402300799
