package playground_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"s3imageserver/testserver"
)

const (
	addressOfPage = `document.querySelector("#url").value.replace(/^.*?:[0-9]+\//, "")`
	wordsOfPage   = `document.querySelector("#status").textContent`
)

// The rectangle of a crop and the focal point are drawn on the original, by the mouse
// and by the keyboard; handles change them, and Delete removes them.
func TestPlaygroundDraws(t *testing.T) {
	public, _ := playgroundServer(t)
	v := browse(t, public+"#h/still-life.jpg?w=400")
	v.sees("h/still-life.jpg?w=400", "400x300")
	v.is("the original", `document.querySelector("#left").naturalWidth > 0 && document.querySelector("#left-facts").textContent.startsWith("1600")`, "true")

	// Without a tool neither a click nor a drag changes the URL.
	v.drag("#left", 0.2, 0.2, 0.6, 0.6)
	v.is("after a drag without a tool", addressOfPage, "h/still-life.jpg?w=400")

	v.do(chromedp.Click("#tool-crop"))
	v.is("the first rectangle", addressOfPage, "h/still-life.jpg?w=400&crop=160,120,1280,960")
	v.drag("#left", 0.25, 0.25, 0.75, 0.5)
	v.is("one that is drawn", `document.querySelector("#option-crop").value`, "400,300,800,300")
	v.sees("h/still-life.jpg?w=400&crop=400,300,800,300", "400x150")
	v.drag(`.handle[data-dir="se"]`, 0.75, 0.5, 1, 1)
	v.is("a corner that is dragged", `document.querySelector("#option-crop").value`, "400,300,1200,900")
	v.do(chromedp.Focus(`.handle[data-dir="w"]`), chromedp.KeyEvent(kb.ArrowRight))
	v.is("an edge that an arrow moves", `document.querySelector("#option-crop").value`, "432,300,1168,900")
	v.do(chromedp.Focus("#crop-move"), chromedp.KeyEvent(kb.ArrowUp))
	v.is("a rectangle that an arrow moves", `document.querySelector("#option-crop").value`, "432,276,1168,900")
	v.drag("#crop-move", 0.6, 0.6, 0.5, 0.6)
	v.is("one that is dragged", `document.querySelector("#option-crop").value`, "272,276,1168,900")
	v.is("what a reader of screens is told", `[...document.querySelectorAll("#crop button, #focus:not([hidden])")].filter(b => !b.getAttribute("aria-label")).length`, "0")
	v.do(chromedp.Focus("#crop-move"), chromedp.KeyEvent(kb.Delete))
	v.is("after Delete", addressOfPage, "h/still-life.jpg?w=400")

	// The focal point says what it needs, until it has it.
	v.do(chromedp.Click("#tool-focus"))
	v.is("what a focal point needs", `document.querySelector('[data-option="g"] .need').textContent.includes("set Width and Height")`, "true")
	v.drag("#left", 0.5, 0.5, 0.1, 0.9)
	v.is("where it is", `document.querySelector("#option-g").value`, "fp:0.1:0.9")
	v.run(`document.querySelector('[data-option="g"] .need button').click()`)
	v.is("where its link leads", `document.activeElement.id`, "option-h")
	v.do(chromedp.SendKeys("#option-h", "400"))
	v.is("what it needs then", `document.querySelector('[data-option="g"] .need').hidden`, "true")
	v.do(chromedp.Focus("#focus"), chromedp.KeyEvent(kb.Delete))
	v.sees("h/still-life.jpg?w=400&h=400", "400x400")
	v.content()
}

