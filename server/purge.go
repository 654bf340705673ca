package server

import (
	"context"
	"crypto/subtle"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"s3imageserver/storage"
	"s3imageserver/storage/cache"
)

// authorized reports whether a request shows the token of the operators. It is
// false without one.
func (a *AdminConfig) authorized(r *http.Request) bool {
	return a.Token != "" && showsBearer(r, a.Token)
}

// showsBearer reports whether a request has that token in Authorization.
func showsBearer(r *http.Request, token Secret) bool {
	scheme, shown, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	return strings.EqualFold(scheme, "Bearer") && subtle.ConstantTimeCompare([]byte(strings.TrimSpace(shown)), []byte(token)) == 1
}

// A PurgeRequest says what is to go: one of URL, Name, Prefix and All.
type PurgeRequest struct {
	// URL is that of a picture, whole or from the path on: only this variant
	// goes, or all of the source where the format depends on Accept.
	URL string `json:"url,omitempty"`
	// Handler is the prefix of the handler that Name, Prefix and All are about.
	Handler string `json:"handler,omitempty"`
	Name    string `json:"name,omitempty"`   // of a source: all its variants
	Prefix  string `json:"prefix,omitempty"` // of names
	All     bool   `json:"all,omitempty"`
}

var errPurge = errors.New("not a purge")

// Purge removes pictures from every tier, and tells the machines that share
// one. The error wraps errPurge if the request makes no sense.
func (s *Server) Purge(ctx context.Context, p PurgeRequest) error {
	given := 0
	for _, is := range []bool{p.URL != "", p.Name != "", p.Prefix != "", p.All} {
		if is {
			given++
		}
	}
	if given != 1 {
		return fmt.Errorf("%w: it needs one of url, name, prefix and all", errPurge)
	}
	if p.URL != "" {
		return s.purgeURL(ctx, p.URL)
	}
	h := s.handler(p.Handler)
	if h == nil {
		return fmt.Errorf("%w: there is no handler %q", errPurge, p.Handler)
	}
	switch {
	case p.All:
		return h.purge(ctx, cache.Purge{Group: h.id, Prefix: true})
	case p.Prefix != "":
		return h.purge(ctx, cache.Purge{Group: h.id, Name: p.Prefix, Prefix: true})
	case !storage.ValidName(p.Name):
		return fmt.Errorf("%w: %q is not a name", errPurge, p.Name)
	}
	return h.purge(ctx, cache.Purge{Group: h.id, Name: p.Name})
}

func (h *Handler) purge(ctx context.Context, p ...cache.Purge) error {
	for _, same := range h.parts.handlersOf(h.id) {
		if err := same.cache.Purge(ctx, p...); err != nil {
			return fmt.Errorf("purge: %w", err)
		}
	}
	return nil
}

// handler returns the handler of a prefix, nil if there is none.
func (s *Server) handler(prefix string) *Handler {
	for _, h := range s.handlers {
		if h.config.Prefix == strings.Trim(prefix, "/") {
			return h
		}
	}
	return nil
}

// purgeURL purges what a URL asks for.
func (s *Server) purgeURL(ctx context.Context, text string) error {
	u, err := url.Parse(text)
	if err != nil {
		return fmt.Errorf("%w: %w", errPurge, err)
	}
	u.Scheme, u.Host = "", ""
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), nil)
	if err != nil {
		return fmt.Errorf("%w: %w", errPurge, err)
	}
	h := s.handlerOf(r)
	if h == nil {
		return fmt.Errorf("%w: no handler answers %q", errPurge, text)
	}
	req, err := h.parse(r)
	if err != nil && !errors.Is(err, errExtension) {
		return fmt.Errorf("%w: %w", errPurge, err)
	}
	return h.purgeVariant(ctx, req)
}

// purgeVariant purges what a request asks for: with a format that depends on
// the client, all variants of the source.
func (h *Handler) purgeVariant(ctx context.Context, req request) error {
	p := cache.Purge{Group: h.id, Name: req.name}
	if !req.negotiated {
		p.Variant = h.key(req).Variant
	}
	return h.purge(ctx, p)
}
