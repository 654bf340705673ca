package config

import (
	"cmp"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"
)

// LogConfig says what is logged, and how.
type LogConfig struct {
	// Format is "text" or "json"; empty means "text".
	Format string `json:"format"`
	// Level is the lowest level that is logged: "debug", "info", "warn" or "error"; empty
	// means "info".
	Level string `json:"level"`
	// Requests says which requests are logged: "off", "errors" (those with an error that
	// an operator can fix) or "all"; empty means "errors".
	Requests string `json:"requests"`
	// RequestID is the header with the request ID that a trusted proxy sends; other
	// requests get a new ID, and all responses have it in "X-Request-Id". Empty means
	// "X-Request-Id".
	RequestID string `json:"request_id"`
}

// What LogConfig.Requests may be.
const (
	LogNoRequests    = "off"
	logFaultyRequest = "errors"
	LogAllRequests   = "all"
)

func (l *LogConfig) validate(faults *Faults) {
	l.Format = cmp.Or(l.Format, "text")
	l.Level = cmp.Or(l.Level, "info")
	l.Requests = cmp.Or(l.Requests, logFaultyRequest)
	l.RequestID = http.CanonicalHeaderKey(cmp.Or(l.RequestID, "X-Request-Id"))
	for _, f := range []struct {
		key, value string
		words      []string
	}{
		{"log.format", l.Format, []string{"text", "json"}},
		{"log.level", l.Level, []string{"debug", "info", "warn", "error"}},
		{"log.requests", l.Requests, []string{LogNoRequests, logFaultyRequest, LogAllRequests}},
	} {
		if !slices.Contains(f.words, f.value) {
			faults.Add(f.key, "%q is none of %s", f.value, strings.Join(f.words, ", "))
		}
	}
	if !validHeader(l.RequestID) {
		faults.Add("log.request_id", "%q is not the name of a header", l.RequestID)
	}
}

func validHeader(name string) bool {
	return name != "" && !strings.ContainsFunc(name, func(r rune) bool {
		return !('a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9' || strings.ContainsRune("-_", r))
	})
}

// TracingConfig is where traces are sent.
type TracingConfig struct {
	// Endpoint is the URL of a collector that takes OpenTelemetry traces (OTLP by
	// HTTP), as in "http://127.0.0.1:4318"; empty means that of the variable
	// OTEL_EXPORTER_OTLP_ENDPOINT, and without that off.
	Endpoint string `json:"endpoint"`
	// Ratio is the fraction of requests that is traced, 0 to 1; for requests with a trace
	// of a trusted proxy, the proxy decides. Absent means 0.1, or as OTEL_TRACES_SAMPLER
	// says.
	Ratio *float64 `json:"ratio"`
	// Headers are headers for the collector, as in
	// `{"Authorization": "Bearer ${KEY}"}`.
	Headers map[string]Secret `json:"headers"`
	// Service is the name of this service in traces; empty means that of
	// OTEL_SERVICE_NAME, else "s3imageserver".
	Service string `json:"service"`
}

const defaultTraceRatio = 0.1

func (t *TracingConfig) validate(faults *Faults) {
	if t.Ratio == nil && os.Getenv("OTEL_TRACES_SAMPLER") == "" {
		t.Ratio = new(defaultTraceRatio)
	}
	if t.Ratio != nil && !(*t.Ratio >= 0 && *t.Ratio <= 1) {
		faults.Add("tracing.ratio", "%v is not a part from 0 to 1", *t.Ratio)
	}
	if t.Endpoint == "" {
		return
	}
	if u, err := url.Parse(t.Endpoint); err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.User != nil {
		faults.Add("tracing.endpoint", "%q is not a URL of a collector, as in http://127.0.0.1:4318; keys for it are headers", withoutPassword(t.Endpoint))
	}
}
