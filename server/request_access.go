package server

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"time"

	"s3imageserver/resize"
	"s3imageserver/server/access"
	"s3imageserver/server/config"
)

// admit authorizes a request, and narrows it to what its token allows. Only authorized
// clients learn that a picture is blocked.
func (h *Handler) admit(r *http.Request, req *request) (err error) {
	if err := h.admitPicture(r, req); err != nil {
		return err
	}
	if t := req.trace; t != nil && !t.operator && !req.grant.Signed {
		return fmt.Errorf("%w: explain is for operators and signed URLs", access.ErrVerification)
	}
	return nil
}

func (h *Handler) admitPicture(r *http.Request, req *request) (err error) {
	if byOperator(r) {
		req.grant = access.Grant{By: "the listener for operators", Operator: true, Private: true}
		return nil
	}
	if err := h.bounds.checkReferer(r); err != nil {
		return err
	}
	if req.grant, err = h.authorizer.Authorize(r, req); err != nil {
		return err
	}
	if req.foreign != nil {
		req.grant = req.grant.And(access.Grant{By: "the dialect", Expires: req.foreign.Delivery.Expires})
	}
	if err := h.rates.AllowToken(req.grant.Client); err != nil {
		return err
	}
	if err := h.bounds.refuse(req.name, h.log); err != nil {
		return err
	}
	if p := req.grant.Policy; p != nil {
		err = h.applyPolicy(p, req)
		req.trace.passed("claim img", req.options)
	}
	return err
}

// challenge sets WWW-Authenticate of a 401 (RFC 9110, section 11.6.1).
func challenge(header http.Header, status int) {
	if status == http.StatusUnauthorized {
		header.Set("WWW-Authenticate", "Bearer")
	}
}

// sign returns the query of a URL of our own that a request leads to. Without
// signed URLs it is the query as it is.
//
// It is signed only for who could have signed it: the request has a signature
// itself, or is an operator's. It ends when the grant of the request does, that of
// an operator like all that the playground signs. A token has proofs of its own:
// a signature would outlive it, and say nothing of its claims, so that the client
// shows the token again.
func (h *reader) sign(req *request, query url.Values) string {
	if h.config.Auth == nil || h.config.Auth.HMAC == nil {
		return query.Encode()
	}
	query.Del(config.SignatureParam)
	query.Del(config.ExpiryParam)
	end := req.grant.Expires
	switch {
	case req.grant.Operator:
		end = time.Now().Add(operatorsTime)
	case !req.grant.Signed:
		return query.Encode()
	}
	if !end.IsZero() {
		query.Set(config.ExpiryParam, strconv.FormatInt(h.config.Auth.HMAC.Soonest(end).Unix(), 10))
	}
	return config.SignQuery([]byte(h.config.Auth.HMAC.Keys[0].Secret), h.config.Prefix, req.name, query)
}

// operatorsTime is how long a URL that is signed for an operator is valid.
const operatorsTime = time.Hour

// applyPolicy narrows a request to what the claims of its token allow. If that is not
// possible, the error wraps errVerification.
func (h *reader) applyPolicy(p *access.Policy, req *request) error {
	if err := p.AllowsName(req.name); err != nil {
		return err
	}
	if p.Presets != nil {
		if req.foreign != nil {
			return fmt.Errorf("%w: the token is for presets, which URLs of a dialect do not name", access.ErrVerification)
		}
		req.options = req.unhinted // hints are no presets
		if err := p.AllowsPresets(req.query, req.info != nil); err != nil {
			return err
		}
	}
	if p.MaxW > 0 {
		for i := range req.widths {
			req.widths[i] = min(req.widths[i], p.MaxW)
		}
		req.widths = slices.Compact(req.widths) // they are sorted
	}
	o, err := h.narrow(p, req.options)
	if err == nil {
		req.options = o
	}
	return err
}

// narrow returns the options narrowed by a policy.
func (h *reader) narrow(p *access.Policy, o resize.Options) (resize.Options, error) {
	return p.Narrow(o, h.config.MaxDimension, h.overlays.Has)
}
