package server

import (
	"io"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"s3imageserver/testserver"
)

// adminGet asks the listener for operators, with the token.
func adminGet(t *testing.T, s *Server, path string) (int, string) {
	t.Helper()
	r := httptest.NewRequest("GET", path, nil)
	r.Header.Set("Authorization", "Bearer "+string(s.config.Admin.Token))
	w := httptest.NewRecorder()
	s.adminHandler().ServeHTTP(w, r)
	body, err := io.ReadAll(w.Result().Body)
	if err != nil {
		t.Fatal(err)
	}
	return w.Code, string(body)
}

// meteredSite has answered a miss, a hit, a revisit, faults and a request
// beside all handlers.
func meteredSite(t *testing.T) *site {
	s := newSite(t, bucket(t), Options{}, HandlerConfig{Cache: CacheConfig{MemoryMB: 4}, CachePath: t.TempDir()})
	s.server.config.Admin.Token = testToken
	etag := s.get("/h/photo.jpg?w=30&f=png").Header.Get("ETag")
	s.get("/h/photo.jpg?w=30&f=png")
	s.get("/h/photo.jpg?w=30&f=png", "If-None-Match", etag)
	s.get("/h/photo.jpg?info=size")
	s.get("/h/missing.jpg")
	s.get("/h/bomb.png")
	s.do("POST", "/h/photo.jpg")
	s.get("/elsewhere/x.jpg")
	return s
}

func TestMetrics(t *testing.T) {
	s := meteredSite(t)
	status, text := adminGet(t, s.server, "/metrics")
	if status != 200 {
		t.Fatalf("GET /metrics = %d %s", status, text)
	}
	for _, want := range []string{
		`s3imageserver_requests_total{cache="miss",format="png",handler="h",status="200"} 1`,
		`s3imageserver_requests_total{cache="memory",format="png",handler="h",status="200"} 1`,
		`s3imageserver_requests_total{cache="memory",format="png",handler="h",status="304"} 1`,
		`s3imageserver_requests_total{cache="miss",format="json",handler="h",status="200"} 1`,
		`s3imageserver_requests_total{cache="none",format="none",handler="h",status="404"} 1`,
		`s3imageserver_requests_total{cache="none",format="none",handler="h",status="422"} 1`,
		`s3imageserver_requests_total{cache="none",format="none",handler="h",status="405"} 1`,
		`s3imageserver_requests_total{cache="none",format="none",handler="",status="404"} 1`,
		`s3imageserver_faults_total{handler="h",kind="missing"} 1`,
		`s3imageserver_faults_total{handler="h",kind="limit"} 1`,
		`s3imageserver_stage_duration_seconds_count{handler="h",stage="decode"} 1`,
		`s3imageserver_stage_duration_seconds_count{handler="h",stage="transform"} 1`,
		`s3imageserver_request_duration_seconds_count{cache="memory",handler="h"} 2`,
		`s3imageserver_memory_cache_entries{handler="h"} 2`,
		`s3imageserver_requests_in_flight 0`,
		`s3imageserver_store_circuit_open{handler="h",source="1"} 0`,
		`s3imageserver_budget_bytes 0`,
		`s3imageserver_ready 1`,
		`s3imageserver_store_request_duration_seconds_count{handler="h",source="1"} 4`,
	} {
		if !strings.Contains(text, want+"\n") {
			t.Errorf("/metrics lacks %s", want)
		}
	}
	for _, name := range []string{"go_goroutines", "process_open_fds", "s3imageserver_disk_cache_bytes", "s3imageserver_sent_bytes_total", "s3imageserver_source_bytes_total"} {
		if !regexp.MustCompile(`(?m)^` + name + `(\{[^}]*\})? [1-9]`).MatchString(text) {
			t.Errorf("/metrics has no %s above 0", name)
		}
	}
	if !strings.Contains(text, `le="0.00025"`) || !strings.Contains(text, `le="0.0005"`) {
		t.Error("there is no bucket between 0.25 ms and 1 ms")
	}
	if t.Failed() {
		t.Log(text)
	}
}

