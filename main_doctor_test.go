package main

import (
	"encoding/json"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"s3imageserver/server"
	"s3imageserver/storage/s3/s3test"
	"s3imageserver/testserver"
)

// doctorOf runs the command on a configuration, and returns its findings.
func doctorOf(t *testing.T, config map[string]any) ([]server.Finding, error) {
	t.Helper()
	if config["http_port"] == nil {
		config["http_port"] = testserver.Port(t)
	}
	text, err := json.Marshal(config)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "config.json")
	if err := os.WriteFile(file, text, 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := command(t, "-c", file, "doctor", "-json")
	var findings []server.Finding
	if jsonErr := json.Unmarshal([]byte(out), &findings); jsonErr != nil {
		t.Fatalf("doctor -json: %v\n%s", jsonErr, out)
	}
	for _, secret := range []string{s3test.SecretKey, "wrong-secret-key"} {
		if strings.Contains(out, secret) {
			t.Errorf("doctor shows a secret:\n%s", out)
		}
	}
	return findings, err
}

// has reports whether a finding of that level about that key has the words.
func has(findings []server.Finding, level, about, words string) bool {
	for _, f := range findings {
		if f.Level == level && f.About == about && strings.Contains(f.Text, words) {
			return true
		}
	}
	return false
}

// proxyOf is the store, before which answer may answer, if it is not nil, and
// behind which change may change what the store says.
func proxyOf(t *testing.T, endpoint string, answer func(http.ResponseWriter, *http.Request) bool, change func(*http.Response) error) string {
	t.Helper()
	target, err := url.Parse(endpoint)
	if err != nil {
		t.Fatal(err)
	}
	proxy := &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(target)
			r.Out.Host = r.In.Host // it is signed
		},
		ModifyResponse: change,
	}
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if answer == nil || !answer(w, r) {
			proxy.ServeHTTP(w, r)
		}
	}))
	t.Cleanup(s.Close)
	return s.URL
}

// skewedProxy is the store, with a clock that is wrong: it says so, and refuses.
func skewedProxy(t *testing.T, endpoint string, by time.Duration, refuse bool) string {
	t.Helper()
	date := func() string { return time.Now().Add(by).UTC().Format(http.TimeFormat) }
	return proxyOf(t, endpoint, func(w http.ResponseWriter, r *http.Request) bool {
		if refuse {
			w.Header().Set("Date", date())
			w.Header().Set("Content-Type", "application/xml")
			w.WriteHeader(403)
			_, _ = w.Write([]byte(`<?xml version="1.0"?><Error><Code>RequestTimeTooSkewed</Code><Message>The difference between the request time and the server's time is too large.</Message></Error>`))
		}
		return refuse
	}, func(r *http.Response) error {
		r.Header.Set("Date", date())
		return nil
	})
}