// Every change can be undone and done again, by buttons, keys and the browser.
func TestPlaygroundUndoes(t *testing.T) {
	public, _ := playgroundServer(t)
	v := browse(t, public+"#h/still-life.jpg?w=400")
	v.sees("h/still-life.jpg?w=400", "400x300")
	v.is("nothing to undo", `document.querySelector("#undo").disabled && document.querySelector("#redo").disabled`, "true")
	v.write("#option-h", "200")
	v.sees("h/still-life.jpg?w=400&h=200", "400x200")
	v.choose("#option-fit", "contain")
	v.sees("h/still-life.jpg?w=400&h=200&fit=contain", "266x200")
	v.do(chromedp.Click("#undo"))
	v.sees("h/still-life.jpg?w=400&h=200", "400x200")
	v.is("the menu", `document.querySelector("#option-fit").value`, "")
	v.run(`history.back()`) // what was typed in a row is one step
	v.sees("h/still-life.jpg?w=400", "400x300")
	v.is("at the beginning", `document.querySelector("#undo").disabled`, "true")
	v.do(chromedp.Click("#redo"))
	v.sees("h/still-life.jpg?w=400&h=200", "400x200")
	v.run(`history.forward()`)
	v.sees("h/still-life.jpg?w=400&h=200&fit=contain", "266x200")
	v.is("at the end", `document.querySelector("#redo").disabled`, "true")
	v.do(chromedp.Click("#reset"))
	v.sees("h/still-life.jpg", "1600x1200")
	key := func(shift bool) {
		v.run(fmt.Sprintf(`document.body.dispatchEvent(new KeyboardEvent("keydown", {key: "z", ctrlKey: true, shiftKey: %v, bubbles: true}))`, shift))
	}
	key(false)
	v.sees("h/still-life.jpg?w=400&h=200&fit=contain", "266x200")
	key(true)
	v.sees("h/still-life.jpg", "1600x1200")
	v.do(chromedp.Click(`[data-name="garden.webp"]`))
	v.is("another picture", addressOfPage, "h/garden.webp")
	v.do(chromedp.Click("#undo"))
	v.sees("h/still-life.jpg", "1600x1200")
	v.is("the picture that is marked", `document.querySelector('[aria-current="true"]').dataset.name`, "still-life.jpg")
	v.content()
}

// A URL that is pasted is taken apart; what means nothing is said, and nothing of it is
// ever markup or a script.
func TestPlaygroundReadsURLs(t *testing.T) {
	public, _ := playgroundServer(t)
	v := browse(t, public)
	v.sees("h/balloons.jpg?w=600", "600x900")
	for pasted, want := range map[string]string{
		public + "h/still-life.jpg?w=300&h=100&q=50": "h/still-life.jpg?w=300&h=100&q=50",
		"/h/still-life.jpg?width=300&format=png":     "h/still-life.jpg?w=300&f=png",
		"https://img.example.com/h/still-life.jpg":   "h/still-life.jpg",
	} {
		v.write("#url", pasted+kb.Enter)
		v.is("the URL of "+pasted, addressOfPage, want)
		v.is("what the page says of "+pasted, wordsOfPage, "Read")
	}
	v.write("#url", "/h/still-life.jpg?w=300&grayscale=1&exp=5&sig=abc"+kb.Enter)
	v.is("the parts", `[...document.querySelectorAll("#parts .part")].map(p => p.textContent.replace("×", "")).join("|")`, "Handler h|Picture still-life.jpg|Width 300|“grayscale” is no option: did you mean Black and white (gray)?")
	v.is("what is said of a signature", wordsOfPage, "Read; the signature is of that URL only, and left out")
	v.run(`document.querySelector("#parts .clear").click()`)
	v.is("a part that is cleared", addressOfPage, "h/still-life.jpg")
	// Pasted anywhere.
	v.run(fmt.Sprintf(`(d => { d.setData("text", %q); document.body.dispatchEvent(new ClipboardEvent("paste", {clipboardData: d, bubbles: true, cancelable: true})); })(new DataTransfer())`, public+"h/orbit.gif?w=90"))
	v.is("one that is pasted on the page", addressOfPage, "h/orbit.gif?w=90")
	for _, wrong := range []string{"javascript:alert(1)", "data:text/html,<script>alert(1)</script>", "https://other.example/none/x.jpg", "http://["} {
		v.write("#url", wrong+kb.Enter)
		v.is("the URL after "+wrong, `document.querySelector("#open").getAttribute("href").startsWith("http")`, "true")
		v.is("what the page says of "+wrong, `/^(This is no URL|Not read)/.test(document.querySelector("#status").textContent)`, "true")
	}

	const markup = `"'><img src=x onerror=hacked=1><script>hacked=1</script>`
	v.write("#url", "/h/still-life.jpg?w=300&txt="+strings.NewReplacer("<", "%3C", ">", "%3E", `"`, "%22", "'", "%27", " ", "%20").Replace(markup)+"&"+strings.ReplaceAll("<b>x</b>", "/", "%2F")+"=1"+kb.Enter)
	v.is("a text of markup", `document.querySelector("#option-txt").value`, markup)
	v.run(`for (const d of document.querySelectorAll("details")) d.open = true`)
	v.is("its picture", `document.querySelector("#right").naturalWidth`, "300")
	for _, kind := range []string{"img", "picture", "css", "markdown", "react", "next", "vue", "nuxt", "curl"} {
		v.do(chromedp.Click(`[data-kind="` + kind + `"]`))
		v.is("the code of "+kind, `/still-life/.test(document.querySelector("#snippet").textContent) && !/<script|<img src=x/.test(document.querySelector("#snippet").textContent)`, "true")
	}
	v.is("what a text of markup did", `typeof hacked + document.querySelectorAll("#parts img, #parts script, #parts b b, #groups img").length`, "undefined0")
	v.content()
}

