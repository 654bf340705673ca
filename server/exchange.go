package server

import (
	"encoding/binary"
	"encoding/hex"
	"io"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"strconv"
	"strings"
	"time"

	"s3imageserver/server/config"
	"s3imageserver/server/logging"
	"s3imageserver/server/metrics"
	"s3imageserver/server/tracing"
	"s3imageserver/storage/cache"
)

// An exchange is one request and its answer: it writes to the client, and holds
// what is counted and logged when the answer has ended. It belongs to the
// goroutine of the request.
type exchange struct {
	http.ResponseWriter
	method  string
	began   time.Time
	id      string // number of the request
	status  int    // 0 until the header is written
	bytes   int64  // of the body
	handler *Handler

	from      cache.Status // where the picture came from
	answered  bool         // there is one: from and mediaType are set
	mediaType string

	values [4]string // of one, so that they need no memory of their own
	used   int       // of values

	err           error // why there is no picture
	fault         int   // status of err, before error_status replaces it
	failedRequest *request
}

// begin returns the exchange of a request that has come, and the request with
// its number and trace.
func (s *Server) begin(w http.ResponseWriter, r *http.Request) (*exchange, *http.Request) {
	s.reused.metrics.Begin()
	x := &exchange{ResponseWriter: w, method: r.Method, began: time.Now()}
	trusted := s.clients.FromProxy(r)
	if trusted {
		x.id = validID(r.Header.Get(s.config.Log.RequestID))
	}
	if x.id == "" {
		x.id = newID()
	}
	w.Header()["X-Request-Id"] = x.one(x.id)
	if r.TLS != nil && s.config.HSTS > 0 {
		w.Header()["Strict-Transport-Security"] = []string{"max-age=" + strconv.FormatInt(s.config.HSTS, 10)}
	}
	ctx := logging.WithRequest(r.Context(), x.id)
	return x, r.WithContext(s.tracing.Begin(ctx, r, trusted))
}

// one returns the value of a header.
func (x *exchange) one(value string) []string {
	if x.used == len(x.values) {
		return []string{value}
	}
	x.values[x.used] = value
	x.used++
	return x.values[x.used-1 : x.used : x.used]
}

// end counts, logs and traces the answer of a request.
func (s *Server) end(x *exchange, r *http.Request) {
	s.reused.metrics.End(x.counted())
	s.logRequest(x, r)
	s.tracing.End(r.Context(), x.traced)
}

// counted is what the metrics count of the answer.
func (x *exchange) counted() metrics.Answer {
	a := metrics.Answer{Began: x.began, Status: x.status, Bytes: x.bytes, Answered: x.answered, From: x.from, MediaType: x.mediaType}
	if x.handler != nil {
		a.Handler = x.handler.meters
	}
	return a
}

// traced is what the span of the request tells of the answer.
func (x *exchange) traced() tracing.Answer {
	a := tracing.Answer{RequestID: x.id, Method: x.method, Status: x.status, Bytes: x.bytes, Answered: x.answered}
	if h := x.handler; h != nil {
		a.Route, a.Handler = h.config.Route()+"{name}", h.config.Prefix
	}
	if x.answered {
		a.Cache, a.Format = x.from.String(), metrics.FormatName(x.mediaType)
	}
	if x.err != nil {
		a.ErrorKind = kindOf(x.err)
	}
	return a
}

// newID returns a random request ID.
func newID() string {
	var b [8]byte
	binary.BigEndian.PutUint64(b[:], rand.Uint64())
	return string(hex.AppendEncode(make([]byte, 0, 2*len(b)), b[:]))
}

// validID returns the request ID of a proxy, "" if it is not valid.
func validID(id string) string {
	if len(id) > 128 || strings.ContainsFunc(id, func(r rune) bool {
		return !('a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9' || strings.ContainsRune("-_.:=+/@", r))
	}) {
		return ""
	}
	return id
}

// logRequest writes the access log line of a request, if it gets one.
func (s *Server) logRequest(x *exchange, r *http.Request) {
	all := s.config.Log.Requests == config.LogAllRequests
	if s.config.Log.Requests == config.LogNoRequests || x.err == nil && !all {
		return
	}
	level, message := slog.LevelInfo, "request"
	if x.err != nil {
		level, message = faultLevel(x.fault, x.err), "no picture"
		if all {
			level = max(level, slog.LevelInfo)
		}
	}
	log := s.log
	if x.handler != nil {
		log = x.handler.log
	}
	if all {
		log = logging.Every(log)
	}
	if !log.Enabled(r.Context(), level) {
		return
	}
	attrs := make([]slog.Attr, 0, 16)
	attrs = append(attrs, slog.Int("status", x.status))
	if x.err != nil {
		attrs = append(attrs, slog.String("kind", kindOf(x.err)), slog.Any("error", x.err), slog.String("name", x.failedRequest.name), slog.String("options", logging.RedactQuery(x.failedRequest.options.String())))
	}
	if x.answered {
		attrs = append(attrs, slog.String("cache", x.from.String()))
	}
	path, query := logging.RedactPath(r.URL.EscapedPath()), logging.RedactQuery(r.URL.RawQuery)
	if tooLong(r) {
		path, query = shortened(path), shortened(query)
	}
	attrs = append(attrs, slog.String("method", x.method), slog.String("path", path), slog.String("query", query),
		slog.Int64("bytes", x.bytes), slog.Float64("ms", float64(time.Since(x.began).Microseconds())/1000), slog.String("client", s.clients.Address(r).String()))
	log.LogAttrs(r.Context(), level, message, attrs...)
}

// shortened returns the beginning of a part of a URL that is refused for its
// length, and says how much was left out.
func shortened(s string) string {
	const most = 256 // bytes
	if len(s) <= most {
		return s
	}
	return s[:most] + "... and " + strconv.Itoa(len(s)-most) + " bytes more"
}

// failed notes why there is no picture.
func (x *exchange) failed(req request, status int, err error) {
	x.failedRequest, x.fault, x.err = &req, status, err
}

// exchangeOf returns the exchange that w belongs to. Programs that embed a Handler have
// none: they get one that is not counted.
func exchangeOf(w http.ResponseWriter) *exchange {
	if x, ok := w.(*exchange); ok {
		return x
	}
	return &exchange{ResponseWriter: w}
}

// picture notes that there is a picture, and where it came from.
func (x *exchange) picture(mediaType string, s cache.Status) {
	x.answered, x.mediaType, x.from = true, mediaType, s
}

// WriteHeader notes the status of the final answer.
func (x *exchange) WriteHeader(status int) {
	if x.status == 0 && status >= http.StatusOK {
		x.status = status
	}
	x.ResponseWriter.WriteHeader(status)
}

// Write counts the bytes of the body.
func (x *exchange) Write(b []byte) (int, error) {
	if x.status == 0 {
		x.status = http.StatusOK
	}
	n, err := x.ResponseWriter.Write(b)
	x.bytes += int64(n)
	return n, err
}

// WriteString is Write for texts.
func (x *exchange) WriteString(s string) (int, error) {
	if x.status == 0 {
		x.status = http.StatusOK
	}
	n, err := io.WriteString(x.ResponseWriter, s)
	x.bytes += int64(n)
	return n, err
}

// Unwrap lets http.ResponseController find the writer below.
func (x *exchange) Unwrap() http.ResponseWriter { return x.ResponseWriter }