// Each fault of a store, set up on purpose: the sentence names it.
func TestDoctorOfStores(t *testing.T) {
	store := s3test.Start(t, s3test.MinIO, "MINIO_SITE_REGION=eu-central-1")
	store.MakeBucket(t, "pictures")
	store.MakeBucket(t, "empty")
	store.MakeBucket(t, "results")
	store.Put(t, "pictures", "large/photo.jpg", testserver.Photo(t, 60, 40))
	store.Put(t, "pictures", "small/photo.jpg", testserver.Photo(t, 60, 40))
	good := map[string]any{"bucket_name": "pictures", "file_path": "large", "endpoint": store.Endpoint, "region": "eu-central-1", "aws_access": s3test.AccessKey, "aws_secret": s3test.SecretKey}
	host := strings.TrimPrefix(store.Endpoint, "http://")
	tests := []struct {
		name         string
		change       map[string]any
		level, about string
		words        string
	}{
		{"all is well", nil, "ok", "handlers.0.aws", `objects can be read, "large/photo.jpg" for one`},
		{"a wrong access key", map[string]any{"aws_access": "nobody"}, "fault", "handlers.0.aws.aws_access", `does not know the access key "nobody"`},
		{"a wrong secret key", map[string]any{"aws_secret": "wrong-secret-key"}, "fault", "handlers.0.aws.aws_secret", "the secret key is wrong"},
		{"a wrong bucket", map[string]any{"bucket_name": "picture"}, "fault", "handlers.0.aws.bucket_name", "there is no bucket picture"},
		{"a missing folder", map[string]any{"file_path": "huge"}, "fault", "handlers.0.aws.file_path", `there is nothing below "huge/" in the bucket pictures, which has large/, small/`},
		{"an empty bucket", map[string]any{"bucket_name": "empty", "file_path": ""}, "warning", "handlers.0.aws.bucket_name", "the bucket empty is empty"},
		{"a wrong region", map[string]any{"region": "us-west-2"}, "fault", "handlers.0.aws.region", "is in the region eu-central-1, and was asked for in us-west-2: set region to eu-central-1"},
		{"a region that is found", map[string]any{"region": ""}, "note", "handlers.0.aws.region", "is in the region eu-central-1"},
		{"the other path style", map[string]any{"path_style": false, "endpoint": strings.Replace(store.Endpoint, "127.0.0.1", "localhost", 1)}, "fault", "handlers.0.aws.path_style", "set path_style to true"},
		{"a port where nobody listens", map[string]any{"endpoint": "http://127.0.0.1:1"}, "fault", "handlers.0.aws.endpoint", "nothing listens at 127.0.0.1:1"},
		{"a host that there is not", map[string]any{"endpoint": "http://store.invalid"}, "fault", "handlers.0.aws.endpoint", "there is no host store.invalid"},
		{"plain HTTP", map[string]any{"endpoint": "https://" + host}, "fault", "handlers.0.aws.endpoint", "speaks plain HTTP: write http:// before it"},
		{"a clock that is refused", map[string]any{"endpoint": skewedProxy(t, store.Endpoint, 30*time.Minute, true)}, "fault", "handlers.0.aws", "behind that of the store"},
		{"a clock that is still accepted", map[string]any{"endpoint": skewedProxy(t, store.Endpoint, -5*time.Minute, false)}, "warning", "handlers.0.aws", "ahead of that of the store"},
	}
	for _, tt := range tests {
		a := maps.Clone(good)
		maps.Copy(a, tt.change)
		findings, err := doctorOf(t, map[string]any{"handlers": []any{map[string]any{"name": "h", "aws": a}}})
		if !has(findings, tt.level, tt.about, tt.words) {
			t.Errorf("%s: no %s about %s with %q:\n%+v", tt.name, tt.level, tt.about, tt.words, findings)
		}
		if (err != nil) != (tt.level == "fault") {
			t.Errorf("%s: the command ends with %v", tt.name, err)
		}
		n := 0
		for _, f := range findings {
			if f.Level == "fault" {
				n++
			}
		}
		if n > 1 {
			t.Errorf("%s: %d faults of one cause:\n%+v", tt.name, n, findings)
		}
	}

	t.Run("the shared bucket", func(t *testing.T) {
		findings, err := doctorOf(t, map[string]any{"handlers": []any{map[string]any{"name": "h", "aws": good, "cache": map[string]any{"bucket": "empty"}}}})
		if err != nil || !has(findings, "ok", "handlers.0.cache.bucket", "results can be written and removed") {
			t.Errorf("%v\n%+v", err, findings)
		}
		if store.Has(t, "empty", "s3imageserver-doctor", 1) {
			t.Error("doctor has left something in the bucket")
		}
	})

	t.Run("denied actions", func(t *testing.T) {
		t.Setenv("AWS_SHARED_CREDENTIALS_FILE", filepath.Join(t.TempDir(), "none"))
		anonymous := maps.Clone(good)
		delete(anonymous, "aws_access")
		delete(anonymous, "aws_secret")
		for _, tt := range []struct{ allowed, level, words string }{
			{"s3:ListBucket", "fault", "GetObject is denied"},
			{"s3:GetObject", "warning", "ListBucket is denied"},
		} {
			store.Allow(t, "pictures", tt.allowed)
			findings, err := doctorOf(t, map[string]any{"handlers": []any{map[string]any{"name": "h", "aws": anonymous}}})
			if !has(findings, tt.level, "handlers.0.aws", tt.words) || !has(findings, "note", "handlers.0.aws", "no keys were found") || (err != nil) != (tt.level == "fault") {
				t.Errorf("with %s only: %v\n%+v", tt.allowed, err, findings)
			}
		}
		// Of the bucket of results.
		store.Allow(t, "pictures", "s3:ListBucket", "s3:GetObject")
		for _, tt := range []struct {
			allowed      []string
			level, words string
		}{
			{[]string{"s3:ListBucket", "s3:GetObject"}, "fault", "PutObject is denied: no result can be shared"},
			{[]string{"s3:ListBucket", "s3:GetObject", "s3:PutObject"}, "fault", "DeleteObject is refused (403 AccessDenied): purges would not reach the bucket"},
			{[]string{"s3:ListBucket", "s3:GetObject", "s3:PutObject", "s3:DeleteObject"}, "ok", "results can be written and removed"},
		} {
			store.Allow(t, "results", tt.allowed...)
			findings, err := doctorOf(t, map[string]any{"handlers": []any{map[string]any{"name": "h", "aws": anonymous, "cache": map[string]any{"bucket": "results"}}}})
			if !has(findings, tt.level, "handlers.0.cache.bucket", tt.words) || (err != nil) != (tt.level == "fault") {
				t.Errorf("results with %s: %v\n%+v", tt.allowed, err, findings)
			}
		}
		// A gateway that lets nobody ask for heads.
		headless := maps.Clone(good)
		headless["endpoint"] = proxyOf(t, store.Endpoint, func(w http.ResponseWriter, r *http.Request) bool {
			if r.Method == http.MethodHead {
				w.WriteHeader(http.StatusForbidden)
			}
			return r.Method == http.MethodHead
		}, nil)
		findings, err := doctorOf(t, map[string]any{"handlers": []any{map[string]any{"name": "h", "aws": headless}}})
		if err != nil || !has(findings, "warning", "handlers.0.aws", "HeadObject is denied") || !has(findings, "ok", "handlers.0.aws", "objects can be read") {
			t.Errorf("without HeadObject: %v\n%+v", err, findings)
		}
	})
}

