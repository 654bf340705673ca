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
	return cache.Key{Source: cache.Tuple(h.id, req.name), Variant: cache.Tuple(variant...)}
}
