package server

import (
	"strconv"

	"s3imageserver/storage/cache"
)

// renderVersion is raised whenever the same request gives other bytes than
// before: entries of older versions are not found any more.
const renderVersion = 2

// key returns the cache key of a request: everything that changes the bytes of
// the answer, and nothing else.
func (h *Handler) key(req request) cache.Key {
	variant := []string{
		strconv.Itoa(renderVersion),
		req.options.String(),
		strconv.Itoa(h.resizer.Quality.WebPMethod),
		h.config.qualityKey(),
	}
	variant = append(variant, h.overlays.versions(&req)...)
	return cache.Key{Source: h.sourceID(req), Variant: cache.Tuple(variant...)}
}

// sourceID returns what tells the source of a request from all others.
func (h *Handler) sourceID(req request) string {
	if v := req.delivery.version; v != "" {
		return cache.Tuple(h.id, req.name, v)
	}
	return cache.Tuple(h.id, req.name)
}
