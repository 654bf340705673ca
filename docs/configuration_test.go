package docs_test

import (
	"bytes"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"s3imageserver/server"
)

const configurationFile = "docs/configuration.md"

// A keyDoc is what the comment of a field says about a key.
type keyDoc struct {
	meaning string // in Markdown
	value   string // when the key is absent; "" if nothing is said
}

// configDocs reads the comments of all fields with a key in package config, by
// "Type.Field".
func configDocs(t *testing.T) map[string]keyDoc {
	t.Helper()
	files, err := filepath.Glob("server/config/*.go")
	files = append(files, "server/dialect/config.go")
	if err != nil {
		t.Fatal(err)
	}
	comments, keys, booleans := map[string]string{}, map[string]string{}, map[string]bool{}
	for _, file := range files {
		parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.ParseComments)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(parsed, func(n ast.Node) bool {
			spec, ok := n.(*ast.TypeSpec)
			if !ok {
				return true
			}
			s, ok := spec.Type.(*ast.StructType)
			if !ok {
				return true
			}
			for _, f := range s.Fields.List {
				if kind, ok := f.Type.(*ast.Ident); ok && kind.Name == "bool" && len(f.Names) == 1 {
					booleans[spec.Name.Name+"."+f.Names[0].Name] = true
				}
				if f.Tag == nil || len(f.Names) != 1 {
					continue
				}
				tag, err := strconv.Unquote(f.Tag.Value)
				if err != nil {
					t.Fatal(err)
				}
				name := f.Names[0].Name
				comments[spec.Name.Name+"."+name] = strings.Join(strings.Fields(f.Doc.Text()), " ")
				keys[name] = reflect.StructTag(tag).Get("json")
			}
			return true
		})
	}
	docs := map[string]keyDoc{}
	for field, text := range comments {
		_, name, _ := strings.Cut(field, ".")
		d := docOf(name, text, keys)
		if d.value == "" && booleans[field] {
			d.value = "false"
		}
		docs[field] = d
	}
	return docs
}

var (
	whenAbsent = regexp.MustCompile(`[;.] (?:[Aa]bsent|[Ee]mpty|nil|(0)) means ([^;]+?)\.?$|[;.] (?:[Ee]mpty) means ("[^"]*")\.?$`)
	aField     = regexp.MustCompile(`\b[A-Z][A-Za-z]+\b`)
	quoted     = regexp.MustCompile("`[^`]*`|\"[^\"]*\"")
	aGuide     = regexp.MustCompile(`\bdocs/([a-z]+)\.md\b`)
)

// docOf takes the comment of a field apart: "Port is the port of HTTP, -1 for
// off; 0 means 80." says of the key "the port of HTTP, -1 for off", and that it
// is 80 when it is absent. Quoted text is code, and names of fields are those of
// their keys.
func docOf(name, comment string, keys map[string]string) keyDoc {
	text, ok := strings.CutPrefix(comment, name+" ")
	if !ok {
		return keyDoc{} // no comment, or one of another field
	}
	text = strings.TrimPrefix(strings.TrimPrefix(text, "is "), "are ")
	var d keyDoc
	if m := whenAbsent.FindStringSubmatchIndex(text); m != nil {
		groups := whenAbsent.FindStringSubmatch(text)
		d.value = groups[2] + groups[3]
		if _, err := strconv.ParseFloat(strings.TrimRight(strings.Fields(d.value)[0], ","), 64); groups[1] != "" && err != nil {
			d.value = "0: " + d.value
		}
		text = text[:m[0]]
	}
	markdown := func(text string) string {
		text = aField.ReplaceAllStringFunc(text, func(word string) string {
			if key := keys[word]; strings.Contains(key, "_") {
				return "`" + key + "`"
			}
			return word
		})
		text = quoted.ReplaceAllStringFunc(text, func(s string) string { return "`" + s[1:len(s)-1] + "`" })
		return aGuide.ReplaceAllString(text, "[$1]($1.md)")
	}
	d.meaning, d.value = markdown(strings.TrimSuffix(text, ".")), markdown(d.value)
	return d
}

