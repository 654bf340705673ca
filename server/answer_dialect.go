package server

import (
	"cmp"
	"context"
	"errors"
	"mime"
	"net/http"
	"strconv"
	"strings"
	"time"

	"s3imageserver/resize"
	"s3imageserver/server/access"
	"s3imageserver/server/config"
	"s3imageserver/server/dialect"
	"s3imageserver/storage/cache"
)

// An explainedDialect says how the URL of another server was understood.
type explainedDialect struct {
	Name   string `json:"name"`
	Source string `json:"source"` // as the URL names it; the name of the object is beside it
	// Kind is "image", or what of it is asked for: "info" or "base".
	Kind string `json:"kind"`
	Key  string `json:"key"` // what is the same of all URLs that mean the same
	// Query are parameters of our own that do the same for this picture.
	Query     string `json:"query,omitempty"`
	File      bool   `json:"file,omitempty"` // the answer is the source as it is
	Canonical string `json:"canonical,omitempty"`
}

// explainForeign explains a URL of a dialect, and takes the settled options into the
// request. Their errors are found when the picture is made.
func (h *Handler) explainForeign(ctx context.Context, req *request) *explainedDialect {
	e := &explainedDialect{Name: h.dialect.Name(), Source: req.foreign.Source.Text, Kind: req.foreign.Kind.String(), Key: req.foreign.Key()}
	p, err := h.foreignPicture(ctx, *req)
	if err != nil || req.foreign.Kind != dialect.Image {
		return e
	}
	s, err := h.dialect.Settle(req.foreign.Request, p)
	if err != nil {
		return e
	}
	e.Query, e.File, e.Canonical = s.Query, s.Source, s.Canonical
	if o, err := h.settleForeign(req, resize.Header{Width: p.Width, Height: p.Height, Format: p.Format}); err == nil {
		req.options = o
		req.trace.passed("dialect", o)
	}
	return e
}

// failForeign is fail with the status and body of the dialect. Errors that the dialect
// does not know, such as a busy server, are answered as in other handlers.
func (a *answerer) failForeign(w http.ResponseWriter, r *http.Request, req request, err error) {
	status := statusOf(err)
	var fault *dialect.Fault
	if !errors.As(err, &fault) {
		if cause, ok := causeOf(err); ok {
			fault = a.dialect.Fault(cause)
		}
	}
	answer := dialect.Answer{Status: status, Header: http.Header{}}
	if fault != nil {
		answer = a.dialect.Answer(fault)
	}
	if r.Context().Err() != nil && status != http.StatusGatewayTimeout {
		answer.Status = http.StatusServiceUnavailable // nobody is listening; but nobody may keep it
	}
	header := w.Header()
	if fault := (*dialect.Fault)(nil); errors.Is(err, access.ErrVerification) && !errors.As(err, &fault) { // by the auth of the handler
		answer.Status = cmp.Or(int(a.config.AuthStatus), answer.Status)
		challenge(header, answer.Status)
	}
	kind := kindOf(err)
	a.meters.Fault(kind)
	a.refused(&req, kind, err, time.Now())
	exchangeOf(w).failed(req, answer.Status, err)
	for name, values := range answer.Header {
		header[name] = values
	}
	if wait := retryAfterOf(err, answer.Status); wait != "" {
		header.Set("Retry-After", wait)
	}
	header.Set("Cache-Control", "no-store")
	if age := a.errorAge(&req, status, err); age > 0 {
		header.Set("Cache-Control", scopeOf(&req)+", max-age="+strconv.FormatInt(age, 10))
	}
	for _, name := range a.vary(req) {
		header.Add("Vary", name)
	}
	header.Set("Content-Length", strconv.Itoa(len(answer.Body)))
	w.WriteHeader(answer.Status)
	if r.Method != http.MethodHead {
		_, _ = newProgressWriter(w).Write(answer.Body) // the client may have left
	}
}

