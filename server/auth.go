package server

import (
	"cmp"
	"errors"
	"log/slog"
	"net/http"
	"net/url"
	"time"

	"s3imageserver/server/config"
)

// An authorizer decides whether a request is answered. The error wraps
// errVerification if it is not, or errNoKeys if that cannot be said now. It must be safe for concurrent use.
type authorizer interface {
	authorize(r *http.Request, u asked) (grant, error)
}

// What is asked for, as far as it proves something.
type asked interface {
	// Parameters are all of the query.
	Parameters() url.Values
	// Canonical returns what a signature is of, for the handler of that prefix.
	Canonical(prefix string) []byte
}

var errVerification = errors.New("verification failed")

// A grant is what is known of a request that is let in.
type grant struct {
	by       string    // what let it in, in words
	signed   bool      // the URL has a signature that is right
	operator bool      // the request came on the listener for operators
	private  bool      // the answer is for this client alone
	expires  time.Time // when it ends; zero: never
	client   string    // whom it was made for; "": not known
	vary     []string  // headers of the request that it was in
	policy   *policy   // what may be asked for; nil: everything
}

// and returns the grant of a request that has both.
func (g grant) and(other grant) grant {
	switch {
	case g.by == "":
		g.by = other.by
	case other.by != "":
		g.by += ", " + other.by
	}
	g.signed = g.signed || other.signed
	g.operator = g.operator || other.operator
	g.private = g.private || other.private
	if g.expires.IsZero() || !other.expires.IsZero() && other.expires.Before(g.expires) {
		g.expires = other.expires
	}
	g.client = cmp.Or(g.client, other.client)
	g.vary = append(g.vary, other.vary...)
	if g.policy == nil {
		g.policy = other.policy
	}
	return g
}

// verifier asks the function of a library user about the token.
type verifier func(token string) bool

// authorize implements [authorizer].
func (v verifier) authorize(_ *http.Request, u asked) (grant, error) {
	if !v(u.Parameters().Get(config.TokenParam)) {
		return grant{}, errVerification
	}
	return grant{by: "the program's function", private: true}, nil
}

// A door is who has to agree to a request: always, all of must; of one of, at
// least one.
type door struct {
	must  []authorizer
	oneOf []authorizer
}

// newDoor returns the door of a handler. verify is the function of a library
// user, nil if there is none; signed says that the URLs of the handler have
// signatures of a dialect, and none of ours. share is that of [newKeyrings].
func newDoor(all *config.Config, h *config.HandlerConfig, verify func(token string) bool, signed bool, log *slog.Logger, share func(name string, open func() *keyring) *keyring) (d door, err error) {
	if verify != nil {
		d.must = append(d.must, verifier(verify))
	}
	c := h.Auth
	if c == nil {
		return d, nil
	}
	if c.HMAC != nil && !signed {
		d.oneOf = append(d.oneOf, &signatures{h.Prefix, c.HMAC})
	}
	if c.JWT != nil {
		keys, err := newKeyrings(all, c.JWT, log, share)
		if err != nil {
			return d, err
		}
		d.oneOf = append(d.oneOf, newTokens(c.JWT, keys))
	}
	if c.Require == "all" {
		d.must, d.oneOf = append(d.must, d.oneOf...), nil
	}
	return d, nil
}

// open reports whether everybody is let in.
func (d *door) open() bool { return len(d.must)+len(d.oneOf) == 0 }

// authorize asks those who have to agree.
func (d *door) authorize(r *http.Request, u asked) (grant, error) {
	var g grant
	for _, a := range d.must {
		found, err := a.authorize(r, u)
		if err != nil {
			return g, err
		}
		g = g.and(found)
	}
	if len(d.oneOf) == 0 {
		return g, nil
	}
	var reasons []error
	for _, a := range d.oneOf {
		found, err := a.authorize(r, u)
		if err == nil {
			return g.and(found), nil
		}
		if errors.Is(err, errNoKeys) {
			return g, err // and not that the others do not let it in
		}
		reasons = append(reasons, err)
	}
	return g, errors.Join(reasons...)
}
