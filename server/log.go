package server

import (
	"context"
	"io"
	"log/slog"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"
	"unicode"

	"s3imageserver/server/config"
)

// NewLog returns a log as the configuration wants it, which Validate must have
// seen. It adds the number of the request to lines that belong to one, and
// leaves out what repeats. When the configuration is replaced, it changes with it.
func NewLog(w io.Writer, c LogConfig) *slog.Logger {
	f := &logFormat{}
	f.set(c)
	o := &slog.HandlerOptions{Level: &f.level}
	return slog.New(&logHandler{
		inner:   &eitherHandler{f, slog.NewTextHandler(w, o), slog.NewJSONHandler(w, o)},
		format:  f,
		sampler: &sampler{kinds: map[string]*sampledKind{}},
	})
}

// sampledLog returns log with numbers of requests and without what repeats; log
// itself if it is of NewLog.
func sampledLog(log *slog.Logger) *slog.Logger {
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

func (f *logFormat) set(c LogConfig) {
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

// every returns log without sampling.
func every(log *slog.Logger) *slog.Logger {
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

// leftOut returns how many lines the log has left out.
func (s *Server) leftOut() uint64 {
	if h, ok := s.log.Handler().(*logHandler); ok && h.sampler != nil {
		return h.sampler.leftOut.Load()
	}
	return 0
}

// requestIDKey is the key of a context's number of the request.
type requestIDKey struct{}

// secretParams are the parameters of a URL that are nobody's business but the
// client's.
var secretParams = []string{config.TokenParam, config.SignatureParam}

// isSecret reports whether a parameter is one of secretParams, however a client
// or a library may have spelled it: in any case, with spaces and control
// characters around it, as an element of a list ("t[]"), or escaped twice. One
// that cannot be unescaped may be.
func isSecret(name string) bool {
	for range 3 {
		plain, _, _ := strings.Cut(name, "[")
		plain = strings.TrimFunc(plain, func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) })
		if slices.ContainsFunc(secretParams, func(p string) bool { return strings.EqualFold(p, plain) }) {
			return true
		}
		decoded, err := url.QueryUnescape(name)
		if err != nil || decoded == name {
			return err != nil
		}
		name = decoded
	}
	return false
}

// redactURL is redactQuery for the query of a URL, and redactText for its path.
func redactURL(u string) string {
	path, query, ok := strings.Cut(u, "?")
	if path = redactPath(path); !ok {
		return path
	}
	return path + "?" + redactQuery(query)
}

// tokenBegin is how a JSON Web Token begins: {" in base64url.
const tokenBegin = "eyJ"

// redacted stands for what is not shown.
const redacted = "***"

// webToken is a JSON Web Token: two parts at least, of which no name is made by
// chance.
var webToken = regexp.MustCompile(tokenBegin + `[A-Za-z0-9_-]+\.[A-Za-z0-9_.-]*`)

// redactText returns a text without the JSON Web Tokens in it.
func redactText(text string) string {
	if !strings.Contains(text, tokenBegin) {
		return text
	}
	return webToken.ReplaceAllLiteralString(text, redacted)
}

// redactPath returns the path of a URL, escaped, without the JSON Web Tokens in
// it, whose letters may be escaped too.
func redactPath(escaped string) string {
	plain, err := url.PathUnescape(escaped)
	if err == nil && redactText(plain) != plain {
		segments := strings.Split(redactText(plain), "/")
		for i, s := range segments {
			segments[i] = strings.ReplaceAll(url.PathEscape(s), "%2A", "*")
		}
		return strings.Join(segments, "/")
	}
	return redactText(escaped)
}

// redactQuery returns a query without the values of secretParams, and without
// what looks like the beginning of a JSON Web Token, wherever it is. It is the
// one way of a query into a log.
func redactQuery(raw string) string {
	if raw == "" {
		return ""
	}
	parts := strings.FieldsFunc(raw, func(r rune) bool { return r == '&' || r == ';' })
	for i, part := range parts {
		name, value, _ := strings.Cut(part, "=")
		switch {
		case holdsToken(name):
			parts[i] = redacted
		case isSecret(name), holdsToken(value):
			parts[i] = name + "=" + redacted
		}
	}
	return strings.Join(parts, "&")
}

// holdsToken reports whether a token may begin in an escaped text.
func holdsToken(escaped string) bool {
	for range 3 {
		if strings.Contains(escaped, tokenBegin) {
			return true
		}
		plain, err := url.QueryUnescape(escaped)
		if err != nil || plain == escaped {
			return false
		}
		escaped = plain
	}
	return false
}

// redactAttr returns an attribute of a line without the JSON Web Tokens in it: in
// names of pictures, and in errors that have them. changed reports whether there
// was one.
func redactAttr(a slog.Attr) (clean slog.Attr, changed bool) {
	var text string
	switch a.Value.Kind() {
	case slog.KindString:
		text = a.Value.String()
	case slog.KindAny:
		err, ok := a.Value.Any().(error)
		if !ok {
			return a, false
		}
		text = err.Error()
	}
	if plain := redactText(text); plain != text {
		return slog.String(a.Key, plain), true
	}
	return a, false
}
