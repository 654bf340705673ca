package server

import (
	"net/http"
	"strconv"
	"time"

	"s3imageserver/server/config"
	"s3imageserver/storage/cache"
)

// cacheControl says how long others may keep a picture: as long as this server
// does, or less if the request asks for it.
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

// scopeOf says who may keep an answer.
func scopeOf(req *request) string {
	if req.grant.Private {
		return "private"
	}
	return "public"
}

// cacheControls is what Cache-Control says of pictures that are what they should
// be, since most answers say it.
type cacheControls struct{ public, private string }

// maxAge returns for how many seconds others may keep pictures at the most.
func (a *answerer) maxAge() int64 {
	if *a.config.CacheTime == 0 {
		return config.ForeverSeconds
	}
	return *a.config.CacheTime
}

// setCacheControl puts it down.
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

// setCacheHeader says where a picture came from (RFC 9211), for how long nobody
// has asked whether it is still true (RFC 9111, section 5.1), and what it cost.
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
