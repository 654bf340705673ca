package config

import (
	"cmp"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// HeadersConfig says what answers tell browsers and search engines beside the
// picture.
type HeadersConfig struct {
	// CORS are the origins whose scripts may read pictures (CORS), as in
	// `["https://example.com"]`, or `["*"]`; preflight requests ("OPTIONS") are answered
	// then. Empty means none.
	CORS []string `json:"cors"`
	// ResourcePolicy says whose pages may embed pictures: "cross-origin",
	// "same-site" or "same-origin"; empty means "cross-origin".
	ResourcePolicy string `json:"resource_policy"`
	// CSP is the "Content-Security-Policy" of pictures; empty means
	// "default-src 'none'; sandbox".
	CSP string `json:"csp"`
	// Robots is "X-Robots-Tag", as in "noindex"; empty means none.
	Robots string `json:"robots"`
	// Canonical is the base URL of the link with `rel="canonical"`, as in
	// "https://example.com/h/"; empty means none.
	Canonical string `json:"canonical"`
}

const defaultCSP = "default-src 'none'; sandbox"

func (c *HeadersConfig) validate(key string, faults *Faults) {
	c.ResourcePolicy = cmp.Or(c.ResourcePolicy, "cross-origin")
	c.CSP = cmp.Or(c.CSP, defaultCSP)
	for i, origin := range c.CORS {
		u, err := url.Parse(origin)
		if origin != "*" && (err != nil || u.Scheme == "" || u.Host == "" || strings.Contains(u.Host, "*") || !strings.EqualFold(origin, u.Scheme+"://"+u.Host)) {
			faults.Add(key+".cors."+strconv.Itoa(i), "%q is not one origin as in https://example.com, and not *", origin)
		}
	}
	if policies := []string{"cross-origin", "same-site", "same-origin"}; !slices.Contains(policies, c.ResourcePolicy) {
		faults.Add(key+".resource_policy", "%q is none of %s", c.ResourcePolicy, strings.Join(policies, ", "))
	}
	for name, value := range map[string]string{"csp": c.CSP, "robots": c.Robots} {
		if !validHeaderValue(value) {
			faults.Add(key+"."+name, "%q cannot be the value of a header", value)
		}
	}
	if c.Canonical != "" {
		if u, err := url.Parse(c.Canonical); err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.RawQuery != "" || u.Fragment != "" || strings.ContainsAny(c.Canonical, "<> ") {
			faults.Add(key+".canonical", "%q is not a URL that a name can follow, as in https://example.com/h/", c.Canonical)
		}
	}
}

func validHeaderValue(v string) bool {
	return !strings.ContainsFunc(v, func(r rune) bool { return r < ' ' || r > '~' })
}
