// Package logging writes lines: as the configuration wants them, with the number of
// the request, without what repeats, and without what is secret in URLs.
package logging

import (
	"context"
	"io"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"go.opentelemetry.io/otel/trace"

	"s3imageserver/server/config"
)

// New returns a log as the configuration wants it, which Validate must have
// seen. It adds the number of the request to lines that belong to one, and
// leaves out what repeats. When the configuration is replaced, it changes with it.
func New(w io.Writer, c config.LogConfig) *slog.Logger {
	f := &logFormat{}
	f.set(c)
	o := &slog.HandlerOptions{Level: &f.level}
	return slog.New(&logHandler{
		inner:   &eitherHandler{f, slog.NewTextHandler(w, o), slog.NewJSONHandler(w, o)},
		format:  f,
		sampler: &sampler{kinds: map[string]*sampledKind{}},
	})
}

// Sampled returns log with numbers of requests and without what repeats; log
// itself if it is of NewLog.
func Sampled(log *slog.Logger) *slog.Logger {
	if _, ok := log.Handler().(*logHandler); ok {
		return log
	}
	return slog.New(&logHandler{inner: log.Handler(), sampler: &sampler{kinds: map[string]*sampledKind{}}})
}

// logFormat is what of a log can change while it is in use.
type logFormat struct {
	level slog.LevelVar
	json  atomic.Bool
}

func (f *logFormat) set(c config.LogConfig) {
	var level slog.Level
	_ = level.UnmarshalText([]byte(c.Level)) // Validate has seen it; else it is info
	f.level.Set(level)
	f.json.Store(c.Format == "json")
}

// eitherHandler writes text or JSON.
type eitherHandler struct {
	format     *logFormat
	text, json slog.Handler
}

func (h *eitherHandler) now() slog.Handler {
	if h.format.json.Load() {
		return h.json
	}
	return h.text
}

func (h *eitherHandler) Enabled(ctx context.Context, l slog.Level) bool {
	return h.now().Enabled(ctx, l)
}

func (h *eitherHandler) Handle(ctx context.Context, r slog.Record) error {
	return h.now().Handle(ctx, r)
}

func (h *eitherHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	return &eitherHandler{h.format, h.text.WithAttrs(attrs), h.json.WithAttrs(attrs)}
}

func (h *eitherHandler) WithGroup(name string) slog.Handler {
	return &eitherHandler{h.format, h.text.WithGroup(name), h.json.WithGroup(name)}
}

// A logHandler adds the number of the request and of the trace to a line, leaves
// out the JSON Web Tokens in it, and samples warnings and errors.
type logHandler struct {
	inner   slog.Handler
	format  *logFormat // nil: the log is somebody else's
	sampler *sampler   // nil: every line is written
	scope   string     // attributes of all lines, as part of their kind
}

// Enabled implements [slog.Handler].
func (h *logHandler) Enabled(ctx context.Context, l slog.Level) bool { return h.inner.Enabled(ctx, l) }

// Handle implements [slog.Handler].
func (h *logHandler) Handle(ctx context.Context, r slog.Record) error {
	if r.Level >= slog.LevelWarn && h.sampler != nil {
		write, leftOut := h.sampler.take(h, r)
		if !write {
			return nil
		}
		if leftOut > 0 {
			r.AddAttrs(slog.Int("left_out", leftOut))
		}
	}
	r = withoutTokens(r)
	if id, ok := ctx.Value(requestIDKey{}).(string); ok {
		r.AddAttrs(slog.String("request_id", id))
	}
	if id := traceID(ctx); id != "" {
		r.AddAttrs(slog.String("trace_id", id))
	}
	return h.inner.Handle(ctx, r)
}

// withoutTokens returns a line without the JSON Web Tokens in its attributes.
func withoutTokens(r slog.Record) slog.Record {
	clean := slog.NewRecord(r.Time, r.Level, r.Message, r.PC)
	changed := false
	r.Attrs(func(a slog.Attr) bool {
		b, was := redactAttr(a)
		changed = changed || was
		clean.AddAttrs(b)
		return true
	})
	if !changed {
		return r
	}
	return clean
}

