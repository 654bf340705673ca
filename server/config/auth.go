package config

import (
	"net"
	"net/http"
	"net/url"
	"strconv"
	"time"
)

// AuthConfig says who is answered. Where several schemes are given, either
// suffices.
type AuthConfig struct {
	// HMAC accepts signed URLs.
	HMAC *HMACConfig `json:"hmac"`
	// JWT accepts JSON Web Tokens.
	JWT *JWTConfig `json:"jwt"`
	// Require is "any": one of several schemes is enough; or "all": all of them are
	// required. Empty means "any".
	Require string `json:"require"`
	// Open accepts all requests, although the server requires authentication.
	Open bool `json:"open"`
}

// HMACConfig is the scheme of signed URLs.
type HMACConfig struct {
	// Keys are all tried; the first one signs the URLs that the server makes.
	Keys []SigningKey `json:"keys"`
	// RequireExp refuses URLs without "exp".
	RequireExp bool `json:"require_exp"`
	// MaxLifetime refuses URLs whose "exp" is more than this many seconds away; 0 means
	// any.
	MaxLifetime int64 `json:"max_lifetime"`
}

// A SigningKey is one secret that signs URLs.
type SigningKey struct {
	// ID is a name of the key for operators; it is not part of URLs.
	ID string `json:"id"`
	// Secret is the key, at least 16 bytes; all are tried, the first one signs what
	// the server signs.
	Secret Secret `json:"secret"`
}

// JWTConfig is the scheme of JSON Web Tokens, in the parameter t, as
// "Authorization: Bearer" or in a cookie. A token may be signed with a key from any
// of Key, KeyFile and JWKSURL, of which at least one is given.
type JWTConfig struct {
	// KeyFile holds a public key or a certificate (PEM), a JSON Web Key Set, or a
	// secret of at least 16 bytes; it is read again when it changes.
	KeyFile string `json:"key_file"`
	// Key is the content of such a file, as "${NAME}".
	Key Secret `json:"key"`
	// JWKSURL is the URL of a JSON Web Key Set, with https; fetched every 15
	// minutes, and sooner for a key that is not in it. Redirects to other hosts are
	// not followed.
	JWKSURL string `json:"jwks_url"`
	// Issuer is the required claim "iss"; empty means any.
	Issuer string `json:"issuer"`
	// Audience is the required claim "aud", or one of its values; empty means any.
	Audience string `json:"audience"`
	// Leeway is how many seconds clocks may differ, at most 60; absent means 60.
	Leeway *int `json:"leeway"`
	// RequireExp refuses tokens without "exp", or with "exp" 0; absent means true.
	RequireExp *bool `json:"require_exp"`
	// MaxLifetime refuses tokens that are valid for more than this many seconds, from
	// "iat" or else from now; 0 means any.
	MaxLifetime int64 `json:"max_lifetime"`
	// Cookie is the name of a cookie that may contain the token; empty means none.
	Cookie string `json:"cookie"`
}

const maxLeeway = 60 // seconds

func (c *JWTConfig) validate(key string, faults *Faults) {
	if c.KeyFile == "" && c.Key == "" && c.JWKSURL == "" {
		faults.Add(key, "needs one of key_file, key and jwks_url")
	}
	if c.JWKSURL != "" {
		if u, err := url.Parse(c.JWKSURL); err != nil || !SafeKeysURL(u) {
			faults.Add(key+".jwks_url", "%q is no URL with https, without a user and a password", withoutPassword(c.JWKSURL))
		}
	}
	if c.Leeway == nil {
		c.Leeway = new(maxLeeway)
	}
	if *c.Leeway < 0 || *c.Leeway > maxLeeway {
		faults.Add(key+".leeway", "%d is not between 0 and %d seconds", *c.Leeway, maxLeeway)
	}
	if c.RequireExp == nil {
		c.RequireExp = new(true)
	}
	if c.MaxLifetime < 0 {
		faults.Add(key+".max_lifetime", "%d is negative", c.MaxLifetime)
	}
	if c.Cookie != "" && (&http.Cookie{Name: c.Cookie, Value: "x"}).Valid() != nil {
		faults.Add(key+".cookie", "%q is not the name of a cookie", c.Cookie)
	}
}