// Options are found by the words that people use.
func TestPlaygroundFindsOptions(t *testing.T) {
	public, _ := playgroundServer(t)
	v := browse(t, public)
	v.sees("h/balloons.jpg?w=600", "600x900")
	v.is("the common ones", `[...document.querySelector("[data-group]").querySelectorAll(".option:not([hidden])")].map(o => o.querySelector("label").textContent + " " + o.dataset.option).join()`, "Width w,Height h,Fit fit,Format f,Quality q,Focal point g")
	v.is("options without a label", `[...document.querySelectorAll(".option")].filter(o => o.querySelector("label").textContent === o.dataset.option).map(o => o.dataset.option).join()`, "")
	v.is("controls without a name", `[...document.querySelectorAll("input, select, button")].filter(e => !e.labels?.length && !e.getAttribute("aria-label") && !e.textContent.trim()).map(e => e.outerHTML).join()`, "")
	found := `[...document.querySelectorAll(".option")].filter(o => o.offsetParent).map(o => o.dataset.option)`
	for word, option := range map[string]string{
		"rotate": "rot", "resize": "w", "compress": "q", "thumbnail": "h", "grayscale": "gray", "face": "g", "logo": "wm", "round corner": "radius", "exif": "strip", "retina": "dpr", "caption": "txt",
	} {
		v.write("#filter", word)
		v.is("found by "+word, fmt.Sprintf(found+`.includes(%q)`, option), "true")
	}
	v.write("#filter", "width")
	v.is("found by width", found+`.includes("w") && !`+found+`.includes("hue")`, "true")
	v.write("#filter", "zzz")
	v.is("what is said of nothing", `document.querySelector("#no-option").textContent.startsWith("No option is found for “zzz”")`, "true")
	v.do(chromedp.KeyEvent(kb.Escape))
	v.is("after Escape", `document.querySelector("#no-option").hidden`, "true")

	// What is not set looks so, and rests where it would have no effect.
	v.run(`for (const d of document.querySelectorAll("details")) d.open = true`)
	slider := func(name string) string {
		return fmt.Sprintf(`(r => r.value + " " + (Number(getComputedStyle(r).opacity) < 1))(document.querySelector('[data-option=%q] [type="range"]'))`, name)
	}
	for name, want := range map[string]string{"q": "75 true", "hue": "0 true", "zoom": "1 true", "bri": "0 true", "gam": "1 true"} {
		v.is("the slider of "+name, slider(name), want)
	}
	v.write("#option-q", "40")
	v.do(chromedp.Focus("#filter"))
	v.is("the slider of q that is set", slider("q"), "40 false")
	need := func(name string) string {
		return fmt.Sprintf(`(p => p.hidden ? "" : p.textContent)(document.querySelector('[data-option=%q] .need'))`, name)
	}
	v.is("what the font needs", need("txtfont"), "Has no effect alone: set Text. Go to Text")
	v.is("what a watermark's size needs", need("wms"), "Has no effect alone: set Watermark. Go to Watermark")
	v.choose("#option-f", "jpeg")
	v.is("what lossless needs", need("lossless"), "Has an effect in WebP and AVIF only: set Format. Go to Format")
	v.choose("#option-f", "webp")
	v.is("what lossless needs in WebP", need("lossless"), "")
	v.is("what JPEG's option needs in WebP", need("progressive"), "Has an effect in JPEG only: set Format. Go to Format")
	v.content()
}

