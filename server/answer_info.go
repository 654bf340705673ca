package server

import (
	"context"
	"encoding/json"
	"net/http"
	"slices"
	"strings"

	"s3imageserver/resize"
	"s3imageserver/storage"
	"s3imageserver/storage/cache"
	"s3imageserver/storage/guard"
)

const jsonType = "application/json"

// info answers with JSON about the source, kept as pictures are.
func (h *Handler) info(w http.ResponseWriter, r *http.Request, req request) {
	entry, status, err := h.details(r.Context(), req)
	if err != nil {
		h.fail(w, r, req, err)
		return
	}
	h.respond(w, r, req, entry, status)
}

// details returns the JSON of the fields that the request asks for.
func (h *Handler) details(ctx context.Context, req request) (*cache.Entry, cache.Status, error) {
	fields := req.info
	if !h.config.InfoGPS {
		fields = slices.DeleteFunc(slices.Clone(fields), func(name string) bool { return name == "gps" })
	}
	req.key = cache.Key{
		Source:  h.sourceID(req.name),
		Variant: cache.Tuple("info", renderedFrom(req.delivery.Version), strings.Join(fields, ",")),
	}
	return h.cache.Do(guard.WithTime(ctx, h.config.FetchTime()), req.key, func(ctx context.Context, old *cache.Entry) (*cache.Entry, error) {
		return h.fill(ctx, req, old, func(ctx context.Context, source *storage.Object) (*cache.Entry, error) {
			d, err := h.resizer.Inspect(ctx, source.Body, source.Size, fields)
			h.reused.made.Add(1)
			if err != nil {
				return nil, err
			}
			body, err := json.Marshal(d)
			if err != nil {
				return nil, err
			}
			return cache.NewEntry(body, jsonType), nil
		})
	})
}

// detailsOf returns the details themselves.
func (h *Handler) detailsOf(ctx context.Context, req request, fields ...string) (d resize.Details, e *cache.Entry, s cache.Status, err error) {
	slices.Sort(fields)
	req.info = fields
	if e, s, err = h.details(ctx, req); err != nil {
		return d, nil, s, err
	}
	err = json.Unmarshal(e.Body, &d)
	return d, e, s, err
}
