package server

import (
	"cmp"
	"context"
	"crypto/subtle"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"s3imageserver/server/config"
	"s3imageserver/server/dialect"
	"s3imageserver/storage"
	"s3imageserver/storage/cache"
)

// authorized reports whether a request has the token of the operators (admin.token). It is
// false if there is none.
func authorized(a *AdminConfig, r *http.Request) bool {
	return a.Token != "" && showsBearer(r, a.Token)
}

// showsBearer reports whether a request has the token in Authorization: Bearer.
func showsBearer(r *http.Request, token Secret) bool {
	scheme, shown, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	return strings.EqualFold(scheme, "Bearer") && subtle.ConstantTimeCompare([]byte(strings.TrimSpace(shown)), []byte(token)) == 1
}

// A PurgeRequest says what to purge: one of URL, Name, Prefix and All.
type PurgeRequest struct {
	// URL is that of a picture, whole or from the path on: its source goes, as by
	// Name.
	URL string `json:"url,omitempty"`
	// Handler is the prefix of the handler that Name, Prefix and All are about.
	Handler string `json:"handler,omitempty"`
	Name    string `json:"name,omitempty"`   // of a source: all that is made of it, of all its versions
	Prefix  string `json:"prefix,omitempty"` // of names
	All     bool   `json:"all,omitempty"`
}

// A PurgeAnswer is the JSON that answers a PurgeRequest.
type PurgeAnswer struct {
	Purged  PurgeRequest  `json:"purged"`
	Removed cache.Removed `json:"removed"`
}

// Removed says how many entries a purge removed, tier by tier.
type Removed = cache.Removed

var errPurge = errors.New("not a purge")

// Purge removes pictures from every tier, and tells the machines that share
// one; it returns what was removed here, and from the shared one. The error
// wraps errPurge if the request makes no sense.
func (s *Server) Purge(ctx context.Context, p PurgeRequest) (removed Removed, err error) {
	given := 0
	for _, is := range []bool{p.URL != "", p.Name != "", p.Prefix != "", p.All} {
		if is {
			given++
		}
	}
	if given != 1 {
		return removed, fmt.Errorf("%w: it needs one of url, name, prefix and all", errPurge)
	}
	if p.URL != "" {
		return s.purgeURL(ctx, p.URL)
	}
	h := s.handler(p.Handler)
	if h == nil {
		return removed, fmt.Errorf("%w: there is no handler %q", errPurge, p.Handler)
	}
	switch {
	case p.All:
		return h.purge(ctx, cache.Purge{Group: h.id, Prefix: true})
	case p.Prefix != "":
		return h.purge(ctx, cache.Purge{Group: h.id, Name: p.Prefix, Prefix: true})
	case !storage.ValidName(p.Name):
		return removed, fmt.Errorf("%w: %q is not a name", errPurge, p.Name)
	}
	return h.purgeName(ctx, p.Name)
}

// purge purges what the handler keeps, and those of other Servers that keep the
// same. It tries all of them; the error joins what was not done.
func (h *Handler) purge(ctx context.Context, p ...cache.Purge) (removed cache.Removed, err error) {
	var errs []error
	for _, same := range h.reused.handlersOf(h.id) {
		r, err := same.cache.Purge(ctx, p...)
		removed.Add(r)
		errs = append(errs, err)
	}
	if err := errors.Join(errs...); err != nil {
		return removed, fmt.Errorf("purge: %w", err)
	}
	return removed, nil
}

// purgeName purges the source of that name, with all that is made of it.
func (h *Handler) purgeName(ctx context.Context, name string) (cache.Removed, error) {
	return h.purge(ctx, cache.Purge{Group: h.id, Name: name})
}

// handler returns the handler of a prefix, nil if there is none.
func (s *Server) handler(prefix string) *Handler {
	prefix = cmp.Or(strings.Trim(prefix, "/"), prefix) // one may have the root of the site
	for _, h := range s.handlers {
		if h.config.Prefix == prefix {
			return h
		}
	}
	return nil
}

// purgeURL purges the source of what a URL asks for: the picture itself, details
// of it, or a list of its sizes.
func (s *Server) purgeURL(ctx context.Context, text string) (removed cache.Removed, err error) {
	u, err := url.Parse(text)
	if err != nil {
		return removed, fmt.Errorf("%w: %w", errPurge, err)
	}
	u.Scheme, u.Host = "", ""
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), nil)
	if err != nil {
		return removed, fmt.Errorf("%w: %w", errPurge, err)
	}
	h := s.handlerOf(r)
	if h == nil {
		return removed, fmt.Errorf("%w: no handler answers %q", errPurge, text)
	}
	if h.dialect != nil {
		return h.purgeForeign(ctx, r)
	}
	name, err := config.ObjectName(r.URL, h.config.Prefix)
	if err != nil {
		return removed, fmt.Errorf("%w: %w", errPurge, err)
	}
	return h.purgeName(ctx, name)
}

// purgeForeign is purgeURL for a URL of a dialect: whatever it asks for of a
// picture, all that is made of that goes. A link may be over.
func (h *Handler) purgeForeign(ctx context.Context, r *http.Request) (removed cache.Removed, err error) {
	parsed, err := h.dialect.Parse(dialect.Call{Path: "/" + strings.TrimPrefix(rawPath(r), h.config.Route()), Query: r.URL.RawQuery, Now: time.Unix(0, 0)})
	if err != nil {
		return removed, fmt.Errorf("%w: %w", errPurge, err)
	}
	if !storage.ValidName(parsed.Source.Name) {
		return removed, fmt.Errorf("%w: %q is not a name", errPurge, parsed.Source.Name)
	}
	return h.purgeName(ctx, parsed.Source.Name)
}