// Faults of this machine and of the configuration.
func TestDoctorOfMachine(t *testing.T) {
	folder := t.TempDir()
	if err := os.WriteFile(filepath.Join(folder, "photo.jpg"), testserver.Photo(t, 60, 40), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(folder, "file"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	// Of a good cache folder the speed is told, whatever it is.
	findings, err := doctorOf(t, map[string]any{"handlers": []any{map[string]any{"name": "h", "source": map[string]any{"dir": folder}, "cache_path": filepath.Join(folder, "cache")}}})
	if err != nil || !has(findings, "ok", "handlers.0.cache_path", "MB a second") && !has(findings, "warning", "handlers.0.cache_path", "MB a second") {
		t.Errorf("a good cache folder: %v\n%+v", err, findings)
	}
	tests := []struct {
		name         string
		config       map[string]any
		handler      map[string]any
		level, about string
		words        string
	}{
		{"a cache folder that is a file", nil, map[string]any{"cache_path": filepath.Join(folder, "file")}, "fault", "handlers.0.cache_path", "is a file, not a folder"},
		{"no folder of pictures", nil, map[string]any{"source": map[string]any{"dir": filepath.Join(folder, "none")}}, "fault", "handlers.0.source.dir", "there is no folder"},
		{"a weak token", map[string]any{"admin": map[string]any{"token": "passwordpassword"}}, nil, "warning", "admin.token", "different characters"},
		{"a known secret", nil, map[string]any{"auth": map[string]any{"hmac": map[string]any{"keys": []any{map[string]any{"id": "a", "secret": "passwordpassword"}}}}}, "warning", "handlers.0.auth.hmac.keys.0.secret", "different characters"},
		{"an unknown key", map[string]any{"http_prot": 1}, nil, "warning", "configuration", `did you mean "http_port"?`},
		{"a wrong value", map[string]any{"memory_budget": 1}, nil, "fault", "configuration", "1 MB is too little"},
		{"more memory than there is", map[string]any{"memory_budget": 1 << 30}, nil, "warning", "memory_budget", "the memory limit"},
	}
	for _, tt := range tests {
		handler := map[string]any{"name": "h", "source": map[string]any{"dir": folder}}
		maps.Copy(handler, tt.handler)
		config := map[string]any{"handlers": []any{handler}}
		maps.Copy(config, tt.config)
		findings, err := doctorOf(t, config)
		if !has(findings, tt.level, tt.about, tt.words) {
			t.Errorf("%s: no %s about %s with %q:\n%+v", tt.name, tt.level, tt.about, tt.words, findings)
		}
		if (err != nil) != (tt.level == "fault") {
			t.Errorf("%s: the command ends with %v", tt.name, err)
		}
	}
}

// A file with secrets that everybody can read, in words for people, and a
// warning that counts as a fault when asked for.
func TestDoctorOfExposedFile(t *testing.T) {
	folder := t.TempDir()
	file := filepath.Join(folder, "config.json")
	const secret = "Zk3v9Qp7Lm2Xr8Ty"
	if err := os.WriteFile(file, []byte(`{"http_port": 18080, "handlers": [{"name": "h", "source": {"dir": "`+folder+`"}}], "admin": {"token": "`+secret+`"}}`), 0o644); err != nil {
		t.Fatal(err)
	}
	out, err := command(t, "-c", file, "doctor")
	if err != nil || !strings.Contains(out, "warning  configuration: every user of this machine can read") || !strings.Contains(out, "admin.token is written in it") || strings.Contains(out, secret) {
		t.Errorf("doctor = %v\n%s", err, out)
	}
	if _, err := command(t, "-c", file, "doctor", "-strict"); err == nil {
		t.Error("doctor -strict ends well in spite of a warning")
	}
	if _, err := command(t, "-c", filepath.Join(folder, "none.json"), "doctor"); err == nil {
		t.Error("doctor of a file that there is not ends well")
	}
}