// Both sides are compared in the same framing, pixel by pixel; formats by one click.
func TestPlaygroundCompares(t *testing.T) {
	public, _ := playgroundServer(t)
	v := browse(t, public+"#h/still-life.jpg?w=1200&h=900&q=30&f=jpeg")
	v.sees("h/still-life.jpg?w=1200&h=900&f=jpeg&q=30", "1200x900")
	rects := `JSON.stringify([...document.querySelectorAll(".box img")].map(i => { const [a, b] = [i.getBoundingClientRect(), i.parentElement.getBoundingClientRect()]; return [a.width, a.height, a.x - b.x, a.y - b.y].map(Math.round); }))`
	same := `(([a, b]) => String(a) === String(b) && a[0] === 1200)(JSON.parse(` + rects + `))`
	v.do(chromedp.Click("#actual"))
	v.is("at 1:1 on both sides", same, "true")
	v.is("what stands left", `document.querySelector("#left-title").textContent + document.querySelector("#left").naturalWidth`, "Uncompressed1200")
	before := v.text(rects)
	v.drag("#right-box", 0.5, 0.5, 0.3, 0.4)
	v.is("moved together", same+` && `+rects+` !== `+fmt.Sprintf("%q", before), "true")
	v.do(chromedp.Focus("#left-box"), chromedp.KeyEvent(kb.ArrowRight))
	v.is("moved together by the keyboard", same, "true")
	v.do(chromedp.Click("#actual"), chromedp.Click(`[data-view="slider"]`))
	v.is("in the split view", `(([a, b]) => String(a) === String(b))(JSON.parse(`+rects+`))`, "true")
	v.do(chromedp.Click("#loupe"))
	v.run(`(b => { const r = b.getBoundingClientRect(); b.dispatchEvent(new PointerEvent("pointermove", {clientX: r.x + r.width / 3, clientY: r.y + r.height / 2, bubbles: true})); })(document.querySelector("#right-box"))`)
	v.is("the loupe of both sides", `(([a, b]) => !a.hidden && a.style.backgroundPosition === b.style.backgroundPosition && a.style.backgroundImage !== b.style.backgroundImage && parseFloat(a.style.backgroundSize) >= 3600)([...document.querySelectorAll(".lens")])`, "true")
	v.do(chromedp.Click("#loupe"))
	v.is("without the loupe", `document.querySelectorAll(".lens:not([hidden])").length`, "0")

	v.do(chromedp.Click("#formats-box summary"), chromedp.Click("#measure"))
	v.is("formats that are measured", `[...document.querySelectorAll("#measures tbody tr")].filter(r => / (B|kB)$/.test(r.cells[1].textContent) && r.cells[2].textContent > 0.5 && r.cells[2].textContent < 1 && / ms/.test(r.cells[3].textContent)).map(r => r.dataset.format).join()`, "jpeg,webp")
	v.is("one that is not enabled", `document.querySelector('[data-format="avif"]').textContent`, "AVIFnot written by this handler")
	v.is("the worse of two qualities", `import("./_playground/similarity.js").then(async ({similarity}) => { const get = async (q) => (await fetch("h/still-life.jpg?w=300&" + q)).blob(); const png = await get("f=png"); return [await similarity(png, png), await similarity(png, await get("f=jpeg&q=90")) > await similarity(png, await get("f=jpeg&q=10"))].join(); })`, "1,true")
	v.do(chromedp.Click(`[data-format="webp"] button`))
	v.sees("h/still-life.jpg?w=1200&h=900&f=webp&q=30", "1200x900")
	v.is("after a change", `document.querySelector("#measure-note").textContent`, "The options have changed: measure again.")

	// While a picture is made the one before stays, the page says so, and nothing moves.
	v.run(`window.real = fetch; window.fetch = (...a) => new Promise(done => { window.release = () => done(real(...a)); })`)
	place := `Math.round(document.querySelector("#facts").getBoundingClientRect().top)`
	at := v.text(place)
	v.choose("#option-f", "png")
	v.is("while it is made", `document.querySelector("#frames").classList.contains("busy") && !document.querySelector("#making").hidden && document.querySelector("#right").naturalWidth === 1200 && typeof release === "function"`, "true")
	v.is("what moves while it is made", place, at)
	v.run(`window.fetch = real; release()`)
	v.is("when it is made", `document.querySelector("#frames").classList.contains("busy") + document.querySelector("#right-facts").textContent.slice(0, 18)`, "false1200 × 900 · png ·")
	v.is("what moves when it is made", place, at)
	v.content()
}

