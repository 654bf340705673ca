// Package access says who may ask a handler, and for what: signed URLs (HMAC),
// JSON Web Tokens, the keys of both, and what the claims of a token allow.
package access

import (
	"cmp"
	"errors"
	"log/slog"
	"net/http"
	"net/url"
	"time"

	"s3imageserver/server/config"
)

// A scheme decides whether a request is authorized. The error wraps ErrVerification if it
// is not, or ErrNoKeys if that cannot be decided now. It must be safe for concurrent use.
type scheme interface {
	Authorize(r *http.Request, u URL) (Grant, error)
}

// A URL is what is asked for, as far as it proves something.
type URL interface {
	// Parameters are all of the query.
	Parameters() url.Values
	// Canonical returns what a signature is of, for the handler of that prefix.
	Canonical(prefix string) []byte
}

// ErrVerification is the error of a request that is not authorized.
var ErrVerification = errors.New("verification failed")

// A Grant is what is known of a request that is authorized.
type Grant struct {
	By       string    // which scheme, in words
	Signed   bool      // the URL has a signature that is right
	Operator bool      // the request came on the listener for operators
	Private  bool      // the answer is for this client alone
	Expires  time.Time // when it ends; zero: never
	Client   string    // whom it was made for; "": not known
	Vary     []string  // headers of the request that it depends on
	Policy   *Policy   // what may be asked for; nil: everything
}

// And returns the grant of a request that has both.
func (g Grant) And(other Grant) Grant {
	switch {
	case g.By == "":
		g.By = other.By
	case other.By != "":
		g.By += ", " + other.By
	}
	g.Signed = g.Signed || other.Signed
	g.Operator = g.Operator || other.Operator
	g.Private = g.Private || other.Private
	if g.Expires.IsZero() || !other.Expires.IsZero() && other.Expires.Before(g.Expires) {
		g.Expires = other.Expires
	}
	g.Client = cmp.Or(g.Client, other.Client)
	g.Vary = append(g.Vary, other.Vary...)
	if g.Policy == nil {
		g.Policy = other.Policy
	}
	return g
}

// verifier asks the function of a library user about the token.
type verifier func(token string) bool

// Authorize implements [scheme].
func (v verifier) Authorize(_ *http.Request, u URL) (Grant, error) {
	if !v(u.Parameters().Get(config.TokenParam)) {
		return Grant{}, ErrVerification
	}
	return Grant{By: "the program's function", Private: true}, nil
}

// An Authorizer decides by several schemes whether a request is authorized: all of must
// have to agree, and at least one of oneOf, if there are any. It is safe for concurrent
// use.
type Authorizer struct {
	must  []scheme
	oneOf []scheme
}

// NewAuthorizer returns the authorizer of a handler. verify is the function of a library
// user, nil if there is none; signed says that the URLs of the handler have signatures of a
// dialect, and none of ours. share is that of [NewKeyrings].
func NewAuthorizer(all *config.Config, h *config.HandlerConfig, verify func(token string) bool, signed bool, log *slog.Logger, share func(name string, open func() *Keyring) *Keyring) (a Authorizer, err error) {
	if verify != nil {
		a.must = append(a.must, verifier(verify))
	}
	c := h.Auth
	if c == nil {
		return a, nil
	}
	if c.HMAC != nil && !signed {
		a.oneOf = append(a.oneOf, NewSignatures(h.Prefix, c.HMAC))
	}
	if c.JWT != nil {
		keys, err := NewKeyrings(all, c.JWT, log, share)
		if err != nil {
			return a, err
		}
		a.oneOf = append(a.oneOf, newTokens(c.JWT, keys))
	}
	if c.Require == "all" {
		a.must, a.oneOf = append(a.must, a.oneOf...), nil
	}
	return a, nil
}

// Public reports whether every request is authorized.
func (a *Authorizer) Public() bool { return len(a.must)+len(a.oneOf) == 0 }

// Authorize asks the schemes. The error is that of [ErrVerification] or [ErrNoKeys].
func (a *Authorizer) Authorize(r *http.Request, u URL) (Grant, error) {
	var g Grant
	for _, s := range a.must {
		found, err := s.Authorize(r, u)
		if err != nil {
			return g, err
		}
		g = g.And(found)
	}
	if len(a.oneOf) == 0 {
		return g, nil
	}
	var reasons []error
	for _, s := range a.oneOf {
		found, err := s.Authorize(r, u)
		if err == nil {
			return g.And(found), nil
		}
		if errors.Is(err, ErrNoKeys) {
			return g, err // and not the refusals of the others
		}
		reasons = append(reasons, err)
	}
	return g, errors.Join(reasons...)
}
