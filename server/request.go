package server

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"s3imageserver/resize"
	"s3imageserver/server/access"
	"s3imageserver/server/config"
	"s3imageserver/server/overlays"
	"s3imageserver/storage/cache"
)

// A request is what a URL asks a handler for.
type request struct {
	name       string // of the object, decoded once
	options    resize.Options
	unhinted   resize.Options // what they would be without the hints of the client
	negotiated bool           // the format was chosen by the Accept header
	delivery   config.Delivery
	key        cache.Key                     // of what is asked for; set when it is looked up
	watermark  overlays.Watermark            // that the options name
	marks      map[string]overlays.Watermark // that the object may name; nil: it may not
	info       []string                      // fields that are asked for instead of the picture
	widths     []int                         // of the <picture> that is asked for instead
	refresh    bool                          // the picture is to be made anew
	query      url.Values                    // all parameters of the URL, known and others, by their short names
	sent       url.Values                    // the same as they were sent: that is what a signature is of
	trace      *requestTrace                 // how it was understood; nil: nobody asks
	grant      access.Grant                  // by which it is answered
	parsed     *parsedQuery                  // what the query says
	foreign    *foreign                      // what a dialect's URL asks for; nil: it is our own
}

var (
	errOption    = errors.New("parameter out of range or not readable")
	errVersion   = errors.New("this store has no versions of its objects")
	errNoVersion = fmt.Errorf("%w: versionid is not of the characters of versions", errOption)
	errExtension = errors.New("extension is not allowed")
)

// Parameters are all of the URL.
func (r *request) Parameters() url.Values { return r.query }

// parse reads the name of the object and the options. Even with an error the request can
// be used for an error image; the error wraps errName, errOption, errVersion or
// errExtension.
func (h *reader) parse(r *http.Request) (request, error) {
	if h.dialect != nil {
		return h.parseForeign(r)
	}
	u := h.parseQuery(r.URL.RawQuery)
	req := request{parsed: u, query: u.query, sent: u.sent, options: u.options, delivery: u.delivery, info: u.info, widths: slices.Clone(u.widths)}
	if u.trace != nil {
		req.explained(h.newTrace(r))
		req.trace.query = u.trace
	}
	name, err := config.ObjectName(r.URL, h.config.Prefix)
	req.name = name
	if err == nil && len(u.wrong) > 0 && h.config.StrictOptions {
		err = fmt.Errorf("%w: %s", errOption, strings.Join(u.wrong, ", "))
	}
	if err == nil && req.delivery.Misversioned {
		err = errNoVersion
	}
	if err == nil && req.delivery.Version != "" && !h.versioned {
		err = errVersion
	}
	req.refresh = u.refresh && authorized(h.admin, r)
	h.chooseFormat(&req, r)
	req.unhinted = req.options
	req.trace.passed("parameters", req.options)
	if req.info == nil && req.widths == nil { // what is asked for has no size, or all of them
		h.applyHints(&req, r)
	}
	req.trace.passed("client hints", req.options)
	if e := h.bounds.settle(&req, req.unhinted, u.used, h.config.MaxDimension); err == nil {
		err = e
	}
	req.trace.passed("snap", req.options)
	h.settleUnhinted(&req)
	if err == nil && u.used.Has(config.SrcsetParam) && len(u.widths) == 0 {
		err = fmt.Errorf("%w: srcset has no width, as in 320,640", errOption)
	}
	if req.info != nil || req.widths != nil {
		req.negotiated = false
	}
	if err == nil && !h.config.AllowsName(name) {
		err = errExtension
	}
	return req, err
}

// settleUnhinted settles the options without hints as those with them were.
func (h *reader) settleUnhinted(req *request) {
	if !h.config.ClientHints {
		req.unhinted = req.options
		return
	}
	plain := *req
	plain.options, plain.widths = req.unhinted, nil
	_ = h.bounds.settle(&plain, req.unhinted, req.parsed.used, h.config.MaxDimension) // its error is that of the request
	req.unhinted = plain.options
}

// renderVersion is raised whenever the same request gives other bytes than
// before: entries of older versions are not found any more.
const renderVersion = 10

// key returns the cache key of a request: everything that changes the bytes of
// the answer, and nothing else.
func (m *maker) key(req *request) cache.Key {
	key := cache.Key{Source: m.sourceID(req.name)}
	laid := m.overlays.KeyParts(req.watermark, req.options.Text.Text, req.marks)
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

// text returns the options of a request as text for the cache key: of a dialect's URL,
// before the picture is known, so that a hit needs no source.
func (r *request) text() string {
	if r.foreign != nil {
		if p := r.grant.Policy; p != nil { // it narrows what is made when the picture is known
			return cache.Tuple(r.foreign.Key(), strconv.Itoa(p.MaxW), strconv.Itoa(p.MaxH), p.WM)
		}
		return r.foreign.Key()
	}
	return r.parsed.textOf(r.options)
}

// sourceID returns the part of the cache key for the source of that name. All results, of
// any of its versions, are variants of it, so a purge of the name removes all of them.
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
