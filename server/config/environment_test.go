package config

import (
	"reflect"
	"slices"
	"strings"
	"testing"
)

func TestEnvironmentWins(t *testing.T) {
	for name, value := range map[string]string{
		"S3IMAGESERVER_HTTP_PORT":             "8088",
		"S3IMAGESERVER_PLAYGROUND":            "true",
		"S3IMAGESERVER_ADMIN_LISTEN":          "127.0.0.1:9191",
		"S3IMAGESERVER_ADMIN_TOKEN":           "0123456789abcdef",
		"S3IMAGESERVER_LOG_FORMAT":            "json",
		"S3IMAGESERVER_TRACING_RATIO":         "0.5",
		"S3IMAGESERVER_HANDLERS_0_CACHE_PATH": "/tmp/results",
		"S3IMAGESERVER_HANDLERS_0_REVALIDATE": "60",
		"S3IMAGESERVER_HANDLERS_1_CACHE_TIME": "7",
		"S3IMAGESERVER_SERVICE_HOST":          "10.0.0.1", // of Kubernetes
		"S3IMAGESERVER_PORT":                  "tcp://10.0.0.1:80",
	} {
		t.Setenv(name, value)
	}
	c, _, err := parse("test.json", []byte(`{"http_port": 80, "log": {"format": "text"}, "handlers": [
		{"name": "a", "source": {"dir": "."}, "cache_path": "x"}, {"name": "b", "source": {"dir": "."}}]}`), nil)
	if err != nil {
		t.Fatal(err)
	}
	if c.HTTPPort != 8088 || !c.Playground || c.Admin.Listen != "127.0.0.1:9191" || c.Admin.Token != "0123456789abcdef" || c.Log.Format != "json" || *c.Tracing.Ratio != 0.5 ||
		c.Handlers[0].CachePath != "/tmp/results" || c.Handlers[0].Freshness.Revalidate != 60 || *c.Handlers[1].CacheTime != 7 || c.Handlers[1].CachePath != "" {
		t.Errorf("configuration with environment = %+v", c)
	}
}

// Faults name the variable, and no secret.
func TestEnvironmentFaults(t *testing.T) {
	t.Setenv("S3IMAGESERVER_HTTP_PORT", "eighty")
	t.Setenv("S3IMAGESERVER_PLAYGROUND", "perhaps")
	t.Setenv("S3IMAGESERVER_HTTPS_PORT", "70000")
	t.Setenv("S3IMAGESERVER_HTTPS_ENABLED", "true")
	t.Setenv("S3IMAGESERVER_ADMIN_TOKEN", "short-secret")
	_, _, err := parse("test.json", []byte(`{"handlers": [{"name": "a", "source": {"dir": "."}}]}`), nil)
	for _, want := range []string{`S3IMAGESERVER_HTTP_PORT="eighty" is not a whole number`, `S3IMAGESERVER_PLAYGROUND="perhaps" is not true or false`, "70000 is not a port (S3IMAGESERVER_HTTPS_PORT is set)", "(S3IMAGESERVER_ADMIN_TOKEN is set)"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error = %v; want %s", err, want)
		}
	}
	if strings.Contains(err.Error(), "short-secret") {
		t.Errorf("error shows the secret: %v", err)
	}
}

// A variable that changes nothing is told of, and not its value.
func TestEnvironmentStrays(t *testing.T) {
	for name, value := range map[string]string{
		"S3IMAGESERVER_HTTP_PROT":                  "a value",
		"S3IMAGESERVER_HOSTS":                      "a value", // a list
		"S3IMAGESERVER_HANDLERS_1_CACHE_PATH":      "a value", // there is one handler
		"S3IMAGESERVER_HANDLERS_0_AWS_BUCKET_NAME": "photos",  // it has no aws
		"S3IMAGESERVER_OWN":                        "2",       // named in the file
		"S3IMAGESERVER_HTTP_PORT":                  "8088",
		"S3IMAGESERVER_SERVICE_HOST":               "10.0.0.1", // of Kubernetes, as the rest
		"S3IMAGESERVER_SERVICE_PORT_HTTP":          "80",
		"S3IMAGESERVER_PORT":                       "tcp://10.0.0.1:80",
		"S3IMAGESERVER_ADMIN_PORT_80_TCP_PROTO":    "tcp",
	} {
		t.Setenv(name, value)
	}
	_, warnings, err := parse("test.json", []byte(`{"handlers": [{"name": "a", "source": {"dir": "."}, "cache_path": "${S3IMAGESERVER_OWN}"}]}`), nil)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, w := range warnings {
		got = append(got, w.Error())
	}
	slices.Sort(got)
	want := []string{"S3IMAGESERVER_HANDLERS_0_AWS_BUCKET_NAME", "S3IMAGESERVER_HANDLERS_1_CACHE_PATH", "S3IMAGESERVER_HOSTS", "S3IMAGESERVER_HTTP_PROT"}
	if len(got) != len(want) {
		t.Fatalf("warnings = %q; want those of %q", got, want)
	}
	for i, name := range want {
		if !strings.HasPrefix(got[i], "the environment variable "+name+" stands for no") || strings.Contains(got[i], "a value") {
			t.Errorf("warning = %q; want that of %s", got[i], name)
		}
	}
	if !strings.HasSuffix(got[3], `; did you mean "S3IMAGESERVER_HTTP_PORT"?`) {
		t.Errorf("warning = %q; want the nearest name", got[3])
	}
	if !strings.HasSuffix(got[0], ": write what it belongs to into the file, or set S3IMAGESERVER_BUCKET, which serves a bucket without a file") {
		t.Errorf("warning = %q; want what to do", got[0])
	}
}

