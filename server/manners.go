package server

import (
	"cmp"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// HeadersConfig says what answers tell browsers and search engines beside the
// picture.
type HeadersConfig struct {
	// CORS are the origins whose scripts may read pictures, as in
	// `["https://example.com"]`, or `["*"]`; "OPTIONS" is answered then. Empty means
	// none.
	CORS []string `json:"cors"`
	// ResourcePolicy says whose pages may embed pictures: "cross-origin",
	// "same-site" or "same-origin"; empty means "cross-origin".
	ResourcePolicy string `json:"resource_policy"`
	// CSP is the "Content-Security-Policy" of pictures; empty means
	// "default-src 'none'; sandbox".
	CSP string `json:"csp"`
	// Robots is "X-Robots-Tag", as in "noindex"; empty means none.
	Robots string `json:"robots"`
	// Canonical is what stands before the name of a picture in the link of
	// `rel="canonical"`, as in "https://example.com/h/"; empty means none.
	Canonical string `json:"canonical"`
}

const defaultCSP = "default-src 'none'; sandbox"

func (c *HeadersConfig) validate(key string, faults *faults) {
	c.ResourcePolicy = cmp.Or(c.ResourcePolicy, "cross-origin")
	c.CSP = cmp.Or(c.CSP, defaultCSP)
	for i, origin := range c.CORS {
		u, err := url.Parse(origin)
		if origin != "*" && (err != nil || u.Scheme == "" || u.Host == "" || strings.Contains(u.Host, "*") || !strings.EqualFold(origin, u.Scheme+"://"+u.Host)) {
			faults.add(key+".cors."+strconv.Itoa(i), "%q is not one origin as in https://example.com, and not *", origin)
		}
	}
	if policies := []string{"cross-origin", "same-site", "same-origin"}; !slices.Contains(policies, c.ResourcePolicy) {
		faults.add(key+".resource_policy", "%q is none of %s", c.ResourcePolicy, strings.Join(policies, ", "))
	}
	for name, value := range map[string]string{"csp": c.CSP, "robots": c.Robots} {
		if !validHeaderValue(value) {
			faults.add(key+"."+name, "%q cannot be the value of a header", value)
		}
	}
	if c.Canonical != "" {
		if u, err := url.Parse(c.Canonical); err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.RawQuery != "" || u.Fragment != "" || strings.ContainsAny(c.Canonical, "<> ") {
			faults.add(key+".canonical", "%q is not a URL that a name can follow, as in https://example.com/h/", c.Canonical)
		}
	}
}

func validHeaderValue(v string) bool {
	return !strings.ContainsFunc(v, func(r rune) bool { return r < ' ' || r > '~' })
}

// manners are the headers of all answers of a handler, made ready once.
type manners struct {
	always    http.Header
	origins   []string // that scripts may be of; nil: there is no CORS, or it is for all
	cors      bool
	canonical string
}

func newManners(c *HeadersConfig) manners {
	m := manners{cors: len(c.CORS) > 0, canonical: c.Canonical, always: http.Header{
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
func (m *manners) set(header http.Header, r *http.Request) {
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
func (m *manners) link(header http.Header, name string) {
	if m.canonical != "" {
		header.Set("Link", "<"+m.canonical+(&url.URL{Path: name}).EscapedPath()+`>; rel="canonical"`)
	}
}

// methods are those that are answered.
func (m *manners) methods() string {
	if m.cors {
		return allowedCORS
	}
	return allowed
}

// preflightAge is how long browsers remember the answer, in seconds.
const preflightAge = "86400"

// preflight answers a browser that asks before it asks, and reports whether it
// did: there is no answer without CORS.
func (m *manners) preflight(w http.ResponseWriter, r *http.Request) bool {
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