// Metrics have the form and the names that Prometheus wants.
func TestPromtool(t *testing.T) {
	promtool := testserver.Program(t, "promtool", "metrics not checked by promtool")
	s := meteredSite(t)
	_, text := adminGet(t, s.server, "/metrics")
	check := exec.Command(promtool, "check", "metrics")
	check.Stdin = strings.NewReader(text)
	if out, err := check.CombinedOutput(); err != nil || len(out) > 0 {
		t.Errorf("promtool check metrics: %v\n%s", err, out)
	}
	if out, err := exec.Command(promtool, "check", "rules", "../deploy/alerts.yml").CombinedOutput(); err != nil {
		t.Errorf("promtool check rules: %v\n%s", err, out)
	}
}

// The probes of load balancers, which no handler answers, hide no faults.
func TestProbesHideNoFaults(t *testing.T) {
	promtool := testserver.Program(t, "promtool", "alerts not tested by promtool")
	rules, err := filepath.Abs("../deploy/alerts.yml")
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "test.yml")
	test := `
rule_files: [` + rules + `]
tests:
  - interval: 1m
    input_series:
      - {series: 's3imageserver_requests_total{job="j",handler="",status="200"}', values: '0+1000x30'}
      - {series: 's3imageserver_requests_total{job="j",handler="h",status="200"}', values: '0+98x30'}
      - {series: 's3imageserver_requests_total{job="j",handler="h",status="502"}', values: '0+2x30'}
    alert_rule_test:
      - eval_time: 20m
        alertname: S3ImageServerFaults
        exp_alerts:
          - exp_labels: {severity: critical, job: j}
            exp_annotations: {summary: "2% of the answers are 5xx: see faults_total by kind"}
`
	if err := os.WriteFile(file, []byte(test), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command(promtool, "test", "rules", file).CombinedOutput(); err != nil {
		t.Errorf("promtool test rules: %v\n%s", err, out)
	}
}

// What clients write makes no new series.
func TestMetricsAreBounded(t *testing.T) {
	s := meteredSite(t)
	count := func() int {
		_, text := adminGet(t, s.server, "/metrics")
		return strings.Count(text, "\n")
	}
	before := count()
	for _, method := range []string{"POST", "BREW", "PUT"} {
		s.do(method, "/h/photo.jpg?w=1")
	}
	for _, name := range []string{"a", "b", "c", "d"} {
		s.get("/h/" + name + ".jpg")
		s.get("/" + name)
		s.get("/h/photo.jpg?w=30&f=png&t=" + name)
	}
	if after := count(); after != before {
		t.Errorf("%d lines of metrics after other names, tokens and methods; before %d", after, before)
	}
}

// The parts of the listener for operators that show more than numbers want the
// token on a loopback address too.
func TestAdminPaths(t *testing.T) {
	s := meteredSite(t)
	s.server.config.Admin.Listen = "127.0.0.1:9090"
	handler := s.server.adminHandler()
	get := func(path, token string) *httptest.ResponseRecorder {
		r := httptest.NewRequest("GET", path, nil)
		r.Host = "127.0.0.1:9090"
		if token != "" {
			r.Header.Set("Authorization", "Bearer "+token)
		}
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, r)
		return w
	}
	for _, path := range []string{"/healthz", "/readyz", "/metrics", "/stats"} {
		if w := get(path, ""); w.Code != 200 {
			t.Errorf("GET %s on loopback = %d; want 200", path, w.Code)
		}
	}
	for _, path := range []string{"/config", "/debug/pprof/", "/debug/pprof/heap", "/debug/pprof/cmdline"} {
		if w := get(path, ""); w.Code != 401 {
			t.Errorf("GET %s without the token = %d; want 401", path, w.Code)
		}
		if w := get(path, testToken); w.Code != 200 || w.Body.Len() == 0 {
			t.Errorf("GET %s with the token = %d, %d bytes; want 200", path, w.Code, w.Body.Len())
		}
	}
	s.server.config.Admin.Listen = "0.0.0.0:9090"
	for _, path := range []string{"/healthz", "/metrics", "/stats"} {
		if w := get(path, ""); w.Code != 401 {
			t.Errorf("GET %s from outside without the token = %d; want 401", path, w.Code)
		}
	}
}

