package server

import (
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/golang-jwt/jwt/v5"

	"s3imageserver/server/access/accesstest"
)

// No secret, token or signature is in the log, in the metrics, in the effective
// configuration or in the answer to another request, whatever goes wrong.
func TestSecretsAreNeverShown(t *testing.T) {
	const admin, access = "the secret token of the operators", "secret-of-the-store-0123456789"
	var log syncBuffer
	b := bucket(t)
	h := func(prefix string, auth *AuthConfig) HandlerConfig {
		return HandlerConfig{Prefix: prefix, Bucket: b, Auth: auth, AuthStatus: 401, RedirectAuto: true, OutputFormat: "auto", Cache: CacheConfig{MemoryMB: 4}}
	}
	jwtAuth := &AuthConfig{JWT: &JWTConfig{Key: accesstest.Secret, Cookie: "session"}}
	config := &Config{Admin: AdminConfig{Listen: "127.0.0.1:9", Token: admin}, Log: LogConfig{Level: "debug", Requests: "all"},
		RateLimit: RateConfig{Token: Rate{PerSecond: 50}},
		Handlers: []HandlerConfig{h("signed", signedHandler("").Auth), h("token", jwtAuth),
			{Prefix: "store", AuthStatus: 401, Auth: jwtAuth, AWS: &AWSConfig{BucketName: "b", Endpoint: "http://127.0.0.1:9", AccessKey: "key", SecretKey: access}, Limits: LimitsConfig{FetchSeconds: 1}}}}
	s, err := New(config, Options{Log: slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))})
	if err != nil {
		t.Fatal(err)
	}
	closeAtEnd(t, s)
	web := httptest.NewServer(s)
	defer web.Close()
	web.Client().CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }

	var secrets []string
	add := func(secret string) string {
		secrets = append(secrets, secret, url.QueryEscape(secret))
		return secret
	}
	for _, secret := range []string{admin, access, newSecret, oldSecret, accesstest.Secret} {
		add(secret)
	}
	signature := func(link string) string {
		u, err := url.Parse(link)
		if err != nil {
			t.Fatal(err)
		}
		add(u.Query().Get("sig"))
		return link
	}
	mint := func(pairs ...any) string {
		return add(accesstest.Mint(t, jwt.SigningMethodHS256, []byte(accesstest.Secret), accesstest.Claims(pairs...), nil))
	}
	signed, token, ended := signature(signURL(newSecret, "signed", "photo.jpg", "w", "20")), mint(), mint("exp", 1)
	statuses := map[int]int{}
	for _, target := range []string{
		signed, signed + "&w=21", signed + "&sig=x", signature(signURL(newSecret, "signed", "missing.jpg")), signature(signURL(newSecret, "signed", "cut.jpg", "f", "jpg")), "/token/photo.jpg?" + token + "&t=x", "/token/photo.jpg?token=" + token + "&t=x",
		signature(signURL(newSecret, "signed", "photo.jpg", "exp", "1")), signature(signURL(newSecret, "signed", "photo.jpg", "srcset", "20")),
		"/token/photo.jpg?w=20&t=" + token, "/token/missing.jpg?t=" + token, "/token/html.jpg?t=" + token, "/token/../x?t=" + token, "/token/notes.txt?t=" + token,
		"/token/photo.jpg?t=" + ended, "/token/photo.jpg?t=" + add(token[:len(token)-4]+"AAAA"), "/token/photo.jpg?%74=" + token, "/token/photo.jpg?a=%zz&t=" + token + "%zz",
		"/token/photo.jpg?w=1;t=" + token, "/store/photo.jpg?t=" + token, "/nobody/photo.jpg?t=" + token, "/token/photo.jpg?info=1&t=" + token,
		"/token/photo.jpg?t=" + token + "&" + strings.Repeat("a&", 40), "/token/photo.jpg?t=" + token + strings.Repeat("x", 5000), "/token/photo.jpg?T=" + token,
	} {
		for _, header := range []string{"", "Authorization", "Cookie"} {
			r, err := http.NewRequest(http.MethodGet, web.URL+strings.Replace(target, "/../", "/%2e%2e/", 1), nil)
			if err != nil {
				t.Fatal(err)
			}
			r.Header.Set("Accept", "image/webp")
			r.Header.Set("Referer", web.URL+target)
			switch header {
			case "Authorization":
				r.Header.Set(header, "Bearer "+token)
			case "Cookie":
				r.Header.Set(header, "session="+token)
			}
			resp, err := web.Client().Do(r)
			if err != nil {
				t.Fatal(err)
			}
			text, err := io.ReadAll(resp.Body)
			if err != nil {
				t.Fatal(err)
			}
			_ = resp.Body.Close() // read to its end
			statuses[resp.StatusCode]++
			answer := fmt.Sprint(resp.Header) + string(text)
			for _, secret := range secrets {
				if strings.Contains(answer, secret) {
					t.Errorf("GET %.60s: %d with %.20s… in the answer", target, resp.StatusCode, secret)
				}
			}
		}
	}
	for _, status := range []int{200, 302, 400, 401, 404, 414, 422, 502} {
		if statuses[status] == 0 {
			t.Errorf("no answer had status %d: %v", status, statuses)
		}
	}
	// What operators see and do.
	for _, path := range []string{"/metrics", "/config", "/stats"} {
		log.Write(adminAnswer(t, s, http.MethodGet, path, admin, ""))
	}
	adminAnswer(t, s, http.MethodPost, "/purge", admin, "url="+url.QueryEscape(signed))
	adminAnswer(t, s, http.MethodPost, "/purge", "another token", "url="+url.QueryEscape(signed))
	r := httptest.NewRequest(http.MethodGet, "/token/photo.jpg?explain=1&t="+token, nil)
	r.Header.Set("Authorization", "Bearer "+admin)
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	log.Write(w.Body.Bytes())
	fmt.Fprintf(&log, "%v %+v %#v", config, config.Handlers[0].Auth.HMAC, *jwtAuth.JWT)
	web.Close() // when it has closed, the last line is written

	text := log.String()
	for _, what := range []string{"/token/photo.jpg", "verification", "photo.jpg"} {
		if !strings.Contains(text, what) {
			t.Errorf("the log has no %s: what is looked at is not all", what)
		}
	}
	for _, secret := range secrets {
		if i := strings.Index(text, secret); i >= 0 {
			t.Errorf("%.20s… is in the log: …%s…", secret, text[max(0, i-200):min(len(text), i+40)])
		}
	}
	t.Logf("%d secrets, tokens and signatures are not in %d bytes of log", len(secrets)/2, len(text))
}

