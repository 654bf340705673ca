package docs_test

import (
	"bytes"
	"encoding/json"
	"os"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/tailscale/hujson"

	"s3imageserver/server"
)

const schemaFile = "docs/config.schema.json"

// schemaOf describes a type, with what the comments of its fields say.
func schemaOf(t reflect.Type, docs map[string]keyDoc) map[string]any {
	s := map[string]any{}
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	switch {
	case t == reflect.TypeFor[server.StatusCode]():
		s["type"], s["pattern"], s["minimum"], s["maximum"] = []string{"integer", "string"}, `^([1-5][0-9][0-9])?$`, 0, 599
	case t.Kind() == reflect.String:
		s["type"] = "string"
	case t.Kind() == reflect.Bool:
		s["type"] = "boolean"
	case t.Kind() == reflect.Int || t.Kind() == reflect.Int64:
		s["type"] = "integer"
	case t.Kind() == reflect.Float64:
		s["type"] = "number"
	case t.Kind() == reflect.Slice:
		s["type"], s["items"] = "array", schemaOf(t.Elem(), docs)
	case t.Kind() == reflect.Map:
		s["type"], s["additionalProperties"] = "object", schemaOf(t.Elem(), docs)
	case t.Kind() == reflect.Struct:
		properties := map[string]any{}
		for _, f := range reflect.VisibleFields(t) {
			name := f.Tag.Get("json")
			if name == "" || name == "-" {
				continue
			}
			p := schemaOf(f.Type, docs)
			describeKey(p, docs[declaring(t, f)+"."+f.Name])
			properties[name] = p
		}
		s["type"], s["additionalProperties"], s["properties"] = "object", false, properties
	}
	return s
}

var (
	aLink   = regexp.MustCompile(`\[([^\]]*)\]\([^)]*\)`)
	oneWord = regexp.MustCompile("^`([^`]+)`$")
)

// describeKey adds what is said of a key.
func describeKey(s map[string]any, d keyDoc) {
	if d.meaning != "" {
		s["description"] = aLink.ReplaceAllString(d.meaning, "$1")
	}
	switch s["type"] {
	case "integer", "number":
		if n, err := strconv.ParseFloat(d.value, 64); err == nil {
			s["default"] = n
		}
	case "boolean":
		if b, err := strconv.ParseBool(d.value); err == nil {
			s["default"] = b
		}
	case "string":
		if m := oneWord.FindStringSubmatch(d.value); m != nil {
			s["default"] = m[1]
		}
	}
}

// generateSchema returns the schema of a configuration file.
func generateSchema(t *testing.T) []byte {
	s := schemaOf(reflect.TypeFor[server.Config](), configDocs(t))
	s["$schema"] = "https://json-schema.org/draft/2020-12/schema"
	s["title"] = "Configuration of s3imageserver"
	s["required"] = []string{"handlers"}
	s["properties"].(map[string]any)["$schema"] = map[string]any{"type": "string"}
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if err := e.Encode(s); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// The schema that editors use is what the types of the configuration and their
// comments say.
func TestConfigurationSchema(t *testing.T) {
	want := generateSchema(t)
	if *update {
		if err := os.WriteFile(schemaFile, want, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(schemaFile)
	if err != nil || !bytes.Equal(got, want) {
		t.Errorf("%s is stale (%v): go test -tags nodynamic ./docs -run TestConfiguration -update", schemaFile, err)
	}
}

func compileSchema(t *testing.T) *jsonschema.Schema {
	t.Helper()
	file, err := os.Open(schemaFile)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	doc, err := jsonschema.UnmarshalJSON(file)
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource("config.json", doc); err != nil {
		t.Fatal(err)
	}
	schema, err := c.Compile("config.json")
	if err != nil {
		t.Fatal(err)
	}
	return schema
}

// validate holds a text with comments against the schema.
func validate(t *testing.T, schema *jsonschema.Schema, text []byte) error {
	t.Helper()
	plain, err := hujson.Standardize(slices.Clone(text))
	if err != nil {
		t.Fatal(err)
	}
	v, err := jsonschema.UnmarshalJSON(bytes.NewReader(plain))
	if err != nil {
		t.Fatal(err)
	}
	return schema.Validate(v)
}

// Configurations that load are valid by the schema, wrong ones are not.
func TestSchemaOfConfigurations(t *testing.T) {
	schema := compileSchema(t)
	for _, file := range []string{"config.json", "../shared/original-config.jsonc"} {
		text, err := os.ReadFile(file)
		if err != nil {
			if strings.HasPrefix(file, "../") && os.Getenv("CI") != "true" {
				t.Logf("not tested with %s: %v", file, err)
				continue
			}
			t.Fatal(err)
		}
		if err := validate(t, schema, text); err != nil {
			t.Errorf("%s: %v", file, err)
		}
	}
	for _, good := range []string{
		`{"$schema": "docs/config.schema.json", "handlers": [{"name": "h", "source": {"dir": "."}, "error_status": "404", "cache_time": -1}]}`,
		`{"handlers": [{"name": "h", "aws": {"bucket_name": "b", "path_style": true}, "quality": {"jpeg": 80}, "watermarks": {"a": {"file": "x.png"}}}], "log": {"format": "json"}, "tracing": {"ratio": 0.5}}`,
		`{"handlers": [{"name": "h", "sources": [{"bucket_name": "b"}, {"url": "https://example.com/"}]}], "admin": {"listen": "127.0.0.1:1", "token": "${TOKEN}"}}`,
	} {
		if err := validate(t, schema, []byte(good)); err != nil {
			t.Errorf("%s: %v", good, err)
		}
	}
	for _, bad := range []string{
		`{}`, `{"handlers": {}}`, `{"handlers": [{"nam": "h"}]}`, `{"handlers": [], "http_port": "80"}`,
		`{"handlers": [{"cache_time": 1.5}]}`, `{"handlers": [{"aws": {"bucket": "b"}}]}`, `{"handlers": [{"quality": {"jpeg": "80"}}]}`,
		`{"handlers": [{"error_status": true}]}`, `{"handlers": [], "log": "json"}`,
	} {
		if validate(t, schema, []byte(bad)) == nil {
			t.Errorf("%s is valid by the schema", bad)
		}
	}
}

// Descriptions and defaults come from the comments.
func TestSchemaDescribesKeys(t *testing.T) {
	text, err := os.ReadFile(schemaFile)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{`"description": "the port of plain HTTP, -1 for off"`, `"default": 604800`, `"default": true`, `"default": "cross-origin"`} {
		if !strings.Contains(string(text), want) {
			t.Errorf("%s has no %s", schemaFile, want)
		}
	}
	if n := strings.Count(string(text), `"description"`); n < 100 {
		t.Errorf("only %d keys have a description", n)
	}
}
