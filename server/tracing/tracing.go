// Package tracing sends spans of requests, and of the stages of pictures, to a collector of
// OpenTelemetry.
package tracing

import (
	"cmp"
	"context"
	"log/slog"
	"net"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"

	"go.opentelemetry.io/otel"
	attr "go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"

	"s3imageserver/resize"
	"s3imageserver/server/config"
	"s3imageserver/server/logging"
	"s3imageserver/server/metrics"
)

// A Tracing sends spans of requests to a collector: one for the request, and one
// for each stage. A nil one traces nothing.
type Tracing struct {
	Provider *sdktrace.TracerProvider
	tracer   trace.Tracer
}

const traceTimeout = 5 * time.Second // of one batch

// tracingWanted reports whether traces are sent: to the endpoint of the
// configuration, else to that of OpenTelemetry's own variables.
func tracingWanted(c *config.TracingConfig) bool {
	if strings.EqualFold(os.Getenv("OTEL_SDK_DISABLED"), "true") {
		return false
	}
	named := os.Getenv("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT") != "" || os.Getenv("OTEL_EXPORTER_OTLP_ENDPOINT") != ""
	return c.Endpoint != "" || named && os.Getenv("OTEL_TRACES_EXPORTER") != "none"
}

// New returns nil if neither the configuration nor the environment wants
// any. It sends nothing yet. What the configuration does not say is as the
// variables of OpenTelemetry say ("Environment Variable Specification").
// Attributes of spans have at most maxBytes of text.
func New(c *config.TracingConfig, about Service, maxBytes int, log *slog.Logger) (*Tracing, error) {
	if !tracingWanted(c) {
		return nil, nil
	}
	routeTraceFaults(log)
	if p := cmp.Or(os.Getenv("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL"), os.Getenv("OTEL_EXPORTER_OTLP_PROTOCOL")); p != "" && p != "http/protobuf" {
		log.Warn("traces are sent by http/protobuf, not by the protocol of OTEL_EXPORTER_OTLP_PROTOCOL", "protocol", p)
	}
	options := []otlptracehttp.Option{
		otlptracehttp.WithCompression(otlptracehttp.GzipCompression),
		otlptracehttp.WithRetry(otlptracehttp.RetryConfig{}), // the next batch will come; nobody waits
	}
	if os.Getenv("OTEL_EXPORTER_OTLP_TRACES_TIMEOUT") == "" && os.Getenv("OTEL_EXPORTER_OTLP_TIMEOUT") == "" {
		options = append(options, otlptracehttp.WithTimeout(traceTimeout))
	}
	if c.Endpoint != "" {
		endpoint := strings.TrimRight(c.Endpoint, "/")
		if !strings.HasSuffix(endpoint, "/v1/traces") {
			endpoint += "/v1/traces"
		}
		options = append(options, otlptracehttp.WithEndpointURL(endpoint))
	}
	if len(c.Headers) > 0 || c.Endpoint != "" { // those of the environment are for its endpoint
		headers := map[string]string{}
		for name, value := range c.Headers {
			headers[name] = string(value)
		}
		options = append(options, otlptracehttp.WithHeaders(headers))
	}
	exporter, err := otlptracehttp.New(context.Background(), options...) // it connects when it has something to send
	if err != nil {
		return nil, err
	}
	resource, err := tracedResource(c, about)
	if err != nil {
		log.Warn("traces lack the resource attributes of the environment: they are not valid", "error", err)
	}
	limits := sdktrace.NewSpanLimits()
	limits.AttributeValueLengthLimit = maxBytes
	batches := []sdktrace.BatchSpanProcessorOption{}
	if os.Getenv("OTEL_BSP_SCHEDULE_DELAY") == "" {
		batches = append(batches, sdktrace.WithBatchTimeout(time.Second))
	}
	providers := []sdktrace.TracerProviderOption{sdktrace.WithRawSpanLimits(limits), sdktrace.WithBatcher(exporter, batches...), sdktrace.WithResource(resource)}
	if c.Ratio != nil {
		providers = append(providers, sdktrace.WithSampler(sdktrace.ParentBased(sdktrace.TraceIDRatioBased(*c.Ratio))))
	}
	provider := sdktrace.NewTracerProvider(providers...)
	return &Tracing{provider, provider.Tracer("s3imageserver")}, nil
}

