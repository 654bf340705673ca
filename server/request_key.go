package server

import (
	"net/url"
	"strconv"

	"s3imageserver/resize"
	"s3imageserver/server/config"
	"s3imageserver/storage/cache"
)

// renderVersion is raised whenever the same request gives other bytes than
// before: entries of older versions are not found any more.
const renderVersion = 10

// key returns the cache key of a request: everything that changes the bytes of
// the answer, and nothing else.
func (m *maker) key(req *request) cache.Key {
	key := cache.Key{Source: m.sourceID(req.name)}
	laid := m.overlays.keyParts(req)
	if req.foreign != nil || laid != nil {
		key.Variant = m.variant(req, laid)
	} else {
		key.Variant = req.parsed.variantOf(req.options, func() string { return m.variant(req, nil) })
	}
	return key
}

// variant returns the Variant of a key; laid is what is laid over the picture.
func (m *maker) variant(req *request, laid []string) string {
	variant := []string{
		renderedFrom(req.delivery.Version),
		req.text(),
		strconv.Itoa(m.resizer.Quality.WebPMethod),
		strconv.Itoa(m.resizer.Quality.AVIFEffort),
		m.qualityKey,
		// They say whether an animation stays one.
		strconv.Itoa(m.resizer.Limits.Frames),
		strconv.FormatInt(m.resizer.Limits.FramePixels, 10),
	}
	return cache.Tuple(append(variant, laid...)...)
}

// text returns what a request asks for in words: of a dialect's URL, what that
// asks for before the picture is known, so that a hit needs no source.
func (r *request) text() string {
	if r.foreign != nil {
		if p := r.grant.Policy; p != nil { // it narrows what is made when the picture is known
			return cache.Tuple(r.foreign.Key(), strconv.Itoa(p.MaxW), strconv.Itoa(p.MaxH), p.WM)
		}
		return r.foreign.Key()
	}
	return r.parsed.textOf(r.options)
}

// sourceID returns what tells the source of that name from all others. All that
// is made of it, of any of its versions, is a variant of it: so a purge of the
// name takes everything along.
func (m *maker) sourceID(name string) string { return cache.SourceOf(m.id, name) }

// renderedFrom is the first part of a Variant: the version of the program, and
// that of the source where one is asked for.
func renderedFrom(version string) string { return strconv.Itoa(renderVersion) + ofVersion(version) }

// ofVersion is what is added to a text for a version of the source: nothing for
// the newest.
func ofVersion(version string) string {
	if version == "" {
		return ""
	}
	return "\x00" + version
}

// variantOptions returns the options in a Variant of this version of the
// program and of that version of the source.
func variantOptions(variant, version string) (o resize.Options, ok bool) {
	parts, ok := cache.Parts(variant)
	if !ok || len(parts) < 2 || parts[0] != renderedFrom(version) {
		return o, false
	}
	query, err := url.ParseQuery(parts[1])
	if err != nil {
		return o, false
	}
	o = resize.ParseOptions(query.Get, config.LargestDimension)
	return o, o.String() == parts[1]
}
