package playground_test

import (
	"bufio"
	"fmt"
	"image"
	"image/color"
	"image/jpeg"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/chromedp/chromedp"

	"s3imageserver/server"
	"s3imageserver/server/dialect"
	"s3imageserver/testserver"
)

// viewerVersion is that of OpenSeadragon, from npm.
const viewerVersion = "6.1.1"

// viewer returns the script of OpenSeadragon.
func viewer(t *testing.T) string {
	t.Helper()
	folder := t.TempDir()
	install := exec.Command("npm", "install", "--prefix", folder, "--no-audit", "--no-fund", "--ignore-scripts", "openseadragon@"+viewerVersion)
	if out, err := install.CombinedOutput(); err != nil {
		if os.Getenv("CI") != "" {
			t.Fatalf("OpenSeadragon is missing: %v\n%s", err, out)
		}
		t.Skipf("not tested with OpenSeadragon: npm has none: %v", err)
	}
	return filepath.Join(folder, "node_modules", "openseadragon", "build", "openseadragon", "openseadragon.min.js")
}

// hills is a picture of any size without memory for its pixels.
type hills struct{ size int }

func (h hills) ColorModel() color.Model { return color.YCbCrModel }
func (h hills) Bounds() image.Rectangle { return image.Rect(0, 0, h.size, h.size) }
func (h hills) At(x, y int) color.Color {
	return color.YCbCr{Y: uint8(x>>6 ^ y>>6), Cb: uint8(x >> 6), Cr: uint8(y >> 6)}
}

// OpenSeadragon shows a picture of 100 megapixels by IIIF's Image API, and zooms
// into it, tile after tile, until its pixels are those of the screen.
func TestViewerZooms(t *testing.T) {
	if testing.Short() {
		t.Skip("not tested in a browser: that takes long")
	}
	script := viewer(t)
	const side = 10000
	folder := t.TempDir()
	file, err := os.Create(filepath.Join(folder, "large.jpg"))
	if err != nil {
		t.Fatal(err)
	}
	out := bufio.NewWriter(file)
	if err := jpeg.Encode(out, hills{side}, &jpeg.Options{Quality: 60}); err != nil {
		t.Fatal(err)
	}
	if err := out.Flush(); err != nil {
		t.Fatal(err)
	}
	if err := file.Close(); err != nil {
		t.Fatal(err)
	}
	s, err := server.New(&server.Config{Handlers: []server.HandlerConfig{{
		Name: "iiif", Prefix: "iiif", Source: server.SourceConfig{Dir: folder}, Dialect: &dialect.Settings{Name: "iiif"},
		Limits: server.LimitsConfig{WorkSeconds: 600, RequestSeconds: 600}, Cache: server.CacheConfig{MemoryMB: 64},
	}}}, server.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	tile := regexp.MustCompile(`^/iiif/large\.jpg/(?:full|\d+,\d+,(\d+),\d+)/(\d+),(\d*)/0/default\.\w+$`)
	var mu sync.Mutex
	factors := map[int]int{} // tiles by how much they are scaled down; guarded by mu
	var faults []string      // guarded by mu
	m := http.NewServeMux()
	m.Handle("/iiif/", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		seen := httptest.NewRecorder()
		s.ServeHTTP(seen, r)
		mu.Lock()
		if p := tile.FindStringSubmatch(r.URL.Path); p != nil {
			region, _ := strconv.Atoi(p[1]) // of "full" it is 0
			width, _ := strconv.Atoi(p[2])
			if region == 0 {
				region = side
			}
			factors[(region+width-1)/width]++
		}
		if seen.Code != http.StatusOK {
			faults = append(faults, r.URL.Path+": "+strconv.Itoa(seen.Code))
		}
		mu.Unlock()
		for name, values := range seen.Header() {
			w.Header()[name] = values
		}
		w.WriteHeader(seen.Code)
		_, _ = seen.Body.WriteTo(w) // the browser may have left
	}))
	m.HandleFunc("/viewer.js", func(w http.ResponseWriter, r *http.Request) { http.ServeFile(w, r, script) })
	m.HandleFunc("/{$}", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		_, _ = w.Write([]byte(`<!DOCTYPE html><link rel="icon" href="data:,"><div id="view" style="width:1000px;height:700px"></div>
<script src="/viewer.js"></script><script>
let failed = 0
const viewer = OpenSeadragon({element: document.getElementById("view"), tileSources: "/iiif/large.jpg/info.json", showNavigationControl: false, animationTime: 0, immediateRender: true, drawer: "canvas", timeout: 600000})
const levels = new Set()
viewer.addHandler("tile-loaded", (e) => levels.add(e.tile.level))
viewer.addHandler("tile-load-failed", () => failed++)
viewer.addHandler("open-failed", () => failed++)
const state = (f) => failed + " failed, " + (viewer.world.getItemCount() && (!f || levels.has(viewer.source.maxLevel - Math.log2(f))) ? (viewer.world.getItemAt(0).getFullyLoaded() ? "loaded" : "loading") : "not there")
const zoom = (f) => { viewer.viewport.zoomTo(viewer.viewport.imageToViewportZoom(1 / f), new OpenSeadragon.Point(0.4, 0.6), true); viewer.viewport.panTo(new OpenSeadragon.Point(0.4, 0.6), true); viewer.forceRedraw() }
</script>`)) // the browser may have left
	})
	web := httptest.NewServer(m)
	t.Cleanup(web.Close)
	v := browse(t, web.URL+"/")
	v.is("the whole picture", "state()", "0 failed, loaded")
	for _, f := range []int{8, 4, 2, 1} {
		v.run("zoom(" + strconv.Itoa(f) + ")")
		v.is("zoomed to 1/"+strconv.Itoa(f), "state("+strconv.Itoa(f)+")", "0 failed, loaded")
	}
	v.content()
	mu.Lock()
	defer mu.Unlock()
	if len(faults) > 0 {
		t.Errorf("not answered with a picture: %v", faults)
	}
	for _, f := range []int{8, 4, 2, 1} {
		if factors[f] < 2 {
			t.Errorf("%d tiles at 1/%d; want more: %v", factors[f], f, factors)
		}
	}
	t.Logf("tiles by scale: %v", factors)
}

