package dialect

import (
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// candidates are URLs that may do it.
func (w *writing) candidates(source string) []target {
	switch w.d.row.name {
	case "imgproxy":
		return w.imgproxy(source)
	case "thumbor", "imagor":
		return w.thumbor(source)
	case "nextjs":
		return w.next(source)
	case "cloudflare":
		return w.cloudflare(source)
	case "iiif":
		return w.iiif(source)
	case "imgix":
		return w.imgix(source)
	case "weserv":
		return w.weserv(source)
	}
	return nil
}

var imgproxyGravities = map[string]string{"n": "no", "s": "so", "e": "ea", "w": "we", "nw": "nowe", "ne": "noea", "sw": "sowe", "se": "soea", "center": "ce", "smart": "sm"}

func (w *writing) imgproxy(source string) []target {
	sep := w.d.separator()
	var parts []string
	add := func(name string, args ...string) { parts = append(parts, name+sep+strings.Join(args, sep)) }
	if x, y, width, height, ok := w.crop(); ok {
		add("c", strconv.Itoa(width), strconv.Itoa(height), "nowe", strconv.Itoa(x), strconv.Itoa(y))
	}
	if f := w.fit(); f != "" {
		args := []string{map[string]string{"cover": "fill", "contain": "fit", "stretch": "force", "pad": "fit", "auto": "auto"}[f], w.get("w"), w.get("h")}
		if w.get("enlarge") != "" {
			args = append(args, "1")
		}
		add("rs", args...)
		if f == "pad" {
			add("ex", "1")
		}
	}
	if g := imgproxyGravities[w.get("g")]; g != "" {
		add("g", g)
	} else if x, y, ok := w.focus(); ok {
		add("g", "fp", x, y)
	}
	w.each([]string{"rot", "blur", "sharpen", "pixelate", "trim", "q", "bg", "dpr"}, func(name, v string) {
		add(map[string]string{"rot": "rot", "blur": "bl", "sharpen": "sh", "pixelate": "pix", "trim": "t", "q": "q", "bg": "bg", "dpr": "dpr"}[name], v)
	})
	if f := w.get("flip"); f != "" {
		add("fl", word(strings.Contains(f, "h"), "1", "0"), word(strings.Contains(f, "v"), "1", "0"))
	}
	if v := w.get("padding"); v != "" {
		add("pd", strings.Split(v, ",")...)
	}
	if w.get("con") != "" {
		add("co", trimZeros(1+w.num("con")/100))
	}
	if w.get("sat") != "" {
		add("sa", trimZeros(1+w.num("sat")/100))
	}
	if a, b, ok := strings.Cut(w.get("duotone"), ","); ok {
		add("dt", "1", a, b)
	}
	if strings.Contains(w.get("strip"), "none") {
		add("sm", "0")
	}
	parts = append([]string{"", "unsigned"}, append(parts, "plain", escapeSource(source))...)
	end := ""
	if f := w.get("f"); f != "" {
		end = "@" + f
	}
	return []target{{path: strings.Join(parts, "/") + end}}
}

// escapeSource is escapePath of a source, whose scheme stays.
func escapeSource(source string) string {
	if s := scheme.FindString(source); s != "" {
		return s + escapePath(source[len(s):])
	}
	return escapePath(source)
}

func (w *writing) thumbor(source string) []target {
	imagor := w.d.row.name == "imagor"
	parts := []string{"", "unsafe"}
	add := func(p string) { parts = append(parts, p) }
	if t := w.get("trim"); t != "" {
		number, end := strings.CutSuffix(t, ",se")
		add("trim:" + word(end, "bottom-right", "top-left") + word(number != "exact", ":"+number, ""))
	}
	if x, y, width, height, ok := w.crop(); ok {
		add(fmt.Sprintf("%dx%d:%dx%d", x, y, x+width, y+height))
	}
	var filters []string
	filter := func(name string, args ...string) { filters = append(filters, name+"("+strings.Join(args, ",")+")") }
	fit, flip := w.fit(), w.get("flip")
	enlarge := w.get("enlarge") != ""
	switch fit {
	case "contain", "pad":
		add("fit-in")
		if enlarge {
			filter("upscale")
		}
	case "stretch":
		if imagor {
			add("stretch")
		} else {
			filter("stretch")
		}
	case "cover":
		if !enlarge {
			filter("no_upscale")
		}
	}
	if fit != "" || flip != "" {
		add(word(strings.Contains(flip, "h"), "-", "") + w.get("w") + "x" + word(strings.Contains(flip, "v"), "-", "") + w.get("h"))
	}
	g := w.get("g")
	if compassWord(g) {
		for _, c := range []struct{ letter, word string }{{"w", "left"}, {"e", "right"}, {"n", "top"}, {"s", "bottom"}} {
			if strings.Contains(g, c.letter) {
				add(c.word)
			}
		}
	}
	if g == "smart" {
		add("smart")
	}
	if x, y, ok := w.focus(); ok && imagor {
		filter("focal", x+"x"+y)
	}
	if v := w.num("rot"); v != 0 {
		filter("rotate", trimZeros(360-v))
	}
	w.each([]string{"q", "f", "maxbytes", "bri", "con", "hue", "blur", "sharpen", "pixelate"}, func(name, v string) {
		theirs := map[string]string{"q": "quality", "f": "format", "maxbytes": "max_bytes", "bri": "brightness", "con": "contrast"}[name]
		if name == "sharpen" && !imagor {
			v = "1," + v
		}
		filter(orText(theirs, name), v)
	})
	if w.get("sat") != "" {
		filter("saturation", word(imagor, w.get("sat"), trimZeros(1+w.num("sat")/100)))
	}
	if w.get("gray") != "" {
		filter("grayscale")
	}
	if w.get("invert") != "" {
		filter("invert")
	}
	if bg := w.get("bg"); bg != "" {
		filter(word(fit == "pad", "fill", "background_color"), bg)
	} else if fit == "pad" {
		filter("fill", "none")
	}
	if len(filters) > 0 {
		add("filters:" + strings.Join(filters, ":"))
	}
	if strings.Contains(source, "%") || scheme.MatchString(source) {
		source = url.PathEscape(source)
	} else {
		source = escapePath(source)
	}
	add(source)
	return []target{{path: strings.Join(parts, "/")}}
}

// compassWord reports whether a gravity is a side or a corner.
func compassWord(g string) bool {
	return slices.ContainsFunc(compass, func(c struct {
		word string
		x, y float64
	}) bool {
		return g != "" && c.word == g
	})
}

func (w *writing) cloudflare(source string) []target {
	var options []string
	add := func(name, v string) {
		options = append(options, name+"="+strings.ReplaceAll(url.PathEscape(v), ",", "%2C"))
	}
	if x, y, width, height, ok := w.crop(); ok {
		add("trim.left", strconv.Itoa(x))
		add("trim.top", strconv.Itoa(y))
		add("trim.width", strconv.Itoa(width))
		add("trim.height", strconv.Itoa(height))
	}
	w.each([]string{"w", "h"}, func(name, v string) { add(map[string]string{"w": "width", "h": "height"}[name], v) })
	if f := w.fit(); f != "" {
		enlarge := w.get("enlarge") != ""
		switch {
		case f == "cover":
			add("fit", word(enlarge, "cover", "crop"))
		case f == "contain":
			add("fit", word(enlarge, "contain", "scale-down"))
		case f == "stretch":
			add("fit", "squeeze")
		default:
			add("fit", f)
		}
	}
	switch g := w.get("g"); g {
	case "n", "s", "e", "w":
		add("gravity", map[string]string{"n": "top", "s": "bottom", "e": "right", "w": "left"}[g])
	case "smart":
		add("gravity", "auto")
	default:
		if x, y, ok := w.focus(); ok {
			add("gravity", x+"x"+y)
		}
	}
	if f := flipBefore(w.get("flip"), w.get("rot")); f != "" {
		add("flip", f)
	}
	w.each([]string{"rot", "blur", "sharpen", "gam", "q", "f"}, func(name, v string) {
		add(orText(map[string]string{"rot": "rotate", "gam": "gamma", "q": "quality", "f": "format"}[name], name), v)
	})
	if bg := w.get("bg"); bg != "" {
		add("background", "#"+bg)
	}
	if w.get("bri") != "" {
		add("brightness", trimZeros(1+w.num("bri")/50))
	}
	if w.get("con") != "" {
		add("contrast", trimZeros(1+w.num("con")/100))
	}
	if w.get("sat") != "" {
		add("saturation", trimZeros(1+w.num("sat")/100))
	}
	if w.get("anim") == "false" {
		add("anim", "false")
	}
	if len(options) == 0 {
		add("quality", "85") // there has to be one
	}
	return []target{{path: cloudflarePath + strings.Join(options, ",") + "/" + escapeSource(source)}}
}

// flipBefore returns a mirroring that comes before a turn, of ours, which comes
// after it.
func flipBefore(f, rot string) string {
	if rot == "90" || rot == "270" {
		return strings.NewReplacer("h", "v", "v", "h").Replace(f)
	}
	return f
}

func (w *writing) iiif(source string) []target {
	region := "full"
	if x, y, width, height, ok := w.crop(); ok {
		region = fmt.Sprintf("%d,%d,%d,%d", x, y, width, height)
	}
	ext := map[string]string{"": "jpg", "jpeg": "jpg", "tiff": "tif"}[w.get("f")]
	quality := "default"
	if w.get("gray") != "" {
		quality = "gray"
	}
	if w.get("bitonal") != "" {
		quality = "bitonal"
	}
	rotation := orText(w.get("rot"), "0")
	switch w.get("flip") {
	case "h":
		rotation = "!" + map[string]string{"0": "0", "90": "270", "180": "180", "270": "90"}[rotation]
	case "v":
		rotation = "!" + map[string]string{"0": "180", "90": "90", "180": "0", "270": "270"}[rotation]
	}
	width, height := w.get("w"), w.get("h")
	if strings.HasSuffix(rotation, "90") || strings.HasSuffix(rotation, "270") { // sizes are those before
		width, height = height, width
	}
	size := width + "," + height
	fit := w.fit()
	switch {
	case fit == "":
		size = "max"
	case fit == "contain" && width != "" && height != "":
		size = "!" + size
	case fit == "cover":
		region = "square"
	}
	var list []target
	for _, up := range []string{"", "^"} {
		list = append(list, target{path: "/" + url.PathEscape(source) + "/" + strings.Join([]string{region, up + size, rotation, quality}, "/") + "." + orText(ext, w.get("f"))})
	}
	return list
}
