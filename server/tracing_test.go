package server

import (
	"compress/gzip"
	"encoding/hex"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	collector "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	traces "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"

	"s3imageserver/server/tracing"
)

// A spanCollector is a collector on the loopback interface.
type spanCollector struct {
	*httptest.Server
	mu       sync.Mutex
	spans    []*traces.Span // guarded by mu, as all below
	resource map[string]string
	header   http.Header
}

func startCollector(t *testing.T) *spanCollector {
	c := &spanCollector{}
	c.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/v1/traces" {
			w.WriteHeader(404)
			return
		}
		z, err := gzip.NewReader(r.Body)
		if err != nil {
			t.Error(err)
			return
		}
		data, err := io.ReadAll(z)
		if err != nil {
			t.Error(err)
			return
		}
		var message collector.ExportTraceServiceRequest
		if err := proto.Unmarshal(data, &message); err != nil {
			t.Error(err)
			return
		}
		c.mu.Lock()
		defer c.mu.Unlock()
		c.header = r.Header
		for _, rs := range message.ResourceSpans {
			c.resource = map[string]string{}
			for _, a := range rs.Resource.Attributes {
				c.resource[a.Key] = a.Value.GetStringValue()
			}
			for _, ss := range rs.ScopeSpans {
				c.spans = append(c.spans, ss.Spans...)
			}
		}
	}))
	t.Cleanup(c.Close)
	return c
}

// wait returns the spans by name, when there are n.
func (c *spanCollector) wait(t *testing.T, n int) map[string]*traces.Span {
	t.Helper()
	for deadline := time.Now().Add(patience); ; time.Sleep(10 * time.Millisecond) {
		c.mu.Lock()
		byName := map[string]*traces.Span{}
		for _, s := range c.spans {
			byName[s.Name] = s
		}
		got := len(c.spans)
		c.mu.Unlock()
		if got >= n {
			return byName
		}
		if time.Now().After(deadline) {
			t.Fatalf("%d spans came; want %d", got, n)
		}
	}
}