// declaring returns the name of the struct that has a field of t itself, or of
// a struct that is embedded in it.
func declaring(t reflect.Type, f reflect.StructField) string {
	if len(f.Index) > 1 {
		t = t.FieldByIndex(f.Index[:len(f.Index)-1]).Type
	}
	return t.Name()
}

// keyRows writes a row for every key of a type, below prefix.
func keyRows(t *testing.T, b *bytes.Buffer, docs map[string]keyDoc, s reflect.Type, prefix string) {
	t.Helper()
	for _, f := range reflect.VisibleFields(s) {
		name := f.Tag.Get("json")
		if name == "" || name == "-" || name == "auth" || name == "handlers" { // these have tables of their own
			continue
		}
		inner := f.Type
		for inner.Kind() == reflect.Pointer || inner.Kind() == reflect.Slice {
			inner = inner.Elem()
		}
		field := declaring(s, f) + "." + f.Name
		d := docs[field]
		if d.meaning == "" {
			t.Errorf("server: the field %s of the configuration has no comment that begins with its name", field)
		}
		if strings.Contains(d.meaning+d.value, "|") {
			t.Errorf("server: the comment of %s has a |, which ends a column", field)
		}
		fmt.Fprintf(b, "| `%s%s` | %s | %s |\n", prefix, name, d.meaning, d.value)
		if inner.Kind() == reflect.Struct && name != "sources" { // whose keys are those of aws and source
			keyRows(t, b, docs, inner, prefix+name+".")
		}
	}
}

// The tables of the reference are what the types say.
func TestConfigurationReference(t *testing.T) {
	docs := configDocs(t)
	got, err := os.ReadFile(configurationFile)
	if err != nil {
		t.Fatal(err)
	}
	want := string(got)
	for _, part := range []struct {
		of     reflect.Type
		prefix string
	}{{reflect.TypeFor[server.Config](), ""}, {reflect.TypeFor[server.HandlerConfig](), ""}, {reflect.TypeFor[server.AuthConfig](), "auth."}} {
		begin := "<!-- generated: " + part.of.Name() + " -->\n"
		before, rest, ok := strings.Cut(want, begin)
		_, after, closed := strings.Cut(rest, "<!-- end -->")
		if !ok || !closed {
			t.Fatalf("%s has no part %q", configurationFile, begin)
		}
		var table bytes.Buffer
		table.WriteString("| key | meaning | when absent |\n|---|---|---|\n")
		keyRows(t, &table, docs, part.of, part.prefix)
		want = before + begin + table.String() + "<!-- end -->" + after
	}
	if *update {
		if err := os.WriteFile(configurationFile, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if string(got) != want {
		t.Errorf("%s is stale: go test -tags nodynamic ./docs -run TestConfiguration -update", configurationFile)
	}
}

// How comments are taken apart.
func TestDocOf(t *testing.T) {
	keys := map[string]string{"CachePath": "cache_path", "URL": "url"}
	for _, tt := range []struct{ name, comment, meaning, value string }{
		{"Port", "Port is the port of HTTP, -1 for off; 0 means 80.", "the port of HTTP, -1 for off", "80"},
		{"Strict", "Strict redirects all.", "redirects all", ""},
		{"Max", "Max is the bound of CachePath; 0 means any.", "the bound of `cache_path`", "0: any"},
		{"Level", `Level is "a" or "b"; empty means "a".`, "`a` or `b`", "`a`"},
		{"CSP", `CSP is a header; empty means "x 'none'; y".`, "a header", "`x 'none'; y`"},
		{"Ratio", "Ratio is a part. Of two kinds. Absent means 0.1.", "a part. Of two kinds", "0.1"},
		{"Time", "Time is a time; 0 means 0.1 without CachePath, else none.", "a time", "0.1 without `cache_path`, else none"},
		{"URL", "URL is a URL. See docs/sources.md.", "a URL. See [sources](sources.md)", ""},
		{"Map", "Map has `{\"a\": 1}`.", "has `{\"a\": 1}`", ""},
		{"Other", "Name is another.", "", ""},
	} {
		if got := docOf(tt.name, tt.comment, keys); got != (keyDoc{tt.meaning, tt.value}) {
			t.Errorf("%s: %+v; want %q, %q", tt.comment, got, tt.meaning, tt.value)
		}
	}
}
