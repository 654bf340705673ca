package server

import (
	"errors"
	"net/http"
)

// An Authorizer decides whether a request is answered. The error wraps
// errVerification if it is not. It must be safe for concurrent use.
type Authorizer interface {
	Authorize(r *http.Request) error
}

var errVerification = errors.New("verification failed")

// verifier asks the function of a library user about the token.
type verifier func(token string) bool

// Authorize implements [Authorizer].
func (v verifier) Authorize(r *http.Request) error {
	if !v(r.URL.Query().Get(tokenParam)) {
		return errVerification
	}
	return nil
}

// authorizers returns those that must all agree.
func authorizers(verify func(token string) bool) []Authorizer {
	if verify == nil {
		return nil
	}
	return []Authorizer{verifier(verify)}
}

func (h *Handler) authorize(r *http.Request) error {
	for _, a := range h.auth {
		if err := a.Authorize(r); err != nil {
			return err
		}
	}
	return nil
}