// A password in a URL of the configuration is refused, and not shown.
func TestNoPasswordsInURLs(t *testing.T) {
	const secret = "hunter2hunter2"
	with := func(change func(*Config, *HandlerConfig, string), url string) (string, error) {
		h := HandlerConfig{Prefix: "h", AWS: &AWSConfig{BucketName: "b"}}
		c := &Config{}
		change(c, &h, strings.Replace(url, "//", "//user:"+secret+"@", 1))
		c.Handlers = []HandlerConfig{h}
		err := Check(c)
		return fmt.Sprint(err), err
	}
	for key, tt := range map[string]struct {
		change func(*Config, *HandlerConfig, string)
		url    string
	}{
		"tracing.endpoint": {func(c *Config, _ *HandlerConfig, u string) { c.Tracing.Endpoint = u }, "http://127.0.0.1:4318"},
		"acme.directory_url": {func(c *Config, _ *HandlerConfig, u string) {
			c.ACME = ACMEConfig{Hosts: []string{"a.example"}, AcceptTerms: true, DirectoryURL: u}
		}, "https://acme.example/dir"},
		"handlers.0.auth.jwt.jwks_url": {func(_ *Config, h *HandlerConfig, u string) { h.Auth = &AuthConfig{JWT: &JWTConfig{JWKSURL: u}} }, "https://login.example/keys"},
		"handlers.0.source": {func(_ *Config, h *HandlerConfig, u string) {
			h.AWS, h.Source = nil, SourceConfig{URL: u}
		}, "https://pictures.example/"},
		"handlers.0.aws": {func(_ *Config, h *HandlerConfig, u string) { h.AWS.Endpoint = u }, "https://store.example"},
	} {
		for _, url := range []string{tt.url, tt.url + "%zz", strings.Replace(tt.url, "http", "ftp", 1)} { // such as cannot be read, too
			if text, err := with(tt.change, url); err == nil || !strings.Contains(text, key) || strings.Contains(text, secret) {
				t.Errorf("%s with a password: %s; want a fault of it, and no password", key, text)
			}
		}
	}
}

func adminAnswer(t *testing.T, s *Server, method, path, token, form string) []byte {
	t.Helper()
	r := httptest.NewRequest(method, path, strings.NewReader(form))
	r.Header.Set("Authorization", "Bearer "+token)
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	w := httptest.NewRecorder()
	s.adminHandler().ServeHTTP(w, r)
	return w.Body.Bytes()
}
