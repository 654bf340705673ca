package server

import (
	"context"
	"log/slog"
	"net/http"
	"net/url"

	"github.com/maypok86/otter/v2"
	"golang.org/x/time/rate"

	"s3imageserver/resize"
	"s3imageserver/server/access"
	"s3imageserver/server/config"
	"s3imageserver/server/dialect"
	"s3imageserver/server/stores"
	"s3imageserver/storage"
	"s3imageserver/storage/cache"
	"s3imageserver/storage/guard"
)

// A Handler answers the requests below one prefix. It has many methods since a
// request passes all of its parts; what needs one part only is a method of that.
type Handler struct {
	config  *HandlerConfig
	id      string           // of handler and bucket, part of every cache key
	dialect *dialect.Dialect // nil: URLs are our own
	presets map[string]url.Values
	queries *otter.Cache[string, *understood]
	gate
	origin
	maker
	cache      *cache.Cache
	tiers      cache.Config // of cache
	qualityKey string       // of config
	answerer
	admin  *AdminConfig
	parts  *parts
	meters *handlerMeters
	log    *slog.Logger

	refusals refusals
}

// A gate says who may ask, for what, and how often.
type gate struct {
	door   access.Door
	bounds *bounds
	rates  *rates
}

// An origin is where the pictures come from.
type origin struct {
	sources   stores.Sources
	guards    []*guard.Bucket // around the sources, in their order
	bucket    storage.Bucket  // all of guards
	originals *originals      // nil: none are kept
}

// A maker is what results are made with.
type maker struct {
	resizer  *resize.Resizer
	overlays *overlays
	// foreignMarks are watermarks that URLs of the dialect name.
	foreignMarks *otter.Cache[string, *mark]
	misses       *rate.Limiter // nil: any number
	places       *places       // for what is made soon
	// slowPlaces are for formats that are made one at a time and must not hold up
	// the others.
	slowPlaces *places
}

// An answerer knows what answers tell beside the picture, and what is sent in its
// place.
type answerer struct {
	config  *HandlerConfig
	manners manners
	// operators have the manners of the listener for them: no page elsewhere reads
	// or shows what they may see.
	operators manners
	keepable  keepable
	fallbacks fallbacks
}

func (s *Server) newHandler(i int, budgets budgets, fonts *fonts, o Options) (*Handler, error) {
	c := &s.config.Handlers[i]
	sources, err := stores.Open(s.config, i)
	if err != nil {
		return nil, err
	}
	log := s.log.With("handler", c.Prefix)
	guards, names := s.guard(sources, c, log)
	bucket := fallbackOf(guards)
	overlays, err := newOverlays(s.config, c, bucket, fonts, config.HandlerKey(i), log, func(name string, open func() *mark) *mark {
		m, _ := use(s, cache.Tuple("watermark", c.Prefix, name, names), func() (*mark, func() error, error) { return open(), nil, nil }) // has no errors
		return m
	})
	if err != nil {
		return nil, err
	}
	h := &Handler{
		config: c,
		id:     cache.Tuple(c.Prefix, sources.ID()),
		gate:   gate{rates: s.rates},
		origin: origin{sources: sources, guards: guards, bucket: bucket},
		maker: maker{
			resizer: &resize.Resizer{
				Budget:      budgets.pictures,
				Limits:      c.Limits.ResizeLimits(c.ReadFormats(), int64(c.AVIFPixels)),
				Quality:     c.Encoding(),
				Fonts:       fonts.byName,
				FastScaling: c.Scaling == config.FastScaling,
				ShowDamaged: c.Damaged == config.ShowDamaged,
			},
			overlays:   overlays,
			places:     newPlaces(c.Limits.Concurrency, o.Workers),
			slowPlaces: newPlaces(c.Limits.Concurrency, o.Workers),
		},
		answerer: answerer{
			config:    c,
			manners:   newManners(&c.Headers),
			operators: newManners(&HeadersConfig{CSP: c.Headers.CSP, ResourcePolicy: "same-origin", Robots: c.Headers.Robots}),
		},
		presets: config.PresetsOf(s.config, c),
		queries: newQueries(),
		admin:   &s.config.Admin,
		parts:   s.parts,
		meters:  s.parts.metrics.of(c.Prefix),
		log:     log,
	}
	if c.Dialect != nil {
		h.foreignMarks, _ = use(s, cache.Tuple("watermarks of URLs", c.Prefix, names), func() (*otter.Cache[string, *mark], func() error, error) { // has no errors
			return otter.Must(&otter.Options[string, *mark]{MaximumSize: mostForeignMarks}), nil, nil
		})
		if h.dialect, err = c.NewDialect(); err != nil {
			return nil, &Fault{Key: config.HandlerKey(i) + ".dialect", Text: err.Error()}
		}
	}
	if h.door, err = access.NewDoor(s.config, c, o.Verify, h.dialect != nil && h.dialect.Signed(), s.log, s.sharedKeyring); err != nil {
		return nil, &Fault{Key: config.AuthKey(s.config, i) + ".jwt", Text: err.Error()}
	}
	if h.bounds, err = newBounds(s.config, c); err != nil {
		return nil, &Fault{Key: config.HandlerKey(i) + ".blocked", Text: err.Error()}
	}
	if m := c.Misses; m.PerSecond > 0 {
		// What was made of the burst stays made, whatever the configuration says meanwhile.
		h.misses, _ = use(s, cache.Tuple("misses", c.Prefix, config.Digest(m)), func() (*rate.Limiter, func() error, error) { // has no errors
			return rate.NewLimiter(rate.Limit(m.PerSecond), m.Burst), nil, nil
		})
	}
	h.setCacheControl()
	h.qualityKey = c.QualityKey()
	if c.Dialect != nil {
		h.qualityKey = cache.Tuple(h.qualityKey, c.ForeignKey())
	}
	if err := s.openCache(h); err != nil {
		return nil, err
	}
	h.overlays.keepOn(h)
	h.fallbacks = newFallbacks(s.config, c, h.resizer, budgets.errors, log)
	return h, nil
}

