package server

import (
	"mime"
	"net/http"
	"net/url"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"

	"s3imageserver/resize"
	"s3imageserver/server/config"
	"s3imageserver/storage/cache"
)

// fixedHeaders are the headers of all responses of a handler, prepared once.
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

// set sets the headers that all responses have. Their values are shared and never changed.
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

// link returns the canonical URL of a picture for search engines.
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

// preflight answers a CORS preflight request, and reports whether it did: without CORS it
// does not.
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

// cacheControl returns Cache-Control of a picture: as long as this server caches it, or
// less if the request says so.
func (a *answerer) cacheControl(req *request, e *cache.Entry, s cache.Status) string {
	if e.Unkept {
		return "no-store"
	}
	most := a.maxAge()
	if s == cache.Derived { // it is only better than nothing
		most = max(*a.config.NegativeTime, 0)
	}
	if d := req.delivery.MaxAge; d >= 0 {
		most = min(most, d)
		if req.foreign != nil && s != cache.Derived { // the pages of a dialect were written for its own answer
			most = min(d, config.ForeverSeconds)
		}
	}
	if end := req.grant.Expires; !end.IsZero() {
		most = min(most, max(0, int64(time.Until(end).Seconds())))
	}
	switch {
	case *a.config.CacheTime < 0:
		return "no-cache"
	case most != a.maxAge() || s == cache.Derived:
		return scopeOf(req) + ", max-age=" + strconv.FormatInt(most, 10)
	case req.grant.Private:
		return a.cacheControls.private
	}
	return a.cacheControls.public
}

// scopeOf returns "private" or "public" for Cache-Control.
func scopeOf(req *request) string {
	if req.grant.Private {
		return "private"
	}
	return "public"
}

// cacheControls are the usual values of Cache-Control, prepared once.
type cacheControls struct{ public, private string }

// maxAge returns max-age of pictures, in seconds.
func (a *answerer) maxAge() int64 {
	if *a.config.CacheTime == 0 {
		return config.ForeverSeconds
	}
	return *a.config.CacheTime
}

// setCacheControl prepares cacheControls.
func (a *answerer) setCacheControl() {
	age := ", max-age=" + strconv.FormatInt(a.maxAge(), 10)
	if n := a.config.StaleWhileRevalidate; n > 0 {
		age += ", stale-while-revalidate=" + strconv.FormatInt(n, 10)
	}
	if n := a.config.StaleIfError; n != nil && *n > 0 {
		age += ", stale-if-error=" + strconv.FormatInt(*n, 10)
	}
	a.cacheControls = cacheControls{"public" + age, "private" + age}
}

// setCacheHeader sets Cache-Status (RFC 9211), Age since the last validation (RFC 9111,
// section 5.1) and Server-Timing.
func (a *answerer) setCacheHeader(header http.Header, req *request, e *cache.Entry, s cache.Status) {
	header["Cache-Status"] = cacheHeaders[s].status
	header["Server-Timing"] = cacheHeaders[s].timing
	if e.Timing != "" && !s.Hit() {
		header.Set("Server-Timing", e.Timing)
	}
	if ttl := a.config.TTL(); ttl > 0 && s != cache.Filled && s != cache.Derived {
		age := e.Age(time.Now())
		// Others take the age off max-age; of a request that ends, that is what is
		// left already.
		if req.grant.Expires.IsZero() {
			setHeader(header, "Age", strconv.FormatInt(int64(age.Seconds()), 10))
		}
		if s == cache.StaleHit {
			header.Set("Cache-Status", "s3imageserver; hit; ttl="+strconv.FormatInt(int64((ttl-age).Seconds()), 10)+"; detail=stale-while-revalidate")
		}
	}
}

// cacheHeaders are what answers tell of each status, shared by all of them:
// Cache-Status (RFC 9211), and Server-Timing where nothing was made.
var cacheHeaders = func() (all [len(statusDetails)]struct{ status, timing []string }) {
	for s, detail := range statusDetails {
		all[s].status = []string{"s3imageserver; " + detail}
		all[s].timing = []string{"cache;desc=" + cache.Status(s).String()}
	}
	return all
}()

var statusDetails = [...]string{
	cache.MemoryHit:    "hit; detail=memory",
	cache.DiskHit:      "hit; detail=disk",
	cache.SharedHit:    "hit; detail=bucket",
	cache.StaleHit:     "hit; detail=stale-while-revalidate",
	cache.Unchanged:    "fwd=stale; fwd-status=304",
	cache.StaleOnError: "fwd=stale; detail=stale-if-error",
	cache.Derived:      "fwd=miss; detail=derived",
	cache.Filled:       "fwd=miss",
	cache.Collapsed:    "fwd=miss; collapsed",
}

// contentDisposition names the file as it would be saved, with the extension of
// what is sent.
func contentDisposition(req request, mediaType string) string {
	kind, name := "inline", path.Base(req.name)
	if d := req.delivery.Download; d != "" {
		kind = "attachment"
		if on, err := strconv.ParseBool(d); err != nil || !on {
			name = d
		}
	}
	if ext := strings.TrimPrefix(path.Ext(name), "."); kind == "inline" || isExtension(ext) {
		name = strings.TrimSuffix(name, path.Ext(name))
	}
	name += "." + extension(mediaType)
	if isToken(name) { // as most are: no quotes and no other characters to think of
		return kind + "; filename=" + name
	}
	if v := mime.FormatMediaType(kind, map[string]string{"filename": name}); v != "" {
		return v
	}
	return kind
}

// isToken reports whether a name is one of letters, digits and what may stand
// beside them without quotes (RFC 9110, section 5.6.2).
func isToken(name string) bool {
	for i := range len(name) {
		switch c := name[i]; {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', c == '-', c == '_', c == '.':
		default:
			return false
		}
	}
	return name != ""
}

// isExtension reports whether an extension is that of a picture.
func isExtension(ext string) bool {
	f := resize.FormatByName(ext)
	return f != resize.NoFormat && !f.IsAuto()
}

func extension(mediaType string) string {
	switch mediaType {
	case jsonType:
		return "json"
	case htmlType:
		return "html"
	}
	f := resize.FormatByMediaType(mediaType)
	if f == resize.JPEG {
		return "jpg"
	}
	return f.String()
}
