package dialect

import (
	"image"
	"math"
	"net/url"
	"strconv"
	"strings"
	"time"

	"s3imageserver/resize"
)

// imgix is what its URLs say about sizes.
type imgix struct {
	Width, Height float64 // pixels, or a fraction of the source up to 1; 0: not given
	Fit           string
	Gravity       string // ours
	DPR           float64
	Ratio         float64 // of the box; 0: not given
	Rect          [4]imgixLength
	Part          bool // Rect is given
	MaxW, MaxH    int  // of fit=crop; 0: none
	MinW, MinH    int
	Focus         [2]float64
	Zoom          float64 // around Focus, 1 or more
	FillMax       bool    // fill-max=source
	Pad           [4]int  // top, right, bottom, left
	Turn          int     // quarter turns
	Angle         float64 // the rest of rot
	Flip          flip
}

// An imgixLength is a number of pixels or, up to 1, a part of the side; a word
// is where a part lies.
type imgixLength struct {
	N    float64
	Word string
}

const imgixLongest = 8192 // of a result

const maxParams = 256

// imgixAliases are other names of parameters.
var imgixAliases = map[string]string{"width": "w", "height": "h", "f": "fit", "or": "orient", "inv": "invert", "mono": "monochrome", "t": "txt",
	"txtfont": "txt-font", "txtclr": "txt-color", "txtsize": "txt-size", "txtalign": "txt-align", "fp_x": "fp-x", "fp_y": "fp-y", "fp_z": "fp-z",
	"max-width": "max-w", "max-height": "max-h", "min-width": "min-w", "min-height": "min-h", "maxw": "max-w", "maxh": "max-h", "bgcolor": "bg",
	"download": "dl", "format": "fm", "quality": "q", "rotation": "rot", "border-bottom-color": "border"}

// parseImgix reads /PATH?name=value&...
func parseImgix(d *Dialect, c *Call, r *Request) *Fault {
	if len(c.Path)+len(c.Query) > maxPathBytes {
		return &Fault{Cause: BadURL, Text: "the URL is too long"}
	}
	query, signature := cutSignature(c.Query, "s")
	// Where unsigned URLs are taken too, a signature has to be right all the same.
	if !d.config.Unsigned || d.config.Token != "" && signature != "" {
		signed := c.Path
		if query != "" {
			signed += "?" + query
		}
		if signature == "" || !imgixSigned(string(d.config.Token), signature, signed) {
			return &Fault{Cause: BadSignature}
		}
	}
	text, err := unescape(strings.TrimPrefix(c.Path, "/"))
	if err != nil {
		text = strings.TrimPrefix(c.Path, "/")
	}
	var f *Fault
	if r.Source, f = d.source(text, ""); f != nil {
		return f
	}
	p, f := imgixParams(query)
	if f != nil {
		return f
	}
	i := imgix{Fit: "clip", DPR: 1, Focus: [2]float64{0.5, 0.5}, Zoom: 1}
	i.read(p)
	imgixLook(p, r.params)
	if f := imgixOutput(d, c, p, r); f != nil {
		return f
	}
	if p["dl"] != "" {
		r.Delivery.Disposition, r.Delivery.FileName = "attachment", p["dl"]
	}
	if n, err := strconv.ParseInt(p["expires"], 10, 64); err == nil && n > 0 {
		if r.Delivery.Expires = time.Unix(n, 0); r.Delivery.Expires.Before(c.Now) {
			return &Fault{Cause: Expired}
		}
	}
	if i.Fit == "clamp" && r.params.get("bg") == "" {
		r.params.set("bg", "auto")
	}
	r.shape = i
	return nil
}

// cutSignature returns a query without the parameter of that name at its end, and
// the value of that; "" if it does not stand there.
func cutSignature(query, name string) (rest, signature string) {
	i := strings.LastIndex(query, "&")
	signature, ok := strings.CutPrefix(query[i+1:], name+"=")
	if !ok || i == 0 {
		return query, ""
	}
	return query[:max(i, 0)], signature
}

