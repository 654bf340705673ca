package main

import (
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// Which package may import which; README.md, "Project structure", has the same
// in words. Test packages and programs of their own are not the house.
var arrows = map[string]string{
	"s3imageserver":                          "server resize",
	"s3imageserver/server":                   "server/access server/config server/errorimage server/limits server/logging server/listen server/metrics server/overlays server/queue server/doctor server/events server/refresh server/stores server/tracing server/dialect resize storage storage/cache storage/guard",
	"s3imageserver/server/config":            "server/dialect resize storage",
	"s3imageserver/server/access":            "server/config server/refresh resize",
	"s3imageserver/server/access/accesstest": "",
	"s3imageserver/server/stores":            "server/config server/refresh storage storage/cache storage/s3 storage/dir storage/origin",
	"s3imageserver/server/doctor":            "server/access server/config server/stores storage storage/cache",
	"s3imageserver/server/events":            "",
	"s3imageserver/server/logging":           "server/config",
	"s3imageserver/server/listen":            "server/config server/refresh",
	"s3imageserver/server/queue":             "server/config resize",
	"s3imageserver/server/errorimage":        "server/config resize",
	"s3imageserver/server/limits":            "server/config server/refresh",
	"s3imageserver/server/metrics":           "resize storage/cache storage/guard",
	"s3imageserver/server/overlays":          "server/config server/refresh resize storage storage/cache",
	"s3imageserver/server/tracing":           "server/config server/logging resize server/metrics",
	"s3imageserver/server/refresh":           "",
	"s3imageserver/server/dialect":           "resize",
	"s3imageserver/resize":                   "resize/vp8 resize/vp8l resize/av1 resize/jpeg resize/png resize/scale resize/gif resize/icc resize/exif resize/isobmff resize/heif resize/jxl resize/webp resize/palette resize/sandbox resize/tiff resize/options resize/pixel resize/paint resize/look",
	"s3imageserver/resize/jpeg":              "",
	"s3imageserver/resize/vp8":               "",
	"s3imageserver/resize/png":               "resize/inflate",
	"s3imageserver/resize/scale":             "",
	"s3imageserver/resize/gif":               "",
	"s3imageserver/resize/icc":               "",
	"s3imageserver/resize/jxl":               "resize/isobmff resize/exif resize/icc",
	"s3imageserver/resize/heif":              "resize/isobmff resize/exif resize/icc resize/scale resize/pixel",
	"s3imageserver/resize/webp":              "resize/vp8l",
	"s3imageserver/resize/vp8l":              "",
	"s3imageserver/resize/tiff":              "resize/exif resize/icc resize/pixel",
	"s3imageserver/resize/palette":           "",
	"s3imageserver/resize/isobmff":           "",
	"s3imageserver/resize/exif":              "resize/scale",
	"s3imageserver/resize/sandbox":           "",
	"s3imageserver/resize/inflate":           "",
	"s3imageserver/resize/av1":               "",
	"s3imageserver/storage":                  "",
	"s3imageserver/storage/s3":               "storage",
	"s3imageserver/storage/dir":              "storage",
	"s3imageserver/storage/origin":           "storage",
	"s3imageserver/storage/guard":            "storage",
	"s3imageserver/storage/cache":            "storage",
	"s3imageserver/storage/storagetest":      "storage",
	"s3imageserver/storage/s3/s3test":        "testserver",
	"s3imageserver/testserver":               "",
	"s3imageserver/deploy":                   "", // tests alone
	"s3imageserver/server/playground":        "", // as there
	"s3imageserver/resize/options":           "resize/exif",
	"s3imageserver/resize/pixel":             "resize/scale",
	"s3imageserver/resize/paint":             "resize/exif resize/options resize/pixel resize/scale",
	"s3imageserver/resize/look":              "resize/options resize/pixel resize/paint resize/scale",
	"s3imageserver/resize/picturetest":       "",
}

// onlyIn names the only packages, or files, that may import a module; several are
// separated by spaces.
var onlyIn = map[string]string{
	"github.com/minio/minio-go/v7":                   "storage/s3/",
	"github.com/gorilla/mux":                         "server/server.go",
	"github.com/golang-jwt/jwt/v5":                   "server/access/",
	"github.com/MicahParks/jwkset":                   "server/access/keys.go",
	"github.com/sony/gobreaker/v2":                   "storage/guard/guard.go",
	"github.com/gen2brain/webp":                      "resize/codec_webp_lossless.go",
	"github.com/gen2brain/avif":                      "resize/codec_avif.go",
	"github.com/gen2brain/heic":                      "resize/codec_heic.go",
	"github.com/gen2brain/jpegxl":                    "resize/codec_jxl.go",
	"github.com/tetratelabs/wazero":                  "resize/sandbox/",
	"golang.org/x/image/tiff":                        "resize/tiff/ resize/picturetest/",
	"golang.org/x/image/bmp":                         "resize/codec_bmp.go",
	"github.com/klauspost/compress/zlib":             "resize/",
	"image/png":                                      "", // our own reads and writes it
	"image/gif":                                      "resize/codec_gif_write.go",
	"image/jpeg":                                     "testserver/", // our own reads and writes it
	"s3imageserver/storage/s3":                       "server/stores/",
	"s3imageserver/storage/dir":                      "server/stores/",
	"github.com/prometheus/client_golang/prometheus": "server/metrics/",
	"go.opentelemetry.io/otel":                       "server/tracing/",
	"go.opentelemetry.io/otel/trace":                 "server/tracing/ server/logging/",
	"go.opentelemetry.io/otel/sdk/trace":             "server/tracing/",
	"golang.org/x/sync/semaphore":                    "server/queue/ storage/measure.go",
	"golang.org/x/crypto/acme/autocert":              "server/listen/",
	"net/http/pprof":                                 "server/admin.go",
	"github.com/tailscale/hujson":                    "server/config/load.go",
	"github.com/disintegration/imaging":              "resize/",
	"code.dny.dev/ssrf":                              "storage/origin/",
	"s3imageserver/storage/origin":                   "server/stores/",
}

func TestArrows(t *testing.T) {
	out, err := exec.Command("go", "list", "-tags", "nodynamic", "-f", `{{.ImportPath}}: {{join .Imports " "}}`, "./...").Output()
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(out)) {
		path, imports, _ := strings.Cut(strings.TrimSpace(line), ":")
		allowed, ok := arrows[path]
		if strings.HasPrefix(path, "s3imageserver/bench") || strings.HasPrefix(path, "s3imageserver/testdata") || strings.HasPrefix(path, "s3imageserver/docs") {
			continue
		}
		if !ok {
			t.Errorf("package %s is not in the picture of the house: add it to arrows and to README.md", path)
			continue
		}
		for _, imp := range strings.Fields(imports) {
			if rest, ours := strings.CutPrefix(imp, "s3imageserver/"); ours && !contains(allowed, rest) {
				t.Errorf("%s imports %s; it may import only: %s", path, imp, allowed)
			}
		}
	}
}

