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
	config  *HMACConfig
}

// signatureLength is the length of a value of sig: 32 bytes in base64url.
const signatureLength = 43

// authorize implements [authorizer].
func (s *signatures) authorize(_ *http.Request, req *request) (grant, error) {
	given, err := s.given(req.query)
	if err != nil {
		return grant{}, err
	}
	expires, err := s.expiry(req.query, time.Now())
	if err != nil {
		return grant{}, err
	}
	text := req.canonical(s.handler)
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

// sign returns the query of a URL of our own that a request leads to. Without
// signed URLs it is the query as it is.
//
// It is signed only for who could have signed it: the request has a signature
// itself, or is an operator's. It ends when the grant of the request does, that of
// an operator like all that the playground signs. A token has proofs of its own:
// a signature would outlive it, and say nothing of its claims, so that the client
// shows the token again.
func (h *Handler) sign(req *request, query url.Values) string {
	if h.config.Auth == nil || h.config.Auth.HMAC == nil {
		return query.Encode()
	}
	query.Del(config.SignatureParam)
	query.Del(config.ExpiryParam)
	end := req.grant.expires
	switch {
	case req.grant.operator:
		end = time.Now().Add(operatorsTime)
	case !req.grant.signed:
		return query.Encode()
	}
	if !end.IsZero() {
		query.Set(config.ExpiryParam, strconv.FormatInt(h.config.Auth.HMAC.Soonest(end).Unix(), 10))
	}
	return config.SignQuery([]byte(h.config.Auth.HMAC.Keys[0].Secret), h.config.Prefix, req.name, query)
}

// operatorsTime is how long a URL holds that is signed for an operator.
const operatorsTime = time.Hour