// imgixParams returns the parameters by their long names. Of one that is given
// twice the last counts, but those of auto are added.
func imgixParams(query string) (map[string]string, *Fault) {
	p := map[string]string{}
	n := 0
	for pair := range strings.SplitSeq(query, "&") {
		if n++; n > maxParams {
			return nil, &Fault{Cause: BadURL, Text: "there are too many parameters"}
		}
		name, value, _ := strings.Cut(pair, "=")
		name, err1 := url.QueryUnescape(name)
		value, err2 := url.QueryUnescape(value)
		if err1 != nil || err2 != nil {
			continue
		}
		if short, ok := strings.CutSuffix(name, "64"); ok && short != "" {
			text, ok := fromBase64(value)
			if !ok {
				return nil, &Fault{Cause: BadOption, Text: "a parameter is not in base64url"}
			}
			name, value = short, text
		}
		if long, ok := imgixAliases[name]; ok {
			name = long
		}
		if name == "auto" && p[name] != "" {
			value = p[name] + "," + value
		}
		p[name] = value
	}
	return p, nil
}

// read reads what is about sizes. A value that cannot be read is not given.
func (i *imgix) read(p map[string]string) {
	num := func(name string, low, high float64) (v float64, ok bool) {
		return v, number(&v, p[name], low, high)
	}
	for name, to := range map[string]*float64{"w": &i.Width, "h": &i.Height} {
		if v, ok := num(name, 0, 1e9); ok {
			*to = v
		}
	}
	switch p["fit"] {
	case "clip", "crop", "max", "min", "scale", "fill", "fillmax", "clamp", "facearea":
		i.Fit = p["fit"]
	}
	if v, ok := num("dpr", 0, 1e6); ok && v > 0 {
		i.DPR = min(v, 5)
	}
	if w, h, ok := strings.Cut(p["ar"], ":"); ok {
		var x, y float64
		if number(&x, w, 1e-3, 1e6) && number(&y, h, 1e-3, 1e6) && i.Fit == "crop" {
			i.Ratio = x / y
		}
	}
	i.readRect(p["rect"])
	if i.Fit == "crop" {
		for name, to := range map[string]*int{"max-w": &i.MaxW, "max-h": &i.MaxH, "min-w": &i.MinW, "min-h": &i.MinH} {
			if v, ok := num(name, 1, longest); ok {
				*to = int(v)
			}
		}
	}
	i.readCrop(p)
	i.FillMax = p["fill-max"] == "source" && i.Fit == "fillmax"
	if v, ok := num("pad", 0, longest); ok {
		n := int(v)
		i.Pad = [4]int{n, n, n, n}
	}
	for n, side := range []string{"top", "right", "bottom", "left"} {
		if v, ok := num("pad-"+side, 0, longest); ok {
			i.Pad[n] = int(v)
		}
	}
	if v, ok := num("rot", -1e6, 1e6); ok {
		i.Turn, i.Angle = quarters(math.Mod(v, 360))
	}
	switch p["orient"] {
	case "90", "180", "270":
		n, _ := strconv.Atoi(p["orient"])
		i.Turn = (i.Turn + n/90) % 4
	}
	i.Flip = flip{strings.Contains(p["flip"], "h"), strings.Contains(p["flip"], "v")}
}

func (i *imgix) readRect(text string) {
	parts := strings.Split(text, ",")
	if len(parts) != 4 {
		return
	}
	for n, part := range parts {
		if number(&i.Rect[n].N, part, 0, 1e9) {
			continue
		}
		switch part {
		case "left", "center", "right", "top", "middle", "bottom":
			i.Rect[n].Word = part
		default:
			i.Rect = [4]imgixLength{}
			return
		}
	}
	i.Part = true
}

// readCrop reads what stays of a picture that is cut.
func (i *imgix) readCrop(p map[string]string) {
	vertical, horizontal := "", ""
	if i.Fit == "facearea" {
		i.Gravity = "smart"
	}
	for w := range strings.SplitSeq(p["crop"], ",") {
		switch w {
		case "top":
			vertical = "n"
		case "bottom":
			vertical = "s"
		case "left":
			horizontal = "w"
		case "right":
			horizontal = "e"
		case "entropy":
			i.Gravity = "entropy"
		case "edges", "faces", "auto", "classes":
			i.Gravity = "smart"
		case "focalpoint":
			for n, name := range []string{"fp-x", "fp-y"} {
				number(&i.Focus[n], p[name], 0, 1)
			}
			if number(&i.Zoom, p["fp-z"], 1, 100) {
				i.Zoom = max(1, i.Zoom)
			}
			i.Gravity = fpGravity(i.Focus[0], i.Focus[1])
		}
	}
	// No detector finds faces: where a place is named too, it is that.
	if vertical+horizontal != "" && i.Gravity != "entropy" {
		i.Gravity = vertical + horizontal
	}
}

