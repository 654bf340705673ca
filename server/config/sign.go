package config

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"

	"s3imageserver/resize"
)

// signed holds the parameters that a signature covers: all that are known, but
// for the signature itself and the token, which has a proof of its own.
var signed = func() map[string]bool {
	names := map[string]bool{}
	for _, p := range Params() {
		names[p.Name] = p.Name != SignatureParam && p.Name != TokenParam
	}
	for _, n := range longNames {
		names[n.long] = true // as it was sent
	}
	return names
}()

// KnownParam reports whether a URL may have a parameter of that name.
func KnownParam(name string) bool { _, known := signed[name]; return known }

// CanonicalURL returns what a signature is made of: the handler's prefix, the
// object's name, then name and value of each parameter in the order of their
// names, all as decoded text. Each of them is written as a netstring: its length
// in bytes as a decimal number, a colon, the bytes, a comma.
//
// Of params, those that are never signed or not known are left out, and the
// first value of each counts.
func CanonicalURL(handler, name string, params url.Values) []byte {
	b := make([]byte, 0, 256)
	b = appendNetstring(b, handler)
	b = appendNetstring(b, name)
	var store [MaxParameters]string
	names := store[:0]
	for p := range params {
		if signed[p] {
			names = append(names, p)
		}
	}
	slices.Sort(names)
	for _, p := range names {
		b = appendNetstring(b, p)
		b = appendNetstring(b, params.Get(p))
	}
	return b
}

func appendNetstring(b []byte, s string) []byte {
	b = strconv.AppendInt(b, int64(len(s)), 10)
	b = append(b, ':')
	b = append(b, s...)
	return append(b, ',')
}

// Sign returns the value of sig for a URL: the HMAC-SHA256 (RFC 2104) of its
// [CanonicalURL] in base64url without padding (RFC 4648, section 5).
func Sign(secret []byte, handler, name string, params url.Values) string {
	return base64.RawURLEncoding.EncodeToString(MAC(secret, CanonicalURL(handler, name, params)))
}

func MAC(secret, text []byte) []byte {
	mac := hmac.New(sha256.New, secret)
	mac.Write(text)
	return mac.Sum(nil)
}

// SignURL signs a URL, whole or from the path on, with the key of that id, or
// the first one if it is empty. It ends at expires; the zero value leaves its
// end as it is. A signature that it has is replaced.
func (c *Config) SignURL(text, id string, expires time.Time) (string, error) {
	u, err := url.Parse(text)
	if err != nil {
		return "", fmt.Errorf("sign: %w", err)
	}
	h := c.handlerOf(u)
	if h == nil {
		return "", fmt.Errorf("sign: no handler answers %q", u.Path)
	}
	if h.Auth == nil || h.Auth.HMAC == nil {
		return "", fmt.Errorf("sign: auth.hmac of handler %q has no keys", h.Prefix)
	}
	key := h.Auth.HMAC.key(id)
	if key == nil {
		return "", fmt.Errorf("sign: handler %q has no key %q", h.Prefix, id)
	}
	if h.Dialect != nil {
		return h.signForeign(u, key, expires)
	}
	name, err := ObjectName(u, h.Prefix)
	if err != nil {
		return "", fmt.Errorf("sign: %q: %w", u.Path, err)
	}
	query := resize.ParseQuery(strings.ReplaceAll(u.RawQuery, ";", "&"))
	if p := Repeated(query); p != "" {
		return "", fmt.Errorf("sign: the parameter %s is there twice", p)
	}
	if !expires.IsZero() {
		query.Set(ExpiryParam, strconv.FormatInt(expires.Unix(), 10))
	}
	if h.Auth.HMAC.RequireExp && !query.Has(ExpiryParam) {
		return "", errors.New("sign: the configuration requires an expiry: use -exp")
	}
	u.RawQuery = SignQuery([]byte(key.Secret), h.Prefix, name, query)
	return u.String(), nil
}

// Doubts returns what a signature does not mend about a URL, as sentences: an end that has
// passed, an extension that is not allowed, parameters that do not exist, cannot be read
// or are out of range. URLs of a dialect, and those that no handler answers, have none.
func (c *Config) Doubts(text string, now time.Time) (sentences []string) {
	u, err := url.Parse(text)
	if err != nil {
		return nil
	}
	h := c.handlerOf(u)
	if h == nil || h.Dialect != nil {
		return nil
	}
	query := ShortNames(resize.ParseQuery(strings.ReplaceAll(u.RawQuery, ";", "&")))
	if end, err := strconv.ParseInt(query.Get(ExpiryParam), 10, 64); err == nil && end <= now.Unix() {
		sentences = append(sentences, "the URL ended at "+time.Unix(end, 0).UTC().Format(time.RFC3339))
	}
	if name, err := ObjectName(u, h.Prefix); err == nil && !h.AllowsName(name) {
		sentences = append(sentences, fmt.Sprintf("%q is not in allowed_formats of handler %q", path.Ext(name), h.Prefix))
	}
	resize.ExplainOptions(query.Get, h.MaxDimension, func(n resize.Note) {
		if n.Verdict != resize.Used {
			sentences = append(sentences, n.String())
		}
	})
	return append(sentences, Unknown(query)...)
}

// SignQuery returns the query with its signature.
func SignQuery(secret []byte, handler, name string, query url.Values) string {
	query = maps.Clone(query)
	query.Set(SignatureParam, Sign(secret, handler, name, query))
	return query.Encode()
}

// Repeated returns a known parameter that a query has more than once, "" if
// there is none.
func Repeated(query url.Values) string {
	for p, values := range query {
		if KnownParam(p) && len(values) > 1 {
			return p
		}
	}
	return ""
}

// handlerOf returns the handler that answers a URL, nil if none does.
func (c *Config) handlerOf(u *url.URL) *HandlerConfig {
	var found *HandlerConfig
	for i := range c.Handlers {
		h := &c.Handlers[i]
		if strings.HasPrefix(u.EscapedPath(), h.Route()) && (found == nil || len(h.Route()) > len(found.Route())) {
			found = h
		}
	}
	return found
}
