package config

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
)

func writeConfig(t *testing.T, text string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "config.json")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

const minimal = `{"handlers": [{"name": "n", "source": {"dir": "."}}]}`

func TestDefaults(t *testing.T) {
	c, warnings, err := Load(writeConfig(t, minimal))
	if err != nil || len(warnings) != 0 {
		t.Fatal(warnings, err)
	}
	h := c.Handlers[0]
	if c.HTTPPort != 80 || c.HTTPSPort != 443 || h.Prefix != "n" || h.OutputFormat != "webp" || h.MaxDimension != 3064 || *h.CacheTime != 604800 || h.MaxSourceBytes != 50<<20 ||
		strings.Join(h.AllowedFormats, " ") != "png jpg jpeg gif webp" || h.Cached() {
		t.Errorf("defaults: %+v, %+v", c, h)
	}
}

// A5, A9, A10 and A1: every fault with its file, line, column and key, all
// together.
func TestFaultsOfConfigurations(t *testing.T) {
	handler := func(s string) string {
		return `{"handlers": [{"name": "n", "source": {"dir": "."}` + s + `}]}`
	}
	tests := []struct {
		name, text string
		want       []string // parts of the error, each of its own line
	}{
		{"not JSON", "{\n  \"handlers\": [}\n}", []string{":2:16: "}},
		{"cut off", `{"handlers": [`, []string{":1:15: "}},
		{"empty", ``, []string{":1:1: "}},
		{"a list", `[]`, []string{"cannot be an object"}},
		{"no handlers", `{}`, []string{"handlers: there is none"}},
		{"wrong type", "{\n\"http_port\": \"eighty\"}", []string{":2:1: http_port: a string cannot be a whole number"}},
		{"wrong type inside", "{\"handlers\": [{},\n {\"name\": 7}]}", []string{":2:3: handlers.1.name: a number cannot be a string"}},
		{"an object for a list of them", `{"handlers": [{"name": "h", "blocked": {"names": ["x"]}}]}`, []string{"handlers.0.blocked: an object cannot be a list: put brackets around it, as in [{…}, {…}]"}},
		{"wrong type behind a long variable", "{\"https_key\": \"${LONG_VALUE}\",\n\"http_port\": []}", []string{":2:1: http_port: an array cannot be a whole number"}},
		{"no name", `{"handlers": [{"source": {"dir": "."}}]}`, []string{":1:15: handlers.0: a handler needs a name or a prefix"}},
		{"two of one prefix", "{\"handlers\": [{\"name\": \"a\", \"source\": {\"dir\": \".\"}},\n{\"name\": \"b\", \"prefix\": \"/a/\", \"source\": {\"dir\": \".\"}}]}", []string{`:2:15: handlers.1.prefix: "a" is already the prefix of handler 1`}},
		{"no source", `{"handlers": [{"name": "a"}]}`, []string{"handlers.0: needs one source of pictures: either aws, source or sources"}},
		{"two sources", handler(`, "aws": {"bucket_name": "b"}`), []string{"handlers.0: needs one source of pictures, and has aws and source; sources is a list of several"}},
		{"no bucket name", `{"handlers": [{"name": "a", "aws": {}}]}`, []string{"handlers.0.aws.bucket_name: is missing"}},
		{"half a key", `{"handlers": [{"name": "a", "aws": {"bucket_name": "b", "aws_secret": "${TEST_SECRET}"}}]}`, []string{"handlers.0.aws.aws_access: and aws_secret go together"}},
		{"a prefix that is no path", `{"handlers": [{"prefix": "a//b", "source": {"dir": "."}}]}`, []string{"handlers.0.prefix"}},
		{"scaling", handler(`, "scaling": "coarse"`), []string{`handlers.0.scaling: "coarse" is neither "fine" nor "fast"`}},
		{"verification of sources", `{"handlers": [{"name": "a", "aws": {"bucket_name": "b", "verify": "sha1"}}]}`, []string{`handlers.0.aws.verify: "sha1" is not "md5"`}},
		{"output format", handler(`, "output_format": "heic"`), []string{`handlers.0.output_format: "heic" is not a format that can be written`}},
		{"output formats", handler(`, "output_formats": ["avif", "svg"]`), []string{`handlers.0.output_formats.1: "svg" is not a format that can be written`}},
		{"error status", handler(`, "error_status": 200`), []string{"handlers.0.error_status: is not an HTTP status"}},
		{"extension", handler(`, "allowed_formats": ["jpg", "a/b"]`), []string{"handlers.0.allowed_formats.1"}},
		{"max_dimension", handler(`, "max_dimension": -1`), []string{"handlers.0.max_dimension"}},
		{"one folder, two bounds", `{"handlers": [{"name": "a", "source": {"dir": "."}, "cache_path": "c", "cache": {"disk_mb": 5}}, {"name": "b", "source": {"dir": "."}, "cache_path": "c"}]}`, []string{"handlers.1.cache: another handler with the same cache_path"}},
		{"negative bound", handler(`, "cache": {"disk_mb": -5, "min_free": 1}`), []string{"handlers.0.cache: memory_mb", "handlers.0.cache.min_free: 1 is not"}},
		{"unset variable", handler(`, "error_image": "${NO_SUCH_VARIABLE}"`), []string{"handlers.0.error_image: the environment variable NO_SUCH_VARIABLE is not set"}},
		{"everything off", `{"http_port": -1, "handlers": [{"name": "n", "source": {"dir": "."}}]}`, []string{"http_port: off"}},
		{"HTTPS without files", `{"https_enabled": true, "handlers": [{"name": "n", "source": {"dir": "."}}]}`, []string{"https_cert: is needed", "https_key: is needed"}},
		{"HTTPS with missing files", `{"https_enabled": true, "https_cert": "no.crt", "https_key": "no.key", "handlers": [{"name": "n", "source": {"dir": "."}}]}`, []string{"https_cert: open"}},
		{"one port for both", `{"https_enabled": true, "https_port": 80, "https_cert": "a", "https_key": "b", "handlers": [{"name": "n", "source": {"dir": "."}}]}`, []string{"https_port: 80 is the port of plain HTTP too"}},
		{"strict without HTTPS", `{"https_strict": true, "handlers": [{"name": "n", "source": {"dir": "."}}]}`, []string{"https_strict"}},
		{"a port that is none", `{"http_port": 70000, "handlers": [{"name": "n", "source": {"dir": "."}}]}`, []string{"http_port: 70000"}},
		{"of all kinds together", "{\"http_port\": \"x\",\n\"https_port\": [],\n\"handlers\": [{\"name\": \"${NO_SUCH_VARIABLE}\", \"cache_time\": \"y\", \"output_format\": \"heic\"}]}",
			[]string{":1:2: http_port: a string", ":2:1: https_port: an array", ":3:14: handlers.0: needs one source", ":3:15: handlers.0.name: the environment variable", ":3:46: handlers.0.cache_time: a string", ":3:65: handlers.0.output_format"}},
		{"all together", "{\"http_port\": 70000,\n\"handlers\": [{\"prefix\": \"x\"},\n{}]}", []string{":1:2: http_port", ":2:14: handlers.0: needs one source", ":3:1: handlers.1: a handler needs", ":3:1: handlers.1: needs one source"}},
	}
	t.Setenv("TEST_SECRET", "hunter2")
	t.Setenv("LONG_VALUE", strings.Repeat("\\\"x\n", 100))
	for _, tt := range tests {
		file := writeConfig(t, tt.text)
		_, _, err := Load(file)
		if err == nil {
			t.Errorf("%s: no error", tt.name)
			continue
		}
		for _, want := range tt.want {
			if !strings.Contains(err.Error(), want) {
				t.Errorf("%s: error %q; want %q in it", tt.name, err, want)
			}
		}
		if !strings.HasPrefix(err.Error(), file+":") || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: error %q; want it to begin with the file's name, and no secret", tt.name, err)
		}
	}
	if _, _, err := Load("no such file"); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("Load of a missing file = %v", err)
	}
}