// part returns the part of the source that rect and the zoom leave.
func (i *imgix) part(src image.Point) image.Rectangle {
	r := image.Rectangle{Max: src}
	if i.Part {
		side := func(n, whole int) int {
			v := i.Rect[n].N
			if v <= 1 {
				v *= float64(whole)
			}
			return int(math.Min(float64(whole), math.Floor(v+0.5)))
		}
		w, h := side(2, src.X), side(3, src.Y)
		at := func(n, whole, part int) int {
			switch i.Rect[n].Word {
			case "":
				return side(n, whole)
			case "left", "top":
				return 0
			case "right", "bottom":
				return whole - part
			}
			return (whole - part) / 2
		}
		x, y := at(0, src.X, w), at(1, src.Y, h)
		r = image.Rect(x, y, x+w, y+h).Intersect(r)
	}
	if i.Zoom > 1 && !r.Empty() {
		near := rounding(halfUp)
		size := image.Pt(near.one(float64(r.Dx())/i.Zoom), near.one(float64(r.Dy())/i.Zoom))
		at := image.Pt(placed(r.Dx(), size.X, i.Focus[0]), placed(r.Dy(), size.Y, i.Focus[1])).Add(r.Min)
		r = image.Rectangle{Min: at, Max: at.Add(size)}
	}
	return r
}

// box returns the box in pixels; 0 for a side that is not given.
func (i *imgix) box(src image.Point) image.Point {
	near := rounding(halfUp)
	side := func(v float64, whole int) int {
		switch {
		case v == 0:
			return 0
		case v <= 1:
			return near.one(v * float64(whole))
		}
		return near.one(v * i.DPR)
	}
	box := image.Pt(side(i.Width, src.X), side(i.Height, src.Y))
	if i.Ratio > 0 {
		switch {
		case box.X > 0 && box.Y == 0:
			box.Y = near.one(float64(box.X) / i.Ratio)
		case box.Y > 0 && box.X == 0:
			box.X = near.one(float64(box.Y) * i.Ratio)
		case box == image.Point{}:
			box = least(image.Pt(src.X, near.one(float64(src.X)/i.Ratio)), image.Pt(near.one(float64(src.Y)*i.Ratio), src.Y))
		}
	}
	bound := func(v *int, least, most int) {
		if *v > 0 && most > 0 {
			*v = min(*v, most)
		}
		*v = max(*v, least)
	}
	bound(&box.X, i.MinW, i.MaxW)
	bound(&box.Y, i.MinH, i.MaxH)
	if most := max(box.X, box.Y); most > imgixLongest {
		f := imgixLongest / float64(most)
		for _, v := range []*int{&box.X, &box.Y} {
			if *v > 0 {
				*v = near.one(float64(*v) * f)
			}
		}
	}
	return box
}

func (i imgix) settle(p Picture, _ *Limits) (layout, *Fault) {
	l := whole(p.size())
	l.crop(i.part(p.size()))
	l.turn, l.flip = i.Turn, i.Flip
	l.scale(turned(l.part.Size(), l.turn))
	src := l.full
	near := rounding(halfUp)
	box := i.box(src)
	if box != (image.Point{}) {
		one := box.X == 0 || box.Y == 0
		alone := box
		box = follow(src, box, near)
		switch i.Fit {
		case "max":
			if size := within(src, alone, near); smaller(size, src) {
				l.scale(size)
			}
		case "crop", "facearea":
			l.scale(around(src, box, near))
			l.keep(box, i.Gravity)
		case "scale":
			l.scale(nonZero(alone, src))
		case "min":
			l.scale(coverDown(src, box, near))
			l.keep(ratioIn(l.full, box, near), i.Gravity)
		case "fillmax":
			if i.FillMax {
				box = least(box, src)
			}
			if one && !i.FillMax {
				box = nonZero(alone, least(box, src))
			}
			if size := within(src, box, near); smaller(size, src) {
				l.scale(size)
			}
			l.centred(box)
		case "fill", "clamp":
			l.scale(within(src, box, near))
			if !one {
				l.centred(box)
			}
		default:
			l.scale(within(src, alone, near))
		}
	}
	l.angle = i.Angle
	for n, pixels := range i.Pad {
		l.margins[n] += halfUp(float64(pixels) * i.DPR)
	}
	return l, nil
}