// Code, the download, and a preset are of the picture on the stage.
func TestPlaygroundWritesCode(t *testing.T) {
	public, _ := playgroundServer(t)
	v := browse(t, public+"#h/still-life.jpg?w=600&h=300&g=fp:0.7:0.4")
	v.allowClipboard(public)
	v.sees("h/still-life.jpg?w=600&h=300&g=fp:0.7:0.4", "600x300")
	v.do(chromedp.Click("#snippet-box summary"), chromedp.Click("#absolute"))
	v.write("#alt", `Pears & "oranges"`)
	code := func(kind string) string {
		v.do(chromedp.Click(`[data-kind="` + kind + `"]`))
		v.is("the code of "+kind, `document.querySelector("#snippet").textContent.includes("still-life.jpg") && document.querySelector('[data-kind="`+kind+`"]').ariaSelected`, "true")
		v.is("the <picture> of "+kind, `document.querySelector("#snippet").textContent.startsWith("<picture>")`, fmt.Sprint(kind == "picture")) // it is asked for
		return v.text(`document.querySelector("#snippet").textContent`)
	}
	own := public + "h/still-life.jpg?w=600&h=300&g=fp:0.7:0.4"
	escaped := strings.ReplaceAll(own, "&", "&amp;")
	for kind, want := range map[string][]string{
		"img":      {`<img src="` + escaped + `" width="600" height="300" alt="Pears &amp; &quot;oranges&quot;"`},
		"css":      {`url("` + own + `&f=webp") type("image/webp")`, "image-set("},
		"markdown": {`![Pears \& "oranges"](<` + own + `>)`},
		"react":    {`src={"` + own + `"}`, `alt={"Pears & \"oranges\""}`, "h=160&g=fp:0.7:0.4 320w"},
		"next":     {`const server = "` + public + `h";`, `g: "fp:0.7:0.4"`, "width * 300) / 600", `src={"still-life.jpg"} width={600} height={300}`},
		"vue":      {`src="` + escaped + `"`, "<template>"},
		"nuxt":     {"defineProvider", `<NuxtImg provider="pictures" src="still-life.jpg" width="600" height="300"`},
		"curl":     {`-o 'still-life.webp' '` + own + `'`, "Accept: image/avif"},
	} {
		text := code(kind)
		for _, w := range want {
			if !strings.Contains(text, w) {
				t.Errorf("%s: %s; want %s", kind, text, w)
			}
		}
	}
	// A browser that gets them shows what is on the stage.
	picture := code("picture")
	v.is("the page with <picture>", fmt.Sprintf(`new Promise(done => { const box = document.createElement("div"); box.innerHTML = %q; document.body.append(box); const i = box.querySelector("img"); i.loading = "eager"; i.decode().then(() => done(i.naturalWidth / i.naturalHeight + " " + i.width / i.height + " " + i.alt)); })`, picture), `2 2 Pears & "oranges"`)
	loader := code("next")
	loader = loader[strings.Index(loader, "const server"):strings.Index(loader, "// in a page")]
	loader = strings.Replace(loader, "export default function pictureLoader", "return function", 1)
	v.is("what the loader makes", fmt.Sprintf(`new Promise(done => { const i = new Image(); i.onload = () => done(i.naturalWidth + "x" + i.naturalHeight); i.src = ((server) => { const src = "still-life.jpg", width = 300, quality = 60; %s })(); })`, bodyOf(loader)), "300x150")

	v.is("the download", `(a => a.download + " " + a.href.startsWith("blob:"))(document.querySelector("#download"))`, "still-life.webp true")
	v.do(chromedp.Click("#preset-box summary"))
	v.write("#preset-name", "hero")
	v.is("the preset", `JSON.stringify(JSON.parse("{" + document.querySelector("#preset").textContent + "}"))`, `{"presets":{"hero":"w=600&h=300&g=fp:0.7:0.4"}}`)
	v.write("#preset-name", `a"b`)
	v.is("a preset without a name", `document.querySelector("#preset").textContent + document.querySelector("#preset-note").textContent`, "A name has letters, digits, - and _.")
	v.is("the icon", `document.querySelector('link[rel="icon"]').href.startsWith("data:image/svg+xml,")`, "true")
	v.content()
}

// bodyOf returns the statements of a loader of Next.js, its server first.
func bodyOf(loader string) string {
	server, rest, _ := strings.Cut(loader, "\n")
	return strings.Replace(server, "const server =", "server =", 1) + rest[strings.Index(rest, "{\n")+1:strings.LastIndex(rest, "}")]
}