// A5: unknown keys warn, and name the nearest known one.
func TestUnknownKeys(t *testing.T) {
	file := writeConfig(t, "{\"handlers\": [\n{\"name\": \"n\", \"source\": {\"dir\": \".\"},\n  \"cache_pth\": \"x\", \"aws_secret\": \"s\", \"Output_Format\": \"jpg\"}], \"zzz\": 1}")
	c, warnings, err := Load(file)
	if err != nil {
		t.Fatal(err)
	}
	want := []string{
		file + `:3:3: handlers.0.cache_pth: unknown key; did you mean "cache_path"?`,
		file + `:3:21: handlers.0.aws_secret: unknown key`,
		file + `:3:66: zzz: unknown key`,
	}
	if len(warnings) != len(want) {
		t.Fatalf("warnings %v; want %d", warnings, len(want))
	}
	for i := range want {
		if !strings.HasPrefix(warnings[i].Error(), want[i]) {
			t.Errorf("warning %q; want %q", warnings[i], want[i])
		}
	}
	if c.Handlers[0].OutputFormat != "jpg" {
		t.Error("keys are compared with regard to case; the original did not")
	}
}

// Of a key that is there twice only one counts: nobody means that.
func TestKeysWrittenTwice(t *testing.T) {
	file := writeConfig(t, `{"handlers": [{"name": "n", "Name": "m", "source": {"dir": "."}, "presets": {"a": "w=1", "A": "w=2", "b": "w=1", "b": "w=2"}}], "presets": {}, "presets": {}}`)
	_, warnings, err := Load(file)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, w := range warnings {
		got = append(got, w.Key+": "+w.Text)
	}
	slices.Sort(got)
	if want := []string{"handlers.0.Name: is written twice", "handlers.0.presets.b: is written twice", "presets: is written twice"}; !slices.Equal(got, want) {
		t.Errorf("warnings = %q; want %q", got, want)
	}
}

