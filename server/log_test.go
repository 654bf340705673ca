package server

import (
	"bytes"
	"encoding/json"
	"io"
	"log/slog"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/golang-jwt/jwt/v5"

	"s3imageserver/server/access/accesstest"
	"s3imageserver/server/config"
	"s3imageserver/server/logging"
	"s3imageserver/storage/storagetest"
)

// logged returns a site that logs as c says, and its log.
func logged(t *testing.T, b *storagetest.Memory, c Config) (*site, *syncBuffer) {
	t.Helper()
	c.Handlers = []HandlerConfig{{Prefix: "h", Bucket: b}}
	if err := c.Validate(); err != nil {
		t.Fatal(err)
	}
	out := new(syncBuffer)
	s, err := New(&c, Options{Log: logging.New(out, c.Log)})
	if err != nil {
		t.Fatal(err)
	}
	closeAtEnd(t, s)
	return &site{t: t, server: s}, out
}

// lines returns the lines of a JSON log.
func lines(t *testing.T, b *syncBuffer) (all []map[string]any) {
	t.Helper()
	for line := range strings.Lines(b.String()) {
		var m map[string]any
		if err := json.Unmarshal([]byte(line), &m); err != nil {
			t.Fatalf("%v: %s", err, line)
		}
		all = append(all, m)
	}
	return all
}

// One line a request at most, with its number, and only as log.requests says.
func TestRequestLines(t *testing.T) {
	tests := []struct {
		requests string
		want     []string // paths
	}{
		{"off", nil},
		{"errors", []string{"/h/bomb.png"}},
		{"all", []string{"/h/photo.jpg", "/h/missing.jpg", "/h/bomb.png", "/elsewhere"}},
	}
	for _, tt := range tests {
		s, out := logged(t, bucket(t), Config{Log: LogConfig{Format: "json", Requests: tt.requests}})
		ids := map[string]string{}
		for _, path := range []string{"/h/photo.jpg", "/h/missing.jpg", "/h/bomb.png", "/elsewhere"} {
			r := s.get(path + "?w=40&t=secret-token&sig=secret-signature&%74=secret-third")
			ids[path] = r.Header.Get("X-Request-Id")
		}
		all := lines(t, out)
		if len(all) != len(tt.want) {
			t.Errorf("%s: %d lines; want %d\n%s", tt.requests, len(all), len(tt.want), out)
			continue
		}
		for i, path := range tt.want {
			if l := all[i]; l["path"] != path || l["request_id"] != ids[path] || len(ids[path]) != 16 || l["client"] != "192.0.2.1" {
				t.Errorf("%s: line %v; want %s with the number %s", tt.requests, l, path, ids[path])
			}
		}
		if strings.Contains(out.String(), "secret") {
			t.Errorf("%s: a token is in the log:\n%s", tt.requests, out)
		}
	}
}

// What the lines of a picture and of a fault have.
func TestRequestLineFields(t *testing.T) {
	s, out := logged(t, bucket(t), Config{Log: LogConfig{Format: "json", Requests: "all"}})
	r := s.get("/h/photo.jpg?w=40&f=png")
	body, err := io.ReadAll(r.Body)
	if err != nil {
		t.Fatal(err)
	}
	s.get("/h/cut.jpg?w=40")
	all := lines(t, out)
	if l := all[0]; l["msg"] != "request" || l["level"] != "INFO" || l["status"] != 200.0 || l["cache"] != "miss" || l["bytes"] != float64(len(body)) || l["query"] != "w=40&f=png" || l["handler"] != "h" || l["method"] != "GET" {
		t.Errorf("line of a picture = %v", l)
	}
	if l := all[1]; l["msg"] != "no picture" || l["level"] != "WARN" || l["status"] != 422.0 || l["kind"] != "malformed" || l["error"] == "" || l["name"] != "cut.jpg" {
		t.Errorf("line of a fault = %v", l)
	}
}

// A URL that is too long to be looked at is not to fill the log either.
func TestLongURLInLog(t *testing.T) {
	s, out := logged(t, bucket(t), Config{Log: LogConfig{Format: "json", Requests: "all"}})
	s.get("/h/" + strings.Repeat("a", 20000) + ".jpg?t=secret&" + strings.Repeat("b", 10000))
	s.get("/h/photo.jpg?w=40&x=" + strings.Repeat("c", 3000))
	all := lines(t, out)
	if l := all[0]; l["status"] != 414.0 || !strings.HasSuffix(l["path"].(string), "aaa... and 19751 bytes more") ||
		!strings.HasPrefix(l["query"].(string), "t=***&bbb") || !strings.HasSuffix(l["query"].(string), "bbb... and 9750 bytes more") {
		t.Errorf("line of a long URL = %v", l)
	}
	if l := all[1]; l["status"] != 200.0 || !strings.HasSuffix(l["query"].(string), strings.Repeat("c", 3000)) {
		t.Errorf("line of a URL that is answered = %v; want all of it", l)
	}
}

