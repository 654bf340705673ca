package server

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"s3imageserver/resize"
	"s3imageserver/server/access"
	"s3imageserver/server/access/accesstest"
	"s3imageserver/storage"
)

const operatorToken = "the token of operators"

// explainSite is a site with an operator.
func explainSite(t *testing.T, handlers ...HandlerConfig) *site {
	t.Helper()
	b := bucket(t)
	for i := range handlers {
		if handlers[i].Bucket == nil {
			handlers[i].Bucket = b
		}
	}
	s, err := New(&Config{Admin: AdminConfig{Token: operatorToken}, Handlers: handlers}, Options{})
	if err != nil {
		t.Fatal(err)
	}
	closeAtEnd(t, s)
	return &site{t: t, server: s}
}

// explain returns what the server says of a URL to an operator.
func (s *site) explain(target string, header ...string) (e explanation) {
	s.t.Helper()
	r := s.get(target, append(header, "Authorization", "Bearer "+operatorToken)...)
	if r.StatusCode != 200 || r.Header.Get("Cache-Control") != "no-store" || r.Header.Get("Content-Type") != "application/json" {
		s.t.Fatalf("GET %s = %d, %v", target, r.StatusCode, r.Header)
	}
	if err := json.NewDecoder(r.Body).Decode(&e); err != nil {
		s.t.Fatal(err)
	}
	return e
}

// option returns a parameter of an explanation in one line.
func (e *explanation) option(name string) string {
	for _, o := range append(slices.Clone(e.Options), e.Ignored...) {
		if o.Name == name {
			return strings.Join([]string{o.Value, o.From, o.Given, o.Verdict}, "|")
		}
	}
	return "none"
}

// Every option says where it comes from.
func TestExplainOptions(t *testing.T) {
	b := bucket(t)
	b.SetMeta("photo.jpg", storage.Meta{Focal: "0.3,0.7", Quality: "44"})
	s := explainSite(t, HandlerConfig{Prefix: "h", Bucket: b, OutputFormat: "auto", ObjectRules: true, ClientHints: true, DefaultPreset: "base", Quality: map[string]int{"png": 90},
		Presets: map[string]string{"base": "bri=10&sharpen=1", "card": "h=40&sharpen=2"}, BoundsConfig: BoundsConfig{Snap: true, AllowedOptions: []string{"w", "h", "q", "f", "ar", "blur"}},
		Cache: CacheConfig{MemoryMB: 4}})
	e := s.explain("/h/photo.jpg?preset=card,none&w=300&blur=900&gray=true&fbclid=1&ar=x&explain=1", "Accept", "image/webp")
	for name, want := range map[string]string{
		"w":       "384|snap|300|used",
		"h":       `51|snap|40|used`,
		"bri":     `10|default_preset "base"|10|used`,
		"sharpen": `2|preset "card"|2|used`,
		"blur":    "250|URL|900|clamped",
		"ar":      "|URL|x|unreadable",
		"gray":    "||true|unknown",
		"fbclid":  "||1|unknown",
		"preset":  "||none|unreadable",
		"g":       "fp:0.3:0.7|object||",
		"q":       "44|object||",
		"fit":     "cover|default||",
		"sepia":   "none", "explain": "none",
	} {
		if got := e.option(name); got != want {
			t.Errorf("%s: %s; want %s", name, got, want)
		}
	}
	if e.Format.Chosen != "auto-webp" || e.Format.Why != `output_format, and Accept: "image/webp"` || e.Format.MediaType != "image/webp" {
		t.Errorf("format: %+v", e.Format)
	}
	if e.Handler != "h" || e.Name != "photo.jpg" || !e.Access.Allowed || e.Error != nil {
		t.Errorf("explanation: %+v", e)
	}
	if e.Source == nil || e.Source.Width != 400 || e.Source.Height != 300 || e.Source.Format != "jpeg" || e.Source.Bytes == 0 || !e.Source.Modified.Equal(modified) {
		t.Errorf("source: %+v; want 400 x 300", e.Source)
	}
	if e.Result == nil || e.Result.Width != 384 || e.Result.Height != 51 || e.Result.Format != "webp" || e.Result.Bytes == 0 {
		t.Errorf("result: %+v; want 384 x 51", e.Result)
	}
	stages := slices.Collect(maps.Keys(e.Milliseconds))
	if e.Cache == nil || e.Cache.Hit || !slices.Contains(stages, "decode") || !slices.Contains(stages, "total") {
		t.Errorf("cache: %+v, %v; want a miss, and its stages", e.Cache, e.Milliseconds)
	}
	// What is explained is what is sent, and it is kept.
	r := s.get("/h/photo.jpg?preset=card,none&w=300&blur=900", "Accept", "image/webp")
	if r.Header.Get("ETag") != `"`+e.Result.ETag+`"` || !strings.Contains(r.Header.Get("Cache-Status"), "hit") {
		t.Errorf("ETag %s, %s; want %s from the cache", r.Header.Get("ETag"), r.Header.Get("Cache-Status"), e.Result.ETag)
	}
	if e = s.explain("/h/photo.jpg?preset=card&w=300&blur=900&explain=true", "Accept", "image/webp"); !e.Cache.Hit || e.Cache.Status != "memory" || e.option("q") != "44|object||" {
		t.Errorf("the second time: %+v, q %s; want a hit", e.Cache, e.option("q"))
	}
	if e = s.explain("/h/same.jpg?w=20&f=bmp&explain=1&q=0", "Sec-CH-DPR", "2"); e.option("w") != "48|snap|40|used" || e.option("q") != "|URL|0|used" || !strings.HasPrefix(e.Format.Why, "output_format: bmp is not") {
		t.Errorf("w: %s; format: %+v", e.option("w"), e.Format)
	}
	if e = s.explain("/h/same.jpg?f=png&explain=1"); e.option("q") != "90|quality||" || e.Format.Why != "f, from URL" {
		t.Errorf("q: %s; format: %+v", e.option("q"), e.Format)
	}
	if e = s.explain("/h/missing.jpg?explain=1"); e.Error == nil || e.Error.Status != 404 || e.Error.Kind != "missing" || !e.Access.Allowed {
		t.Errorf("a missing picture: %+v, %+v", e.Error, e.Access)
	}
	plain := explainSite(t, HandlerConfig{Prefix: "h"})
	if e = plain.explain("/h/photo.jpg?w=20&wm=nobody&txt=a&txtfont=none&explain=1"); e.option("wm") != "|URL|nobody|unreadable" || e.option("txtfont") != "|URL|none|unreadable" {
		t.Errorf("names that are not in the configuration: wm %s, txtfont %s", e.option("wm"), e.option("txtfont"))
	}
	if e = s.explain("/h/notes.txt?explain=1"); e.Error == nil || e.Error.Kind != "extension" {
		t.Errorf("an extension that is not allowed: %+v", e.Error)
	}
}

