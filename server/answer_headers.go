package server

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// fixedHeaders are the headers of all answers of a handler, made ready once.
type fixedHeaders struct {
	always    http.Header
	origins   []string // that scripts may be of; nil: there is no CORS, or it is for all
	cors      bool
	canonical string
}

func newFixedHeaders(c *HeadersConfig) fixedHeaders {
	m := fixedHeaders{cors: len(c.CORS) > 0, canonical: c.Canonical, always: http.Header{
		"X-Content-Type-Options":       {"nosniff"},
		"Content-Security-Policy":      {c.CSP},
		"Cross-Origin-Resource-Policy": {c.ResourcePolicy},
	}}
	if c.Robots != "" {
		m.always.Set("X-Robots-Tag", c.Robots)
	}
	switch {
	case !m.cors:
	case slices.Contains(c.CORS, "*"):
		m.always["Access-Control-Allow-Origin"] = []string{"*"}
		m.always["Timing-Allow-Origin"] = []string{"*"}
		m.always["Access-Control-Expose-Headers"] = exposed
	default:
		for _, origin := range c.CORS {
			m.origins = append(m.origins, originAsSent(origin))
		}
	}
	return m
}

// originAsSent returns an origin as browsers write it: in small letters, without
// the port of its scheme (RFC 6454, section 6).
func originAsSent(origin string) string {
	origin = strings.ToLower(origin)
	switch scheme, host, _ := strings.Cut(origin, "://"); scheme {
	case "http":
		return scheme + "://" + strings.TrimSuffix(host, ":80")
	case "https":
		return scheme + "://" + strings.TrimSuffix(host, ":443")
	}
	return origin
}

// exposed are the headers that scripts of other origins may read, beside those
// that browsers let them.
var exposed = []string{"ETag, Age, Cache-Status, Server-Timing, X-Request-Id"}

// set puts down what all answers have. Shared values are never changed.
func (m *fixedHeaders) set(header http.Header, r *http.Request) {
	for name, value := range m.always {
		header[name] = value
	}
	if m.origins == nil {
		return
	}
	header["Vary"] = []string{"Origin"} // first: others are added
	if origin := r.Header.Get("Origin"); origin != "" && slices.Contains(m.origins, origin) {
		header["Access-Control-Allow-Origin"] = []string{origin}
		header["Timing-Allow-Origin"] = []string{origin}
		header["Access-Control-Expose-Headers"] = exposed
	}
}

// link tells search engines which of all sizes and formats is the one.
func (m *fixedHeaders) link(header http.Header, name string) {
	if m.canonical != "" {
		header.Set("Link", "<"+m.canonical+(&url.URL{Path: name}).EscapedPath()+`>; rel="canonical"`)
	}
}

// methods are those that are answered.
func (m *fixedHeaders) methods() string {
	if m.cors {
		return allowedCORS
	}
	return allowed
}

// preflightAge is how long browsers remember the answer, in seconds.
const preflightAge = "86400"

// preflight answers a browser that asks before it asks, and reports whether it
// did: there is no answer without CORS.
func (m *fixedHeaders) preflight(w http.ResponseWriter, r *http.Request) bool {
	if r.Method != http.MethodOptions || !m.cors {
		return false
	}
	header := w.Header()
	header.Set("Allow", allowedCORS)
	header.Set("Cache-Control", "no-store")
	if header.Get("Access-Control-Allow-Origin") != "" {
		header.Set("Access-Control-Allow-Methods", allowed)
		header.Set("Access-Control-Allow-Headers", "Authorization, If-None-Match, If-Modified-Since, Range")
		header.Set("Access-Control-Max-Age", preflightAge)
	}
	w.WriteHeader(http.StatusNoContent)
	return true
}