// A9: environment variables in any string, and only in that form.
func TestEnvironment(t *testing.T) {
	t.Setenv("TEST_KEY", "key")
	t.Setenv("TEST_SECRET", `se"cr\et`)
	t.Setenv("TEST_STATUS", "404")
	c, _, err := Load(writeConfig(t, `{"handlers": [{"name": "n", "aws": {"bucket_name": "$b-$$-${-}", "aws_access": "a${TEST_KEY}b", "aws_secret": "${TEST_SECRET}"}, "error_status": "${TEST_STATUS}"}]}`))
	if err != nil {
		t.Fatal(err)
	}
	h := c.Handlers[0]
	if h.AWS.BucketName != "$b-$$-${-}" || h.AWS.AccessKey != "akeyb" || h.AWS.SecretKey != `se"cr\et` || h.ErrorStatus != 404 {
		t.Errorf("got %+v, %d", h.AWS, h.ErrorStatus)
	}
	for _, shown := range []string{fmt.Sprint(h.AWS.SecretKey), fmt.Sprintf("%v %+v %#v %s %q", *h.AWS, *h.AWS, *h.AWS, h.AWS.SecretKey, h.AWS.SecretKey)} {
		if strings.Contains(shown, "et") && strings.Contains(shown, "se\"") {
			t.Errorf("the secret shows in %s", shown)
		}
	}
}

