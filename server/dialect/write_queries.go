package dialect

import (
	"net/url"
	"strconv"
	"strings"
)

func (w *writing) next(source string) []target {
	if !scheme.MatchString(source) {
		source = "/" + escapePath(source)
	}
	var list []target
	for _, q := range append([]string{orText(w.get("q"), "75")}, numbers(w.d.config.Qualities)...) {
		list = append(list, target{nextPath, "url=" + url.QueryEscape(source) + "&w=" + w.get("w") + "&q=" + q})
	}
	return list
}

func numbers(list []int) []string {
	var text []string
	for _, n := range list {
		text = append(text, strconv.Itoa(n))
	}
	return text
}

func (w *writing) imgix(source string) []target {
	var pairs []string
	add := func(name, v string) {
		pairs = append(pairs, name+"="+strings.ReplaceAll(url.QueryEscape(v), "%2C", ","))
	}
	w.each([]string{"w", "h"}, add)
	enlarge := w.get("enlarge") != ""
	switch f := w.fit(); f {
	case "cover":
		add("fit", word(enlarge, "crop", "min"))
	case "contain":
		add("fit", word(enlarge, "clip", "max"))
	case "stretch":
		add("fit", "scale")
	case "pad":
		add("fit", word(enlarge, "fill", "fillmax"))
	}
	g := w.get("g")
	var words []string
	for _, c := range []struct{ letter, word string }{{"n", "top"}, {"s", "bottom"}, {"w", "left"}, {"e", "right"}} {
		if compassWord(g) && strings.Contains(g, c.letter) {
			words = append(words, c.word)
		}
	}
	switch x, y, ok := w.focus(); {
	case ok:
		add("crop", "focalpoint")
		add("fp-x", x)
		add("fp-y", y)
	case len(words) > 0:
		add("crop", strings.Join(words, ","))
	case g == "entropy":
		add("crop", "entropy")
	case g == "smart":
		add("crop", "edges")
	}
	if _, _, _, _, ok := w.crop(); ok {
		add("rect", w.get("crop"))
	}
	if p := strings.Split(w.get("padding"), ","); len(p) == 4 {
		for i, side := range []string{"top", "right", "bottom", "left"} {
			add("pad-"+side, p[i])
		}
	}
	w.each([]string{"rot", "flip", "bri", "con", "sat", "hue", "sepia", "invert", "q", "duotone", "border", "lossless", "dpr", "page", "orient"}, add)
	if w.get("blur") != "" {
		add("blur", trimZeros(w.num("blur")*10))
	}
	if w.get("sharpen") != "" {
		add("sharp", trimZeros(w.num("sharpen")*10))
	}
	if w.get("pixelate") != "" {
		add("px", w.get("pixelate"))
	}
	if bg := w.get("bg"); bg != "" {
		if len(bg) == 8 { // its alpha stands first there
			bg = bg[6:] + bg[:6]
		}
		add("bg", bg)
	}
	if c := w.get("tint"); len(c) == 6 {
		add("monochrome", c)
	}
	if t := w.get("trim"); t != "" {
		add("trim", "auto")
		add("trim-tol", strings.Replace(t, "exact", "0", 1))
	}
	if r := w.get("radius"); r == "max" {
		add("mask", "ellipse")
	} else if r != "" {
		add("border-radius", r)
	}
	if f := w.get("f"); f != "" {
		add("fm", strings.Replace(f, "jpeg", "jpg", 1))
	}
	path := "/" + escapePath(source)
	if scheme.MatchString(source) {
		path = "/" + url.PathEscape(source)
	}
	return []target{{path, strings.Join(pairs, "&")}}
}

func (w *writing) weserv(source string) []target {
	pairs := []string{"url=" + strings.ReplaceAll(url.QueryEscape(source), "%2F", "/")}
	add := func(name, v string) {
		pairs = append(pairs, name+"="+strings.ReplaceAll(url.QueryEscape(v), "%2C", ","))
	}
	w.each([]string{"w", "h"}, add)
	fit := w.fit()
	if f := map[string]string{"cover": "cover", "contain": "inside", "stretch": "fill", "pad": "contain"}[fit]; f != "" {
		add("fit", f)
		if w.get("enlarge") == "" {
			pairs = append(pairs, "we")
		}
	}
	switch g := w.get("g"); g {
	case "n", "s", "e", "w":
		add("a", map[string]string{"n": "top", "s": "bottom", "e": "right", "w": "left"}[g])
	case "nw", "ne", "sw", "se":
		add("a", map[byte]string{'n': "top", 's': "bottom"}[g[0]]+"-"+map[byte]string{'w': "left", 'e': "right"}[g[1]])
	case "smart":
		add("a", "attention")
	case "entropy":
		add("a", "entropy")
	default:
		if x, y, ok := w.focus(); ok {
			add("a", "focal")
			add("fpx", x)
			add("fpy", y)
		}
	}
	if x, y, width, height, ok := w.crop(); ok {
		for i, n := range []int{x, y, width, height} {
			add([]string{"cx", "cy", "cw", "ch"}[i], strconv.Itoa(n))
		}
		pairs = append(pairs, "precrop")
	}
	for _, f := range []struct{ letter, name string }{{"h", "flop"}, {"v", "flip"}} {
		if strings.Contains(w.get("flip"), f.letter) {
			pairs = append(pairs, f.name)
		}
	}
	w.each([]string{"rot", "blur", "sharpen", "con", "bri", "hue", "gam", "tint", "trim", "q", "f", "bg", "dpr"}, func(name, v string) {
		switch name {
		case "f":
			v = strings.Replace(v, "jpeg", "jpg", 1)
		case "bg":
			if len(v) == 8 { // its alpha stands first there
				v = v[6:] + v[:6]
			}
		}
		add(orText(map[string]string{"rot": "ro", "sharpen": "sharp", "f": "output"}[name], name), v)
	})
	if w.get("sat") != "" {
		add("sat", trimZeros(1+w.num("sat")/100))
	}
	for _, f := range [][2]string{{"gray", "greyscale"}, {"invert", "negate"}, {"sepia", "sepia"}} {
		if w.get(f[0]) != "" {
			add("filt", f[1])
		}
	}
	if w.get("radius") == "max" {
		add("mask", "circle")
	}
	return []target{{"/", strings.Join(pairs, "&")}}
}