// ServeHTTP is the path of a request, from top to bottom.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	exchangeOf(w).handler = h
	manners := &h.manners
	if byOperator(r) {
		manners = &h.operators
	}
	manners.set(w.Header(), r)
	if manners.preflight(w, r) || h.foreignPreflight(w, r) {
		return
	}
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		refuse(w, h.manners.methods())
		return
	}
	if err := h.rates.allowClient(r); err != nil {
		h.fail(w, r, request{}, err)
		return
	}
	_, parsed := span(r.Context(), "parse")
	req, err := h.parse(r)
	if err == nil {
		err = h.admit(r, &req)
	}
	parsed()
	if req.operator || req.explain && err == nil {
		h.explain(w, r, req, err)
		return
	}
	if err != nil {
		h.fail(w, r, req, err)
		return
	}
	if req.refresh {
		if _, err := h.purgeName(r.Context(), req.name); err != nil {
			h.fail(w, r, req, err)
			return
		}
	}
	switch {
	case req.foreign != nil && h.foreignAnswer(w, r, req):
		return
	case req.info != nil:
		h.info(w, r, req)
		return
	case req.widths != nil:
		h.srcset(w, r, req)
		return
	case h.redirect(w, r, req):
		return
	}
	entry, status, err := h.picture(r.Context(), &req)
	if err != nil {
		h.fail(w, r, req, err)
		return
	}
	h.respond(w, r, req, entry, status)
}

// picture returns what a request asks for: kept, or made. The request gets its
// overlays and its key, and must not be changed afterwards: it may still be
// worked for.
func (h *Handler) picture(ctx context.Context, req *request) (entry *cache.Entry, status cache.Status, err error) {
	ctx = guard.WithTime(ctx, h.config.FetchTime())
	if err := h.overlays.prepare(ctx, req, h.config.ObjectRules); err != nil {
		return nil, cache.Filled, err
	}
	if err := h.prepareForeign(ctx, req); err != nil {
		return nil, cache.Filled, err
	}
	ctx, done := span(ctx, "cache")
	defer done()
	req.key = h.key(*req)
	return h.cache.Do(ctx, req.key, func(ctx context.Context, old *cache.Entry) (*cache.Entry, error) {
		return h.render(ctx, *req, old)
	})
}