// A client cannot write lines of its own.
func TestLogIsEscaped(t *testing.T) {
	for _, format := range []string{"text", "json"} {
		s, out := logged(t, bucket(t), Config{Log: LogConfig{Format: format, Requests: "all"}})
		s.get("/h/a%0Alevel=ERROR%20msg=forged%1b%5b31m.jpg?x=%0Aforged", "X-Request-Id", "forged\nid")
		// One line of the request, one of the refusal.
		if text := out.String(); strings.Count(text, "\n") != 2 || strings.Count(text, "\ntime=")+strings.Count(text, "\n{") != 1 || strings.ContainsAny(text, "\r\x1b") {
			t.Errorf("%s: %q; want two lines without control bytes", format, text)
		}
	}
}

// The number of a request is believed of trusted proxies only, and is sent back.
func TestRequestID(t *testing.T) {
	s, _ := logged(t, bucket(t), Config{TrustedProxies: []string{"192.0.2.0/24"}, Log: LogConfig{RequestID: "x-trace"}})
	id := func(peer, given string) string {
		r := httptest.NewRequest("GET", "/h/photo.jpg", nil)
		r.RemoteAddr = peer
		r.Header.Set("X-Trace", given)
		w := httptest.NewRecorder()
		s.server.ServeHTTP(w, r)
		return w.Header().Get("X-Request-Id")
	}
	if got := id("192.0.2.7:1234", "a-given_1"); got != "a-given_1" {
		t.Errorf("number from a trusted proxy = %q", got)
	}
	for peer, given := range map[string]string{"198.51.100.1:1": "a-given-1", "192.0.2.7:1": "bad\"one", "[2001:db8::1]:1": "a-given-1", "192.0.2.8:1": strings.Repeat("x", 200)} {
		if got := id(peer, given); got == given || len(got) != 16 {
			t.Errorf("number from %s for %q = %q; want a new one", peer, given, got)
		}
	}
}

// Wherever a token is in a request, it is in no line of the log.
func TestNoTokenInTheLog(t *testing.T) {
	token := accesstest.Mint(t, jwt.SigningMethodHS256, []byte(accesstest.Secret), accesstest.Claims(), nil)
	s, out := logged(t, bucket(t), Config{Log: LogConfig{Requests: config.LogAllRequests, Level: "debug"}})
	const opaque = "opaque-0123456789"
	for _, target := range []string{
		"/h/" + token + ".jpg", "/h/" + token + "/photo.jpg?w=20", "/h/photo.jpg?txt=" + token, "/h/missing.jpg?txt=%65" + token[1:], "/h/photo.jpg?" + token,
		"/h/missing.jpg?t%20=" + opaque, "/h/missing.jpg?+t=" + opaque, "/h/missing.jpg?t[]=" + opaque, "/h/missing.jpg?%09t=" + opaque, "/h/missing.jpg?Sig=" + opaque,
		"/none/" + token + "?w=1",
	} {
		s.get(target)
	}
	text := out.String()
	for _, secret := range []string{token, token[:strings.LastIndex(token, ".")], opaque} {
		if strings.Contains(text, secret) {
			t.Errorf("the log has %.20s...:\n%s", secret, text)
		}
	}
	if n := strings.Count(text, "\n"); n < 11 {
		t.Errorf("%d lines; want one a request:\n%s", n, text)
	}
}

func TestLogConfig(t *testing.T) {
	c := Config{Handlers: []HandlerConfig{{Prefix: "h", Bucket: bucket(t)}}, Log: LogConfig{Format: "xml", Level: "loud", Requests: "some", RequestID: "a b"},
		Tracing: TracingConfig{Endpoint: "collector:4318", Ratio: new(1.5)}}
	err := c.Validate()
	var found config.Faults
	if found.Collect(err); len(found) != 6 {
		t.Errorf("Validate = %v; want 6 faults", err)
	}
	var out bytes.Buffer
	log := logging.New(&out, LogConfig{Format: "json", Level: "warn"})
	log.Info("no")
	logging.Reconfigure(log, LogConfig{Format: "text", Level: "info"})
	log.Log(t.Context(), slog.LevelInfo, "yes")
	if text := out.String(); strings.Contains(text, "no") || !strings.Contains(text, "msg=yes") {
		t.Errorf("log = %q", text)
	}
}
