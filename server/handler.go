package server

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"

	"s3imageserver/resize"
	"s3imageserver/storage"
	"s3imageserver/storage/cache"
)

// A Handler answers the requests below one prefix.
type Handler struct {
	config   *HandlerConfig
	id       string // of handler and bucket, part of every cache key
	bucket   storage.Bucket
	cache    *cache.Cache
	resizer  *resize.Resizer
	presets  map[string]url.Values
	overlays *overlays
	auth     []Authorizer
	fallback *fallback
	log      *slog.Logger
}

func (s *Server) newHandler(i int, budgets budgets, fonts *fonts, o Options) (*Handler, error) {
	c := &s.config.Handlers[i]
	bucket, id, err := openBucket(s.config, c)
	if err != nil {
		return nil, &Fault{Key: sourceKey(s.config, i), Text: err.Error()}
	}
	log := s.log.With("handler", c.Prefix)
	overlays, err := newOverlays(s.config, c, bucket, fonts, handlerKey(i), log)
	if err != nil {
		return nil, err
	}
	h := &Handler{
		config: c,
		id:     cache.Tuple(c.Prefix, id),
		bucket: bucket,
		resizer: &resize.Resizer{
			Budget:  budgets.pictures,
			Limits:  resize.Limits{Formats: formatsOf(c.AllowedFormats), AVIFPixels: int64(c.AVIFPixels)},
			Quality: resize.Quality{WebPMethod: *c.WebPMethod, Formats: c.qualities()},
			Fonts:   fonts.byName,
		},
		presets:  presetsOf(s.config, c),
		overlays: overlays,
		auth:     authorizers(o.Verify),
		log:      log,
	}
	kept := cache.Config{TTL: c.ttl(), Log: log}
	if c.cached() {
		if c.CachePath != "" {
			kept.Disk = s.disk(c)
		}
		if c.Cache.MemoryMB > 0 {
			kept.Memory = cache.NewMemory(c.Cache.MemoryMB << 20)
		}
	}
	h.cache = cache.New(kept)
	h.fallback = newFallback(s.config, c, h.resizer, budgets.errors, log)
	return h, nil
}

// ServeHTTP is the path of a request, from top to bottom.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		refuseMethod(w)
		return
	}
	req, err := h.parse(r)
	if err != nil {
		h.fail(w, r, req, err)
		return
	}
	if err := h.authorize(r); err != nil {
		h.fail(w, r, req, err)
		return
	}
	switch {
	case req.info != nil:
		h.info(w, r, req)
		return
	case req.widths != nil:
		h.srcset(w, r, req)
		return
	case h.redirect(w, r, req):
		return
	}
	if err := h.overlays.prepare(r.Context(), &req, h.config.ObjectRules); err != nil {
		h.fail(w, r, req, err)
		return
	}
	entry, status, err := h.cache.Do(r.Context(), h.key(req), func(ctx context.Context) (*cache.Entry, error) {
		return h.render(ctx, req)
	})
	if err != nil {
		h.fail(w, r, req, err)
		return
	}
	h.respond(w, r, req, entry, status)
}

// open opens the source, in the version that is asked for.
func (h *Handler) open(ctx context.Context, req request) (*storage.Object, error) {
	if req.delivery.version == "" {
		return h.bucket.Get(ctx, req.name)
	}
	return h.bucket.(storage.Versioned).GetVersion(ctx, req.name, req.delivery.version) // parse has seen that it is one
}

// render fetches the source and makes the picture: what a miss costs.
func (h *Handler) render(ctx context.Context, req request) (*cache.Entry, error) {
	source, err := h.open(ctx, req)
	if err != nil {
		return nil, fmt.Errorf("source: %w", err)
	}
	defer source.Body.Close() // only read
	if source.Size > h.config.MaxSourceBytes {
		return nil, fmt.Errorf("source: %w: %d bytes, max_source_bytes is %d", storage.ErrTooLarge, source.Size, h.config.MaxSourceBytes)
	}
	if err := h.obey(&req, source.Meta); err != nil {
		return nil, err
	}
	resizer := *h.resizer
	resizer.Watermark = req.watermark.overlay
	result, err := resizer.Resize(ctx, source.Body, source.Size, req.options)
	if err != nil {
		return nil, err
	}
	entry := cache.NewEntry(result.Body, result.Format.MediaType())
	entry.SourceETag, entry.SourceModTime = source.ETag, source.ModTime
	return entry, nil
}
