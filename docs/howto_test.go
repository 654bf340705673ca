package docs_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"image"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"s3imageserver/server"
	"s3imageserver/testserver"
)

// howto returns the code blocks of a language of a page that answers one question.
func howto(t *testing.T, page, language string) []string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("docs", "howto", page+".md"))
	if err != nil {
		t.Fatal(err)
	}
	var blocks []string
	for _, m := range regexp.MustCompile("(?ms)^ *```"+language+"\n(.*?)^ *```").FindAllStringSubmatch(string(text), -1) {
		blocks = append(blocks, m[1])
	}
	return blocks
}

// The configurations of the pages load, without a warning.
func TestHowtoConfigurations(t *testing.T) {
	t.Setenv("ADMIN_TOKEN", strings.Repeat("token", 8))
	pages, err := filepath.Glob("docs/howto/*.md")
	if err != nil || len(pages) < 10 {
		t.Fatalf("%d pages, %v", len(pages), err)
	}
	loaded := 0
	for _, page := range pages {
		name := strings.TrimSuffix(filepath.Base(page), ".md")
		for i, block := range howto(t, name, "json") {
			block = strings.NewReplacer("/var/www/html/wp-content/uploads", filepath.ToSlash(t.TempDir()), "/var/cache/pictures", filepath.ToSlash(t.TempDir())).Replace(block)
			file := filepath.Join(t.TempDir(), "config.json")
			if err := os.WriteFile(file, []byte(block), 0o600); err != nil {
				t.Fatal(err)
			}
			c, warnings, err := server.Load(file)
			if err == nil {
				err = server.Check(c)
			}
			if err != nil || len(warnings) > 0 {
				t.Errorf("%s, configuration %d: %v, %v", page, i+1, err, warnings)
			}
			loaded++
		}
	}
	if loaded < 6 {
		t.Errorf("%d configurations in all pages", loaded)
	}
}