// WithAttrs implements [slog.Handler].
func (h *logHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	c := *h
	c.inner = h.inner.WithAttrs(attrs)
	for _, a := range attrs {
		c.scope += a.String() + " "
	}
	return &c
}

// WithGroup implements [slog.Handler].
func (h *logHandler) WithGroup(name string) slog.Handler {
	c := *h
	c.inner = h.inner.WithGroup(name)
	return &c
}

// Every returns log without sampling.
func Every(log *slog.Logger) *slog.Logger {
	if h, ok := log.Handler().(*logHandler); ok {
		c := *h
		c.sampler = nil
		return slog.New(&c)
	}
	return log
}

const (
	// sampleLines of one kind are written within sampleTime.
	sampleLines = 5
	sampleTime  = 10 * time.Second
	// maxKinds bounds the table; further kinds are one.
	maxKinds = 1000
)

// A sampler lets a few lines of each kind pass within some time, and says how
// many it did not.
type sampler struct {
	leftOut atomic.Uint64 // in all

	mu    sync.Mutex
	kinds map[string]*sampledKind // guarded by mu
}

type sampledKind struct {
	since   time.Time
	lines   int
	leftOut int
}

// take reports whether a line is written, and how many of its kind were not
// since the last one. The first line that is not gets a later one that tells.
func (s *sampler) take(h *logHandler, r slog.Record) (write bool, leftOut int) {
	name := h.scope + r.Message
	r.Attrs(func(a slog.Attr) bool {
		if a.Key == "kind" {
			name += " " + a.Value.String()
		}
		return a.Key != "kind"
	})
	s.mu.Lock()
	defer s.mu.Unlock()
	k := s.kinds[name]
	if k == nil {
		if len(s.kinds) >= maxKinds {
			name = "other"
		}
		if k = s.kinds[name]; k == nil {
			k = &sampledKind{}
			s.kinds[strings.Clone(name)] = k
		}
	}
	now := time.Now()
	if now.Sub(k.since) >= sampleTime {
		leftOut = k.leftOut
		*k = sampledKind{since: now, lines: 1}
		return true, leftOut
	}
	if k.lines < sampleLines {
		k.lines++
		return true, 0
	}
	s.leftOut.Add(1)
	k.leftOut++
	if k.leftOut == 1 {
		time.AfterFunc(sampleTime-now.Sub(k.since), func() { s.tell(h, k, r.Level, r.Message) })
	}
	return false, 0
}

// tell writes how many lines of a kind were left out, if no other line has.
func (s *sampler) tell(h *logHandler, k *sampledKind, level slog.Level, message string) {
	s.mu.Lock()
	n := k.leftOut
	k.leftOut = 0
	s.mu.Unlock()
	if n > 0 {
		r := slog.NewRecord(time.Now(), level, message, 0)
		r.AddAttrs(slog.Int("left_out", n))
		_ = h.inner.Handle(context.Background(), r) // nobody to tell
	}
}

// LeftOut returns how many lines a log has left out.
func LeftOut(log *slog.Logger) uint64 {
	if h, ok := log.Handler().(*logHandler); ok && h.sampler != nil {
		return h.sampler.leftOut.Load()
	}
	return 0
}

// Reconfigure makes a log of NewLog one as c wants it.
func Reconfigure(log *slog.Logger, c config.LogConfig) {
	if h, ok := log.Handler().(*logHandler); ok && h.format != nil {
		h.format.set(c)
	}
}

// WithRequest returns the context of a request of that number.
func WithRequest(ctx context.Context, id string) context.Context {
	return &requestContext{ctx, id}
}

// A requestContext holds the number of a request: one allocation, since every
// request has one.
type requestContext struct {
	context.Context
	id string
}

// Value implements [context.Context].
func (c *requestContext) Value(key any) any {
	if _, ok := key.(requestIDKey); ok {
		return c.id
	}
	return c.Context.Value(key)
}

// requestIDKey is the key of a context's number of the request.
type requestIDKey struct{}

// traceID returns the number of the trace that is being recorded, "" if none is.
func traceID(ctx context.Context) string {
	if span := trace.SpanFromContext(ctx); span.IsRecording() {
		return span.SpanContext().TraceID().String()
	}
	return ""
}
