package server

import (
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"s3imageserver/resize"
	"s3imageserver/server/access"
	"s3imageserver/server/config"
	"s3imageserver/server/dialect"
	"s3imageserver/storage"
)

// A foreign is what the URL of another server asks for.
type foreign struct {
	*dialect.Request
	// sent is path and query as they were sent, without what a signature of our
	// own needs: that is what such a signature is of.
	sent string
}

// Canonical returns what a signature of a request is of. Of a dialect's URL that
// is all of it, since any part of it may say what is made.
func (r *request) Canonical(prefix string) []byte {
	if r.foreign == nil {
		return CanonicalURL(prefix, r.name, r.sent)
	}
	return config.CanonicalForeignURL(prefix, r.foreign.sent, r.query)
}

// parseForeign is parse of a handler with a dialect.
func (h *reader) parseForeign(r *http.Request) (request, error) {
	req := request{query: resize.ParseQuery(r.URL.RawQuery), delivery: config.Delivery{MaxAge: -1}}
	call := dialect.Call{Path: strings.TrimPrefix(rawPath(r), h.config.Route()), Query: r.URL.RawQuery, Accept: r.Header.Values("Accept"), Now: time.Now()}
	call.Path = "/" + call.Path
	if rest, ok := withoutExplain(call.Query); ok && (authorized(h.admin, r) || byOperator(r)) {
		req.explained(h.newTrace(r))
		call.Query = rest
	}
	if h.config.ClientHints {
		call.Width, call.DPR = foreignHints(r.Header)
	}
	parsed, err := h.dialect.Parse(call)
	if err != nil {
		return req, foreignError(err)
	}
	req.foreign = &foreign{parsed, config.SentText(call.Path, call.Query)}
	req.name = parsed.Source.Name
	req.options = parsed.Options()
	req.negotiated = parsed.Delivery.Vary
	req.delivery.MaxAge = int64(parsed.Delivery.MaxAge)
	if !storage.ValidName(req.name) {
		return req, foreignError(h.dialect.Fault(dialect.BadURL))
	}
	if !h.config.AllowsName(req.name) {
		return req, foreignError(h.dialect.Fault(dialect.NotAllowed))
	}
	mark := req.options.Watermark
	h.overlays.DropUnknown(&req.options, func(resize.Note) {})
	if parsed.Overlay.Source.Name != "" { // has no name in the configuration
		req.options.Watermark = mark
	}
	req.trace.passed("URL", req.options)
	return req, nil
}

// withoutExplain returns a query as it was sent without the parameter that asks
// for an explanation, and whether it had that.
func withoutExplain(query string) (rest string, ok bool) {
	var kept []string
	for part := range strings.SplitSeq(query, "&") {
		if name, _, _ := strings.Cut(part, "="); name == config.ExplainParam {
			ok = true
			continue
		}
		kept = append(kept, part)
	}
	return strings.Join(kept, "&"), ok
}

// rawPath returns the path as it was sent, which signatures are over.
func rawPath(r *http.Request) string {
	raw, _, _ := strings.Cut(r.RequestURI, "?")
	if path, err := url.PathUnescape(raw); err == nil && path == r.URL.Path {
		return raw
	}
	return r.URL.EscapedPath()
}

// foreignHints reads the hints that other servers obey.
func foreignHints(header http.Header) (width int, dpr float64) {
	for _, name := range []string{"Sec-CH-Width", "Width"} {
		if n, err := strconv.Atoi(header.Get(name)); err == nil && n > 0 && n <= 1<<16 {
			width = n
		}
	}
	for _, name := range []string{"Sec-CH-DPR", "DPR"} {
		if f, err := strconv.ParseFloat(header.Get(name), 64); err == nil && f > 0 && f <= 16 {
			dpr = f
		}
	}
	return width, dpr
}

// foreignError wraps a fault of a dialect together with the error of our own
// that it is like.
func foreignError(err error) error {
	var f *dialect.Fault
	if !errors.As(err, &f) {
		return err
	}
	ours := errOption
	switch f.Cause {
	case dialect.NotPicture, dialect.NotRead:
		return err // it wraps what it is
	case dialect.BadSignature, dialect.Expired:
		ours = access.ErrVerification
	case dialect.BadURL, dialect.Loop:
		ours = config.ErrName
	case dialect.NotAllowed:
		ours = errExtension
	case dialect.NoSource:
		ours = fs.ErrNotExist
	}
	return fmt.Errorf("%w: %w", ours, err)
}