// Names are what files are called: never markup, never scripts, never commands.
func TestPlaygroundOfHostileNames(t *testing.T) {
	photo, err := os.ReadFile("testdata/photos/still-life.jpg")
	if err != nil {
		t.Fatal(err)
	}
	folder := t.TempDir()
	names := []string{`<img src=x onerror=hacked=1>.jpg`, `"onload="hacked=1.jpg`, `javascript:hacked=1.jpg`, "a'; touch hacked; '.jpg", "]](x) `b` ${hacked=1}.jpg", `{{hacked=1}}.jpg`}
	for _, name := range names {
		if err := os.WriteFile(filepath.Join(folder, name), photo, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	port := testserver.Port(t)
	serveText(t, fmt.Sprintf(`{"http_port": %d, "listen": "127.0.0.1", "playground": true, "handlers": [{"name": "h", "source": {"dir": %q}}]}`, port, folder))
	v := browse(t, fmt.Sprintf("http://127.0.0.1:%d/", port))
	v.is("the pictures", `document.querySelectorAll("[data-name]").length`, fmt.Sprint(len(names)))
	v.run(`for (const d of document.querySelectorAll("details")) d.open = true`)
	for _, name := range names {
		v.run(fmt.Sprintf(`[...document.querySelectorAll("[data-name]")].find(b => b.dataset.name === %q).click()`, name))
		v.is("the picture "+name, `document.querySelector("#right").naturalWidth + document.querySelector("#right").alt`, "600"+name+", as the URL makes it")
		v.is("the address of "+name, `document.querySelector("#open").protocol`, "http:")
		v.do(chromedp.Click(`[data-kind="img"]`))
		v.is("the snippet of "+name, `(box => { box.innerHTML = document.querySelector("#snippet").textContent; const i = box.firstElementChild; return box.children.length + i.tagName + i.getAttributeNames().join() + decodeURIComponent(i.src).endsWith(`+fmt.Sprintf("%q", name+"?w=600")+`); })(document.createElement("template").content.appendChild(document.createElement("div")))`, "1IMGsrc,width,height,alt,loading,decodingtrue")
		v.do(chromedp.Click(`[data-kind="nuxt"]`))
		v.is("Nuxt's code of "+name, `document.querySelector("#snippet").textContent.includes("NuxtImg") && !document.querySelector("#snippet").textContent.includes("<img src=x")`, "true")
		v.do(chromedp.Click(`[data-kind="curl"]`))
		v.is("the words of the shell of "+name, `(s => s.replace(/'[^']*'|\\'/g, "").trim())(document.querySelector("#snippet").textContent)`, "curl -H  -o")
	}
	v.is("what the names did", `typeof hacked`, "undefined")
	v.content()
}

// lowContrast names the texts of which the contrast to what they lie on is below 4.5
// (WCAG 2.2, 1.4.3 and its relative luminance), those of switched off controls aside.
const lowContrast = `(() => {
	for (const d of document.querySelectorAll("details")) d.open = true;
	const luminance = (c) => c.slice(0, 3).map((v) => v / 255).map((v) => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4).reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
	const parse = (text) => (text.match(/[\d.]+/g) || []).map(Number);
	const low = [];
	let seen = 0;
	for (const e of document.querySelectorAll("body *")) {
		if (!e.offsetParent || e.disabled || ![...e.childNodes].some((n) => n.nodeType === 3 && n.data.trim())) continue;
		let ground = [];
		for (let b = e; b; b = b.parentElement) {
			ground = parse(getComputedStyle(b).backgroundColor);
			if (ground.length === 3) break;
		}
		const [x, y] = [luminance(parse(getComputedStyle(e).color)), luminance(ground)];
		seen++;
		if ((Math.max(x, y) + 0.05) / (Math.min(x, y) + 0.05) < 4.5) low.push(e.tagName + "." + e.className);
	}
	return (seen > 100) + low.join();
})()`

// Texts can be read, by day and by night, and nothing moves for those who do not want it.
func TestPlaygroundCanBeRead(t *testing.T) {
	public, _ := playgroundServer(t)
	v := browse(t, public+"#h/still-life.jpg?w=600&txtfont=bold&nix=1")
	v.sees("h/still-life.jpg?w=600&txtfont=bold", "600x450")
	for _, scheme := range []string{"light", "dark"} {
		if _, err := chromedp.Call(v.ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{
			{Name: "prefers-color-scheme", Value: scheme}, {Name: "prefers-reduced-motion", Value: "reduce"},
		}}); err != nil {
			t.Fatal(err)
		}
		v.is("texts that are hard to read, "+scheme, lowContrast, "true")
		v.is("what moves", `getComputedStyle(document.querySelector("#right-box"), "::before").animationName`, "none")
	}
	v.content()
}
