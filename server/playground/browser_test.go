package playground_test

import (
	"context"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/browser"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"s3imageserver/server"
	"s3imageserver/testserver"
)

var update = flag.Bool("update", false, "write docs/playground anew")

func TestMain(m *testing.M) { testserver.Main(m) }

// A visitor is a browser with one page.
type visitor struct {
	t      *testing.T
	ctx    context.Context
	mu     sync.Mutex
	faults []string // guarded by mu: of scripts, and requests to other servers
}

// browse opens a page in Chromium.
func browse(t *testing.T, url string) *visitor {
	t.Helper()
	if testing.Short() {
		t.Skip("not tested in a browser: that takes long")
	}
	path, err := exec.LookPath("chromium")
	if err != nil {
		if os.Getenv("CI") != "" {
			t.Fatal("chromium is missing: .ci/run installs it")
		}
		t.Skip("not tested in a browser: there is no chromium here")
	}
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(path), chromedp.NoSandbox, chromedp.WindowSize(1440, 1000),
		chromedp.Flag("disable-quic", true), chromedp.Flag("disable-component-update", true), chromedp.UserDataDir(t.TempDir()))
	ctx, cancel := chromedp.NewExecAllocator(context.Background(), options...)
	t.Cleanup(cancel)
	tab, cancel := chromedp.NewContext(ctx)
	t.Cleanup(func() {
		if err := chromedp.Cancel(tab); err != nil { // waits until it has ended
			t.Log(err)
		}
		cancel()
	})
	v := &visitor{t: t, ctx: tab}
	origin := strings.Join(strings.SplitN(url, "/", 4)[:3], "/")
	err = chromedp.Listen(tab, func(event any) {
		switch e := event.(type) {
		case *runtime.EventExceptionThrown:
			v.complain(e.ExceptionDetails.Text)
		case *network.EventRequestWillBeSent:
			if u := e.Request.URL; !strings.HasPrefix(u, origin) && !strings.HasPrefix(u, "data:") && !strings.HasPrefix(u, "blob:") && u != "about:blank" {
				v.complain("asks " + u)
			}
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	v.ctx, cancel = context.WithTimeout(tab, 3*testserver.Patience)
	t.Cleanup(cancel)
	if _, err := chromedp.Call(v.ctx, network.Enable, network.EnableParams{}); err != nil {
		t.Fatal(err)
	}
	v.do(chromedp.Navigate(url))
	return v
}

// complain notes a fault of the page.
func (v *visitor) complain(text string) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.faults = append(v.faults, text)
}

// content fails the test if the page had faults.
func (v *visitor) content() {
	v.t.Helper()
	v.mu.Lock()
	defer v.mu.Unlock()
	if len(v.faults) > 0 {
		v.t.Errorf("faults of the page: %v", v.faults)
	}
}

func (v *visitor) do(steps ...chromedp.Action[chromedp.Void]) {
	v.t.Helper()
	if err := chromedp.Do(v.ctx, steps...); err != nil {
		v.t.Fatalf("%v; the page: %v", err, v.faults)
	}
}

// run runs a script.
func (v *visitor) run(script string) {
	v.t.Helper()
	v.do(chromedp.Evaluate[chromedp.Void](script))
}

// text returns what a script, or its promise, gives.
func (v *visitor) text(script string) string {
	v.t.Helper()
	text, err := chromedp.Run(v.ctx, chromedp.Evaluate[string]("Promise.resolve("+script+").then(String)", chromedp.EvalAwaitPromise))
	if err != nil {
		v.t.Fatalf("%s: %v", script, err)
	}
	return text
}

// allowClipboard lets the page read and write the clipboard.
func (v *visitor) allowClipboard(url string) {
	v.t.Helper()
	for _, name := range []string{"clipboard-write", "clipboard-read"} {
		_, err := chromedp.CallBrowser(v.ctx, browser.SetPermission, browser.SetPermissionParams{
			Permission: &browser.PermissionDescriptor{Name: name}, Setting: browser.PermissionSettingGranted, Origin: strings.TrimSuffix(url, "/"),
		})
		if err != nil {
			v.t.Fatal(err)
		}
	}
}

// is waits until a script gives the wanted text.
func (v *visitor) is(what, script, want string) {
	v.t.Helper()
	got := ""
	for deadline := time.Now().Add(testserver.Patience); time.Now().Before(deadline); time.Sleep(50 * time.Millisecond) {
		if got = v.text(script); got == want {
			return
		}
	}
	v.t.Errorf("%s: %q; want %q", what, got, want)
}

// sees waits until the result has a size and shows that URL.
func (v *visitor) sees(query, size string) {
	v.t.Helper()
	v.is("the URL", `document.querySelector("#url").textContent.replace(/^.*?:[0-9]+\//, "")`, query)
	v.is("the size of the result", `(i => i.naturalWidth + "x" + i.naturalHeight)(document.querySelector("#right"))`, size)
}

// choose takes a word of a menu.
func (v *visitor) choose(selector, word string) {
	v.t.Helper()
	v.do(chromedp.SetValue(selector, word))
	v.run(fmt.Sprintf(`document.querySelector(%q).dispatchEvent(new Event("change"))`, selector))
}

// write types into a field in place of what is there.
func (v *visitor) write(selector, text string) {
	v.t.Helper()
	v.run(fmt.Sprintf(`document.querySelector(%q).closest("details")?.setAttribute("open", "")`, selector))
	v.run(fmt.Sprintf(`document.querySelector(%q).value = ""`, selector))
	v.do(chromedp.SendKeys(selector, text))
}

// shoot keeps a picture of the page in docs/playground, when they are made anew.
func (v *visitor) shoot(name string) {
	v.t.Helper()
	if !*update {
		return
	}
	v.do(chromedp.Sleep(300 * time.Millisecond))
	picture, err := chromedp.Run(v.ctx, chromedp.CaptureScreenshot())
	if err != nil {
		v.t.Fatal(err)
	}
	file := filepath.Join(v.t.TempDir(), "page.png")
	if err := os.WriteFile(file, picture, 0o644); err != nil {
		v.t.Fatal(err)
	}
	convert := exec.Command(testserver.Binary(v.t), "convert", file, filepath.Join("docs", "playground", name), "q=85")
	if out, err := convert.CombinedOutput(); err != nil {
		v.t.Fatalf("%v: %v\n%s", convert, err, out)
	}
}

// serveText serves the configuration in a text until the test ends.
func serveText(t *testing.T, text string) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "config.json")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	c, _, err := server.Load(file)
	if err != nil {
		t.Fatal(err)
	}
	testserver.Background(t, func(ctx context.Context, log io.Writer) error {
		return server.ListenAndServe(ctx, c, server.Options{Log: slog.New(slog.NewTextHandler(log, nil))})
	})
}