// A miss is one trace with a span for each stage; a trace of a trusted proxy is
// continued, one of anybody else is not.
func TestTraces(t *testing.T) {
	c := startCollector(t)
	s, _ := logged(t, bucket(t), Config{
		TrustedProxies: []string{"192.0.2.1"},
		Tracing:        TracingConfig{Endpoint: c.URL, Ratio: new(0.0), Headers: map[string]Secret{"X-Key": "key-of-the-collector"}},
	})
	const traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
	s.get("/h/photo.jpg?w=40&t=secret", "traceparent", traceparent)
	spans := c.wait(t, 9)
	root := spans["GET /h/{name}"]
	if root == nil || hex.EncodeToString(root.TraceId) != "0af7651916cd43dd8448eb211c80319c" || hex.EncodeToString(root.ParentSpanId) != "b7ad6b7169203331" {
		t.Fatalf("spans = %v; want GET /h/{name} in the trace of the proxy", spans)
	}
	parents := map[string]string{"parse": "GET /h/{name}", "cache": "GET /h/{name}", "fetch": "cache", "queue": "cache", "read": "cache", "decode": "cache", "transform": "cache", "encode": "cache"}
	for name, parent := range parents {
		span := spans[name]
		if span == nil {
			t.Errorf("no span %s", name)
			continue
		}
		if string(span.ParentSpanId) != string(spans[parent].SpanId) || span.EndTimeUnixNano < span.StartTimeUnixNano || span.StartTimeUnixNano < root.StartTimeUnixNano {
			t.Errorf("span %s is not within %s: %v", name, parent, span)
		}
	}
	text := root.String()
	for _, a := range []string{`"http.response.status_code"`, `"url.path"`, `"s3imageserver.cache"`, `"miss"`, `"webp"`, `"s3imageserver.request_id"`, `"s3imageserver.format"`} {
		if !strings.Contains(text, a) {
			t.Errorf("span of the request lacks %s: %s", a, text)
		}
	}
	if strings.Contains(text, "secret") {
		t.Errorf("the token is in a span: %s", text)
	}
	if c.header.Get("X-Key") != "key-of-the-collector" {
		t.Errorf("headers of the collector's request = %v", c.header)
	}

	// Of others nothing is traced: the ratio is 0.
	r := httptest.NewRequest("GET", "/h/photo.jpg", nil)
	r.RemoteAddr = "198.51.100.1:1"
	r.Header.Set("traceparent", traceparent)
	s.server.ServeHTTP(httptest.NewRecorder(), r)
	if err := s.server.tracing.Provider.ForceFlush(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := len(c.wait(t, 9)); got != 9 {
		t.Errorf("%d spans after a request of somebody else; want 9", got)
	}
}

// A collector that is down disturbs nobody.
func TestTracesWithoutCollector(t *testing.T) {
	s, _ := logged(t, bucket(t), Config{Tracing: TracingConfig{Endpoint: "http://127.0.0.1:1", Ratio: new(1.0)}})
	for range 20 {
		if r := s.get("/h/photo.jpg?w=40"); r.StatusCode != 200 {
			t.Fatalf("status %d", r.StatusCode)
		}
	}
}

// Whatever a client asks for is sent, and takes no other spans with it: a path
// that is no UTF-8, one without an end, a method of its own.
func TestTracesOfStrangeRequests(t *testing.T) {
	c := startCollector(t)
	s, _ := logged(t, bucket(t), Config{Tracing: TracingConfig{Endpoint: c.URL, Ratio: new(1.0)}})
	long := "/h/" + strings.Repeat("x", 20000)
	for _, r := range []*http.Request{
		httptest.NewRequest("GET", "/h/%ff%fe.jpg", nil),
		httptest.NewRequest("GET", "/\xff", nil),
		httptest.NewRequest("GET", long, nil),
		httptest.NewRequest("BREW", "/h/photo.jpg", nil),
		httptest.NewRequest("BREW", "/none", nil),
		httptest.NewRequest("GET", "/last", nil),
	} {
		s.server.ServeHTTP(httptest.NewRecorder(), r)
	}
	if err := s.server.tracing.Provider.ForceFlush(t.Context()); err != nil {
		t.Fatal(err)
	}
	spans := c.wait(t, 7) // a request each, and the parse of the first one
	paths, originals := map[string]bool{}, map[string]int{}
	for name := range spans {
		if strings.Contains(name, "BREW") {
			t.Errorf("a span has the name %q, which a client made", name)
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, span := range c.spans {
		for _, a := range span.Attributes {
			switch v := a.Value.GetStringValue(); {
			case a.Key == "url.path":
				paths[v] = true
			case a.Key == "http.request.method_original":
				originals[v]++
			case strings.Contains(v, "BREW"):
				t.Errorf("%s is %q, which a client made", a.Key, v)
			}
		}
	}
	if len(originals) != 1 || originals["BREW"] != 2 {
		t.Errorf("http.request.method_original: %v; want BREW of two requests", originals)
	}
	for _, want := range []string{"/h/%ff%fe.jpg", "/%FF", long[:maxURLBytes], "/h/photo.jpg", "/none", "/last"} {
		if !paths[want] {
			t.Errorf("no span of %.40q; there are %d", want, len(paths))
		}
	}
}

// attributes returns those of a span as texts.
func attributes(s *traces.Span) map[string]string {
	all := map[string]string{}
	for _, a := range s.Attributes {
		all[a.Key] = a.Value.GetStringValue()
		if n := a.Value.GetIntValue(); n != 0 {
			all[a.Key] = strconv.FormatInt(n, 10)
		}
	}
	return all
}

// The span of a request has what OpenTelemetry's conventions for HTTP servers
// want, and its resource says which program sent it.
func TestTracedAttributes(t *testing.T) {
	t.Setenv("OTEL_RESOURCE_ATTRIBUTES", "deployment.environment.name=test,service.name=overridden")
	c := startCollector(t)
	s, err := New(&Config{
		Handlers:       []HandlerConfig{{Prefix: "h", Bucket: bucket(t)}},
		TrustedProxies: []string{"192.0.2.1"},
		Tracing:        TracingConfig{Endpoint: c.URL, Ratio: new(1.0), Service: "pictures"},
	}, Options{Version: "1.2.3"})
	if err != nil {
		t.Fatal(err)
	}
	closeAtEnd(t, s)
	r := httptest.NewRequest("HEAD", "http://img.example:8443/h/photo.jpg?w=40&t=secret", nil)
	r.Header.Set("X-Forwarded-Proto", "https")
	s.ServeHTTP(httptest.NewRecorder(), r)
	other := httptest.NewRequest("GET", "http://img.example/h/photo.jpg", nil)
	other.RemoteAddr, other.Host, other.ProtoMajor, other.ProtoMinor = "198.51.100.1:1", "no host/at all", 2, 0
	other.Header.Set("X-Forwarded-Proto", "https")
	s.ServeHTTP(httptest.NewRecorder(), other)
	if err := s.tracing.Provider.ForceFlush(t.Context()); err != nil {
		t.Fatal(err)
	}
	spans := c.wait(t, 10)
	want := map[string]string{
		"http.request.method": "HEAD", "http.route": "/h/{name}", "url.scheme": "https", "url.path": "/h/photo.jpg", "url.query": "w=40&t=***",
		"server.address": "img.example", "server.port": "8443", "network.protocol.version": "1.1", "http.response.status_code": "200",
		"s3imageserver.handler": "h", "s3imageserver.format": "webp",
	}
	got := attributes(spans["HEAD /h/{name}"])
	for key, value := range want {
		if got[key] != value {
			t.Errorf("%s = %q; want %q", key, got[key], value)
		}
	}
	for key := range got {
		if !strings.Contains(key, ".") {
			t.Errorf("%s has no namespace", key)
		}
	}
	got = attributes(spans["GET /h/{name}"])
	if got["url.scheme"] != "http" || got["network.protocol.version"] != "2" || got["server.address"] != "" || got["http.request.method_original"] != "" {
		t.Errorf("a request of nobody who is trusted, with a host that is none: %v", got)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.resource["service.instance.id"] == "" {
		t.Error("no service.instance.id")
	}
	for key, value := range map[string]string{"service.name": "pictures", "service.version": "1.2.3", "deployment.environment.name": "test", "telemetry.sdk.language": "go"} {
		if c.resource[key] != value {
			t.Errorf("%s = %q; want %q", key, c.resource[key], value)
		}
	}
}

// Without a word in the configuration the variables of OpenTelemetry are obeyed.
func TestTracingByEnvironment(t *testing.T) {
	c := startCollector(t)
	for name, value := range map[string]string{
		"OTEL_EXPORTER_OTLP_ENDPOINT": c.URL, "OTEL_EXPORTER_OTLP_HEADERS": "x-key=of-the-environment", "OTEL_SERVICE_NAME": "pictures",
		"OTEL_TRACES_SAMPLER": "always_on", "OTEL_BSP_SCHEDULE_DELAY": "100",
	} {
		t.Setenv(name, value)
	}
	s, _ := logged(t, bucket(t), Config{})
	s.get("/h/photo.jpg?w=40")
	c.wait(t, 9)
	c.mu.Lock()
	if c.header.Get("X-Key") != "of-the-environment" || c.resource["service.name"] != "pictures" {
		t.Errorf("header %q, service %q", c.header.Get("X-Key"), c.resource["service.name"])
	}
	c.mu.Unlock()
	for _, off := range [][2]string{{"OTEL_SDK_DISABLED", "true"}, {"OTEL_TRACES_EXPORTER", "none"}} {
		t.Run(off[0], func(t *testing.T) {
			t.Setenv(off[0], off[1])
			if got, err := tracing.New(&TracingConfig{}, tracing.Service{}, 1<<10, slog.Default()); got != nil || err != nil {
				t.Errorf("%v, %v; want no tracing", got, err)
			}
		})
	}
}
