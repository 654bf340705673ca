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
	"s3imageserver/server/errorimage"
	"s3imageserver/server/limits"
	"s3imageserver/server/metrics"
	"s3imageserver/server/overlays"
	"s3imageserver/server/queue"
	"s3imageserver/server/stores"
	"s3imageserver/server/tracing"
	"s3imageserver/storage"
	"s3imageserver/storage/cache"
	"s3imageserver/storage/guard"
)

// A Handler answers the requests below one prefix. Its own methods are those of
// stages that need several of its parts; what reads one part only is a method of
// that.
type Handler struct {
	*basis
	reader
	gate
	origin
	maker
	answerer
	tiers cache.Config // of cache
}

// A basis is what all parts of a Handler read.
type basis struct {
	config    *HandlerConfig
	id        string           // of handler and bucket, part of every cache key
	dialect   *dialect.Dialect // nil: URLs are our own
	admin     *AdminConfig
	bounds    *bounds
	overlays  *overlays.Set
	versioned bool // the sources have versions of their objects
	cache     *cache.Cache
	reused    *reused
	meters    *metrics.Handler
	log       *slog.Logger
}

// A reader parses URLs and makes URLs of requests.
type reader struct {
	*basis
	presets map[string]url.Values
	queries *otter.Cache[string, *parsedQuery]
}

// A gate authorizes requests and limits their rate.
type gate struct {
	authorizer access.Authorizer
	rates      *limits.Rates
}

// An origin is where the pictures come from.
type origin struct {
	*basis
	sources   stores.Sources
	guards    []*guard.Bucket // around the sources, in their order
	bucket    storage.Bucket  // all of guards
	originals *originals      // nil: none are kept
}

// A maker renders results and makes their cache keys.
type maker struct {
	*basis
	resizer    *resize.Resizer
	qualityKey string // of config
	// foreignMarks are watermarks that URLs of the dialect name.
	foreignMarks *otter.Cache[string, *overlays.Mark]
	misses       *rate.Limiter // nil: any number
	queue        *queue.Queue  // for what is made soon
	// slowQueue is for formats that are made one at a time and must not hold up
	// the others.
	slowQueue *queue.Queue
}

// An answerer has the headers of responses, and the error images.
type answerer struct {
	*basis
	headers fixedHeaders
	// operatorHeaders are those of the listener for operators: pages of other sites cannot
	// read or embed its pictures.
	operatorHeaders fixedHeaders
	cacheControls   cacheControls
	fallbacks       errorimage.Images
	refusals        refusals
}

func (s *Server) newHandler(i int, budgets budgets, fonts *overlays.Fonts, o Options) (*Handler, error) {
	c := &s.config.Handlers[i]
	sources, err := stores.Open(s.config, i)
	if err != nil {
		return nil, err
	}
	log := s.log.With("handler", c.Prefix)
	guards, names := s.guard(sources, c, log)
	bucket := fallbackOf(guards)
	laidOver, err := overlays.New(s.config, c, bucket, fonts, config.HandlerKey(i), log, func(name string, open func() *overlays.Mark) *overlays.Mark {
		m, _ := use(s, cache.Tuple("watermark", c.Prefix, name, names), func() (*overlays.Mark, func() error, error) { return open(), nil, nil }) // has no errors
		return m
	})
	if err != nil {
		return nil, err
	}
	b := &basis{
		config:    c,
		id:        cache.Tuple(c.Prefix, sources.ID()),
		admin:     &s.config.Admin,
		overlays:  laidOver,
		versioned: sources.Versioned(),
		reused:    s.reused,
		meters:    s.reused.metrics.Of(c.Prefix),
		log:       log,
	}
	h := &Handler{
		basis:  b,
		reader: reader{basis: b, presets: config.PresetsOf(s.config, c), queries: newQueries()},
		gate:   gate{rates: s.rates},
		origin: origin{basis: b, sources: sources, guards: guards, bucket: bucket},
		maker: maker{
			basis: b,
			resizer: &resize.Resizer{
				Budget:      budgets.pictures,
				Limits:      c.Limits.ResizeLimits(c.ReadFormats(), int64(c.AVIFPixels)),
				Quality:     c.Encoding(),
				Fonts:       fonts.ByName,
				FastScaling: c.Scaling == config.FastScaling,
				ShowDamaged: c.Damaged == config.ShowDamaged,
			},
			queue:     queue.New(c.Limits.Concurrency, o.Workers),
			slowQueue: queue.New(c.Limits.Concurrency, o.Workers),
		},
		answerer: answerer{
			basis:           b,
			headers:         newFixedHeaders(&c.Headers),
			operatorHeaders: newFixedHeaders(&HeadersConfig{CSP: c.Headers.CSP, ResourcePolicy: "same-origin", Robots: c.Headers.Robots}),
		},
	}
	if c.Dialect != nil {
		h.foreignMarks, _ = use(s, cache.Tuple("watermarks of URLs", c.Prefix, names), func() (*otter.Cache[string, *overlays.Mark], func() error, error) { // has no errors
			return otter.Must(&otter.Options[string, *overlays.Mark]{MaximumSize: mostForeignMarks}), nil, nil
		})
		if h.dialect, err = c.NewDialect(); err != nil {
			return nil, &Fault{Key: config.HandlerKey(i) + ".dialect", Text: err.Error()}
		}
	}
	if h.authorizer, err = access.NewAuthorizer(s.config, c, o.Verify, h.dialect != nil && h.dialect.Signed(), s.log, s.sharedKeyring); err != nil {
		return nil, &Fault{Key: config.AuthKey(s.config, i) + ".jwt", Text: err.Error()}
	}
	if h.bounds, err = newBounds(s.config, c); err != nil {
		return nil, &Fault{Key: config.HandlerKey(i) + ".blocked", Text: err.Error()}
	}
	if m := c.Misses; m.PerSecond > 0 {
		// The rate of misses survives a reload.
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
	h.overlays.KeepOn(h.tiers.Disk, c.Lifetime(), h.id)
	h.fallbacks = errorimage.New(s.config, c, h.resizer, budgets.errors, log)
	return h, nil
}

// ServeHTTP is the path of a request, from top to bottom.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	exchangeOf(w).handler = h
	headers := &h.headers
	if byOperator(r) {
		headers = &h.operatorHeaders
	}
	headers.set(w.Header(), r)
	if headers.preflight(w, r) || h.foreignPreflight(w, r) {
		return
	}
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		refuse(w, h.headers.methods())
		return
	}
	if err := h.rates.AllowClient(r); err != nil {
		h.fail(w, r, request{}, err)
		return
	}
	_, parsed := tracing.Span(r.Context(), "parse")
	req, err := h.parse(r)
	if err == nil {
		err = h.admit(r, &req)
	}
	parsed()
	if req.trace.mayExplain(err) {
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

// picture returns the result of a request, from the cache or rendered. The request gets
// its overlays and its key, and must not be changed afterwards: a fill may still use it.
func (h *Handler) picture(ctx context.Context, req *request) (entry *cache.Entry, status cache.Status, err error) {
	ctx = guard.WithTime(ctx, h.config.FetchTime())
	if err := h.loadOverlays(ctx, req); err != nil {
		return nil, cache.Filled, err
	}
	if err := h.prepareForeign(ctx, req); err != nil {
		return nil, cache.Filled, err
	}
	ctx, done := tracing.Span(ctx, "cache")
	defer done()
	req.key = h.key(req)
	return h.cache.Do(ctx, req.key, func(ctx context.Context, old *cache.Entry) (*cache.Entry, error) {
		defer h.reused.busy.picture()()
		return h.render(ctx, *req, old)
	})
}