// playgroundServer serves the samples to everybody, and the same with signed
// URLs; its listener for operators wants a token.
func playgroundServer(t *testing.T) (public, admin string) {
	t.Helper()
	port, adminPort := testserver.Port(t), testserver.Port(t)
	photos, err := filepath.Abs("testdata/photos")
	if err != nil {
		t.Fatal(err)
	}
	text := fmt.Sprintf(`{"http_port": %d, "listen": "127.0.0.1", "playground": true,
		"admin": {"listen": "127.0.0.1:%d", "token": "a token of the operators"},
		"presets": {"card": "w=300&h=200"},
		"handlers": [
			{"name": "samples", "prefix": "h", "source": {"dir": %q}, "watermarks": {"logo": {"object": "logo.png"}}, "output_format": "auto", "cache": {"memory_mb": 64}},
			{"name": "signed", "prefix": "signed", "source": {"dir": %q}, "auth": {"hmac": {"keys": [{"id": "k", "secret": "a secret of enough bytes"}]}}}
		]}`, port, adminPort, photos, filepath.Dir(photos))
	serveText(t, text)
	return fmt.Sprintf("http://127.0.0.1:%d/", port), fmt.Sprintf("http://127.0.0.1:%d/", adminPort)
}

func TestPlayground(t *testing.T) {
	public, _ := playgroundServer(t)
	v := browse(t, public)
	v.allowClipboard(public)

	v.sees("h/balloons.jpg?w=600", "600x900")
	v.is("facts of the original", `document.querySelector("#left-facts").textContent`, "1000 × 1500 · jpeg · 117 kB")
	v.is("pictures", `document.querySelectorAll("[data-name]").length`, "7")
	v.is("stages of the server", `document.querySelectorAll("#stages span").length > 3`, "true")

	// A click on another picture, the keyboard in a field, a slider, a menu.
	v.do(chromedp.Click(`[data-name="still-life.jpg"]`))
	v.sees("h/still-life.jpg?w=600", "600x450")
	v.write("#option-w", "400")
	v.write("#option-h", "400")
	v.sees("h/still-life.jpg?w=400&h=400", "400x400")
	v.choose("#option-f", "png")
	v.sees("h/still-life.jpg?w=400&h=400&f=png", "400x400")
	v.is("the format", `document.querySelector("#right-facts").textContent.includes("png")`, "true")
	v.run(`document.querySelector('[data-group="Effects"]').open = true`)
	v.do(chromedp.Focus(`[data-option="bri"] [type="range"]`), chromedp.SendKeys(`[data-option="bri"] [type="range"]`, kb.ArrowRight))
	v.sees("h/still-life.jpg?w=400&h=400&bri=1&f=png", "400x400")
	v.do(chromedp.Click(`[data-option="bri"] button`))
	v.run(`document.querySelector('[data-group="Output"]').open = true`)
	v.do(chromedp.Click(`[data-option="f"] button`))
	v.sees("h/still-life.jpg?w=400&h=400", "400x400")

	// The focal point: a click on the original, then the arrows.
	v.run(`(() => {
		const r = document.querySelector("#left").getBoundingClientRect();
		document.querySelector("#left-box").dispatchEvent(new MouseEvent("click", {clientX: r.x + r.width * 0.75, clientY: r.y + r.height / 2, bubbles: true}));
	})()`)
	var x, y float64
	focus := func() string {
		g := v.text(`document.querySelector("#option-g").value`)
		if n, err := fmt.Sscanf(g, "fp:%g:%g", &x, &y); n != 2 || err != nil {
			t.Fatalf("the focal point is %q", g)
		}
		return "g=" + g
	}
	v.sees("h/still-life.jpg?w=400&h=400&"+focus(), "400x400")
	clicked := x
	if math.Abs(x-0.75) > 0.01 || math.Abs(y-0.5) > 0.01 {
		t.Errorf("a click at 0.75, 0.5 sets %g, %g", x, y)
	}
	v.do(chromedp.Focus("#left-box"), chromedp.KeyEvent(kb.ArrowLeft))
	fp := focus()
	v.sees("h/still-life.jpg?w=400&h=400&"+fp, "400x400")
	if math.Abs(clicked-x-0.02) > 0.0015 {
		t.Errorf("an arrow moves the focal point from %g to %g", clicked, x)
	}
	v.shoot("desktop.webp")

	// Every option of the table is there.
	missing := v.text(`fetch("_playground/site").then(r => r.json()).then(s => s.options.map(o => o.name).filter(n => !document.querySelector('[data-option="' + n + '"] input, [data-option="' + n + '"] select')))`)
	if missing != "" {
		t.Errorf("options without a control: %s", missing)
	}

	// Copying, comparing, the snippet, an address that is opened again.
	v.do(chromedp.Click("#copy"))
	v.is("what the page says", `document.querySelector("#status").textContent`, "URL copied")
	copied := v.text(`navigator.clipboard.readText()`)
	if want := public + "h/still-life.jpg?w=400&h=400&" + fp; copied != want {
		t.Errorf("copied %q; want %q", copied, want)
	}
	if status, mediaType, _ := testserver.Get(t, copied); status != 200 || !strings.HasPrefix(mediaType, "image/") {
		t.Errorf("the URL that was copied: %d %s", status, mediaType)
	}
	// The same without the interface that browsers keep from pages over plain HTTP.
	v.run(`Object.defineProperty(navigator, "clipboard", {value: undefined}), addEventListener("copy", () => { window.copied = getSelection().toString(); })`)
	v.do(chromedp.Click("#copy"))
	v.is("what is copied without a clipboard", `window.copied`, copied)
	v.is("what the page says", `document.querySelector("#status").textContent`, "URL copied")
	v.do(chromedp.Click("#pin"))
	v.write("#option-q", "5")
	v.sees("h/still-life.jpg?w=400&h=400&"+fp+"&q=5", "400x400")
	v.is("the pinned picture", `document.querySelector("#left-title").textContent + document.querySelector("#left").naturalWidth`, "Pinned400")
	v.do(chromedp.Click(`[data-view="slider"]`), chromedp.Focus("#wipe"), chromedp.KeyEvent(kb.End))
	v.is("the slider", `document.querySelector("#frames").style.getPropertyValue("--wipe")`, "100%")
	v.run(`(w => { w.value = 40; w.dispatchEvent(new Event("input")); })(document.querySelector("#wipe"))`)
	v.shoot("slider.webp")
	v.do(chromedp.Click("#unpin"), chromedp.Click(`[data-view="both"]`), chromedp.Click("#snippet-box summary"))
	snippet := `document.querySelector("#snippet").textContent`
	v.is("the snippet", snippet+`.match(/<picture>|[?&;]g=fp|width="960" height="960"/g)?.length > 2`, "true")
	v.choose("#widths", "no number")
	v.is("the snippet without a width", snippet, "Widths are numbers of pixels with commas between them, as in 320,640,960.")
	v.choose("#widths", "100,no number")
	v.is("the snippet of one width", snippet+`.includes('width="100" height="100"')`, "true")
	v.do(chromedp.Reload())
	v.sees("h/still-life.jpg?w=400&h=400&"+fp+"&q=5", "400x400")
	v.do(chromedp.Click("#reset"))
	v.sees("h/still-life.jpg", "1600x1200")

	// The keyboard gets to the options without passing all pictures.
	v.run(`document.querySelector("#skip").focus()`)
	v.is("where the way to the options is", `getComputedStyle(document.querySelector("#skip")).clipPath`, "none")
	v.do(chromedp.KeyEvent(kb.Enter))
	v.is("where it leads", `document.activeElement.id`, "filter")

	// What cannot be made is said.
	v.write("#name", "none.jpg"+kb.Enter)
	v.is("a missing picture", `document.querySelector("#fault").hidden + document.querySelector("#fault").textContent.slice(0, 3)`, "false404")

	v.do(chromedp.Click(".top nav a"), chromedp.WaitVisible(".reference"))
	v.is("examples", `document.querySelectorAll(".reference img").length > 60`, "true")
	v.content()
}

