package docs_test

import (
	"bytes"
	"flag"
	"fmt"
	"image"
	"image/png"
	"math"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/image/webp"

	"s3imageserver/resize"
	"s3imageserver/server"
	"s3imageserver/testserver"
)

var update = flag.Bool("update", false, "write what is generated in docs and testdata/signing anew")

func TestMain(m *testing.M) { testserver.Main(m) }

const (
	referenceFile = "docs/options.md"
	pictureFolder = "docs/options"
)

const referenceHead = `# Parameters of a URL

Generated from the tables in resize/options_*.go and server/config/parameters.go by
` + "`go test -tags nodynamic ./docs -update`" + `; a test fails when it is stale.

Parameters come in any order. What they ask for is done in this one: orient, crop, trim, turn, mirror,
resize, effects, padding, radius, border, watermark, text. A number out of range is taken to the nearest one
in range, what cannot be read counts as absent, and so does 0 where it is out of range: it turns off what a
preset asks for. With ` + "`\"strict_options\": true`" + ` both are answered 400, and so are unknown parameters, which else are ignored.
` + "`width`, `height`, `quality` and `format` are other names of `w`, `h`, `q` and `f`; the short one counts where both are given." + `
Lengths are pixels of the result. Animations are treated frame by frame.

`

// The reference is what the tables say, and its pictures are what the server
// makes.
func TestOptionReference(t *testing.T) {
	if testing.Short() {
		t.Skip("the pictures of the reference are not made again: that takes long")
	}
	s := referenceServer(t)
	var text strings.Builder
	text.WriteString(referenceHead)
	pictures := map[string][]byte{}
	picture := func(file, sample, query string) string {
		if pictures[file] == nil {
			pictures[file] = fetch(t, s, "/h/"+sample+"?"+query)
		}
		return fmt.Sprintf("![](options/%s)", file)
	}
	var groups []string
	rows := map[string][]string{}
	for _, p := range server.Params() {
		if rows[p.Group] == nil {
			groups = append(groups, p.Group)
		}
		before, after, example := "", "", ""
		if p.Example != "" {
			name, _, _ := strings.Cut(p.Sample, ".")
			before = picture("before-"+name+".webp", p.Sample, "w=120&h=120&fit=contain")
			after = picture(p.Name+".webp", p.Sample, p.Example)
			example = "<br>`?" + p.Example + "`"
		}
		rows[p.Group] = append(rows[p.Group], fmt.Sprintf("| `%s` | %s | %s%s | %s | %s |\n", p.Name, p.Values, p.Doc, example, before, after))
	}
	for _, g := range groups {
		fmt.Fprintf(&text, "## %s\n\n| parameter | values | meaning, example | before | after |\n|---|---|---|---|---|\n%s\n", g, strings.Join(rows[g], ""))
	}
	if *update {
		writeReference(t, strings.TrimRight(text.String(), "\n")+"\n", pictures)
		return
	}
	if got, err := os.ReadFile(referenceFile); err != nil || string(got) != strings.TrimRight(text.String(), "\n")+"\n" {
		t.Errorf("%s is stale (%v): go test -tags nodynamic ./docs -update", referenceFile, err)
	}
	for file, want := range pictures {
		got, err := os.ReadFile(filepath.Join(pictureFolder, file))
		if err != nil || !same(t, got, want) {
			t.Errorf("%s/%s is stale (%v): go test -tags nodynamic ./docs -update", pictureFolder, file, err)
		}
	}
	files, err := os.ReadDir(pictureFolder)
	if err != nil || len(files) != len(pictures) {
		t.Errorf("%s has %d pictures, of which %d are in use (%v)", pictureFolder, len(files), len(pictures), err)
	}
}

func referenceServer(t *testing.T) http.Handler {
	t.Helper()
	s, err := server.New(&server.Config{Handlers: []server.HandlerConfig{{
		Name:       "h",
		Source:     server.SourceConfig{Dir: "testdata/photos"},
		Watermarks: map[string]server.WatermarkConfig{"logo": {Object: "logo.png"}},
	}}}, server.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func fetch(t *testing.T, h http.Handler, target string) []byte {
	t.Helper()
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, strings.NewReplacer("%", "%25", " ", "+").Replace(target), nil))
	if w.Code != http.StatusOK {
		t.Fatalf("%s: status %d", target, w.Code)
	}
	return w.Body.Bytes()
}

func writeReference(t *testing.T, text string, pictures map[string][]byte) {
	t.Helper()
	if err := os.RemoveAll(pictureFolder); err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(pictureFolder, 0o755); err != nil {
		t.Fatal(err)
	}
	pictures["../"+filepath.Base(referenceFile)] = []byte(text)
	for file, data := range pictures {
		if err := os.WriteFile(filepath.Join(pictureFolder, file), data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// same reports whether two files hold nearly the same picture: 40 dB.
func same(t *testing.T, a, b []byte) bool {
	t.Helper()
	if bytes.Equal(a, b) {
		return true
	}
	p, q := first(t, a), first(t, b)
	if p == nil || q == nil || p.Bounds() != q.Bounds() {
		return false
	}
	sum, n := 0.0, 0
	for y := range p.Bounds().Dy() {
		for x := range p.Bounds().Dx() {
			r, g, b, a := p.At(x, y).RGBA()
			s, h, c, d := q.At(x, y).RGBA()
			for _, diff := range []float64{float64(r) - float64(s), float64(g) - float64(h), float64(b) - float64(c), float64(a) - float64(d)} {
				sum += diff * diff / 257 / 257
				n++
			}
		}
	}
	return sum == 0 || 10*math.Log10(255*255*float64(n)/sum) > 40
}

func first(t *testing.T, file []byte) image.Image {
	t.Helper()
	if img, err := webp.Decode(bytes.NewReader(file)); err == nil {
		return img
	}
	result, err := (&resize.Resizer{}).Resize(t.Context(), resize.Source{Body: bytes.NewReader(file), Size: int64(len(file))}, resize.Options{Format: resize.PNG})
	if err != nil {
		return nil
	}
	img, err := png.Decode(bytes.NewReader(result.Body))
	if err != nil {
		return nil
	}
	return img
}