// The effective configuration has defaults, and no secret.
func TestConfigIsShownWithoutSecrets(t *testing.T) {
	const secret = "s3cr3t-that-nobody-may-see"
	c := &Config{
		Admin:  AdminConfig{Token: secret},
		Events: EventsConfig{Secret: secret},
		Handlers: []HandlerConfig{{
			Prefix: "h", AWS: &AWSConfig{BucketName: "b", Endpoint: "127.0.0.1:9", AccessKey: "key", SecretKey: secret, SessionToken: secret},
			Cache: CacheConfig{Bucket: "results", Store: &StoreConfig{Endpoint: "127.0.0.1:9", AccessKey: "key", SecretKey: secret}},
		}},
	}
	s, err := New(c, Options{})
	if err != nil {
		t.Fatal(err)
	}
	closeAtEnd(t, s)
	status, text := adminGet(t, s, "/config")
	if status != 200 || strings.Contains(text, secret) || !strings.Contains(text, `"aws_secret":"***"`) || !strings.Contains(text, `"max_dimension":3064`) {
		t.Errorf("GET /config = %d %s", status, text)
	}
}

// Load balancers ask the public ports, where the configuration says so.
func TestProbes(t *testing.T) {
	c := &Config{Handlers: []HandlerConfig{{Prefix: "h", Bucket: bucket(t)}}, HealthPath: "/healthz", ReadyPath: "/h/ready", HTTPPort: 80}
	s, err := New(c, Options{})
	if err != nil {
		t.Fatal(err)
	}
	closeAtEnd(t, s)
	get := func(path string) int {
		w := httptest.NewRecorder()
		s.ServeHTTP(w, httptest.NewRequest("GET", path, nil))
		return w.Code
	}
	if a, b := get("/healthz"), get("/h/ready"); a != 200 || b != 200 {
		t.Errorf("probes = %d, %d; want 200", a, b)
	}
	w := httptest.NewRecorder()
	s.redirect(w, httptest.NewRequest("GET", "/healthz", nil))
	if w.Code != 200 {
		t.Errorf("a probe on the port that redirects = %d; want 200", w.Code)
	}
	s.ending.Store(true)
	if a, b := get("/healthz"), get("/h/ready"); a != 200 || b != 503 {
		t.Errorf("probes of a server that ends = %d, %d; want 200, 503", a, b)
	}
	if _, text := adminGet(t, s, "/metrics"); text != "" && strings.Contains(text, "s3imageserver_ready 1") {
		t.Error("a server that ends counts as ready")
	}
}

// Every error that has a status has a word too.
func TestKinds(t *testing.T) {
	for _, f := range failures {
		if f.kind == "" || f.status < 400 {
			t.Errorf("no kind or status for %q", f.err)
		}
		if got := failureOf(f.err); got.err != f.err {
			t.Errorf("%q is taken for %q, which stands before it", f.err, got.err)
		}
	}
	for kind := range cures {
		if !slices.ContainsFunc(failures, func(f failure) bool { return f.kind == kind }) {
			t.Errorf("there is a cure for %s, which is no kind of an error", kind)
		}
	}
	guide, err := os.ReadFile("../docs/operations.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range failures {
		if !strings.Contains(string(guide), "`"+f.kind+"`") {
			t.Errorf("docs/operations.md does not say what to do about %s", f.kind)
		}
	}
}