// The page shows and copies the URL in the dialects of the handlers that have the
// same pictures.
func TestPlaygroundShowsDialects(t *testing.T) {
	port := testserver.Port(t)
	photos, err := filepath.Abs("testdata/photos")
	if err != nil {
		t.Fatal(err)
	}
	serveText(t, fmt.Sprintf(`{"http_port": %d, "listen": "127.0.0.1", "playground": true, "handlers": [
		{"name": "samples", "prefix": "h", "source": {"dir": %q}},
		{"name": "proxy", "prefix": "img", "source": {"dir": %q}, "dialect": {"name": "imgproxy", "unsigned": true}},
		{"name": "next", "prefix": "next", "source": {"dir": %q}, "dialect": {"name": "nextjs"}}
	]}`, port, photos, photos, photos))
	public := fmt.Sprintf("http://127.0.0.1:%d/", port)
	v := browse(t, public+"#h/still-life.jpg?w=400&h=300")
	v.allowClipboard(public)
	want := public + "img/unsigned/rs:fill:400:300/plain/still-life.jpg"
	v.is("URLs of others", `document.querySelector("#theirs").innerText.replace(/\s+/g, " ")`, "imgproxy: "+want+" Copy nextjs: its URLs do not say this")
	// The list is made anew when the size of the picture is known: a button that is gone is looked for again.
	for chromedp.Do(v.ctx, chromedp.Click("#theirs button")) != nil && v.ctx.Err() == nil {
	}
	v.is("what the page says", `document.querySelector("#status").textContent`, "URL of imgproxy copied")
	copied := v.text(`navigator.clipboard.readText()`)
	if copied != want {
		t.Errorf("copied %q; want %q", copied, want)
	}
	if status, mediaType, _ := testserver.Get(t, copied); status != 200 || !strings.HasPrefix(mediaType, "image/") {
		t.Errorf("the URL that was copied: %d %s", status, mediaType)
	}
	v.content()
}