// Every key has a variable of its own.
func TestEnvironmentNames(t *testing.T) {
	c := Config{Handlers: make([]HandlerConfig, 2)}
	c.Handlers[0].AWS = &AWSConfig{}
	seen := map[string]string{}
	eachScalar(reflect.ValueOf(&c).Elem(), "", func(key string, v reflect.Value) {
		if other, ok := seen[envName(key)]; ok {
			t.Errorf("%s stands for %s and %s", envName(key), key, other)
		}
		seen[envName(key)] = key
	})
	for _, name := range []string{"S3IMAGESERVER_HTTP_PORT", "S3IMAGESERVER_HANDLERS_1_PREFIX", "S3IMAGESERVER_HANDLERS_0_AWS_AWS_SECRET", "S3IMAGESERVER_MEMORY_BUDGET"} {
		if seen[name] == "" {
			t.Errorf("no key for %s", name)
		}
	}
}

// ${NAME:-default} is the default where the variable is not set or empty; what
// looks like a reference of another kind stays as it is, and is warned of.
func TestEnvironmentDefaults(t *testing.T) {
	t.Setenv("PICTURES_SET", "set")
	t.Setenv("PICTURES_EMPTY", "")
	for text, want := range map[string]string{
		"${PICTURES_SET:-other}":                   "set",
		"${PICTURES_EMPTY:-other}":                 "other",
		"${PICTURES_NONE:-other}":                  "other",
		"${PICTURES_NONE:-}x":                      "x",
		"a/${PICTURES_NONE:-b:-c}/${PICTURES_SET}": "a/b:-c/set",
		"${PICTURES_EMPTY}x":                       "x",
		"$PICTURES_SET ${} $$ ${1}":                "$PICTURES_SET ${} $$ ${1}",
		"pa$${ss:-word":                            "pa$${ss:-word",
	} {
		c, warnings, err := parse("test.json", []byte(`{"handlers": [{"name": "a", "source": {"dir": "."}, "cache_path": "`+text+`"}]}`), nil)
		if err != nil || len(warnings) > 0 || c.Handlers[0].CachePath != want {
			t.Errorf("%s: %v, %v, %v; want %q", text, c, warnings, err, want)
		}
	}
	for _, text := range []string{"${PICTURES_SET-other}", "${PICTURES_NONE:?not set}", "${PICTURES_SET:+other}", "${PICTURES_SET%x}"} {
		c, warnings, err := parse("test.json", []byte(`{"handlers": [{"name": "a", "source": {"dir": "."}, "cache_path": "`+text+`"}]}`), nil)
		if err != nil || c.Handlers[0].CachePath != text {
			t.Errorf("%s: %v, %v; want it as it is", text, c, err)
		}
		if len(warnings) != 1 || !strings.Contains(warnings[0].Error(), "handlers.0.cache_path: "+text+" is taken literally") || warnings[0].Line != 1 {
			t.Errorf("%s: warnings %v; want one of its key", text, warnings)
		}
	}
	if _, _, err := parse("test.json", []byte(`{"handlers": [{"name": "a", "source": {"dir": "${PICTURES_NONE}"}}]}`), nil); err == nil || !strings.Contains(err.Error(), "PICTURES_NONE is not set") {
		t.Errorf("a variable that is not set: %v", err)
	}
}
