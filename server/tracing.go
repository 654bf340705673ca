package server

import (
	"context"
	"log/slog"
	"net/http"
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
)

// tracing sends spans of requests to a collector: one for the request, and one
// for each stage. A nil one traces nothing.
type tracing struct {
	provider *sdktrace.TracerProvider
	tracer   trace.Tracer
}

const (
	traceTimeout = 5 * time.Second // of one batch
	traceQueue   = 2048            // spans that wait; further ones are lost
)

// newTracing returns nil if the configuration wants none. It sends nothing yet.
func newTracing(c *TracingConfig, log *slog.Logger) (*tracing, error) {
	if c.Endpoint == "" {
		return nil, nil
	}
	routeTraceFaults(log)
	headers := map[string]string{}
	for name, value := range c.Headers {
		headers[name] = string(value)
	}
	endpoint := strings.TrimRight(c.Endpoint, "/")
	if !strings.HasSuffix(endpoint, "/v1/traces") {
		endpoint += "/v1/traces"
	}
	exporter, err := otlptracehttp.New(context.Background(), // it connects when it has something to send
		otlptracehttp.WithEndpointURL(endpoint),
		otlptracehttp.WithHeaders(headers),
		otlptracehttp.WithTimeout(traceTimeout),
		otlptracehttp.WithCompression(otlptracehttp.GzipCompression),
		otlptracehttp.WithRetry(otlptracehttp.RetryConfig{}), // the next batch will come; nobody waits
	)
	if err != nil {
		return nil, err
	}
	limits := sdktrace.NewSpanLimits()
	limits.AttributeValueLengthLimit = maxURLBytes
	provider := sdktrace.NewTracerProvider(
		sdktrace.WithRawSpanLimits(limits),
		sdktrace.WithBatcher(exporter, sdktrace.WithMaxQueueSize(traceQueue), sdktrace.WithBatchTimeout(time.Second)),
		sdktrace.WithSampler(sdktrace.ParentBased(sdktrace.TraceIDRatioBased(*c.Ratio))),
		sdktrace.WithResource(resource.NewSchemaless(attr.String("service.name", c.Service))),
	)
	return &tracing{provider, provider.Tracer("s3imageserver")}, nil
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

func (t *tracing) close(ctx context.Context) error {
	if t == nil {
		return nil
	}
	_ = t.provider.Shutdown(ctx) // a collector that is down must not make the end a failure; it was logged
	return nil
}

// begin starts the span of a request. A trace of a trusted proxy is continued.
func (t *tracing) begin(ctx context.Context, r *http.Request, trusted bool) context.Context {
	if t == nil {
		return ctx
	}
	if trusted {
		ctx = propagation.TraceContext{}.Extract(ctx, propagation.HeaderCarrier(r.Header))
	}
	// The path is taken escaped: one text that is no UTF-8 would cost all spans
	// that are sent with it.
	method := tracedMethod(r.Method)
	ctx, _ = t.tracer.Start(ctx, method, trace.WithSpanKind(trace.SpanKindServer), trace.WithAttributes(
		attr.String("http.request.method", method),
		attr.String("url.path", redactPath(r.URL.EscapedPath())),
	))
	return ctx
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

// end ends the span of a request.
func (t *tracing) end(ctx context.Context, x *exchange) {
	if t == nil {
		return
	}
	span := trace.SpanFromContext(ctx)
	if !span.IsRecording() {
		return
	}
	span.SetAttributes(attr.Int("http.response.status_code", x.status), attr.Int64("http.response.body.size", x.bytes), attr.String("request_id", x.id))
	if h := x.handler; h != nil {
		span.SetName(tracedMethod(x.method) + " /" + h.config.Prefix)
		span.SetAttributes(attr.String("handler", h.config.Prefix))
	}
	if x.answered {
		span.SetAttributes(attr.String("cache", tierNames[x.from]), attr.String("format", formatNames[formatIndex(x.mediaType)]))
	}
	if x.err != nil {
		span.SetAttributes(attr.String("error.type", kindOf(x.err)))
	}
	if x.status >= http.StatusInternalServerError {
		span.SetStatus(codes.Error, "")
	}
	span.End()
}

// traceID returns the number of the trace that is being recorded, "" if none is.
func traceID(ctx context.Context) string {
	if span := trace.SpanFromContext(ctx); span.IsRecording() {
		return span.SpanContext().TraceID().String()
	}
	return ""
}

func nothing() {}

// span starts a span below that of ctx, if that is recorded.
func span(ctx context.Context, name string) (context.Context, func()) {
	parent := trace.SpanFromContext(ctx)
	if !parent.IsRecording() {
		return ctx, nothing
	}
	ctx, s := parent.TracerProvider().Tracer("s3imageserver").Start(ctx, name)
	return ctx, func() { s.End() }
}

// stageSpans records the stages of a picture that was begun then. They are
// measured as lengths, and follow each other in this order but for reading, of
// which a part comes before the queue.
func stageSpans(ctx context.Context, began time.Time, t resize.Timing) {
	parent := trace.SpanFromContext(ctx)
	if !parent.IsRecording() {
		return
	}
	tracer := parent.TracerProvider().Tracer("s3imageserver")
	for _, s := range []struct {
		stage stage
		took  time.Duration
	}{{stageQueue, t.Queue}, {stageRead, t.Read}, {stageDecode, t.Decode}, {stageTransform, t.Transform}, {stageEncode, t.Encode}} {
		_, span := tracer.Start(ctx, stageNames[s.stage], trace.WithTimestamp(began))
		began = began.Add(s.took)
		span.End(trace.WithTimestamp(began))
	}
}