// A Service is what sends the spans: the version of the program, and what tells this
// process from all others.
type Service struct{ Version, Instance string }

// tracedResource says whose spans these are. OTEL_RESOURCE_ATTRIBUTES and
// OTEL_SERVICE_NAME win over all but the name in the configuration. With an error
// it has what could be read.
func tracedResource(c *config.TracingConfig, about Service) (*resource.Resource, error) {
	options := []resource.Option{
		resource.WithTelemetrySDK(),
		resource.WithAttributes(attr.String("service.name", "s3imageserver"), attr.String("service.version", about.Version), attr.String("service.instance.id", about.Instance)),
		resource.WithFromEnv(),
	}
	if c.Service != "" {
		options = append(options, resource.WithAttributes(attr.String("service.name", c.Service)))
	}
	return resource.New(context.Background(), options...)
}

// traceFaults gets what the library would print.
var traceFaults struct {
	once sync.Once
	mu   sync.Mutex
	log  *slog.Logger // guarded by mu
}

// routeTraceFaults makes the library's faults lines of log. The library has one
// handler for the process, so the last log gets them.
func routeTraceFaults(log *slog.Logger) {
	traceFaults.mu.Lock()
	defer traceFaults.mu.Unlock()
	traceFaults.log = log
	traceFaults.once.Do(func() {
		otel.SetErrorHandler(otel.ErrorHandlerFunc(func(err error) {
			traceFaults.mu.Lock()
			log := traceFaults.log
			traceFaults.mu.Unlock()
			log.Warn("traces are not sent", "error", err)
		}))
	})
}

func (t *Tracing) Close(ctx context.Context) error {
	if t == nil {
		return nil
	}
	_ = t.Provider.Shutdown(ctx) // a collector that is down must not make the end a failure; it was logged
	return nil
}

// Begin starts the span of a request. A trace of a trusted proxy is continued.
func (t *Tracing) Begin(ctx context.Context, r *http.Request, trusted bool) context.Context {
	if t == nil {
		return ctx
	}
	if trusted {
		ctx = propagation.TraceContext{}.Extract(ctx, propagation.HeaderCarrier(r.Header))
	}
	// The path is taken escaped: one text that is no UTF-8 would cost all spans
	// that are sent with it.
	method := tracedMethod(r.Method)
	attrs := []attr.KeyValue{
		attr.String("http.request.method", method),
		attr.String("url.scheme", schemeOf(r, trusted)),
		attr.String("url.path", logging.RedactPath(r.URL.EscapedPath())),
		attr.String("network.protocol.version", protocolVersion(r)),
	}
	if method != r.Method {
		attrs = append(attrs, attr.String("http.request.method_original", strings.ToValidUTF8(r.Method, "?")))
	}
	if query := logging.RedactQuery(r.URL.RawQuery); query != "" {
		attrs = append(attrs, attr.String("url.query", strings.ToValidUTF8(query, "?")))
	}
	attrs = append(attrs, serverOf(r)...)
	ctx, _ = t.tracer.Start(ctx, method, trace.WithSpanKind(trace.SpanKindServer), trace.WithAttributes(attrs...))
	return ctx
}

// schemeOf returns the scheme of the URL that was asked for; a trusted proxy says
// what the client came by.
func schemeOf(r *http.Request, trusted bool) string {
	if proto := strings.ToLower(r.Header.Get("X-Forwarded-Proto")); trusted && (proto == "http" || proto == "https") {
		return proto
	}
	if r.TLS != nil {
		return "https"
	}
	return "http"
}

