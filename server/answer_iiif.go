package server

import (
	"context"
	"net/http"
	"strconv"
	"strings"

	"s3imageserver/resize"
	"s3imageserver/server/dialect"
	"s3imageserver/storage/cache"
)

// foreignAnswer answers what a dialect's URL asks for that is no picture, and
// reports whether it did.
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

// foreignPicture returns what the header of the source tells; it is kept as
// pictures are.
func (h *Handler) foreignPicture(ctx context.Context, req request) (dialect.Picture, error) {
	d, _, _, err := h.detailsOf(ctx, req, "format", "height", "width")
	if err != nil {
		return dialect.Picture{}, err
	}
	return dialect.Picture{Width: d.Width, Height: d.Height, Format: resize.FormatByName(d.Format)}, nil
}

// iiifHeader names the canonical URL of a picture. Where that cannot be said,
// as of a source that has gone meanwhile, it is left out.
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
	if r.TLS != nil || strings.EqualFold(r.Header.Get("X-Forwarded-Proto"), "https") && h.rates.clients.trust(r) {
		scheme = "https"
	}
	rest := strings.TrimPrefix(rawPath(r), c.Route())
	id, _, _ := strings.Cut(rest, "/")
	return scheme + "://" + r.Host + c.Route() + id
}
