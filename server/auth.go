package server

import (
	"cmp"
	"errors"
	"fmt"
	"net/http"
	"time"

	"s3imageserver/server/config"
)

// An authorizer decides whether a request is answered. The error wraps
// errVerification if it is not, or errNoKeys if that cannot be said now. It must be safe for concurrent use.
type authorizer interface {
	authorize(r *http.Request, req *request) (grant, error)
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
func (v verifier) authorize(_ *http.Request, req *request) (grant, error) {
	if !v(req.query.Get(config.TokenParam)) {
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

// newDoor returns the door of a handler.
func (h *Handler) newDoor(s *Server, o Options) (d door, err error) {
	if o.Verify != nil {
		d.must = append(d.must, verifier(o.Verify))
	}
	c := h.config.Auth
	if c == nil {
		return d, nil
	}
	if c.HMAC != nil && (h.dialect == nil || !h.dialect.Signed()) { // it has signatures of its own
		d.oneOf = append(d.oneOf, &signatures{h.config.Prefix, c.HMAC})
	}
	if c.JWT != nil {
		keys, err := newKeyrings(s.config, c.JWT, s.log, s.sharedKeyring)
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
func (d *door) authorize(r *http.Request, req *request) (grant, error) {
	var g grant
	for _, a := range d.must {
		found, err := a.authorize(r, req)
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
		found, err := a.authorize(r, req)
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

// admit asks whether a request is answered, and narrows it to what its token
// allows. What is blocked is told only to those who may ask.
func (h *Handler) admit(r *http.Request, req *request) (err error) {
	if err := h.admitPicture(r, req); err != nil {
		return err
	}
	if req.explain && !req.operator && !req.grant.signed {
		return fmt.Errorf("%w: explain is for operators and signed URLs", errVerification)
	}
	return nil
}

func (h *Handler) admitPicture(r *http.Request, req *request) (err error) {
	if byOperator(r) {
		req.grant = grant{by: "the listener for operators", operator: true, private: true}
		return nil
	}
	if err := h.bounds.checkReferer(r); err != nil {
		return err
	}
	if req.grant, err = h.door.authorize(r, req); err != nil {
		return err
	}
	if req.foreign != nil {
		req.grant = req.grant.and(grant{by: "the dialect", expires: req.foreign.Delivery.Expires})
	}
	if err := h.rates.allowToken(req.grant.client); err != nil {
		return err
	}
	if err := h.bounds.refuse(req.name, h.log); err != nil {
		return err
	}
	if p := req.grant.policy; p != nil {
		err = p.apply(h, req)
		req.step("claim img")
	}
	return err
}

// challenge says how to get in (RFC 9110, section 11.6.1).
func (h *Handler) challenge(header http.Header, status int) {
	if status == http.StatusUnauthorized {
		header.Set("WWW-Authenticate", "Bearer")
	}
}