// Only operators and signed URLs get an explanation.
func TestWhoMayExplain(t *testing.T) {
	both := signedHandler("both")
	both.Auth.JWT = &JWTConfig{Key: accesstest.Secret}
	s := explainSite(t, HandlerConfig{Prefix: "open"}, signedHandler("h"), both)
	token := accesstest.Mint(t, jwt.SigningMethodHS256, []byte(accesstest.Secret), accesstest.Claims("img", map[string]any{"max_w": 30}), nil)
	for target, want := range map[string]int{
		"/open/photo.jpg?w=20&explain=1":                                                       404,
		"/open/photo.jpg?w=20&explain=false":                                                   200,
		"/h/photo.jpg?w=20&explain=1":                                                          403,
		signURL(newSecret, "h", "photo.jpg", "w", "20") + "&explain=1":                         403,
		signURL(newSecret, "h", "photo.jpg", "w", "20", "explain", "1"):                        200,
		"/both/photo.jpg?explain=1&t=" + token:                                                 403,
		signURL(newSecret, "both", "photo.jpg", "explain", "1"):                                200,
		strings.Replace(signURL(newSecret, "h", "a", "explain", "1"), "/a?", "/photo.jpg?", 1): 403,
	} {
		r := s.get(target)
		if r.StatusCode != want {
			t.Errorf("GET %s = %d; want %d", target, r.StatusCode, want)
		}
		if json := r.Header.Get("Content-Type") == "application/json"; json != (want == 200 && strings.Contains(target, "explain=1")) {
			t.Errorf("GET %s: Content-Type %s", target, r.Header.Get("Content-Type"))
		}
	}
	if r := s.get("/open/photo.jpg?explain=1", "Authorization", "Bearer not the token of operators"); r.StatusCode != http.StatusNotFound {
		t.Errorf("another token: %d; want 404", r.StatusCode)
	}
	// An operator is told what would happen to the URL, and sees no picture that it
	// would not show.
	e := s.explain(signURL(newSecret, "h", "photo.jpg", "w", "20", "exp", "4102444800") + "&explain=1")
	if !e.Access.Allowed || e.Access.By != `signature, key "new"` || e.Access.Expires == nil || !e.Access.Expires.Equal(time.Unix(4102444800, 0)) {
		t.Errorf("a signed URL: %+v", e.Access)
	}
	e = s.explain("/h/photo.jpg?w=20&explain=1")
	if e.Access.Allowed || !strings.Contains(e.Access.Reason, "no signature") || e.Error == nil || e.Error.Status != 403 || e.Result != nil {
		t.Errorf("one that is not: %+v, %+v, %+v", e.Access, e.Error, e.Result)
	}
	e = s.explain("/both/photo.jpg?w=50&explain=1&t=" + token)
	if got := e.option("w"); got != "30|claim img|50|used" || e.Access.By != "token" {
		t.Errorf("w = %s by %s; want it bounded by the token", got, fmt.Sprint(e.Access))
	}
}

