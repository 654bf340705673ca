package server

import (
	"net/url"
	"strconv"

	"s3imageserver/resize"
	"s3imageserver/storage/cache"
)

// renderVersion is raised whenever the same request gives other bytes than
// before: entries of older versions are not found any more.
const renderVersion = 8

// key returns the cache key of a request: everything that changes the bytes of
// the answer, and nothing else.
func (h *Handler) key(req request) cache.Key {
	variant := []string{
		strconv.Itoa(renderVersion),
		req.text(),
		strconv.Itoa(h.resizer.Quality.WebPMethod),
		h.qualityKey,
	}
	variant = append(variant, h.overlays.versions(&req)...)
	return cache.Key{Source: h.sourceID(req), Variant: cache.Tuple(variant...)}
}

// text returns what a request asks for in words: of a dialect's URL, what that
// asks for before the picture is known, so that a hit needs no source.
func (r *request) text() string {
	if r.foreign != nil {
		return r.foreign.Key()
	}
	return r.understood.textOf(r.options)
}

// sourceID returns what tells the source of a request from all others: its name,
// and its version where one is asked for. No name holds a zero byte.
func (h *Handler) sourceID(req request) string { return cache.SourceOf(h.id, req.source()) }

func (r *request) source() string {
	if v := r.delivery.version; v != "" {
		return r.name + "\x00" + v
	}
	return r.name
}

// variantOptions returns the options in a Variant of this version of the
// program.
func variantOptions(variant string) (o resize.Options, ok bool) {
	parts, ok := cache.Parts(variant)
	if !ok || len(parts) < 2 || parts[0] != strconv.Itoa(renderVersion) {
		return o, false
	}
	query, err := url.ParseQuery(parts[1])
	if err != nil {
		return o, false
	}
	o = resize.ParseOptions(query.Get, largestDimension)
	return o, o.String() == parts[1]
}