// On a phone nothing is cut off, and everything can be reached.
func TestPlaygroundOnAPhone(t *testing.T) {
	public, _ := playgroundServer(t)
	v := browse(t, public)
	v.do(chromedp.EmulateViewport(390, 844, chromedp.EmulateScale(2), chromedp.EmulateMobile, chromedp.EmulateTouch))
	v.do(chromedp.Navigate(public + "#h/garden.webp?w=500&h=400"))
	v.sees("h/garden.webp?w=500&h=400", "500x400")
	v.is("the width of the page", `document.documentElement.scrollWidth <= innerWidth`, "true")
	v.is("stages that are cut off", `[...document.querySelectorAll("#stages span")].filter(e => e.getBoundingClientRect().right > document.querySelector("#stages").getBoundingClientRect().right + 1).length`, "0")
	v.is("stages that are seen", `document.querySelectorAll("#stages span").length > 3`, "true")
	v.is("buttons for fingers", `[...document.querySelectorAll("button, select, .option input")].filter(e => e.offsetParent && e.getBoundingClientRect().height < 40 && !e.closest(".crumbs")).length`, "0")
	v.shoot("phone.webp")
	v.do(chromedp.Navigate("about:blank"), chromedp.EmulateViewport(1440, 1000))
	if _, err := chromedp.Call(v.ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: "dark"}}}); err != nil {
		t.Fatal(err)
	}
	v.do(chromedp.Navigate(public + "#h/landscape.jpg?w=700&h=400&radius=24&txt=Evening"))
	v.sees("h/landscape.jpg?w=700&h=400&radius=24&txt=Evening", "700x400")
	v.is("the dark ground", `getComputedStyle(document.body).backgroundColor`, "rgb(19, 19, 19)")
	v.shoot("dark.webp")
	v.content()
}