// LeastSecret is how many bytes a key of a signature has at least.
const LeastSecret = 16

// key returns the key of that id, the first one if it is empty, nil if there is
// none.
func (c *HMACConfig) key(id string) *SigningKey {
	for i := range c.Keys {
		if id == "" || c.Keys[i].ID == id {
			return &c.Keys[i]
		}
	}
	return nil
}

func (c *HMACConfig) validate(key string, faults *Faults) {
	if len(c.Keys) == 0 {
		faults.Add(key+".keys", "there is none: no URL could be signed")
	}
	if c.MaxLifetime < 0 {
		faults.Add(key+".max_lifetime", "%d is negative", c.MaxLifetime)
	}
	seen := map[string]bool{}
	for i, k := range c.Keys {
		at := key + ".keys." + strconv.Itoa(i)
		switch {
		case k.ID == "":
			faults.Add(at+".id", "is missing")
		case seen[k.ID]:
			faults.Add(at+".id", "%q is the id of another key too", k.ID)
		}
		seen[k.ID] = true
		if len(k.Secret) < LeastSecret {
			faults.Add(at+".secret", "is shorter than %d bytes", LeastSecret)
		}
	}
}

func (c *AuthConfig) validate(key string, faults *Faults) {
	schemes := 0
	if c.HMAC != nil {
		schemes++
		c.HMAC.validate(key+".hmac", faults)
	}
	if c.JWT != nil {
		schemes++
		c.JWT.validate(key+".jwt", faults)
	}
	switch {
	case c.Open && schemes > 0:
		faults.Add(key+".open", "accepts all requests, so it excludes every scheme")
	case !c.Open && schemes == 0:
		faults.Add(key, "names no scheme; to accept all requests set \"open\": true")
	}
	if c.Require != "" && c.Require != "any" && c.Require != "all" {
		faults.Add(key+".require", "%q is neither any nor all", c.Require)
	}
}

// validateAuth gives handlers what the server has for all, and checks both.
func (c *Config) validateAuth(faults *Faults) {
	if c.Auth != nil {
		c.Auth.validate("auth", faults)
	}
	validateAuthStatus(c.AuthStatus, "auth_status", faults)
	for i := range c.Handlers {
		h := &c.Handlers[i]
		if h.Auth == nil {
			h.Auth = c.Auth
		} else if h.Auth != c.Auth {
			h.Auth.validate(HandlerKey(i)+".auth", faults)
		}
		if h.AuthStatus == 0 {
			h.AuthStatus = c.AuthStatus
		}
		validateAuthStatus(h.AuthStatus, HandlerKey(i)+".auth_status", faults)
	}
}

// AuthKey returns the key of the verification that a handler has.
func AuthKey(c *Config, i int) string {
	if c.Handlers[i].Auth == c.Auth {
		return "auth"
	}
	return HandlerKey(i) + ".auth"
}

func validateAuthStatus(s StatusCode, key string, faults *Faults) {
	switch s {
	case 0, 401, 403, 404:
	default:
		faults.Add(key, "is none of 401, 403 and 404")
	}
}

// SafeKeysURL reports whether nobody on the way can change what a URL answers,
// and it has no password, which would be in the log.
func SafeKeysURL(u *url.URL) bool {
	if u.User != nil {
		return false
	}
	if u.Scheme == "https" {
		return u.Host != ""
	}
	host := u.Hostname()
	return u.Scheme == "http" && (host == "localhost" || net.ParseIP(host).IsLoopback())
}

// Soonest returns end, or the latest time at which a URL may end if that is
// earlier.
func (c *HMACConfig) Soonest(end time.Time) time.Time {
	if c.MaxLifetime <= 0 || Seconds(c.MaxLifetime) == 0 {
		return end
	}
	if latest := time.Now().Add(Seconds(c.MaxLifetime)); latest.Before(end) {
		return latest
	}
	return end
}