// imgixLook reads what changes colours and edges.
func imgixLook(p map[string]string, q params) {
	value := func(name, ours string, factor, low, high float64) {
		var v float64
		if number(&v, p[name], low, high) && v != 0 {
			q.set(ours, v*factor)
		}
	}
	value("bri", "bri", 1, -100, 100)
	value("con", "con", 1, -100, 100)
	value("sat", "sat", 1, -100, 100)
	value("hue", "hue", 1, -1e6, 1e6)
	value("sepia", "sepia", 1, 0, 100)
	value("px", "pixelate", 1, 0, 1000)
	value("blur", "blur", 0.1, 3, 2000)
	value("sharp", "sharpen", 0.1, 1, 100)
	value("corner-radius", "radius", 1, 0, longest)
	if p["mask"] != "corners" {
		delete(q, "radius")
	}
	value("border-radius", "radius", 1, 0, longest)
	if p["mask"] == "ellipse" {
		q.set("radius", "max")
	}
	var g float64
	if number(&g, p["gam"], -100, 100) && g != 0 {
		q.set("gam", math.Exp2(g/100))
	}
	if truth(p["invert"]) {
		q.set("invert", true)
	}
	color := func(name string) (string, bool) {
		text := strings.ToLower(p[name])
		if c, ok := namedColor(text); ok {
			return c, true
		}
		return argbColor(text)
	}
	if c, ok := color("monochrome"); ok {
		q.set("tint", c)
	}
	if a, b, ok := strings.Cut(p["duotone"], ","); ok {
		dark, ok1 := argbColor(a)
		light, ok2 := argbColor(b)
		if ok1 && ok2 {
			q.set("duotone", dark[:6]+","+light[:6])
		}
	}
	if c, ok := color("fill-color"); ok && p["fit"] != "clip" {
		q.set("bg", c)
	}
	if p["fill"] == "blur" {
		q.set("bg", "blur")
	}
	if c, ok := color("bg"); ok {
		q.set("bg", c)
	}
	if w, c, ok := strings.Cut(p["border"], ","); ok {
		var n float64
		if c, ok := argbColor(c); ok && number(&n, w, 1, longest) {
			q.set("border", strconv.Itoa(int(n))+","+c)
		}
	}
	if t := p["trim"]; t == "auto" || t == "color" {
		tolerance := 10.0
		number(&tolerance, p["trim-tol"], 0, 255)
		q.set("trim", trimOf(tolerance))
	}
	if t := p["txt"]; t != "" {
		q.set("txt", t)
		value("txt-size", "txtsize", 1, 1, 500)
		if c, ok := color("txt-color"); ok {
			q.set("txtcolor", c)
		}
		if g := imgixAlign(p["txt-align"]); g != "" {
			q.set("txtg", g)
		}
	}
}

// imgixAlign reads "top,left".
func imgixAlign(text string) string {
	v, h := "", ""
	for w := range strings.SplitSeq(text, ",") {
		switch w {
		case "top":
			v = "n"
		case "bottom":
			v = "s"
		case "left":
			h = "w"
		case "right":
			h = "e"
		}
	}
	return v + h
}

// imgixOutput reads what is about the file.
func imgixOutput(d *Dialect, c *Call, p map[string]string, r *Request) *Fault {
	q := r.params
	auto := "," + p["auto"] + ","
	has := func(w string) bool { return strings.Contains(auto, ","+w+",") }
	if has("format") || has("true") {
		r.format.format, r.Delivery.Vary = negotiated(c.Accept, &d.limits, true)
	}
	if has("compress") || has("true") {
		r.format.quality = 45
		q.set("strip", "all")
	}
	switch fm := p["fm"]; fm {
	case "json", "blurhash":
		return &Fault{Cause: NotOffered, Text: "fm=" + fm + " is not offered"}
	case "pjpg":
		r.format.format = resize.JPEG
		q.set("progressive", true)
	case "jpg", "png", "webp", "gif", "avif", "png8", "png32":
		if f := resize.FormatByName(strings.TrimRight(fm, "328")); d.limits.writes(f) {
			r.format.format = f
		}
		if fm == "png8" {
			q.set("q", 100)
		}
	}
	if p["fm"] != "" && !(has("format") && r.format.format.IsAuto()) {
		r.Delivery.Vary = false
	}
	var n float64
	if number(&n, p["q"], 1, 100) {
		r.format.quality = int(n)
	}
	if truth(p["lossless"]) {
		q.set("lossless", true)
	}
	switch p["chromasub"] {
	case "444":
		q.set("chroma", "444")
	case "420", "422":
		q.set("chroma", "420")
	}
	if p["cs"] == "origin" {
		q.set("icc", "keep")
	}
	if number(&n, p["page"], 1, 9999) || number(&n, p["frame"], 1, 9999) {
		q.set("page", int(n))
	}
	switch o := p["orient"]; o {
	case "1", "2", "3", "4", "5", "6", "7", "8":
		q.set("orient", o)
	}
	return nil
}