// Names of any kind, files that are no pictures, sources without any, and
// handlers that allow little: the page stays in shape and says what is the matter.
func TestPlaygroundOfOddSources(t *testing.T) {
	photo, err := os.ReadFile("testdata/photos/still-life.jpg")
	if err != nil {
		t.Fatal(err)
	}
	folder, empty := t.TempDir(), t.TempDir()
	if err := os.Mkdir(filepath.Join(folder, "sub folder"), 0o755); err != nil {
		t.Fatal(err)
	}
	odd, long := "it's größe + 100% #1&.jpg", strings.Repeat("a-long-name-", 15)+".jpg"
	for name, data := range map[string][]byte{odd: photo, long: photo, "broken.jpg": []byte("no picture"), "cut.jpg": photo[:len(photo)/2]} {
		if err := os.WriteFile(filepath.Join(folder, name), data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	port, adminPort := testserver.Port(t), testserver.Port(t)
	text := fmt.Sprintf(`{"http_port": %d, "listen": "127.0.0.1", "playground": true, "admin": {"listen": "127.0.0.1:%d"},
		"presets": {"card": "w=300&h=200"},
		"handlers": [
			{"name": "odd", "source": {"dir": %q}, "cache": {"memory_mb": 64}},
			{"name": "empty", "source": {"dir": %q}},
			{"name": "presets", "source": {"dir": %q}, "presets_only": true}
		]}`, port, adminPort, folder, empty, folder)
	serveText(t, text)
	public := fmt.Sprintf("http://127.0.0.1:%d/", port)
	v := browse(t, public+"#odd/"+strings.ReplaceAll(long, " ", "%20")+"?w=600")
	v.do(chromedp.EmulateViewport(390, 844, chromedp.EmulateScale(2), chromedp.EmulateMobile, chromedp.EmulateTouch))
	v.sees("odd/"+long+"?w=600", "600x450")
	v.is("the width of the page", `document.documentElement.scrollWidth <= innerWidth`, "true")
	v.is("thumbnails of one width", `[...document.querySelectorAll(".pictures li")].filter(e => e.getBoundingClientRect().width > 120).length`, "0")
	v.is("files of which there are none", `document.querySelectorAll("[data-name] .unseen").length`, "2")
	v.run(`document.querySelector("#option-minh").scrollIntoView()`)
	v.is("the result while options are set", `document.querySelector("#peek img").getBoundingClientRect().width > 50`, "true")
	v.do(chromedp.Click("#peek"))
	v.is("the result while it is seen", `document.querySelector("#peek").hidden`, "true")

	v.do(chromedp.EmulateViewport(1440, 1000))
	v.run(fmt.Sprintf(`[...document.querySelectorAll("[data-name]")].find(b => b.dataset.name === %q).click()`, odd))
	v.sees("odd/it's%20gr%C3%B6%C3%9Fe%20%2B%20100%25%20%231%26.jpg?w=600", "600x450")
	for name, status := range map[string]string{"broken.jpg": "415: ", "cut.jpg": "422: "} {
		v.do(chromedp.Click(`[data-name="` + name + `"]`))
		v.is(name, `document.querySelector("#fault").hidden + document.querySelector("#fault").textContent.slice(0, 5)`, "false"+status)
		v.is("what else is said of "+name, `document.querySelector("#right").getAttribute("src") + document.querySelector("#right").alt + document.querySelector("#right-facts").textContent`, "null")
	}
	v.choose("#handler", "presets")
	v.sees("presets/"+strings.ReplaceAll(long, " ", "%20")+"?preset=card", "300x200")
	v.is("options that count for nothing", `document.querySelectorAll('[data-option="w"], [data-option="blur"]').length`, "0")
	v.is("thumbnails", `[...document.querySelectorAll("[data-name] img")].filter(i => i.naturalWidth === 300).length`, "2")

	// The edge between the pictures follows the mouse.
	v.do(chromedp.Click(`[data-view="slider"]`))
	v.run(`(() => {
		const r = document.querySelector("#frames").getBoundingClientRect();
		document.querySelector("#right-box").dispatchEvent(new PointerEvent("pointermove", {clientX: r.x + r.width / 4, clientY: r.y + 99, buttons: 1, bubbles: true}));
	})()`)
	v.is("the edge", `document.querySelector("#frames").style.getPropertyValue("--wipe") + document.querySelector("#wipe").value`, "25%25")

	v.choose("#handler", "empty")
	v.is("an empty source", `document.querySelector("#pictures").textContent`, "There are no pictures here.")
	v.is("what is left of the picture before", `["#url", "#facts", "#left-facts", "#right-facts"].map(s => document.querySelector(s).textContent).join("") + document.querySelectorAll(".box img[src]").length`, "0")
	v.content()

	// Operators are told why.
	v.do(chromedp.Navigate(fmt.Sprintf("http://127.0.0.1:%d/#odd/cut.jpg?w=600", adminPort)))
	v.is("the reason", `document.querySelector("#fault small")?.textContent.includes("JPEG")`, "true")
}

// Operators give their token once, see all handlers, and get signed URLs.
func TestPlaygroundOfOperators(t *testing.T) {
	public, admin := playgroundServer(t)
	v := browse(t, admin)
	v.allowClipboard(admin)
	v.do(chromedp.WaitVisible(`[name="token"]`), chromedp.SendKeys(`[name="token"]`, "a guess"+kb.Enter), chromedp.WaitVisible(".wrong"))
	v.do(chromedp.SendKeys(`[name="token"]`, "a token of the operators"+kb.Enter), chromedp.WaitVisible("#handler"))
	v.choose("#handler", "signed")
	v.do(chromedp.WaitVisible(".folder"))
	v.run(`[...document.querySelectorAll(".folder")].find(f => f.textContent === "photos").click()`)
	v.do(chromedp.WaitVisible(`[data-name="photos/garden.webp"]`), chromedp.Click(`[data-name="photos/garden.webp"]`))
	v.sees("signed/photos/garden.webp?w=600", "600x600")
	v.do(chromedp.Click("#explain-box summary"))
	v.is("what became of the URL", `document.querySelector("#explain").textContent.includes('"w"')`, "true")
	v.do(chromedp.Click("#copy-signed"))
	v.is("what the page says", `document.querySelector("#status").textContent`, "Signed path, good for an hour on the public address, copied")
	copied := v.text(`navigator.clipboard.readText()`)
	_, path, _ := strings.Cut(copied, "/signed/")
	if status, mediaType, _ := testserver.Get(t, public+"signed/"+path); status != 200 || !strings.HasPrefix(mediaType, "image/") || !strings.Contains(copied, "sig=") {
		t.Errorf("the signed URL %s: %d %s", copied, status, mediaType)
	}
	if status, _, _ := testserver.Get(t, public+"signed/photos/garden.webp?w=600"); status != 404 {
		t.Errorf("without a signature: %d; want 404", status)
	}
	v.content()
}