// protocolVersion returns the version of HTTP: "1.0", "1.1", "2".
func protocolVersion(r *http.Request) string {
	if r.ProtoMajor >= 2 {
		return strconv.Itoa(r.ProtoMajor)
	}
	return strconv.Itoa(r.ProtoMajor) + "." + strconv.Itoa(r.ProtoMinor)
}

// serverOf returns the host that was asked, and its port if there is one, nothing
// for what is no host.
func serverOf(r *http.Request) (attrs []attr.KeyValue) {
	host, port, err := net.SplitHostPort(r.Host)
	if err != nil {
		host, port = r.Host, ""
	}
	host = strings.Trim(host, "[]")
	if !config.ValidHost(host) {
		return nil
	}
	attrs = append(attrs, attr.String("server.address", host))
	if n, err := strconv.ParseUint(port, 10, 16); err == nil {
		attrs = append(attrs, attr.Int("server.port", int(n)))
	}
	return attrs
}

// tracedMethod returns the name of a method in traces: one that HTTP has not is
// "_OTHER", so that clients make no names of spans (OpenTelemetry semantic
// conventions, "http.request.method").
func tracedMethod(method string) string {
	switch method {
	case http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete, http.MethodOptions, http.MethodConnect, http.MethodTrace:
		return method
	}
	return "_OTHER"
}

// An Answer is what the span of a request tells of its answer.
type Answer struct {
	RequestID string
	Method    string // of HTTP
	Status    int    // of HTTP
	Bytes     int64  // of the body
	Route     string // with {name} for the name of the picture; "": no handler has answered
	Handler   string // its prefix
	Answered  bool   // there is a picture: Cache and Format are set
	Cache     string // status of the cache
	Format    string // of the picture
	ErrorKind string // in one word; "": there was none
}

// End ends the span of a request.
func (t *Tracing) End(ctx context.Context, answer func() Answer) {
	if t == nil {
		return
	}
	span := trace.SpanFromContext(ctx)
	if !span.IsRecording() {
		return
	}
	a := answer()
	span.SetAttributes(attr.Int("http.response.status_code", a.Status), attr.Int64("http.response.body.size", a.Bytes), attr.String("s3imageserver.request_id", a.RequestID))
	if a.Route != "" {
		span.SetName(tracedMethod(a.Method) + " " + a.Route)
		span.SetAttributes(attr.String("http.route", a.Route), attr.String("s3imageserver.handler", a.Handler))
	}
	if a.Answered {
		span.SetAttributes(attr.String("s3imageserver.cache", a.Cache), attr.String("s3imageserver.format", a.Format))
	}
	if a.ErrorKind != "" {
		span.SetAttributes(attr.String("error.type", a.ErrorKind))
	}
	if a.Status >= http.StatusInternalServerError {
		span.SetStatus(codes.Error, "")
	}
	span.End()
}

func nothing() {}

// Span starts a span below that of ctx, if that is recorded.
func Span(ctx context.Context, name string) (context.Context, func()) {
	parent := trace.SpanFromContext(ctx)
	if !parent.IsRecording() {
		return ctx, nothing
	}
	ctx, s := parent.TracerProvider().Tracer("s3imageserver").Start(ctx, name)
	return ctx, func() { s.End() }
}

// StageSpans records the stages of a picture that was begun then. They are
// measured as lengths, and follow each other in this order but for reading, of
// which a part comes before the queue.
func StageSpans(ctx context.Context, began time.Time, t resize.Timing) {
	parent := trace.SpanFromContext(ctx)
	if !parent.IsRecording() {
		return
	}
	tracer := parent.TracerProvider().Tracer("s3imageserver")
	for _, s := range []struct {
		stage metrics.Stage
		took  time.Duration
	}{{metrics.Queue, t.Queue}, {metrics.Read, t.Read}, {metrics.Decode, t.Decode}, {metrics.Transform, t.Transform}, {metrics.Encode, t.Encode}} {
		_, span := tracer.Start(ctx, s.stage.String(), trace.WithTimestamp(began))
		began = began.Add(s.took)
		span.End(trace.WithTimestamp(began))
	}
}
