package server

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

// signatures lets in who has a signed URL.
type signatures struct {
	handler string // prefix
	config  *config.HMACConfig
}

// signatureLength is the length of a value of sig: 32 bytes in base64url.
const signatureLength = 43

// authorize implements [authorizer].
func (s *signatures) authorize(_ *http.Request, u asked) (grant, error) {
	given, err := s.given(u.Parameters())
	if err != nil {
		return grant{}, err
	}
	expires, err := s.expiry(u.Parameters(), time.Now())
	if err != nil {
		return grant{}, err
	}
	text := u.Canonical(s.handler)
	for i := range s.config.Keys {
		k := &s.config.Keys[i]
		if hmac.Equal(given, config.MAC([]byte(k.Secret), text)) {
			return grant{by: "signature, key " + strconv.Quote(k.ID), signed: true, expires: expires}, nil
		}
	}
	return grant{}, fmt.Errorf("%w: no key has made this signature", errVerification)
}

// given returns the bytes of the signature in a query.
func (s *signatures) given(query url.Values) ([]byte, error) {
	if p := config.Repeated(query); p != "" {
		return nil, fmt.Errorf("%w: the parameter %s is there twice", errVerification, p)
	}
	text := query.Get(config.SignatureParam)
	if text == "" {
		return nil, fmt.Errorf("%w: no signature", errVerification)
	}
	// Of several spellings of the same bytes only one is right.
	given, err := base64.RawURLEncoding.Strict().DecodeString(text)
	if err != nil || len(text) != signatureLength {
		return nil, fmt.Errorf("%w: sig is not 32 bytes in base64url without padding", errVerification)
	}
	return given, nil
}

// expiry returns when a URL ends, the zero time if it never does. One that has
// ended is an error.
func (s *signatures) expiry(query url.Values, now time.Time) (time.Time, error) {
	text, given := query.Get(config.ExpiryParam), query.Has(config.ExpiryParam)
	if !given {
		if s.config.RequireExp {
			return time.Time{}, fmt.Errorf("%w: the URL has no exp", errVerification)
		}
		return time.Time{}, nil
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || n <= 0 || n > latestExpiry {
		return time.Time{}, fmt.Errorf("%w: exp is not a time in Unix seconds", errVerification)
	}
	expires := time.Unix(n, 0)
	if !now.Before(expires) {
		return time.Time{}, fmt.Errorf("%w: the URL ended at %s", errVerification, expires.UTC().Format(time.RFC3339))
	}
	if most := s.config.MaxLifetime; most > 0 && expires.Sub(now) > config.Seconds(most) {
		return time.Time{}, fmt.Errorf("%w: exp is more than max_lifetime away", errVerification)
	}
	return expires, nil
}

// latestExpiry is the last second of the year 9999.
const latestExpiry = 253402300799