// foreignHeader sets what the dialect says of a picture.
func (h *Handler) foreignHeader(header http.Header, r *http.Request, req *request, e *cache.Entry) {
	d := req.foreign.Delivery
	if d.Disposition != "" {
		f := resize.FormatByMediaType(e.MediaType)
		name := config.SafeFileName(d.FileNameOf(f))
		if d.Disposition == "attachment" {
			setHeader(header, "Content-Disposition", d.Disposition)
		}
		// Without a name, inline has that of the source already.
		if v := mime.FormatMediaType(d.Disposition, map[string]string{"filename": name}); name != "" && v != "" {
			setHeader(header, "Content-Disposition", v)
		}
	}
	if e.Unkept || e.Derived {
		// It says no-store already, or that it is better than nothing.
	} else if d.Cache != "" && !req.grant.Private && *h.config.CacheTime >= 0 {
		setHeader(header, "Cache-Control", d.Cache)
	} else if h.dialect.Name() == "nextjs" {
		setHeader(header, "Cache-Control", header.Get("Cache-Control")+", must-revalidate")
	}
	if h.dialect.Name() == "iiif" {
		h.iiifHeader(header, r, req)
	}
}

// foreignPreflight answers OPTIONS (CORS) in dialects whose pictures may be read by
// scripts of all sites.
func (a *answerer) foreignPreflight(w http.ResponseWriter, r *http.Request) bool {
	if a.dialect == nil || a.dialect.Name() != "iiif" || a.headers.cors {
		return false
	}
	header := w.Header()
	header.Set("Access-Control-Allow-Origin", "*")
	if r.Method != http.MethodOptions {
		return false
	}
	header.Set("Allow", "GET, HEAD, OPTIONS")
	header.Set("Access-Control-Allow-Methods", "GET, HEAD, OPTIONS")
	header.Set("Access-Control-Allow-Headers", "Authorization, If-None-Match, If-Modified-Since, Range")
	header.Set("Access-Control-Max-Age", preflightAge)
	w.WriteHeader(http.StatusNoContent)
	return true
}

// foreignAnswer answers URLs of a dialect that ask for something else than a picture, such
// as info.json, and reports whether it did.
func (h *Handler) foreignAnswer(w http.ResponseWriter, r *http.Request, req request) bool {
	if req.foreign.Kind == dialect.Image {
		return false
	}
	picture, err := h.foreignPicture(r.Context(), req)
	if err != nil {
		h.fail(w, r, req, err)
		return true
	}
	header := w.Header()
	id := h.iiifID(r)
	for _, name := range h.vary(req) {
		header.Add("Vary", name)
	}
	header.Set("Cache-Control", h.cacheControl(&req, &cache.Entry{}, cache.Filled))
	if req.foreign.Kind == dialect.Base {
		header.Set("Location", id+"/info.json")
		header.Set("Content-Length", "0")
		w.WriteHeader(http.StatusSeeOther)
		return true
	}
	answer := h.dialect.Info(id, picture, r.Header.Values("Accept"))
	for name, values := range answer.Header {
		header[name] = values
	}
	for _, link := range h.dialect.Links(id, "") {
		header.Add("Link", link)
	}
	header.Set("Content-Length", strconv.Itoa(len(answer.Body)))
	w.WriteHeader(answer.Status)
	if r.Method != http.MethodHead {
		_, _ = newProgressWriter(w).Write(answer.Body) // the client may have left
	}
	return true
}

// foreignPicture returns the size and format of the source; it is cached like pictures.
func (h *Handler) foreignPicture(ctx context.Context, req request) (dialect.Picture, error) {
	d, _, _, err := h.detailsOf(ctx, req, "format", "height", "width")
	if err != nil {
		return dialect.Picture{}, err
	}
	return dialect.Picture{Width: d.Width, Height: d.Height, Format: resize.FormatByName(d.Format)}, nil
}

// iiifHeader sets the canonical URL of a picture. It is left out if it is not known, for
// example since the source has been deleted.
func (h *Handler) iiifHeader(header http.Header, r *http.Request, req *request) {
	canonical := ""
	if p, err := h.foreignPicture(r.Context(), *req); err == nil {
		if s, err := h.dialect.Settle(req.foreign.Request, p); err == nil {
			canonical = s.Canonical
		}
	}
	header["Link"] = h.dialect.Links(h.iiifID(r), canonical)
}

// iiifID returns the URL of the identifier that a request is about, as it was
// asked for.
func (h *Handler) iiifID(r *http.Request) string {
	c, scheme := h.config, "http"
	// A proxy of ours may end TLS.
	if r.TLS != nil || strings.EqualFold(r.Header.Get("X-Forwarded-Proto"), "https") && h.rates.Clients.FromProxy(r) {
		scheme = "https"
	}
	rest := strings.TrimPrefix(rawPath(r), c.Route())
	id, _, _ := strings.Cut(rest, "/")
	return scheme + "://" + r.Host + c.Route() + id
}