// The page of all keys has an example of each that is a list or a map, in configurations
// that load without a warning.
func TestExamplesOfLists(t *testing.T) {
	for name, value := range map[string]string{"SIGN_KEY": strings.Repeat("key", 8), "OLD_SIGN_KEY": strings.Repeat("old", 8), "IMGPROXY_KEY": "943b421c9eb07c830af81030552c86009268de4e", "IMGPROXY_SALT": "520f986b998545b4785e0defbc4f3c1203f22de2"} {
		t.Setenv(name, value)
	}
	text, err := os.ReadFile("docs/configuration.md")
	if err != nil {
		t.Fatal(err)
	}
	_, examples, ok := strings.Cut(string(text), "## Lists and maps by example")
	if !ok {
		t.Fatal("docs/configuration.md has no examples")
	}
	given := map[string]bool{}
	for i, m := range jsonBlock.FindAllStringSubmatch(examples, -1) {
		file := filepath.Join(t.TempDir(), "config.json")
		if err := os.WriteFile(file, []byte(m[1]), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, warnings, err := server.Load(file); err != nil || len(warnings) > 0 {
			t.Errorf("example %d: %v, %v", i+1, err, warnings)
		}
		var value any
		if err := json.Unmarshal([]byte(m[1]), &value); err != nil {
			t.Fatal(err)
		}
		collectLists(value, "", given)
	}
	schema, err := os.ReadFile("docs/config.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	var whole any
	if err := json.Unmarshal(schema, &whole); err != nil {
		t.Fatal(err)
	}
	lists := map[string]bool{}
	listsOfSchema(whole, "", lists)
	if len(lists) < 25 {
		t.Fatalf("the schema has %d lists and maps", len(lists))
	}
	for key := range lists {
		if !given[key] {
			t.Errorf("no example has %s", key)
		}
	}
}

// collectLists notes the keys of all lists and objects in a value, without indices.
func collectLists(value any, key string, found map[string]bool) {
	switch v := value.(type) {
	case []any:
		found[key] = true
		for _, e := range v {
			collectLists(e, key, found)
		}
	case map[string]any:
		found[key] = true
		for name, e := range v {
			collectLists(e, strings.TrimPrefix(key+"."+name, "."), found)
		}
	}
}

// listsOfSchema notes the keys of a schema that are lists, or maps of any names.
func listsOfSchema(node any, key string, found map[string]bool) {
	n, ok := node.(map[string]any)
	if !ok {
		return
	}
	if items, ok := n["items"]; ok {
		found[key] = true
		listsOfSchema(items, key, found)
	}
	if _, ok := n["additionalProperties"].(map[string]any); ok {
		found[key] = true
	}
	properties, _ := n["properties"].(map[string]any)
	for name, p := range properties {
		listsOfSchema(p, strings.TrimPrefix(key+"."+name, "."), found)
	}
}

// The functions of the pages write URLs that the server answers with a picture as wide as
// they ask for.
func TestHowtoFunctions(t *testing.T) {
	node := func(page string, block int, call string) func(t *testing.T) []string {
		return func(t *testing.T) []string {
			code := strings.NewReplacer(
				`import { defineProvider } from "@nuxt/image/runtime";`, "const defineProvider = (p) => p;",
				`import { createElement } from "react";`, "const createElement = (_, props) => props;",
			).Replace(howto(t, page, "js")[block])
			code = strings.Replace(code, "export default ", "const it = ", 1)
			file := filepath.Join(t.TempDir(), "page.mjs")
			if err := os.WriteFile(file, []byte(code+"\nconsole.log(JSON.stringify([].concat("+call+")));\n"), 0o600); err != nil {
				t.Fatal(err)
			}
			return lines(t, exec.Command(testserver.Program(t, "node", "not tested"), file))
		}
	}
	django := func(t *testing.T) []string {
		code := `import json, sys, types
class Library:
    def simple_tag(self, f): return f
template, conf = types.ModuleType("django.template"), types.ModuleType("django.conf")
template.Library = Library
conf.settings = types.SimpleNamespace(PICTURES_URL="https://img.example.com/h")
django = types.ModuleType("django")
django.template = template
sys.modules.update({"django": django, "django.template": template, "django.conf": conf})
` + howto(t, "django", "python")[0] + `
print(json.dumps([picture("a b/ü.jpg", w=300)] + [u.split(" ")[0] for u in srcset("a b/ü.jpg", "100,200", ar="3:2").split(", ")]))
`
		return lines(t, exec.Command(testserver.Program(t, "python3", "not tested"), "-c", code))
	}
	rails := func(t *testing.T) []string {
		code := howto(t, "rails", "ruby")[0] + `
require "json"
include PictureHelper
puts JSON.generate([picture_url("a b/ü.jpg", w: 300)] + picture_srcset("a b/ü.jpg", [100, 200], ar: "3:2").split(", ").map { |u| u.split(" ")[0] })
`
		return lines(t, exec.Command(testserver.Program(t, "ruby", "not tested"), "-e", code))
	}
	laravel := func(t *testing.T) []string {
		code := strings.TrimPrefix(howto(t, "laravel", "php")[0], "<?php") + `
echo json_encode(array_merge([picture_url("a b/ü.jpg", ["w" => 300])], array_map(fn ($u) => explode(" ", $u)[0], explode(", ", picture_srcset("a b/ü.jpg", [100, 200], ["ar" => "3:2"])))));
`
		return lines(t, exec.Command(testserver.Program(t, "php", "not tested"), "-r", code))
	}
	widths := []int{300, 100, 200}
	for _, tt := range []struct {
		name string
		urls func(t *testing.T) []string
		want []int // widths
	}{
		{"Next.js", node("nextjs", 1, `[it({src: "/a b/ü.jpg", width: 300}), it({src: "a b/ü.jpg", width: 200, quality: 60})]`), []int{300, 200}},
		{"Nuxt", node("nuxt", 0, `[it.getImage("/a b/ü.jpg", {modifiers: {width: 300, height: 100, fit: "fill", background: "#ff0000"}}).url]`), []int{300}},
		{"Vue", node("nuxt", 1, `[picture("a b/ü.jpg", {w: 300}), ...srcset("a b/ü.jpg", [100, 200], {ar: "3:2"}).split(", ").map((u) => u.split(" ")[0])]`), widths},
		{"React", node("react", 0, `[pictureURL("a b/ü.jpg", {w: 300}), ...Picture({name: "a b/ü.jpg", widths: [100, 200], options: {ar: "3:2"}}).srcSet.split(", ").map((u) => u.split(" ")[0])]`), widths},
		{"Django", django, widths},
		{"Rails", rails, widths},
		{"Laravel", laravel, widths},
	} {
		t.Run(tt.name, func(t *testing.T) { eachHasWidth(t, tt.urls(t), tt.want) })
	}
}

// eachHasWidth asks a server for URLs of a picture that is called "a b/ü.jpg".
func eachHasWidth(t *testing.T, urls []string, want []int) {
	t.Helper()
	dir := t.TempDir()
	if err := write(filepath.Join(dir, "a b", "ü.jpg"), testserver.Photo(t, 600, 400)); err != nil {
		t.Fatal(err)
	}
	c := &server.Config{Handlers: []server.HandlerConfig{{Name: "h", Source: server.SourceConfig{Dir: dir}, StrictOptions: true}}}
	s, err := server.New(c, server.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if len(urls) != len(want) {
		t.Fatalf("%d URLs; want %d: %q", len(urls), len(want), urls)
	}
	for i, text := range urls {
		u, err := url.Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		r := httptest.NewRequest(http.MethodGet, u.RequestURI(), nil)
		r.Header.Set("Accept", "image/webp,*/*")
		w := httptest.NewRecorder()
		s.ServeHTTP(w, r)
		if w.Code != http.StatusOK || w.Header().Get("Content-Type") != "image/webp" {
			t.Errorf("%s: %d, %s; want a WebP", text, w.Code, w.Header().Get("Content-Type"))
			continue
		}
		if c, _, err := image.DecodeConfig(w.Body); err != nil || c.Width != want[i] {
			t.Errorf("%s: %d pixels wide, %v; want %d", text, c.Width, err, want[i])
		}
	}
}

// write writes a file, and its folder.
func write(path string, data []byte) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o750); err != nil {
		return err
	}
	return os.WriteFile(path, data, 0o600)
}

// lines runs a command that prints a list of texts as JSON.
func lines(t *testing.T, cmd *exec.Cmd) (list []string) {
	t.Helper()
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(out, &list); err != nil {
		t.Fatalf("%v: %q", err, out)
	}
	return list
}

// nginx asks this server for the sizes that WordPress writes.
func TestHowtoWordPress(t *testing.T) {
	testserver.Program(t, "nginx", "not tested")
	uploads := t.TempDir()
	for _, name := range []string{"2026/05/cat.jpg", "2026/05/on-1-2.jpeg"} {
		if err := write(filepath.Join(uploads, filepath.FromSlash(name)), testserver.Photo(t, 600, 400)); err != nil {
			t.Fatal(err)
		}
	}
	folder := t.TempDir()
	s := testserver.Start(t, folder, map[string]any{"handlers": []any{map[string]any{
		"name": "uploads", "source": map[string]any{"dir": uploads}, "output_format": "auto",
	}}}, nil)
	block := strings.ReplaceAll(howto(t, "wordpress", "nginx")[0], "http://127.0.0.1:8080", s.URL)
	base := nginxWith(t, folder, func(port int) string {
		return fmt.Sprintf("server {\nlisten 127.0.0.1:%d;\n%s}\n", port, block)
	})
	for path, want := range map[string]int{
		"/wp-content/uploads/2026/05/cat-300x200.jpg":      300,
		"/wp-content/uploads/2026/05/cat-150x150.jpg?v=3":  150,
		"/wp-content/uploads/2026/05/cat.jpg":              600,
		"/wp-content/uploads/2026/05/on-1-2-100x100.jpeg":  100,
		"/wp-content/uploads/2026/05/on-1-2.jpeg":          600,
		"/wp-content/uploads/2026/05/missing-300x200.jpg":  0,
		"/wp-content/uploads/2026/05/missing.jpg":          0,
		"/wp-content/uploads/../../../etc/passwd-1x1.jpg":  0,
		"/wp-content/uploads/2026/%2e%2e/%2e%2e/x-1x1.jpg": 0,
	} {
		status, kind, body := testserver.Get(t, base+path)
		if want == 0 {
			if status != http.StatusNotFound && status != http.StatusBadRequest {
				t.Errorf("%s: %d; want 404 or 400", path, status)
			}
			continue
		}
		if status != http.StatusOK || !strings.HasPrefix(kind, "image/") {
			t.Errorf("%s: %d, %s; want a picture", path, status, kind)
			continue
		}
		if c, _, err := image.DecodeConfig(bytes.NewReader(body)); err != nil || c.Width != want {
			t.Errorf("%s: %d pixels wide, %v; want %d", path, c.Width, err, want)
		}
	}
}
