package server

import (
	"net/http"
	"strconv"
	"time"

	"s3imageserver/storage/cache"
)

// cacheControl says how long others may keep a picture: as long as this server
// does, or less if the request asks for it.
func (h *Handler) cacheControl(d delivery, s cache.Status) string {
	switch {
	case *h.config.CacheTime < 0:
		return "no-cache"
	case s == cache.Derived: // it is only better than nothing
		return h.scope + ", max-age=" + strconv.FormatInt(max(*h.config.NegativeTime, 0), 10)
	case d.maxAge >= 0 && d.maxAge < h.maxAge():
		return h.scope + ", max-age=" + strconv.FormatInt(d.maxAge, 10)
	}
	return h.keepable
}

// maxAge returns for how many seconds others may keep pictures at the most.
func (h *Handler) maxAge() int64 {
	if *h.config.CacheTime == 0 {
		return foreverSeconds
	}
	return *h.config.CacheTime
}

// setCacheControl puts down what Cache-Control says of pictures that are what
// they should be, since most answers say it.
func (h *Handler) setCacheControl() {
	h.scope = "public"
	if len(h.auth) > 0 {
		h.scope = "private"
	}
	h.keepable = h.scope + ", max-age=" + strconv.FormatInt(h.maxAge(), 10)
	if n := h.config.StaleWhileRevalidate; n > 0 {
		h.keepable += ", stale-while-revalidate=" + strconv.FormatInt(n, 10)
	}
	if n := h.config.StaleIfError; n != nil && *n > 0 {
		h.keepable += ", stale-if-error=" + strconv.FormatInt(*n, 10)
	}
}

// setCacheHeader says where a picture came from (RFC 9211), for how long nobody
// has asked whether it is still true (RFC 9111, section 5.1), and what it cost.
func (h *Handler) setCacheHeader(header http.Header, e *cache.Entry, s cache.Status) {
	header["Cache-Status"] = cacheStatuses[s]
	header["Server-Timing"] = hitTiming[s]
	if e.Timing != "" && !s.Hit() {
		header.Set("Server-Timing", e.Timing)
	}
	if ttl := h.config.ttl(); ttl > 0 && s != cache.Filled && s != cache.Derived {
		age := e.Age(time.Now())
		header.Set("Age", strconv.FormatInt(int64(age.Seconds()), 10))
		if s == cache.StaleHit {
			header.Set("Cache-Status", "s3imageserver; hit; ttl="+strconv.FormatInt(int64((ttl-age).Seconds()), 10)+"; detail=stale-while-revalidate")
		}
	}
}

// cacheStatuses are the values of Cache-Status, shared by all answers.
var cacheStatuses = [...][]string{
	cache.MemoryHit:    {"s3imageserver; hit; detail=memory"},
	cache.DiskHit:      {"s3imageserver; hit; detail=disk"},
	cache.SharedHit:    {"s3imageserver; hit; detail=bucket"},
	cache.StaleHit:     {"s3imageserver; hit; detail=stale-while-revalidate"},
	cache.Unchanged:    {"s3imageserver; fwd=stale; fwd-status=304"},
	cache.StaleOnError: {"s3imageserver; fwd=stale; detail=stale-if-error"},
	cache.Derived:      {"s3imageserver; fwd=miss; detail=derived"},
	cache.Filled:       {"s3imageserver; fwd=miss"},
	cache.Collapsed:    {"s3imageserver; fwd=miss; collapsed"},
}

// hitTiming are the values of Server-Timing where nothing was made.
var hitTiming = [...][]string{
	cache.MemoryHit:    {"cache;desc=memory"},
	cache.DiskHit:      {"cache;desc=disk"},
	cache.SharedHit:    {"cache;desc=bucket"},
	cache.StaleHit:     {"cache;desc=stale"},
	cache.Unchanged:    {"cache;desc=revalidated"},
	cache.StaleOnError: {"cache;desc=stale-if-error"},
	cache.Derived:      {"cache;desc=derived"},
	cache.Filled:       {"cache;desc=miss"},
	cache.Collapsed:    {"cache;desc=collapsed"},
}