func contains(list, word string) bool {
	for _, w := range strings.Fields(list) {
		if w == word {
			return true
		}
	}
	return false
}

// Every package of the house is in its picture.
func TestReadmeHasEveryPackage(t *testing.T) {
	page, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	text := string(page)
	for path := range arrows {
		if name := strings.TrimPrefix(path, "s3imageserver"); name != "" && !strings.Contains(text, strings.TrimPrefix(name, "/")+"/") {
			t.Errorf("README.md does not show the package %s", path)
		}
	}
}

// go.mod has what the code imports in one block, and what that needs in another.
func TestModulesAreInOrder(t *testing.T) {
	text, err := os.ReadFile("go.mod")
	if err != nil {
		t.Fatal(err)
	}
	blocks := strings.Split(string(text), "require (")
	if len(blocks) != 3 {
		t.Fatalf("go.mod has %d blocks; want one of direct requirements and one of indirect ones", len(blocks)-1)
	}
	for i, block := range blocks[1:] {
		for line := range strings.Lines(block) {
			if strings.HasPrefix(line, "\t") && strings.Contains(line, "// indirect") != (i == 1) {
				t.Errorf("block %d of go.mod has %q", i+1, strings.TrimSpace(line))
			}
		}
	}
}

func TestImportsStayInTheirFiles(t *testing.T) {
	out, err := exec.Command("git", "grep", "-nE", `^\s*(import )?([A-Za-z_0-9]+ )?"[^" ]+"( //.*)?$`, "--", "*.go", ":!*_test.go", ":!bench", ":!testdata").Output()
	if err != nil {
		t.Skip("not tested outside of a git checkout: ", err)
	}
	for line := range strings.Lines(string(out)) {
		file, rest, _ := strings.Cut(line, ":")
		_, path, ok := strings.Cut(rest, `"`)
		path, _, _ = strings.Cut(path, `"`)
		where, bound := onlyIn[path]
		in := func(place string) bool { return strings.HasPrefix(file, place) }
		if ok && bound && !slices.ContainsFunc(strings.Fields(where), in) {
			t.Errorf("%s imports %s; only %s may", file, path, where)
		}
	}
}