// Whoever may explain learns whether the signature is right, on every listener,
// and what has to be signed.
func TestExplainSignature(t *testing.T) {
	s := explainSite(t, signedHandler("h"), HandlerConfig{Prefix: "open"})
	s.server.config.Admin.Listen = "127.0.0.1:9090"
	operators := s.server.adminHandler()
	const canonical = "1:h,9:photo.jpg,1:w,3:300,"
	for _, tt := range []struct {
		target, reason, canonical string
		right                     bool
	}{
		{signURL(newSecret, "h", "photo.jpg", "w", "300"), "", canonical, true},
		{"/h/photo.jpg?w=300&sig=bad", "sig is not 32 bytes", canonical, false},
		{"/h/photo.jpg?w=300&sig=" + strings.Repeat("A", access.SignatureLength), "no key has made this signature", canonical, false},
		{"/h/photo.jpg?w=300", "no signature", canonical, false},
		{signURL(newSecret, "h", "photo.jpg", "w", "300", "exp", "1000"), "the URL ended", "1:h,9:photo.jpg,3:exp,4:1000,1:w,3:300,", false},
	} {
		target := tt.target + "&explain=1"
		var onAdmin explanation
		if w := answerOf(operators, "GET", target, ""); json.Unmarshal(w.Body.Bytes(), &onAdmin) != nil {
			// It has a token, which has to be shown.
			w = answerOf(operators, "GET", target, "", "Authorization", "Bearer "+operatorToken)
			if err := json.Unmarshal(w.Body.Bytes(), &onAdmin); err != nil {
				t.Fatalf("%s: %d, %v", target, w.Code, err)
			}
		}
		for where, e := range map[string]explanation{"the listener for operators": onAdmin, "the public port": s.explain(target)} {
			if g := e.Access.Signature; g == nil || g.Right != tt.right || g.Canonical != tt.canonical || !strings.Contains(g.Reason, tt.reason) || (g.By != "") != tt.right {
				t.Errorf("%s on %s: %+v; want right %v, %q, %s", target, where, g, tt.right, tt.reason, tt.canonical)
			}
			if where == "the public port" && e.Access.Allowed != tt.right {
				t.Errorf("%s: allowed %v", target, e.Access.Allowed)
			}
		}
	}
	if e := s.explain("/open/photo.jpg?w=20&explain=1"); e.Access.Signature != nil {
		t.Errorf("where nothing is signed: %+v", e.Access.Signature)
	}
}

// Errors of a store have its address in them: operators alone see them.
func TestExplainedErrors(t *testing.T) {
	b := bucket(t)
	b.Fail(fmt.Errorf("%w: dial tcp 10.0.0.5:9000", storage.ErrUnavailable))
	h := signedHandler("h")
	h.Bucket = b
	s := explainSite(t, h)
	r := s.get(signURL(newSecret, "h", "photo.jpg", "explain", "1"))
	var e explanation
	if err := json.NewDecoder(r.Body).Decode(&e); err != nil {
		t.Fatal(err)
	}
	if e.Error == nil || e.Error.Status != 503 || e.Error.Text != "Service Unavailable" {
		t.Errorf("a signed URL: %+v; want no address", e.Error)
	}
	if e = s.explain(signURL(newSecret, "h", "photo.jpg") + "&explain=1"); e.Error == nil || !strings.Contains(e.Error.Text, "10.0.0.5") {
		t.Errorf("an operator: %+v; want the address", e.Error)
	}
}

// What is explained is what the stages have told: nothing is computed anew, and of
// other requests nothing is noted.
func TestTrace(t *testing.T) {
	s := explainSite(t, HandlerConfig{Prefix: "h", ClientHints: true, DefaultPreset: "base", Presets: map[string]string{"base": "bri=10", "card": "h=40"}, BoundsConfig: BoundsConfig{Snap: true}})
	h := s.server.handlers[0]
	parse := func(query string) request {
		t.Helper()
		r := httptest.NewRequest(http.MethodGet, "/h/photo.jpg?"+query, nil)
		r.Header.Set("Authorization", "Bearer "+operatorToken)
		r.Header.Set("Sec-CH-DPR", "2")
		req, err := h.parse(r)
		if err != nil {
			t.Fatal(err)
		}
		return req
	}
	const query = "preset=card,none&w=30&f=bmp"
	if req := parse(query); req.trace != nil || req.parsed.trace != nil {
		t.Errorf("a request that nobody asks about has a trace: %+v, %+v", req.trace, req.parsed.trace)
	}
	req := parse(query + "&explain=1")
	var widths []string
	for _, s := range req.trace.options {
		widths = append(widths, fmt.Sprintf("%s %d", s.stage, s.options.Width))
	}
	if got := strings.Join(widths, ", "); got != "parameters 30, client hints 60, snap 72" {
		t.Errorf("widths: %s", got)
	}
	h.presets, h.queries, h.config.OutputFormats = nil, nil, []string{"bmp"} // they are not looked at again
	var e explanation
	e.Options, e.Ignored = h.explainOptions(&req, resize.JPEG)
	for name, want := range map[string]string{"w": "72|snap|60|used", "h": "96|snap|80|used", "bri": `10|default_preset "base"|10|used`, "preset": "||none|unreadable"} {
		if got := e.option(name); got != want {
			t.Errorf("%s: %s; want %s", name, got, want)
		}
	}
	if why := req.trace.whyFormat(); why != "output_format: bmp is not one of output_formats" {
		t.Errorf("format: %s", why)
	}
}