// A string may hold what a file holds; a server made of it depends on the file.
func TestReferencedFiles(t *testing.T) {
	dir := t.TempDir()
	secret := filepath.Join(dir, "secret")
	write := func(text string) {
		t.Helper()
		if err := os.WriteFile(secret, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	config := func(reference string) string {
		return `{"handlers": [{"name": "n", "aws": {"bucket_name": "b", "aws_access": "a", "aws_secret": "` + reference + `"}}]}`
	}
	write("se\"cr\\et ${HOME}\r\n")
	file := writeConfig(t, config("${file:"+filepath.ToSlash(secret)+"}"))
	c, warnings, err := Load(file)
	if err != nil || len(warnings) > 0 {
		t.Fatal(err, warnings)
	}
	if got := string(c.Handlers[0].AWS.SecretKey); got != `se"cr\et ${HOME}` {
		t.Errorf("the secret is %q", got)
	}
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if !c.Unchanged(text) {
		t.Error("changed without a change")
	}
	if write("another"); c.Unchanged(text) {
		t.Error("unchanged with another secret")
	}
	// Beside the configuration, as all files of it.
	if err := os.WriteFile(filepath.Join(filepath.Dir(file), "near"), []byte("beside"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(config("${file:near}")), 0o600); err != nil {
		t.Fatal(err)
	}
	if c, _, err = Load(file); err != nil || c.Handlers[0].AWS.SecretKey != "beside" {
		t.Errorf("beside the configuration: %v", err)
	}
	write(strings.Repeat("x", mostReferenced+1))
	for reference, want := range map[string]string{
		"${file:/nowhere/at/all}":                  "no such file",
		"${file:" + filepath.ToSlash(dir) + "}":    "is not a file",
		"${file:" + filepath.ToSlash(secret) + "}": "more than",
	} {
		_, _, err := Load(writeConfig(t, config(reference)))
		if err == nil || !strings.Contains(err.Error(), "handlers.0.aws.aws_secret: ") || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v; want %q", reference, err, want)
		}
	}
}

// Only what is near is suggested.
func TestSuggestion(t *testing.T) {
	for name, want := range map[string]string{"cache_pth": `; did you mean "cache_path"?`, "S3IMAGESERVER_HTP_PORT": `; did you mean "S3IMAGESERVER_HTTP_PORT"?`, "S3IMAGESERVER_ACCESS_KEY": "", "zzz": ""} {
		if got := suggestion(name, []string{"cache_path", "S3IMAGESERVER_HTTPS_KEY", "S3IMAGESERVER_HTTP_PORT"}); got != want {
			t.Errorf("%s: %q; want %q", name, got, want)
		}
	}
}

// A8.
func TestFilePath(t *testing.T) {
	tests := []struct {
		aws  AWSConfig
		want string
	}{
		{AWSConfig{}, ""},
		{AWSConfig{FilePath: "large"}, "large/"},
		{AWSConfig{FilePath: "large/"}, "large/"},
		{AWSConfig{FilePath: "/a/b/"}, "a/b/"},
		{AWSConfig{FilePath: "/"}, ""},
		{AWSConfig{FilePath: "img_", FilePathRaw: true}, "img_"},
	}
	for _, tt := range tests {
		if got := tt.aws.PrefixOf(); got != tt.want {
			t.Errorf("prefix of %+v = %q; want %q", tt.aws, got, tt.want)
		}
	}
}

func FuzzParseConfig(f *testing.F) {
	f.Add([]byte(minimal))
	f.Add([]byte("{// c\n\"handlers\": [{\"aws\": {\"bucket_name\": \"${HOME}\"},},],}"))
	f.Fuzz(func(t *testing.T, text []byte) {
		c, _, err := LoadEmbedded("fuzz", text, fstest.MapFS{})
		if (c == nil) == (err == nil) {
			t.Errorf("LoadEmbedded(%q) = %v, %v", text, c, err)
		}
	})
}

// Results of another scaling are others.
func TestScalingIsInTheKey(t *testing.T) {
	fine, named, fast := HandlerConfig{}, HandlerConfig{Scaling: "fine"}, HandlerConfig{Scaling: FastScaling}
	if fine.QualityKey() != named.QualityKey() || fine.QualityKey() == fast.QualityKey() {
		t.Errorf("keys %q, %q and %q; want the first two alike, and the last another", fine.QualityKey(), named.QualityKey(), fast.QualityKey())
	}
}
